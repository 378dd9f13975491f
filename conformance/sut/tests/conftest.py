"""What the tests of the adapters share: the program that drives an attached SUT, and bad SUTs.

Makes the helpers beside the tests importable as well.
"""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))
@pytest.fixture(scope="session")
def sipc(build_dir):
    """The sipc program of the build under test."""
    return build_dir / "bin" / "sipc"


@pytest.fixture(scope="session")
def drive(build_dir):
    """drive(spec, *commands, limit_ms=) runs them and returns (exit code, lines)."""

    def run(spec, *commands, limit_ms=5000):
        command = [build_dir / "bin" / "sut_drive", spec, str(limit_ms), *commands]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert "Sanitizer" not in done.stderr, done.stderr
        return done.returncode, done.stdout.splitlines()

    return run


@pytest.fixture(scope="session")
def bad_sut():
    """bad_sut(how, *arguments): the shell command of a SUT that misbehaves so."""

    def command(how, *arguments):
        return shlex.join([sys.executable, str(HERE / "bad_sut.py"), how, *arguments])

    return command
