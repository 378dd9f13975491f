"""TCP on links of the study, by ns-3: what is drawn beside the protocol. Each flow is a process
(sipc-tcp-point), as a point is; tcp.jsonl keeps what they said, by their words.

Rates are small: ns-3's TCP takes time with the square of its window.

SPDX-License-Identifier: MIT
"""

import concurrent.futures
import json
import subprocess

from . import lines

CONTROLS = {"cubic": "TCP CUBIC", "bbr": "TCP BBR"}
RATE = 10_000_000
RTTS = [10_000, 30_000, 100_000, 300_000]
LOSSES = [0, 1_000, 10_000]
SECONDS = 60
FILE = "tcp.jsonl"


def flows(seconds=SECONDS):
    """The words of each flow."""
    return [f"{control} {RATE} {rtt} {loss} {seconds} 1"
            for control in CONTROLS for loss in LOSSES for rtt in RTTS]


def run_flow(program, words):
    """One flow: its line as an object, or an error."""
    run = subprocess.run([str(program), *words.split()], capture_output=True, text=True,
                         check=False)
    control, rate, rtt, loss, seconds, seed = words.split()
    head = {"flow": words, "control": control, "rate": int(rate), "rtt": int(rtt),
            "loss": int(loss), "seconds": int(seconds), "seed": int(seed),
            "replay": f"{program} {words}"}
    if run.returncode:
        return head | {"error": run.stderr.strip() or f"exit status {run.returncode}"}
    return head | {"result": json.loads(run.stdout)}


def read(folder):
    """What was run, by words."""
    return {record["flow"]: record for record in lines.read(folder / FILE)}


def run_missing(program, folder, jobs):
    """Runs the flows that have no result yet, keeps all; the records."""
    known = read(folder)
    missing = [words for words in flows() if "result" not in known.get(words, {})]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for record in pool.map(lambda words: run_flow(program, words), missing):
            known[record["flow"]] = record
    text = "".join(json.dumps(known[words]) + "\n" for words in flows())
    (folder / FILE).write_text(text, encoding="utf-8")
    return known
