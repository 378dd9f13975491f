"""The kill matrix is as the mutants' heads declare, and `sipc conform mutants` says so of no other.

SPDX-License-Identifier: MIT
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

MUTANTS = Path(__file__).resolve().parents[1]
WRONG_ACK = MUTANTS / "ack" / "wrong_ack_seq_nr.patch"


@pytest.fixture(scope="module")
def sipc(build_dir, project_dir):
    def call(*arguments):
        return subprocess.run([build_dir / "bin" / "sipc", "conform", *map(str, arguments)],
                              cwd=project_dir, capture_output=True, text=True, timeout=1800,
                              env={**os.environ, "PYTHON": sys.executable})
    return call


@pytest.fixture
def heads(tmp_path):
    """Makes a folder with one mutant whose module is that of wrong_ack_seq_nr and whose head says
    otherwise."""

    def make(old="", new="", name="wrong_ack_seq_nr"):
        text = WRONG_ACK.read_text()
        assert old in text
        (tmp_path / f"{name}.patch").write_text(text.replace(old, new))
        return tmp_path

    return make


# ---- the matrix

def matrix_of(result):
    """The matrix of a run in which every mutant was as declared."""
    matrix = json.loads(result.stdout)
    red = {row["name"]: (row["outcome"], row["case"], row["blamed"]) for row in matrix["matrix"]
           if not row["green"]}
    assert red == {}
    assert result.returncode == 0 and result.stderr == "", result
    return matrix


def test_matrix_when_some_rules_are_run_then_as_declared(sipc):
    names = {row["name"] for row in
             matrix_of(sipc("mutants", "--json", "--rule", "WID-3", "--rule", "ACK-1"))["matrix"]}
    assert names >= {"accepts_min_plus_101", "refuses_min_plus_100", "acks_everything", "silent"}


@pytest.mark.slow
def test_matrix_when_all_are_run_then_as_declared(sipc):
    matrix = matrix_of(sipc("mutants", "--json"))
    heads = [*MUTANTS.glob("*/*.patch"), *MUTANTS.glob("*.py")]
    names = {path.stem for path in heads} - {"contract"}
    assert {row["name"] for row in matrix["matrix"]} == names and matrix["green"] == len(names)


def test_matrix_when_cheats_are_listed_then_all_kinds_are_there():
    kinds = {path.stem for path in MUTANTS.glob("*.py")} - {"contract"}
    assert kinds == {"acks_everything", "crashes", "garbage", "knows_the_answers",
                     "rejects_everything", "replays_last_ack", "silent"}


def test_unpatched_engine_when_attached_the_same_way_then_green(sipc, build_dir):
    result = sipc("run", f"so:{build_dir}/conformance/mutants/unpatched.so", "--json")
    verdicts = Counter(json.loads(result.stdout)["verdicts"])
    assert result.returncode == 0, result
    assert {name for name, count in verdicts.items() if count} <= {"pass", "unsupported"}
    assert verdicts["pass"] > 400


# ---- what the command says

ACK = "Killed by: ACK-1-never-beyond-a-gap"
OUTCOMES = [
    ("own", 0, "", "", "ACK-1"),
    ("nothing", 1, "", "", None),
    ("misblamed", 1, "Breaks: ACK-1", "Breaks: RCV-1", "ACK-1"),
    ("other", 1, ACK, "Killed by: ACK-1-silence-until-seq-nr-0", "ACK-1"),
    ("noticed", 1, ACK, "Equivalent: nobody looks at it.", "ACK-1"),
    ("equivalent", 0, ACK, "Equivalent: nobody looks at\n  it.", None),
    ("not attached", 3, "", "", None),
]


@pytest.mark.parametrize("outcome, code, old, new, blamed", OUTCOMES,
                         ids=[row[0].replace(" ", "_") for row in OUTCOMES])
def test_outcome_when_a_head_says_otherwise_then_named(sipc, build_dir, heads, tmp_path, outcome,
                                                       code, old, new, blamed):
    folder = heads(old, new)
    built = tmp_path / "built"
    built.mkdir()
    sound = outcome in ("nothing", "equivalent")  # the module is no mutant at all
    module = "unpatched" if sound else "wrong_ack_seq_nr"
    if outcome != "not attached":
        shutil.copy(build_dir / "conformance" / "mutants" / f"{module}.so",
                    built / "wrong_ack_seq_nr.so")
    if outcome == "misblamed":  # a case that is about both rules
        (folder / "ACK-1-never-beyond-a-gap.sx").write_text(
            re.sub(r"^rules .*$", "rules   ACK-1 RCV-1",
                   Path(MUTANTS.parent / "suite" / "ack" / "ACK-1-never-beyond-a-gap.sx")
                   .read_text(), flags=re.M))
        arguments = ("--suite", folder / "ACK-1-never-beyond-a-gap.sx")
    else:
        arguments = ("--suite", MUTANTS.parent / "suite" / "ack")
    result = sipc("mutants", built, "--heads", folder, *arguments, "--json")
    assert result.returncode == code, result
    row, = json.loads(result.stdout)["matrix"]
    assert (row["outcome"], row["blamed"]) == (outcome, blamed)
    people = sipc("mutants", built, "--heads", folder, *arguments).stdout
    assert ("\nNOT AS DECLARED" if code else "\nas declared") in people
    assert (f"\n{outcome}  wrong_ack_seq_nr\n" in people) == (code != 0), people


BAD_HEADS = [
    ("rule", "Breaks: ACK-1", "Breaks: ACK-99", ":3: error: expected one rule, found 'ACK-99'"),
    ("no_rule", "Breaks: ACK-1\n", "", ":1: error: expected 'Breaks: RULE', found none"),
    ("no_case", ACK, "Killed by: ACK-1-never-beyond-a-gab",
     ":4: error: there is no case ACK-1-never-beyond-a-gab (did you mean ACK-1-never-beyond-a-gap"),
    ("alien", ACK, "Killed by: WID-1-first-id-0-to-100",
     ":4: error: WID-1-first-id-0-to-100 is not about ACK-1"),
    ("neither", ACK, "", ":3: error: expected either 'Killed by: CASE' or 'Equivalent: REASON',"
     " found neither"),
    ("both", ACK, ACK + "\nEquivalent: so it is", "found both"),
    ("verdict", ACK, ACK + "\nVerdict: dead", ":5: error: 'dead' is no verdict"),
]


@pytest.mark.parametrize("old, new, message", [row[1:] for row in BAD_HEADS],
                         ids=[row[0] for row in BAD_HEADS])
def test_head_when_wrong_then_file_line_and_exit_2(sipc, heads, old, new, message):
    result = sipc("mutants", "--heads", heads(old, new))
    assert result.returncode == 2 and result.stdout == "", result
    assert f"{heads()}/wrong_ack_seq_nr.patch:" in result.stderr
    assert message in result.stderr, result


USAGE = [
    (["-m", "wrong_ack_seq_n"], "--mutant wrong_ack_seq_n: no mutant has such a name (did you mean"
     " wrong_ack_seq_nr"),
    (["--rule", "ACK-77"], "--rule ACK-77: no mutant breaks such a rule"),
    (["--rule", "ACK-1", "-m", "accepts_*"], "nothing selected"),
    (["a", "b"], "expected one folder of modules, found 2 arguments"),
    (["--heads", "/nonexistent"], "/nonexistent: error: No such file or directory"),
]


@pytest.mark.parametrize("arguments, message", USAGE, ids=[" ".join(row[0]) for row in USAGE])
def test_usage_when_wrong_then_told_and_exit_2(sipc, arguments, message):
    result = sipc("mutants", *arguments)
    assert result.returncode == 2 and result.stdout == "", result
    assert message in result.stderr


def test_full_when_run_then_every_case_and_the_idle_scripts(sipc, heads):
    suite = MUTANTS.parent / "suite" / "ack"
    arguments = ("mutants", "--heads", heads(), "--suite", suite, "--full")
    row, = json.loads(sipc(*arguments, "--json").stdout)["matrix"]
    assert row["outcome"] == "own"
    assert row["cases_run"] > row["cases_red"] > 1
    idle = sipc(*arguments).stdout.partition("\nscripts that no mutant fails\n")[2]
    assert "  ACK-1-silence-until-seq-nr-0\n" in idle
    assert "  ACK-1-never-beyond-a-gap\n" not in idle


def test_jobs_when_many_then_the_same_matrix(sipc):
    arguments = ("mutants", "--rule", "WID-3")
    assert sipc(*arguments, "-j", 1).stdout == sipc(*arguments, "-j", 4).stdout
