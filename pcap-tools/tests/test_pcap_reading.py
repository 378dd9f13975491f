"""What `sipc pcap show` finds in captures of every kind. SPDX-License-Identifier: MIT"""

import struct

import pytest
from captures import (ACK, PORT, SESSION, ether, full, interface, ipv4, ipv6, option, packet, pcap,
                      pcapng, pdu, section, tcp, udp)

PLAIN = ipv4(udp(full()))
PLAIN6 = ipv6(udp(full()))
PPPOE = b"\x11\x00\x00\x01" + struct.pack(">H", len(PLAIN) + 2)
PPPOE6 = b"\x11\x00\x00\x01" + struct.pack(">H", len(PLAIN6) + 2)

LINKS = [
    ("ethernet", 1, ether(PLAIN)),
    ("ethernet-ipv6", 1, ether(PLAIN6, 0x86dd)),
    ("ethernet-padded", 1, ether(PLAIN) + b"\xaa" * 9),
    ("vlan", 1, ether(PLAIN, tags=[0x8100])),
    ("qinq", 1, ether(PLAIN, tags=[0x88a8, 0x8100])),
    ("qinq-old", 1, ether(PLAIN, tags=[0x9100, 0x8100])),
    ("pppoe", 1, ether(PPPOE + b"\x00\x21" + PLAIN, 0x8864)),
    ("pppoe-compressed", 1, ether(PPPOE + b"\x21" + PLAIN, 0x8864)),
    ("pppoe-ipv6", 1, ether(PPPOE6 + b"\x00\x57" + PLAIN6, 0x8864)),
    ("pppoe-in-qinq", 1, ether(PPPOE + b"\x00\x21" + PLAIN, 0x8864, tags=[0x88a8, 0x8100])),
    ("pppoe-alone", 51, PPPOE + b"\x00\x21" + PLAIN),
    ("cooked", 113, struct.pack(">HHH8sH", 4, 1, 6, b"", 0x0800) + PLAIN),
    ("cooked-vlan", 113, struct.pack(">HHH8sHHH", 4, 1, 6, b"", 0x8100, 7, 0x0800) + PLAIN),
    ("cooked-2", 276, struct.pack(">HHIHBB8s", 0x0800, 0, 1, 1, 4, 6, b"") + PLAIN),
    ("null-little", 0, struct.pack("<I", 2) + PLAIN),
    ("null-big", 0, struct.pack(">I", 2) + PLAIN),
    ("null-ipv6-freebsd", 0, struct.pack("<I", 28) + PLAIN6),
    ("loop", 108, struct.pack(">I", 2) + PLAIN),
    ("raw", 101, PLAIN),
    ("raw-ipv6", 101, PLAIN6),
    ("ipv4", 228, PLAIN),
    ("ipv6", 229, PLAIN6),
    ("ipv6-extensions", 229,
     ipv6(udp(full()), 0,
          b"\x2b\x00" + bytes(6) + b"\x3c\x01" + bytes(14) + b"\x11\x00" + bytes(6))),
    ("ipv6-atomic-fragment", 229, ipv6(udp(full()), 44, b"\x11\x00\x00\x00\x00\x00\x00\x07")),
    ("user0", 147, full()),
]
FILES = [("pcap-us", lambda f, link: pcap(f, link)),
         ("pcap-ns", lambda f, link: pcap(f, link, nano=True)),
         ("pcap-big", lambda f, link: pcap(f, link, ">")),
         ("pcap-big-ns", lambda f, link: pcap(f, link, ">", nano=True)),
         ("pcapng", pcapng),
         ("pcapng-big", lambda f, link: pcapng(f, link, ">"))]


def check_link(found, name, link, frame):
    assert (found["session"], found["opcode"], found["data_size"]) == \
        (SESSION.hex(), "data", 5), name
    ends = ("[fe80::1]:40001", "[fe80::2]:40001") if b"\xfe\x80" in frame else (
        "user0:0", "user0:1") if link == 147 else ("10.0.0.1:40001", "10.0.0.2:40001")
    assert (found["source"], found["destination"]) == ends, name
    assert found.get("direction") == ("out" if name.startswith("cooked") else None), name


def test_every_link_type_gives_the_pdu_side_by_side(show):
    capture = section() + b"".join(interface(link) for _, link, _ in LINKS)
    capture += b"".join(packet(frame, i) for i, (_, _, frame) in enumerate(LINKS))
    rows = show(capture).lines()
    assert len(rows) == len(LINKS)
    for row, link in zip(rows, LINKS):
        check_link(row, *link)


@pytest.mark.parametrize("link", LINKS, ids=[link[0] for link in LINKS])
def test_every_link_type_as_libpcap_reads_it(show, link):
    (found,) = show(pcap([link[2]], link[1])).lines()
    check_link(found, *link)


@pytest.mark.parametrize("make", [f[1] for f in FILES], ids=[f[0] for f in FILES])
def test_every_kind_of_file(show, make):
    rows = show(make([PLAIN, PLAIN], 101)).lines()
    assert [(row["frame"], row["data_size"]) for row in rows] == [(1, 5), (2, 5)]


def test_other_user_link_types_only_if_asked_for(show):
    assert show(pcap([full()], 150)).code == 5
    assert show(pcap([full()], 150), "--user-link", 150).code == 0


@pytest.mark.parametrize("resolution,units,expected", [
    (None, 1_000_001, 1_000_001_000), (b"\x06", 5, 5000), (b"\x09", 7, 7), (b"\x00", 3, 3 * 10**9),
    (b"\x03", 1501, 1501 * 10**6), (b"\x0c", 4_999, 4), (b"\x81", 3, 1_500_000_000),
    (b"\x9e", 1 << 29, 500_000_000), (b"\xbf", 1 << 62, 500_000_000), (b"\x80", 2, 2 * 10**9)])
def test_times_of_every_resolution(show, resolution, units, expected):
    options = option(9, resolution) if resolution else b""
    capture = section() + interface(101, options=options) + packet(PLAIN, units=units)
    (found,) = show(capture, "--absolute").lines()
    assert found["time_ns"] == expected


def test_times_with_an_offset(show):
    options = option(9, b"\x09") + option(14, struct.pack("<q", 1_700_000_000))
    capture = section() + interface(101, options=options) + packet(PLAIN, units=12)
    assert show(capture, "--absolute").lines()[0]["time_ns"] == 1_700_000_000 * 10**9 + 12


def test_comments_directions_interfaces_sections_of_either_byte_order(show):
    capture = b""
    for order, link, frame in (("<", 1, ether(PLAIN)), (">", 147, full())):
        options = option(1, b"one", order) + option(2, struct.pack(order + "I", 1), order) + \
            option(1, "zwölf".encode(), order)
        capture += section(order) + interface(101, order=order) + interface(link, order=order)
        capture += packet(frame, 1, order=order, options=options)
        capture += packet(PLAIN, 0, order=order)
    rows = show(capture).lines()
    assert [row["frame"] for row in rows] == [1, 2, 3, 4]
    assert [row.get("comment") for row in rows] == ["one\nzwölf", None] * 2
    assert [row.get("direction") for row in rows] == ["in", None] * 2
    assert [row["source"] for row in rows] == ["10.0.0.1:40001"] * 2 + ["user0:1", "10.0.0.1:40001"]


# ---- finding it ----

def test_what_only_looks_a_little_like_it_is_left_out(show):
    good = full()
    for name, payload in [
            ("empty", b""), ("length", good[:-1]), ("opcode", good[:46] + b"\x07" + good[47:]),
            ("negative id", good[:34] + b"\x80" + good[35:]),
            ("id over the highest", good[:34] + b"\x00\x40" + good[36:]),
            ("text", b"GET / HTTP/1.1\r\n" * 5)]:
        assert show(pcap([ipv4(udp(payload))], 101)).code == 5, name


def test_once_found_what_is_broken_in_the_flow_is_told(show):
    good = full()
    broken = good[:46] + b"\x07" + good[47:]
    rows = show(pcap([ipv4(udp(good)), ipv4(udp(broken), back=True), ipv4(udp(b"x"))], 101)).lines()
    assert [row.get("discard") for row in rows] == [None, "opcode", "too_short"]
    assert [row.get("rule") for row in rows] == [None, "WIRE-6", "WIRE-2"]


def test_by_port_everything_there_is_told_and_nothing_else(show):
    frames = [ipv4(udp(b"x")), ipv4(udp(full(), 7, 8)), ipv4(udp(full(1), 9, PORT))]
    rows = show(pcap(frames, 101), "--port", PORT).lines()
    assert [row["frame"] for row in rows] == [1, 3]
    assert [row.get("discard") for row in rows] == ["too_short", None]


def test_snap_length_cuts_are_told_not_guessed(show):
    frame = ipv4(udp(full(data=b"d" * 400)))
    result = show(pcap([(0, frame[:120], len(frame)), (1000, frame[:30], len(frame))], 101))
    found, hardly = result.lines()
    assert hardly["captured"] == 2 and "session" not in hardly and "discard" not in hardly
    assert found["captured"] == 92 and found["size"] == len(frame) - 28
    assert found["window_id"] == 0 and "discard" not in found and "data_size" not in found
    assert "2 frames were cut by the capture" in result.err


# ---- fragments ----

def pieces(payload, sizes, ident=9):
    at, out = 0, []
    for size in sizes:
        out.append(ipv4(payload[at:at + size], ident=ident, fragment=at, more=True))
        at += size
    return out + [ipv4(payload[at:], ident=ident, fragment=at)]


BIG = full(data=bytes(i % 251 for i in range(4000)))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 0, 1, 1, 2)])
def test_fragments_in_any_order_and_twice(show, order):
    parts = pieces(udp(BIG), (1480, 1480))
    (found,) = show(pcap([parts[i] for i in order], 101)).lines()
    assert (found["data_size"], found["first_frame"], found["frame"]) == (4000, 1, len(order))


def test_fragments_ipv6(show):
    whole, frames = udp(BIG), []
    for at in (0, 1440, 2880):
        more = at + 1440 < len(whole)
        frames.append(ipv6(whole[at:at + 1440], 44,
                           struct.pack(">BBHI", 17, 0, at | more, 77)))
    (found,) = show(pcap(frames, 101)).lines()
    assert found["data_size"] == 4000


def test_fragments_that_never_become_whole(show):
    first, second, last = pieces(udp(BIG), (1480, 1480))
    other = bytearray(second)
    other[-1] ^= 1
    late = 70 * 10**9
    for name, frames, text in [
            ("missing", [first, last], "no ScalableIPC"),
            ("overlap", [first, second, bytes(other), last], "2 frames with headers that contra"),
            ("past the end", [last, ipv4(bytes(16), ident=9, fragment=65520, more=True)],
             "1 frames with headers"),
            ("not of eight bytes", [ipv4(bytes(9), ident=9, more=True)], "1 frames with headers"),
            ("too late", [(0, first, len(first)), (late, second, len(second)),
                          (late, last, len(last))], "1 fragmented packets never became whole")]:
        result = show(pcap(frames, 101))
        assert result.code == 5 and text in result.err, (name, result)


def test_fragments_without_end_take_no_more_than_a_table(show):
    frames = [ipv4(bytes(64), ident=i, fragment=8, more=True) for i in range(1, 201)]
    result = show(pcap([*frames, PLAIN], 101))
    assert len(result.lines()) == 1
    assert "136 streams or fragments were given up" in result.err


# ---- TCP ----

STREAM = b"".join(full(i, bytes([i]) * (1 + 40 * i)) for i in range(6))


def segments(cuts, isn=0xfffffff0, start=0):
    """The stream cut there, behind a SYN; sequence numbers wrap."""
    cuts = [start, *cuts, len(STREAM)]
    return [ipv4(tcp(STREAM[a:b], isn + 1 + a, 0), 6) for a, b in zip(cuts, cuts[1:])]


SYN = ipv4(tcp(b"", 0xfffffff0, flags="S"), 6)


def ids(result):
    return [row.get("window_id", "gap" if "missing" in row else "bad") for row in result.lines()]


def test_stream_cut_at_every_byte(show):
    frames = []
    for port, cut in enumerate(range(1, len(STREAM)), 1):
        first = tcp(STREAM[:cut], 1, 0, source=port)
        frames += [ipv4(part, 6) for part in (tcp(b"", 0, flags="S", source=port), first,
                                              tcp(STREAM[cut:], 1 + cut, 0, source=port))]
    assert ids(show(pcap(frames, 101))) == list(range(6)) * (len(STREAM) - 1)


def test_stream_out_of_order_repeated_overlapping(show):
    a, b, c, d = segments([60, 200, 500])
    wide = ipv4(tcp(STREAM[40:300], 0xfffffff0 + 41, 0), 6)
    for frames in ([a, c, b, d], [a, d, c, b], [d, c, b, a], [a, a, b, b, c, c, d, d],
                   [a, wide, b, c, d], [a, d, wide, c], [b, a, d, wide, c]):
        assert ids(show(pcap([SYN, *frames], 101))) == list(range(6))


def test_stream_frames_of_a_pdu(show):
    rows = show(pcap([SYN, *segments([60, 90, 200])], 101)).lines()
    assert [(row.get("first_frame", row["frame"]), row["frame"]) for row in rows[:2]] == \
        [(2, 4), (4, 5)]


def test_stream_gap_is_told_when_acked_and_the_next_pdu_found(show):
    starts = [0]
    for i in range(6):
        starts.append(starts[-1] + len(full(i, bytes([i]) * (1 + 40 * i))))
    lost = starts[2] + 20  # in the midst of the third
    a, b, c = segments([lost, lost + 50])
    ack = ipv4(tcp(b"", 1, 0xfffffff0 + 1 + lost + 50), 6, back=True)
    result = show(pcap([SYN, a, ack, c], 101))
    assert ids(result) == [0, 1, "gap", 3, 4, 5]
    assert result.lines()[2]["missing"] == 50
    assert "50 bytes of TCP streams are missing" in result.err
    assert ids(show(pcap([SYN, a, c], 101))) == [0, 1, "gap", 3, 4, 5]  # at the end
    assert ids(show(pcap([SYN, a, c, b], 101))) == list(range(6))


def test_stream_cut_by_the_capture(show):
    frame = segments([])[0]
    rows = show(pcap([SYN, (2000, frame[:40 + 150], len(frame))], 101)).lines()
    assert [row.get("missing") for row in rows] == [None, len(STREAM) - 150]


def test_stream_begun_in_the_midst(show):
    assert ids(show(pcap(segments([], start=30), 101))) == [1, 2, 3, 4, 5]


def test_stream_whose_length_lies_ends(show):
    bad = STREAM[:0] + full(0) + b"\x00\x10" + bytes(200)
    rows = show(pcap([SYN, ipv4(tcp(bad, 0xfffffff1, 0), 6)], 101)).lines()
    assert [row.get("discard") for row in rows] == [None, "length_mismatch"]


def test_stream_of_something_else(show):
    text = b"GET / HTTP/1.1\r\n\r\n" * 100
    assert show(pcap([SYN, ipv4(tcp(text, 0xfffffff1, 0), 6)], 101)).code == 5
    assert show(pcap([ipv4(tcp(text, 5, 0), 6)], 101)).code == 5


def test_stream_of_a_new_connection_with_the_same_ports(show):
    again = [ipv4(tcp(b"", 5, flags="S"), 6), ipv4(tcp(full(9), 6, 0), 6)]
    assert ids(show(pcap([SYN, *segments([]), *again], 101))) == [*range(6), 9]


# ---- copies ----

def test_a_mirror_is_told_from_a_network_that_duplicates(show):
    def frames(every):
        out = []
        for i in range(40):
            frame = ipv4(udp(full(i)), ident=100 + i)
            out.append((i * 10**7, frame, len(frame)))
            if i % every == every - 1:
                out.append((i * 10**7 + 2000, frame, len(frame)))
        return pcap(out, 101)
    mirrored = show(frames(1)).lines()
    assert [row.get("copy_of") for row in mirrored[:4]] == [None, 1, None, 3]
    assert sum("copy_of" in row for row in mirrored) == 40
    duplicated = show(frames(20)).lines()
    assert not any("copy_of" in row for row in duplicated)
    assert [row["frame"] for row in duplicated if row.get("duplicate")] == [21, 42]


def test_a_repeated_pdu_is_no_copy_when_it_is_another_packet(show):
    frames = [(i * 1000, ipv4(udp(full()), ident=i + 1), 0) for i in range(4)]
    frames = [(at, data, len(data)) for at, data, _ in frames]
    assert not any("copy_of" in row for row in show(pcap(frames, 101)).lines())


def test_mirror_of_another_network(sipc, traces):
    result = sipc("pcap", "show", traces / "zeek" / "m57-long-49583-80.pcap")
    assert "113 frames are copies" in result.err and "no ScalableIPC in 227 frames" in result.err
    for name in ("zeek/206_example_a.pcap", "ndpi/alexa-app.pcapng"):
        assert sipc("pcap", "show", traces / name).code == 5


# ---- filters ----

FILTERED = [ipv4(udp(full(0))), ipv4(udp(pdu(ACK, 0, 0, [("s_10", "True"), ("s_20", "16")])),
                                     back=True),
            ipv4(udp(full(5, session=bytes(32)))), ipv4(udp(pdu(window_id=6, seq_nr=3)))]


@pytest.mark.parametrize("arguments,expected", [
    (["--session", "2021"], [1, 2, 4]), (["--session", "00"], [3]),
    (["--session", "00", "--session", "20"], [1, 2, 3, 4]),
    (["--window", "5"], [3]), (["--window", "5..6"], [3, 4]), (["--seq", "1..9"], [4]),
    (["--opcode", "data"], [1, 3, 4]), (["-o", "data_ack", "-o", "close"], [2]),
    (["--option", "s_20"], [2]), (["--option", "max_window_size=16"], [2]),
    (["--option", "max_window_size=17"], []), (["--option", "is_window_full=true"], [2]),
    (["--option", "first_in_window_group", "--option", "s_03=TRUE"], [1, 3]),
    (["--from", "10.0.0.2"], [2]), (["--from", "10.0.0.2:1"], []), (["--to", "10.0.0.2:40001"],
                                                                   [1, 3, 4]),
    (["--with", "10.0.0.1"], [1, 2, 3, 4]), (["--since", "0.000002"], [3, 4]),
    (["--until", "0.000001"], [1, 2]), (["--direction", "in"], []), (["--limit", "2"], [1, 2])])
def test_filters(show, arguments, expected):
    result = show(pcap(FILTERED, 101), *arguments)
    assert [row["frame"] for row in result.lines()] == expected
    assert result.code == (0 if expected else 5)


@pytest.mark.parametrize("arguments,text", [
    (["--session", "xyz"], "hexadecimal"), (["--window", "5..4"], "--window 4"),
    (["--opcode", "dta"], "expected data, data_ack"), (["--from", "10.0.0"], "expected ADDRESS"),
    (["--since", "x"], "expected seconds"), (["--port", "0"], "whole number from 1"),
    (["--direction", "up"], "expected in or out"), (["--format", "xml"], "expected line, tree")])
def test_bad_options(sipc, arguments, text):
    result = sipc("pcap", "show", *arguments, "-")
    assert result.code == 2 and text in result.err, result


# ---- formats ----

def test_lines(sipc):
    result = sipc("pcap", "show", "-", stdin=pcap(FILTERED[:2], 101))
    assert [line.split() for line in result.out.splitlines()] == [
        "1 0.000000000 10.0.0.1:40001 > 10.0.0.2:40001 20212223 data 0:0 {first_in_window_group "
        "last_in_window last_in_window_group skip} data 5 B".split(),
        "2 0.000001000 10.0.0.2:40001 > 10.0.0.1:40001 20212223 data_ack 0:0 {is_window_full} "
        "max_window_size=16".split()]


def test_tree_shows_every_option_and_the_data(sipc):
    frame = ipv4(udp(pdu(options=[("colour", "grün"), ("s_00", "true")], data=b"\x00\xffab")))
    lines = sipc("pcap", "show", "-f", "tree", "--data", "-", stdin=pcap([frame], 101)).out
    for wanted in ("option colour = gr\\xc3\\xbcn", "option s_00 (first_in_window_group) = true",
                   f"session {SESSION.hex()}", "00 ff 61 62", "..ab"):
        assert wanted in lines, lines


def test_csv_has_a_column_for_each_head(sipc):
    rows = [line.split(",") for line in
            sipc("pcap", "show", "-f", "csv", "-", stdin=pcap(FILTERED, 101)).out.splitlines()]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert dict(zip(rows[0], rows[2]))["max_window_size"] == "16"


def test_json_keeps_text_that_is_none(show):
    bad = pdu(options=[("k", "v")]).replace(b"\x03k\0\x00\x03v", b"\x03k\0\x00\x03\xff")
    (found,) = show(pcap([ipv4(udp(bad))], 101), "--data").lines()
    assert found["options"] == [["k", {"hex": "ff"}]] and found["data"] == ""


def test_counts_are_those_of_the_lines(sipc):
    stdin = pcap(FILTERED, 101)
    (counts,) = sipc("pcap", "show", "--count", "--json", "-", stdin=stdin).lines()
    assert counts == {"data": 3, "data_ack": 1, "close": 0, "close_ack": 0, "enquire_link": 0,
                      "enquire_link_ack": 0, "not_decoded": 0, "gaps": 0}
