"""sipc sim explore: what it says, and that its counter-examples are cases that tell the engines
apart: the shipping one passes, the one they were found in does not.

What a naive engine lacks, in which world that shows and as what, is said at the head of its patch.
"""

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

NAIVE = Path(__file__).resolve().parents[1] / "naive"
LARGE_WORLDS = {"both-send", "resync", "wrap"}


def sipc(build_dir, *args, **options):
    command = [build_dir / "bin" / "sipc", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


def heads():
    for path in sorted(NAIVE.glob("*.patch")):
        says = dict(re.findall(r"^(Lacks|World|Found by): (.+)$", path.read_text(), re.M))
        yield pytest.param(path.stem, says, id=path.stem)


def test_findings_speak_of_each_naive_engine():
    page = (NAIVE.parent / "FINDINGS.md").read_text()
    names = {path.stem for path in NAIVE.glob("*.patch")}
    assert {path.stem for path in (NAIVE / "cases").glob("*.sx")} == names
    for name in names:
        assert f"`{name}`" in page, name


def verdict(build_dir, sut, script, tmp_path):
    log = tmp_path / "cases.jsonl"
    done = sipc(build_dir, "conform", "run", sut, "--suite", script, "--jsonl", log)
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    cases = [entry for entry in entries if entry["type"] == "case"]
    assert len(cases) == 1, done.stdout + done.stderr
    return cases[0]["verdict"]


@pytest.mark.parametrize("name, says", heads())
def test_naive_engine_when_explored_then_the_damage_is_a_case(build_dir, tmp_path, name, says):
    engine = build_dir / "simnet" / "naive" / f"{name}.so"
    script = tmp_path / f"{name}.sx"
    done = sipc(build_dir, "sim", "explore", says["World"], "--engine", engine,
                "--no-engine-check", "--json", "--sx", script)
    assert done.returncode == 1, done.stderr
    world = json.loads(done.stdout)[0]
    assert world["end"] == "broken" and not world["exhausted"]
    assert world["failure"]["invariant"] == says["Found by"]
    assert len(world["failure"]["trace"]) > world["failure"]["steps"]
    assert script.read_text() == (NAIVE / "cases" / script.name).read_text()
    assert verdict(build_dir, "engine", script, tmp_path) == "pass"
    assert verdict(build_dir, f"so:{engine}", script, tmp_path) in ("fail", "advisory")


def worlds(build_dir):
    done = sipc(build_dir, "sim", "explore", "--list", "--json")
    return [world["world"] for world in json.loads(done.stdout)]


def test_worlds_when_explored_then_the_engine_is_clean(build_dir):
    small = [name for name in worlds(build_dir) if name not in LARGE_WORLDS]
    done = sipc(build_dir, "sim", "explore", *small, "--json")
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    results = json.loads(done.stdout)
    assert [result["world"] for result in results] == small
    for result in results:
        assert result["exhausted"] and result["frontier"] == 0
        assert result["states"] > 90 and result["marks"]["opened"]["data"] > 0
        assert result["collisions_log2"] < -90


@pytest.mark.slow
def test_large_worlds_when_explored_then_the_engine_is_clean(build_dir):
    done = sipc(build_dir, "sim", "explore", *sorted(LARGE_WORLDS), "--json")
    assert done.returncode == 0, done.stdout
    assert all(result["exhausted"] for result in json.loads(done.stdout))


def test_explore_when_stopped_early_then_it_does_not_claim_all(build_dir):
    done = sipc(build_dir, "sim", "explore", "one-message", "--depth", "5", "--marks")
    assert done.returncode == 0
    assert "not exhausted: stopped by depth" in done.stdout
    assert re.search(r"opened +data_ack +\d+", done.stdout)


def test_explore_when_broken_then_the_way_is_told_step_by_step(build_dir):
    engine = build_dir / "simnet" / "naive" / "uses_an_id_again.so"
    done = sipc(build_dir, "sim", "explore", "resync", "--engine", engine)
    assert done.returncode == 1
    assert "ok-delivered (SND-11), side A" in done.stdout
    assert "5 actions from the beginning" in done.stdout
    assert "A is told to send #1 8 B skip" in done.stdout


@pytest.mark.parametrize(
    "args, says",
    [
        pytest.param([], "expected the name of a world", id="no world"),
        pytest.param(["wrp"], "no world 'wrp' (did you mean wrap?)", id="misspelt"),
        pytest.param(["wrap", "--faults", "16"], "from 0 to 15", id="faults"),
        pytest.param(["wrap", "--in-flight", "0"], "from 1 to 8", id="in flight"),
        pytest.param(["wrap", "--depth", "0"], "from 1", id="depth"),
        pytest.param(["wrap", "--states", "x"], "whole number", id="states"),
        pytest.param(["wrap", "--sx", "case.txt"], "ends in .sx", id="sx"),
        pytest.param(["wrap", "--engine", "/no/engine.so"], "/no/engine.so", id="engine"),
    ],
)
def test_explore_when_used_wrongly_then_it_says_how(build_dir, args, says):
    done = sipc(build_dir, "sim", "explore", *args)
    assert done.returncode == 2
    assert says in done.stderr and "--help" in done.stderr
    assert done.stdout == ""


def test_engine_when_it_is_no_engine_then_refused(build_dir):
    other = build_dir / "lib" / "sut_engine_so.so"
    done = sipc(build_dir, "sim", "explore", "wrap", "--engine", other)
    assert done.returncode == 2
    assert "exports no simnet_explore_engine" in done.stderr


def test_explore_when_on_a_terminal_then_progress(build_dir):
    leader, follower = pty.openpty()
    done = subprocess.run([build_dir / "bin" / "sipc", "sim", "explore", "one-message"],
                          stdout=subprocess.PIPE, stderr=follower, timeout=300, check=True)
    os.close(follower)
    told = os.read(leader, 65536).decode()
    os.close(leader)
    assert b"exhausted" in done.stdout
    assert "one-message: 1 states" in told
