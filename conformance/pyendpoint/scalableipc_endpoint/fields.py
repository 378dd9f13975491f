"""Reading the fields of a request: each of its kind, or BadRequest that names the field."""

from __future__ import annotations

import base64
import binascii
from typing import Any

MISSING: Any = object()
SIZE_MAX = 1 << 30


class BadRequest(Exception):
    """The request is understood but wrong: `ok: false`, nothing changed."""


class Fields:
    def __init__(self, request: dict[str, Any]) -> None:
        self._request = request

    def _get(self, name: str, default: Any) -> Any:
        value = self._request.get(name)
        if value is not None:
            return value
        if default is MISSING:
            raise BadRequest(f"`{name}` is missing")
        return default

    def _typed(self, name: str, default: Any, kind: type, what: str) -> Any:
        value = self._get(name, default)
        if value is default:
            return value
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise BadRequest(f"`{name}` must be {what}, not {value!r:.80}")
        return value

    def integer(self, name: str, default: Any = MISSING, low: int | None = None) -> int:
        value: int = self._typed(name, default, int, "an integer")
        if low is not None and value < low:
            raise BadRequest(f"`{name}` must be {low} or more, not {value}")
        return value

    def boolean(self, name: str, default: Any = MISSING) -> bool:
        return bool(self._typed(name, default, bool, "true or false"))

    def text(self, name: str, default: Any = MISSING) -> str:
        return str(self._typed(name, default, str, "a text"))

    def mapping(self, name: str) -> dict[str, Any]:
        value: dict[str, Any] = self._typed(name, MISSING, dict, "an object")
        return value

    def hex(self, name: str) -> bytes:
        return _from_hex(name, self.text(name))

    def session_id(self) -> bytes:
        value = self.hex("session")
        if len(value) != 32:
            raise BadRequest(f"`session` must be 64 hex digits, not {2 * len(value)}")
        return value

    def data(self) -> bytes:
        """`data` in base64, or `size` bytes of the contract's pattern, or nothing."""
        if self._request.get("data") is not None:
            try:
                return base64.b64decode(self.text("data"), validate=True)
            except (binascii.Error, ValueError):
                raise BadRequest("`data` is not base64") from None
        size = self.integer("size", 0, low=0)
        if size > SIZE_MAX:
            raise BadRequest(f"`size` must be {SIZE_MAX} or less, not {size}")
        pattern = bytes(range(251))
        return (pattern * (size // 251 + 1))[:size]

    def attributes(self) -> list[tuple[bytes, bytes]]:
        pairs = self._typed("attributes", [], list, "a list")
        attributes: list[tuple[bytes, bytes]] = []
        for pair in pairs:
            if not isinstance(pair, list) or len(pair) != 2:
                raise BadRequest(f"`attributes` must hold [name, value] pairs, not {pair!r:.80}")
            attributes.append((_from_json_text(pair[0]), _from_json_text(pair[1])))
        return attributes


def _from_hex(name: str, value: str) -> bytes:
    try:
        return binascii.unhexlify(value)
    except (binascii.Error, ValueError):
        raise BadRequest(f"`{name}` is not hex: {value!r:.80}") from None


def _from_json_text(value: Any) -> bytes:
    """A text, or bytes that are none as {"hex": ...} (OPT-9)."""
    if isinstance(value, str):
        try:
            return value.encode("utf-8")
        except UnicodeEncodeError:
            raise BadRequest("an attribute holds half a surrogate pair") from None
    if isinstance(value, dict) and isinstance(value.get("hex"), str):
        return _from_hex("attributes", value["hex"])
    raise BadRequest(f'an attribute must be a text or {{"hex": ...}}, not {value!r:.80}')


def to_json_text(value: bytes) -> Any:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return {"hex": value.hex()}
