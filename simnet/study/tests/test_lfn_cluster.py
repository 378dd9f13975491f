"""The study on Dask: a cluster of its own, one that is there, workers that die.

SPDX-License-Identifier: MIT
"""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from lfn import plan, run

pytest.importorskip("distributed", reason="needs python3-distributed")
DEADLINE = 120  # s, of what would otherwise wait for ever
WORKER = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny",
          "--no-dashboard"]
SCHEDULER = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1",
             "--port", "0", "--no-dashboard"]


def wait_for(what, found):
    """Until `found()` gives something; that."""
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        value = found()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"no {what} after {DEADLINE} s")


@pytest.fixture(name="cluster")
def fixture_cluster(tmp_path):
    """A scheduler and two workers, processes of their own: (address, workers)."""
    file = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    processes = [subprocess.Popen(SCHEDULER + ["--scheduler-file", str(file)], **quiet)]

    def address():
        try:
            return json.loads(file.read_text())["address"]
        except (FileNotFoundError, json.JSONDecodeError):
            return None
    try:
        where = wait_for("scheduler", address)
        processes += [subprocess.Popen(WORKER + [where], **quiet) for _ in range(2)]
        yield where, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def points(count):
    """A plan of points that take a moment each."""
    return [{"sweep": "own", "point": {"rtt": 1000 + place, "loss": 1000, "count": 300}}
            for place in range(count)]


@pytest.mark.slow
def test_cluster_when_a_worker_is_killed_then_no_point_is_lost(project_dir, sipc, cluster,
                                                               tmp_path):
    address, workers = cluster
    entries = points(40)
    (tmp_path / "plan.json").write_text(json.dumps(entries))
    out = tmp_path / "out"
    words = [sys.executable, project_dir / "scripts" / "lfn", "run", "--sipc", sipc, "--plan",
             tmp_path / "plan.json", "--out", out, "--scheduler", address]
    words = [str(word) for word in words]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as study:
        try:
            wait_for("third result", lambda: len(run.read_results(out / "results.jsonl")) >= 3)
            before = len(run.read_results(out / "results.jsonl"))
            os.kill(workers[0].pid, signal.SIGKILL)
            errors = study.communicate(timeout=DEADLINE)[1]
        finally:
            study.kill()  # else what hangs is waited for
    assert study.returncode == 0, errors
    assert before < len(entries), "the kill came too late to tell anything"
    assert workers[0].wait() == -signal.SIGKILL and workers[1].poll() is None
    records = run.read_results(out / "results.jsonl")
    wanted = {plan.key_of(plan.point(**entry["point"])) for entry in entries}
    assert set(records) == wanted and all("result" in record for record in records.values())
    assert len((out / "results.jsonl").read_text().splitlines()) == len(entries)
    # What a cluster says of a point is what this machine says.
    key = sorted(wanted)[0]
    assert run.run_point(sipc, key)["result"] == records[key]["result"]


@pytest.mark.slow
def test_cluster_when_made_for_the_study_then_points_run_and_failures_are_kept(lfn, tmp_path):
    entries = points(4) + [{"sweep": "own", "point": {"group": 70_000}}]
    (tmp_path / "plan.json").write_text(json.dumps(entries))
    ran = lfn("run", "--plan", tmp_path / "plan.json", "--out", tmp_path / "out", "--dask",
              "--jobs", "2")
    assert ran.returncode == 1 and "1 of 5 points failed" in ran.stderr
    records = run.read_results(tmp_path / "out" / "results.jsonl").values()
    assert sorted("result" in record for record in records) == [False] + 4 * [True]


@pytest.mark.slow
def test_cluster_when_nobody_is_there_then_told_and_exit_3(lfn, tmp_path):
    ran = lfn("run", "--plan", "tiny", "--out", tmp_path / "out", "--scheduler",
              "tcp://127.0.0.1:1")
    assert ran.returncode == 3, ran.stderr
    assert "no Dask scheduler at tcp://127.0.0.1:1" in ran.stderr
