"""The pytest plugin, in a pytest of its own. SPDX-License-Identifier: MIT"""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

PLUGIN = Path(__file__).resolve().parents[1]
CASES = {
    "a/T-1-acked.sx": """sx 1
id T-1-acked
rules WID-1
role receiver
param d in 0, 100

test
-> data $d:0 {first_in_window_group last_in_window skip} "a"
<- data_ack $d:0 {is_window_full *}   [WID-1]
quiet 1T
""",
    "a/T-2-quiet.sx": "sx 1\nid T-2-quiet\nrules WIRE-7\nrole receiver\n\ntest\n"
                      "-> raw hex:00\nquiet 1T\n",
    "b/T-3-lingers.sx": "sx 1\nid T-3-lingers\nrules WIRE-2\nrole endpoint\nneeds linger\n\ntest\n"
                       "-> raw hex:00\nquiet 1T\n",
}


@pytest.fixture
def cases(tmp_path):
    for name, text in CASES.items():
        path = tmp_path / "cases" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "cases"


@pytest.fixture
def fake(project_dir):
    script = project_dir / "conformance" / "cli" / "tests" / "fake_sut.py"
    return lambda mode: f"--sut=exec:{sys.executable} {script} {mode}"


@pytest.fixture
def good(project_dir):
    return f"--sut=exec:{sys.executable} {project_dir}/conformance/pyendpoint/run.py"


@pytest.fixture
def run(build_dir, tmp_path):
    def call(*arguments, plugin=True, cwd=tmp_path):
        environment = {**os.environ, "PYTHONPATH": str(PLUGIN),
                       "SIPC_BIN": str(build_dir / "bin" / "sipc")}
        options = ["-p", "sipc_pytest"] if plugin else []
        return subprocess.run(
            [sys.executable, "-m", "pytest", *options, "-p", "no:cacheprovider", "-rA",
             *map(str, arguments)], cwd=cwd, env=environment, text=True, capture_output=True,
            timeout=120, check=False)
    return call


def outcomes(result):
    """{case: outcome} of the short summary."""
    found = re.findall(r"^(PASSED|FAILED|ERROR|XFAIL|XPASS) \S*?::(\S+)", result.stdout, re.M)
    return {name: outcome for outcome, name in found}


def test_one_item_for_each_expanded_case(run, cases, good):
    result = run(cases, good, "--collect-only", "-q")
    assert re.findall(r"::(\S+)", result.stdout) == \
        ["T-1-acked[d=0]", "T-1-acked[d=100]", "T-2-quiet", "T-3-lingers"]
    assert result.returncode == 0


def test_cases_that_pass(run, cases, good):
    result = run(cases, good)
    assert result.returncode == 0, result.stdout
    assert set(outcomes(result).values()) == {"PASSED"} and len(outcomes(result)) == 4


def test_a_failure_shows_what_sipc_prints(run, cases, fake):
    result = run(cases, fake("silent"))
    assert result.returncode == 1
    assert outcomes(result) == {"T-1-acked[d=0]": "FAILED", "T-1-acked[d=100]": "FAILED",
                                "T-2-quiet": "PASSED", "T-3-lingers": "PASSED"}
    for part in ["WID-1 MUST: The very first window id", "cases/a/T-1-acked.sx:9:",
                 "expected  ", "-> P  data 100:0", "replay: ", "-t 'T-1-acked[d=100]'"]:
        assert part in result.stdout
    assert "Traceback" not in result.stdout and "sipc_pytest.py" not in result.stdout


def test_selection_by_keyword_and_by_node_id(run, cases, fake):
    result = run(cases, fake("silent"), "-k", "quiet")
    assert outcomes(result) == {"T-2-quiet": "PASSED"}
    result = run(f"{cases}/a/T-1-acked.sx::T-1-acked[d=100]", fake("silent"))
    assert outcomes(result) == {"T-1-acked[d=100]": "FAILED"}


def test_all_cases_are_run_by_one_program(run, cases, fake, tmp_path, build_dir):
    log = tmp_path / "calls"
    wrapper = tmp_path / "sipc"
    wrapper.write_text(f'#!/bin/sh\necho "$2" >> {log}\nexec {build_dir}/bin/sipc "$@"\n')
    wrapper.chmod(0o755)
    run(cases, fake("silent"), f"--sipc-bin={wrapper}")
    assert log.read_text().split() == ["list", "list", "run"]  # a list for each folder


def test_known_failures_are_strict_xfails(run, cases, fake, tmp_path):
    known = tmp_path / "known.txt"
    known.write_text("# why we fail\nT-1-acked  # no acks yet\nT-2-*  # was red once\n")
    result = run(cases, fake("silent"), f"--sipc-known={known}")
    assert outcomes(result) == {"T-1-acked[d=0]": "XFAIL", "T-1-acked[d=100]": "XFAIL",
                                "T-2-quiet": "FAILED", "T-3-lingers": "PASSED"}
    assert "no acks yet" in result.stdout
    assert "[XPASS(strict)] was red once" in result.stdout


def test_known_file_without_reason_is_a_usage_error(run, cases, fake, tmp_path):
    known = tmp_path / "known.txt"
    known.write_text("T-1-acked\n")
    result = run(cases, fake("silent"), f"--sipc-known={known}")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"{known}:1: expected `case-glob [RULE|crash|hang]  # reason`" in result.stderr


@pytest.mark.parametrize("blame, outcome", [
    ("WID-1", "XFAIL"), ("ACK-1", "FAILED"), ("crash", "FAILED"), ("hang", "FAILED")])
def test_known_failure_that_names_its_blame_fails_over_nothing_else(run, cases, fake, tmp_path,
                                                                   blame, outcome):
    known = tmp_path / "known.txt"
    known.write_text(f"T-1-acked  {blame}  # no acks yet\n")
    result = run(cases, fake("silent"), f"--sipc-known={known}", "-k", "acked")
    assert set(outcomes(result).values()) == {outcome}


def test_unsupported_cases_are_skipped_with_their_reason(run, cases, fake):
    result = run(cases, fake("bare"), "-k", "lingers")
    assert re.search(r"SKIPPED .*unsupported: .*linger", result.stdout), result.stdout


def test_a_sut_that_does_not_start_fails_every_case_with_the_reason(run, cases):
    result = run(cases, "--sut=exec:/nonexistent/program")
    assert result.returncode == 1
    assert set(outcomes(result).values()) == {"FAILED"}
    assert "was not run: " in result.stdout and "/nonexistent/program" in result.stdout


def test_an_adapter_that_breaks_leaves_the_rest_not_run(run, cases, fake):
    result = run(cases, fake("babbles"))
    assert set(outcomes(result).values()) == {"FAILED"}
    assert "what?" in result.stdout and "T-2-quiet was not run: " in result.stdout


def test_a_script_with_errors_is_a_collection_error_of_its_own(run, cases, fake):
    (cases / "a" / "T-4-bad.sx").write_text("sx 1\nid T-4-bad\nrules WID-99\n")
    result = run(cases, fake("silent"), "-k", "quiet or bad", "--continue-on-collection-errors")
    assert outcomes(result) == {"T-2-quiet": "PASSED"}
    assert re.search(r"T-4-bad\.sx:3:7: error: .*WID-99", result.stdout), result.stdout
    assert "Traceback" not in result.stdout


def test_arguments_are_handed_on(run, cases, fake):
    result = run(cases, fake("silent"), "--sipc-arg=--seed=77", "-k", "acked")
    assert "--seed 77" in result.stdout
    result = run(cases, fake("silent"), "--sipc-arg=--sede=77", "-k", "acked")
    assert "unknown option --sede" in result.stdout


def test_junit_of_pytest_has_rules_and_verdicts(run, cases, fake, tmp_path):
    path = tmp_path / "junit.xml"
    run(cases, fake("silent"), f"--junit-xml={path}")
    case = next(c for c in ElementTree.parse(path).getroot().iter("testcase")
                if c.get("name") == "T-1-acked[d=0]")
    found = {p.get("name"): p.get("value") for p in case.iter("property")}
    assert found == {"rules": "WID-1", "role": "receiver", "verdict": "fail"}


def test_without_a_sut_nothing_is_collected(run, cases):
    result = run(cases)
    assert result.returncode == pytest.ExitCode.NO_TESTS_COLLECTED


def test_the_shipped_suite_needs_no_plugin_option(run, good, project_dir):
    folder = project_dir / "conformance" / "suite" / "seq"
    for arguments in ([folder], [project_dir / "conformance" / "suite", "-k", "SEQ-1"]):
        result = run(*arguments, good, plugin=False, cwd=project_dir)
        assert result.returncode == 0, result.stdout
        assert any(name.startswith("SEQ-1") for name in outcomes(result))


def test_plugin_and_conftest_together(run, good, project_dir):
    result = run(project_dir / "conformance" / "suite" / "seq", good, cwd=project_dir)
    assert result.returncode == 0, result.stdout


def test_a_missing_program_is_a_usage_error(run, cases, good, tmp_path):
    result = run(cases, good, f"--sipc-bin={tmp_path}/none")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"the program sipc was not found ({tmp_path}/none)" in result.stderr
