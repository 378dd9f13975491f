"""Captures made by hand, byte by byte, for tests: PDUs, packets, pcap and pcapng.

Nothing of the project's own readers and writers is used. SPDX-License-Identifier: MIT
"""

import struct

SESSION = bytes(range(0x20, 0x40))
DATA, ACK, CLOSE, CLOSE_ACK, LINK, LINK_ACK = range(1, 7)
PORT = 40001


def pdu(opcode=DATA, window_id=0, seq_nr=0, options=(), data=b"", session=SESSION):
    """A PDU (WIRE-1, OPT-1)."""
    encoded = b""
    for name, value in options:
        name, value = name.encode(), value.encode()
        size = struct.pack(">H", len(name) + len(value) + 1)
        encoded += size + name + b"\0" + size + value
    body = session + struct.pack(">qiB", window_id, seq_nr, opcode) + encoded + b"\0\0"
    body += session[:8] + data
    return struct.pack(">H", len(body) + 2) + body


def full(window_id=0, data=b"hello", session=SESSION):
    """A group of one PDU."""
    flags = [(name, "True") for name in ("s_00", "s_01", "s_02", "s_03")]
    return pdu(window_id=window_id, options=flags, data=data, session=session)


# ---- packets ----

def udp(payload, source=PORT, destination=PORT, length=None):
    length = len(payload) + 8 if length is None else length
    return struct.pack(">HHHH", source, destination, length, 0) + payload


def tcp(payload, seq, ack=None, flags="", source=PORT, destination=PORT):
    bits = sum({"F": 1, "S": 2, "R": 4}[flag] for flag in flags) | (16 if ack is not None else 0)
    return struct.pack(">HHIIBBHHH", source, destination, seq & 0xffffffff,
                       (ack or 0) & 0xffffffff, 5 << 4, bits, 65535, 0, 0) + payload


def ipv4(payload, protocol=17, back=False, ident=1, fragment=0, more=False, length=None):
    ends = [bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])]
    length = len(payload) + 20 if length is None else length
    return struct.pack(">BBHHHBBH", 0x45, 0, length, ident, fragment // 8 | (0x2000 if more else 0),
                       64, protocol, 0) + ends[back] + ends[not back] + payload


def ipv6(payload, protocol=17, extensions=b""):
    ends = bytes.fromhex("fe80" + "00" * 13 + "01"), bytes.fromhex("fe80" + "00" * 13 + "02")
    return struct.pack(">IHBB", 6 << 28, len(extensions + payload), protocol, 64) + ends[0] + \
        ends[1] + extensions + payload


def ether(packet, kind=0x0800, tags=()):
    head = bytes(12)
    for tag in tags:
        head += struct.pack(">HH", tag, 7)
    return head + struct.pack(">H", kind) + packet


# ---- files ----

def pcap(frames, link=1, order="<", nano=False, snap=262144):
    """`frames`: bytes, or (time in ns, bytes, length on the wire)."""
    out = [struct.pack(order + "IHHIIII", 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, snap,
                       link)]
    for number, frame in enumerate(frames):
        at, data, wire = frame if isinstance(frame, tuple) else (number * 1000, frame, len(frame))
        part = at % 10**9 // (1 if nano else 1000)
        out.append(struct.pack(order + "IIII", at // 10**9, part, len(data), wire) + data)
    return b"".join(out)


def option(code, value, order="<"):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def block(kind, body, order="<", length=None, trailer=None):
    body += bytes(-len(body) % 4)
    length = len(body) + 12 if length is None else length
    trailer = length if trailer is None else trailer
    return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", trailer)


def section(order="<", options=b"", magic=0x1a2b3c4d, version=1):
    return block(0x0a0d0d0a, struct.pack(order + "IHHq", magic, version, 0, -1) + options, order)


def interface(link=1, snap=0, options=b"", order="<"):
    return block(1, struct.pack(order + "HHI", link, 0, snap) + options, order)


def packet(data, number=0, units=0, order="<", options=b"", captured=None, wire=None):
    captured = len(data) if captured is None else captured
    head = struct.pack(order + "IIIII", number, units >> 32, units & 0xffffffff, captured,
                       captured if wire is None else wire)
    return block(6, head + data + bytes(-len(data) % 4) + options, order)


def pcapng(frames, link=1, order="<"):
    return section(order) + interface(link, order=order) + b"".join(
        packet(frame, units=number, order=order) for number, frame in enumerate(frames))


# ---- captures of the simulator, cut ----

def packets_of(capture):
    """(time in ns, bytes, direction: 0 unknown, 1 in, 2 out; comment) of the packets of a capture
    by the project's writer."""
    at, out = 0, []
    while at < len(capture):
        kind, length = struct.unpack_from("<II", capture, at)
        if kind == 6:
            _, high, low, size, _ = struct.unpack_from("<IIIII", capture, at + 8)
            options, way, comment = at + 28 + (size + 3) // 4 * 4, 0, b""
            while options + 4 < at + length - 4:
                code, width = struct.unpack_from("<HH", capture, options)
                value = capture[options + 4:options + 4 + width]
                way = struct.unpack("<I", value)[0] if code == 2 else way
                comment += value if code == 1 else b""
                options += 4 + (width + 3) // 4 * 4
            out.append((high << 32 | low, capture[at + 28:at + 28 + size], way, comment))
        at += length
    return out


def tapped(packets, keep, flags=True):
    """The packets for which keep(source address, destination, direction) holds, as one capture."""
    out = [section(), interface(228, options=option(9, b"\x09"))]
    for at, data, way, _ in packets:
        if keep(data[12:16], data[16:20], way):
            options = option(2, struct.pack("<I", way)) if flags and way else b""
            out.append(packet(data, units=at, options=options))
    return b"".join(out)
