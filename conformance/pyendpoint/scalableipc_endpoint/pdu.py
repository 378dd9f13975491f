"""The PDU codec: WIRE-*, OPT-1..6 and the value ranges of ERR-1..3.

Bytes in, `Pdu` out, or `Discard` with the reason and the rule; and back. Names and values of
options stay bytes all the way (OPT-9). Nothing here knows of sessions.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from functools import cached_property

Options = tuple[tuple[bytes, bytes], ...]

PDU_MIN = 57  # WIRE-2
PDU_MAX = 65_500  # WIRE-2
HEADER = struct.Struct(">H32sqiB")  # WIRE-1: length, session id, window id, seq_nr, opcode
PREFIX_SIZE = 8  # WIRE-1: how much of the session id is repeated before the data

# WIRE-6
DATA, DATA_ACK, CLOSE, CLOSE_ACK, ENQUIRE_LINK, ENQUIRE_LINK_ACK = range(1, 7)
OPCODES = {
    DATA: "data",
    DATA_ACK: "data_ack",
    CLOSE: "close",
    CLOSE_ACK: "close_ack",
    ENQUIRE_LINK: "enquire_link",
    ENQUIRE_LINK_ACK: "enquire_link_ack",
}

# OPT-3
FIRST_IN_WINDOW_GROUP = b"s_00"
LAST_IN_WINDOW = b"s_01"
LAST_IN_WINDOW_GROUP = b"s_02"
SKIP = b"s_03"
IS_WINDOW_FULL = b"s_10"
MAX_WINDOW_SIZE = b"s_20"
ERROR_CODE = b"s_error_code"
ABORT_CODE = b"s_abort_code"
IDLE_TIMEOUT = b"s_idle_timeout"
TRACE_ID = b"s_traceId"
LONG_PREFIX = b"s_e_"

BOOLEANS = frozenset(
    {FIRST_IN_WINDOW_GROUP, LAST_IN_WINDOW, LAST_IN_WINDOW_GROUP, SKIP, IS_WINDOW_FULL}
)
INTEGERS = frozenset({MAX_WINDOW_SIZE, ERROR_CODE, ABORT_CODE, IDLE_TIMEOUT})
FRAMING = BOOLEANS | {MAX_WINDOW_SIZE, ERROR_CODE, ABORT_CODE}  # RCV-8a
SPEC_NAMES = {
    FIRST_IN_WINDOW_GROUP: "first_in_window_group",
    LAST_IN_WINDOW: "last_in_window",
    LAST_IN_WINDOW_GROUP: "last_in_window_group",
    SKIP: "skip",
    IS_WINDOW_FULL: "is_window_full",
    MAX_WINDOW_SIZE: "max_window_size",
    ERROR_CODE: "error_code",
    ABORT_CODE: "abort_code",
    IDLE_TIMEOUT: "idle_timeout",
    TRACE_ID: "trace_id",
}

# ERR-1: abort codes of close PDUs
ABORT_NORMAL, ABORT_FORCED, ABORT_IDLE_TIMEOUT, ABORT_INTERNAL_ERROR = range(1, 5)
# ERR-2: error codes of data_ack PDUs
ERROR_GROUP_OVERFLOW = 250
ERROR_OPTION_DECODING = 251
ERROR_TWO_WAY_WHILE_OPENING = 252
ERROR_SINGLE_WINDOW_GROUP = 253
ERROR_NO_BEGINNING = 254
# ERR-3: the one nack
ERROR_SESSION_ENDED = 150
# ERR-4: local codes
LOCAL_RESTART = -1
LOCAL_SHUTDOWN = -2
LOCAL_SEND_TIMEOUT = -3
LOCAL_OPEN_TIMEOUT = -4
LOCAL_NETWORK_ERROR = -5


class Discard(Exception):
    """A PDU that is dropped in silence (WIRE-7), with the reason and its rule."""

    def __init__(self, reason: str, rule: str) -> None:
        super().__init__(f"{rule} {reason}")
        self.reason = reason
        self.rule = rule


@dataclass(frozen=True)
class Pdu:
    """One PDU. `options` keep wire order and repeats (OPT-5)."""

    session: bytes
    window_id: int
    seq_nr: int
    opcode: int
    options: Options = ()
    data: bytes = b""

    @cached_property
    def _last(self) -> dict[bytes, bytes]:
        return dict(self.options)  # OPT-5: of a repeated option the last one counts

    def flag(self, name: bytes) -> bool:
        """A boolean option; absent means false."""
        value = self._last.get(name)
        return value is not None and parse_bool(value)

    def number(self, name: bytes) -> int:
        """An integer option; absent means 0."""
        value = self._last.get(name)
        return 0 if value is None else parse_int(value)

    def check_values(self) -> None:
        """OPT-4 for every known option, then the code ranges of ERR-1..3."""
        for name, value in self._last.items():
            try:
                if name in BOOLEANS:
                    parse_bool(value)
                elif name in INTEGERS:
                    parse_int(value)
            except ValueError:
                raise Discard("option_value", "OPT-4") from None
        if self.opcode == CLOSE and not 0 <= self.number(ABORT_CODE) <= 99:
            raise Discard("abort_code", "ERR-1")
        error = self.number(ERROR_CODE)
        if self.opcode == DATA_ACK and error != 0 and not 200 <= error <= 299:
            raise Discard("ack_error_code", "ERR-2a")
        if self.opcode == ENQUIRE_LINK_ACK and error != 0 and not 100 <= error <= 199:
            raise Discard("link_error_code", "ERR-3a")

    @property
    def abort_code(self) -> int:
        return self.number(ABORT_CODE) or ABORT_NORMAL  # ERR-1: absent or 0 means 1


def parse_bool(value: bytes) -> bool:
    """OPT-4: `true` or `false` in any letter case."""
    word = value.lower()
    if word not in (b"true", b"false"):
        raise ValueError("not a boolean")
    return word == b"true"


def parse_int(value: bytes) -> int:
    """OPT-4: optional sign, decimal digits, within int32."""
    match = re.fullmatch(rb"([+-]?)0*([0-9]{1,10})", value)
    if match is None:
        raise ValueError("not an integer")
    number = int(match[1] + match[2])
    if not -(2**31) <= number < 2**31:
        raise ValueError("not an int32")
    return number


def encode_option(name: bytes, value: bytes) -> bytes:
    """OPT-1: u16 L, name, NUL, u16 L again, value; L = name + value + 1."""
    if b"\0" in name:
        raise ValueError("an option's name holds a NUL")
    length = len(name) + len(value) + 1
    if length > 0xFFFF:
        raise ValueError("an option's name and value are longer than 65,534 bytes")
    size = length.to_bytes(2, "big")
    return size + name + b"\0" + size + value


def encode_options(options: Options) -> bytes:
    return b"".join(encode_option(name, value) for name, value in options)


def encode_raw(
    session: bytes, window_id: int, seq_nr: int, opcode: int, options: bytes, data: bytes
) -> bytes:
    """WIRE-1 from options already encoded."""
    total = PDU_MIN + len(options) + len(data)
    if total > PDU_MAX:
        raise ValueError(f"a PDU of {total} bytes; at most {PDU_MAX} are possible (WIRE-2)")
    if window_id < 0 or seq_nr < 0:
        raise ValueError("negative window id or seq_nr (WIRE-4)")
    if opcode not in OPCODES:
        raise ValueError(f"opcode {opcode} never travels (WIRE-6)")
    head = HEADER.pack(total, session, window_id, seq_nr, opcode)
    return head + options + b"\0\0" + session[:PREFIX_SIZE] + data


def encode(pdu: Pdu) -> bytes:
    return encode_raw(
        pdu.session, pdu.window_id, pdu.seq_nr, pdu.opcode, encode_options(pdu.options), pdu.data
    )


def decode(datagram: bytes) -> Pdu:
    """Reads one datagram, any bytes; raises Discard."""
    if len(datagram) < PDU_MIN:
        raise Discard("too_short", "WIRE-2")
    if len(datagram) > PDU_MAX:
        raise Discard("too_long", "WIRE-2")
    total, session, window_id, seq_nr, opcode = HEADER.unpack_from(datagram)
    if total != len(datagram):
        raise Discard("length_mismatch", "WIRE-3")
    if window_id < 0:
        raise Discard("negative_window_id", "WIRE-4")
    if seq_nr < 0:
        raise Discard("negative_seq_nr", "WIRE-4")
    if opcode not in OPCODES:
        raise Discard("opcode", "WIRE-6")
    options, at = _decode_options(datagram, HEADER.size)
    if datagram[at : at + PREFIX_SIZE] != session[:PREFIX_SIZE]:
        raise Discard("session_prefix", "WIRE-5")
    pdu = Pdu(session, window_id, seq_nr, opcode, options, datagram[at + PREFIX_SIZE :])
    pdu.check_values()
    return pdu


def _decode_options(datagram: bytes, at: int) -> tuple[Options, int]:
    """OPT-2. Returns the options and where the session id's repeated prefix begins."""
    options: list[tuple[bytes, bytes]] = []
    while True:
        length = _u16(datagram, at)
        at += 2
        if length == 0:  # the two zero bytes behind the last option
            return tuple(options), at
        nul = datagram.find(b"\0", at, at + length)
        if nul < 0:
            cut = at + length > len(datagram)
            raise Discard("option_cut" if cut else "option_name", "OPT-2")
        if _u16(datagram, nul + 1) != length:
            raise Discard("option_lengths", "OPT-2")
        value_at = nul + 3
        value_end = value_at + length - 1 - (nul - at)
        if value_end > len(datagram):
            raise Discard("option_cut", "OPT-2")
        options.append((datagram[at:nul], datagram[value_at:value_end]))
        at = value_end


def _u16(datagram: bytes, at: int) -> int:
    if at + 2 > len(datagram):
        raise Discard("option_cut", "OPT-2")
    return int.from_bytes(datagram[at : at + 2], "big")
