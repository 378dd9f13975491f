"""What scripts/fuzz run makes of libFuzzer programs: each gate by itself. The programs are
played by shell scripts that say what such a program says."""

import argparse
import importlib.machinery
import importlib.util
import json
import xml.etree.ElementTree as xml

import pytest

GOOD = """\
INFO: seed corpus: files: 282 min: 4b max: 1200b total: 40000b rss: 40Mb
#283 INITED cov: 2610 ft: 9000 corp: 280/39Kb exec/s: 0 rss: 50Mb
Done 15282 runs in 3 second(s)
"""
BROKEN = "oracle broken: [{}] {}: expected data_ack 3:0; found data_ack 3:1"
CANARY = BROKEN.format("ACK-1", "ACK-1 (MUST)")


@pytest.fixture
def command(project_dir, tmp_path, monkeypatch):
    """scripts/fuzz as a module, where it finds programs that say what they are told to."""
    path = str(project_dir / "scripts" / "fuzz")
    loader = importlib.machinery.SourceFileLoader("scripts_fuzz", path)
    spec = importlib.util.spec_from_loader("scripts_fuzz", loader)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    monkeypatch.syspath_prepend(project_dir / "scripts")
    loader.exec_module(module)
    monkeypatch.setattr(module, "BUILD", tmp_path / "build")
    monkeypatch.setattr(module, "FIXED", [])
    monkeypatch.setattr(module, "build", lambda *_: None)
    # an execution of nothing takes 1 ms, so that one of a script takes less
    monkeypatch.setattr(module, "empty_cost", lambda: 0.001)
    monkeypatch.setattr(module, "floors", lambda: {"fuzz_session": {"cov": 2000, "times": 50}})
    return module


def check_sarif(log):
    """What SARIF 2.1.0 and viewers of code scanning demand."""
    assert log["$schema"].endswith("sarif-2.1.0.json") and log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "sipc fuzz"
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"] and rule["fullDescription"]["text"]
        assert rule["help"]["text"]
    for entry in run["results"]:
        assert driver["rules"][entry["ruleIndex"]]["id"] == entry["ruleId"]
        assert entry["message"]["text"] and entry["level"] == "error"
        assert entry["partialFingerprints"]
        (location,) = entry["locations"]
        place = location["physicalLocation"]
        assert not place["artifactLocation"]["uri"].startswith("/")
        assert place["region"]["startLine"] >= 1


@pytest.fixture
def run(command, tmp_path):
    (tmp_path / "build" / "bin").mkdir(parents=True)
    (tmp_path / "build" / "fuzz").mkdir()
    (tmp_path / "build" / "fuzz" / "CTestTestfile.cmake").write_text("", "utf-8")

    def program(name, said, code):
        path = tmp_path / "build" / "bin" / name
        path.write_text(f"#!/bin/sh\ncat <<'TEXT'\n{said}\nTEXT\nexit {code}\n", "utf-8")
        path.chmod(0o755)

    def call(said, code=0, canary=(CANARY, 77)):
        program("fuzz_session", said, code)
        program("fuzz_canary", *canary)
        output = tmp_path / "output"
        wish = argparse.Namespace(
            target=["fuzz_session"], fixed=True, seconds=1, output=output, command="run"
        )
        result = command.run(wish)
        suite = xml.parse(output / "fuzz.xml").getroot()
        failures = {
            (case.get("name"), failure.get("type"), failure.get("message"))
            for case in suite.iter("testcase")
            for failure in case.iter("failure")
        }
        sarif = json.loads((output / "fuzz.sarif").read_text("utf-8"))
        check_sarif(sarif)
        told = {entry["ruleId"] for entry in sarif["runs"][0]["results"]}
        assert told == {rule for _, rule, _ in failures}
        assert int(suite.get("failures")) == len({name for name, *_ in failures})
        return result, failures

    call.sarif = lambda: json.loads((tmp_path / "output" / "fuzz.sarif").read_text("utf-8"))
    return call


def test_a_good_run_and_a_canary_that_fails_then_green(run):
    assert run(GOOD) == (0, set())


@pytest.mark.parametrize(
    "said, code, rule, text",
    [
        (GOOD + BROKEN.format("WID-2a", "WID-2"), 77, "WID-2a", "WID-2: expected data_ack 3:0;"),
        # libFuzzer may be told to go on
        (GOOD + BROKEN.format("RTX-1", "RTX-1"), 0, "RTX-1", "RTX-1: expected"),
        (GOOD + "a.c:1:2: runtime error: shift exponent", 77, "no rule", "shift exponent"),
        (GOOD + "==1==ERROR: AddressSanitizer: heap", 77, "no rule", "AddressSanitizer: heap"),
        (GOOD + "killed", 137, "no rule", "exit 137: ['killed']"),
        (GOOD.replace("files: 282", "files: 0"), 0, "no rule", "found no files"),
        (GOOD.replace("INFO: seed corpus", "nothing"), 0, "no rule", "found no files"),
        (GOOD.replace("15282 runs", "0 runs"), 0, "no rule", "it ran nothing"),
        (GOOD.replace("cov: 2610", "cov: 1999"), 0, "no rule", "coverage 2000, found 1999"),
        (GOOD.replace("INITED", "nothing"), 0, "no rule", "coverage 2000, found 0"),
    ],
    ids=[
        "an oracle",
        "an oracle, and it goes on",
        "undefined behaviour",
        "an address",
        "a signal",
        "an empty corpus",
        "no corpus",
        "no runs",
        "lost coverage",
        "no coverage",
    ],
)
def test_what_is_wrong_then_red_with_the_rule_and_the_reason(run, said, code, rule, text):
    result, failures = run(said, code)
    assert result == 1
    assert any(
        name == "fuzz_session" and kind == rule and text in message
        for name, kind, message in failures
    ), failures


def test_a_broken_oracle_then_its_input_and_where_it_stands_and_what_the_rule_says(run):
    spot = "../../fuzz/targets/fuzz_meta.c:86: sessions may have other names"
    said = f"{GOOD}oracle broken: [END-1] {spot}\nTest unit written to /results/crashes/x-1f2e"
    _, failures = run(said, 77)
    assert failures == {("fuzz_session", "END-1", f"{spot}; by /results/crashes/x-1f2e")}
    (log,) = run.sarif()["runs"]
    place = log["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "fuzz/targets/fuzz_meta.c"
    assert place["region"] == {"startLine": 86}
    (rule,) = log["tool"]["driver"]["rules"]
    assert rule["id"] == "END-1" and "session" in rule["shortDescription"]["text"]


@pytest.mark.parametrize(
    "said, code", [(GOOD, 0), (BROKEN.format("ACK-4", "ACK-4"), 77)], ids=["lives", "another"]
)
def test_a_canary_that_lives_or_fails_otherwise_then_red(run, said, code):
    result, failures = run(GOOD, canary=(said, code))
    assert result == 1
    assert failures == {("fuzz_canary", "no rule", "the canary did not fail")}


@pytest.mark.parametrize("times, wrong", [(50, 0), (50.6, 1)])
def test_executions_that_cost_more_than_the_floor_allows_then_told(command, times, wrong):
    found, reached = command.judge_run(GOOD, 0, {"cov": 2610, "times": 50}, times)
    assert len(found) == wrong and reached == 2610
    if wrong:
        assert found[0][1] == "expected at most 50 times the cost of fuzz_empty, found 51"


def test_an_input_of_another_version_then_found_where_inputs_are_records(command, tmp_path):
    files = []
    for number, data in enumerate([b"SFZ1", b"SFZ2abc", b"SF", b"", b"SFZx", b"aSFZ2"]):
        files.append(tmp_path / str(number))
        files[-1].write_bytes(data)
    assert command.other_version("fuzz_session", files) == [files[1], files[4]]
    assert command.other_version("fuzz_options", files) == []


@pytest.mark.parametrize(
    "words",
    [["run", "--seconds", "0"], ["matrix", "--every", "0"], ["speed", "--rounds", "two"]],
)
def test_numbers_that_make_no_sense_then_said(command, monkeypatch, capsys, words):
    monkeypatch.setattr("sys.argv", ["fuzz", *words])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2
    assert f"expected a number from 1, found '{words[-1]}'" in capsys.readouterr().err


MEMORY = "==1==WARNING: MemorySanitizer: use-of-uninitialized-value"


@pytest.mark.parametrize(
    "said, code, failures",
    [
        ("1 inputs replayed", 0, set()),
        (MEMORY, 8, {("no rule", "MemorySanitizer: use-of-uninitialized-value")}),
        (BROKEN.format("WID-2", "WID-2"), 8, {("WID-2", BROKEN.format("WID-2", "WID-2")[23:])}),
        ("No tests were found!!!", 8, {("no rule", "the corpus cannot be replayed")}),
    ],
    ids=["good", "what was never written", "an oracle", "no test"],
)
def test_corpora_under_the_memory_sanitizer_then_results_as_of_a_run(
    command, tmp_path, monkeypatch, said, code, failures
):
    ctest = tmp_path / "ctest"
    ctest.write_text(f"#!/bin/sh\ncat <<'TEXT'\n{said}\nTEXT\nexit {code}\n", "utf-8")
    ctest.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    wish = argparse.Namespace(target=["fuzz_session", "fuzz_capture"], output=tmp_path)
    assert command.msan(wish) == (1 if failures else 0)
    cases = list(xml.parse(tmp_path / "msan.xml").getroot().iter("testcase"))
    assert [case.get("name") for case in cases] == ["fuzz_session"]  # the other uses libpcap
    found = {(failure.get("type"), failure.get("message")) for failure in cases[0]}
    assert found == failures


def test_every_target_has_its_floors(command, project_dir):
    known = {}
    for line in (project_dir / "fuzz" / "floors.txt").read_text("utf-8").splitlines():
        name, *words = line.split()
        if name != "#":
            known[name] = set(words[::2])
    assert set(known) == set(command.targets())
    assert all({"cov", "times", "runs"} <= words for words in known.values()), known
