"""SUTs that do what they must not, as their user meets them: message, exit code, red reports.

SPDX-License-Identifier: MIT
"""

import socket
import sys
import threading
import xml.etree.ElementTree as ElementTree

import pytest

from cli_tools import lines_of

BROKEN = [
    ("garbage", r"the line: Received a PDU! \x07"),
    ("wrong_id", "`id` must be"),
    ("past_deadline", "must be later than now"),
    ("no_out", "`out` is missing"),
    ("event", "with the virtual clock all output belongs into `out`"),
    ("talks_first", "the line: Starting up ..."),
    ("says_ok_to_all", "without `unsupported`"),
    ("other_contract", "only contract 7 here"),
]


@pytest.fixture
def bad_sut(project_dir):
    return lambda how: f"exec:{sys.executable} " \
        f"{project_dir / 'conformance' / 'sut' / 'tests' / 'bad_sut.py'} {how}"


@pytest.mark.parametrize("how, words", BROKEN, ids=[row[0] for row in BROKEN])
def test_broken_adapter_stops_the_run_with_its_line(sipc, suite, tmp_path, bad_sut, how, words):
    junit, lines = tmp_path / "junit.xml", tmp_path / "run.jsonl"
    result = sipc("conform", "run", bad_sut(how), suite, "--junit", junit, "--jsonl", lines)
    assert result.code == 3, result
    assert words in result.out
    assert int(ElementTree.parse(junit).getroot().get("errors")) > 0
    summary = lines_of(lines)[-1]
    assert summary["exit"] == 3 and words in summary["error"]


@pytest.mark.parametrize("how, verdict, words", [
    ("dies", "crash", "status 7"), ("crashes", "crash", "Segmentation fault"),
    pytest.param("hangs", "hang", "more than 5000 ms before it answered `rx`",
                 marks=pytest.mark.slow)])
def test_sut_that_dies_or_hangs_fails_its_case(sipc, suite, tmp_path, bad_sut, how, verdict, words):
    lines = tmp_path / "run.jsonl"
    result = sipc("conform", "run", bad_sut(how), suite, "-t", "*=0]", "--jsonl", lines)
    assert result.code == 1, result
    case = lines_of(lines)[1]
    assert case["verdict"] == verdict and words in case["reason"]


@pytest.fixture
def closing_peer():
    """A TCP peer that closes every connection at the first byte. WIRE-3 asks for that, now and
    then."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1)
        threading.Thread(target=serve, daemon=True).start()
        yield f"tcp:127.0.0.1:{server.getsockname()[1]}"


def test_peer_that_only_closes_connections_passes_nothing(sipc, tmp_path, closing_peer):
    lines = tmp_path / "run.jsonl"
    options = ["-t", "WIRE-3-ends*", "-t", "WIRE-4*", "--ack-timeout", 20, "--jsonl", lines]
    result = sipc("conform", "run", closing_peer, *options)
    assert result.code == 3 and "nothing came of a data PDU" in result.out, result
    result = sipc("conform", "run", closing_peer, "--no-sanity", *options)
    cases = [line for line in lines_of(lines) if line["type"] == "case"]
    assert len(cases) > 1 and not [case for case in cases if case["verdict"] == "pass"]
    assert result.code in (1, 5), result


def test_two_suts_on_one_port_are_told(sipc, suite, build_dir):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        result = sipc("conform", "run", f"udp:,control=exec:{build_dir}/bin/sipc sut"
                      f" --udp 127.0.0.1:{port} --control stdio", suite, "--jobs", 1)
    assert result.code == 3, result
    assert f"127.0.0.1:{port}" in result.out and "in use" in result.out


def test_typos_of_a_known_failures_file_are_told_by_line(sipc, suite, tmp_path):
    known = tmp_path / "known.txt"
    known.write_text("T-1-ackd*  # misspelt\nT-1-*  WID-91  # no such rule\n"
                     "T-2-*  crush  # no such blame\nT-1-acked[d=0\n")
    result = sipc("conform", "run", "engine", suite, "--known", known)
    assert result.code == 2, result
    for line in (2, 3, 4):
        assert f"known.txt:{line}:" in result.err, result
    known.write_text("T-1-ackd*  # misspelt\n")
    result = sipc("conform", "run", "engine", suite, "--known", known)
    assert result.code == 1, result
    assert "known.txt:1: no case has such a name (did you mean T-1-acked" in result.out, result
