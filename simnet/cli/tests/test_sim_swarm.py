"""sipc sim swarm as a user meets it: results, exit codes, bad arguments.

SPDX-License-Identifier: MIT
"""

import json
import subprocess

import pytest


@pytest.fixture(name="swarm")
def fixture_swarm(build_dir):
    """Runs the command."""
    def run(*arguments, build=build_dir):
        return subprocess.run([build / "bin" / "sipc", "sim", "swarm", *arguments],
                              capture_output=True, text=True, check=False)
    return run


def test_swarm_when_seeds_run_then_the_same_output_for_any_jobs(swarm):
    one, three = (swarm("--seeds", "1..60", "--jobs", jobs) for jobs in ("1", "3"))
    assert one.returncode == three.returncode == 0
    assert one.stdout == three.stdout
    assert one.stderr == three.stderr == ""
    assert one.stdout.startswith("60 seeds, 0 failed; ")


def test_swarm_when_json_then_marks_and_no_findings(swarm):
    run = swarm("--seeds", "5..24", "--json")
    results = json.loads(run.stdout)
    assert (results["first"], results["last"], results["seeds"]) == (5, 24, 20)
    assert results["findings"] == results["never_seen"] == []
    assert results["marks"]["opened/data/delivered"] > 0
    assert results["pdus"] > 0 and results["faults"] > 0


def test_swarm_when_one_seed_is_logged_then_features_and_events(swarm):
    lines = swarm("--seeds", "4", "--log").stdout.splitlines()
    assert lines[0].startswith("# ")
    events = [line for line in lines[:-1] if not line.startswith("#")]
    assert [int(line.split()[0]) for line in events[:3]] == [1, 2, 3]
    assert lines[-1].startswith("1 seed, 0 failed; ")
    assert lines == swarm("--seeds", "4", "--log").stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("seeds", ["1..20000", "20001..22000 with sanitizers"])
def test_swarm_when_large_then_every_mark_that_is_due_was_seen(swarm, build_dir, release_dir,
                                                                seeds):
    build = build_dir if "sanitizers" in seeds else release_dir
    run = swarm("--seeds", seeds.split()[0], "--jobs", "2", "--json", build=build)
    results = json.loads(run.stdout)
    assert results["findings"] == results["never_seen"] == []
    assert run.returncode == 0


@pytest.mark.parametrize("arguments, message", [
    ([], "say which seeds: --seeds A..B"),
    (["--seeds", ""], "--seeds"),
    (["--seeds", "9..3"], "expected A..B with A at most B"),
    (["--seeds", "1..x"], "--seeds"),
    (["--seeds", "1..10", "--jobs", "0"], "--jobs"),
    (["--seeds", "1..10", "--jobs", "65"], "--jobs"),
    (["--seeds", "1..10", "more"], "unexpected argument 'more'"),
    (["--seeds", "1..10", "--log"], "--log is of one seed"),
    (["--seeds", "1", "--log", "--json"], "--log is of one seed"),
])
def test_swarm_when_arguments_are_bad_then_told(swarm, arguments, message):
    run = swarm(*arguments)
    assert run.returncode == 2
    assert message in run.stderr
    assert run.stdout == ""
