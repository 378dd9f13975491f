"""Attributes of a message: what an application may set (SND-3, SND-4), and long ones (OPT-7..9).

A long attribute is the text `<name length>:<name><value>`, the length in UTF-16 code units. Each
byte of its UTF-8 form becomes one char, and these chars, again as UTF-8, are the pieces that
travel as repeated options `s_e_<n>`.
"""

from __future__ import annotations

import re

from . import pdu

Attributes = list[tuple[bytes, bytes]]

MAY_BE_SET = {pdu.SKIP}  # SND-4: of the framing names only this one


class Undecodable(Exception):
    """OPT-8: becomes processing error 251."""


class Forbidden(Exception):
    """SND-3, SND-4: the message is refused."""


def check(attributes: Attributes) -> None:
    """SND-4. A known option with a value the peer would discard is refused too (OPT-4)."""
    for name, value in attributes:
        if b"\0" in name:
            raise Forbidden("a NUL in an attribute's name")
        if name in pdu.FRAMING - MAY_BE_SET or name.startswith(pdu.LONG_PREFIX):
            raise Forbidden(f"{name!r} belongs to the protocol")
        try:
            if name in pdu.BOOLEANS:
                pdu.parse_bool(value)
            elif name in pdu.INTEGERS:
                pdu.parse_int(value)
        except ValueError:
            raise Forbidden(f"{value!r} is no value of {name!r}") from None


def encode(attributes: Attributes, room: int) -> list[bytes]:
    """Options, each at most `room` bytes: what does not fit one travels in pieces (OPT-7)."""
    options: list[bytes] = []
    long_count = 0
    for name, value in attributes:
        if len(name) + len(value) + 5 <= room:
            options.append(pdu.encode_option(name, value))
            continue
        key = pdu.LONG_PREFIX + str(long_count).encode()
        long_count += 1
        options += [pdu.encode_option(key, piece) for piece in _pieces(name, value, room, key)]
    return options


def _pieces(name: bytes, value: bytes, room: int, key: bytes) -> list[bytes]:
    try:
        units = len(name.decode("utf-8").encode("utf-16-le")) // 2
    except UnicodeDecodeError:
        raise Forbidden("a long attribute's name must be UTF-8") from None
    text = str(units).encode() + b":" + name + value
    piece_max = room - len(key) - 5
    pieces: list[bytes] = []
    piece = bytearray()
    for byte in text:
        char = chr(byte).encode("utf-8")
        if len(piece) + len(char) > piece_max:
            pieces.append(bytes(piece))
            piece.clear()
        piece += char
    return [*pieces, bytes(piece)]


def decode(options: Attributes) -> Attributes:
    """The attributes of a group from the options of its PDUs in order (RCV-8, OPT-7..9)."""
    short: Attributes = []
    pieces: dict[bytes, bytearray] = {}
    for name, value in options:
        if name.startswith(pdu.LONG_PREFIX):
            # OPT-7a: the text behind s_e_ is only a key.
            pieces.setdefault(name, bytearray()).extend(_piece_bytes(value))
        else:
            short.append((name, value))
    attributes = short + [_split(bytes(text)) for text in pieces.values()]
    return [pair for pair in attributes if pair[0] not in pdu.FRAMING]  # RCV-8a


def _piece_bytes(piece: bytes) -> bytes:
    try:
        return piece.decode("utf-8").encode("latin-1")
    except UnicodeError:
        raise Undecodable("a piece is not Latin-1 in UTF-8") from None


def _split(text: bytes) -> tuple[bytes, bytes]:
    match = re.match(rb"([0-9]{1,9}):", text)
    if match is None:
        raise Undecodable("no name length")
    units = int(match[1])
    at = match.end()
    while units > 0:
        if at >= len(text):
            raise Undecodable("the name is cut short")
        lead = text[at]
        at += 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
        units -= 2 if lead >= 0xF0 else 1  # four bytes of UTF-8 are a surrogate pair
    name = text[match.end() : at]
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        raise Undecodable("the name is not UTF-8") from None
    if units < 0 or at > len(text):
        raise Undecodable("the name's length cuts a character")
    return name, text[at:]
