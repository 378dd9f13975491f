"""TCP on links of the study, by ns-3: what is drawn beside the protocol. Each flow is a process
(sipc-tcp-point), as a point is; tcp.jsonl keeps what they said, by their words.

Rates are small: ns-3's TCP takes time with the square of its window.

SPDX-License-Identifier: MIT
"""

import json
import subprocess

from . import lines, work

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
    """One flow: its line as an object, or an error. Never raises for what a flow may do."""
    control, rate, rtt, loss, seconds, seed = words.split()
    head = {"flow": words, "control": control, "rate": int(rate), "rtt": int(rtt),
            "loss": int(loss), "seconds": int(seconds), "seed": int(seed),
            "replay": f"{program} {words}"}
    try:
        run = subprocess.run([str(program), *words.split()], capture_output=True, text=True,
                             check=False)
        if run.returncode == 0:
            return head | {"result": json.loads(run.stdout)}
    except OSError as error:
        return head | {"error": f"{program}: {error.strerror}"}
    except json.JSONDecodeError:
        pass
    return head | {"error": run.stderr.strip() or f"exit status {run.returncode}"}


def name_of(record):
    """What a flow is known by."""
    return record["flow"]


def read(folder):
    """What was run, by words."""
    return lines.by_name(folder / FILE, name_of)


def run_missing(program, folder, jobs):
    """Runs the flows that have no result yet, and keeps each as it ends; the records."""
    with lines.Results(folder / FILE, name_of) as results:
        missing = [words for words in flows() if not results.has(words)]
        made = work.side_by_side(lambda words: run_flow(program, words), missing, jobs)
        work.keep_all(results, made, work.Progress(len(missing), "flows of TCP"))
        return {words: results.known[words] for words in flows()}
