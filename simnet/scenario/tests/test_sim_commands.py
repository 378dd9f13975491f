"""`sipc sim run` and `sipc sim replay` as a user meets them: the shipped scenarios and their golden
hashes, failures, bad input, budgets, tapes, hosts of another implementation.

`SIPC_UPDATE_GOLDEN=1 python3 -m pytest -m "" simnet/scenario/tests` writes the hashes anew.

SPDX-License-Identifier: MIT
"""

import json
import os
import re
import subprocess
import sys

import pytest

WORLD = """# A story.
sx 1
id {name}
rules SND-11

world
host a max_sessions 8
host b max_sessions 8
link a<>b rate 10Mbit/s delay 10ms loss 5%
session S of a>b
traffic a in S count 5 size 5KB opens
"""


class Result:
    """What a command printed, and its exit code."""

    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="session")
def sim(build_dir, project_dir):
    """Runs `sipc sim ...` in the project's folder."""

    def run(*args, **environment):
        command = [build_dir / "bin" / "sipc", "sim", *map(str, args)]
        return Result(subprocess.run(command, cwd=project_dir, capture_output=True, text=True,
                                     env={**os.environ, **environment}, timeout=300))

    return run


@pytest.fixture
def world(tmp_path):
    """Writes a scenario: the frame above and `lines`."""

    def write(lines="", name="w", text=None):
        path = tmp_path / f"{name}.sx"
        path.write_text((WORLD.format(name=name) + lines) if text is None else text)
        return path

    return write


# ---- the shipped scenarios ----


GOLDEN = "simnet/scenarios/golden.hashes"
QUICK = ["bufferbloat", "codel", "red", "clog", "stray-pdus", "reordering",
         "scripted-receiver"]


def test_some_shipped_scenarios_have_their_golden_hashes(sim, project_dir):
    """The history is the one that was recorded, in this process as in the one that recorded it."""
    only = [word for name in QUICK for word in ("--only", name)]
    done = sim("run", "simnet/scenarios", "--hashes", *only)
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == len(QUICK)
    assert set(done.out.splitlines()) <= set((project_dir / GOLDEN).read_text().splitlines())


@pytest.mark.slow
def test_shipped_scenarios_are_as_expected_and_have_their_golden_hashes(sim, project_dir):
    """Every expectation holds."""
    done = sim("run", "simnet/scenarios", "--hashes")
    assert done.code == 0, done.err
    if os.environ.get("SIPC_UPDATE_GOLDEN"):
        (project_dir / GOLDEN).write_text(done.out)
    assert done.out == (project_dir / GOLDEN).read_text()
    assert len(done.out.splitlines()) >= 20


@pytest.mark.slow
def test_shipped_scenarios_replay_from_their_tapes(sim):
    """Twice in one process: drawn, and from the tape alone."""
    done = sim("replay", "simnet/scenarios")
    assert done.code == 0, done.out
    assert not re.search(r"^!", done.out, re.M)


def test_quick_scenario_replays_from_its_tape(sim):
    done = sim("replay", "simnet/scenarios/red.sx")
    assert done.code == 0, done.out
    assert done.out.startswith("  red: ")


def test_run_of_another_seed_is_another_history(sim):
    hashes = [sim("run", "simnet/scenarios/bad-wifi.sx", "--only", "*=10*", "--hashes", "--seed",
                  seed).out.split()[0] for seed in (1, 2, 1)]
    assert hashes[0] == hashes[2] != hashes[1]


# ---- what is told ----


def test_run_prints_a_table(sim):
    done = sim("run", "simnet/scenarios/slow-receiver.sx")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["scenario", "hosts", "PDUs", "virtual", "wall", "goodput", "end",
                                "faults", "by", "stage"]
    assert lines[1].split()[:3] == ["slow-receiver[window=1]", "2", "380"]
    assert lines[-1] == "3 as expected"
    assert done.err == ""


def test_run_with_json_is_an_object_a_case(sim):
    done = sim("run", "simnet/scenarios/slow-receiver.sx", "--json")
    cases = [json.loads(line) for line in done.out.splitlines()]
    assert [case["name"] for case in cases] == [f"slow-receiver[window={n}]" for n in (1, 2, 16)]
    assert all(case["ok"] and case["end"] == "drained" for case in cases)
    assert cases[0]["bytes_delivered"] == 250000
    assert cases[0]["ended"]["ok"] == 5
    assert re.fullmatch("[0-9a-f]{16}", cases[0]["hash"])


def test_failed_expectation_names_line_and_command(sim, world):
    path = world("expect bytes >= 1MB at b\n")
    done = sim("run", path)
    assert done.code == 1
    assert "w: expected at least 1MB, found 25KB" in done.err
    assert f"{path}:12: expect bytes >= 1MB at b" in done.err
    assert "the last 12 events:" in done.err
    assert done.out.splitlines()[-1] == "1 of 1 not as expected"
    again = re.search(r"again: (\S+) sim (run .*)", done.err).group(2).split()
    repeated = sim(*again[:-2])
    assert repeated.code == 1
    assert repeated.err == done.err


def test_failed_invariant_names_the_rule_with_its_sentence(sim, world):
    """Two messages that begin with the same bytes: the application cannot tell them apart, and the
    world takes the second for the first."""
    path = world(text=WORLD.format(name="w").split("link")[0] +
                 "link a<>b delay 10ms mtu 600B\nsession S of a>b\nat 10ms a open S\n"
                 'at 20ms a send S "" skip\nat 1s a send S bytes(5000)\n'
                 "at 9s a send S bytes(100)\n")
    done = sim("run", path)
    assert done.code == 1
    assert "invariant ok-delivered does not hold, at event " in done.err
    assert "  SND-11: A send ends in success" in done.err
    expected = world("", "expected", path.read_text().replace("id w", "id expected") +
                     "expect fails ok-delivered SND-11\n")
    assert sim("run", expected).code == 0
    other = world("", "other", path.read_text().replace("id w", "id other") +
                  "expect fails delivered-once\n")
    assert sim("run", other).code == 1
    none = world("expect fails delivered-once\n", "none")
    done = sim("run", none)
    assert done.code == 1
    assert "expected the failure delivered-once, found none" in done.err


def test_trace_has_every_event(sim, world, tmp_path):
    done = sim("run", world(), "--trace", "-")
    lines = done.out.splitlines()
    assert done.code == 0
    assert len(lines) > 100
    assert any("a>b loss drop" in line for line in lines)
    for suffix in ("ndjson", "pcapng", "svg"):
        assert sim("run", world(), "--trace", tmp_path / f"t.{suffix}").code == 0
        assert (tmp_path / f"t.{suffix}").stat().st_size > 1000
    done = sim("run", world(), "--trace", tmp_path / "t.txt")
    assert done.code == 2
    assert ".pcapng" in done.err


# ---- bad input ----

BAD = [
    ("link a>c delay 5ms", "12:8: error: unknown host 'c'"),
    ("until 5", "12:8: error: a unit is missing right behind the number"),
    ("session T of b>a\nlink x queue 5KB",
     "13: error: queue: a limit needs a rate, for without one nothing ever waits"),
    ("at 5s a crash\nat 4s a restart", "13: error: time runs backwards"),
    ("at 5s a b", "12:9: error: unknown word 'b'"),
    ('link x opportunities "cut"', "12: error: "),
    ("link x rate 0bit/s queue 1KB", "12: error: queue: a limit needs a rate"),
]


@pytest.mark.parametrize("lines, error", BAD, ids=[row[0].split("\n")[-1] for row in BAD])
def test_bad_scenario_is_told_with_its_line(sim, world, lines, error):
    path = world(lines + "\n")
    done = sim("run", path)
    assert done.code == 2
    assert f"{path}:{error}" in done.err


TRACES = [
    (b"", "empty"),
    (b"1\n2\n3", "cut"),
    (b"5\n3\n", "unsorted"),
    (b"1\nx\n", "no number"),
    (None, "missing"),
]


@pytest.mark.parametrize("trace, what", TRACES, ids=[row[1] for row in TRACES])
def test_bad_trace_is_told_with_the_line_that_names_it(sim, world, tmp_path, trace, what):
    if trace is not None:
        (tmp_path / "t").write_bytes(trace)
    path = world('link x opportunities "t" delay 1ms\n')
    done = sim("run", path)
    assert done.code == 2
    assert f"{path}:12: error: {tmp_path}/t" in done.err


@pytest.mark.parametrize("lines, text", [
    ("budget events 50\n", "stopped after 50 events at"),
    ("budget time 20ms\n", "budget of 20000000 ns"),
    ("budget moment 1\n", "events at one moment, time stands still"),
])
def test_budget_stops_a_scenario_and_says_so(sim, world, lines, text):
    done = sim("run", world(lines))
    assert done.code == 1
    assert text in done.err


def test_scenario_that_never_ends_can_expect_its_budget(sim, world):
    path = world("budget events 50\nexpect end event_budget\n")
    assert sim("run", path).code == 0


def test_case_and_scenario_are_not_taken_for_each_other(sim, world, build_dir, project_dir):
    case = next((project_dir / "conformance" / "suite").rglob("*.sx"))
    done = sim("run", case)
    assert done.code == 2
    assert "this is a conformance case: it has no 'world'" in done.err
    done = subprocess.run([build_dir / "bin" / "sipc", "conform", "list", world()],
                          capture_output=True, text=True)
    assert done.returncode == 2
    assert "this is a scenario: run it with 'sipc sim run'" in done.stderr


@pytest.mark.parametrize("args, text", [
    (["run"], "no scenario: name a file or a folder"),
    (["run", "no/such.sx"], "no/such.sx: error: No such file or directory"),
    (["run", "simnet/scenarios", "--tape", "x"], "--tape and --trace are of one case"),
    (["run", "simnet/scenarios", "--only", "nothing"], "nothing"),
    (["run", "simnet/scenarios", "--seed", "x"], "--seed x: expected a whole number"),
    (["replay"], "no scenario: name a file or a folder"),
    (["replay", "x", "--tape", "t", "--seed", "1"], "a tape has its seed"),
])
def test_bad_usage_exits_2(sim, args, text):
    done = sim(*args)
    assert done.code == 2
    assert text in done.err


# ---- tapes ----


def test_tape_replays_to_the_same_hash(sim, world, tmp_path):
    path, tape = world(), tmp_path / "w.tape"
    first = sim("run", path, "--tape", tape, "--hashes", "--seed", 5)
    assert first.code == 0
    done = sim("replay", path, "--tape", tape)
    assert done.code == 0
    assert first.out.split()[0] in done.out
    text = tape.read_text()
    fault = next(line for line in text.splitlines(True) if line.startswith("fault"))
    count = text.count("fault a") + text.count("fault b")
    tape.write_text(text.replace(fault, "", 1).replace(f"end {count} ", f"end {count - 1} "))
    done = sim("replay", path, "--tape", tape)
    assert done.code == 1
    assert "recorded were" in done.out


@pytest.mark.parametrize("change, error", [
    (lambda text: text.replace("tape 1", "tape 2"),
     "1:1: error: this tape is of version 2, this program reads version 1"),
    (lambda text: text[:len(text) // 2 + 3], "error: "),
    (lambda text: "\n".join(text.splitlines()[:-1]) + "\n", "error: the tape is cut"),
    (lambda text: text.replace('case "w"', 'case "v"'),
     "2: error: this tape is of the case v, not of w"),
    (lambda text: "", "1:1: error: the tape is cut"),
    (lambda text: "sx 1\n", "1:1: error: this is no tape"),
    (lambda text: text.replace("fault a>b", "fault a>z", 1), "error: unknown link 'a>z'"),
], ids=["version", "half", "no end", "other case", "empty", "no tape", "link"])
def test_bad_tape_is_told_with_its_line(sim, world, tmp_path, change, error):
    path, tape = world(), tmp_path / "w.tape"
    sim("run", path, "--tape", tape)
    tape.write_text(change(tape.read_text()))
    done = sim("replay", path, "--tape", tape)
    assert done.code == 2
    assert error in done.err
    assert str(tape) in done.err


# ---- hosts of another implementation ----


def test_foreign_host_that_does_not_start_exits_3(sim, world):
    path = world('host c sut "exec:/no/such/program"\n')
    done = sim("run", path)
    assert done.code == 3
    assert f"{path}:12: error: host c: " in done.err


def test_foreign_host_that_dies_exits_3(sim, world, project_dir):
    fake = project_dir / "conformance" / "cli" / "tests" / "fake_sut.py"
    text = WORLD.format(name="w").replace(
        "host b max_sessions 8", f'host b sut "exec:{sys.executable} {fake} dies"')
    done = sim("run", world(text=text))
    assert done.code == 3, done.err


def test_foreign_host_is_found_from_anywhere(build_dir, project_dir, tmp_path):
    """Paths in a scenario are relative to its folder."""
    done = subprocess.run([build_dir / "bin" / "sipc", "sim", "run",
                           project_dir / "simnet" / "scenarios" / "foreign-python.sx"],
                          cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_foreign_hosts_talk_to_each_other(sim, world, build_dir):
    """Shared objects and programs, as good as the engine itself: the same bytes arrive."""
    sut = f'sut "so:{build_dir}/lib/sut_engine_so.so"'
    text = WORLD.format(name="w").replace("host b max_sessions 8", f"host b {sut}").replace(
        "host a max_sessions 8", f'host a sut "exec:{build_dir}/bin/sipc sut --exec"')
    done = sim("run", world(text=text + "expect bytes == 25KB at b\nexpect ended ok == 5\n"))
    assert done.code == 0, done.err


def test_foreign_host_is_handed_the_attributes_of_a_message(sim, world, build_dir):
    """Checked as those of the engine are, and told in traces."""
    text = WORLD.format(name="w").replace(
        "host b", f'host b sut "so:{build_dir}/lib/sut_engine_so.so"').replace("loss 5%", "")
    lines = 'at 30s a send S "x" {"colour"="red" "size"="" trace_id="t"}\n'
    trace = world().parent / "w.ndjson"
    done = sim("run", world(text=text + lines + "expect ended ok == 6\n"), "--trace", trace)
    assert done.code == 0, done.err
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    assert json.dumps(events).count('"red"') == 1


def test_foreign_host_lives_as_the_engine_does(sim, world, build_dir):
    """A crash, a pause, a clock of its own, settings: the engine as a shared object has the very
    history of the engine in process, but for what only the latter tells."""
    lines = ("at 500ms b pause\nat 700ms b resume\nat 1s b crash\nat 1.5s b restart\nuntil 60s\n"
             "expect dropped > 0 by arrive on a>b\n")
    text = WORLD.format(name="w").replace("count 5", "count 100") + lines
    text = text.replace("loss 5%", "").replace(
        "host b", "host b clock 1% ack_timeout 800ms mtu 700B")
    sut = f'sut "so:{build_dir}/lib/sut_engine_so.so"'
    native = sim("run", world(text=text), "--json")
    foreign = sim("run", world(text=text.replace("host b", f"host b {sut}")), "--json")
    results = [json.loads(done.out) for done in (native, foreign)]
    for key in ("pdus", "ended", "bytes_delivered", "dropped", "goodput_bps"):
        assert results[0][key] == results[1][key], key


# ---- many seeds ----


def test_seeds_are_one_row_and_those_that_fail_a_row_each(sim, world):
    path = world("expect ended ok == 5\nexpect dropped < 2 by loss\n")
    done = sim("run", path, "--seeds", "1..8")
    rows = done.out.splitlines()[1:]
    assert done.code == 1 and rows[-1] == "1 of 1 not as expected"
    assert re.fullmatch(r"! w +2 +\d+ .* 8 seeds +loss \d+.*", rows[-2]), rows
    failed = re.findall(r"again: .* --seed (\d+) ", done.err)
    assert 0 < len(failed) < 8 and len(rows) == len(failed) + 2
    assert sim("run", path, "--seed", failed[0]).code == 1
    good = sim("run", world(), "--seeds", "1..8")
    assert good.code == 0 and len(good.out.splitlines()) == 3, good.out + good.err


def test_seeds_each_have_the_history_they_have_alone(sim, world):
    path = world()
    together = sim("run", path, "--seeds", "3..5", "--hashes").out
    assert together == "".join(sim("run", path, "--seed", s, "--hashes").out for s in "345")


@pytest.mark.parametrize("arguments, error", [
    (["--seeds", "5..3"], "expected A..B with A at most B"),
    (["--seeds", "x"], "--seeds x: expected a whole number"),
    (["--seeds", "1..2", "--trace", "-"], "--tape and --trace are of one run"),
])
def test_bad_seeds_exit_2(sim, world, arguments, error):
    done = sim("run", world(), *arguments)
    assert done.code == 2 and error in done.err, done.err


TWO_READINGS = "simnet/scenarios/two-readings.sx"


def test_two_readings_agree_on_some_bad_links(sim):
    """One process of the other implementation lives through all of them, and it does not show."""
    together = sim("run", TWO_READINGS, "--seeds", "1..4", "--hashes")
    assert together.code == 0, together.err
    assert together.out.splitlines()[3:] == sim(
        "run", TWO_READINGS, "--seed", "4", "--hashes").out.splitlines()


@pytest.mark.slow
def test_two_readings_agree_on_a_thousand_bad_links(project_dir, release_dir):
    """Ten thousand take minutes: the README of simnet has the command."""
    done = subprocess.run([release_dir / "bin" / "sipc", "sim", "run", TWO_READINGS,
                           "--seeds", "1..1000"],
                          cwd=project_dir, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"1000 seeds +loss \d{4,}, duplicate \d{4,}, .* reorder \d{4,}", done.stdout)


FAULTY = """
import sys
sys.path.insert(0, {path!r})
from scalableipc_endpoint.__main__ import main
from scalableipc_endpoint.endpoint import Endpoint
right = Endpoint.handle

def handle(self, request):
    response = right(self, request)
    response["out"] = [out for out in response["out"]
                       for _ in range({times} if "deliver" in out else 1)]
    return response

Endpoint.handle = handle
sys.exit(main())
"""


@pytest.mark.parametrize("times, rule", [(0, "SND-11"), (2, "RCV-9")], ids=["lost", "doubled"])
def test_two_readings_would_notice(sim, project_dir, tmp_path, times, rule):
    """A host whose application gets nothing, or everything twice, is found out."""
    path, script = tmp_path / "two-readings.sx", tmp_path / "faulty.py"
    script.write_text(FAULTY.format(path=str(project_dir / "conformance" / "pyendpoint"),
                                    times=times))
    text = (project_dir / TWO_READINGS).read_text()
    path.write_text(re.sub(r'"exec:.*?"', f'"exec:{sys.executable} {script}"', text))
    done = sim("run", path, "--seeds", "1..2")
    assert done.code == 1, done.out + done.err
    assert "invariant" in done.err and rule in done.err, done.err
