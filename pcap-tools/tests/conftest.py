"""The program on a capture. Makes the helpers beside the tests importable as well.

SPDX-License-Identifier: MIT
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))


class Result:
    """What a run gave."""

    def __init__(self, run):
        self.code, self.out, self.err = run.returncode, run.stdout.decode(), run.stderr.decode()

    def lines(self):
        """Its output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


@pytest.fixture(scope="session")
def sipc(build_dir):
    """Runs the program; `stdin`: bytes."""
    def call(*arguments, stdin=b"", cwd=None):
        return Result(subprocess.run([build_dir / "bin" / "sipc", *map(str, arguments)],
                                     input=stdin, capture_output=True, cwd=cwd, timeout=60,
                                     check=False))
    return call


@pytest.fixture
def show(sipc):
    """`sipc pcap show --json` of a capture given as bytes."""
    def call(capture, *arguments):
        return sipc("pcap", "show", "--json", *arguments, "-", stdin=capture)
    return call


@pytest.fixture(scope="session")
def traces():
    """The folder with captures of other people, which are not part of the project."""
    folder = Path(os.environ.get("SIPC_TRACES_DIR", "/nowhere"))
    if not folder.is_dir():
        pytest.skip("skipped: no folder SIPC_TRACES_DIR with captures")
    return folder
