"""What the tests of the study share.

SPDX-License-Identifier: MIT
"""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


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
