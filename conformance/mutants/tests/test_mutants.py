"""Every broken SUT comes out red, by the case made for its rule; the SUT it was made of is green.

What a mutant breaks and what must kill it is said at its own head, as `Breaks:`, `Killed by:`,
`Verdict:` (of that case, fail unless said) and `Exit:` (1 unless said).
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

MUTANTS = Path(__file__).resolve().parents[1]
HELPERS = {"contract.py"}


def heads():
    """(name, spec of the SUT, what its head says) of every mutant."""
    for path in sorted(MUTANTS.glob("*.py")):
        if path.name not in HELPERS:
            yield path.stem, f"exec:{sys.executable} {path}", head(path)
    for path in sorted(MUTANTS.glob("*/*.patch")):
        yield path.stem, f"so:{{mutants}}/{path.stem}.so", head(path)


def head(path):
    return dict(re.findall(r"^(Breaks|Killed by|Verdict|Exit): (.+)$", path.read_text(), re.M))


@pytest.fixture(scope="module")
def conform_run(build_dir, project_dir, tmp_path_factory):
    """Runs the suite on a SUT: exit code, its cases, what it said."""

    def run(spec, *args):
        log = tmp_path_factory.mktemp("run") / "cases.jsonl"
        spec = spec.format(mutants=build_dir / "conformance" / "mutants")
        command = [build_dir / "bin" / "sipc", "conform", "run", spec, "--jsonl", log, *args]
        result = subprocess.run(
            command, cwd=project_dir, capture_output=True, text=True, timeout=300
        )
        entries = [json.loads(line) for line in log.read_text().splitlines()]
        cases = [entry for entry in entries if entry["type"] == "case"]
        return result.returncode, cases, result.stdout + result.stderr

    return run


@pytest.mark.parametrize(
    "spec, expected", [pytest.param(spec, says, id=name) for name, spec, says in heads()]
)
def test_mutant_when_the_suite_runs_then_red_with_its_rule_blamed(conform_run, spec, expected):
    code, cases, output = conform_run(spec)
    assert code == int(expected.get("Exit", 1)), output
    if "Killed by" not in expected:
        assert not [case for case in cases if case["verdict"] == "pass"]
        return
    killers = [case for case in cases if case["id"] == expected["Killed by"]]
    verdicts = {(case["verdict"], case.get("rule")) for case in killers}
    assert (expected.get("Verdict", "fail"), expected["Breaks"]) in verdicts, output
    if spec.startswith("so:"):  # one fault: the rest of the engine is sound
        assert sum(case["verdict"] == "pass" for case in cases) > len(cases) / 2, output


def test_unpatched_engine_when_attached_the_same_way_then_green(conform_run):
    code, cases, output = conform_run("so:{mutants}/unpatched.so")
    assert code == 0, output
    assert {case["verdict"] for case in cases} <= {"pass", "unsupported"}
    assert sum(case["verdict"] == "pass" for case in cases) > 400


def test_heads_when_read_then_complete():
    for name, _, says in heads():
        assert says.keys() >= {"Breaks", "Killed by"} or says == {"Exit": "3"}, name
