"""The targets under AFL++: the same files, in persistent mode, with the mutator of records."""

import os
import shutil
import subprocess

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("afl-clang-fast") is None or shutil.which("afl-fuzz") is None,
        reason="skipped: afl++ is not installed, which these build and run with",
    ),
]


@pytest.fixture
def afl(project_dir, build_dir, tmp_path):
    def run(target, *options, inputs, **environment):
        folder = tmp_path / "inputs"
        folder.mkdir()
        for name, data in inputs.items():
            (folder / name).write_bytes(data)
        environment |= {"SIPC_AFL_BUILD": str(build_dir / "fuzz-afl"), "CMAKE_BUILD_TYPE": "Debug"}
        environment |= {"AFL_INPUTS": str(folder), "AFL_RESULTS": str(tmp_path / "results")}
        done = subprocess.run(
            [project_dir / "fuzz" / "run-afl", target, *options],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=600,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        found = tmp_path / "results" / "default"
        lines = (found / "fuzzer_stats").read_text("utf-8").splitlines()
        stats = dict(map(str.strip, line.split(":", 1)) for line in lines)
        return stats, sorted((found / "crashes").glob("id*"))

    return run


def test_the_canary_from_an_empty_input_then_found(afl, build_dir):
    options = ["-E", "20000", "-s", "1"]
    inputs = {"empty": b"SFZ1"}
    stats, crashes = afl("fuzz_canary", *options, inputs=inputs, AFL_BENCH_UNTIL_CRASH="1")
    assert stats["target_mode"].count("persistent") == 1
    assert "op:afl_mutator_fuzz_canary.so" in crashes[0].name
    replay = build_dir / "bin" / "replay_fuzz_canary"
    done = subprocess.run([replay, crashes[0]], capture_output=True, text=True)
    assert "oracle broken: [ACK-1]" in done.stderr


def test_a_target_of_bytes_then_runs_with_its_dictionary(afl):
    stats, crashes = afl("fuzz_options", "-E", "300", "-s", "1", inputs={"name": b"\x03s_00"})
    assert int(stats["execs_done"]) >= 300
    assert "fuzz_options.dict" in stats["command_line"]
    assert crashes == []


def test_an_unknown_target_then_refused(project_dir):
    command = [project_dir / "fuzz" / "run-afl", "fuzz_nothing"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "expected a target, found 'fuzz_nothing'" in done.stderr
