"""The PDU codec (WIRE, OPT, ERR): bytes in, `Pdu` out, or `Discard` with rule and reason; and back.

Names and values of options stay bytes all the way (OPT-9). Nothing here knows of sessions.
"""

import re
import struct
from dataclasses import dataclass
from functools import cached_property

PDU_MIN, PDU_MAX = 57, 65_500  # WIRE-2
HEADER = struct.Struct(">H32sqiB")  # WIRE-1: length, session id, window id, seq_nr, opcode
OPCODES = {1: "data", 2: "data_ack", 3: "close", 4: "close_ack",  # WIRE-6
           5: "enquire_link", 6: "enquire_link_ack"}
DATA, DATA_ACK, CLOSE, CLOSE_ACK, ENQUIRE_LINK, ENQUIRE_LINK_ACK = OPCODES

ABORT_NORMAL, ABORT_FORCED, ABORT_IDLE_TIMEOUT, ABORT_INTERNAL_ERROR = 1, 2, 3, 4  # ERR-1
ERROR_GROUP_OVERFLOW, ERROR_OPTION_DECODING, ERROR_TWO_WAY_WHILE_OPENING = 250, 251, 252  # ERR-2
ERROR_SINGLE_WINDOW_GROUP, ERROR_NO_BEGINNING = 253, 254  # ERR-2
ERROR_SESSION_ENDED = 150  # ERR-3: the one nack
RESTART, SHUTDOWN, SEND_TIMEOUT, OPEN_TIMEOUT, NETWORK_ERROR = -1, -2, -3, -4, -5  # ERR-4


class Discard(Exception):
    """A PDU that is dropped in silence (WIRE-7)."""

    def __init__(self, rule, reason):
        super().__init__(f"{rule} {reason}")
        self.reason = reason


def need(kept, rule, reason):
    """Discards the PDU at hand where a rule is not kept."""
    if not kept:
        raise Discard(rule, reason)


def parse_bool(value):
    """OPT-4: `true` or `false` in any letter case."""
    need(value.lower() in (b"true", b"false"), "OPT-4", "option_value")
    return value.lower() == b"true"


def parse_int(value):
    """OPT-4: optional sign, decimal digits, within int32."""
    match = re.fullmatch(rb"([+-]?)0*([0-9]{1,10})", value)
    need(bool(match) and -(2**31) <= int(match[1] + match[2]) < 2**31, "OPT-4", "option_value")
    return int(match[1] + match[2])


# OPT-3: the options that belong to the protocol, and how their values read
FIRST_IN_WINDOW_GROUP, LAST_IN_WINDOW, LAST_IN_WINDOW_GROUP = b"s_00", b"s_01", b"s_02"
SKIP, IS_WINDOW_FULL, MAX_WINDOW_SIZE = b"s_03", b"s_10", b"s_20"
ERROR_CODE, ABORT_CODE, IDLE_TIMEOUT = b"s_error_code", b"s_abort_code", b"s_idle_timeout"
LONG_PREFIX = b"s_e_"
KNOWN = {
    FIRST_IN_WINDOW_GROUP: parse_bool, LAST_IN_WINDOW: parse_bool, LAST_IN_WINDOW_GROUP: parse_bool,
    SKIP: parse_bool, IS_WINDOW_FULL: parse_bool, MAX_WINDOW_SIZE: parse_int,
    ERROR_CODE: parse_int, ABORT_CODE: parse_int, IDLE_TIMEOUT: parse_int,
}
FRAMING = KNOWN.keys() - {IDLE_TIMEOUT}  # RCV-8a
CODES = {  # by opcode: what its code may be besides 0; rule and reason to discard others
    CLOSE: (range(1, 100), "ERR-1", "abort_code"),
    DATA_ACK: (range(200, 300), "ERR-2a", "ack_error_code"),
    ENQUIRE_LINK_ACK: (range(100, 200), "ERR-3a", "link_error_code"),
}


@dataclass(frozen=True)
class Pdu:
    session: bytes
    window_id: int
    seq_nr: int
    opcode: int
    options: tuple = ()  # of (name, value), in wire order, with repeats (OPT-5)
    data: bytes = b""

    @cached_property
    def values(self):
        """The known options, each with its last value (OPT-5)."""
        last = dict(self.options)
        return {name: parse(last[name]) for name, parse in KNOWN.items() if name in last}

    def get(self, name):
        """The value of a known option; absent means 0, or false."""
        return self.values.get(name, 0)


def encode(pdu):
    """WIRE-1. ValueError: it may not travel."""
    options = b"".join(encode_option(name, value) for name, value in pdu.options)
    total = PDU_MIN + len(options) + len(pdu.data)
    if total > PDU_MAX or pdu.opcode not in OPCODES or min(pdu.window_id, pdu.seq_nr) < 0:
        raise ValueError("breaks WIRE-2, WIRE-4 or WIRE-6")
    head = HEADER.pack(total, pdu.session, pdu.window_id, pdu.seq_nr, pdu.opcode)
    return head + options + b"\0\0" + pdu.session[:8] + pdu.data


def encode_option(name, value):
    """OPT-1: u16 L, name, NUL, u16 L again, value; L = name + value + 1."""
    if b"\0" in name or len(name) + len(value) > 0xFFFE:
        raise ValueError("an option with a NUL in its name, or too long")
    size = (len(name) + len(value) + 1).to_bytes(2, "big")
    return size + name + b"\0" + size + value


def option_bytes(options):
    return sum(len(name) + len(value) + 5 for name, value in options)


def decode(datagram):
    """Reads one datagram, any bytes; raises Discard."""
    need(len(datagram) >= PDU_MIN, "WIRE-2", "too_short")
    need(len(datagram) <= PDU_MAX, "WIRE-2", "too_long")
    total, session, window_id, seq_nr, opcode = HEADER.unpack_from(datagram)
    need(total == len(datagram), "WIRE-3", "length_mismatch")
    need(window_id >= 0, "WIRE-4", "negative_window_id")
    need(seq_nr >= 0, "WIRE-4", "negative_seq_nr")
    need(opcode in OPCODES, "WIRE-6", "opcode")
    options, at = decode_options(datagram, HEADER.size)
    need(datagram[at : at + 8] == session[:8], "WIRE-5", "session_prefix")
    pdu = Pdu(session, window_id, seq_nr, opcode, options, datagram[at + 8 :])
    code = pdu.get(ABORT_CODE if opcode == CLOSE else ERROR_CODE)
    if opcode in CODES:
        codes, rule, reason = CODES[opcode]
        need(code == 0 or code in codes, rule, reason)
    return pdu


def decode_options(datagram, at):
    """OPT-2. Returns the options and where the session id's repeated prefix begins."""
    options = []
    while (length := u16(datagram, at)) != 0:  # two zero bytes end the list
        at += 2
        nul = datagram.find(b"\0", at, at + length)
        need(nul >= 0 or at + length <= len(datagram), "OPT-2", "option_cut")
        need(nul >= 0, "OPT-2", "option_name")
        need(u16(datagram, nul + 1) == length, "OPT-2", "option_lengths")
        end = at + length + 2
        need(end <= len(datagram), "OPT-2", "option_cut")
        options.append((datagram[at:nul], datagram[nul + 3 : end]))
        at = end
    return tuple(options), at + 2


def u16(datagram, at):
    need(at + 2 <= len(datagram), "OPT-2", "option_cut")
    return int.from_bytes(datagram[at : at + 2], "big")


# Long attributes: the text `<name length>:<name><value>` in repeated options s_e_<n> (OPT-7)


def fit_attributes(attributes, room):
    """Attributes as options of at most `room` bytes each; what does not fit one is cut to pieces.
    ValueError: the name of a long attribute is not UTF-8."""
    options, long_count = [], 0
    for name, value in attributes:
        if option_bytes([(name, value)]) <= room:
            options.append((name, value))
            continue
        key = LONG_PREFIX + b"%d" % long_count
        long_count += 1
        units = len(name.decode().encode("utf-16-le")) // 2
        wire = (b"%d:%s%s" % (units, name, value)).decode("latin-1").encode()
        while wire:
            end = room - option_bytes([(key, b"")])
            while end < len(wire) and wire[end] & 0xC0 == 0x80:  # not in the middle of a char
                end -= 1
            options.append((key, wire[:end]))
            wire = wire[end:]
    return options


def join_attributes(options):
    """The attributes in the options of a group's PDUs (RCV-8). Values keep their order (OPT-9).
    ValueError: a long one cannot be decoded (OPT-8)."""
    attributes, pieces = [], {}
    for name, value in options:
        if name.startswith(LONG_PREFIX):  # OPT-7a: the text behind s_e_ is only a key
            pieces[name] = pieces.get(name, b"") + value.decode().encode("latin-1")
        else:
            attributes.append((name, value))
    attributes += map(split_name, pieces.values())
    return [pair for pair in attributes if pair[0] not in FRAMING]  # RCV-8a


def split_name(text):
    """OPT-7: the name's length is in UTF-16 code units; the value may be any bytes (OPT-9)."""
    match = re.match(rb"([0-9]{1,9}):", text)
    if match is None:
        raise ValueError("no name length")
    rest, size = text[match.end() :], 2 * int(match[1])
    units = rest.decode("utf-8", "surrogateescape").encode("utf-16-le", "surrogatepass")
    if size > len(units):
        raise ValueError("the name is cut short")
    name = units[:size].decode("utf-16-le").encode()
    return name, rest[len(name) :]
