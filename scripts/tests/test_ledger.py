"""The ledger finds witnesses, tells made-up ids from unknown ones, and is strict when asked."""

import json
import subprocess
import sys

import pytest

REGISTRY = """\
SIPC_RULE(ACK_1, "ACK-1", SIPC_MUST, SIPC_RECEIVER,
          "Ids are "
          "near.")
SIPC_RULE(ACK_1a, "ACK-1a", SIPC_ADVISORY, SIPC_RECEIVER | SIPC_SENDER,
          "A part.")
SIPC_RULE(ACK_4, "ACK-4", SIPC_MUST, SIPC_RECEIVER,
          "Sent.")
"""


@pytest.fixture
def tree(tmp_path):
    """A small project: ACK-1 has all its witnesses, ACK-4 none."""
    files = {
        "engine/include/sipc/rules.def": "/* rows */\n" + REGISTRY,
        "engine/src/window_id.c": "return reject(SIPC_RULE_ACK_1);\n/* ACK-1a */\n",
        "engine/tests/test_window_id.c": "/* ACK-1: min and min+100 */\n",
        "conformance/suite/wid/ACK-1-range.sx": (
            "# about ACK-4, in a comment only\nsx 1\nrules   ACK-1   # ACK-4\n"
            "test\n-> data 0:0\nquiet 1T  [ACK-1a]  # not ACK-4\n"
        ),
        "conformance/mutants/deaf.patch": "It is deaf.\n\nBreaks: ACK-1\n\n-/* ACK-4 */\n",
        "conformance/include/conform/judge_checks.def": (
            'JUDGE_CHECK(ACK_MISSING, "ack-missing", ACK_1, JUDGE_NEEDS_NOTHING,\n'
            '            "not ACK-4")\n'
        ),
    }
    for name, text in files.items():
        write(tmp_path, name, text)
    return tmp_path


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def run(project_dir, tree):
    def run_ledger(*arguments):
        command = [sys.executable, project_dir / "scripts" / "ledger", "--root", tree, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run_ledger


def test_witnesses_are_found_by_column(run):
    done = run("--json")
    assert done.returncode == 0, done.stderr
    rules = json.loads(done.stdout)["rules"]
    assert rules["ACK-1"]["sentence"] == "Ids are near."
    assert rules["ACK-1a"]["roles"] == ["receiver", "sender"]
    assert rules["ACK-1"]["cited"] == {
        "engine": ["engine/src/window_id.c:1"],
        "test": ["engine/tests/test_window_id.c:1"],
        "case": ["conformance/suite/wid/ACK-1-range.sx:3"],
        "judge": ["conformance/include/conform/judge_checks.def:1"],
        "mutant": ["conformance/mutants/deaf.patch:3"],
    }
    assert rules["ACK-1a"]["cited"]["case"] == ["conformance/suite/wid/ACK-1-range.sx:6"]
    assert rules["ACK-4"]["cited"]["case"] == []


def test_table_has_a_row_per_rule_and_no_colours_in_a_pipe(run):
    lines = run().stdout.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["rule", "ACK-1", "ACK-1a", "ACK-4"]
    assert "\033" not in "".join(lines)
    assert lines[-1] == (
        "3 rules, 2 MUST; of these with engine 1, test 1, case 1, judge 1, mutant 1; "
        "5 required cells empty"
    )


@pytest.mark.parametrize(
    "name",
    ["engine/src/a.c", "engine/include/a.h", "conformance/suite/a/a.sx", "README.md", "a.py"],
)
def test_an_unknown_id_fails_wherever_it_stands(run, tree, name):
    write(tree, name, "first line\n# see ACK-4b\n")
    done = run()
    assert done.returncode == 1
    assert f"ledger: error: {name}:2: no such rule: ACK-4b" in done.stderr


def test_an_unknown_enum_fails(run, tree):
    write(tree, "engine/src/a.c", "reject(SIPC_RULE_ACK_5);\n")
    assert "engine/src/a.c:1: no such rule: ACK-5" in run().stderr


def test_tests_may_name_rules_that_do_not_exist(run, tree):
    write(tree, "engine/tests/test_a.c", "ACK-99 is made up\n")
    assert run().returncode == 0


def test_other_words_are_no_citations(run, tree):
    write(tree, "engine/src/a.c", "UTF-8 SIPC_RULE_COUNT XACK-7 ACK-x ACK_9\n")
    assert run().returncode == 0


def test_strict_wants_code_test_case_check_and_mutant_for_every_must_rule(run):
    done = run("--strict", "--quiet")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "ledger: error: ACK-4: MUST, but no engine",
        "ledger: error: ACK-4: MUST, but no test",
        "ledger: error: ACK-4: MUST, but no case",
        "ledger: error: ACK-4: MUST, but no judge",
        "ledger: error: ACK-4: MUST, but no mutant",
    ]


def test_a_reader_that_goes_away_is_no_error(run, project_dir, tree):
    command = f"{sys.executable} {project_dir}/scripts/ledger --root {tree} | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reason_excuses_from_a_mutant_alone(run, tree):
    write(tree, "conformance/mutants/none.txt", "ACK-4 it goes\n  with ACK-1\n")
    errors = run("--strict").stderr
    assert "ACK-4: MUST, but no judge" in errors and "no mutant" not in errors
    assert json.loads(run("--json").stdout)["rules"]["ACK-4"]["no_mutant"] == "it goes with ACK-1"


def test_a_written_reason_excuses_from_what_shows_the_rule_outside(run, tree):
    write(tree, "conformance/unobservable.txt", "# head\nACK-4 nobody can see\n   that.\n")
    assert run("--strict").stderr.splitlines() == [
        "ledger: error: ACK-4: MUST, but no engine",
        "ledger: error: ACK-4: MUST, but no test",
    ]
    rules = json.loads(run("--json").stdout)["rules"]
    assert rules["ACK-4"]["unobservable"] == "nobody can see that."


@pytest.mark.parametrize("name", ["conformance/unobservable.txt", "conformance/mutants/none.txt"])
@pytest.mark.parametrize(
    "text, message",
    [
        ("ACK-91 why\n", "1: no such rule: ACK-91"),
        ("ACK-4\n", "1: ACK-4 has no reason"),
        ("ACK-4 a\nACK-4 b\n", "2: ACK-4 stands twice"),
        ("  a\n", "1: an indented line that continues nothing"),
    ],
)
def test_a_bad_registry_of_reasons_fails(run, tree, name, text, message):
    write(tree, name, text)
    done = run()
    assert done.returncode == 1
    assert f"ledger: error: {name}:{message}" in done.stderr


@pytest.mark.parametrize(
    "row, message",
    [
        ('SIPC_RULE(WID_4, "WID-5", SIPC_MUST, SIPC_SENDER,\n "x.")\n', "WID_4 has the id WID-5"),
        ('SIPC_RULE(ACK_4, "ACK-4", SIPC_MUST, SIPC_SENDER,\n "x.")\n', "ACK-4 stands twice"),
        ("SIPC_RULE(WID_5)\n", "a row that cannot be read"),
    ],
)
def test_a_bad_rule_registry_is_told(run, tree, row, message):
    write(tree, "engine/include/sipc/rules.def", "/* rows */\n" + REGISTRY + row)
    done = run()
    assert done.returncode == 1
    assert message in done.stderr


def test_every_must_rule_of_the_project_has_code_a_test_and_a_case(project_dir):
    command = [sys.executable, project_dir / "scripts" / "ledger", "--strict", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
