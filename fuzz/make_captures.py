#!/usr/bin/python3
"""Writes corpus/fuzz_capture/made: one small capture for each boundary, named after it.

Run it after a change; it needs nothing but Python. Times are in ms, one interface is one machine.
"""

import pathlib
import struct

from capture_bytes import (
    ACK,
    CLOSE,
    CLOSE_ACK,
    DATA,
    DATA_ACK,
    ENQUIRE,
    ENQUIRE_ACK,
    ETHERNET,
    FIN,
    HOST,
    IN,
    OUT,
    PEER,
    RAW,
    RST,
    SYN,
    USER0,
    block,
    checksum,
    ether,
    flags,
    interface,
    ipv4,
    ipv6,
    of,
    options,
    over_tcp,
    over_udp,
    packet,
    pcap,
    pdu,
    section,
    seen,
    simple,
    tcp,
    u16,
    udp,
)

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE / "corpus" / "fuzz_capture" / "made"
VECTORS = HERE / "corpus" / "fuzz_pdu_decode" / "vectors"

made = {}

ONE = over_udp(pdu())
SIX = ipv6(udp(pdu()))


def addresses():
    texts = """10.0.0.1 10.0.0.1:40001 10.0.0.1:65535 10.0.0.1:65536 10.0.0.1: 10.0.0.1:x 10.0.0.1:/
        10.0.0.1:1x 10.0.0 [fe80::1]:40001 [fe80::1] fe80::1 [fe80::1 [fe80::1]40001 [fe80::g]:1
        user0:0 user0:1 user0:2 user0:11 user1:0"""
    for number, text in enumerate(texts.split()):
        made[f"address-{number:02}"] = text.encode()
    made["address-long"] = b"1" * 60


def blocks():
    start = section() + interface()
    made["nothing"] = b""
    for order, name in (("<", "little"), (">", "big")):
        made[f"pcapng-{name}"] = (
            section((4, b"other"), (4, b"another"), (1, b"a comment"), (9, b"?"), order=order)
            + interface(
                RAW,
                (2, b"eth0"),
                (2, b"eth1"),
                (3, b"a card"),
                (14, struct.pack(f"{order}q", 5)),
                (99, b""),
                order=order,
            )
            + packet(ONE, 1, order=order)
            + block(5, struct.pack(f"{order}III", 0, 0, 0), order)
        )
    made["pcapng-offset-of-4-bytes"] = section() + interface(RAW, (14, bytes(4))) + packet(ONE)
    for text in ("00", "06", "09", "0c", "1e", "7f", "80", "8a", "a2", "a8", "bf", "c0", "ff"):
        code = bytes.fromhex(text)
        made[f"pcapng-resolution-{text}"] = (
            section() + interface(RAW, (9, code)) + packet(ONE, 10**9) + packet(ONE, 10**12)
        )
    made["pcapng-resolution-of-2-bytes"] = section() + interface(RAW, (9, bytes(2))) + packet(ONE)
    count = struct.pack("<Q", 7)
    made["pcapng-statistics"] = start + b"".join(
        (
            block(5, bytes(8)),
            block(5, bytes(12)),
            block(5, struct.pack("<III", 9, 0, 0) + options((5, count))),
            block(5, bytes(12) + options((4, count), (5, count[:4]), (5, count), (0, b""))),
        )
    )
    for snap in (0, 60, 65535):
        made[f"pcapng-simple-snap-{snap}"] = (
            section() + interface(RAW, snap=snap) + simple(ONE[: snap or None], len(ONE))
        )
    old = struct.pack("<HHIIII", 0, 0, 0, 1, len(ONE), len(ONE)) + ONE
    made["pcapng-old-packets"] = start + block(2, old)
    made["pcapng-comments"] = start + b"".join(
        (
            packet(ONE, 1, (1, b"one")),
            packet(ONE, 2, (1, b""), (1, b"one"), (1, b"two"), flags(IN), (2, b"12")),
            packet(ONE, 3, (1, b"a" * 90), (0, b""), (1, b"behind the end")),
            packet(ONE, 4) + packet(b"", 5, (1, b"of nothing"), wire=60),
        )
    )
    made["pcapng-option-over-the-end"] = start + packet(ONE, 1, (1, b"one"))[:-12] + bytes(8)
    made["pcapng-unknown-block"] = start + block(0xBAD, b"what") + packet(ONE)
    made["pcapng-two-sections"] = start + packet(ONE) + section(order=">") + packet(ONE, order=">")
    second = section(order=">") + interface(order=">")
    made["pcapng-two-sections-described"] = start + second + packet(ONE, order=">")
    made["pcapng-five-interfaces"] = section() + 5 * interface() + packet(ONE, to=4)


def broken_blocks():
    start = section() + interface()
    for size in (1, 8, 11, 30):
        made[f"pcapng-section-cut-to-{size}"] = section()[:size]
    made["pcapng-no-section"] = b"\n" + interface() + packet(ONE)
    made["pcapng-section-of-12"] = block(0x0A0D0D0A, b"")
    made["pcapng-section-of-16"] = block(0x0A0D0D0A, struct.pack("<I", 0x1A2B3C4D))
    made["pcapng-other-magic"] = block(0x0A0D0D0A, bytes(16))
    made["pcapng-version-2"] = section(major=2)
    made["pcapng-interface-first"] = section() + packet(ONE)
    made["pcapng-interface-short"] = section() + block(1, bytes(4))
    made["pcapng-packet-short"] = start + block(6, bytes(16))
    made["pcapng-packet-larger-than-block"] = start + block(6, struct.pack("<5I", 0, 0, 0, 9, 9))
    made["pcapng-packet-huge"] = start + block(6, struct.pack("<5I", 0, 0, 0, 300000, 0))
    made["pcapng-length-of-13"] = start + struct.pack("<III", 6, 13, 13)
    made["pcapng-length-huge"] = start + struct.pack("<III", 6, 1 << 25, 0)
    made["pcapng-two-lengths"] = start + struct.pack("<III", 6, 12, 16)


def files():
    made["pcapng-by-sipc"] = (
        section((4, b"sipc"))
        + interface()
        + packet(ONE, 1)
        + packet(ONE, 1, flags(OUT))
        + packet(over_tcp(pdu(), 1), 2)
        + interface(USER0)
        + packet(pdu(), 3, to=1)
        + packet(pdu(), 3, flags(IN), to=1)
        + packet(pdu(), 4, flags(OUT), to=1)
    )
    for magic, name in ((0xA1B2C3D4, "us"), (0xA1B23C4D, "ns")):
        for order, word in (("<", "little"), (">", "big")):
            made[f"pcap-{name}-{word}"] = pcap(magic, order, ONE, SIX)
    made["pcap-cut-in-a-packet"] = pcap(0xA1B2C3D4, "<", ONE, ONE)[:-5]
    made["pcap-user1"] = pcap(0xA1B2C3D4, "<", pdu(), pdu()[:30], link=USER0 + 1)


# ---- links ----


def links():
    for kind in (0x8100, 0x88A8, 0x9100):
        made[f"ether-{kind:04x}"] = of(
            ETHERNET,
            ether(kind, u16(1, 0x0800) + ONE),
            ether(kind, u16(1, 0x8100, 2, 0x86DD) + SIX),
            ether(kind, b"\0\1\10"),
        )
    made["ether-short"] = of(ETHERNET, bytes(13), ether(0x0806, bytes(28)))
    made["ether-padded"] = of(ETHERNET, ether(0x0800, over_udp(b"") + bytes(18)))

    def pppoe(kind, rest, length=None):
        length = len(kind) + len(rest) if length is None else length
        return struct.pack(">BBHH", 0x11, 0, 1, length) + kind + rest

    sessions = (
        pppoe(u16(0x21), ONE),
        pppoe(u16(0x57), SIX),
        pppoe(b"\x21", ONE),
        pppoe(b"\x57", SIX),
        pppoe(u16(0xC021), bytes(8)),
        pppoe(u16(0x21), ONE, 0),
        pppoe(u16(0x21), ONE, 1000),
        pppoe(u16(0x21), ONE, 40),
        (pppoe(u16(0x21), ONE, 90)[:70], 200),
        pppoe(u16(0x21), b"")[:7],
        bytes(5),
    )
    made["pppoe"] = of(51, *sessions)
    made["pppoe-over-ether"] = of(ETHERNET, *(ether(0x8864, one) for one in sessions[:5]))
    for link, name in ((0, "null"), (108, "loop")):
        made[name] = of(
            link,
            *(struct.pack(">I", family) + ONE for family in (2, 7)),
            *(struct.pack("<I", family) + SIX for family in (10, 24, 28, 30, 31)),
            bytes(3),
        )
    frames = b""
    for way in (0, 1, 4):
        first = u16(way, 1, 6) + bytes(8) + u16(0x0800) + ONE
        second = u16(0x86DD, 0) + bytes(6) + bytes((way,)) + bytes(9) + SIX
        for number, frame in enumerate((first, second, first[:15], second[:19])):
            frames += packet(frame, way, to=number % 2)
            frames += packet(frame, way + 10, flags(OUT), to=number % 2)
    made["cooked"] = section() + interface(113) + interface(276) + frames
    for link in (12, 14, 101, 228, 229, 162, 163, 999):
        made[f"link-{link}"] = of(link, ONE, SIX)
    made["user0"] = section() + interface(USER0) + b"".join(
        packet(one, at, *([flags(way)] if way else []))
        for at, (one, way) in enumerate(
            ((pdu(), OUT), (pdu(DATA_ACK), IN), (pdu(), 0), (pdu()[:30], OUT), (b"", IN))
        )
    )


# ---- IP ----


def headers():
    made["ip-nothing"] = of(RAW, b"", (b"", 60), b"\x50" + bytes(40), ipv4(b"", 1))
    made["ipv4-lengths"] = of(
        RAW,
        ONE[:19],
        (ONE[:19], 100),
        ipv4(udp(pdu()), head=4),
        ipv4(udp(pdu()), length=0),
        ipv4(udp(pdu()), length=19),
        ipv4(udp(pdu()), length=2000),
        ipv4(udp(pdu()), length=40),
        ipv4(udp(pdu()), extra=b"\x94\4\0\0"),
        (ipv4(udp(pdu()), extra=bytes(40))[:40], 200),
        ipv4(b"", head=15, length=0),
        (ipv4(b"", head=15, length=0)[:20], 30),
    )
    head = ipv4(b"")
    made["udp-lengths"] = of(
        RAW,
        ipv4(bytes(7)),
        (ipv4(bytes(7), length=100), 100),
        *(ipv4(udp(pdu(), length=size)) for size in (0, 7, 8, 30, 500)),
        (ONE[:60], len(ONE)),
        (ONE[:28], len(ONE)),
    )
    words = tcp(b"", 1)
    made["tcp-lengths"] = of(
        RAW,
        ipv4(words[:19], 6),
        (ipv4(words[:19], 6, length=100), 100),
        ipv4(tcp(b"", 1, head=4), 6),
        ipv4(tcp(b"", 1, head=6), 6),
        (ipv4(tcp(b"", 1, head=15), 6, length=100), 100),
    )
    made["ipv6-lengths"] = of(
        RAW,
        SIX[:39],
        (SIX[:39], 100),
        ipv6(udp(pdu()), length=0),
        ipv6(udp(pdu()), length=2000),
        ipv6(tcp(pdu(), 1), 6),
        ipv6(b"", 58),
        head,
    )


def extensions():
    small = udp(pdu())
    extended = {0: bytes((43, 0)) + bytes(6), 43: bytes((60, 0)) + bytes(6)}
    extended.update({60: bytes((51, 0)) + bytes(6), 51: bytes((17, 1)) + bytes(10)})
    chain = extended[0] + extended[43] + extended[60] + extended[51]
    atomic = bytes((17, 0)) + u16(0, 0, 9)
    made["ipv6-extensions"] = of(
        RAW,
        ipv6(chain + small, 0),
        ipv6(b"\x11\0\0", 60),
        (ipv6(b"\x11\0\0", 60, length=100), 140),
        ipv6(b"\x11\x09" + bytes(6), 60),
        (ipv6(b"\x11\x09" + bytes(6), 60, length=100), 140),
        ipv6((b"\x3c\0" + bytes(6)) * 17, 60),
        ipv6(atomic + small, 44),
        ipv6(atomic[:7], 44),
        (ipv6(atomic[:7], 44, length=100), 140),
        ipv6(bytes((17, 0)) + u16(1, 0, 9) + small[:16], 44),
        ipv6(bytes((17, 0)) + u16(16, 0, 9) + small[16:], 44),
        ipv6(bytes((58, 0)) + u16(1, 0, 9) + small[:16], 44),
    )


def checksums():
    wrong = pdu()[:-1] + b"?"
    for size, name in ((0, "even"), (1, "odd")):
        bad = wrong + b"a" * (1 - size)
        made[f"checksum-{name}"] = of(
            RAW,
            over_udp(pdu()),
            *(ipv4(udp(bad, check=check)) for check in (0, 1, 0xFFFF)),
            ipv6(udp(pdu())),
            *(ipv6(udp(bad, check=check)) for check in (0, 1, 0xFFFF)),
            ipv4(udp(b"\xff" * 40, check=1)),
            ipv4(tcp(b"\xff" * 41, 1), 6),
        )
    zero = checksum(ipv4(b"", 1))
    made["checksum-of-zero"] = of(RAW, ipv4(b"", 1, ident=zero), ipv4(b"", 1, ident=zero + 1))
    # one whose sum is all ones: 0 means that there is none, so it is written as ones
    whole = HOST + PEER + u16(17, 10) + u16(40001, 40002, 10, 0)
    made["checksum-of-ones"] = of(RAW, ipv4(udp(u16(checksum(whole)), check=1)))
    # words that add up to 0x3ffff: the sum of both its halves does not fit either
    words = HOST + PEER + u16(17, 14) + u16(40001, 40002, 14, 0) + b"\xff" * 4
    rest = 0x3FFFF - sum(struct.unpack(f">{len(words) // 2}H", words))
    made["checksum-carries-twice"] = of(RAW, ipv4(udp(b"\xff" * 4 + u16(rest), check=1)))


def fragments():
    whole = udp(pdu(data=b"a" * 30))
    more = 0x2000

    def piece(start, end, last=False, **other):
        cut = start // 8 | (0 if last else more)
        return ipv4(whole[start:end], ident=other.pop("ident", 7), cut=cut, **other)

    made["fragments"] = of(RAW, piece(0, 40), piece(40, 80), piece(80, None, True))
    made["fragments-backwards"] = of(RAW, piece(80, None, True), piece(40, 80), piece(0, 40))
    made["fragments-overlap-the-same"] = of(
        RAW, piece(0, 40), piece(0, 80), piece(40, None, True), piece(0, 40)
    )
    other = ipv4(bytes(40), ident=7, cut=more)
    made["fragments-overlap-others"] = of(RAW, piece(0, 40), other, piece(40, None, True))
    made["fragments-two-ends"] = of(
        RAW, piece(40, None, True), piece(40, 60, True), piece(80, None, True, ident=8)
    )
    made["fragments-end-before-others"] = of(RAW, piece(40, 80), piece(8, 16, True))
    made["fragments-behind-the-end"] = of(RAW, piece(40, 60, True), piece(80, 88))
    made["fragments-end-first"] = of(RAW, piece(80, None, True), piece(0, 8), piece(8, 16, True))
    made["fragments-the-same-end"] = of(RAW, piece(80, None, True), piece(80, None, True))
    made["fragments-uneven"] = of(RAW, ipv4(whole[:41], ident=7, cut=more))
    made["fragments-empty"] = of(RAW, ipv4(b"", ident=7, cut=more), ipv4(b"", ident=8, cut=4))
    made["fragments-behind-65535"] = of(RAW, ipv4(bytes(16), ident=7, cut=0x1FFF))
    made["fragments-cut"] = of(RAW, (piece(0, 40)[:50], 60))
    made["fragments-of-icmp"] = of(RAW, ipv4(bytes(40), 1, ident=7, cut=more))
    made["fragments-of-others"] = of(
        RAW,
        piece(0, 40),
        piece(40, None, True, ident=8),
        piece(40, None, True, peer=HOST),
        piece(40, None, True, back=True),
        ipv4(whole[40:], 6, ident=7, cut=5),
        ipv6(bytes((17, 0)) + u16(1, 0, 7) + whole[:40], 44),
        piece(40, None, True),
    )
    made["fragments-too-late"] = seen((0, piece(0, 40)), (61000, piece(40, None, True)))
    made["fragments-time-backwards"] = seen((5000, piece(0, 40)), (0, piece(40, None, True)))
    many = [simple(ipv4(bytes(8), ident=i + 1, cut=more)) for i in range(66)]
    made["fragments-of-66-datagrams"] = section() + interface() + b"".join(many)


# ---- PDUs ----


def pdus():
    names = sorted(path.name for path in VECTORS.iterdir() if 2 <= path.stat().st_size <= 80)
    for start in range(0, len(names), 12):
        chosen = [(VECTORS / name).read_bytes() for name in names[start : start + 12]]
        made[f"pdus-udp-{start:03}"] = of(RAW, *map(over_udp, chosen))
        streams = [over_tcp(one, 1, ports=(5000 + i, 6000)) for i, one in enumerate(chosen)]
        made[f"pdus-tcp-{start:03}"] = of(RAW, *streams)
    codes = [
        pdu(opcode, 0, 0, b"", (name, value))
        for opcode in (DATA, DATA_ACK, CLOSE, CLOSE_ACK, ENQUIRE, ENQUIRE_ACK)
        for name in (b"s_abort_code", b"s_error_code")
        for value in (b"0", b"1000", b"x")
    ]
    for start in range(0, len(codes), 12):
        streams = [over_tcp(one, 1, ports=(5000 + i, 6000)) for i, one in
                   enumerate(codes[start : start + 12])]
        made[f"pdus-codes-{start:02}"] = of(RAW, *streams)
    full = (b"s_10", b"true")
    trip = []
    for number in range(20):
        at = 100 * number
        trip.append((at, over_udp(pdu(DATA, 1, number))))
        trip.append((at + 20, over_udp(pdu(DATA_ACK, 1, number), True)))
    made["path-pdus-acked"] = seen(*trip[:20])
    resent = [
        (0, pdu(DATA, 1, 0)),
        (1, pdu(DATA, 1, 1)),
        (20, pdu(DATA_ACK, 1, 0)),
        (30, pdu(DATA_ACK, 1, 0)),  # twice
        (40, pdu(DATA_ACK, 1, 0, b"", full)),  # another word on it
        (200, pdu(DATA, 1, 0)),  # acked already
        (201, pdu(DATA, 1, 1)),  # lost
        (203, pdu(DATA_ACK, 1, 1)),  # too soon
        (300, pdu(DATA_ACK, 7, 3)),  # of nothing seen
        (400, pdu(CLOSE, 2, 0)),
        (420, pdu(CLOSE_ACK, 2, 0)),
        (500, pdu(DATA, 3, 0, session=bytes(32))),
        (700, pdu(DATA, 3, 0, session=bytes(32))),
        (760, pdu(DATA_ACK, 3, 0, b"", full, session=bytes(32))),
        (800, pdu(ENQUIRE)),
        (820, pdu(ENQUIRE_ACK)),
        (900, pdu(DATA, 4, 0)),
        (880, pdu(DATA_ACK, 4, 0)),  # the clock was set
    ]
    acks = (DATA_ACK, CLOSE_ACK, ENQUIRE_ACK)
    made["path-pdus-again"] = seen(*((at, over_udp(one, one[46] in acks)) for at, one in resent))
    made["path-pdus-beside-one-again"] = seen(
        *((20 * at, over_udp(pdu(DATA, 5, seq))) for at, seq in enumerate((0, 1, 0))),
        (100, over_udp(pdu(DATA_ACK, 5, 1), True)),
    )
    # the last of each three meets the others where the tables of path/pdus.c keep it
    shared = ((9, 0, False), (17, 0, False), (9, 0, True), (59, 0, False), (59, 42, False),
              (59, 0, True))
    made["path-pdus-share-a-place"] = seen(
        *((20 * at, over_udp(pdu(DATA, window, seq), back))
          for at, (window, seq, back) in enumerate(shared))
    )


# ---- TCP ----


OPENED = [
    (0, over_tcp(b"", 99, 0, SYN)),
    (20, over_tcp(b"", 499, 100, SYN | ACK, True)),
    (40, over_tcp(b"", 100, 500)),
]


def streams():
    one = pdu(data=b"abc")
    two, three = pdu(seq=1), pdu(seq=2)
    size = len(one)

    def case(name, *packets, begun=True):
        at = 100
        frames = list(OPENED if begun else ())
        for one_of in packets:
            wire = None
            if isinstance(one_of, tuple):
                one_of, wire = one_of
            frames.append((at, one_of) if wire is None else (at, one_of, wire))
            at += 100
        out = section() + interface()
        for at_ms, frame, *wire in frames:
            out += packet(frame, at_ms, wire=wire[0] if wire else None)
        made[f"tcp-{name}"] = out

    case("in-order", over_tcp(one + two[:20], 100), over_tcp(two[20:], 120 + size))
    case("again", over_tcp(one, 100), over_tcp(one, 100), over_tcp(one + two, 100))
    late = over_tcp(two, 100 + size)
    later = over_tcp(three, 100 + size + len(two))
    case("early", late, late, later, over_tcp(one, 100))
    longer = over_tcp(two + three, 100 + size)
    case("early-and-longer", late, longer, over_tcp(one, 100), later)
    case("early-and-overlapping", over_tcp(one[5:] + two, 105), over_tcp(one, 100))
    case("early-and-known", over_tcp(one[5:10], 105), over_tcp(one, 100), late)
    case("gap-acked", over_tcp(one, 100), later, over_tcp(b"", 500, 400, back=True))
    case("gap-acked-all", over_tcp(one, 100), over_tcp(b"", 500, 700, back=True))
    case("gap-acked-by-one", over_tcp(one, 100), over_tcp(b"", 500, 101 + size, back=True))
    case("gap-acked-far", over_tcp(one, 100), over_tcp(b"", 500, 1 << 31, back=True))
    case("gap-at-the-end", over_tcp(one, 100), later)
    case("gap-before-fin", over_tcp(one, 100), later, over_tcp(b"", 400, 0, FIN | ACK))
    case("gap-before-rst", over_tcp(one, 100), later, over_tcp(b"", 400, 0, RST))
    case("gap-undecided", later)
    case("cut", (late[:-30], len(late)), over_tcp(one, 100), later)
    case("cut-whole", (over_tcp(one, 100)[:40], 40 + size), late)
    case("ack-of-ended", over_tcp(one, 100, 0, FIN), over_tcp(b"", 500, 300, back=True))
    case("jump", over_tcp(one, 100), over_tcp(two, 1 << 31), over_tcp(three, 100 + (1 << 30)))
    case("syn-again", over_tcp(b"", 99, 0, SYN), over_tcp(one, 100), over_tcp(b"", 9, 0, SYN))
    case("foreign", over_tcp(b"GET / HTTP/1.1\r\n" * 9, 100), over_tcp(b"more", 244))
    case("foreign-acked", over_tcp(b"GET / HTTP/1.1\r\n" * 9, 100), over_tcp(one, 500, 244, 16, 1))
    case("length-0", over_tcp(one, 100), over_tcp(bytes(60), 100 + size), over_tcp(two, 400))
    case("length-65535", over_tcp(one + b"\xff" * 60, 100), over_tcp(two, 400))
    case("behind-a-gap", over_tcp(one + two[:9], 100), later, over_tcp(b"", 500, 400, back=True),
         over_tcp(one, 100 + size + 2 * len(two)))
    case("gap-then-cut", (over_tcp(one, 100)[:60], 40 + size), later, late)
    case("jump-back", over_tcp(one, (1 << 31) + 5), over_tcp(two, 9), begun=False)
    case("only-fin", over_tcp(b"", 100, 0, FIN), over_tcp(b"", 101, 0, 0), begun=False)
    case("from-the-middle", over_tcp(b"xyz" * 9 + one, 100), late, begun=False)
    case("jump-down", over_tcp(one, (1 << 30) + 500), over_tcp(two, 5), begun=False)
    text = b"GET / HTTP/1.1" * 9
    case("to-itself", ipv4(tcp(b"", 99, 0, SYN, ports=(1, 1)), 6, peer=HOST),
         ipv4(tcp(text, 100, 102, ports=(1, 1)), 6, peer=HOST), begun=False)
    case("other-ports", over_tcp(one, 100, ports=(7, 8)), over_tcp(one, 1, ports=(7, 40001)))
    case("to-40001", over_tcp(one, 100, back=True), over_tcp(pdu()[:9], 1, ports=(40002, 9)))


def limits():
    """What the reader keeps of TCP at most: the target sets that low (pcapt_limits)."""
    one, early = pdu(), b"a" * 5
    frames = []
    for i in range(12):
        ports = (5000 + i, 6000)
        data = (one, one[:20], bytes(60))[i % 3]
        frames.append((10 * i, over_tcp(data, 1, 0, FIN if i % 4 == 3 else 0, ports=ports)))
    made["tcp-more-streams"] = seen(*frames, *((at + 200, frame) for at, frame in frames))
    begun = over_tcp(one, 100)
    held = [over_tcp(early, 200 + 10 * i) for i in range(4)]
    made["tcp-more-early-segments"] = seen(*enumerate([begun, *held]))
    made["tcp-more-early-bytes"] = seen((0, begun), (1, over_tcp(b"a" * 160, 200)))
    others = [over_tcp(data, at, back=True) for data, at in ((one, 100), (b"a" * 120, 200))]
    made["tcp-more-early-bytes-of-all"] = seen(
        *enumerate([begun, others[0], over_tcp(b"a" * 120, 200), others[1]])
    )
    made["tcp-nothing-found"] = seen((0, over_tcp(b"x" * 150, 100)), (1, over_tcp(one, 250)))
    made["tcp-gap-at-the-end-beside-another"] = seen(
        *OPENED, (100, over_tcp(one, 100)), (101, over_tcp(one, 300)),
        (102, ipv4(bytes(8), 1), 1), count=2,
    )


def stamped(now, echo):
    return b"\1\1\x08\x0a" + struct.pack(">II", now, echo)


def block_of(start, end):
    return b"\1\1\5\x0a" + struct.pack(">II", start, end)


def ack_of(number, **other):
    return over_tcp(b"", 500, number, back=True, **other)


def tcp_paths():
    a, b = b"a" * 10, b"b" * 10
    opened = OPENED
    made["path-tcp-trips"] = seen(
        *opened, (100, over_tcp(a, 100)), (150, ack_of(110)), (151, over_tcp(b, 110)),
        (140, ack_of(120)), (300, over_tcp(b"", 120, 500, FIN | ACK)),
        (310, over_tcp(b"", 120, 500, FIN | ACK)), (330, ack_of(121)),
    )
    made["path-tcp-again"] = seen(
        *opened,
        (100, over_tcp(a, 100)), (140, ack_of(110)), (150, over_tcp(a, 100)),  # acked already
        (200, over_tcp(a, 110)), (400, over_tcp(a, 110)), (402, ack_of(120)),  # acked too soon
        (500, over_tcp(a, 120)), (700, over_tcp(a, 120)), (760, ack_of(130)),  # lost
        (800, ack_of(130, extra=block_of(120, 130))),  # got twice all the same
        (801, ack_of(130, extra=block_of(120, 130))),
        (802, ack_of(130, extra=block_of(0, 10))), (803, ack_of(130, extra=block_of(129, 999))),
        (900, over_tcp(a, 130)), (901, over_tcp(a, 140)), (902, over_tcp(a, 150)),
        (903, over_tcp(a, 160)), (940, ack_of(130)), (941, ack_of(130)), (942, ack_of(130)),
        (943, over_tcp(a, 130)), (944, over_tcp(a, 130)),  # on duplicate acks
        (1200, over_tcp(a, 145)), (1300, ack_of(130, extra=block_of(145, 155))),
    )
    made["path-tcp-stamps"] = seen(
        *opened,
        (100, over_tcp(a, 100, extra=stamped(1, 0))),
        (300, over_tcp(a, 100, extra=stamped(3, 0))),
        (360, ack_of(110, extra=stamped(9, 1))),  # of the first
        (400, over_tcp(a, 110, extra=stamped(4, 0))),
        (600, over_tcp(a, 110, extra=stamped(6, 0))),
        (660, ack_of(120, extra=stamped(9, 6))),  # of the second
        (700, over_tcp(a, 120, extra=stamped(7, 0))),
        (900, over_tcp(a, 120, extra=stamped(7, 0))),
        (960, ack_of(130, extra=stamped(9, 7))),
        (1000, over_tcp(a, 130, extra=stamped(7, 0))),
        (1200, over_tcp(a, 130)),
        (1260, ack_of(140)),
    )


def tcp_holes():
    a, b = b"a" * 10, b"b" * 10
    opened = OPENED
    made["path-tcp-holes"] = seen(
        *opened,
        (100, over_tcp(a, 110)), (101, over_tcp(a, 100)),  # late
        (200, over_tcp(a, 150)), (400, over_tcp(a, 130)), (401, over_tcp(a, 120)),
        (402, over_tcp(a, 145)), (500, ack_of(300)),  # what nobody saw
        (600, over_tcp(a, 320)), (650, ack_of(310)), (700, over_tcp(a + a, 312)),
        (800, over_tcp(b, 299)), (820, over_tcp(b"", 350, 0, FIN)),
    )
    made["path-tcp-probes"] = seen(
        *opened, (100, over_tcp(a, 100)), (140, ack_of(110)), (200, over_tcp(b"a", 109)),
        (220, ack_of(110)), (300, over_tcp(b"a", 108)), (320, over_tcp(b"aa", 108)),
        (400, over_tcp(b, 110)), (420, over_tcp(b"b", 119)), (460, ack_of(110, what=SYN | ACK))
        if False else (460, ack_of(110)), (470, over_tcp(b"", 500, 110, FIN | ACK, True)),
    )
    made["path-tcp-partly-again"] = seen(
        *opened, (100, over_tcp(a, 100)), (101, over_tcp(a, 110)), (300, over_tcp(a + b, 105)),
        (400, ack_of(125)), (500, over_tcp(b"", 99, 0, SYN)),
    )
    options_of = [
        b"\1\1\1\0", b"\x08\x06\0\0\0\0\0\0", b"\5\6\0\0\0\0\0\0", b"\x08\1\0\0", b"\5\x28\0\0",
        b"\1\1\1\x08", b"\2\4\5\xb4", b"\3\3\7\5",
    ]
    made["path-tcp-options"] = seen(
        *((i, over_tcp(a, 100 + 10 * i, extra=extra)) for i, extra in enumerate(options_of))
    )
    many = [over_tcp(b"a", 100)] * 70 + [over_tcp(b"", 0, 101, back=True)] + [over_tcp(b"a", 101)]
    made["path-tcp-again-70-times"] = pcap(0xA1B2C3D4, "<", *many, over_tcp(b"a", 101))
    made["path-tcp-fast-too-late"] = seen(
        *opened, (100, over_tcp(a, 100)), (101, over_tcp(a, 110)), (102, over_tcp(a, 120)),
        (140, ack_of(110)), (141, ack_of(110)), (142, ack_of(110)), (150, over_tcp(a, 110)),
        (170, over_tcp(a, 110)), (175, over_tcp(a, 120)),
        (210, ack_of(130, extra=block_of(119, 120))),
        (220, ack_of(130, extra=block_of(130, 130))), (230, ack_of(130, extra=block_of(100, 101))),
    )
    # its first packet of the machine is a duplicate of one that the other saw
    made["path-duplicate-first"] = seen(
        *((10 * i, over_tcp(a, 100 + 10 * i), 1) for i in range(10)),
        (90, over_tcp(a, 190)), (140, ack_of(200)), (150, over_tcp(a, 200)), count=2,
    )
    made["path-tcp-times-backwards"] = seen(
        *opened, (300, over_tcp(a, 100)), (340, ack_of(110)), (200, over_tcp(a, 110)),
        (240, ack_of(120)), (200, over_tcp(a, 120)), (230, ack_of(130)), (200, over_tcp(a, 130)),
        (230, ack_of(140)),
    )


def rtp(number, stamp=None, kind=0, source=1, payload=b""):
    stamp = 160 * number if stamp is None else stamp
    return struct.pack(">BBHII", 0x80, kind, number & 0xFFFF, stamp, source) + payload


def paths():
    made["rtp"] = seen(*((20 * i, over_udp(rtp(i))) for i in range(12)))
    made["rtp-lost-and-late"] = seen(
        *((20 * at, over_udp(rtp(i))) for at, i in enumerate((0, 1, 2, 5, 4, 6, 9, 9, 10, 12, 13,
                                                              14, 15, 16)))
    )
    both = [(20 * i, over_udp(rtp(i))) for i in range(11)]
    both += [(20 * i + 5, over_udp(rtp(i, source=2), True)) for i in range(11)]
    made["rtp-both-ways"] = seen(*sorted(both))
    first = [(20 * i + 5, over_udp(rtp(i, source=2), True)) for i in range(11)]
    made["rtp-back-earlier"] = seen(*sorted(first + [(20 * i + 50, over_udp(rtp(i))) for i in
                                                     range(11)]))
    made["rtp-no-rtp"] = seen(
        (0, over_udp(rtp(1, kind=72))), (1, over_udp(bytes(12))), (2, over_udp(rtp(1)[:11])),
        (3, over_udp(rtp(1, kind=79))), (4, over_udp(rtp(1, kind=80))),
    )
    made["copies"] = seen(*((at, over_udp(pdu(seq=at // 2), ident=1)) for at in (0, 0, 2, 2, 4)))
    some = [(10 * i, over_udp(pdu(seq=i), ident=i + 1)) for i in range(18)]
    made["duplicates"] = seen(*some, (170.5, some[17][1]), (180, over_udp(pdu(seq=19), ident=77)))
    made["copies-backwards"] = seen((5, ONE), (4, ONE), (3, over_udp(b"")), (3, over_udp(b"")))
    bursts = [(20 * i, over_udp(rtp(i))) for i in range(40) if i % 4 != 1]
    made["rtp-bursts"] = seen(*bursts)
    made["rtp-video"] = seen(*((20 * i, over_udp(rtp(i, 1800 * i, 96))) for i in range(12)))
    made["duplicate-first"] = seen(*((20 * i, over_udp(b"", ident=i + 1)) for i in range(16)),
                                   (400, ONE), (400.5, ONE))
    made["hosts"] = seen(
        (0, ONE), (1, SIX), (2, over_udp(b"x", peer=bytes((10, 0, 0, 9)))),
        (3, ipv4(udp(b"x", ports=(1, 2)))), (4, ipv4(udp(b"x", ports=(3, 2)))),
    )
    made["flows-of-140"] = section() + interface() + b"".join(
        simple(ipv4(udp(b"", ports=(i + 1, 9)))) for i in range(140)
    )


def plain(number, back=False, payload=b""):
    return ipv4(udp(payload, back), back=back, ident=number)


def ends():
    def both(*journeys):
        """(sent, number, arrived ...) there and, where the number is negative, back."""
        frames = []
        for sent, number, *arrived in journeys:
            back = number < 0
            frame = plain(abs(number), back)
            frames += [(sent, frame, 1 if back else 0)] if sent is not None else []
            frames += [(at, frame, 0 if back else 1) for at in arrived]
        return seen(*sorted(frames, key=lambda frame: frame[0]), count=2)

    made["ends"] = both(*((100 * i, i + 1, 100 * i + 20) for i in range(8)))
    made["ends-both-ways"] = both(
        *((100 * i, i + 1, 100 * i + 20) for i in range(6)),
        *((100 * i + 50, -i - 1, 100 * i + 90 - i) for i in range(6)),
    )
    made["ends-only-back"] = both(
        (0, 1), *((100 * i + 50, -i - 1, 100 * i + 90 - i) for i in range(6))
    )
    made["ends-lost-late-unmatched"] = both(
        (0, 1), (50, 2, 70), (100, 3, 125), (150, 4), (200, 5, 290), (210, 6, 230), (220, 7, 241),
        (300, 8, 320, 330, 345), (None, 9, 350), (400, 10, 421), (500, 11, 520), (600, 12),
    )
    alike = [(100 * i, i + 1, 100 * i + 20 + i) for i in range(6)]
    made["ends-alike"] = both(
        *alike, (700, 50), (750, 50, 771), (800, 50, 822), (900, 60, 921), (910, 60, 931),
        (1000, 70, 921), (1100, 80, 1020), (1101, 80), (1200, 90, 1221, 1240, 1260), (1300, 90),
    )
    made["ends-backwards"] = both(*((100 * i + 30, i + 1, 100 * i + 20) for i in range(8)))
    made["ends-nothing-matches"] = both((0, 1), (10, 2), (None, 3, 30), (None, 4, 40))
    drift = []
    for i in range(34):
        drift.append((100 * i, i + 1, 100 * i * 1.001 + 20 + i % 3))
        drift.append((100 * i * 1.001 + 50, -i - 1, 100 * i + 75 + i % 2))
    made["ends-few-of-each-part"] = both(*drift[:20])
    jumps = [(1, 900, 22), (3199, 901, 3220)]
    for part in (1, 9, 17, 25):
        for i in range(8):
            number, at = 8 * part + i + 1, 100 * part + 40 + 2 * i
            ahead = at / 1000 * (2 if part != 17 else 1.5)
            jumps.append((at, number, at + 21 + ahead))
            jumps.append((at + ahead, -number, at + 20))
    made["ends-clocks-drift"] = both(*jumps)
    slow = [(1, 900, 22), (3199, 901, 3220)]
    for part in (1, 9, 17, 25):
        for i in range(8):
            number, at = 8 * part + i + 1, 100 * part + 40 + 2 * i
            slow.append((at, number, at + 21 - at / 5))
            slow.append((at, -number, at + 20 + at / 4))
    made["ends-clocks-drift-back"] = both(*slow)
    fast = [7 * (i // 8) + i % 8 / 100 for i in range(32)]
    made["ends-within-32-ms"] = both(
        *((at, i + 1, at + 2) for i, at in enumerate(fast)),
        *((at, -i - 1, at + 2) for i, at in enumerate(fast)),
    )
    made["ends-alike-too-late"] = both(*alike, (700, 50, 721), (710, 50, 900))
    made["ends-alike-17-copies"] = both(*alike, (700, 50, *range(721, 721 + 2 * 20, 2)))
    flagged = section() + interface()
    for i in range(6):
        frame = plain(i + 1)
        flagged += packet(frame, 100 * i, flags(OUT)) + packet(frame, 100 * i + 20, flags(IN))
    made["ends-by-flags"] = flagged
    few = section() + interface()
    for i in range(9):
        few += packet(plain(i + 1), 100 * i, flags(OUT))
    made["ends-by-flags-few"] = few + packet(plain(1), 20, flags(IN))
    made["ends-only-the-far"] = seen((0, plain(1), 1), (9, plain(2), 1), count=2)


def crowds():
    """More packets than ends.c compares with each other. A byte of one is all there is to it."""

    def both(*journeys):
        frames = []
        for sent, number, *arrived in journeys:
            frame = bytes((number >> 8, number & 0xFF))
            frames += [(sent, frame, 0)] if sent is not None else []
            frames += [(at, frame, 1) for at in arrived]
        return seen(*sorted(frames, key=lambda frame: frame[0]), link=USER0, count=2)

    few = [(10 * i, i + 1, 10 * i + 5) for i in range(5)]
    crowd = range(100, 100 + 2 * 1026, 2)
    made["ends-1026-alike-sent"] = both(*few, *((at, 99, at + 5) for at in crowd[:3]),
                                        *((at, 99) for at in crowd[3:]), (None, 99, 50))
    made["ends-1026-alike-arrived"] = both(*few, (150, 99), (160, 99), (None, 99, *crowd))
    made["ends-passed-by-1026"] = both(
        *few, (90, 98, 3000), *((at, 100 + i, at + 5) for i, at in enumerate(crowd))
    )


def lists():
    values = {
        "delays": "20\n21\n19\n",
        "losses": "0\n1\n0\n0\n",
        "zeros": "0\n0\n",
        "one": "7\n",
        "bursts": "0\n1\n0\n" * 9,
        "rising": "1\n5\n5\n30\n",
        "alike": "".join(f"{10 + i // 20 % 2}\n" for i in range(120)),
        "broken": "1\nx\n",
    }
    for name, text in values.items():
        made[f"list-{name}"] = text.encode()


def main():
    whole = (lists, addresses, blocks, broken_blocks, files, links, headers, extensions, checksums)
    flows = (fragments, pdus, streams, limits, tcp_paths, tcp_holes, paths, ends, crowds)
    for make in (*whole, *flows):
        make()
    CORPUS.mkdir(parents=True, exist_ok=True)
    for old in CORPUS.iterdir():
        old.unlink()
    for name, data in made.items():
        (CORPUS / name).write_bytes(data)
    print(f"{len(made)} files, {sum(map(len, made.values()))} bytes, in {CORPUS}")


if __name__ == "__main__":
    main()
