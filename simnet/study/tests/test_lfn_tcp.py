"""TCP beside the protocol, by ns-3. What needs it is left out where it is not built.

SPDX-License-Identifier: MIT
"""

import json

import pytest

from lfn import plan, tcp


@pytest.fixture(name="program")
def fixture_program(build_dir):
    """sipc-tcp-point."""
    path = build_dir / "bin" / "sipc-tcp-point"
    if not path.is_file():
        pytest.skip("built without ns-3")
    return path


def test_flow_when_nothing_is_lost_then_cubic_fills_the_link(program):
    record = tcp.run_flow(program, "cubic 2000000 20000 0 10 1")
    # 1,448 of each 1,502 bytes are data.
    assert record["result"]["goodput_bps"] == pytest.approx(2e6 * 1448 / 1502, rel=0.04)
    assert record == tcp.run_flow(program, "cubic 2000000 20000 0 10 1")


def test_flow_when_much_is_lost_then_cubic_shrinks(program):
    lost = tcp.run_flow(program, "cubic 2000000 100000 30000 20 1")["result"]
    assert 0 < lost["goodput_bps"] < 1e6 and lost["retransmissions"] > 0


def test_flow_when_bbr_stalls_then_by_the_filter_of_ns3_that_forgets(program, monkeypatch):
    words = "bbr 1000000 10000 0 16 1"
    assert tcp.run_flow(program, words)["result"]["goodput_bps"] < 2e5
    monkeypatch.setenv("NS_ATTRIBUTE_DEFAULT", "ns3::TcpBbr::BwWindowLength=1000")
    assert tcp.run_flow(program, words)["result"]["goodput_bps"] > 9e5


@pytest.mark.parametrize("words, message", [
    ("cubic 2000000 20000 0 10 0", "SEED: expected 1.."),
    ("cubic 2000000 20000 600000 10 1", "LOSS_PPM: expected 0..500000, found '600000'"),
    ("tahoe 2000000 20000 0 10 1", "tahoe"),
])
def test_flow_when_words_are_wrong_then_an_error_that_says_so(program, words, message):
    record = tcp.run_flow(program, words)
    assert message in record["error"]


def test_flows_when_run_again_then_only_what_is_missing(program, tmp_path, monkeypatch):
    words = ["cubic 1000000 1000 0 4 1", "none 1000000 1000 0 4 1"]
    monkeypatch.setattr(tcp, "flows", lambda: words)
    first = tcp.run_missing(program, tmp_path, 2)
    assert ["result" in record for record in first.values()] == [True, False]
    ran = []
    monkeypatch.setattr(tcp, "run_flow", lambda _, flow: ran.append(flow) or first[flow])
    assert tcp.run_missing(program, tmp_path, 2) == first
    assert ran == words[1:]
    # A kill in the middle of a line.
    whole, cut = (json.dumps(record) for record in first.values())
    (tmp_path / tcp.FILE).write_text(f"{whole}\n{cut[:-9]}")
    assert list(tcp.read(tmp_path)) == words[:1]


def test_flows_when_planned_then_the_protocol_is_on_each_of_their_links():
    links = {(entry["point"]["rate"], entry["point"]["rtt"], entry["point"]["loss"])
             for entry in plan.load("study") if entry["sweep"] == "tcp"}
    flows = {tuple(map(int, words.split()[1:4])) for words in tcp.flows()}
    assert links == flows


def test_tcp_when_there_is_no_program_then_told_what_to_install(lfn, tmp_path):
    ran = lfn("tcp", "--out", tmp_path, "--program", tmp_path / "none")
    assert ran.returncode == 3 and "apt-get install libns3-dev" in ran.stderr


def test_flow_when_its_program_breaks_then_an_error_with_how(tmp_path):
    words = tcp.flows()[0]
    broken = tmp_path / "sipc-tcp-point"
    assert "No such file" in tcp.run_flow(broken, words)["error"]
    broken.write_text("#!/bin/sh\necho a story\n")
    broken.chmod(0o755)
    record = tcp.run_flow(broken, words)
    assert record["error"] == "exit status 0" and record["replay"] == f"{broken} {words}"
