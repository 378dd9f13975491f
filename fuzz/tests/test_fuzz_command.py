"""sipc fuzz: inputs as scripts and back, and all that is made of one that broke an oracle."""

import re
import subprocess

import pytest



@pytest.fixture
def fuzz(build_dir, tmp_path):
    def run(*args, code=0):
        command = [build_dir / "bin" / "sipc", "fuzz", *args]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


def scripts(project_dir):
    found = sorted((project_dir / "conformance" / "suite").glob("*/*.sx"))
    return found[::40]


@pytest.mark.slow
def test_cases_when_made_inputs_and_shown_then_scripts_of_which_the_same_inputs_come(
    fuzz, project_dir, tmp_path
):
    for folder in ("first", "shown", "second", "again"):
        (tmp_path / folder).mkdir()
    fuzz("seed", "-o", "first", *scripts(project_dir))
    inputs = sorted((tmp_path / "first").iterdir())
    assert len(inputs) > 10
    for path in inputs:
        shown = fuzz("show", path).stdout
        script = tmp_path / "shown" / f"{path.stem}.sx"
        script.write_text(shown)
        fuzz("seed", "-o", "second", script)
        assert fuzz("show", tmp_path / "second" / path.name).stdout == shown, path.stem


def test_an_id_then_letters_digits_and_lines_and_a_seed_can_be_made_of_it(fuzz, tmp_path):
    (tmp_path / "crash 1_f.2e").write_bytes(b"SFZ1\x02" + bytes(7))
    shown = fuzz("show", "crash 1_f.2e").stdout
    assert "\nid      crash-1_f\n" in shown
    (tmp_path / "crash-1_f.sx").write_text(shown)
    fuzz("seed", "crash-1_f.sx")
    assert (tmp_path / "crash-1_f.sfz").read_bytes() == b"SFZ1\x02" + bytes(7)


def test_a_shown_input_when_run_as_a_case_then_passes(fuzz, build_dir, project_dir, tmp_path):
    fuzz("seed", *scripts(project_dir)[:2])
    for path in sorted(tmp_path.glob("*.sfz")):
        (tmp_path / f"{path.stem}.sx").write_text(fuzz("show", path).stdout)
    command = [build_dir / "bin" / "sipc", "conform", "run", "engine", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_implementation_when_its_input_is_made_a_case_then_few_lines_and_all_files(
    fuzz, build_dir, project_dir, tmp_path
):
    corpus = project_dir / "fuzz" / "corpus" / "fuzz_receiver"
    broken = f"so:{build_dir}/conformance/mutants/wrong_ack_seq_nr.so"
    replay = build_dir / "bin" / "replay_fuzz_receiver"
    done = subprocess.run([replay, f"--sut={broken}", corpus], capture_output=True, text=True)
    assert "oracle broken: [ACK-1]" in done.stderr
    crash = done.stderr.split("while replaying ")[1].split("\n")[0]
    said = fuzz("case", "--sut", broken, "--id", "past-a-gap", crash).stdout
    assert "ACK-1" in said
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {
        "past-a-gap.sx",
        "past-a-gap.sfz",
        "past-a-gap.pcapng",
        "test_past_a_gap.c",
    }
    script = (tmp_path / "past-a-gap.sx").read_text()
    assert script.count("\n-> ") <= 4
    assert (tmp_path / "past-a-gap.pcapng").read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"


def test_an_implementation_that_is_not_there_when_attached_then_said(build_dir, tmp_path):
    (tmp_path / "input").write_bytes(b"SFZ1" + bytes(8))
    command = [build_dir / "bin" / "replay_fuzz_receiver", f"--sut=so:{tmp_path}/none.so", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    assert done.stderr.startswith("--sut: "), done.stderr


def test_an_input_of_another_version_when_shown_then_refused(fuzz, tmp_path):
    (tmp_path / "old").write_bytes(b"SFZ2" + bytes(8))
    done = fuzz("show", "old", code=2)
    assert "expected an input of version 1, found version 2" in done.stderr


def test_a_file_that_is_not_there_then_says_so(fuzz):
    assert "no-such: No such file" in fuzz("show", "no-such", code=2).stderr


def test_a_scenario_when_a_seed_is_asked_for_then_refused(fuzz, project_dir):
    done = fuzz("seed", project_dir / "simnet" / "scenarios" / "clean-lan.sx", code=2)
    assert "expected a case, found a scenario" in done.stderr


def test_an_input_of_bytes_when_made_a_case_then_kept_and_its_target_replays_it(
    fuzz, build_dir, project_dir, tmp_path
):
    path = min((project_dir / "fuzz" / "corpus" / "fuzz_window_ids").iterdir())
    said = fuzz("case", "--target", "fuzz_window_ids", "--id", "past-top", path).stdout
    assert said == "./fuzz_window_ids/past-top\n"
    kept = tmp_path / "fuzz_window_ids"
    assert (kept / "past-top").read_bytes() == path.read_bytes()
    done = subprocess.run([build_dir / "bin" / "replay_fuzz_window_ids", kept], check=True)
    assert done.returncode == 0


def test_the_bytes_of_a_pdu_when_made_a_case_then_kept_and_a_case_sends_them(
    fuzz, build_dir, project_dir, tmp_path
):
    pdu = bytes(range(60))
    (tmp_path / "crash").write_bytes(pdu)
    fuzz("case", "--target", "fuzz_pdu_decode", "--id", "no-pdu", "crash")
    assert (tmp_path / "fuzz_pdu_decode" / "no-pdu").read_bytes() == pdu
    script = (tmp_path / "no-pdu.sx").read_text()
    assert f"\n-> raw hex:{pdu.hex()}\n" in script
    assert fuzz("show", "--target", "fuzz_pdu_decode", "--id", "no-pdu", "crash").stdout == script
    assert pdu in (tmp_path / "no-pdu.pcapng").read_bytes()
    command = [build_dir / "bin" / "sipc", "conform", "run", "engine", "no-pdu.sx"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_bytes_of_a_pdu_that_no_case_can_say_then_kept_alone(fuzz, tmp_path):
    (tmp_path / "long").write_bytes(bytes(1025))
    done = fuzz("case", "--target", "fuzz_pdu_decode", "long")
    assert done.stdout == "./fuzz_pdu_decode/long\n"
    assert "expected a PDU of 1 to 1024 bytes, found 1025" in done.stderr
    assert not list(tmp_path.glob("*.sx"))


def test_the_targets_that_the_command_knows_then_those_that_tests_replay(fuzz, project_dir):
    lines = (project_dir / "fuzz" / "CMakeLists.txt").read_text("utf-8").splitlines()
    built = {
        re.match(r"\s*sipc_fuzz_target\((\w+)", line).group(1)
        for line in lines
        if re.match(r"\s*sipc_fuzz_target\(", line) and "NO_TEST" not in line
    }
    said = fuzz("case", "--target", "fuzz_pai", "input", code=2).stderr
    names = re.match(r"--target: expected one of (.*); found fuzz_pai\n", said).group(1)
    assert set(names.split(", ")) == built and len(built) > 15


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["show", "--target", "fuzz_options", "input"], "whose inputs a script says (fuzz_session"),
        (["case", "--target", "fuzz_options", "--sut", "so:x", "input"], "--sut: inputs of fuzz_o"),
        (["case", "--target", "fuzz_model", "old"], "expected an input of version 1, found"),
        (["case", "no-such"], "no-such: No such file"),
        (["case", "--target", "fuzz_options", "no-such"], "no-such: No such file"),
    ],
)
def test_what_cannot_be_made_a_case_then_said_and_nothing_is_left(
    fuzz, tmp_path, arguments, expected
):
    (tmp_path / "input").write_bytes(b"abc")
    (tmp_path / "old").write_bytes(b"SFZ2" + bytes(8))
    assert expected in fuzz(*arguments, code=2).stderr
    assert {path.name for path in tmp_path.iterdir()} == {"input", "old"}
