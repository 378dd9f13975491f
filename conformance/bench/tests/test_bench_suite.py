"""`sipc bench suite` measures, and tells what it can not measure. The figures are not tested.

SPDX-License-Identifier: MIT
"""

import json
import subprocess

import pytest

ROWS = ["engine", "engine, no judge", "exec engine", "exec Python"]


@pytest.fixture(scope="module")
def bench(build_dir):
    def run(*arguments, code=0):
        done = subprocess.run([build_dir / "bin" / "sipc", "bench", "suite", *arguments], text=True,
                              capture_output=True, timeout=120, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stderr if code else done.stdout
    return run


def test_quick_has_a_row_for_each_sut(bench):
    report = json.loads(bench("--quick", "--json"))
    assert [row["row"] for row in report["rows"]] == ROWS
    for row in report["rows"]:
        assert row["passed"] == row["cases"] > 0 and row["pdus"] > row["cases"]
        assert row["cpu_s"]["median"] > 0 and row["cases_per_s"] > 0 and row["pdus_per_s"] > 0
    assert {row["pdus"] for row in report["rows"]} == {report["rows"][0]["pdus"]}, "the same work"
    assert report["rows"][0]["ratio"] == {"median": 1.0, "min": 1.0, "max": 1.0}


def test_table_is_markdown(bench):
    table = [line for line in bench("--quick", "--repetitions", "3").splitlines()
             if line.startswith("|")]
    assert len(table) == 2 + len(ROWS)
    assert len({len(line) for line in table}) == 1, "aligned"
    assert len({line.count("|") for line in table}) == 1


@pytest.mark.parametrize("arguments, code, message", [
    (["--repetitions", "0"], 2, "expected a whole number from 1 to 99"),
    (["--sut", "udp:127.0.0.1:9"], 2, "expected exec:COMMAND or so:PATH, in virtual time"),
    (["-t", "NONE-*"], 2, "NONE-*"),
    (["more"], 2, "no argument is expected, found 'more'"),
    (["--quick", "--sut", "exec:false"], 3, "exec:false"),
])
def test_what_cannot_be_measured_is_told(bench, arguments, code, message):
    assert message in bench(*arguments, code=code)
