"""scripts/lfn: plans, runs that are taken up again, points that fail.

SPDX-License-Identifier: MIT
"""

import json

import pytest

from lfn import main, plan, run

POINTS = [{"sweep": "own", "point": {"rtt": rtt, "count": 2}} for rtt in (1000, 2000, 3000, 4000)]
BAD = {"sweep": "own", "point": {"rtt": 5000, "group": 70_000}}  # the engine takes no such group


@pytest.fixture(name="plan_file")
def fixture_plan_file(tmp_path):
    """Writes a plan."""
    def write(entries):
        path = tmp_path / "plan.json"
        path.write_text(entries if isinstance(entries, str) else json.dumps(entries))
        return path
    return write


def lines_of(out):
    return (out / "results.jsonl").read_text().splitlines()


def test_run_when_all_points_run_then_each_is_kept_once(lfn, plan_file, tmp_path):
    ran = lfn("run", "--out", tmp_path / "out", "--plan", plan_file(POINTS))
    assert ran.returncode == 0 and ran.stderr == ""
    records = run.read_results(tmp_path / "out" / "results.jsonl")
    assert sorted(records) == sorted(plan.key_of(plan.point(**entry["point"])) for entry in POINTS)
    assert len(lines_of(tmp_path / "out")) == len(POINTS)


def test_run_when_taken_up_again_then_only_what_is_missing_runs(lfn, plan_file, tmp_path):
    out = tmp_path / "out"
    lfn("run", "--out", out, "--plan", plan_file(POINTS[:3]))
    kept = lines_of(out)
    # A kill in the middle of a line.
    (out / "results.jsonl").write_text("\n".join(kept[:2]) + "\n" + kept[2][:50])
    assert lfn("run", "--out", out, "--plan", plan_file(POINTS)).returncode == 0
    assert lines_of(out)[:2] == kept[:2]
    assert len(lines_of(out)) == 2 + 1 + 2
    assert len(run.read_results(out / "results.jsonl")) == 4
    before = lines_of(out)
    assert lfn("run", "--out", out, "--plan", plan_file(POINTS)).returncode == 0
    assert lines_of(out) == before


def test_run_when_a_point_fails_then_the_rest_runs_and_exit_1_with_its_replay(lfn, plan_file,
                                                                              tmp_path):
    out = tmp_path / "out"
    ran = lfn("run", "--out", out, "--plan", plan_file([BAD] + POINTS))
    assert ran.returncode == 1
    assert "1 of 5 points failed" in ran.stderr
    assert "again: " in ran.stderr and "group=70000" in ran.stderr
    records = run.read_results(out / "results.jsonl").values()
    assert sum("result" in record for record in records) == 4
    (failed,) = [record for record in records if "result" not in record]
    assert "group" in failed["error"] and "sim lfn --point" in failed["replay"]


@pytest.mark.parametrize("script, message", [
    ("#!/bin/sh\nkill -SEGV $$\n", "killed by SIGSEGV"),
    ("#!/bin/sh\necho a story; echo why >&2; exit 0\n", "exit status 0: why"),
    ("#!/bin/sh\necho out of memory >&2; exit 4\n", "exit status 4: out of memory"),
])
def test_point_when_its_process_breaks_then_an_error_with_how(tmp_path, script, message):
    program = tmp_path / "sipc"
    program.write_text(script)
    program.chmod(0o755)
    record = run.run_point(program, "rtt=1")
    assert message in record["error"]
    assert record["replay"] == f"{program} sim lfn --point rtt=1"


def test_plan_when_it_is_the_study_then_500_points_that_differ():
    keys = {plan.key_of(entry["point"]) for entry in plan.load("study")}
    assert len(keys) >= 500
    sessions = [entry["point"]["sessions"] for entry in plan.load("study")]
    assert min(sessions) == 1 and max(sessions) >= 11_500


def test_points_when_ordered_then_the_longest_first():
    missing = run.points_to_run(plan.load("study"), {})
    costs = [plan.cost_of(point) for point in missing.values()]
    assert costs == sorted(costs, reverse=True) and costs[0] > 100 * costs[-1]


@pytest.mark.parametrize("entries, message", [
    ("{", "expected a JSON list of points"),
    ([{"sweep": "own"}], "entry 1: expected"),
    ([{"point": {"rtt": "1"}}], "entry 1: rtt: expected a whole number, found '1'"),
    ([{"point": {"window": 0}}], "entry 1: window: expected 1 to 65535, found 0"),
    ({"point": {}}, "expected a JSON list of points, found dict"),
    ([{"point": {"ttl": 1}}], "entry 1: no parameter is called ttl"),
])
def test_plan_when_it_is_wrong_then_told_and_exit_2(lfn, plan_file, tmp_path, entries, message):
    ran = lfn("run", "--out", tmp_path / "out", "--plan", plan_file(entries))
    assert ran.returncode == 2 and message in ran.stderr
    assert not (tmp_path / "out").exists()


def test_plan_when_it_is_unknown_then_told_which_there_are(lfn):
    ran = lfn("plan", "--plan", "huge")
    assert ran.returncode == 2 and "plans are study, tiny" in ran.stderr


def test_run_when_there_is_no_program_then_told_how_to_build_it(lfn, tmp_path):
    ran = lfn("run", "--out", tmp_path / "out", "--sipc", tmp_path / "none")
    assert ran.returncode == 3 and "cmake --build" in ran.stderr


@pytest.mark.parametrize("with_tcp, parts", [
    (True, ["run", "tcp", "what-if", "report"]),
    (False, ["run", "what-if", "report"]),
])
def test_all_when_run_then_every_part_and_then_the_report(tmp_path, monkeypatch, capsys, with_tcp,
                                                          parts):
    program = tmp_path / "sipc-tcp-point"
    if with_tcp:
        program.touch()
    ran = []

    def part(name, record):
        def function(*_):
            ran.append(name)
            return [record]
        return function

    monkeypatch.setattr(main, "ROOT", tmp_path)
    (tmp_path / "build/release/bin").mkdir(parents=True)
    if with_tcp:
        program.rename(tmp_path / "build/release/bin" / program.name)
    monkeypatch.setattr(main, "part_tcp", part("tcp", {"result": {}}))
    monkeypatch.setitem(main.PARTS, "all", [
        part("run", {"result": {}}), main.part_tcp,
        part("what-if", {"error": "killed by SIGSEGV", "replay": "sipc sim lfn --point x=1"})])
    monkeypatch.setattr(main, "write_report", part("report", {}))
    assert main.main(["all", "--out", str(tmp_path / "out"), "--plan", "tiny"]) == 1
    assert ran == parts
    told = capsys.readouterr().err
    assert "killed by SIGSEGV\n    again: sipc sim lfn --point x=1" in told
    assert ("without TCP" in told) is not with_tcp
