"""One ScalableIPC endpoint, written from the numbered protocol rules alone: an independent witness
beside the C engine. See README.md of the folder above for how to read it."""

from .endpoint import Endpoint

__all__ = ["Endpoint"]
