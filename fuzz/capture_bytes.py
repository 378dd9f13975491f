"""Captures and packets as bytes, for make_captures.py. Times are in ms."""

import struct

ETHERNET, RAW, USER0 = 1, 101, 147
DATA, DATA_ACK, CLOSE, CLOSE_ACK, ENQUIRE, ENQUIRE_ACK = range(1, 7)
FIN, SYN, RST, ACK = 1, 2, 4, 16
HOST, PEER = bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2))
HOST6, PEER6 = bytes((0xFE, 0x80)) + bytes(13) + b"\1", bytes((0xFE, 0x80)) + bytes(13) + b"\2"
SESSION = bytes(range(32))
IN, OUT = 1, 2


def u16(*numbers):
    return struct.pack(f">{len(numbers)}H", *numbers)


# ---- files ----


def block(kind, body, order="<"):
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


def options(*pairs, order="<"):
    """Each a number and its bytes."""
    text = b""
    for code, value in pairs:
        text += struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)
    return text


def section(*pairs, order="<", major=1):
    head = struct.pack(f"{order}IHHq", 0x1A2B3C4D, major, 0, -1)
    return block(0x0A0D0D0A, head + options(*pairs, order=order), order)


def interface(link=RAW, *pairs, snap=0, order="<"):
    body = struct.pack(f"{order}HHI", link, 0, snap) + options(*pairs, order=order)
    return block(1, body, order)


def packet(data, at_ms=0, *pairs, to=0, wire=None, order="<"):
    units = int(at_ms * 1000)
    wire = len(data) if wire is None else wire
    head = struct.pack(f"{order}5I", to, units >> 32, units & 0xFFFFFFFF, len(data), wire)
    return block(6, head + data + bytes(-len(data) % 4) + options(*pairs, order=order), order)


def flags(direction):
    return 2, struct.pack("<I", direction)


def simple(data, wire=None):
    return block(3, struct.pack("<I", len(data) if wire is None else wire) + data)


def of(link, *frames):
    """A capture of frames a second apart; one that is a pair was cut: its bytes, and how many."""
    out = section() + interface(link)
    for number, frame in enumerate(frames):
        data, wire = frame if isinstance(frame, tuple) else (frame, len(frame))
        out += packet(data, 1000 * number, wire=wire)
    return out


def seen(*packets, link=RAW, count=1):
    """A capture of (ms, frame) or (ms, frame, interface)."""
    out = section() + b"".join(interface(link) for _ in range(count))
    for at_ms, frame, *to in packets:
        out += packet(frame, at_ms, to=to[0] if to else 0)
    return out


def pcap(magic, order, *frames, link=RAW):
    out = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for number, data in enumerate(frames):
        out += struct.pack(f"{order}4I", number, 0, len(data), len(data)) + data
    return out


# ---- packets ----


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(rest, protocol=17, back=False, **other):
    """other: ident, cut (flags and offset), head (words), extra (options), length."""
    extra = other.get("extra", b"")
    head = other.get("head", 5 + len(extra) // 4)
    length = other.get("length", 20 + len(extra) + len(rest))
    ends = PEER + HOST if back else HOST + other.get("peer", PEER)
    return (
        struct.pack(">BBHHH", 0x40 | head, 0, length, other.get("ident", 0), other.get("cut", 0))
        + struct.pack(">BBH", 64, protocol, 0)
        + ends
        + extra
        + rest
    )


def ipv6(rest, protocol=17, back=False, length=None):
    length = len(rest) if length is None else length
    ends = PEER6 + HOST6 if back else HOST6 + PEER6
    return struct.pack(">IHBB", 6 << 28, length, protocol, 64) + ends + rest


def udp(payload, back=False, length=None, check=0, ports=(40001, 40002)):
    ports = ports[::-1] if back else ports
    length = 8 + len(payload) if length is None else length
    return u16(*ports, length, check) + payload


def tcp(payload, seq, ack=0, what=ACK, back=False, **other):
    """other: extra (options), head (words), ports."""
    extra = other.get("extra", b"")
    head = other.get("head", 5 + len(extra) // 4)
    ports = other.get("ports", (40001, 40002))
    ports = ports[::-1] if back else ports
    words = struct.pack(">HHIIBBHHH", *ports, seq, ack, head << 4, what, 1000, 0, 0)
    return words + extra + payload


def over_udp(payload, back=False, **other):
    return ipv4(udp(payload, back), back=back, **other)


def over_tcp(payload, seq, ack=0, what=ACK, back=False, **other):
    return ipv4(tcp(payload, seq, ack, what, back, **other), 6, back)


def pdu(opcode=DATA, window=0, seq=0, data=b"", *named, session=SESSION):
    text = b""
    for name, value in named:
        size = u16(len(name) + 1 + len(value))
        text += size + name + b"\0" + size + value
    rest = session + struct.pack(">qiB", window, seq, opcode) + text + u16(0) + session[:8] + data
    return u16(2 + len(rest)) + rest


def ether(kind, rest):
    return bytes(12) + u16(kind) + rest
