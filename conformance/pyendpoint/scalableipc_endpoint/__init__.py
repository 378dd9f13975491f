"""One ScalableIPC endpoint, written from the numbered protocol rules alone.

An independent witness beside the C engine: it shares no code with it, only the rules and the SUT
contract. See README.md of the folder above for how to read it.
"""

from .endpoint import Endpoint

__all__ = ["Endpoint"]
