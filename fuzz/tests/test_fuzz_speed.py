"""What --speed of a replayer measures: the inputs, not the time they take."""

import re
import subprocess


def measured(build_dir, target, *paths):
    command = [build_dir / "bin" / f"replay_{target}", "--speed", *paths]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    line = r"\d+ executions a second of (\d+) inputs of ([\d.]+) (\w+)\n"
    count, length, unit = re.fullmatch(line, done.stdout).groups()
    return int(count), float(length), unit


def test_inputs_of_the_pair_when_measured_then_they_come_to_256_events(build_dir, project_dir):
    corpus = project_dir / "fuzz" / "corpus" / "fuzz_pair"
    count, length, unit = measured(build_dir, "fuzz_pair", *sorted(corpus.iterdir())[:2])
    assert count >= 1 and unit == "events"
    assert 250 <= length <= 256


def test_inputs_of_bytes_when_measured_then_long_ones_are_left_out(build_dir, tmp_path):
    (tmp_path / "short").write_bytes(bytes(256))
    (tmp_path / "long").write_bytes(bytes(257))
    assert measured(build_dir, "fuzz_empty", tmp_path) == (1, 256, "bytes")


def test_inputs_when_all_are_too_long_then_nothing_is_measured(build_dir, tmp_path):
    (tmp_path / "long").write_bytes(bytes(257))
    command = [build_dir / "bin" / "replay_fuzz_empty", "--speed", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "expected inputs that are short, found none" in done.stderr
