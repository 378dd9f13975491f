"""Runs the points of a plan, each as a process of its own, and keeps what they print.

results.jsonl grows by a line for each point that has ended, in whatever order they end; a line that
a kill cut short is run again, as is a point that failed. Who carries the points out is an executor:
threads here, or the workers of a Dask cluster.

SPDX-License-Identifier: MIT
"""

import concurrent.futures
import json
import os
import shlex
import signal
import subprocess
import sys
import time

from . import lines, plan


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

def read_results(path):
    """What is in a result file, by key: the last line of each point; none that is cut short."""
    results = {}
    for record in lines.read(path):
        try:
            results[plan.key_of(record["point"])] = record
        except (KeyError, TypeError):
            continue
    return results


class Results:
    """The file, open for more."""

    def __init__(self, path):
        self.path = path
        self.known = read_results(path)
        self.file = None

    def __enter__(self):
        whole = not self.path.exists() or self.path.read_bytes()[-1:] in (b"", b"\n")
        self.file = self.path.open("a", encoding="utf-8")
        if not whole:
            self.file.write("\n")
        return self

    def __exit__(self, *_):
        self.file.close()

    def add(self, key, point, record):
        """Keeps a point that has ended."""
        record = {"point": point} | record
        self.known[key] = record
        self.file.write(json.dumps(record, separators=(",", ":")) + "\n")
        self.file.flush()


# ---- executors: each yields (key, record) as points end ----

def run_local(sipc, keys, jobs):
    """On the cores of this machine. The processes do the work, threads only wait for them."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(run_point, sipc, key): key for key in keys}
        try:
            for future in concurrent.futures.as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


# ---- all ----

class Progress:
    """How far it is, on a terminal."""

    def __init__(self, total, stream=sys.stderr):
        self.total, self.stream = total, stream
        self.done = self.failed = 0
        self.begun = time.monotonic()

    def step(self, failed):
        """One more has ended."""
        self.done += 1
        self.failed += failed
        if self.stream.isatty():
            left = (time.monotonic() - self.begun) / self.done * (self.total - self.done)
            bad = f", {self.failed} failed" if self.failed else ""
            self.stream.write(f"\r\033[K{self.done}/{self.total} points{bad}, {left:.0f} s left")
            if self.done == self.total:
                self.stream.write("\r\033[K")
            self.stream.flush()


def points_to_run(entries, known):
    """What is not known yet by key, the longest first: none of them is left for the end."""
    points = {plan.key_of(entry["point"]): entry["point"] for entry in entries}
    missing = {key: point for key, point in points.items() if "result" not in known.get(key, {})}
    order = sorted(missing, key=lambda key: -plan.cost_of(missing[key]))
    return {key: missing[key] for key in order}


def run_plan(entries, path, execute):
    """Runs what is missing of a plan; the records of all of it by key. `execute(keys)` is an
    executor with all but the keys given."""
    with Results(path) as results:
        missing = points_to_run(entries, results.known)
        progress = Progress(len(missing))
        for key, record in execute(list(missing)):
            results.add(key, missing[key], record)
            progress.step("result" not in record)
        return {plan.key_of(entry["point"]): results.known[plan.key_of(entry["point"])]
                for entry in entries}


def cores():
    """How many points at a time."""
    return len(os.sched_getaffinity(0))
