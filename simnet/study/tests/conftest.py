"""What the tests of the study share.

SPDX-License-Identifier: MIT
"""

import random
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lfn import model  # noqa: E402 pylint: disable=wrong-import-position


@pytest.fixture(name="sipc", scope="session")
def fixture_sipc(build_dir):
    """The program."""
    return build_dir / "bin" / "sipc"


@pytest.fixture(name="lfn", scope="session")
def fixture_lfn(project_dir, sipc):
    """Runs scripts/lfn with the build under test."""
    def run(command, *arguments, **keywords):
        words = [sys.executable, project_dir / "scripts" / "lfn", command, *arguments]
        if command == "run" and "--sipc" not in arguments:
            words += ["--sipc", sipc]
        return subprocess.run([str(word) for word in words], capture_output=True, text=True,
                              check=False, timeout=600, **keywords)
    return run


def throw(point, seed, messages):
    """Windows by the rules with dice: (time, whether it ended ok) of each. One window a message."""
    dice = random.Random(seed)
    link = model.Link(point)
    (window,) = model.windows_of(point)
    count, loss = len(window.sizes), point["loss"] / 1e6
    mean = link.serialise(sum(window.sizes) / count)

    def arrives():
        return dice.random() >= loss

    for _ in range(messages):
        missing = [seq for seq in range(count) if not arrives()]
        acks = [arrives() for _ in range(count)]
        if not missing and acks[-1]:
            yield link.window(window), True
            continue
        seq = 0
        total = sum(map(link.serialise, window.sizes)) + point["ack_timeout"] / 1e6
        for _ in range(point["retries"]):
            seq = 0
            while seq is not None:
                total += mean
                if arrives() and (missing.remove(seq) if seq in missing else True, arrives())[1]:
                    total += link.rtt + link.ack
                    seq = missing[0] if missing else None
                    continue
                total += point["ack_timeout"] / 1e6
                break
            if seq is None:
                break
        yield total, seq is None


@pytest.fixture(name="lottery", scope="session")
def fixture_lottery():
    """Dice that play windows."""
    return throw
