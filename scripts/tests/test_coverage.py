"""The coverage of the engine: what the script counts and tells, and that it is all."""

import subprocess
import sys

import pytest


def line(number, count, *branches, code=True):
    return {
        "line_number": number,
        "count": count,
        "branches": [{"count": branch} for branch in branches],
        "gcovr/noncode": not code,
    }


def report(*lines):
    return {"files": [{"file": "engine/src/a.c", "lines": list(lines)}]}


def test_lines_and_branches_are_counted(coverage):
    files, missed = coverage.summarise(
        report(line(1, 0, code=False), line(2, 5), line(3, 7, 3, 4), line(4, 1, 1, 1))
    )
    assert files == {"engine/src/a.c": [3, 3, 4, 4]}
    assert missed == []


def test_what_no_test_took_is_told(coverage):
    files, missed = coverage.summarise(report(line(2, 0, 0, 0), line(3, 7, 7, 0), line(4, 1)))
    assert files == {"engine/src/a.c": [3, 2, 4, 1]}
    assert missed == [
        "engine/src/a.c:2: not run",
        "engine/src/a.c:3: 1 of 2 branches not taken",
    ]


@pytest.mark.parametrize(
    "part, whole, text",
    [(0, 7, "0.0 %"), (999, 1000, "99.9 %"), (9999, 10000, "99.9 %"), (7, 7, "100.0 %"),
     (0, 0, "100.0 %")],
)
def test_only_all_of_it_is_100_percent(coverage, part, whole, text):
    assert coverage.percent(part, whole) == text


def test_the_table_has_a_row_a_file_and_a_total(coverage):
    rows = list(coverage.table({"engine/src/b.c": [1, 1, 2, 1], "engine/src/a.c": [3, 3, 0, 0]}))
    assert [row.split() for row in rows[1:]] == [
        ["a.c", "3", "100.0", "%", "0", "100.0", "%"],
        ["b.c", "1", "100.0", "%", "2", "50.0", "%"],
        ["total", "4", "100.0", "%", "2", "50.0", "%"],
    ]


def test_an_unknown_argument_is_told(project_dir):
    command = [sys.executable, project_dir / "scripts" / "coverage", "--nonsense"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--nonsense" in done.stderr


@pytest.mark.slow
def test_every_line_and_branch_of_the_engine_is_taken(project_dir, tmp_path):
    command = [project_dir / "scripts" / "coverage", "--check", "--build", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "window.c" in done.stdout
