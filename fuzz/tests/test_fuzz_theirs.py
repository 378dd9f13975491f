"""Targets against implementations attached from outside: shared objects, and programs."""

import subprocess

import pytest


@pytest.fixture
def replay(build_dir, tmp_path):
    def run(target, *args, code=0):
        command = [build_dir / "bin" / f"replay_{target}", *args]
        text = {"capture_output": True, "text": True, "errors": "replace"}
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


@pytest.mark.parametrize("seed", [1, 3])
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


def test_one_that_is_not_there_then_says_so(replay, corpus):
    done = replay("fuzz_session", "--sut=so:none.so", corpus / "fuzz_session", code=3)
    assert "cannot be loaded" in done.stderr


def test_bytes_when_inputs_are_to_be_made_then_refused(replay):
    done = replay("fuzz_options", "--runs=1", code=1)
    assert "expected a target of records" in done.stderr
