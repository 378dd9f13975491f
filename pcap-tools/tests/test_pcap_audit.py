"""The judge over captures. SPDX-License-Identifier: MIT"""

import xml.etree.ElementTree as ElementTree

import pytest
from captures import ACK, DATA, full, ipv4, packets_of, pcap, pdu, tapped, udp

GOOD = [ipv4(udp(full(1))), ipv4(udp(pdu(ACK, 1, 0, [("s_10", "True")])), back=True)]
BAD_OPTION = full(2).replace(b"s_01\0\0\x09", b"s_01\0\0\x08")
ROWS = [  # name, payload of the third frame, its sender is the second endpoint, options, rule
    ("option lengths", BAD_OPTION, False, [], "OPT-1"),
    ("prefix", full(2)[:-6] + b"\0" + full(2)[-5:], False, [], "WIRE-1"),
    ("ack code", pdu(ACK, 1, 0, [("s_error_code", "400")]), True, [], "ERR-2"),
    ("mtu", full(2, b"x" * 600), False, ["--set", "mtu=512"], "SND-2"),
    ("gap in seq_nr", pdu(window_id=2, seq_nr=1, options=[("s_00", "True"), ("s_01", "True")]),
     False, ["--at", "10.0.0.1"], "SEQ-2"),
    ("ack unasked", pdu(ACK, 7, 0), True, ["--complete", "--defaults"], "ACK-1"),
]


@pytest.fixture
def audit(sipc):
    def call(capture, *arguments):
        return sipc("pcap", "audit", "--json", *arguments, "-", stdin=capture)
    return call


@pytest.mark.parametrize("payload,back,arguments,rule", [r[1:] for r in ROWS],
                         ids=[r[0] for r in ROWS])
def test_a_broken_rule_is_told_with_its_frame(audit, payload, back, arguments, rule):
    frames = [*GOOD, ipv4(udp(payload), back=back)]
    result = audit(pcap(frames, 101), *arguments)
    *findings, whole = result.lines()
    assert result.code == 1
    findings = [f for f in findings if f["level"] == "must"]
    assert findings[0]["rule"] == rule
    assert {(f["frame"], f["endpoint"]) for f in findings} == \
        {(3, f"10.0.0.{2 if back else 1}:40001")}
    assert whole["rules"][rule]["status"] == "broken"
    assert audit(pcap(GOOD, 101), *arguments).code == 0


def test_only_the_endpoints_asked_for(audit):
    capture = pcap([*GOOD, ipv4(udp(BAD_OPTION))], 101)
    assert audit(capture, "--endpoint", "10.0.0.2").code == 0
    assert audit(capture, "--endpoint", "10.0.0.1:40001").code == 1
    assert audit(capture, "--endpoint", "10.0.0.1:40002").lines()[-1]["endpoints"] == 0


def test_what_the_capture_cut_or_copied_is_held_against_nobody(audit):
    bad = ipv4(udp(full(2, b"x" * 300)), ident=7)
    capture = pcap([*GOOD, (5000, bad[:200], len(bad)), *GOOD], 101)
    assert audit(capture, "--complete", "--defaults").code == 0
    twice = [(i * 10**6, frame, len(frame)) for i, frame in enumerate(GOOD) for _ in range(2)]
    assert audit(pcap(twice, 101), "--complete", "--defaults").code == 0


def test_annotated_capture(sipc, tmp_path):
    source, out = tmp_path / "in.pcap", tmp_path / "out.pcapng"
    source.write_bytes(pcap([*GOOD, ipv4(udp(BAD_OPTION)), b"\x00junk"], 101))
    assert sipc("pcap", "audit", "--annotated", out, source).code == 1
    packets = packets_of(out.read_bytes())
    assert [p[1] for p in packets] == [*GOOD, ipv4(udp(BAD_OPTION)), b"\x00junk"]
    assert [p[0] for p in packets] == [0, 1000, 2000, 3000]
    assert [b"OPT-1 (MUST)" in p[3] for p in packets] == [False, False, True, False]
    again = sipc("pcap", "show", "--json", out).lines()
    assert "OPT-1" in again[2]["comment"]


def test_annotated_capture_keeps_what_was_there(sipc, tmp_path, wifi):
    out = tmp_path / "out.pcapng"
    assert sipc("pcap", "audit", "--annotated", out, wifi).code == 0
    assert packets_of(out.read_bytes()) == packets_of(wifi.read_bytes())


def test_junit(sipc, tmp_path):
    source, out = tmp_path / "in.pcap", tmp_path / "out.xml"
    source.write_bytes(pcap([*GOOD, ipv4(udp(BAD_OPTION))], 101))
    assert sipc("pcap", "audit", "--junit", out, source).code == 1
    suite = ElementTree.parse(out).getroot()
    cases = {case.get("name"): case for case in suite}
    assert suite.get("failures") == "1" and int(suite.get("tests")) == len(cases)
    assert "frame 3" in cases["OPT-1"].find("failure").text
    assert cases["RCV-8"].find("skipped") is not None
    assert len(cases["WIRE-2"]) == 0
    assert int(suite.get("skipped")) == sum(c.find("skipped") is not None for c in suite)


def test_exit_status(audit, sipc):
    assert audit(pcap([], 101)).code == 5
    assert audit(pcap(GOOD, 101)[:-1]).code == 4
    for arguments in (["--set", "mtu"], ["--set", "colour=1"], ["--endpoint", "x"]):
        assert audit(pcap(GOOD, 101), *arguments).code == 2
    assert sipc("pcap", "audit", "--annotated", "/nowhere/x", "-", stdin=pcap(GOOD, 101)).code == 4


# ---- captures of simulations, in which nobody breaks anything ----

def simulate(sipc, project_dir, folder, name, *arguments):
    path = folder / f"{name}.pcapng"
    scenario = project_dir / "simnet" / "scenarios" / f"{name}.sx"
    assert sipc("sim", "run", scenario, "--trace", path, *arguments).code == 0
    return path


@pytest.fixture(scope="session")
def wifi(sipc, project_dir, tmp_path_factory):
    return simulate(sipc, project_dir, tmp_path_factory.mktemp("sim"), "bad-wifi", "--only", "*10*")


A, B = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
PLACES = {
    "both ends": lambda source, to, way: way != 0,
    "at the first": lambda source, to, way: (source, way) == (A, 2) or (to, way) == (A, 1),
    "at the second": lambda source, to, way: (source, way) == (B, 2) or (to, way) == (B, 1),
    "one direction": lambda source, to, way: (source, way) == (A, 2),
    "where it leaves": lambda source, to, way: way == 2,
    "where it arrives": lambda source, to, way: way == 1,
}

TAPS = [  # place, whether packets tell their direction
    ("both ends", "flagged"),  # plain: each PDU twice, no capture of anything
    ("at the first", "flagged"), ("at the first", "plain"),
    ("at the second", "flagged"), ("at the second", "plain"),
    ("one direction", "flagged"), ("one direction", "plain"),
    ("where it leaves", "flagged"), ("where it leaves", "plain"),
    ("where it arrives", "flagged"), ("where it arrives", "plain"),
]


@pytest.mark.parametrize("place, flags", TAPS)
def test_nothing_is_found_wherever_the_capture_was_made(audit, wifi, place, flags):
    packets = packets_of(wifi.read_bytes())
    for begin in (0, 1777):
        result = audit(tapped(packets[begin:], PLACES[place], flags == "flagged"))
        assert result.code == 0 and len(result.lines()) == 1, result


def test_a_complete_capture_exercises_more(audit, wifi):
    capture = tapped(packets_of(wifi.read_bytes()), PLACES["both ends"])
    rules = {}
    for arguments in ((), ("--complete", "--defaults")):
        result = audit(capture, *arguments)
        assert result.code == 0, result
        rules[arguments] = {rule for rule, entry in result.lines()[-1]["rules"].items()
                            if entry["status"] == "exercised"}
    less, more = rules.values()
    assert {"SEQ-2", "RTY-2", "SND-8"} <= less
    assert {"WID-1", "WID-3", "ACK-1", "ACK-2", "RTY-1", "SND-12"} <= more - {"RTY-2"}


assert DATA == 1


# What a broken link or a stranger makes of PDUs, nobody can tell from what a sender does.
SCENARIOS = {"address-change": 0, "bufferbloat": 0, "clock-drift": 0, "flaky-path": 0,
             "mtu-drop": 0, "one-way-partition": 0, "pause": 0, "slow-receiver": 0,
             "corrupting-link": 1, "stray-pdus": 1}


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_is_judged_at_the_tap_as_in_the_world(sipc, audit, project_dir, tmp_path, name):
    of_several = {"slow-receiver": ["--only", "*=2]*"], "corrupting-link": ["--only", "*=10]*"]}
    packets = packets_of(simulate(sipc, project_dir, tmp_path, name,
                                  *of_several.get(name, [])).read_bytes())
    codes = set()
    for place, flags in (("at the first", True), ("where it leaves", False)):
        result = audit(tapped(packets, PLACES[place], flags))
        codes.add(result.code)
        rules = {line["rule"] for line in result.lines() if line["type"] == "finding"}
        allowed = {"WIRE-1", "WIRE-2", "OPT-1"} if SCENARIOS[name] else set()
        assert rules <= allowed, (place, flags)
    assert codes <= {0, 1, 5} and (1 in codes) == SCENARIOS[name], codes
