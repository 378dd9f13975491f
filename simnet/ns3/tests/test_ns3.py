"""ns-3 from outside: the bindings from another language, `--backend ns3` of the command, and what
is said where ns-3 is missing."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
SCENARIOS = FOLDER.parents[1] / "scenarios"


def run(*words, **options):
    """Runs a command to its end."""
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)


@pytest.fixture(scope="module")
def lib(build_dir):
    """Where the libraries with ns-3 are."""
    folder = build_dir / "lib"
    if not (folder / "libns3c.so").exists():
        pytest.skip("built without ns-3")
    return folder


@pytest.fixture(scope="module")
def sipc(build_dir):
    """The program."""
    return build_dir / "bin" / "sipc"


def test_python_uses_the_bindings(lib):
    """Two nodes in Python: the same times of arrival as the C tests reckon; errors as exceptions
    of the caller's making. Where the library has a sanitizer, its runtime must come first."""
    linked = run("ldd", lib / "libns3c.so").stdout
    runtime = re.search(r"=> (\S*lib(?:clang_rt\.)?asan\S*)", linked)
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
    if runtime:
        env["LD_PRELOAD"] = runtime[1]
    done = run(sys.executable, FOLDER.parent / "examples" / "udp_from_python.py",
               lib / "libns3c.so", env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "5.031 ms: 1 bytes from 10.0.0.1",
        "6.061 ms: 1000 bytes from 10.0.0.1",
        'invalid: expected an address of IPv4 or IPv6, found "10.0.0.256"',
    ]


def test_the_example_in_c_shows_three_flows(lib, build_dir):
    """Each control carries more each second."""
    done = run(build_dir / "bin" / "ns3c-tcp-beside")
    assert done.returncode == 0, done.stderr
    rows = {words[0]: [int(word) for word in words[1:]]
            for words in map(str.split, done.stdout.splitlines())}
    assert list(rows) == ["newreno", "cubic", "bbr"]
    for carried in rows.values():
        assert len(carried) == 5 and carried == sorted(set(carried))


def test_the_command_lives_the_same_history_on_ns3(lib, sipc):
    """Where no time has to be rounded the trace hash is that of the own backend."""
    words = ("sim", "run", SCENARIOS / "bufferbloat.sx", SCENARIOS / "scripted-receiver.sx",
             "--hashes")
    own, ns3 = run(sipc, *words), run(sipc, *words, "--backend", "ns3")
    assert own.returncode == ns3.returncode == 0, ns3.stderr
    assert own.stdout == ns3.stdout and len(own.stdout.splitlines()) == 2


def test_the_command_compares_packet_by_packet(lib, sipc):
    """Rows for people, objects for programs; what ns-3 cannot do is 2."""
    paths = [SCENARIOS / "bufferbloat.sx", SCENARIOS / "mtu-drop.sx"]
    done = run(sipc, "sim", "compare", *paths)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^  bufferbloat +1726 +0 +0 +0 ns ", done.stdout, re.M)
    assert re.search(r"^ns-3 takes [\d.]+ times the CPU time of the simulator: [\d.]+ s by "
                     r"[\d.]+ s, 2 cases that agree$", done.stdout.splitlines()[-2])
    assert re.search(r"^on the links alone [\d.]+ times: [\d.]+ s by [\d.]+ s, [1-9]\d* datagrams "
                     r"arrived$", done.stdout.splitlines()[-1])
    done = run(sipc, "sim", "compare", *paths, "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["agree"] for row in rows] == [True, True]
    assert all(row["same"] > 0 and row["own"]["ok"] and row["ns3"]["ok"] for row in rows)
    assert rows[0]["own"]["hash"] == rows[0]["ns3"]["hash"]
    assert all(row[carrier]["cpu_ns"] > 0 for row in rows for carrier in ("own", "ns3"))
    assert all(row["links"]["arrivals"] >= row["own"]["arrivals"] for row in rows)
    done = run(sipc, "sim", "compare", SCENARIOS / "red.sx")
    assert done.returncode == 2 and "red.sx:9: error: red:" in done.stderr


def test_a_tape_is_replayed_on_ns3(lib, sipc, tmp_path):
    """Recorded there, or here with the rounding of there: the same history."""
    tape = tmp_path / "mtu-drop.tape"
    path = SCENARIOS / "mtu-drop.sx"
    done = run(sipc, "sim", "run", path, "--tape", tape, "--backend", "ns3")
    assert done.returncode == 0, done.stderr
    done = run(sipc, "sim", "replay", path, "--tape", tape, "--backend", "ns3")
    assert done.returncode == 0 and done.stdout.startswith("  mtu-drop: "), done.stdout
    done = run(sipc, "sim", "replay", SCENARIOS / "measured-short-timer.sx", "--backend", "ns3")
    assert done.returncode == 0
    assert re.search(r"^  measured-short-timer: [1-9]\d* faults", done.stdout), done.stdout
    done = run(sipc, "sim", "replay", path, "--backend", "ns2")
    assert done.returncode == 2 and "expected own or ns3, found ns2" in done.stderr


def test_a_swarm_ends_alike_on_both(lib, sipc):
    """But for the seeds with what ns-3 cannot do, which are counted."""
    words = ["sim", "swarm", "--seeds", "1..24", "--json"]
    own, ns3 = (json.loads(run(sipc, *words, *more).stdout) for more in ([], ["--backend", "ns3"]))
    assert own["seeds"] == ns3["seeds"] == 24 and own["failed"] == ns3["failed"] == 0
    assert 0 < ns3["left_out"] < 24 and 0 < ns3["pdus"] < own["pdus"]


def test_what_ns3_cannot_do_is_named(lib, sipc):
    """With the line of it; the other scenarios are run."""
    done = run(sipc, "sim", "run", SCENARIOS / "codel.sx", SCENARIOS / "mtu-drop.sx",
               "--backend", "ns3")
    assert done.returncode == 2
    assert re.search(r"codel\.sx:9: error: codel: ns-3 has another CoDel", done.stderr)
    assert "mtu-drop" in done.stdout and "1 of 2 not as expected" in done.stdout


def test_a_failure_says_how_to_see_it_again(lib, sipc, tmp_path):
    """On the same backend."""
    path = tmp_path / "fails.sx"
    path.write_text("# One message.\nsx 1\nid fails\n\nworld\nhost a\nhost b\n"
                    "link a<>b rate 1Mbit/s\nsession S of a>b\n"
                    "traffic a in S count 1 size 1KB opens\nexpect ended ok == 2\n")
    done = run(sipc, "sim", "run", path, "--backend", "ns3")
    assert done.returncode == 1
    assert "--seed 1 --backend ns3 --trace -" in done.stderr


def test_an_unknown_backend_is_bad_usage(sipc):
    """And the known ones are named."""
    done = run(sipc, "sim", "run", SCENARIOS / "mtu-drop.sx", "--backend", "ns2")
    assert done.returncode == 2
    assert "--backend: expected own or ns3, found ns2" in done.stderr


def test_without_ns3_the_command_says_how_to_get_it(sipc, tmp_path):
    """A program that has no library beside it; all else of it works."""
    alone = tmp_path / "bin" / "sipc"
    alone.parent.mkdir()
    shutil.copy(sipc, alone)
    done = run(alone, "sim", "run", SCENARIOS / "mtu-drop.sx", "--backend", "ns3")
    assert done.returncode == 2
    assert "--backend ns3: this program was built without ns-3" in done.stderr
    assert "apt-get install libns3-dev libgsl-dev" in done.stderr
    done = run(alone, "sim", "compare", SCENARIOS / "mtu-drop.sx")
    assert done.returncode == 2 and "built without ns-3" in done.stderr
    assert run(alone, "sim", "run", SCENARIOS / "mtu-drop.sx").returncode == 0


def test_a_broken_library_is_named(sipc, tmp_path):
    """Bytes that are no library."""
    alone = tmp_path / "bin" / "sipc"
    alone.parent.mkdir()
    shutil.copy(sipc, alone)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libsimnet-ns3.so").write_bytes(b"no library")
    done = run(alone, "sim", "run", SCENARIOS / "mtu-drop.sx", "--backend", "ns3")
    assert done.returncode == 2
    assert "libsimnet-ns3.so" in done.stderr


@pytest.mark.slow
def test_all_scenarios_agree_packet_by_packet(lib, build_dir):
    """Those that the C tests leave out because they take longer."""
    done = run(build_dir / "bin" / "test_simnet_ns3", "all")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_all_else_is_built_without_ns3(project_dir, tmp_path):
    """SIPC_NS3=OFF: configured as where ns-3 is missing; nothing of it is a target, and the program
    that says so is."""
    done = run("cmake", "-S", project_dir, "-B", tmp_path, "-G", "Ninja", "-DSIPC_NS3=OFF",
               "-DCMAKE_BUILD_TYPE=Debug")
    assert done.returncode == 0, done.stderr
    assert "Without ns-3" in done.stdout
    targets = run("ninja", "-C", tmp_path, "-t", "targets", "all").stdout
    assert "bin/sipc:" in targets and "test_simnet_links" in targets
    assert not re.search(r"libns3c|simnet-ns3\.so|sipc-ns3-baseline", targets)
    done = run("cmake", "--build", tmp_path, "--target", "simnet_ns3_load", "simnet_compare")
    assert done.returncode == 0, done.stdout
