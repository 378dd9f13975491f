"""A SUT for the tests of the command line: speaks the contract and does what its first argument
says: `silent` answers every request and sends nothing; `dies` ends at the first datagram, with a
word on stderr; `babbles` answers the first datagram with what is no JSON; `bare` has no
capabilities; `other` speaks another contract; `interrupts FILE` sends the harness a SIGINT at the
first datagram; `alone FILE` does not start a second time; `listens ADDRESS` is a live one that says
it listens there. What is done once makes FILE. SPDX-License-Identifier: MIT"""

import json
import os
import signal
import sys
from pathlib import Path

CAPABILITIES = ["send", "send_unreliable", "close", "force_close", "dispose", "shutdown",
                "attributes", "skip", "aftermath", "state", "preset", "enquire_link",
                "idle_timeout", "linger", "stream", "endpoint"]


OPS = {"hello", "configure", "reset", "open", "preset", "send", "send_unreliable", "close",
       "dispose", "shutdown", "rx", "sent", "advance", "state", "bye"}


def interrupt_harness():
    """It is the parent, or beyond a shell that is."""
    pid = os.getppid()
    while Path(f"/proc/{pid}/comm").read_text().strip() != "sipc":
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(pid, signal.SIGINT)


def is_first(path):
    """Whether no SUT that was given this path has asked before."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def answer(request, mode, where):
    response = {"id": request["id"], "ok": True, "out": [], "deadline_ns": None}
    if request["op"] not in OPS:
        response.update(ok=False, unsupported=True, error="unknown op")
    if request["op"] == "hello":
        response.update(name="fake", version="1", contract=1, clock="virtual", tick_ns=1,
                        capabilities=[] if mode == "bare" else CAPABILITIES)
        if mode == "listens":
            response.update(clock="wall", listen=where)
        if mode == "other" or mode == "alone" and not is_first(where):
            response = {"id": request["id"], "ok": False, "error": "only contract 7 is spoken here"}
    elif request["op"] == "configure":
        response["refused"] = []
    elif request["op"] == "rx" and mode == "interrupts" and is_first(where):
        interrupt_harness()
    elif request["op"] == "rx" and mode == "dies":
        print("the fake SUT dies", file=sys.stderr, flush=True)
        sys.exit(3)
    return response


def main(mode, where=None):
    for line in sys.stdin:
        request = json.loads(line)
        if request["op"] == "rx" and mode == "babbles":
            print("what?", flush=True)
            continue
        print(json.dumps(answer(request, mode, where)), flush=True)
        if request["op"] == "bye":
            return


main(*sys.argv[1:])
