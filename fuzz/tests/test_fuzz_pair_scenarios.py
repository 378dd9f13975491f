"""Inputs of fuzz_pair as scenarios: the simulator lives through the same."""

import re
import subprocess

import pytest

IN_ANOTHER_ORDER = "572d287fe600"  # what happens at one moment does, in the simulator


@pytest.fixture
def call(build_dir, tmp_path):
    def run(*command):
        text = {"capture_output": True, "text": True, "errors": "replace"}
        return subprocess.run(command, cwd=tmp_path, timeout=300, **text)

    return run


def test_inputs_of_the_corpus_when_told_as_scenarios_then_the_same_comes_of_them(
    call, build_dir, project_dir, tmp_path
):
    inputs = sorted((project_dir / "fuzz" / "corpus" / "fuzz_pair").iterdir())
    inputs = [path for path in inputs if path.name != IN_ANOTHER_ORDER][::6]
    folder = tmp_path / "scenarios"
    folder.mkdir()
    exact = faults = 0
    for path in inputs:
        told = call(build_dir / "bin" / "replay_fuzz_pair", "--scenario", path)
        assert told.returncode == 0, told.stderr
        script = re.sub(r"^id pair$", f"id p-{path.name}", told.stdout, flags=re.M)
        (folder / f"p-{path.name}.sx").write_text(script, "utf-8")
        exact += "expect entered ==" in script
        faults += script.count("\nfault ")
    assert exact >= len(inputs) // 2 and faults > 10
    done = call(build_dir / "bin" / "sipc", "sim", "run", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(inputs)} as expected" in done.stdout


def test_a_broken_implementation_when_its_input_is_told_then_an_audit_finds_the_same(
    call, build_dir, project_dir, tmp_path
):
    broken = f"--sut=so:{build_dir}/lib/fuzz_broken.so"
    replay = build_dir / "bin" / "replay_fuzz_pair"
    found = call(replay, broken, "--runs=20000", "--seed=1")
    rule = re.search(r"oracle broken: \[([A-Z]+-\d+)", found.stderr).group(1)
    case = [project_dir / "fuzz" / "pair-case", broken, "what-it-did", "found-1.sfz", "."]
    done = call("env", f"SIPC_BUILD_DIR={build_dir}", *case)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"[{rule}]" in done.stderr
    assert re.search(rf"^frame \d+, .*: {rule} \(MUST\)", done.stdout, re.M), done.stdout
    assert (tmp_path / "what-it-did.sfz").read_bytes() == (tmp_path / "found-1.sfz").read_bytes()


def test_a_good_one_when_told_then_its_audit_finds_nothing(call, build_dir, project_dir):
    path = min((project_dir / "fuzz" / "corpus" / "fuzz_pair").iterdir(), key=lambda p: p.name)
    case = [project_dir / "fuzz" / "pair-case", "all-well", path, "."]
    done = call("env", f"SIPC_BUILD_DIR={build_dir}", *case)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 findings of MUST rules" in done.stdout


def test_what_pair_case_is_not_given_then_said(call, project_dir):
    done = call(project_dir / "fuzz" / "pair-case", "name")
    assert done.returncode == 2
    assert "usage: fuzz/pair-case" in done.stderr
