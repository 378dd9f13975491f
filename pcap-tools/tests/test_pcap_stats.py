"""What `sipc pcap stats` counts. SPDX-License-Identifier: MIT"""

import pytest
from captures import ACK, full, ipv4, packets_of, pcap, pdu, tapped, udp

MS = 10**6


def ack(window_id, seq_nr=0, whole=True):
    return pdu(ACK, window_id, seq_nr, [("s_10", "True")] if whole else [])


def row(at_ms, payload, back=False, ident=0):
    row.ident += 1
    frame = ipv4(udp(payload), back=back, ident=ident or row.ident)
    return (int(at_ms * MS), frame, len(frame))


row.ident = 0


@pytest.fixture
def stats(sipc):
    def call(rows, *arguments):
        stdin = rows if isinstance(rows, bytes) else pcap(rows, 101, nano=True)
        return sipc("pcap", "stats", "--json", *arguments, "-", stdin=stdin)
    return call


def test_round_trips_only_of_windows_of_which_nothing_was_sent_again(stats):
    session, whole = stats([
        row(0, full(1)), row(30, ack(1), True),
        row(50, full(2)), row(1050, full(2)), row(1110, ack(2), True),
        row(1200, full(3)), row(1250, ack(3), True)]).lines()
    there, back = session["directions"]
    view = there["captured"]
    assert (view["round_trips"], view["round_trip_min_ns"], view["round_trip_max_ns"],
            view["round_trip_mean_ns"]) == (2, 30 * MS, 50 * MS, 40 * MS)
    assert (view["repeats"], view["repeated_once"], view["spurious"]) == (1, 1, 0)
    assert (view["data_bytes"], view["new_data_bytes"]) == (20, 15)
    assert (back["captured"]["acks"], back["captured"]["full_windows"]) == (3, 3)
    assert session["silence_ns"] == 1000 * MS
    assert (whole["sessions"], whole["pdus"], whole["frames"]) == (1, 7, 7)


def test_repeats_once_twice_and_more_often(stats):
    rows = []
    for window, times in ((0, 1), (1, 2), (2, 3), (3, 4), (4, 6)):
        rows += [row(window * 10000 + i * 1000, full(window)) for i in range(times)]
    view = stats(rows).lines()[0]["directions"][0]["captured"]
    assert [view[key] for key in ("repeats", "repeated_once", "repeated_twice", "repeated_more")] \
        == [11, 1, 1, 2]


def test_spurious_repeats(stats):
    after = [row(0, full(1)), row(30, ack(1), True), row(40, full(1)), row(70, ack(1), True)]
    too_soon = [row(100, full(2)), row(130, ack(2), True),  # a round trip to compare with
                row(200, full(3)), row(225, full(3)), row(231, ack(3), True)]
    views = stats(after + too_soon).lines()[0]["directions"]
    assert views[0]["captured"]["spurious"] == 2
    assert views[1]["captured"]["duplicate_acks"] == 1


def test_late_pdus_and_holes(stats):
    def data(seq_nr, last=False):
        return pdu(window_id=1, seq_nr=seq_nr, options=[("s_01", "True")] if last else [])
    rows = [row(0, data(0)), row(1, data(3)), row(2, data(1)), row(3, data(5, True)),
            row(9, ack(1, 5), True)]
    view = stats(rows).lines()[0]["directions"][0]["captured"]
    assert (view["late"], view["late_by_max"], view["holes"]) == (1, 2, 2)


def test_losses_that_a_single_point_shows_are_inferred(stats):
    def data(seq_nr, last=False):
        return pdu(window_id=1, seq_nr=seq_nr, options=[("s_01", "True")] if last else [])
    rows = [row(0, data(0)), row(1, data(1)), row(2, data(3, True)), row(5, ack(1, 1, False), True),
            row(1000, data(0)), row(1005, ack(1, 1, False), True), row(1006, data(2)),
            row(1011, ack(1, 3), True),
            row(2000, full(2)), row(3000, full(2)), row(3005, ack(2), True)]
    there, back = stats(rows).lines()[0]["directions"]
    view = there["captured"]
    assert (view["repeats"], view["spurious"], view["lost_inferred_at_most"],
            view["lost_before_inferred"], view["late"]) == (2, 1, 1, 1, 0)
    assert (there["dropped"], there["lost_at_least"], back["captured"]["repeats"]) == (0, 0, 0)


def test_losses_between_two_points(stats, satellite):
    packets = packets_of(satellite.read_bytes())
    arrivals = [i for i, p in enumerate(packets)
                if p[2] == 1 and p[1][12:16] == packets[0][1][12:16]]
    counts = []
    for lost in (arrivals[:0], arrivals[5:8]):
        rows = [p for i, p in enumerate(packets) if i not in lost]
        there = stats(tapped(rows, lambda source, to, way: way)).lines()[0]["directions"][0]
        counts.append((there["dropped"], there["lost_at_least"]))
    assert counts == [(0, 0), (0, 3)]


def test_losses_that_a_simulation_tells(sipc, project_dir, tmp_path):
    path = tmp_path / "partition.pcapng"
    scenario = project_dir / "simnet" / "scenarios" / "one-way-partition.sx"
    assert sipc("sim", "run", scenario, "--trace", path).code == 0
    dropped = [p for p in packets_of(path.read_bytes()) if p[2] == 0 and b"dropped" in p[3]]
    session = sipc("pcap", "stats", "--json", path).lines()[0]
    assert sum(d["dropped"] for d in session["directions"]) == len(dropped) > 0


def test_copies_of_the_capture_are_left_out_and_those_of_a_network_counted(stats):
    rows = [row(i * 10, full(i), ident=i + 1) for i in range(40)]
    mirrored = [r for pair in zip(rows, rows) for r in pair]
    session, whole = stats(mirrored).lines()
    assert session["directions"][0]["captured"]["pdus"]["data"] == 40
    assert whole["copies"] == 40
    session, whole = stats(rows[:30] + [rows[29]] + rows[30:]).lines()
    view = session["directions"][0]["captured"]
    assert (view["duplicated_by_network"], view["repeats"], whole["copies"]) == (1, 0, 0)


def test_sessions_are_told_apart_by_address_and_id(stats):
    other = bytes(32)
    rows = [row(0, full(0)), row(1, full(0, session=other)), row(2, full(1))]
    rows.append((3 * MS, ipv4(udp(full(0), 7, 8)), len(ipv4(udp(full(0), 7, 8)))))
    *sessions, whole = stats(rows).lines()
    assert [s["directions"][0]["captured"]["pdus"]["data"] for s in sessions] == [2, 1, 1]
    assert whole["sessions"] == 3


def test_more_sessions_than_there_is_room_for_are_told_in_time(stats):
    rows = [row(i, full(0, session=i.to_bytes(32, "big"))) for i in range(2100)]
    lines = stats(rows).lines()
    assert len(lines) == 2101 and lines[-1]["sessions"] == 2100


@pytest.fixture(scope="module")
def satellite(sipc, tmp_path_factory, project_dir):
    path = tmp_path_factory.mktemp("sim") / "leo.pcapng"
    scenario = project_dir / "simnet" / "scenarios" / "satellite-geo.sx"
    assert sipc("sim", "run", scenario, "--trace", path).code == 0
    return path


def test_both_ends_of_a_simulation(sipc, satellite):
    sent, arrived = {}, {}
    for _, data, way, _ in packets_of(satellite.read_bytes()):
        ends = (data[12:16], data[16:20])
        counts = {1: arrived, 2: sent}.get(way, {})
        counts[ends] = counts.get(ends, 0) + 1
    session, whole = sipc("pcap", "stats", "--json", satellite).lines()
    assert whole["not_pdus"] == 0
    for direction in session["directions"]:
        ends = tuple(bytes(map(int, direction[key].split(":")[0].split(".")))
                     for key in ("from", "to"))
        assert sum(direction["sent"]["pdus"].values()) == sent[ends]
        assert sum(direction["arrived"]["pdus"].values()) == arrived[ends]
        assert direction["sent"]["holes"] == 0
    least = session["directions"][0]["sent"]["round_trip_min_ns"]
    assert 480 * MS < least < 700 * MS  # up and down twice


def test_a_hole_in_the_capture_is_no_loss(stats, satellite):
    packets = packets_of(satellite.read_bytes())
    first = packets[0][1][12:16]
    at_sender = [p for p in packets if (p[1][12:16] == first and p[2] == 2) or
                 (p[1][16:20] == first and p[2] == 1)]
    without = [p for i, p in enumerate(at_sender) if i % 100 != 50]
    for rows, holes in ((at_sender, False), (without, True)):
        session = stats(tapped(rows, lambda *_: True)).lines()[0]
        assert bool(session["directions"][0]["sent"]["holes"]) == holes


def test_text(sipc):
    rows = [row(0, full(1)), row(30, ack(1), True), row(1000, full(1))]
    out = sipc("pcap", "stats", "-", stdin=pcap(rows, 101)).out
    for wanted in ("10.0.0.1:40001 > 10.0.0.2:40001", "30.000 ms to 30.000 ms",
                   "once 1, twice 0, more often 0; spurious 1", "3 PDUs, 0 that are none, 1 sess"):
        assert wanted in out, out
