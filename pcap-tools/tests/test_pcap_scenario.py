"""What `sipc pcap scenario` finds out about a path, and whether the simulator does the same then.

SPDX-License-Identifier: MIT
"""

import json
import re
import struct

import pytest
from captures import (ACK, full, interface, ipv4, option, packet, packets_of, pcap, pdu, section,
                      tapped, udp)

MS = 10**6
SERVER = 80


# ---- captures of TCP and RTP ----

def segment(at_ms, seq, size=0, ack=None, back=False, ident=0, options=b""):
    """A segment with `size` bytes of data; `back`: from the server."""
    segment.ident += 1
    ports = (SERVER, 999) if back else (999, SERVER)
    options += b"\1" * (-len(options) % 4)
    flags = 16 if ack is not None else 2
    head = struct.pack(">HHIIBBHHH", *ports, seq, ack or 0, (5 + len(options) // 4) << 4, flags,
                       65535, 0, 0)
    frame = ipv4(head + options + bytes(size), protocol=6, back=back, ident=ident or segment.ident)
    return int(at_ms * MS), frame, len(frame)


segment.ident = 0


def sack(start, end):
    return bytes([1, 1, 5, 10]) + struct.pack(">II", start, end)


def stamps(value, echo):
    return bytes([1, 1, 8, 10]) + struct.pack(">II", value, echo)


def calm(count=20, start_ms=0, seq=1000):
    """Data and acks, 40 ms apart, for round trips to be known by."""
    rows = []
    for i in range(count):
        at = start_ms + 50 * i
        rows += [segment(at, seq + 100 * i, 100, 1), segment(at + 40, 1, 0, seq + 100 * (i + 1),
                                                             back=True)]
    return rows


def rtp(at_ms, number, stamp, source=7, kind=0):
    head = struct.pack(">BBHII", 0x80, kind, number & 0xffff, stamp & 0xffffffff, source)
    frame = ipv4(udp(head + bytes(160), 5004, 5004), ident=0)
    return int(at_ms * MS), frame, len(frame)


@pytest.fixture
def scenario(sipc, tmp_path):
    """What the command tells of rows, or of a file: (there, back, all)."""
    def call(rows, *arguments):
        path = rows
        if isinstance(rows, (list, bytes)):
            path = tmp_path / "rows.pcap"
            path.write_bytes(rows if isinstance(rows, bytes) else pcap(sorted(
                rows, key=lambda row: row[0]), 101, nano=True))
        result = sipc("pcap", "scenario", "--json", *arguments, path)
        assert result.code == 0, result
        found = json.loads(result.out.splitlines()[0])
        return found["there"], found["back"], found
    return call


# ---- TCP ----

END = 1000 + 20 * 100  # behind calm()
AFTER = 1000  # ms

TCP = [  # name, what comes behind calm(), what is found of the way there
    ("lost, then sent again", [
        segment(AFTER, END, 100, 1), segment(AFTER + 300, END, 100, 1),
        segment(AFTER + 340, 1, 0, END + 100, True)],
     {"resent": 1, "lost_behind": 1, "spurious": 0, "ambiguous_acks": 1}),
    ("sent again though acked", [
        segment(AFTER, END, 100, 1), segment(AFTER + 40, 1, 0, END + 100, True),
        segment(AFTER + 300, END, 100, 1)],
     {"resent": 1, "lost_behind": 0, "spurious_acked_before": 1}),
    ("the ack of the first one comes", [
        segment(AFTER, END, 100, 1), segment(AFTER + 35, END, 100, 1),
        segment(AFTER + 45, 1, 0, END + 100, True)],
     {"resent": 1, "lost_behind": 0, "spurious_acked_too_soon": 1}),
    ("got twice, as SACK says at once", [
        segment(AFTER, END, 100, 1), segment(AFTER + 100, END, 100, 1),
        segment(AFTER + 140, 1, 0, END + 100, True, options=sack(END, END + 100))],
     {"resent": 1, "lost_behind": 0, "spurious_by_sack": 1}),
    ("got twice, as SACK says later", [
        segment(AFTER, END, 100, 1), segment(AFTER + 100, END, 100, 1),
        segment(AFTER + 140, 1, 0, END + 100, True),
        segment(AFTER + 150, 1, 0, END + 100, True, options=sack(END, END + 100))],
     {"resent": 1, "lost_behind": 0, "spurious_by_sack": 1}),
    ("the first one's timestamp comes back", [
        segment(AFTER, END, 100, 1, options=stamps(50, 1)),
        segment(AFTER + 100, END, 100, 1, options=stamps(60, 1)),
        segment(AFTER + 140, 1, 0, END + 100, True, options=stamps(9, 50))],
     {"resent": 1, "lost_behind": 0, "spurious_by_timestamp": 1}),
    ("the second one's timestamp comes back", [
        segment(AFTER, END, 100, 1, options=stamps(50, 1)),
        segment(AFTER + 100, END, 100, 1, options=stamps(60, 1)),
        segment(AFTER + 140, 1, 0, END + 100, True, options=stamps(9, 60))],
     {"resent": 1, "lost_behind": 1, "spurious": 0}),
    ("lost twice", [
        segment(AFTER, END, 100, 1), segment(AFTER + 200, END, 100, 1),
        segment(AFTER + 600, END, 100, 1), segment(AFTER + 640, 1, 0, END + 100, True)],
     {"resent": 2, "lost_behind": 2, "spurious": 0}),
    ("never acked", [
        segment(AFTER, END, 100, 1), segment(AFTER + 200, END, 100, 1)],
     {"resent": 1, "lost_behind": 1, "lost_unsure": 1}),
    ("fast, on duplicate acks", [
        segment(AFTER, END, 100, 1), segment(AFTER + 1, END + 100, 100, 1),
        *(segment(AFTER + 41 + i, 1, 0, END, True, options=sack(END + 100, END + 200))
          for i in range(3)),
        segment(AFTER + 45, END, 100, 1), segment(AFTER + 85, 1, 0, END + 200, True)],
     {"resent": 1, "resent_fast": 1, "duplicate_acks": 3, "lost_behind": 1, "spurious": 0}),
    ("lost before the capture", [
        segment(AFTER, END + 100, 100, 1), segment(AFTER + 200, END, 100, 1),
        segment(AFTER + 240, 1, 0, END + 200, True)],
     {"resent": 0, "lost_before": 1, "lost_behind": 0, "late": 0, "holes": 0}),
    ("late by so little that nobody sent it again", [
        segment(AFTER, END + 100, 100, 1), segment(AFTER + 2, END, 100, 1),
        segment(AFTER + 42, 1, 0, END + 200, True)],
     {"resent": 0, "lost_before": 0, "lost_behind": 0, "late": 1}),
    ("a hole: acked, never captured", [
        segment(AFTER, END + 100, 100, 1), segment(AFTER + 40, 1, 0, END + 200, True)],
     {"lost_before": 0, "lost_behind": 0, "holes": 1, "hole_bytes": 100}),
    ("a hole at the end", [segment(AFTER + 40, 1, 0, END + 50, True)],
     {"lost_before": 0, "lost_behind": 0, "holes": 1, "hole_bytes": 50}),
    ("numbers that wrap", [], {"lost_behind": 0, "holes": 0, "data": 20}),
]


@pytest.mark.parametrize("rows, found", [row[1:] for row in TCP], ids=[row[0] for row in TCP])
def test_tcp(scenario, rows, found):
    there, back, whole = scenario(calm() + rows, "--host", "10.0.0.1")
    assert {key: there[key] for key in found} == found
    trips = there["round_trips"]
    assert trips["min_ns"] == trips["p50_ns"] == 40 * MS
    assert (whole["source"], back["lost_behind"], back["mirrored"]) == ("tap", 0, 0)


def test_sequence_numbers_wrap(scenario):
    there, _, _ = scenario([r for i in range(20) for r in (
        segment(50 * i, (2**32 - 1000 + 100 * i) % 2**32, 100, 1),
        segment(50 * i + 40, 1, 0, (2**32 - 900 + 100 * i) % 2**32, True))])
    assert (there["data"], there["resent"], there["holes"]) == (20, 0, 0)
    assert there["round_trips"]["count"] == 20


def test_copies_of_a_mirror_are_no_retransmissions_and_those_of_a_network_duplicates(scenario):
    rows = calm(40)
    there, back, _ = scenario([r for row in rows for r in (row, (row[0] + 1000, *row[1:]))])
    assert (there["mirrored"], back["mirrored"]) == (40, 40)
    assert (there["resent"], there["packets"], back["duplicate_acks"]) == (0, 40, 0)
    again = rows[:50] + [(rows[50][0] + 1000, *rows[50][1:])] + rows[50:]
    there, _, _ = scenario(again)
    assert (there["mirrored"], there["duplicates"], there["resent"]) == (0, 1, 0)
    assert there["model"]["duplicate_ppm"] == 25000


def test_a_capture_in_the_middle_adds_both_sides(scenario):
    rows = calm(20)
    for i in range(20):  # the server's data, acked by the host 10 ms later
        rows += [segment(2000 + 50 * i, 1 + 10 * i, 10, END, True),
                 segment(2010 + 50 * i, END, 0, 11 + 10 * i)]
    there, back, _ = scenario(rows, "--host", "10.0.0.1")
    assert (there["round_trips"]["p50_ns"], back["round_trips"]["p50_ns"]) == (40 * MS, 10 * MS)
    assert there["model"]["delay_ns"][50] == back["model"]["delay_ns"][50] == 25 * MS


def test_times_that_go_back_and_the_last_there_is(sipc, tmp_path):
    rows = calm(20)
    times = [at for at, *_ in rows]
    times[11], times[30], times[39] = 0, 2**63, 2**64 - 5
    capture = section() + interface(228, options=option(9, b"\x09")) + b"".join(
        packet(frame, units=at) for at, (_, frame, _) in zip(times, rows))
    (tmp_path / "odd.pcapng").write_bytes(capture)
    result = sipc("pcap", "scenario", "--json", "-o", tmp_path, "--to-mahimahi",
                  tmp_path / "odd.pcapng")
    assert result.code == 0, result
    there = json.loads(result.out)["there"]
    assert there["packets"] == 20 and there["resent"] == there["lost_behind"] == 0
    assert there["round_trips"]["p50_ns"] == 40 * MS
    for path in (tmp_path / "traces").iterdir():
        values = [int(line) for line in path.read_text().split()]
        assert max(values) <= 3600 * 10**6 or path.suffix == ".mahimahi", path


# ---- RTP ----

def test_rtp_by_its_numbers(scenario):
    numbers = [n for n in range(65500, 65600) if n not in (65510, 65511, 65540)]
    rows = [rtp(20 * n + (5 if n == 65550 else 0), n, 160 * n) for n in numbers]
    rows += [(rows[20][0] + 3 * MS, *rows[20][1:])]
    there, _, whole = scenario(rows)
    assert (whole["source"], there["clock_hz"]) == ("stream", 8000)
    assert (there["packets"], there["lost_before"], there["duplicates"]) == (97, 3, 1)
    assert (there["model"]["runs"], there["model"]["lost"]) == (2, 3)
    assert there["model"]["delay_ns"][50] == 0 and there["model"]["delay_ns"][99] == 5 * MS


def test_rtp_jitter_as_rfc_3550_has_it(scenario):
    late = [0, 5, 0, 10, 3, 0, 8, 1, 0, 2, 7, 0] * 3
    there, _, _ = scenario([rtp(20 * n + ms, n, 160 * n) for n, ms in enumerate(late)])
    jitter = 0
    for before, ms in zip(late, late[1:]):
        jitter += (abs(ms - before) - jitter) / 16
    assert abs(there["jitter_ns"] / MS - jitter) < 0.001
    assert there["late"] == 0


def test_rtp_whose_numbers_go_far_back(scenario):
    """The first number is further from the lowest than numbers of 16 bits can be told apart."""
    numbers = [*range(40000, 100, -999), *(100 + n % 500 for n in range(12600))]
    there, _, whole = scenario([rtp(20 * i, n, 160 * i) for i, n in enumerate(numbers)])
    assert (whole["source"], there["packets"]) == ("stream", len(set(numbers)))
    assert there["model"]["sent"] == max(numbers) - min(numbers) + 1


def test_rtp_that_comes_late_is_not_lost(scenario):
    rows = [rtp(20 * n + (50 if n == 30 else 0), n, 160 * n) for n in range(60)]
    there, _, _ = scenario(rows)
    assert (there["lost_before"], there["late"], there["late_by_max"]) == (0, 1, 2)


# ---- there and back: the simulator's captures ----

SIMULATED = """sx 1
id known
world
host a ack_timeout 500ms max_retry_count 30
host b ack_timeout 500ms max_retry_count 30
link a>b delay {there} {links}
link b>a delay 30ms
session S of a>b
traffic a in S count {count} size 4KB to 12KB opens
traffic b in S count {count} size 4KB to 12KB
"""


@pytest.fixture(scope="module")
def simulated(sipc, tmp_path_factory):
    """A capture of a world with that link from a to b."""
    def call(links, count=300, there="20ms"):
        folder = tmp_path_factory.mktemp("known")
        (folder / "known.sx").write_text(
            SIMULATED.format(links=links, count=count, there=there))
        result = sipc("sim", "run", folder / "known.sx", "--trace", folder / "known.pcapng")
        assert result.code == 0, result
        return folder / "known.pcapng"
    return call


def near(value, wanted, share):
    return abs(value - wanted) <= share * wanted


def dropped(capture):
    return sum(b"dropped at loss" in comment for *_, comment in packets_of(capture.read_bytes()))


def test_both_ends_of_a_simulation_give_back_bursts(scenario, simulated):
    capture = simulated("bursts in 2% out 25% lose 70%", 800)
    there, back, whole = scenario(capture, "--host", "10.0.0.1")
    model = there["model"]
    assert (whole["source"], back["model"]["lost"]) == ("ends", 0)
    assert model["lost"] + there["beyond"] == dropped(capture) > 400
    assert near(model["loss_ppm"], 1e6 * 0.7 * 2 / 27, 0.2)
    assert near(model["in_ppm"], 20000, 0.25), model
    assert near(model["out_ppm"], 250000, 0.25), model
    assert near(model["lose_ppm"], 700000, 0.15), model
    assert set(model["delay_ns"]) == {20 * MS} and set(back["model"]["delay_ns"]) == {30 * MS}


def test_both_ends_give_back_delays_duplicates_and_what_was_late(scenario, simulated):
    capture = simulated("jitter uniform 10ms reorders duplicate 3% copies 2 after 1ms loss 1%", 200)
    there, _, _ = scenario(capture, "--host", "10.0.0.1")
    model = there["model"]
    entered = sum(data[12:16] == b"\n\0\0\1" and way == 2
                  for _, data, way, _ in packets_of(capture.read_bytes()))
    assert model["sent"] == entered and there["unmatched"] == 0
    assert model["lost"] + there["beyond"] == dropped(capture)
    assert near(model["duplicate_ppm"], 30000, 0.3), model
    assert near(model["delay_ns"][50], 25 * MS, 0.03)
    assert near(model["delay_ns"][5], 20.5 * MS, 0.03)
    assert there["late"] > 100


def test_a_capture_at_the_sender_gives_the_losses(scenario, simulated):
    capture = simulated("loss 3%", 200)
    one = capture.with_name("one.pcapng")
    one.write_bytes(tapped(packets_of(capture.read_bytes()), lambda source, _, way:
                           (source == b"\n\0\0\1") == (way == 2) and way != 0, flags=False))
    there, back, whole = scenario(one, "--host", "10.0.0.1")
    assert whole["source"] == "tap"
    assert there["round_trips"]["min_ns"] == 50 * MS
    assert set(there["model"]["delay_ns"]) == set(back["model"]["delay_ns"]) == {25 * MS}
    # what is lost of the acks of b's data shows nowhere
    lost = sum(b"dropped at loss" in comment and b": data " in comment
               for *_, comment in packets_of(capture.read_bytes()))
    assert near(there["lost_behind"], lost, 0.15), (there["lost_behind"], lost)


def shifted(capture, end, ahead_ns=0, gains_ppb=0):
    """What one end of a>b saw, its clock so much ahead."""
    out = section() + interface(228, options=option(9, b"\x09"))
    rows = []
    for at, data, way, _ in packets_of(capture.read_bytes()):
        mine = (data[12:16] == b"\n\0\0" + bytes([end])) == (way == 2)
        if way != 0 and mine:
            rows.append((at + ahead_ns + at * gains_ppb // 10**9, data))
    for at, data in sorted(rows, key=lambda row: row[0]):
        out += packet(data, units=10**9 + at)
    return out


@pytest.mark.parametrize("ahead_ms, ppb", [(0, 0), (-40, 20000), (700, -100000), (0, 5000000)])
def test_two_captures_whose_clocks_are_apart(scenario, simulated, ahead_ms, ppb):
    capture = simulated("loss 2% jitter exponential 2ms reorders", 150, there="30ms")
    first, second = capture.with_name("near.pcapng"), capture.with_name("far.pcapng")
    first.write_bytes(shifted(capture, 1))
    second.write_bytes(shifted(capture, 2, ahead_ms * MS, ppb))
    there, back, whole = scenario(first, "--far", second, "--host", "10.0.0.1")
    assert abs(whole["clock"]["ahead_ns"] - ahead_ms * MS) < 2 * MS
    assert abs(whole["clock"]["gains_ppb"] - ppb) < 15000
    assert 25 * MS < whole["clock"]["error_ns"] < 32 * MS  # half of the round trip
    assert there["model"]["lost"] + there["beyond"] == dropped(capture)
    assert abs(there["model"]["delay_ns"][50] - 31.4 * MS) < 1.5 * MS
    assert abs(back["model"]["delay_ns"][50] - 30 * MS) < 1.5 * MS


def by_flags(start_ms):
    """Both ends in one capture, of which the first packet does not arrive."""
    out = section() + interface(101, options=option(9, b"\x03"))
    for i in range(12):
        frame = ipv4(udp(full(i)), ident=i + 1)
        for at, way in [(start_ms + 50 * i, 2), (start_ms + 50 * i + 20, 1)][:2 if i > 0 else 1]:
            out += packet(frame, units=at, options=option(2, struct.pack("<I", way)))
    return out


@pytest.mark.parametrize("rows", [
    lambda start: calm(5, start),
    lambda start: [rtp(start + 20 * n, n, 160 * n) for n in range(12)],
    by_flags,
], ids=["acks", "rtp", "ends"])
def test_a_capture_may_begin_at_0(sipc, tmp_path, rows):
    """As the simulator's do: what was there first is not taken for what was before."""
    told = []
    for start in (0, 1000):
        made = rows(start)
        path = tmp_path / "rows"
        path.write_bytes(made if isinstance(made, bytes) else pcap(made, 101, nano=True))
        told.append([sipc("pcap", "scenario", *more, path).out for more in ([], ["--json"])])
    assert told[0] == told[1] and "Inferred" in told[0][0]
    if rows is by_flags:
        there = json.loads(told[0][1])["there"]
        assert (there["model"]["lost"], there["beyond"]) == (1, 0)


def test_two_captures_of_which_one_clock_was_set(sipc, tmp_path):
    """From 1970 to now, as on a machine that boots without one: no figure is out of bounds."""
    near, far = [], []
    for i in range(1200):
        for back in (False, True):
            frame = ipv4(udp(full(i)), back=back, ident=2 * i + back + 1)
            at, delay = 20 * MS * i, (-5 if back else 5) * MS
            near.append((at, frame, len(frame)))
            far.append((at + delay + (17 * 10**17 if i > 600 else 10**9), frame, len(frame)))
    for name, rows in (("near", near), ("far", far)):
        (tmp_path / name).write_bytes(pcap(sorted(rows, key=lambda row: row[0]), 101, nano=True))
    result = sipc("pcap", "scenario", "--json", "--host", "10.0.0.1", "--far", tmp_path / "far",
                  tmp_path / "near")
    assert result.code == 0, result
    found = json.loads(result.out)
    assert found["there"]["packets"] + found["back"]["packets"] > 0
    assert abs(found["clock"]["gains_ppb"]) <= 10**8


def test_what_is_written_runs_and_does_the_same(sipc, scenario, simulated, tmp_path):
    capture = simulated("jitter uniform 10ms reorders duplicate 5% loss 4%", 100)
    there, _, _ = scenario(capture, "--host", "10.0.0.1")
    result = sipc("pcap", "scenario", "-o", tmp_path, "--name", "again", "--host", "10.0.0.1",
                  capture)
    assert result.code == 0, result
    assert [line for line in result.out.splitlines() if line.endswith(".sx")] == \
        [f"{tmp_path}/again.sx", f"{tmp_path}/again-fitted.sx"]
    lists = {name: (tmp_path / "traces" / f"again-there.{name}").read_text().split()
             for name in ("delays", "losses", "copies")}
    assert all(len(values) == there["model"]["sent"] for values in lists.values())
    assert lists["losses"].count("1") == there["model"]["lost"]
    for name in ("again", "again-fitted"):
        text = (tmp_path / f"{name}.sx").read_text()
        for wanted in ("# Inferred from captures of both ends", "# Assumed:", "# How sure:",
                       "# Made by:"):
            assert wanted in text
        assert max(map(len, (line for line in text.splitlines() if line[:1] == "#"))) <= 100
        again = tmp_path / f"{name}.pcapng"
        assert sipc("sim", "run", tmp_path / f"{name}.sx", "--trace", again).code == 0
        model = scenario(again, "--host", "10.0.0.1")[0]["model"]
        assert near(model["loss_ppm"], there["model"]["loss_ppm"], 0.5)
        assert near(model["duplicate_ppm"], there["model"]["duplicate_ppm"], 0.5)
    # the lists are used from their beginning, a line for each packet
    exact = scenario(tmp_path / "again.pcapng", "--host", "10.0.0.1")[0]
    sent = min(exact["model"]["sent"], there["model"]["sent"])
    assert exact["model"]["lost"] == lists["losses"][:sent].count("1")


# ---- lists, irtt, Mahimahi ----

def test_lists_of_probes(sipc, tmp_path):
    (tmp_path / "d").write_text("".join(f"{5 + i % 3}\n" for i in range(300)))
    (tmp_path / "l").write_text("".join(f"{int(i % 100 in (7, 8))}\n" for i in range(300)))
    result = sipc("pcap", "scenario", "--json", "--out", tmp_path, "--name", "probes", "--delays",
                  tmp_path / "d", "--losses", tmp_path / "l", "--unit", "ms", "--every", 10)
    assert result.code == 0, result
    model = json.loads(result.out.splitlines()[0])["there"]["model"]
    assert (model["lost"], model["runs"], model["loss_ppm"]) == (6, 3, 20000)
    assert sorted(set(model["delay_ns"])) == [5 * MS, 6 * MS, 7 * MS]
    text = (tmp_path / "probes.sx").read_text()
    assert 'delay_trace "traces/probes-there.delays" unit 1us every 10ms' in text
    assert 'lose_trace "traces/probes-there.losses" every 10ms' in text
    assert "loss 2%" in (tmp_path / "probes-fitted.sx").read_text()
    assert sipc("sim", "run", tmp_path / "probes.sx", tmp_path / "probes-fitted.sx").code == 0


@pytest.mark.parametrize("source", [["--source", "http://a/b"], ["--source=http://a/b"]])
@pytest.mark.parametrize("out", ["--out=", "-o"])
def test_the_command_is_told_without_folders(sipc, tmp_path, source, out):
    (tmp_path / "d").write_text("5\n")
    result = sipc("pcap", "scenario", f"{out}{tmp_path}/made", *source, "--delays", tmp_path / "d")
    assert result.code == 0, result
    text = (tmp_path / "made" / "d.sx").read_text()
    assert f"\n#   sipc pcap scenario {out}made --delays d\n" in text
    assert str(tmp_path) not in text and "# Source: http://a/b\n" in text


def irtt(trips, interval=10 * MS):
    return json.dumps({"config": {"interval": interval}, "round_trips": trips})


def test_irtt(sipc, tmp_path):
    trips = [{"lost": "false", "delay": {"send": 12 * MS + i, "receive": -2 * MS, "rtt": 10 * MS}}
             for i in range(10)]
    trips[3] = {"lost": "true_down", "delay": {"send": 12 * MS}}
    trips[5] = {"lost": "true_up", "delay": {}}
    path = tmp_path / "irtt.json"
    path.write_text(irtt(trips))
    found = json.loads(sipc("pcap", "scenario", "--json", "--irtt", path).out)
    assert (found["there"]["model"]["sent"], found["there"]["model"]["lost"]) == (10, 1)
    assert (found["back"]["model"]["sent"], found["back"]["model"]["lost"]) == (9, 1)
    assert found["clock"]["ahead_ns"] == 7 * MS
    assert abs(found["there"]["model"]["delay_ns"][50] - 5 * MS) < 100
    assert found["back"]["model"]["delay_ns"][50] == 5 * MS


def test_irtt_of_which_nothing_came_back(sipc, tmp_path):
    path = tmp_path / "irtt.json"
    path.write_text(irtt([{"lost": "true_down", "delay": {"send": ms * MS}} for ms in (-5, -3)]))
    found = json.loads(sipc("pcap", "scenario", "--json", "--irtt", path).out)
    assert found["clock"]["ahead_ns"] == -5 * MS
    assert set(found["there"]["model"]["delay_ns"]) == {0, 2 * MS}
    assert found["back"]["model"]["lost"] == 2


def test_mahimahi_there_and_back_again(sipc, scenario, tmp_path):
    rates = [str(5 * i) for i in range(1, 400)]
    (tmp_path / "down").write_text("\n".join(rates) + "\n")
    result = sipc("pcap", "scenario", "-o", tmp_path, "--mahimahi", tmp_path / "down")
    assert result.code == 0, result
    assert "399 opportunities of 1,500 bytes in 1 s, mean 2400 kbit/s, longest gap 5 ms" in \
        result.out
    assert (tmp_path / "traces" / "down-there.opportunities").read_text().split() == rates
    trace = tmp_path / "down.pcapng"
    assert sipc("sim", "run", tmp_path / "down.sx", "--trace", trace).code == 0
    scenario(trace, "-o", tmp_path, "--to-mahimahi", "--name", "back", "--host", "10.0.0.1")
    written = [int(n) for n in (tmp_path / "traces" / "back-there.mahimahi").read_text().split()]
    sent = sum(len(data) for _, data, way, _ in packets_of(trace.read_bytes())
               if way == 1 and data[12:16] == b"\n\0\0\1")
    assert len(written) == sent // 1500 and written == sorted(written)


# ---- what is wrong is told ----

WRONG = [  # arguments (files in the folder of the test), exit status, what is said
    ([], 2, "found 0"),
    (["a", "b"], 2, "one capture at a time"),
    (["--irtt", "a", "b"], 2, "found 2"),
    (["--far", "a", "--delays", "numbers"], 2, "found 1"),
    (["--name", "a/b", "a"], 2, "--name a/b: expected letters, digits, - and _"),
    (["--unit", "s", "a"], 2, "--unit s: expected ns, us or ms"),
    (["--every", "0", "a"], 2, "--every 0: expected a whole number from 1"),
    (["--host", "x", "a"], 2, "--host x: expected ADDRESS"),
    (["--mahimahi", "numbers"], 4, "numbers:3: not sorted: 2 comes after 3"),
    (["--delays", "words"], 4, "words:2: expected a number, found 'x'"),
    (["--delays", "numbers", "--losses", "zero"], 4,
     "zero: expected a line for each of the 3 delays of numbers, found 1"),
    (["--irtt", "words"], 4, "words:1: "),
    (["--irtt", "empty.json"], 4, "expected what irtt writes"),
    (["--irtt", "odd.json"], 4, "round_trips[1]: expected lost"),
    (["no-such"], 4, "no-such: No such file or directory"),
    (["words"], 4, "unknown file format"),
    (["cut"], 4, "cut: broken at byte"),
    (["nothing"], 5, "nothing to infer from: expected TCP, ScalableIPC or RTP of the host, found"),
    (["--far", "nothing", "good"], 5, "nothing in it matches good"),
    (["-o", "words/x", "good"], 4, "words/x: Not a directory"),
]


@pytest.mark.parametrize("arguments, code, text", WRONG, ids=[" ".join(r[0]) for r in WRONG])
def test_what_is_wrong_is_told(sipc, tmp_path, arguments, code, text):
    good = pcap(calm(3), 101, nano=True)
    trip = {"lost": "false", "delay": {"send": 1, "receive": 1}}
    for name, data in (("numbers", "1\n3\n2\n"), ("words", "1\nx\n"), ("zero", "0\n"),
                       ("empty.json", "{}"), ("odd.json", irtt([trip, {"lost": "false"}])),
                       ("a", ""), ("b", "")):
        (tmp_path / name).write_text(data)
    (tmp_path / "good").write_bytes(good)
    (tmp_path / "cut").write_bytes(good[:-1])
    (tmp_path / "nothing").write_bytes(pcap([ipv4(udp(b"hello"))], 101))
    result = sipc("pcap", "scenario", *arguments, cwd=tmp_path)
    assert result.code == code and text in result.err, result
    if arguments == ["cut"]:
        assert "there: 3 packets" in result.out  # what was read before
    if code == 4:  # nobody has looked at what is in it
        assert "nothing to infer" not in result.err


# ---- captures of other people ----

def test_a_server_on_a_long_path(scenario, traces):
    there, back, whole = scenario(traces / "zeek" / "206_example_a.pcap")
    assert there["packets"] + back["packets"] == 672
    assert there["data"] + back["data"] == 401
    trips = back["round_trips"]
    assert (trips["min_ns"] // MS, round(trips["p50_ns"] / MS)) == (358, 368)
    assert 560 <= trips["p95_ns"] / MS <= 600
    # twelve on duplicate acks; five more followed, which look out of order to others
    assert (back["resent_fast"], back["resent"], back["duplicate_acks"]) == (12, 17, 80)
    assert (back["spurious"], back["lost_behind"], whole["flows"]) == (0, 17, 2)


def test_a_timer_shorter_than_the_path(scenario, traces):
    there, back, _ = scenario(traces / "zeek" / "pppoe-over-qinq.pcap")
    assert there["packets"] + back["packets"] == 86
    assert there["data"] + back["data"] == 48
    # 23, and two that look out of order to others
    assert there["resent"] + back["resent"] == 25
    assert there["spurious_acked_before"] + back["spurious_acked_before"] == 12
    assert there["round_trips"]["min_ns"] // MS == 411


def test_a_mirror(scenario, traces):
    there, back, _ = scenario(traces / "zeek" / "m57-long-49583-80.pcap")
    assert there["mirrored"] + back["mirrored"] == 113
    assert there["packets"] + back["packets"] + 113 == 227
    assert (there["resent"], back["resent"], there["lost_behind"]) == (0, 0, 0)
    assert round(there["round_trips"]["p50_ns"] / MS) == 96


def test_bad_wifi(scenario, traces):
    there, back, whole = scenario(traces / "ndpi" / "alexa-app.pcapng")
    assert (whole["flows"], there["data"] + back["data"]) == (121, 1286)
    # 162, and four that look out of order to others
    assert there["resent"] + back["resent"] == 166
    assert there["spurious_acked_before"] + back["spurious_acked_before"] == 34
    assert max(there["round_trips"]["max_ns"], back["round_trips"]["max_ns"]) > 1000 * MS


@pytest.mark.parametrize("way, figures", [
    ("up", (3.65, 19.2, 144.4, 4, 2)), ("down", (10.1, 19.4, 90.5, 33, 28))])
def test_probes_of_a_satellite(sipc, traces, way, figures):
    files = [traces / "starlink-irtt" / f"LEO_{way}link_{what}-000001-12h.txt"
             for what in ("delay", "loss")]
    result = sipc("pcap", "scenario", "--json", "--delays", files[0], "--losses", files[1],
                  "--every", 10)
    model = json.loads(result.out)["there"]["model"]
    assert (model["sent"], model["lost"], model["runs"]) == (10000, *figures[3:])
    assert abs(model["delay_ns"][50] / MS - figures[1]) < 0.1
    assert figures[0] <= model["delay_ns"][0] / MS and model["delay_ns"][99] / MS <= figures[2]


@pytest.mark.parametrize("name, figures", [
    ("ATT-LTE-driving-2016.down", ("45604", "120 s", "4560", "1123")),
    ("Verizon-EVDO-driving.down", ("46065", "1062 s", "520", "11567"))])
def test_opportunities(sipc, traces, name, figures):
    out = sipc("pcap", "scenario", "--mahimahi", traces / "mahimahi" / name).out
    found = re.search(r"there: (\d+) opp.* in (\d+ s), mean (\d+) kbit/s, longest gap (\d+)", out)
    assert found and found.groups() == figures, out


SHIPPED = [  # name, capture, where it is from as its scenario has it
    ("measured-server", "zeek/206_example_a.pcap",
     "zeek/zeek @ a13de64, 206_example_a.pcap, BSD-3-Clause"),
    ("measured-short-timer", "zeek/pppoe-over-qinq.pcap",
     "zeek/zeek @ a13de64, pppoe-over-qinq.pcap, BSD-3-Clause"),
    ("measured-wifi", "ndpi/alexa-app.pcapng", "ntop/nDPI @ 3b1286a, alexa-app.pcapng, LGPL-3"),
]


@pytest.mark.parametrize("name, capture, source", SHIPPED, ids=[row[0] for row in SHIPPED])
def test_shipped_scenarios_are_what_comes_of_their_captures(sipc, traces, project_dir, tmp_path,
                                                            name, capture, source):
    result = sipc("pcap", "scenario", "-o", "scenarios", "--name", name, "--source", source,
                  traces / capture, cwd=tmp_path)
    assert result.code == 0, result
    shipped = [path for path in (project_dir / "simnet" / "scenarios").rglob(f"{name}*")]
    assert len(shipped) >= 3
    for path in shipped:
        made = tmp_path / "scenarios" / path.relative_to(project_dir / "simnet" / "scenarios")
        assert made.read_text() == path.read_text(), path


# ---- ScalableIPC seen by one machine, by hand ----

def test_pdus_that_are_sent_again(scenario):
    def row(at_ms, payload, back=False):
        frame = ipv4(udp(payload), back=back, ident=at_ms + 1)
        return at_ms * MS, frame, len(frame)

    def acked(window_id):
        return pdu(ACK, window_id, 0, [("s_10", "True")])

    rows = [row(0, full(1)), row(30, acked(1), True),                     # a round trip
            row(100, full(2)), row(1100, full(2)), row(1130, acked(2), True),  # lost
            row(1200, full(3)), row(1230, acked(3), True), row(1240, full(3)),  # for nothing
            row(1300, full(4)), row(1325, full(4)), row(1331, acked(4), True)]  # too early
    there, back, _ = scenario(rows, "--host", "10.0.0.1")
    assert (there["resent"], there["lost_behind"]) == (3, 1)
    assert (there["spurious_acked_before"], there["spurious_acked_too_soon"]) == (1, 1)
    assert there["round_trips"]["count"] == 2
    assert (there["model"]["sent"], back["model"]["sent"]) == (7, 4)
