"""sipc sim lfn: one point, as a user and as the study meet it.

SPDX-License-Identifier: MIT
"""

import json
import shlex
import subprocess

import pytest

from lfn import plan


@pytest.fixture(name="point")
def fixture_point(sipc):
    """Runs the command with these arguments."""
    def run(*arguments):
        return subprocess.run([sipc, "sim", "lfn", *arguments], capture_output=True, text=True,
                              check=False)
    return run


def test_point_when_run_then_a_line_with_point_version_and_replay(point):
    run = point("--point", "rtt=50000,count=4")
    assert run.returncode == 0 and run.stdout.count("\n") == 1
    record = json.loads(run.stdout)
    assert record["point"] == plan.DEFAULTS | {"rtt": 50_000, "count": 4}
    assert record["version"].count(".") == 2
    assert record["result"]["ended_ok"] == 4 and record["result"]["first"]["count"] == 1


def test_point_when_replayed_then_the_same_result(point):
    first = json.loads(point("--point", "loss=20000,burst=3,sessions=3,count=20").stdout)
    words = shlex.split(first["replay"])
    assert words[1:4] == ["sim", "lfn", "--point"]
    again = json.loads(point(*words[3:]).stdout)
    assert first["result"] == again["result"] and first["point"] == again["point"]


def test_point_when_another_seed_then_another_history(point):
    results = [json.loads(point("--point", f"loss=20000,count=50,seed={seed}").stdout)["result"]
               for seed in (1, 2)]
    assert results[0] != results[1]


@pytest.mark.parametrize("parameters, outcome", [
    ("retries=0,loss=100000,count=40", "ended_timeout"),  # 1 - 0.9^48: hardly one gets through
    ("loss=0,count=40", "ended_ok"),
])
def test_point_when_messages_end_then_counted_by_outcome(point, parameters, outcome):
    result = json.loads(point("--point", parameters).stdout)["result"]
    ended = {key: result[key] for key in ("ended_ok", "ended_timeout", "ended_other")}
    assert sum(ended.values()) == 40
    assert ended[outcome] >= 35


def test_point_when_nothing_is_lost_then_nothing_is_repeated(point):
    result = json.loads(point("--point", "sessions=4,count=5").stdout)["result"]
    assert result["repeated_pdus"] == result["ack_timeouts"] == result["lost"] == 0
    assert result["steady"]["count"] == result["ended_ok"] == 20


def test_point_when_the_engine_refuses_a_setting_then_an_error_and_exit_1(point):
    run = point("--point", "group=70000")
    record = json.loads(run.stdout)
    assert run.returncode == 1 and "result" not in record
    assert "group" in record["error"]


def test_point_when_its_bursts_are_too_rare_to_be_drawn_then_an_error_and_exit_1(point):
    run = point("--point", "loss=1,burst=2,count=2")
    assert run.returncode == 1 and "loss: so little" in json.loads(run.stdout)["error"]
    assert point("--point", "loss=2,burst=2,count=2").returncode == 0


def test_parameters_when_printed_then_what_plans_take_them_for(point):
    parameters = json.loads(point("--parameters").stdout)
    assert {name: info["default"] for name, info in parameters.items()} == plan.DEFAULTS
    assert {name: (info["min"], int(info["max"]))
            for name, info in parameters.items()} == plan.RANGES


@pytest.mark.parametrize("arguments, message", [
    ([], "say either --point or --parameters"),
    (["--point", "rate=1000", "--parameters"], "say either"),
    (["--point", "rtt"], "expected NAME=NUMBER, found 'rtt'"),
    (["--point", "rtt=5,"], "expected NAME=NUMBER, found ''"),
    (["--point", "rtt=x"], "--point: rtt x: expected a whole number from 0 to 100000000"),
    (["--point", "loss=500001"], "expected a whole number from 0 to 500000"),
    (["--point", "sesions=2"], "no parameter is called sesions (did you mean sessions"),
    (["--point", "rtt=1", "more"], "unexpected argument more"),
])
def test_point_when_arguments_are_wrong_then_told_and_exit_2(point, arguments, message):
    run = point(*arguments)
    assert run.returncode == 2 and run.stdout == ""
    assert message in run.stderr
