"""sipc sim shrink as a user meets it: a file of few lines that fails as the large one did.

SPDX-License-Identifier: MIT
"""

import json
import subprocess

import pytest

PLANTED = """# A receiver takes a window for a beginning, and crashes in the middle of messages.
sx      1
id      planted

world
host a max_sessions 4 max_retry_count 8
host b max_sessions 4 max_window_size 2 require_first_in_window_group no
host c max_sessions 4
link a<>b rate 50Mbit/s delay 10ms loss 1%
link c<>b rate 20Mbit/s delay 20ms loss 2%
session S of a>b count 2
session T of c>b
traffic a in S count 20 size 20KB opens
traffic c in T count 20 size 30KB opens
at 300ms b crash
at 400ms b restart
at 800ms b crash
at 900ms b restart
heal 10s
"""


@pytest.fixture(name="sim")
def fixture_sim(build_dir):
    """Runs a command of sipc sim."""
    def run(*arguments):
        return subprocess.run([build_dir / "bin" / "sipc", "sim", *arguments],
                              capture_output=True, text=True, check=False)
    return run


def verdict(build_dir, sut, case, tmp_path):
    """How the one case of a file ends, and the rule it blames."""
    log = tmp_path / "cases.jsonl"
    done = subprocess.run([build_dir / "bin" / "sipc", "conform", "run", sut, "--suite", case,
                           "--jsonl", log], capture_output=True, text=True, check=False)
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    cases = [entry for entry in entries if entry["type"] == "case"]
    assert len(cases) == 1, done.stdout + done.stderr
    return cases[0]["verdict"], cases[0].get("rule")


def test_shrink_when_a_failure_is_planted_then_files_that_run(sim, build_dir, tmp_path):
    """In the case the engine is told all that came about, but for what its last event brought."""
    planted, found, case = (tmp_path / f"{name}.sx" for name in ("planted", "found", "case"))
    planted.write_text(PLANTED)
    assert sim("run", planted).returncode == 1
    run = sim("shrink", planted, "-o", found, "--case", case)
    assert run.returncode == 0, run.stderr
    assert run.stdout == ""
    assert run.stderr.startswith("delivered-intact RCV-8: ")
    lines = found.read_text().splitlines()
    assert len(lines) <= 20
    assert "id      found" in lines
    assert lines[-1] == "expect fails delivered-intact RCV-8"
    assert sim("run", found).returncode == 0
    assert verdict(build_dir, "engine", case, tmp_path) == ("fail", "RCV-8")
    assert "set     require_first_in_window_group = false" in case.read_text()
    assert sim("shrink", planted).stdout.splitlines()[3:] == lines[3:]


REUSES_AN_ID = """# A send gets no ack and fails; the next one takes its window id again.
sx      1
id      naive

world
heal 10s
host a {sut}max_retry_count 0
host b
link a>b delay 1.3ms
link b>a delay 1ms rate 1Mbit/s
session S of a>b
traffic a in S count 3 size 3B opens gap 100ms
at 106ms b>a down lost
at 1.2s b>a up
"""


EVICTED = """# Another session takes the place of one that is in the middle of its message.
sx      1
id      naive

world
host a
host c
host b {sut}max_sessions 1 max_window_size 2
link a<>b delay 10ms rate 1Mbit/s
link c<>b delay 10ms
session S of a>b
session T of c>b
at 0s a open S
at 0s c open T
at 1ms a send S 10KB
at 45ms c send T 10B
heal 10s
"""


@pytest.mark.parametrize("name, text, found, rule, line", [
    pytest.param("uses_an_id_again", REUSES_AN_ID, "ok-delivered SND-11", "WID-9",
                 "wait 0.003T", id="sender"),
    pytest.param("delivers_tails", EVICTED, "delivered-intact RCV-8", "RCV-8",
                 "{error_code=254}", id="receiver"),
])
def test_shrink_when_another_engine_fails_then_a_case_that_tells_it_apart(
        sim, build_dir, tmp_path, name, text, found, rule, line):
    """The host is a SUT in a case; times of the network are told to the ms that a case can say."""
    engine = build_dir / "simnet" / "naive" / f"{name}.so"
    naive, case = tmp_path / "naive.sx", tmp_path / "case.sx"
    naive.write_text(text.format(sut=f'sut "so:{engine}" '))
    run = sim("shrink", naive, "--case", case, "--runs", "2")
    assert run.returncode == 0, run.stderr
    assert run.stderr.startswith(f"{found}: ")
    assert verdict(build_dir, "engine", case, tmp_path) == ("pass", None)
    assert verdict(build_dir, f"so:{engine}", case, tmp_path) == ("fail", rule)
    lines = case.read_text().splitlines()
    assert lines[1].startswith("# " + found.split(maxsplit=1)[0])
    assert f"rules   {found.split()[1]} WIRE-1" in lines
    assert any(line in each for each in lines)


@pytest.mark.parametrize("lines, why", [
    pytest.param("expect ended ok == 7", "no host is to blame", id="expectation"),
    pytest.param("at 50ms b pause\nat 60ms b resume\nexpect begun == 9 at b",
                 "its host was paused before", id="paused"),
    pytest.param("at 50ms b address\nexpect begun == 9", "a host got a new address before",
                 id="moved"),
])
def test_shrink_when_no_case_can_be_made_then_why(sim, tmp_path, lines, why):
    naive, case = tmp_path / "naive.sx", tmp_path / "case.sx"
    naive.write_text(REUSES_AN_ID.format(sut="").replace("at 106ms", lines.split("expect")[0] +
                                                         "at 106ms") +
                     "expect" + lines.split("expect")[1] + "\n")
    run = sim("shrink", naive, "--case", case, "--runs", "1")
    assert run.returncode == 1, run.stderr
    assert f"{case}: no case can be made of it: {why}" in run.stderr
    assert not case.exists()
    assert "sx      1" in run.stdout


@pytest.mark.parametrize("arguments, code, message", [
    ([], 2, "say either a file or --seed N"),
    (["--seed", "1", "x.sx"], 2, "say either a file or --seed N"),
    (["--seed", "x"], 2, "--seed"),
    (["--seed", "1", "--runs", "0"], 2, "--runs"),
    (["none.sx"], 2, "none.sx"),
    (["--seed", "1", "--case", "no name.sx"], 2, "--case: expected a file name"),
    (["--seed", "1"], 1, "seed-1 does not fail: there is nothing to shrink"),
])
def test_shrink_when_there_is_nothing_to_do_then_told(sim, arguments, code, message):
    run = sim("shrink", *arguments)
    assert run.returncode == code
    assert message in run.stderr
    assert run.stdout == ""
