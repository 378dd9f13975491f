# scapy.contrib.description = ScalableIPC
# scapy.contrib.status = loads
"""ScalableIPC for Scapy: PDUs with their options, byte streams, and a helper that keeps a session's
window ids and answers PDUs.

Written from conformance/RULES.md alone, so that it is a witness of its own beside the engine: it
shares no code with any other codec of the project. Everything left out of a PDU is worked out when
it is built (lengths, the repeated prefix); everything given is sent as it is, right or wrong.
SPDX-License-Identifier: MIT
"""

import os
import re
import struct

from scapy.config import conf
from scapy.fields import (ByteEnumField, FieldLenField, PacketListField, ShortField, SignedIntField,
                          SignedLongField, StrField, StrFixedLenField, StrLenField, StrNullField,
                          XStrFixedLenField)
from scapy.layers.inet import TCP, UDP
from scapy.packet import Packet, Raw, bind_bottom_up, split_bottom_up

PDU_MIN, PDU_MAX = 57, 65500  # WIRE-2
HEAD, PREFIX = 47, 8  # bytes before the options; of the session id again
WINDOW_ID_MAX, WINDOW_ID_STEP = 9 * 10**15, 100  # WID-2, WID-3
DEFAULT_PORT = 40001

OPCODES = {1: "data", 2: "data_ack", 3: "close", 4: "close_ack", 5: "enquire_link",
           6: "enquire_link_ack"}

# OPT-3: the words of the rules, and how they are written.
BOOLEANS = {"first_in_window_group": b"s_00", "last_in_window": b"s_01",
            "last_in_window_group": b"s_02", "skip": b"s_03", "is_window_full": b"s_10"}
INTEGERS = {"max_window_size": b"s_20", "error_code": b"s_error_code",
            "abort_code": b"s_abort_code", "idle_timeout": b"s_idle_timeout"}
TEXTS = {"trace_id": b"s_traceId"}
WIRE_NAMES = {**BOOLEANS, **INTEGERS, **TEXTS}
WORDS = {wire: word for word, wire in WIRE_NAMES.items()}
LONG_PREFIX = b"s_e_"
FRAMING = {wire for word, wire in WIRE_NAMES.items() if word not in ("idle_timeout", "trace_id")}


# ---- values (OPT-4) ----


def parse_value(key, value):
    """The value of a known option as bool, int or bytes; None if it is not possible."""
    word = WORDS[key]
    if word in BOOLEANS:
        return {b"true": True, b"false": False}.get(value.lower())
    if word in TEXTS:
        return value
    if re.fullmatch(rb"[+-]?[0-9]+", value) is None:
        return None
    digits = value.lstrip(b"+-0") or b"0"
    if len(digits) > 10:
        return None
    number = -int(digits) if value.startswith(b"-") else int(digits)
    return number if -(2**31) <= number < 2**31 else None


def as_bytes(value):
    """Bytes of an option's name or value as applications give them."""
    if isinstance(value, bytes):
        return value
    return str(value).encode()


def option(name, value=True):
    """An option by its word in the rules, or any other name: option("skip"), option("error_code",
    253), option("colour", "red")."""
    return Option(key=WIRE_NAMES.get(name, as_bytes(name)), value=as_bytes(value))


def options(*flags, **values):
    """A list of options: options("skip", "last_in_window", max_window_size=4)."""
    return [option(flag) for flag in flags] + [option(*item) for item in values.items()]


# ---- layers ----


class Option(Packet):
    """u16 L, name, NUL, u16 L again, value (OPT-1)."""

    name = "ScalableIPC option"
    fields_desc = [
        FieldLenField("length", None, length_of="value",
                      adjust=lambda pkt, size: min(size + len(as_bytes(pkt.key)) + 1, 0xffff)),
        StrNullField("key", b""),
        ShortField("length_again", None),
        StrLenField("value", b"",
                    length_from=lambda pkt: max(0, pkt.length_again - len(pkt.key) - 1)),
    ]

    def post_build(self, pkt, pay):
        if self.length_again is None:
            at = 2 + len(as_bytes(self.key)) + 1
            pkt = pkt[:at] + pkt[:2] + pkt[at + 2:]
        return pkt + pay

    def extract_padding(self, s):
        return b"", s

    def mysummary(self):
        return self.sprintf("%key%=%value%")


def next_option(_pkt, _lst, _cur, remain):
    """Options go on up to the two zero bytes."""
    return Option if len(remain) >= 2 and remain[:2] != b"\0\0" else None


class NoPDU(Packet):
    """Bytes in which not even the fields can be told: `reason` says why."""

    name = "no ScalableIPC PDU"
    fields_desc = [StrField("load", b"")]

    @property
    def reason(self):
        return discard_reason(self.load)

    def mysummary(self):
        return f"no ScalableIPC PDU ({self.reason})"


class ScalableIPC(Packet):
    """One PDU (WIRE-1); the data is its payload."""

    name = "ScalableIPC"
    fields_desc = [
        ShortField("length", None),
        XStrFixedLenField("session", bytes(32), 32),
        SignedLongField("window_id", 0),
        SignedIntField("seq_nr", 0),
        ByteEnumField("opcode", 1, OPCODES),
        PacketListField("options", [], next_cls_cb=next_option),
        ShortField("terminator", 0),
        StrFixedLenField("prefix", None, PREFIX),
    ]

    @classmethod
    def dispatch_hook(cls, _pkt=None, *_args, **_kwargs):
        if _pkt is not None and find_options(_pkt)[0] is not None:
            return NoPDU
        return cls

    def post_build(self, pkt, pay):
        if self.prefix is None:
            pkt = pkt[:-PREFIX] + pkt[2:2 + PREFIX]
        if self.length is None:
            pkt = struct.pack("!H", min(len(pkt) + len(pay), 0xffff)) + pkt[2:]
        return pkt + pay

    def extract_padding(self, s):
        size = max(0, self.length - (len(self.original) - len(s)))
        return s[:size], s[size:]

    @property
    def data(self):
        """The data, b"" if there is none."""
        return bytes(self.payload) if isinstance(self.payload, Raw) else b""

    @property
    def reason(self):
        """Why a receiver discards this PDU (WIRE, OPT, ERR); None if it does not."""
        return discard_reason(self.original or bytes(self))

    def value(self, word):
        """The value that counts of a known option (OPT-5); None if absent, or not possible."""
        found = [o for o in self.options if o.key == WIRE_NAMES[word]]
        return parse_value(found[-1].key, found[-1].value) if found else None

    def values(self):
        """All known options present: {word: value}."""
        present = {o.key for o in self.options}
        return {word: self.value(word) for word, wire in WIRE_NAMES.items() if wire in present}

    def hashret(self):
        return self.session

    def answers(self, other):
        if not isinstance(other, ScalableIPC) or other.session != self.session:
            return False
        if self.opcode == other.opcode + 1 and self.opcode in (2, 4):
            return self.window_id == other.window_id
        return self.opcode == 6 and other.opcode == 5

    def mysummary(self):
        words = [w if v is True else f"{w}={v}" for w, v in self.values().items() if v is not False]
        text = f"{OPCODES.get(self.opcode, self.opcode)} {self.window_id}:{self.seq_nr}"
        return f"ScalableIPC {text} {{{' '.join(words)}}} {len(self.data)} B"


# ---- what is wrong with a PDU ----


def find_options(raw):
    """Walks the form of a PDU of 57 bytes or more: (reason, options as (key, value), offset of the
    terminator). Shorter ones, and those with broken options (OPT-2), have a reason."""
    found, at = [], HEAD
    if len(raw) < PDU_MIN:
        return "too_short", found, at
    while raw[at:at + 2] != b"\0\0":
        if len(raw) - at < 2:
            return "option_cut", found, at
        (length,) = struct.unpack_from("!H", raw, at)
        rest = raw[at + 2:]
        key, nul, tail = rest[:length].partition(b"\0")
        if not nul:
            return "option_cut" if len(rest) < length else "option_name", found, at
        tail = rest[len(key) + 1:]
        if len(tail) < 2:
            return "option_cut", found, at
        if struct.unpack_from("!H", tail)[0] != length:
            return "option_lengths", found, at
        value = tail[2:2 + length - len(key) - 1]
        if len(value) < length - len(key) - 1:
            return "option_cut", found, at
        found.append((key, value))
        at += len(key) + len(value) + 5
    return None, found, at


def bad_code(opcode, counting):
    """The reason a code is out of its range (ERR-1 to ERR-3), else None."""
    error = counting.get(WIRE_NAMES["error_code"], 0)
    abort = counting.get(WIRE_NAMES["abort_code"], 0)
    if opcode == 3 and not 0 <= abort <= 99:
        return "abort_code"
    if opcode == 2 and error != 0 and not 200 <= error <= 299:
        return "ack_error_code"
    if opcode == 6 and error != 0 and not 100 <= error <= 199:
        return "link_error_code"
    return None


def discard_reason(raw):
    """Why a receiver discards these bytes of a datagram, by the first thing that is wrong: sizes,
    then fields in wire order, then values and codes. None if it takes them."""
    if len(raw) < PDU_MIN:
        return "too_short"
    if len(raw) > PDU_MAX:
        return "too_long"
    length, session, window_id, seq_nr, opcode = struct.unpack_from("!H32sqiB", raw)
    form, found, at = find_options(raw)
    prefix = raw[at + 2:at + 2 + PREFIX]
    counting = {key: parse_value(key, value) for key, value in found if key in WORDS}
    checks = [("length_mismatch", length != len(raw)), ("negative_window_id", window_id < 0),
              ("negative_seq_nr", seq_nr < 0), ("opcode", opcode not in OPCODES),
              (form, form is not None), ("session_prefix", prefix != session[:PREFIX]),
              ("option_value", None in counting.values())]
    for reason, wrong in checks:
        if wrong:
            return reason
    return bad_code(opcode, counting)


# ---- long attributes (OPT-7) ----


def long_attribute(name, value, n=0, piece_max=1000):
    """One attribute as options s_e_<n> with values of up to `piece_max` bytes."""
    name, value = as_bytes(name), as_bytes(value)
    units = len(name.decode().encode("utf-16-be")) // 2
    text = b"%d:" % units + name + value
    pieces, piece = [], b""
    for byte in text:
        char = chr(byte).encode()
        if len(piece) + len(char) > piece_max:
            pieces.append(piece)
            piece = b""
        piece += char
    return [Option(key=LONG_PREFIX + b"%d" % n, value=p) for p in [*pieces, piece]]


def join_long(pieces):
    """(name, value) of the pieces of one long attribute; None if they are none (OPT-8)."""
    try:
        text = b"".join(piece.decode().encode("latin-1") for piece in pieces)
    except UnicodeError:
        return None
    match = re.match(rb"([0-9]+):", text)
    if match is None:
        return None
    units, at = int(match[1][:20].lstrip(b"0") or b"0"), match.end()
    end = at
    while units > 0:
        size = next((n for n in range(1, 5) if is_char(text[end:end + n])), None)
        if size is None or (size == 4 and units == 1):
            return None
        units -= 2 if size == 4 else 1
        end += size
    return text[at:end], text[end:]


def is_char(raw):
    """Whether these bytes are one character of UTF-8."""
    try:
        return len(raw.decode()) == 1
    except UnicodeError:
        return False


def attributes_of(pdus):
    """What an application gets of the options of a window group's PDUs: [(name, value)]; None for
    one that cannot be decoded."""
    plain, pieces = [], {}
    for pdu in pdus:
        for opt in pdu.options:
            if opt.key.startswith(LONG_PREFIX):
                pieces.setdefault(opt.key, []).append(opt.value)
            elif opt.key not in FRAMING:
                plain.append((opt.key, opt.value))
    return plain + [join_long(values) for values in pieces.values()]


# ---- byte streams (WIRE-3) ----


class FramingError(ValueError):
    """A frame of an impossible length: nothing behind it can be read."""


def frame_size(data):
    """The length of the frame that begins here, None if too little is there to tell."""
    if len(data) < 2:
        return None
    (size,) = struct.unpack_from("!H", data)
    if not PDU_MIN <= size <= PDU_MAX:
        raise FramingError(f"a frame of {size} bytes, {PDU_MIN}..{PDU_MAX} are possible")
    return size


def next_frame(_pkt, _lst, _cur, remain):
    """What reads the next whole frame of a stream, None if there is none."""
    try:
        size = frame_size(remain)
    except FramingError:
        return None
    return one_frame if size is not None and len(remain) >= size else None


def one_frame(raw, **_kwargs):
    """The PDU of the first frame, with what follows it as padding."""
    size = frame_size(raw)
    pdu = ScalableIPC(raw[:size])
    if len(raw) > size:
        pdu.add_payload(conf.padding_layer(raw[size:]))
    return pdu


class Frames(Packet):
    """PDUs of a byte stream, one behind the other; what cannot be read is the payload. Sniffed with
    session=TCPSession the frames are whole, however segments cut them."""

    name = "ScalableIPC frames"
    fields_desc = [PacketListField("pdus", [], next_cls_cb=next_frame)]

    @classmethod
    def tcp_reassemble(cls, data, _metadata, _session=None):
        """The frames, once the bytes end where one does, or nothing more can be read."""
        at = 0
        while at < len(data):
            try:
                size = frame_size(data[at:])
            except FramingError:
                break
            if size is None or len(data) - at < size:
                return None
            at += size
        return cls(data)

    def mysummary(self):
        return ", ".join(pdu.summary() for pdu in self.pdus)


class Stream:
    """Cuts the bytes of a connection into PDUs, however they come."""

    def __init__(self):
        self.pending = b""

    def feed(self, data):
        """The PDUs that are whole now. FramingError: close the connection."""
        self.pending += data
        pdus = []
        while (size := frame_size(self.pending)) is not None and len(self.pending) >= size:
            pdus.append(ScalableIPC(self.pending[:size]))
            self.pending = self.pending[size:]
        return pdus


# ---- where PDUs are found ----


def bind_port(port):
    """Datagrams and streams of this port are ScalableIPC."""
    for lower, upper in ((UDP, ScalableIPC), (TCP, Frames)):
        bind_bottom_up(lower, upper, dport=port)
        bind_bottom_up(lower, upper, sport=port)


def unbind_port(port):
    """Takes that back."""
    for lower, upper in ((UDP, ScalableIPC), (TCP, Frames)):
        split_bottom_up(lower, upper, dport=port)
        split_bottom_up(lower, upper, sport=port)


bind_port(DEFAULT_PORT)
conf.l2types.register(147, ScalableIPC)  # DLT_USER0


# ---- sessions ----


class ResyncNeeded(RuntimeError):
    """The next id would be `top`, kept for the resync PDU (WID-11): send Session.resync() first."""


class Session:
    """One end of a session: gives window ids, cuts messages into windows, takes what the peer
    sends and answers it. It never waits and sends nothing itself: timers and retries (the same PDUs
    again) are the caller's. Any PDU it makes may be changed before it is sent."""

    def __init__(self, session_id=None, mtu=1400, peer_window=16, max_window_size=16):
        self.session_id = os.urandom(32) if session_id is None else session_id
        self.mtu, self.peer_window, self.max_window_size = mtu, peer_window, max_window_size
        self.used = []  # own ids in order of use, from the newest acked one on
        self.acked = None  # WID-10: the newest acked
        self.lowest = None  # min of the peer's ids (WID-3)
        self.done = None  # the peer's window processed last, and its ack
        self.window_id, self.window = None, {}
        self.group = []
        self.delivered = []  # [(data, attributes)] of whole window groups

    def pdu(self, opcode, window_id=0, seq_nr=0, opts=(), data=b""):
        """Any PDU of this session."""
        packet = ScalableIPC(session=self.session_id, opcode=opcode, window_id=window_id,
                             seq_nr=seq_nr, options=list(opts))
        return packet / Raw(data) if data else packet

    # -- own ids --

    @property
    def top(self):
        """The largest id that may be used now (WID-10)."""
        if self.acked is None or self.acked == WINDOW_ID_MAX:
            return WINDOW_ID_STEP
        return min(self.acked + WINDOW_ID_STEP, WINDOW_ID_MAX)

    def next_window_id(self):
        """Takes the next id (WID-9)."""
        newest = self.used[-1] if self.used else self.acked
        following = 0 if newest is None or newest == self.acked == WINDOW_ID_MAX else newest + 1
        if following >= self.top:
            raise ResyncNeeded(f"{self.top} is kept for the resync PDU")
        self.used.append(following)
        return following

    def resync(self):
        """The resync PDU; the same each time until an ack moves the ids."""
        if self.top not in self.used:
            self.used.append(self.top)
        return self.pdu(1, self.top)

    def take_ack(self, ack):
        """Learns from an ack: ids (WID-10), the peer's window size (SND-12). Whether it may count
        for a window that is under way."""
        if ack.opcode not in (2, 4) or ack.window_id not in self.used:
            return False
        if ack.value("error_code") == 252:
            return True
        self.acked = ack.window_id
        self.used = self.used[self.used.index(ack.window_id):]
        if (ack.value("max_window_size") or 0) > 0:
            self.peer_window = ack.value("max_window_size")
        return True

    # -- sending --

    def message(self, data, attributes=(), skip=False, opening=False):
        """Windows (lists of PDUs) of one window group. `opening`: at least two windows, the first
        of one PDU (OPN-3), for a peer that may not know the session yet."""
        extra = [option(*pair) for pair in dict(attributes).items()]
        if skip:
            extra.append(option("skip"))
        chunks = self.cut(data, extra)
        if opening and not skip:
            windows = [chunks[:1]]
            chunks = chunks[1:] or [([], b"")]
        else:
            windows = []
        windows += [chunks[i:i + self.peer_window] for i in range(0, len(chunks), self.peer_window)]
        return [self.frame(window, index == 0, index == len(windows) - 1, skip)
                for index, window in enumerate(windows)]

    def cut(self, data, extra):
        """Data and attributes as (options, data) of PDUs, with room for the framing options."""
        room = self.mtu - PDU_MIN - 4 * 13
        first = room - sum(len(bytes(opt)) for opt in extra)
        if first < 0:
            raise ValueError("attributes do not fit a PDU: add long_attribute() options yourself")
        chunks = [(extra, data[:first])]
        chunks += [([], data[i:i + room]) for i in range(first, len(data), room)]
        return chunks

    def frame(self, window, is_first, is_last, skip):
        """One window's PDUs with the options of SND-5, under an id of its own."""
        window_id = self.next_window_id()
        pdus = []
        for seq_nr, (extra, data) in enumerate(window):
            flags = ["first_in_window_group"] * (is_first and seq_nr == 0)
            if seq_nr == len(window) - 1:
                flags += ["last_in_window"] + ["last_in_window_group"] * is_last
            flags += ["skip"] * (skip and not (is_first and seq_nr == 0))
            pdus.append(self.pdu(1, window_id, seq_nr, extra + options(*flags), data))
        return pdus

    def close(self, code=1):
        """A close PDU (CLS-1, CLS-2)."""
        return self.pdu(3, self.next_window_id(), 0, [option("abort_code", code)])

    def enquire_link(self):
        """An enquire link (LNK-2)."""
        return self.pdu(5)

    # -- receiving --

    def accepts(self, window_id):
        """Whether an id of the peer is valid now (WID-1 to WID-6)."""
        if self.lowest is None:
            return 0 <= window_id <= WINDOW_ID_STEP
        if self.done is not None and window_id == self.done.window_id:
            return False
        if self.lowest == WINDOW_ID_MAX and 0 <= window_id <= WINDOW_ID_STEP:
            return True
        return self.lowest <= window_id <= min(self.lowest + WINDOW_ID_STEP, WINDOW_ID_MAX)

    def ack(self, pdu, **values):
        """An ack for a PDU: ack(pdu, is_window_full=True, max_window_size=4)."""
        return self.pdu(pdu.opcode + 1, pdu.window_id, pdu.seq_nr, options(**values))

    def receive(self, pdu):
        """Takes a PDU of the peer as an opened session does. The answer, None if there is none;
        what became whole is in `delivered`."""
        if pdu.reason is not None or pdu.session != self.session_id:
            return None
        if pdu.opcode in (2, 4):
            self.take_ack(pdu)
            return None
        if pdu.opcode in (5, 6):
            return self.pdu(6) if pdu.opcode == 5 else None
        if not self.accepts(pdu.window_id):
            same = self.done is not None and self.done.window_id == pdu.window_id
            return self.done if same and self.done.opcode == pdu.opcode + 1 else None  # WID-7
        if pdu.opcode == 3:
            return self.receive_close(pdu)
        return self.receive_data(pdu) if pdu.seq_nr < self.max_window_size else None

    def receive_close(self, pdu):
        """A close is a window of one; only a gracious one is answered (CLS-3)."""
        if pdu.seq_nr != 0:
            return None
        self.lowest = pdu.window_id
        if pdu.value("abort_code") not in (None, 0, 1):
            return None
        self.done = self.ack(pdu, is_window_full=True)
        return self.done

    def receive_data(self, pdu):
        """RCV-1 to RCV-8, without limits and errors but 254."""
        self.lowest = pdu.window_id
        if self.window_id != pdu.window_id:
            self.window_id, self.window = pdu.window_id, {}
        if pdu.value("first_in_window_group"):
            self.group = []
        if pdu.value("last_in_window"):
            self.window = {n: p for n, p in self.window.items()
                           if n < pdu.seq_nr and not p.value("last_in_window")}
        self.window[pdu.seq_nr] = pdu
        run = 0
        while run in self.window and not (run and self.window[run - 1].value("last_in_window")):
            run += 1
        if run == 0:
            return None
        ends = self.window[run - 1].value("last_in_window")
        ack = self.pdu(2, pdu.window_id, run - 1)
        if not ends and run < self.max_window_size:
            return ack
        return self.finish_window([self.window[n] for n in range(run)], ack)

    def finish_window(self, pdus, ack):
        """A full window moves to the group; the group to `delivered` if it ends it."""
        self.window_id, self.window = None, {}
        if not self.group and not pdus[0].value("first_in_window_group"):
            ack.options = options(error_code=254)
            self.done = ack
            return ack
        self.group += pdus
        if pdus[-1].value("last_in_window") and pdus[-1].value("last_in_window_group"):
            data = b"".join(pdu.data for pdu in self.group)
            self.delivered.append((data, attributes_of(self.group)))
            self.group = []
        ack.options = options("is_window_full", max_window_size=self.max_window_size)
        self.done = ack
        return ack
