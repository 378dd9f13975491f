"""The corpora in the repository: for each target some, small in all, none twice."""

import hashlib
import subprocess
import sys

BYTES_MAX = 5 << 20


def inputs(project_dir):
    return sorted(p for p in (project_dir / "fuzz" / "corpus").rglob("*") if p.is_file())


def test_corpora_then_no_more_than_5_mb_together(project_dir):
    size = sum(path.stat().st_size for path in inputs(project_dir))
    assert 0 < size <= BYTES_MAX, f"{size} bytes: scripts/fuzz minimise --anew makes them fewer"


def test_each_target_then_has_a_corpus_of_its_own(project_dir):
    targets = {path.stem for path in (project_dir / "fuzz" / "targets").glob("fuzz_*.c")}
    folders = {path.name for path in (project_dir / "fuzz" / "corpus").iterdir()}
    assert folders == targets - {"fuzz_empty"}


def test_no_input_stands_twice_in_a_corpus(project_dir):
    seen = {}
    for path in (p for p in inputs(project_dir) if p.parent.name.startswith("fuzz_")):
        digest = (path.parent, hashlib.sha1(path.read_bytes()).hexdigest())
        assert digest not in seen, f"{path} is {seen[digest]}"
        seen[digest] = path


def test_a_target_that_is_not_there_then_said(project_dir, tmp_path):
    command = [sys.executable, project_dir / "scripts" / "fuzz", "--output", tmp_path, "minimise"]
    done = subprocess.run([*command, "--target", "fuzz_no"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "no target ['fuzz_no']: expected one of fuzz_api, " in done.stderr
