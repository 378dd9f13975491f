"""The program, and what to run it on. Makes the helpers beside the tests importable as well.

SPDX-License-Identifier: MIT
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))
from cli_tools import ACKED, ADVISED, Result  # noqa: E402


@pytest.fixture(scope="session")
def sipc(build_dir):
    def call(*arguments, cwd=None, **environment):
        run = subprocess.run([build_dir / "bin" / "sipc", *map(str, arguments)], text=True,
                             capture_output=True, cwd=cwd, env={**os.environ, **environment},
                             timeout=60, check=False)
        return Result(run)
    return call


@pytest.fixture(scope="session")
def good_sut(project_dir):
    return f"exec:{sys.executable} {project_dir / 'conformance' / 'pyendpoint' / 'run.py'}"


@pytest.fixture
def suite(tmp_path):
    folder = tmp_path / "cases"
    folder.mkdir()
    (folder / "T-1-acked.sx").write_text(ACKED)
    (folder / "T-2-advised.sx").write_text(ADVISED)
    return folder
