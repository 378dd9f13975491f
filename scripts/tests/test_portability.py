"""The engine does the same with every compiler, word size and byte order, and a difference is
seen."""

import subprocess

import pytest

pytestmark = pytest.mark.slow

TARGETS = ["gcc -O0", "gcc -O3", "clang -O0", "clang -O3"]
TARGETS += ["gcc -O2, 32 bits", "clang -O2, big endian"]


def portability(project_dir, *arguments):
    command = [project_dir / "scripts" / "portability", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = [line.rsplit(None, 1) for line in done.stdout.splitlines()]
    return done, {row[0]: row[1] for row in rows if row[-1] in ("same", "DIFFERENT")}


def test_recorded_histories_run_the_same_everywhere(project_dir):
    done, verdicts = portability(project_dir)
    assert verdicts == {name: "same" for name in TARGETS}, done.stdout + done.stderr
    assert done.returncode == 0


def test_a_history_that_went_another_way_is_told(project_dir, tmp_path):
    recorded = project_dir / "engine" / "tests" / "histories" / "recorded.txt"
    lines = recorded.read_text(encoding="utf-8").splitlines(keepends=True)
    name, seed, trace, state = lines[3].split()
    lines[3] = f"{name} {seed} {int(trace, 16) ^ 1:016x} {state}\n"
    tampered = tmp_path / "recorded.txt"
    tampered.write_text("".join(lines), encoding="utf-8")
    done, verdicts = portability(project_dir, tampered)
    assert verdicts == {name: "DIFFERENT" for name in TARGETS}, done.stdout + done.stderr
    assert done.returncode == 1
    assert f"expected {name} {seed}" in done.stderr
