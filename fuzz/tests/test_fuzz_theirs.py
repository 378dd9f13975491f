"""Targets against implementations attached from outside: shared objects, and programs."""

import os
import pty
import re
import subprocess

import pytest


@pytest.fixture
def replay(build_dir, tmp_path):
    def run(target, *args, code=0, **environment):
        command = [build_dir / "bin" / f"replay_{target}", *args]
        text = {"capture_output": True, "text": True, "errors": "replace"}
        text["env"] = {**os.environ, **environment}
        done = subprocess.run(command, cwd=tmp_path, timeout=300, **text)
        assert (done.returncode == code) if code >= 0 else (done.returncode < 0), done.stderr
        return done

    return run


@pytest.fixture
def corpus(project_dir):
    return project_dir / "fuzz" / "corpus"


def so(build_dir, name):
    return f"--sut=so:{build_dir}/lib/{name}.so"


@pytest.mark.parametrize("target", ["fuzz_pair", "fuzz_receiver"])
@pytest.mark.parametrize("name", ["sut_engine_so", "sut_template"])
def test_a_good_one_over_a_corpus_then_nothing_is_broken(replay, build_dir, corpus, target, name):
    inputs = sorted((corpus / target).iterdir())[::4]
    done = replay(target, so(build_dir, name), *inputs)
    assert f"{len(inputs)} inputs replayed" in done.stdout


@pytest.mark.parametrize("target", ["fuzz_pair", "fuzz_session"])
def test_a_broken_one_over_a_corpus_then_its_rule(replay, build_dir, corpus, target):
    done = replay(target, so(build_dir, "fuzz_broken"), corpus / target, code=-1)
    assert "oracle broken: [ACK-" in done.stderr


def test_a_pair_of_broken_ones_from_nothing_then_found(replay, build_dir, tmp_path):
    broken = so(build_dir, "fuzz_broken")
    done = replay("fuzz_pair", broken, "--runs=20000", "--seed=1", code=-1)
    assert "oracle broken: [ACK-" in done.stderr
    again = replay("fuzz_pair", broken, tmp_path / "found-1.sfz", code=-1)
    assert done.stderr.splitlines()[0] == again.stderr.splitlines()[0]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_example_then_found_and_told_in_few_lines(project_dir, build_dir, tmp_path, seed):
    command = [project_dir / "fuzz" / "examples" / "broken" / "find", str(seed), tmp_path]
    environment = {"SIPC_BUILD_DIR": str(build_dir), "PATH": "/usr/sbin:/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    script = (tmp_path / f"what-it-did-{seed}.sx").read_text("utf-8")
    assert script.count("\n-> ") <= 3
    assert "data_ack" in script
    assert (tmp_path / f"test_what_it_did_{seed}.c").is_file()


def test_a_good_one_from_nothing_then_nothing_is_broken(replay, build_dir):
    done = replay("fuzz_receiver", so(build_dir, "sut_engine_so"), "--runs=300", "--seed=1")
    assert "300 inputs made" in done.stdout and "no oracle is broken" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("target", ["fuzz_session", "fuzz_pair"])
def test_the_endpoint_in_python_as_a_program_then_nothing_is_broken(
    replay, project_dir, corpus, target
):
    command = f"/usr/bin/python3 {project_dir}/conformance/pyendpoint/run.py"
    inputs = sorted((corpus / target).iterdir(), key=lambda path: path.stat().st_size)[5:15]
    done = replay(target, f"--sut=exec:{command}", *inputs)
    assert "10 inputs replayed" in done.stdout


SAYS = """import sys
for line in sys.stdin:
    print({said!r}, flush=True)
"""


@pytest.mark.parametrize(
    "spec, expected",
    [
        ("so:none.so", "cannot be loaded"),
        ("so:.", "cannot be loaded"),
        ("so:./other.so", "does not export `sipc_sut_v1`"),
        ("exec:./none", "the process ended with status 127 before it answered `hello`"),
        ("exec:true", "the process ended with status 0 before it answered `hello`"),
        ("exec:/usr/bin/python3 says.py", "not JSON: "),
        ("other:", '"other:" is no way to attach: expected engine, so:PATH, exec:CMD'),
    ],
)
def test_what_cannot_be_attached_then_said(replay, corpus, tmp_path, spec, expected):
    (tmp_path / "says.py").write_text(SAYS.format(said="hello"), "utf-8")
    (tmp_path / "other.c").write_text("int other;", "utf-8")
    if spec == "so:./other.so":
        command = ["cc", "-shared", "-fPIC", "-o", "other.so", "other.c"]
        subprocess.run(command, cwd=tmp_path, check=True)
    done = replay("fuzz_session", f"--sut={spec}", corpus / "fuzz_session", code=3)
    assert done.stderr.startswith("--sut: ") and expected in done.stderr, done.stderr
    assert "while replaying" not in done.stderr


@pytest.mark.parametrize(
    "how, made, code, expected",
    [
        ("exit", False, 1, "found that the process was ended by exit"),
        ("exit", True, 1, "found that the process was ended by exit"),
        ("abort", True, -6, ""),
        ("hang", True, -14, "expected an input to end within 1 s, found that it has not"),
        ("status", False, -6, "the function for `rx` returned 77, which is none of 0, 1, 2"),
        ("endless", False, -6, "`next_out` after `rx` has no end"),
        ("kind", False, -6, "gave an output of kind 99"),
        ("past", False, -6, "must be later than now"),
    ],
)
def test_one_that_breaks_the_contract_then_said_with_the_input(
    replay, build_dir, corpus, tmp_path, how, made, code, expected
):
    what = ["--runs=500"] if made else [corpus / "fuzz_receiver"]
    words = [so(build_dir, "fuzz_misbehaving"), f"--seconds={1 if how == 'hang' else 60}", *what]
    done = replay("fuzz_receiver", *words, code=code, MISBEHAVES=how)
    assert expected in done.stderr
    assert (how == "abort") != done.stderr.startswith("oracle broken: [no rule] "), done.stderr
    path = re.search(r"^while replaying (.*)$", done.stderr, re.M).group(1)
    assert (tmp_path / path).stat().st_size > 4


@pytest.mark.parametrize(
    "how, expected",
    [("version", "its contract version is 9"), ("nothing", "the function `rx` is NULL")],
)
def test_a_table_that_is_none_then_said(replay, build_dir, corpus, how, expected):
    broken = so(build_dir, "fuzz_misbehaving")
    done = replay("fuzz_pair", broken, corpus / "fuzz_pair", code=3, MISBEHAVES=how)
    assert expected in done.stderr


@pytest.mark.parametrize("target", ["fuzz_session", "fuzz_pair"])
def test_one_that_refuses_the_settings_of_all_inputs_then_red(replay, build_dir, corpus, target):
    broken = so(build_dir, "fuzz_misbehaving")
    inputs = sorted((corpus / target).iterdir())[:5]
    for words in (inputs, ["--runs=20"], ["--all", *inputs]):
        done = replay(target, broken, *words, code=5, MISBEHAVES="refuse")
        assert "expected an input that happens, found the settings of each refused" in done.stderr


@pytest.mark.parametrize("target", ["fuzz_session", "fuzz_pair"])
def test_one_that_cannot_be_told_some_settings_then_takes_them_as_the_protocol_has_them(
    replay, build_dir, corpus, target
):
    inputs = sorted((corpus / target).iterdir())[::10]
    done = replay(target, so(build_dir, "fuzz_misbehaving"), *inputs, MISBEHAVES="lack")
    assert f"{len(inputs)} inputs replayed" in done.stdout
    left_out = re.search(r"^(\d+) of them left out", done.stdout, re.M)
    assert left_out is None or int(left_out.group(1)) < len(inputs) / 2


def test_bytes_when_inputs_are_to_be_made_then_refused(replay):
    done = replay("fuzz_options", "--runs=1", code=2)
    assert "expected a target of records" in done.stderr


@pytest.mark.parametrize(
    "words, expected",
    [
        ([], "usage: replay_fuzz_session [options] FILE"),
        (["--seed=1"], "usage: replay_fuzz_session [options] FILE"),
        (["--runs=many"], "--runs=many: expected a number"),
        (["--seed=", "--runs=1"], "--seed=: expected a number"),
        (["--marks=-1"], "--marks=-1: expected a number"),
        (["--colour"], "unknown argument: --colour"),
        (["none"], "none: No such file or directory"),
        (["."], ".: expected files to replay, found none"),
        (["--off=none", "."], "expected a check of the judge, found: none"),
    ],
)
def test_arguments_that_make_no_sense_then_said(replay, words, expected):
    assert expected in replay("fuzz_session", *words, code=2).stderr


def test_progress_then_on_a_terminal_alone(replay, build_dir):
    assert replay("fuzz_receiver", "--runs=600").stderr == ""
    ours, theirs = pty.openpty()
    command = [build_dir / "bin" / "replay_fuzz_receiver", "--runs=600"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, timeout=300, text=True)
    said = os.read(ours, 4096).decode("ascii")
    os.close(ours)
    os.close(theirs)
    assert "\r512 of 600 inputs, " in said and said.endswith(" marks\r\033[K")
    assert done.stdout.startswith("600 inputs made")


def test_help_then_an_example(replay):
    done = replay("fuzz_session", "--help")
    assert "\n  replay_fuzz_session fuzz/corpus/fuzz_session\n" in done.stdout
    assert "--sut=SPEC" in done.stdout
