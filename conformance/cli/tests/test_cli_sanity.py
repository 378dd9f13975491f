"""The sanity exchange: a SUT that does not work at all is told so at once, not by every case; and
so is one that the suite has broken.

SPDX-License-Identifier: MIT
"""

import socket
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from cli_tools import fake, lines_of

WORKS_NOT = "THE SUT OR ITS ADAPTER DOES NOT WORK: 0 of"

# A SUT that acks every PDU as full until something befalls it: {do} is run at each datagram.
SUT = """import json, os, pathlib, sys
flag = pathlib.Path(__file__).with_suffix(".flag")
seen = 0
for line in sys.stdin:
    request = json.loads(line)
    op, out = request["op"], []
    if op == "rx":
        seen += 1
        {do}
        pdu = bytes.fromhex(request["pdu"])
        if len(pdu) >= 57:
            full = b"\\x00\\x09s_10\\x00\\x00\\x09True\\x00\\x00"
            body = pdu[2:46] + b"\\x02" + full + pdu[2:10]
            body = (len(body) + 2).to_bytes(2, "big") + body
            out = [{{"tx": body.hex(), "to": request["from"], "token": seen}}]
        if silent:
            out = []
    answer = {{"id": request["id"], "ok": True, "out": out, "deadline_ns": None, "refused": []}}
    if op == "hello":
        answer.update(name="s", version="1", contract=1, clock="virtual", tick_ns=1,
                      capabilities=[])
    if op not in ("hello", "configure", "reset", "rx", "advance", "bye"):
        answer.update(ok=False, unsupported=True, error="no")
    print(json.dumps(answer), flush=True)
    if op == "bye":
        break
"""


@pytest.fixture
def sut(tmp_path):
    def make(do):
        path = tmp_path / "sut.py"
        path.write_text(SUT.format(do=do))
        return f"exec:{sys.executable} {path}"
    return make


def run(sipc, sut, tmp_path, *arguments):
    path = tmp_path / "run.jsonl"
    result = sipc("conform", "run", sut, "-t", "ACK-1-*", "--jsonl", path, "--junit",
                  tmp_path / "junit.xml", *arguments)
    return result, [line for line in lines_of(path) if line["type"] == "case"]


def test_sut_that_does_nothing_is_told_so_and_no_case_is_run(sipc, tmp_path):
    result, cases = run(sipc, fake("silent"), tmp_path)
    assert result.code == 3 and cases == [], result
    assert WORKS_NOT in result.out
    assert "neither answered a data PDU nor sent one when it was asked to" in result.out
    root = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert root.get("errors") == "1", "nothing red may vanish"


def test_sut_that_does_nothing_is_judged_all_the_same_if_asked(sipc, tmp_path):
    result, cases = run(sipc, fake("silent"), tmp_path, "--no-sanity")
    assert result.code == 1 and "fail" in {case["verdict"] for case in cases}, result


def test_scripts_of_ones_own_are_run_as_they_are(sipc, suite):
    assert sipc("conform", "run", fake("silent"), suite).code == 1


def test_sut_that_dies_of_a_data_pdu_is_told_so_with_its_last_words(sipc, tmp_path):
    result, cases = run(sipc, fake("dies"), tmp_path)
    assert result.code == 3 and cases == [], result
    assert "it got a data PDU" in result.out and "the fake SUT dies" in result.out


def test_sut_that_only_acks_is_sane_and_wrong(sipc, tmp_path, sut):
    result, cases = run(sipc, sut("silent = False"), tmp_path)
    assert result.code == 1 and len(cases) > 1, result


def test_sut_that_the_suite_silences_for_good_is_told_so_at_the_end(sipc, tmp_path, sut):
    result, cases = run(sipc, sut("silent = seen > 3"), tmp_path)
    assert result.code == 3 and len(cases) > 1, result
    assert "before the first case it did, but after the last" in " ".join(result.out.split())


def test_sut_that_does_not_come_back_from_a_crash_stops_the_run(sipc, tmp_path, sut):
    do = "silent = flag.exists(); seen == 2 and (flag.touch(), os.abort())"
    result, cases = run(sipc, sut(do), tmp_path)
    assert result.code == 3, result
    assert [case["verdict"] for case in cases] == ["crash"], "the rest is not run"
    assert "started again after a case it did not outlive" in " ".join(result.out.split())


def test_live_peer_that_does_not_answer_is_told_so(sipc, tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        result, cases = run(sipc, f"udp:127.0.0.1:{deaf.getsockname()[1]}", tmp_path,
                            "--ack-timeout", 20)
    assert result.code == 3 and cases == [], result
    assert "nothing came of a data PDU sent to it" in result.out
