"""Inputs of fuzz_pair as scenarios: the simulator lives through the same; and all that is made of
one with one command."""

import json
import re
import shlex
import subprocess

import pytest

IN_ANOTHER_ORDER = "572d287fe600"  # what happens at one moment does, in the simulator


@pytest.fixture
def call(tmp_path):
    def run(*command):
        text = {"capture_output": True, "text": True, "errors": "replace"}
        return subprocess.run(command, cwd=tmp_path, timeout=300, **text)

    return run


@pytest.fixture
def fuzz(call, build_dir):
    def run(command, *args, code=0):
        arguments = ["fuzz", command, "--target", "fuzz_pair", *args]
        done = call(build_dir / "bin" / "sipc", *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


def corpus(project_dir):
    inputs = sorted((project_dir / "fuzz" / "corpus" / "fuzz_pair").iterdir())
    return [path for path in inputs if path.name != IN_ANOTHER_ORDER]


def compiles(call, build_dir, project_dir, path):
    """As those in fuzz/regress are compiled."""
    entries = json.loads((build_dir / "compile_commands.json").read_text("utf-8"))
    regress = project_dir / "fuzz" / "regress"
    entry = next(entry for entry in entries if entry["file"].startswith(f"{regress}/test_"))
    words = shlex.split(entry["command"])
    words = words[: words.index("-o")]
    done = call(*words, "-Werror", "-fsyntax-only", path)
    assert done.returncode == 0, done.stderr


def test_inputs_of_the_corpus_when_shown_as_scenarios_then_the_same_comes_of_them(
    call, fuzz, build_dir, project_dir, tmp_path
):
    inputs = corpus(project_dir)[::6]
    folder = tmp_path / "scenarios"
    folder.mkdir()
    exact = faults = 0
    for path in inputs:
        script = fuzz("show", "--id", f"p-{path.name}", path).stdout
        (folder / f"p-{path.name}.sx").write_text(script, "utf-8")
        exact += "expect entered ==" in script
        faults += script.count("\nfault ")
    assert exact >= len(inputs) // 2 and faults > 10
    done = call(build_dir / "bin" / "sipc", "sim", "run", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(inputs)} as expected" in done.stdout


def test_a_broken_implementation_when_its_input_is_made_a_case_then_an_audit_finds_the_same(
    call, fuzz, build_dir, project_dir, tmp_path
):
    broken = f"so:{build_dir}/lib/fuzz_broken.so"
    replay = build_dir / "bin" / "replay_fuzz_pair"
    # one that an auditor sees, too, who has the PDUs but no commands
    found = call(replay, f"--sut={broken}", "--runs=20000", "--seed=3")
    rule = re.search(r"oracle broken: \[([A-Z]+-\d+a?)\]", found.stderr).group(1)
    shown = fuzz("show", "--sut", broken, "--id", "what-it-did", "found-3.sfz", code=1)
    assert f"oracle broken: {rule} (MUST)" in shown.stderr
    said = fuzz("case", "--sut", broken, "--id", "what-it-did", "found-3.sfz").stdout
    assert said.splitlines()[-1].startswith(f"{rule} (MUST)"), said
    script = (tmp_path / "what-it-did.sx").read_text("utf-8")
    assert script == shown.stdout
    assert script.count("\nat ") <= 3
    audit = ["pcap", "audit", "--complete", "--defaults", "what-it-did.pcapng"]
    done = call(build_dir / "bin" / "sipc", *audit)
    assert re.search(rf"^frame \d+, .*: {rule} \(MUST\)", done.stdout, re.M), done.stdout
    compiles(call, build_dir, project_dir, tmp_path / "test_what_it_did.c")
    again = call(replay, f"--sut={broken}", tmp_path / "what-it-did.sfz")
    assert f"oracle broken: [{rule}]" in again.stderr
    sizes = [(tmp_path / f"{name}.sfz").stat().st_size for name in ("what-it-did", "found-3")]
    assert sizes[0] < sizes[1]
    fuzz("case", "--whole", "--sut", broken, "--id", "all-of-it", "found-3.sfz")
    assert sizes[0] < (tmp_path / "all-of-it.sfz").stat().st_size


def test_a_good_one_when_made_a_case_then_the_input_as_it_was_and_nothing_broken(
    call, fuzz, build_dir, project_dir, tmp_path
):
    path = corpus(project_dir)[0]
    said = fuzz("case", "--id", "all-well", path).stdout
    assert said.endswith("\nno oracle is broken\n")
    for name in ("all-well.sx", "all-well.pcapng", "all-well.sfz", "test_all_well.c"):
        assert f"./{name}\n" in said and (tmp_path / name).is_file()
    shown = fuzz("show", "--id", "all-well", "all-well.sfz").stdout
    assert shown == (tmp_path / "all-well.sx").read_text("utf-8")
    assert shown == fuzz("show", "--id", "all-well", path).stdout
    assert "\n1 as expected\n" in said


def test_what_is_no_input_then_said(fuzz, tmp_path):
    (tmp_path / "old").write_bytes(b"SFZ2" + bytes(8))
    assert "expected an input of version 1, found" in fuzz("case", "old", code=2).stderr
    assert "no-such: No such file" in fuzz("case", "no-such", code=2).stderr
    (tmp_path / "new").write_bytes(b"SFZ1" + bytes(8))
    assert "cannot be loaded" in fuzz("case", "--sut", "so:none.so", "new", code=3).stderr
