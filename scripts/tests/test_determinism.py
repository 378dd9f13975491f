"""Scenarios have one history, whatever compiled them; a reading of the machine's clock where the
simulator decides is seen."""

import shutil
import subprocess
from pathlib import Path

import pytest

BUILDS = ["gcc -O0", "gcc -O3", "clang -O0", "clang -O3"]


def determinism(project_dir, *arguments):
    command = [project_dir / "scripts" / "determinism", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = [line.rsplit(None, 1) for line in done.stdout.splitlines()]
    return done, {row[0]: row[1] for row in rows if row[-1] in ("same", "DIFFERENT")}


@pytest.fixture(scope="module")
def tree(project_dir, tmp_path_factory):
    """A copy of the sources, and where its builds are kept."""
    def is_no_source(folder, names):
        top = Path(folder) == project_dir
        return [name for name in names if top and name.startswith((".git", "build", "sipc-report"))]

    folder = tmp_path_factory.mktemp("determinism")
    shutil.copytree(project_dir, folder / "tree", ignore=is_no_source)
    return folder / "tree", folder / "builds"


@pytest.mark.slow
def test_scenarios_have_one_history_whatever_compiled_them(project_dir, tree):
    sources, builds = tree
    done, verdicts = determinism(project_dir, "--source", sources, "--keep", builds)
    assert verdicts == {name: "same" for name in BUILDS}, done.stdout + done.stderr
    assert done.returncode == 0


@pytest.mark.slow
def test_a_reading_of_the_clock_is_seen(project_dir, tree):
    sources, builds = tree
    fault = sources / "simnet" / "src" / "fault.c"
    text = fault.read_text(encoding="utf-8")
    place = "\n#include \"internal.h\"\n"
    assert text.count(place) == 1
    fault.write_text(text.replace(
        place, place + "#include <time.h>\n"
        "#define simnet_draw(a, b) (simnet_draw(a, b) ^ (uint64_t)time(NULL))\n"),
        encoding="utf-8")
    done, verdicts = determinism(project_dir, "--source", sources, "--keep", builds, "gcc -O0")
    fault.write_text(text, encoding="utf-8")
    assert verdicts == {"gcc -O0": "DIFFERENT"}, done.stdout + done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("arguments, told", [
    (["tcc -O2"], "expected a build such as 'gcc -O2', found 'tcc -O2'"),
    (["--source", "nowhere"], "--source: no such folder: nowhere"),
    (["--keep"], "--keep: expected a folder, found ''"),
    (["--often"], "unknown argument: --often"),
])
def test_arguments_that_make_no_sense(project_dir, arguments, told):
    done, verdicts = determinism(project_dir, *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert not verdicts
