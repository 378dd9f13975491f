"""The engine's C tests once more under valgrind, from a build without sanitizers: it sees reads of
memory that nobody wrote, which they do not."""

import json
import os
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def engine_tests():
    """The commands of the engine's tests, by name."""
    release = os.environ.get("SIPC_RELEASE_DIR")
    if release is None or shutil.which("valgrind") is None:
        pytest.skip("skipped: no valgrind, or no SIPC_RELEASE_DIR with a build without sanitizers")
    command = ["ctest", "--test-dir", release, "-L", "^engine$", "--show-only=json-v1"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    return {test["name"]: test["command"] for test in json.loads(listed.stdout)["tests"]}


def test_engine_tests_are_clean_under_valgrind(engine_tests):
    assert "rules" in engine_tests
    for name, command in engine_tests.items():
        valgrind = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full", *command]
        done = subprocess.run(valgrind, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{name}\n{done.stdout}{done.stderr}"
