"""Runs tshark with the dissector, for tests. SPDX-License-Identifier: MIT"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

DISSECTOR = Path(__file__).resolve().parents[1] / "wireshark" / "scalableipc.lua"
SEVERAL = "\x1f"  # between values of one field

# Streams with packets out of order are put in order.
COMMON = ["-n", "-o", "tcp.reassemble_out_of_order:TRUE"]


def run(capture, *options, dissector=DISSECTOR):
    """What tshark says of a capture: (stdout, stderr)."""
    if shutil.which("tshark") is None:
        pytest.skip("skipped: tshark is not installed")
    done = subprocess.run(
        ["tshark", "-X", f"lua_script:{dissector}", "-r", capture, *COMMON, *map(str, options)],
        capture_output=True, env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"}, check=False)
    said = done.stderr.decode(errors="replace")
    assert done.returncode == 0, said
    assert "Lua" not in said, said
    return done.stdout.decode(errors="replace"), said


def rows(capture, fields, *options, dissector=DISSECTOR):
    """A dict of lists for each packet: the values of the fields, in the order of the packet. Names
    that begin with no other protocol's are of this one: `group.length`."""
    names = [f if f.startswith(("frame.", "_ws.", "tcp.", "udp.")) else f"scalableipc.{f}"
             for f in fields]
    wanted = [arg for name in [*names, "_ws.lua.error"] for arg in ("-e", name)]
    text, _ = run(capture, "-T", "fields", "-E", "separator=/t", "-E", f"aggregator={SEVERAL}",
                  *wanted, *options, dissector=dissector)
    found = []
    fields = [*fields, "_ws.lua.error"]
    for line in text.split("\n")[:-1]:
        cells = [cell.split(SEVERAL) if cell else [] for cell in line.split("\t")]
        found.append(dict(zip(fields, cells, strict=True)))
        assert not found[-1].pop("_ws.lua.error"), f"an error in the dissector: {line}"
    return found
