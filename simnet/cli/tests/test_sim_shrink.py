"""sipc sim shrink as a user meets it: a file of few lines that fails as the large one did.

SPDX-License-Identifier: MIT
"""

import subprocess

import pytest

PLANTED = """# A receiver takes a window for a beginning, and crashes in the middle of messages.
sx      1
id      planted

world
host a max_sessions 4 max_retry_count 8
host b max_sessions 4 max_window_size 2 require_first_in_window_group no
host c max_sessions 4
link a<>b rate 50Mbit/s delay 10ms loss 1%
link c<>b rate 20Mbit/s delay 20ms loss 2%
session S of a>b count 2
session T of c>b
traffic a in S count 20 size 20KB opens
traffic c in T count 20 size 30KB opens
at 300ms b crash
at 400ms b restart
at 800ms b crash
at 900ms b restart
heal 10s
"""


@pytest.fixture(name="sim")
def fixture_sim(build_dir):
    """Runs a command of sipc sim."""
    def run(*arguments):
        return subprocess.run([build_dir / "bin" / "sipc", "sim", *arguments],
                              capture_output=True, text=True, check=False)
    return run


def test_shrink_when_a_failure_is_planted_then_a_file_that_runs(sim, tmp_path):
    planted, found = tmp_path / "planted.sx", tmp_path / "found.sx"
    planted.write_text(PLANTED)
    assert sim("run", planted).returncode == 1
    run = sim("shrink", planted, "-o", found)
    assert run.returncode == 0, run.stderr
    assert run.stdout == ""
    assert run.stderr.startswith("delivered-intact RCV-8: ")
    lines = found.read_text().splitlines()
    assert len(lines) <= 20
    assert "id      found" in lines
    assert lines[-1] == "expect fails delivered-intact RCV-8"
    assert sim("run", found).returncode == 0
    assert sim("shrink", planted).stdout.splitlines()[3:] == lines[3:]


@pytest.mark.parametrize("arguments, code, message", [
    ([], 2, "say either a file or --seed N"),
    (["--seed", "1", "x.sx"], 2, "say either a file or --seed N"),
    (["--seed", "x"], 2, "--seed"),
    (["--seed", "1", "--runs", "0"], 2, "--runs"),
    (["none.sx"], 2, "none.sx"),
    (["--seed", "1"], 1, "seed-1 does not fail: there is nothing to shrink"),
])
def test_shrink_when_there_is_nothing_to_do_then_told(sim, arguments, code, message):
    run = sim("shrink", *arguments)
    assert run.returncode == code
    assert message in run.stderr
    assert run.stdout == ""
