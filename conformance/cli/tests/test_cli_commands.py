"""The program sipc as a user meets it: messages, exit codes and files.

SPDX-License-Identifier: MIT
"""

import json
import os
import pty
import re
import socket
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import pytest

from cli_tools import ACKED, BAD, fake, lines_of

COMMANDS = ["conform run", "conform list", "conform explain", "conform report",
            "conform diff", "conform matrix", "conform mutants", "conform check-adapter", "sut",
            "sim run", "sim replay", "sim swarm", "sim shrink", "sim explore", "sim compare",
            "sim lfn",
            "pcap show", "pcap stats", "pcap audit", "pcap capture", "pcap extract", "pcap replay",
            "pcap rewrite", "pcap anonymize", "pcap scenario", "bench pcap",
            "fuzz show", "fuzz seed", "fuzz case"]


# ---- help and usage

@pytest.mark.parametrize("command", ["", "conform", *COMMANDS])
def test_help_shows_usage_and_an_example(sipc, command):
    result = sipc(*command.split(), "--help")
    assert result.code == 0, result
    assert result.out.startswith(f"usage: {' '.join(['sipc', *command.split()])}"), result
    assert re.search(r"example", result.out), result
    assert result.err == ""
    assert max(map(len, result.out.splitlines())) <= 100


def test_version(sipc):
    assert re.fullmatch(r"sipc \d+\.\d+\.\d+\n", sipc("--version").out)


USAGE = [
    ([], "usage: sipc"),
    (["conform"], "usage: sipc conform"),
    (["confrom"], "no command 'confrom' (did you mean conform?)"),
    (["conform", "lst"], "no command 'lst' (did you mean list?)"),
    (["conform", "run"], "no SUT given"),
    (["conform", "run", "enigne"], "'enigne' is no SUT: expected engine, so:PATH"),
    (["conform", "run", "engine", "--sed", "1"], "unknown option --sed (did you mean --seed"),
    (["conform", "run", "engine", "-Q"], "unknown option -Q"),
    (["conform", "run", "engine", "-t"], "-t needs a value"),
    (["conform", "run", "engine", "--known"], "--known needs a value"),
    (["conform", "run", "engine", "--repeat", "0"], "--repeat 0: expected a whole number from 1"),
    (["conform", "run", "engine", "--limit", "0"], "--limit 0: expected a whole number from 1"),
    (["conform", "run", "engine", "--dry-run=3"], "--dry-run takes no value"),
    (["conform", "run", "engine", "--seed", "x"], "--seed x: expected a whole number"),
    (["conform", "run", "engine", "--seed", "-1"], "--seed -1: expected a whole number"),
    (["conform", "run", "engine", "--ack-timeout", "0"], "from 1 to 3600000"),
    (["conform", "run", "engine", "--time-scale", "0"], "--time-scale 0: expected a number"),
    (["conform", "run", "engine", "--time-scale", "nan"], "--time-scale nan: expected a number"),
    (["conform", "run", "engine", "--jobs", "0"], "--jobs 0: expected a whole number from 1 to 64"),
    (["conform", "run", "engine", "-j", "65"], "--jobs 65: expected a whole number from 1 to 64"),
    (["conform", "run", "engine", "--level", "should"], "expected must or advisory"),
    (["conform", "explain"], "expected one rule or case, found 0 arguments"),
    (["conform", "explain", "WID-3", "WID-4"], "expected one rule or case, found 2 arguments"),
    (["conform", "explain", "WID-33"], "no rule and no case is called 'WID-33' (did you mean "),
    (["conform", "report"], "expected one file of JSON lines, found 0 arguments"),
    (["conform", "report", "/nonexistent.jsonl"], "No such file or directory"),
    (["conform", "list", "/nonexistent"], "/nonexistent: error: No such file or directory"),
]


@pytest.mark.parametrize("arguments, message", USAGE, ids=[" ".join(row[0]) for row in USAGE])
def test_wrong_usage_is_told_and_exits_2(sipc, arguments, message):
    result = sipc(*arguments)
    assert result.code == 2, result
    assert message in result.err, result
    assert result.out == "", result


ONE_SUT = [
    "udp:127.0.0.1:9", "tcp:127.0.0.1:9", "unix:/a", "udp:,control=tcp:127.0.0.1:9",
    "udp:127.0.0.1:9,control=exec:true", "tcp:127.0.0.1:9,control=exec:true",
    "unix:/a,control=exec:true", "unix:/a,control=tcp:127.0.0.1:9",
]


@pytest.mark.parametrize("spec", ONE_SUT)
def test_jobs_when_there_is_one_sut_only_then_exit_2(sipc, suite, spec):
    result = sipc("conform", "run", spec, suite, "--jobs", 2)
    assert result.code == 2, result
    assert f"--jobs 2: '{spec}' names one SUT, by its address" in result.err


# ---- scripts and selection

def test_script_errors_are_told_with_line_and_caret_and_exit_2(sipc, suite):
    (suite / "T-3-bad.sx").write_text(BAD)
    for command in (["run", "engine"], ["run", "--dry-run"], ["list"]):
        result = sipc("conform", *command, suite)
        assert result.code == 2, result
        for place in (":3:9: error: ", ":5:9: error: ", ":8:4: error: "):
            assert f"{suite}/T-3-bad.sx{place}" in result.err, result
        assert "WID-99" in result.err and "no_such_setting" in result.err and "^" in result.err


def test_same_id_twice_is_an_error(sipc, suite, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "T-1-acked.sx").write_text(ACKED)
    result = sipc("conform", "list", suite, other)
    assert result.code == 2
    assert f"{other}/T-1-acked.sx: error: id T-1-acked is taken by {suite}/T-1-acked.sx" \
        in result.err


def test_folder_without_scripts_is_an_error(sipc, tmp_path):
    result = sipc("conform", "run", "engine", tmp_path)
    assert result.code == 2
    assert "no .sx file in this folder" in result.err


UNMATCHED = [
    (["-t", "T-1-aked"], "--only T-1-aked: no case of", "(did you mean T-1-acked"),
    (["-t", "T-1-acked[d=1]"], "--only T-1-acked[d=1]", "T-1-acked[d=100]"),
    (["-t", "T-*", "-t", "U-*"], "--only U-*: no case of", ""),
    (["-x", "U-*"], "--exclude U-*: no case of", ""),
    (["--rule", "WDI-1"], "--rule WDI-1: there is no such rule", "(did you mean"),
    (["--tag", "lvie"], "--tag lvie: no case of", "has such a tag (did you mean live?)"),
    (["--rule", "RCV-1"], "--rule RCV-1: no case of", "is about it"),
    (["-t", "T-1*", "-x", "T-1*"], "nothing selected: none of the 3 cases", ""),
    (["-t", "T-1*", "--level", "advisory"], "nothing selected", ""),
]


@pytest.mark.parametrize("arguments, message, near", UNMATCHED,
                         ids=[" ".join(row[0]) for row in UNMATCHED])
def test_pattern_that_selects_nothing_is_told_and_exits_2(sipc, suite, arguments, message, near):
    for command in (["run", fake("silent")], ["list"]):
        result = sipc("conform", *command, suite, *arguments)
        assert result.code == 2, result
        assert message in result.err and near in result.err, result


SELECTED = [
    ([], ["T-1-acked[d=0]", "T-1-acked[d=100]", "T-2-advised"]),
    (["-t", "T-1-acked"], ["T-1-acked[d=0]", "T-1-acked[d=100]"]),
    (["-t", "*[d=100]"], ["T-1-acked[d=100]"]),
    (["-t", "T-2*", "-t", "*=0]"], ["T-1-acked[d=0]", "T-2-advised"]),
    (["-x", "*=0]"], ["T-1-acked[d=100]", "T-2-advised"]),
    (["--tag", "li*"], ["T-1-acked[d=0]", "T-1-acked[d=100]"]),
    (["--rule", "WID-*"], ["T-1-acked[d=0]", "T-1-acked[d=100]"]),
    (["--level", "advisory"], ["T-2-advised"]),
    (["--level", "must", "-x", "*100*"], ["T-1-acked[d=0]"]),
]


@pytest.mark.parametrize("arguments, names", SELECTED, ids=[" ".join(r[0]) for r in SELECTED])
def test_list_and_dry_run_show_what_is_selected(sipc, suite, arguments, names):
    listed = json.loads(sipc("conform", "list", "--json", suite, *arguments).out)
    assert [case["name"] for case in listed] == names
    dry = sipc("conform", "run", "--dry-run", suite, *arguments)
    assert dry.code == 0
    assert re.findall(r"^### (\S+)", dry.out, re.M) == names


def test_list_json_tells_all_of_a_case(sipc, suite):
    case = json.loads(sipc("conform", "list", "--json", suite).out)[1]
    assert case == {"name": "T-1-acked[d=100]", "id": "T-1-acked", "path": f"{suite}/T-1-acked.sx",
                    "role": "receiver", "needs_control": False, "rules": ["ACK-1", "WID-1"],
                    "tags": ["live"], "needs": [], "params": {"d": 100}}


def test_dry_run_prints_scripts_that_parse_to_the_same(sipc, suite, tmp_path):
    printed = sipc("conform", "run", "--dry-run", suite, "-t", "*=100]").out
    again = tmp_path / "again"
    again.mkdir()
    script = printed.split("\n", 2)[2].strip("\n") + "\n"
    (again / "T-1-acked.sx").write_text(script)
    assert "in 100\n" in script
    twice = sipc("conform", "run", "--dry-run", again)
    assert twice.out.split("\n", 2)[2].strip("\n") + "\n" == script


# ---- verdicts, exit codes, files

def test_run_when_all_is_kept_then_exit_0(sipc, suite, good_sut):
    result = sipc("conform", "run", good_sut, suite)
    assert result.code == 0, result
    assert re.search(r"^  all +3 +3$", result.out, re.M), result
    assert "as expected: 3 of 3 cases pass" in result.out
    assert "\033" not in result.out and result.err == ""  # no colour, no progress in a pipe


def test_run_when_a_rule_is_broken_then_exit_1_and_all_there_is_to_know(sipc, suite):
    result = sipc("conform", "run", fake("silent"), suite, "--seed", 7)
    assert result.code == 1, result
    for part in ["FAIL  T-1-acked[d=0]", "WID-1 MUST: The very first window id",
                 f"{suite}/T-1-acked.sx:11:  <- data_ack $d:0", "expected  ", "-> P  data 0:0",
                 "NOT CONFORMANT: 1 of 3 cases pass, 2 fail",
                 "MUST rules    : 1 of "]:
        assert part in result.out, (part, result)


def test_replay_line_replays_that_case_alone(sipc, suite):
    first = sipc("conform", "run", fake("silent"), suite, "--seed", 7, "--ack-timeout", 50)
    line = next(row for row in first.out.splitlines() if "replay: " in row and "d=100" in row)
    again = subprocess.run(line.split("replay: ")[1], shell=True, text=True, capture_output=True,
                           timeout=60, check=False)
    assert again.returncode == 1
    assert "FAIL  T-1-acked[d=100]" in again.stdout and "d=0]" not in again.stdout
    assert line in again.stdout


def test_settings_that_are_not_the_protocols_are_told_everywhere(sipc, suite, tmp_path):
    (suite / "T-1-acked.sx").write_text(ACKED.replace("param", "set window_id_step = 5\nparam", 1)
                                        .replace("0, 100", "5"))
    out = tmp_path / "out"
    result = sipc("conform", "run", "engine", suite, "--out", out)
    assert result.code == 0 and "NOT THE PROTOCOL'S" in result.out, result
    assert "  1 case: window_id_step=5 (100)" in result.out
    for name in ("results.jsonl", "junit.xml", "results.tap", "report.html"):
        assert "window_id_step=5 (100)" in (out / name).read_text(), name
    assert lines_of(out / "results.jsonl")[-1]["small_worlds"] == 1


def test_run_when_the_sut_dies_then_crash_with_its_last_words(sipc, suite):
    result = sipc("conform", "run", fake("dies"), suite)
    assert result.code == 1, result
    assert "CRASH  T-1-acked[d=0]" in result.out
    assert "the fake SUT dies" in result.out
    assert re.search(r"^  all +3 .*\b3$", result.out, re.M), "started anew for each case"


def test_run_when_a_shared_object_crashes_then_the_harness_lives(sipc, suite, build_dir):
    spec = f"so:{build_dir}/lib/sut_bad_so.so"
    result = sipc("conform", "run", spec, suite, BAD_SO="crashes")
    assert result.code == 1, result
    assert "CRASH  T-1-acked[d=0]" in result.out
    assert "killed by signal 6 (Aborted)" in result.out and "bad_so: cannot go on" in result.out
    assert re.search(r"^  all +3 .*\b3$", result.out, re.M), "started anew for each case"


def test_run_when_a_shared_object_hangs_then_the_harness_lives(sipc, suite, build_dir):
    spec = f"so:{build_dir}/lib/sut_bad_so.so"
    result = sipc("conform", "run", spec, suite, "-t", "T-1*", "--limit", "500", BAD_SO="hangs")
    assert result.code == 1, result
    assert "HANG  T-1-acked[d=0]" in result.out and "HANG  T-1-acked[d=100]" in result.out
    assert "more than 500 ms before it answered `rx`" in result.out


def test_run_when_nothing_can_be_decided_then_exit_5(sipc, suite, tmp_path):
    (suite / "T-4-sends.sx").write_text(
        "sx 1\nid T-4-sends\nrules SND-5\nrole sender\n\ntest\ndo open\n"
        'do send "a" as m skip\n<- data 0:0 {*} *\nquiet 0.1T\n')
    result = sipc("conform", "run", fake("bare"), suite, "-t", "T-4*", "--out", tmp_path / "out")
    assert result.code == 5, result
    assert "NOTHING WAS DECIDED" in result.out
    assert "1 case: " in result.out
    assert lines_of(tmp_path / "out" / "results.jsonl")[-1]["exit"] == 5


NO_SUT = [
    ("exec:/nonexistent/program", "/nonexistent/program"),
    ("exec:true", ""),
    ("so:/nonexistent.so", "/nonexistent.so"),
    (fake("other"), "only contract 7 is spoken here"),
    ("udp:", ""),
    ("tcp:127.0.0.1:1", ""),
]


@pytest.mark.parametrize("spec, message", NO_SUT, ids=[Path(r[0]).name for r in NO_SUT])
def test_run_when_the_sut_does_not_start_then_exit_3_and_red_reports(sipc, suite, tmp_path, spec,
                                                                     message):
    out = tmp_path / "out"
    result = sipc("conform", "run", spec, suite, "--out", out)
    assert result.code == 3, result
    assert "THE SUT OR ITS ADAPTER DOES NOT WORK" in result.out and message in result.out
    lines = lines_of(out / "results.jsonl")
    assert [line["type"] for line in lines] == ["run", "summary"]
    assert lines[-1]["exit"] == 3 and lines[-1]["not_run"] == 3 and lines[-1]["error"]
    root = ElementTree.parse(out / "junit.xml").getroot()
    assert root.get("errors") == "1" and len(list(root.iter("error"))) == 1
    assert "Bail out!" in (out / "results.tap").read_text()
    assert lines[-1]["error"].split("\n")[0][:20] in (out / "report.html").read_text() or \
        "'" in lines[-1]["error"]


def test_run_when_the_adapter_babbles_then_exit_3_with_the_line(sipc, suite, tmp_path):
    result = sipc("conform", "run", fake("babbles"), suite, "--jsonl", tmp_path / "r.jsonl")
    assert result.code == 3, result
    assert "what?" in result.out
    lines = lines_of(tmp_path / "r.jsonl")
    assert lines[-1]["cases"] == 1 and lines[-1]["not_run"] == 2


def test_out_writes_all_files_and_their_counts_agree(sipc, suite, tmp_path):
    out = tmp_path / "out"
    result = sipc("conform", "run", fake("silent"), suite, "--out", out)
    assert {path.name for path in out.iterdir()} == \
        {"results.jsonl", "junit.xml", "results.tap", "report.html", "badge.svg", "traffic.pcapng"}
    lines = lines_of(out / "results.jsonl")
    verdicts = Counter(line["verdict"] for line in lines[1:-1])
    assert verdicts == {"fail": 2, "pass": 1}
    root = ElementTree.parse(out / "junit.xml").getroot()
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "2", "0")
    tap = (out / "results.tap").read_text()
    assert len(re.findall("^not ok", tap, re.M)) == 2 and len(re.findall("^ok", tap, re.M)) == 1
    html = (out / "report.html").read_text()
    assert Counter(re.findall(r'data-verdict="(\w+)"', html)) == verdicts
    for name in ("results.jsonl", "junit.xml", "results.tap", "report.html", "badge.svg",
                 "traffic.pcapng"):
        assert str(out / name) in result.out


def test_report_later_is_the_report_of_the_run(sipc, suite, tmp_path):
    out, later = tmp_path / "out", tmp_path / "later"
    later.mkdir()
    run = sipc("conform", "run", fake("silent"), suite, "--out", out)
    names = {"--junit": "junit.xml", "--tap": "results.tap", "--html": "report.html",
             "--badge": "badge.svg"}
    arguments = [f"{option}={later / name}" for option, name in names.items()]
    result = sipc("conform", "report", out / "results.jsonl", *arguments)
    assert result.code == 0 and result.out == "", result
    for name in names.values():
        assert (later / name).read_bytes() == (out / name).read_bytes(), name
    text = sipc("conform", "report", out / "results.jsonl").out
    assert text in run.out


def test_report_refuses_lines_that_do_not_add_up(sipc, suite, tmp_path):
    path = tmp_path / "r.jsonl"
    sipc("conform", "run", fake("silent"), suite, "--jsonl", path)
    path.write_text(path.read_text().replace('"verdict":"fail"', '"verdict":"pass"', 1))
    result = sipc("conform", "report", path)
    assert result.code == 2
    assert re.search(r"r\.jsonl:5: the summary says .*, the lines give", result.err), result


def test_report_of_a_killed_run_says_so(sipc, suite, tmp_path):
    path, junit = tmp_path / "r.jsonl", tmp_path / "j.xml"
    sipc("conform", "run", fake("silent"), suite, "--jsonl", path)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    assert sipc("conform", "report", path, "--junit", junit).code == 0
    assert "the run was killed" in junit.read_text()


def test_json_gives_the_summary_alone_on_stdout(sipc, suite):
    result = sipc("conform", "run", fake("silent"), suite, "--json")
    summary = json.loads(result.out)
    assert result.code == summary["exit"] == 1
    assert summary["verdicts"]["fail"] == 2
    assert summary["claim"].startswith("MUST rules: 1 of ")
    assert "NOT CONFORMANT" in result.err


def test_fail_fast_stops_and_the_rest_is_not_run(sipc, suite, tmp_path):
    result = sipc("conform", "run", fake("silent"), suite, "--fail-fast", "--json")
    summary = json.loads(result.out)
    assert (summary["cases"], summary["not_run"], summary["exit"]) == (1, 2, 1)


def test_verbose_shows_pdus_as_they_happen(sipc, suite, good_sut):
    result = sipc("conform", "run", good_sut, suite, "-v", "-t", "*=100]")
    assert re.search(r"^T-1-acked\[d=100\]\n +0\.0+ s  -> P  data 100:0 .*\n"
                     r" +0\.0+ s  <- P  data_ack 100:0 .*\n  pass$", result.out, re.M), result


def test_pcap_holds_the_traffic(sipc, suite, good_sut, tmp_path):
    path = tmp_path / "t.pcapng"
    result = sipc("conform", "run", good_sut, suite, "--pcap", path, "-t", "T-1*")
    assert result.code == 0
    data = path.read_bytes()
    assert data[:4] == b"\x0a\x0d\x0d\x0a"
    assert data.count(b"T-1-acked[d=0]") == 2 and data.count(b"T-1-acked[d=100]") == 2


def test_output_that_cannot_be_written_is_told_before_the_run(sipc, suite, tmp_path):
    for option in ("--jsonl", "--junit", "--tap", "--html", "--pcap"):
        result = sipc("conform", "run", fake("silent"), suite, option, tmp_path / "no" / "file")
        assert result.code == 2, result
        assert f"cannot write {tmp_path}/no/file: No such file" in result.err
        assert result.out == ""
    result = sipc("conform", "run", fake("silent"), suite, "--out", tmp_path / "no" / "folder")
    assert result.code == 2 and "--out" in result.err


def test_disk_full_is_told(sipc, suite, good_sut):
    for option in ("--jsonl", "--junit", "--pcap"):
        result = sipc("conform", "run", good_sut, suite, option, "/dev/full")
        assert result.code == 4, result
        assert "/dev/full is incomplete" in result.err


def test_same_run_twice_gives_the_same_lines(sipc, suite, good_sut, tmp_path):
    lines = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.jsonl"
        sipc("conform", "run", good_sut, suite, "--jsonl", path)
        lines.append([line for line in lines_of(path) if line["type"] == "case"])
    assert lines[0] == lines[1]


def test_interrupt_ends_the_run_with_its_reports(sipc, suite, tmp_path):
    result = sipc("conform", "run", fake("interrupts", tmp_path / "once"), suite, "--out",
                  tmp_path / "out")
    assert result.code == 4, result
    assert "interrupted after 1 of 3 cases" in result.out
    lines = lines_of(tmp_path / "out" / "results.jsonl")
    assert (lines[-1]["cases"], lines[-1]["not_run"]) == (1, 2)
    assert "interrupted after" in (tmp_path / "out" / "junit.xml").read_text()


# ---- again and again

TIRED = """
import json, sys
sys.path.insert(0, {folder!r})
from scalableipc_endpoint import Endpoint
endpoint, seen = Endpoint(), 0
for line in sys.stdin:
    request = json.loads(line)
    response = endpoint.handle(request)
    seen += request["op"] == "rx"
    print(json.dumps(dict(response, out=[] if seen > 2 else response["out"])), flush=True)
    if request["op"] == "bye":
        break
"""


@pytest.fixture
def tired_sut(project_dir, tmp_path):
    """One that falls silent for good at its third PDU."""
    folder = project_dir / "conformance" / "pyendpoint"
    (tmp_path / "tired.py").write_text(TIRED.format(folder=str(folder)))
    return f"exec:{sys.executable} {tmp_path / 'tired.py'}"


def test_repeat_tells_the_first_repetition_that_does_not_pass(sipc, suite, tired_sut, tmp_path):
    result = sipc("conform", "run", tired_sut, suite, "-t", "*=0]", "--repeat", "9", "--seed", "5",
                  "--jsonl", tmp_path / "r.jsonl")
    assert result.code == 1 and ", each case 9 times" in result.out, result
    case = lines_of(tmp_path / "r.jsonl")[1]
    assert case["verdict"] == "fail"
    assert case["reason"].endswith("(in repetition 3 of 9; those before passed)")
    assert case["replay"].endswith("--seed 7")


def test_repeat_of_what_passes_is_a_pass(sipc, suite, tired_sut, tmp_path):
    result = sipc("conform", "run", tired_sut, suite, "-t", "*=0]", "--repeat", "2", "--pcap",
                  tmp_path / "t.pcapng", "--jsonl", tmp_path / "r.jsonl")
    assert result.code == 0, result
    assert [line["type"] for line in lines_of(tmp_path / "r.jsonl")] == ["run", "case", "summary"]
    once = sipc("conform", "run", tired_sut, suite, "-t", "*=0]", "--pcap", tmp_path / "1.pcapng")
    assert once.code == 0
    assert (tmp_path / "t.pcapng").stat().st_size > (tmp_path / "1.pcapng").stat().st_size


def test_repeat_gives_up_at_once_on_what_is_red_from_the_start(sipc, suite, tmp_path):
    sipc("conform", "run", fake("silent"), suite, "--repeat", "9", "--jsonl", tmp_path / "r.jsonl")
    reasons = [line.get("reason", "") for line in lines_of(tmp_path / "r.jsonl")[1:-1]]
    assert len(reasons) == 3 and not any("repetition" in reason for reason in reasons)


# ---- cases side by side

def comparable(out):
    """Of the files of a run, what must not depend on how many cases ran at a time."""
    lines = lines_of(out / "results.jsonl")
    del lines[0]["command"], lines[0]["started"], lines[-1]["elapsed_ns"]
    return lines, (out / "results.tap").read_text(), (out / "traffic.pcapng").read_bytes()


SIDE_BY_SIDE = [
    ("engine", "engine", []),
    ("python", None, []),
    ("template", "so:{build}/lib/sut_template.so", []),
    ("fails", fake("silent"), []),
    ("fails fast", fake("silent"), ["--fail-fast"]),
    ("fails fast later", fake("silent"), ["--fail-fast", "-x", "T-1*"]),
    ("dies", fake("dies"), []),
    ("babbles", fake("babbles"), []),
    ("other", fake("other"), []),
]


@pytest.mark.parametrize("spec, options", [r[1:] for r in SIDE_BY_SIDE],
                         ids=[r[0] for r in SIDE_BY_SIDE])
def test_reports_do_not_depend_on_jobs(sipc, suite, good_sut, build_dir, tmp_path, spec, options):
    spec = (spec or good_sut).format(build=build_dir)
    text = ACKED.replace("0, 100", "0, 1, 2, 3, 4, 5, 6, 7")
    for name in ("3-more", "4-again", "5-once-more"):
        (suite / f"T-{name}.sx").write_text(text.replace("T-1-acked", f"T-{name}"))
    runs = []
    for jobs in (1, 2, 5):
        out = tmp_path / f"out{jobs}"
        result = sipc("conform", "run", spec, suite, "-j", jobs, "--out", out, *options)
        runs.append((result.code, comparable(out)))
    assert runs[0] == runs[1] == runs[2]


def test_verbose_keeps_the_lines_of_a_case_together(sipc, suite, good_sut):
    one, three = (sipc("conform", "run", good_sut, suite, "-v", "-j", jobs).out for jobs in (1, 3))
    assert "virtual clock, 3 side by side)" in three and "-> P  data 100:0" in three
    assert one == three.replace(", 3 side by side)", ")")


def live(build_dir, network, where):
    sipc = f"{build_dir}/bin/sipc"
    return f"{network}:,control=exec:{sipc} sut --{network} {where} --control stdio"


def test_live_suts_run_side_by_side_unless_told_otherwise(sipc, suite, build_dir):
    spec = live(build_dir, "udp", "127.0.0.1:0")
    for options, told in [([], ", wall clock, 3 side by side)"), (["-j", 2], ", 2 side by side)"),
                          (["-j", 1], ", wall clock)"), (["-v"], ", wall clock)"),
                          (["-t", "T-2*"], ", wall clock)")]:
        result = sipc("conform", "run", spec, suite, *options)
        assert result.code == 0 and told in result.out, result


@pytest.fixture
def stream_peer(build_dir, tmp_path):
    """A live peer without control that holds its sessions whoever brings them."""
    with subprocess.Popen([f"{build_dir}/bin/sipc", "sut", "--unix", tmp_path / "peer"], text=True,
                          stderr=subprocess.PIPE) as peer:
        assert "listening" in peer.stderr.readline()
        yield f"unix:{tmp_path}/peer"
        peer.kill()


def test_seed_is_drawn_where_the_sut_cannot_be_made_to_forget(sipc, tmp_path, stream_peer):
    window = ('-> data {0}:0 {{first_in_window_group last_in_window skip}} "a"\n'
              "<- data_ack {0}:0 {{is_window_full *}}\n")  # a session in which 7 was taken
    script = tmp_path / "T-4-once.sx"                      # takes 0 no more
    script.write_text("sx 1\nid T-4-once\nrules WID-1\nrole receiver\ntest\n" + window.format(0) +
                      window.format(7) + "quiet 1T\n")

    def run(*options):
        log = tmp_path / "r.jsonl"
        result = sipc("conform", "run", stream_peer, script, "--jsonl", log, "--ack-timeout", 50,
                      *options)
        about, case, _ = lines_of(log)
        drawn = f"seed   {about['settings']['seed']}, drawn" in result.out
        assert case["verdict"] == "pass", result
        return about["settings"]["seed"], drawn, " --seed " in case["replay"], case["attempts"]

    first, second = run(), run()
    assert first[0] != second[0]
    assert first[1:3] == second[1:3] == (True, False)  # nor does a replay meet the session
    again = run("--seed", first[0])
    assert again[:3] == (first[0], False, True)
    assert again[3] > 1  # met the session of the first run, and had to be run with another


def test_live_suts_that_share_an_address_are_refused(sipc, suite):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        there.bind(("127.0.0.1", 0))
        address = f"udp:127.0.0.1:{there.getsockname()[1]}"
        result = sipc("conform", "run", "udp:,control=" + fake("listens", address), suite)
    assert result.code == 3, result
    told = " ".join(result.out.split())
    assert f"SUT 2 of 3 listens on {address}, as SUT 1 does: each needs an address of its" in told
    assert "--jobs 1" in told


def test_sut_that_does_not_start_beside_another_is_told_so(sipc, suite, tmp_path):
    assert sipc("conform", "run", fake("alone", tmp_path / "a"), suite, "-j", 1).code == 1
    result = sipc("conform", "run", fake("alone", tmp_path / "b"), suite, "-j", 2)
    assert result.code == 3, result
    assert re.search(r"SUT [12] of 2 does not start beside the others \(--jobs 1 ", result.out)
    result = sipc("conform", "run", fake("alone", tmp_path / "b"), suite, "-j", 2)
    assert result.code == 3 and "beside" not in result.out, result


def test_interrupt_side_by_side_leaves_no_gaps(sipc, suite, tmp_path):
    result = sipc("conform", "run", fake("interrupts", tmp_path / "once"), suite, "-j", 2,
                  "--jsonl", tmp_path / "r.jsonl")
    assert result.code == 4, result
    lines = lines_of(tmp_path / "r.jsonl")
    names = [line["name"] for line in lines if line["type"] == "case"]
    assert names in (["T-1-acked[d=0]"], ["T-1-acked[d=0]", "T-1-acked[d=100]"])
    assert lines[-1]["not_run"] == 3 - len(names)
    assert f"interrupted after {len(names)} of 3 cases" in lines[-1]["error"]


def on_terminal(command, **environment):
    """What a person sees of a command, as text."""
    shown = b""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, {**os.environ, "TERM": "xterm", **environment})
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the other side is closed
            part = b""
        if not part:
            break
        shown += part
    os.close(terminal)
    os.waitpid(pid, 0)
    return shown.decode()


def test_terminal_gets_colours_and_a_progress_line(build_dir, suite):
    command = [f"{build_dir}/bin/sipc", "conform", "run", fake("silent"), str(suite)]
    shown = on_terminal(command)
    assert "\r\033[K  0 of 3  T-1-acked[d=0]" in shown
    assert "\r\033[K  1 of 3, \033[31m1 failing\033[0m  T-1-acked[d=100]" in shown
    assert "\033[1m\033[31mFAIL\033[0m" in shown
    assert shown.index("2 of 3") < shown.index("area  cases")
    plain = on_terminal(command, NO_COLOR="1")
    assert "\033" not in plain and "FAIL  T-1-acked[d=0]" in plain


# ---- explain and data

def test_explain_a_rule_tells_sentence_reason_and_cases(sipc):
    result = sipc("conform", "explain", "WID-3")
    assert result.code == 0
    assert result.out.startswith("WID-3  MUST, as receiver\n")
    assert "A window id is valid from min to min+100" in result.out
    assert "\nwhy\n  A lower id is an old copy" in result.out
    assert re.search(r"^  WID-3-\S+ +\d+ cases? +\S+\.sx$", result.out, re.M)
    told = json.loads(sipc("conform", "explain", "--json", "WID-3").out)
    assert told["level"] == "MUST" and told["roles"] == ["receiver"] and told["why"]
    assert any(name.startswith("WID-3-") for name in told["cases"])


def test_explain_has_a_reason_for_every_rule(sipc, suite, project_dir):
    text = (project_dir / "engine" / "include" / "sipc" / "rules.def").read_text()
    ids = re.findall(r'^SIPC_RULE\(\w+, "([^"]+)"', text, re.M)
    assert len(ids) > 100
    for rule in ids:
        assert json.loads(sipc("conform", "explain", "--json", "--suite", suite, rule).out)["why"]


def test_explain_a_case_tells_its_story_and_script(sipc, suite):
    result = sipc("conform", "explain", "--suite", suite, "T-1-acked[d=100]")
    assert result.code == 0
    assert "T-1-acked: 2 cases" in result.out
    assert "# A window of one PDU is acked." in result.out
    assert "WID-1 MUST: " in result.out and "-> data $d:0" in result.out


def test_data_folder_can_be_named(sipc, suite, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "suite").symlink_to(suite)
    (data / "RULES.md").write_text("### WID-1\n\nBecause I say so.\n\n### WID-2\n")
    result = sipc("conform", "explain", "WID-1", SIPC_DATA_DIR=str(data))
    assert "Because I say so." in result.out and "T-1-acked" in result.out
    result = sipc("conform", "list", SIPC_DATA_DIR="/nonexistent")
    assert result.code == 2
    assert "no suite in SIPC_DATA_DIR=/nonexistent" in result.err


def test_list_to_a_closed_pipe_ends_quietly(build_dir):
    run = subprocess.run(f"'{build_dir}/bin/sipc' conform list --json | head -c 1", shell=True,
                         text=True, capture_output=True, timeout=60, check=False)
    assert run.stdout == "["
    assert "Sanitizer" not in run.stderr
