"""The values of parameters that are to blame are named: SUTs with a fault that only some
combinations show.

SPDX-License-Identifier: MIT
"""

import json
import sys
from pathlib import Path

import pytest
from cli_tools import lines_of

SCRIPT = "rcv/RCV-8-windows-by-sizes-by-states"
FAULTY = Path(__file__).resolve().parent / "faulty_sut.py"
ID = "RCV-8-windows-by-sizes-by-states"


@pytest.fixture(name="run")
def fixture_run(sipc, project_dir):
    def run(fault, *arguments):
        return sipc("conform", "run", f"exec:{sys.executable} {FAULTY} {fault}",
                    project_dir / "conformance" / "suite" / f"{SCRIPT}.sx", *arguments)
    return run


def reasons_of(log):
    (factor,) = lines_of(log)[-1]["factors"]
    assert factor["id"] == ID
    return factor["reasons"]


@pytest.mark.parametrize("fault, values", [("value", {"pdus": "16"}),
                                           ("pair", {"state": "fresh", "gap": "100"})])
def test_run_when_some_values_fail_then_just_these_are_named(run, tmp_path, fault, values):
    log = tmp_path / "log.jsonl"
    result = run(fault, "--jsonl", log)
    assert result.code == 1
    cases = [line for line in lines_of(log) if line["type"] == "case"]
    wrong = [case for case in cases if case["verdict"] != "pass"]
    assert 0 < len(wrong) < len(cases)
    assert all(values.items() <= case["params"].items() for case in wrong)
    assert reasons_of(log) == [{"values": values, "cases": len(wrong), "or": []}]
    named = " and ".join(f"{name}={value}" for name, value in values.items())
    said = (f"{ID}: all {len(wrong)} that fail have {named}; "
            f"of the {len(cases) - len(wrong)} that pass, none")
    assert said in " ".join(result.out.split())


def test_run_when_two_faults_meet_then_both_are_named(run, tmp_path):
    log = tmp_path / "log.jsonl"
    run("both", "--jsonl", log)
    named = [reason["values"] for reason in reasons_of(log)]
    assert named == [{"pdus": "16"}, {"state": "fresh", "gap": "100"}]


def test_run_when_cases_do_not_tell_values_apart_then_it_says_so(run, tmp_path):
    log = tmp_path / "log.jsonl"
    result = run("triple", "--jsonl", log)
    (reason,) = reasons_of(log)
    fault = {"state": "fresh", "bytes": "0", "order": "backward"}
    assert fault in [reason["values"], *reason["or"]]
    assert "(or, in just the same cases, " in " ".join(result.out.split())


def test_run_when_all_pass_or_all_fail_then_no_value_is_named(sipc, run, project_dir, tmp_path):
    log = tmp_path / "log.jsonl"
    run("value", "--only", "*pdus=16*", "--jsonl", log)
    assert reasons_of(log) == []
    script = project_dir / "conformance" / "suite" / f"{SCRIPT}.sx"
    sipc("conform", "run", "engine", script, "--jsonl", log)
    assert "factors" not in lines_of(log)[-1]


def test_report_when_derived_later_then_the_same_is_named(sipc, run, tmp_path):
    run("pair", "--out", tmp_path)
    sipc("conform", "report", tmp_path / "results.jsonl", "--html", tmp_path / "again.html")
    page = (tmp_path / "report.html").read_text()
    assert "that fail have state=fresh and gap=100" in page
    assert page == (tmp_path / "again.html").read_text()


def test_result_when_values_are_no_texts_then_refused(sipc, run, tmp_path):
    log = tmp_path / "log.jsonl"
    run("pair", "--jsonl", log)
    lines = lines_of(log)
    lines[1]["params"]["gap"] = 100
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    refused = sipc("conform", "report", log)
    assert refused.code == 2 and "params.gap is not a string" in refused.err
