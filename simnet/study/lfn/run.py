"""Runs the points of a plan, each as a process of its own, and keeps what they print.

results.jsonl grows by a line for each point that has ended, in whatever order they end; a line that
a kill cut short is run again, as is a point that failed. Who carries the points out is an executor:
threads here, or the workers of a Dask cluster.

SPDX-License-Identifier: MIT
"""

import json
import os
import shlex
import signal
import subprocess

from . import lines, plan, work


def command_of(sipc, key):
    """What runs a point."""
    return [str(sipc), "sim", "lfn", "--point", key]


def replay_of(sipc, key):
    """The same for a shell."""
    return shlex.join(command_of(sipc, key))


def run_point(sipc, key):
    """One point: the object of its line. Never raises for what a point may do."""
    command = command_of(sipc, key)
    replay = replay_of(sipc, key)
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return {"error": f"{sipc}: {error.strerror}", "replay": replay}
    try:
        if run.returncode in (0, 1):
            return json.loads(run.stdout)
    except json.JSONDecodeError:
        pass
    said = (run.stderr.strip().splitlines() or ["it said nothing"])[-1]
    how = (f"killed by {signal.Signals(-run.returncode).name}" if run.returncode < 0
           else f"exit status {run.returncode}")
    return {"error": f"{how}: {said}", "replay": replay}


# ---- results ----

def name_of(record):
    """What a point is known by."""
    return plan.key_of(record["point"])


def read_results(path):
    """What is in a result file, by key."""
    return lines.by_name(path, name_of)


def run_local(sipc, keys, jobs):
    """An executor, which yields (key, record) as points end: on the cores of this machine."""
    return work.side_by_side(lambda key: run_point(sipc, key), keys, jobs)


# ---- all ----

def points_to_run(entries, known):
    """What is not known yet by key, the longest first: none of them is left for the end."""
    points = {plan.key_of(entry["point"]): entry["point"] for entry in entries}
    missing = {key: point for key, point in points.items() if "result" not in known.get(key, {})}
    order = sorted(missing, key=lambda key: -plan.cost_of(missing[key]))
    return {key: missing[key] for key in order}


def run_plan(entries, path, execute):
    """Runs what is missing of a plan; the records of all of it by key. `execute(keys)` is an
    executor with all but the keys given."""
    with lines.Results(path, name_of) as results:
        missing = points_to_run(entries, results.known)
        made = ((key, {"point": missing[key]} | record)
                for key, record in execute(list(missing)))
        work.keep_all(results, made, work.Progress(len(missing)))
        return {plan.key_of(entry["point"]): results.known[plan.key_of(entry["point"])]
                for entry in entries}


def cores():
    """How many points at a time."""
    return len(os.sched_getaffinity(0))
