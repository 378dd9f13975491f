"""What all Python tests of the tree share: where the project and its build are."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def project_dir():
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def build_dir():
    """The build under test: SIPC_BUILD_DIR, else build/dev."""
    path = Path(os.environ.get("SIPC_BUILD_DIR", ROOT / "build" / "dev")).resolve()
    if not (path / "CMakeCache.txt").exists():
        pytest.fail(f"no build in {path}: run scripts/test, or set SIPC_BUILD_DIR")
    return path


@pytest.fixture(scope="session")
def release_dir(build_dir):
    """A build without sanitizers for what takes long: SIPC_RELEASE_DIR, else the one under test."""
    return ROOT / os.environ.get("SIPC_RELEASE_DIR", build_dir)
