"""Captured endpoints played again, by the engine and to live peers. SPDX-License-Identifier: MIT"""

import json
import re
import socket
import subprocess
import sys

import pytest
from captures import ACK, CLOSE, DATA, full, ipv4, packets_of, pcap, pdu, tapped, udp

A, B = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
BOTH = ("10.0.0.1:40001", "10.0.0.2:40001")


@pytest.fixture
def replay(sipc):
    def call(capture, *arguments):
        return sipc("pcap", "replay", "--json", *arguments, "-", stdin=capture)
    return call


# ---- captures of simulations: the engine is played by the engine

def simulate(sipc, project_dir, folder, name, *arguments):
    path = folder / f"{name}.pcapng"
    scenario = project_dir / "simnet" / "scenarios" / f"{name}.sx"
    assert sipc("sim", "run", scenario, "--trace", path, *arguments).code == 0
    return path.read_bytes()


@pytest.fixture(scope="session")
def wifi(sipc, project_dir, tmp_path_factory):
    return simulate(sipc, project_dir, tmp_path_factory.mktemp("sim"), "bad-wifi", "--only", "*10*")


@pytest.mark.parametrize("name, pdus", [
    ("flaky-path", 1800), ("clock-drift", 650), ("one-way-partition", 70), ("mtu-drop", 13),
    ("stray-pdus", 160),
])
def test_the_engine_does_what_it_did(sipc, project_dir, tmp_path, replay, name, pdus):
    result = replay(simulate(sipc, project_dir, tmp_path, name))
    whole = result.lines()[-1]
    assert (result.code, whole["differences"], whole["same"]) == (0, 0, whole["captured"]), result
    assert whole["captured"] >= pdus


def test_a_replay_is_the_same_each_time(replay, wifi):
    arguments = ("--until", "2", "--set", "mtu=900")
    first = replay(wifi, *arguments)
    assert first.code == 1 and len(first.lines()) > 3
    assert replay(wifi, *arguments).out == first.out


PLACES = {
    "both ends": lambda source, to, way: way != 0,
    "at the first": lambda source, to, way: (source, way) == (A, 2) or (to, way) == (A, 1),
    "at the second": lambda source, to, way: (source, way) == (B, 2) or (to, way) == (B, 1),
}
TAPS = [  # place, first packet, flags, options, endpoints that are played
    ("both ends", 0, True, [], BOTH),
    ("both ends", 5000, True, [], BOTH),
    ("at the first", 1777, True, [], BOTH[:1]),
    ("at the second", 5000, True, [], BOTH[1:]),
    ("at the first", 5000, False, ["--at", "10.0.0.1"], BOTH[:1]),
    ("at the second", 1777, False, ["--at", "10.0.0.2:40001"], BOTH[1:]),
    ("both ends", 5000, True, ["--play", "10.0.0.2"], BOTH[1:]),
]


@pytest.mark.parametrize("place, begin, flags, options, played", TAPS)
def test_a_capture_made_at_an_endpoint_may_begin_anywhere(replay, wifi, place, begin, flags,
                                                          options, played):
    result = replay(tapped(packets_of(wifi)[begin:], PLACES[place], flags), *options)
    *endpoints, whole = result.lines()
    assert result.code == 0, result
    assert sorted(e["endpoint"] for e in endpoints) == list(played)
    assert all(e["same"] == e["captured"] > 700 for e in endpoints)
    assert whole["endpoints"] == len(played)


def test_settings_are_those_the_capture_shows(replay, wifi):
    settings = replay(wifi, "--until", "3").lines()[0]["settings"]
    assert settings["ack_timeout_ms"] == 1000 and settings["mtu"] == 1400
    assert settings["max_window_size"] == 16


# ---- captures by hand: one thing is otherwise

FLAGS = [(name, "True") for name in ("s_00", "s_01", "s_02", "s_03")]
FULL = [("s_10", "True"), ("s_20", "16")]


def taken(window_id, seq_nr=0, options=None, ident=1):
    return ipv4(udp(pdu(ACK, window_id, seq_nr, FULL if options is None else options)), back=True,
                ident=ident)


def sent(window_id, data=b"hello", ident=1):
    return ipv4(udp(full(window_id, data)), ident=ident)


S = 10**9
ROWS = [  # name, frames with their times, rule, has it been played, captured, the frame
    ("no ack", [(0, sent(0)), (1, taken(0)), (2, sent(1)), (5 * S, sent(2)), (5 * S + 1, taken(2))],
     "ACK-1", "data_ack 1:0", None, None),
    ("an ack too many", [(0, sent(0)), (1, taken(0)), (2, taken(0, ident=2))],
     "WID-7", None, "data_ack 0:0", 3),
    ("an ack of nothing", [(0, sent(0)), (1, taken(0)), (2, taken(7))],
     "ACK-1", None, "data_ack 7:0", 3),
    ("not full", [(0, sent(0)), (1, taken(0, options=[])), (2 * S, sent(1))],
     "ACK-2", "data_ack 0:0 {is_window_full} max_window_size=16", "data_ack 0:0", 2),
    ("beyond the run", [(0, sent(0)), (1, taken(0, 3))], "ACK-1", "data_ack 0:0",
     "data_ack 0:3", 2),
    ("an error", [(0, sent(0)), (1, taken(0, options=[("s_error_code", "254")]))],
     "RCV-11", "data_ack 0:0", "error_code=254", 2),
    ("no close_ack", [(0, sent(0)), (1, taken(0)), (2, ipv4(udp(pdu(CLOSE, 1, 0)))),
                      (5 * S, sent(9))], "CLS-3", "close_ack 1:0", None, None),
    ("no size", [(0, sent(0)), (1, taken(0)), (2, sent(1)), (3, taken(1, options=FULL[:1]))],
     "ACK-2a", "max_window_size=16", "data_ack 1:0 {is_window_full}", 4),
]


@pytest.mark.parametrize("frames, rule, played, captured, frame", [r[1:] for r in ROWS],
                         ids=[r[0] for r in ROWS])
def test_what_is_otherwise_is_told_with_the_rule(replay, frames, rule, played, captured, frame):
    capture = pcap([(at, data, len(data)) for at, data in frames], 101, nano=True)
    result = replay(capture, "--play", "10.0.0.2")
    difference = result.lines()[0]
    assert result.code == 1, result
    assert (difference["rule"], difference["frame"]) == (rule, frame)
    for text, part in ((difference["played"], played), (difference["captured"], captured)):
        assert text is None if part is None else part in text
    assert result.lines()[-1]["rules"] == {rule: 1}


def test_a_sender_that_does_not_try_again(replay):
    capture = pcap([(at, data, len(data)) for at, data in [
        (0, sent(0)), (1, taken(0)), (2, sent(1)), (9 * S, taken(7))]], 101, nano=True)
    result = replay(capture, "--play", "10.0.0.1", "--set", "max_retry_count=2")
    assert result.code == 1
    assert result.lines()[-1]["rules"] == {"RTY-1": 2}
    assert [d["time_ns"] for d in result.lines()[:2]] == [S + 2, 2 * S + 2]


def test_a_seq_nr_that_no_window_has(replay):
    """The message is not put together, and nothing grows with the number."""
    frames = [sent(0), taken(0), ipv4(udp(pdu(DATA, 1, 2**31 - 1, FLAGS, b"x")), ident=2), sent(2),
              taken(2)]
    result = replay(pcap(frames, 101), "--play", "10.0.0.1")
    endpoint, whole = result.lines()
    assert result.code == 0 and whole["differences"] == 0, result
    assert (endpoint["captured"], endpoint["same"], endpoint["messages"]) == (2, 2, 2)


def test_text(sipc, wifi, tmp_path):
    path = tmp_path / "wifi.pcapng"
    path.write_bytes(wifi)
    result = sipc("pcap", "replay", "--until", "2", "--set", "mtu=900", path)
    assert result.code == 1
    *lines, last = result.out.splitlines()
    assert re.match(r"frame \d+, \d+\.\d+ s, 10.0.0.1:40001, session 0cc175c2: SND-2: played: data "
                    r"\d+:\d+ .*; captured: data", lines[0])
    assert " messages, " in result.out and " mtu=900" in result.out
    assert re.match(r"2 endpoints played: \d+ of \d+ PDUs the same, \d+ differences by rule", last)
    assert result.err == ""


def test_a_capture_that_says_nothing_of_its_place(replay, wifi):
    result = replay(tapped(packets_of(wifi)[:3000], PLACES["at the first"], False))
    assert result.code == 1 and "does not say where it was made (--at)" in result.err


def test_exit_status(replay, wifi):
    assert replay(pcap([], 101)).code == 5
    assert replay(wifi[:-1]).code == 4
    assert replay(wifi, "--play", "10.9.9.9").code == 5
    assert replay(pcap([sent(0)], 101)).code == 5  # nothing came back
    assert replay(wifi, "--into", "exec:false").code == 3
    for arguments in (["--set", "mtu"], ["--play", "x"], ["--speed", "2"], ["--into", "udp:"],
                      ["--peer", "x"], ["--peer", "udp:127.0.0.1:9", "--set", "mtu=900"],
                      ["--peer", "udp:127.0.0.1:9", "--speed", "0"],
                      ["--peer", "udp:127.0.0.1:9", "--speed", "1.0001"]):
        assert replay(wifi, *arguments).code == 2, arguments


def test_a_setting_that_is_refused(replay):
    capture = pcap([sent(0), taken(0)], 101)
    result = replay(capture, "--play", "10.0.0.1", "--set", "ack_timeout_ms=0")
    assert result.code == 3 and "it refuses the setting ack_timeout_ms=0" in result.err, result


ENDLESS = """
import itertools, json, sys
tokens = itertools.count(1)
for line in sys.stdin:
    request = json.loads(line)
    response = {"id": request["id"], "ok": True, "out": [], "deadline_ns": None}
    if request["op"] == "hello":
        response.update(name="x", version="0", contract=1, clock="virtual", capabilities=["send"])
    elif request["op"] in ("rx", "sent", "send", "open"):
        response["out"] = [{"tx": "00" * 57, "to": "0", "token": next(tokens)}]
    elif request["op"] not in ("configure", "reset", "advance", "bye"):
        response.update(ok=False, error="unknown", unsupported=True)
    print(json.dumps(response), flush=True)
"""


def test_a_sut_that_never_stops(replay, tmp_path):
    (tmp_path / "endless.py").write_text(ENDLESS)
    capture = pcap([sent(0), taken(0)], 101)
    result = replay(capture, "--play", "10.0.0.1",
                    "--into", f"exec:{sys.executable} {tmp_path / 'endless.py'}")
    assert result.code == 3 and "the SUT floods" in result.err, result


def test_a_sut_behind_the_exec_binding(replay, build_dir, wifi):
    result = replay(wifi, "--until", "1", "--into", f"exec:{build_dir}/bin/sipc sut --exec")
    assert result.code == 0, result
    assert result.lines()[-1]["same"] > 100


# ---- live peers

@pytest.fixture
def sut(build_dir):
    """Starts the reference SUT; gives where it listens."""
    running = []

    def start(*arguments):
        process = subprocess.Popen([build_dir / "bin" / "sipc", "sut", *map(str, arguments)],
                                   stderr=subprocess.PIPE, text=True)
        running.append(process)
        return re.search(r"(udp|tcp|unix):\S+", process.stderr.readline()).group()
    yield start
    for process in running:
        process.terminate()
        process.wait()
        process.stderr.close()


@pytest.mark.parametrize("kind", ["udp", "tcp", "unix"])
@pytest.mark.parametrize("begin, end", [(0, 1000), (7000, None)])
def test_all_windows_are_acked_by_a_live_peer(replay, sut, wifi, tmp_path, kind, begin, end):
    where = tmp_path / "s" if kind == "unix" else "127.0.0.1:0"
    capture = tapped(packets_of(wifi)[begin:end], PLACES["both ends"])
    address = sut(f"--{kind}", where)
    for _ in range(2):  # under new ids, it can be done again at once
        result = replay(capture, "--peer", address, "--fastest", "--await-acks", "--await", "3000",
                        "--play", "10.0.0.1")
        live = json.loads(result.out)
        assert result.code == 0, result
        assert live["windows"] == live["acked"] > 10
        assert live["awaited_in_vain"] == live["refused"] == live["taken_in_part"] == 0


def test_ids_are_new_and_counted_anew(replay):
    other = bytes(range(0x60, 0x80))
    frames = [sent(5000), taken(5000), sent(5003), sent(5003, ident=2), taken(5003),
              ipv4(udp(full(77, session=other)))]
    capture = pcap(frames, 101)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(20)
        got = {}
        for options in (["--key", "a"], ["--key", "a"], ["--key", "b"], ["--keep-ids"]):
            result = replay(capture, "--peer", f"udp:127.0.0.1:{peer.getsockname()[1]}", *options)
            assert result.code == 0, result
            count = json.loads(result.out)["sent"]
            got.setdefault(options[-1], []).append(
                [d for d in (peer.recv(65536) for _ in range(count + 1)) if d])
    assert got["a"][0] == got["a"][1] != got["b"][0]
    assert got["--keep-ids"][0] == [full(5000), full(5003), full(5003),
                                    full(77, session=other)]
    session = got["a"][0][0][2:34]
    assert [d[2:34] == session for d in got["a"][0]] == [True] * 4 + [False]
    assert got["a"][0][1:4] == [full(n, session=session) for n in (1, 2, 2)]
    assert got["a"][0][0] == full(0, b"", session)  # what opens a session that began before


def test_an_ack_is_awaited_in_vain(replay):
    capture = pcap([sent(0), taken(0), sent(1)], 101)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        result = replay(capture, "--peer", f"udp:127.0.0.1:{peer.getsockname()[1]}", "--await-acks",
                        "--await", "1")
    assert result.code == 1 and json.loads(result.out)["awaited_in_vain"] == 2


def test_nobody_listens(replay):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as held:
        held.bind(("127.0.0.1", 0))
        result = replay(pcap([sent(0)], 101), "--peer", f"tcp:127.0.0.1:{held.getsockname()[1]}")
    assert result.code == 3 and "nobody listens" in result.err


assert DATA == 1
