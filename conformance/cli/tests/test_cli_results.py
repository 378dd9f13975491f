"""What is made of the results of runs: badges, differences, several side by side.

SPDX-License-Identifier: MIT
"""

import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from cli_tools import fake

SILENT = fake("silent")
SELECTION = ["-t", "ACK-1-*", "-t", "WID-3-*", "-t", "WIRE-2-*"]


@pytest.fixture(scope="module")
def sipc(build_dir):
    def call(*arguments, code=0):
        run = subprocess.run([build_dir / "bin" / "sipc", "conform", *map(str, arguments)],
                             text=True, capture_output=True, timeout=60, check=False)
        assert run.returncode == code, run.stdout + run.stderr
        return run.stdout if code != 2 else run.stderr
    return call


@pytest.fixture(scope="module")
def results(sipc, tmp_path_factory):
    """The JSON lines of the same cases on a good SUT, on a bad one, and of fewer of them."""
    folder = tmp_path_factory.mktemp("results")
    paths = {name: folder / f"{name}.jsonl" for name in ("good", "silent", "fewer")}
    sipc("run", "engine", *SELECTION, "--jsonl", paths["good"])
    sipc("run", SILENT, *SELECTION, "--no-sanity", "--jsonl", paths["silent"], code=1)
    sipc("run", "engine", *SELECTION, "-x", "WID-3-*", "--jsonl", paths["fewer"])
    return paths


def verdicts(path):
    lines = map(json.loads, path.read_text().splitlines())
    return {line["name"]: line["verdict"] for line in lines if line["type"] == "case"}


def edited(path, to, change):
    """A copy of JSON lines in which `change` may alter each line's object; without summary."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    to.write_text("".join(json.dumps(change(line) or line) + "\n" for line in lines[:-1]))
    return to


# ---- badges

def badge(sipc, results, tmp_path):
    sipc("report", results, "--badge", tmp_path / "b.svg")
    return ElementTree.parse(tmp_path / "b.svg").getroot()


def colours(root):
    return {element.get("fill") for element in root.iter() if element.tag.endswith("rect")}


@pytest.mark.parametrize("name, words, colour", [
    ("good", r"[1-9]\d*/\d+ MUST · \d+/\d+ advisory kept", "#8a5a00"),  # not all were decided
    ("silent", r"[1-9]\d* of \d+ MUST rules broken", "#b3261e"),
])
def test_badge_says_how_many_of_how_many(sipc, results, tmp_path, name, words, colour):
    root = badge(sipc, results[name], tmp_path)
    assert re.fullmatch(f"ScalableIPC: {words}", root.get("aria-label"))
    assert colours(root) == {colour}


def test_badge_counts_what_the_summary_counts(sipc, results, tmp_path):
    rules = json.loads(results["good"].read_text().splitlines()[-1])["rules"]
    must, advisory = rules["MUST"], rules["advisory"]
    assert badge(sipc, results["good"], tmp_path).get("aria-label") == (
        f"ScalableIPC: {must['kept']}/{must['total']} MUST · "
        f"{advisory['kept']}/{advisory['total']} advisory kept")


def test_badge_is_green_where_all_must_rules_are_kept(sipc, tmp_path):
    sipc("run", "engine", "--jsonl", tmp_path / "all.jsonl")
    assert colours(badge(sipc, tmp_path / "all.jsonl", tmp_path)) == {"#1f7a56"}


def test_badge_of_a_run_that_did_not_end_is_grey(sipc, results, tmp_path):
    killed = edited(results["good"], tmp_path / "killed.jsonl", lambda line: None)
    root = badge(sipc, killed, tmp_path)
    assert root.get("aria-label") == "ScalableIPC: run did not end"
    assert colours(root) == {"#6a7280"}


# ---- differences

def diff(sipc, old, new, code=0):
    return json.loads(sipc("diff", old, new, "--json", code=code))


def test_diff_of_equal_runs_is_empty(sipc, results):
    found = diff(sipc, results["good"], results["good"])
    assert found.pop("same") == len(verdicts(results["good"]))
    assert not any(found.values())


def test_diff_tells_what_is_worse_and_exits_1(sipc, results):
    old, new = verdicts(results["good"]), verdicts(results["silent"])
    found = diff(sipc, results["good"], results["silent"], code=1)
    worse = {entry["name"]: (entry["old"], entry["new"]) for entry in found["worse"]}
    assert worse == {name: (old[name], new[name]) for name in old if old[name] != new[name]}
    assert worse and not found["better"]
    text = sipc("diff", results["good"], results["silent"], code=1)
    assert re.search(r"^  ACK-1-\S+  pass -> fail  ACK-1: .+$", text, re.M)
    assert f"{len(worse)} worse, 0 better, 0 changed, 0 new, 0 gone, " in text


def test_diff_the_other_way_is_better(sipc, results):
    found = diff(sipc, results["silent"], results["good"])
    assert found["better"] and not found["worse"]


def test_diff_of_a_case_that_passed_and_is_not_run_any_more_is_worse(sipc, results):
    found = diff(sipc, results["good"], results["fewer"], code=1)
    assert {entry["name"][:6] for entry in found["worse"]} == {"WID-3-"}
    assert "new" not in found["worse"][0]
    assert [entry["name"] for entry in found["worse"]] == \
        [entry["name"] for entry in diff(sipc, results["fewer"], results["good"])["new"]]


RANKS = [
    ("pass", "advisory", "worse"), ("advisory", "inconclusive", "worse"),
    ("unsupported", "fail", "worse"), ("inconclusive", "crash", "worse"),
    ("unsupported", "inconclusive", "changed"), ("fail", "hang", "changed"),
    ("error", "unsupported", "better"), ("unsupported", "pass", "better"),
]


@pytest.mark.parametrize("old, new, kind", RANKS)
def test_diff_ranks_verdicts(sipc, results, tmp_path, old, new, kind):
    name = "ACK-1-every-pdu-is-answered"
    paths = [edited(results["good"], tmp_path / f"{verdict}.jsonl",
                    lambda line, verdict=verdict: {**line, "verdict": verdict}
                    if line.get("name") == name else None) for verdict in (old, new)]
    found = diff(sipc, *paths, code=1 if kind == "worse" else 0)
    assert [entry["name"] for entry in found[kind]] == [name]


def test_diff_of_two_suites_says_so(sipc, results, tmp_path):
    other = edited(results["good"], tmp_path / "other.jsonl",
                   lambda line: {**line, "suite": {**line["suite"], "digest": "xxh3:0"}}
                   if line["type"] == "run" else None)
    assert sipc("diff", results["good"], other).startswith("the suites differ")
    assert "the suites differ" not in sipc("diff", results["good"], results["good"])
    assert "the suites differ" in sipc("matrix", results["good"], other)


# ---- side by side

def test_matrix_shows_the_rules_on_which_runs_differ(sipc, results):
    text = sipc("matrix", results["good"], results["silent"])
    rows = dict(re.findall(r"^  ([A-Z]+-\d+a?) +(.*?) +(?:MUST|advisory)$", text, re.M))
    assert rows["ACK-1"].split() == ["✓", "✗"]
    assert "CLS-1" not in rows  # of neither run
    assert text.count("MUST rules: ") == 2
    assert "  ACK-1 " not in sipc("matrix", results["good"], results["good"])


def test_matrix_as_html_holds_every_rule_of_every_run(sipc, results, tmp_path):
    page = tmp_path / "m.html"
    assert sipc("matrix", *results.values(), "--html", page) == ""
    text = page.read_text()
    about = json.loads(results["good"].read_text().splitlines()[0])
    rules = [rule["id"] for rule in about["rules"]]
    rows = re.findall(r"<tr( class=\"same\")?><th title=\"[^\"]+\">([^<]+)(.*?)</tr>", text)
    assert sorted(row[1] for row in rows) == sorted(rules)
    assert all(row[2].count(" title=") == 3 for row in rows)
    cells = {row[1]: re.findall(r'title="[^:]+: ([^"]+)"', row[2]) for row in rows}
    assert cells["ACK-1"] == ["kept", "broken", "kept"]
    assert cells["WID-3"] == ["kept", "broken", "not run"]
    assert {row[1]: bool(row[0]) for row in rows} == \
        {rule: len(set(said)) == 1 for rule, said in cells.items()}
    assert "<script src" not in text and "http://" not in text.replace("http://www.w3.org", "")


def test_matrix_escapes_what_a_sut_says_of_itself(sipc, results, tmp_path):
    evil = edited(results["good"], tmp_path / "evil.jsonl",
                  lambda line: {**line, "sut": {**line["sut"], "name": "<b>\x1b[2J"}}
                  if line["type"] == "run" else None)
    sipc("matrix", evil, "--html", tmp_path / "m.html")
    assert "&lt;b&gt;" in (tmp_path / "m.html").read_text()
    assert "<b>\x1b" not in (tmp_path / "m.html").read_text()
    assert "\x1b" not in sipc("matrix", evil)


# ---- bad input

@pytest.mark.parametrize("command, files, words", [
    ("diff", ["good"], "expected two files of JSON lines, found 1"),
    ("diff", ["good", "nowhere"], "No such file"),
    ("diff", ["nowhere", "good"], "No such file"),
    ("matrix", [], "expected files of JSON lines, found none"),
    ("matrix", ["good", "nowhere"], "No such file"),
])
def test_bad_input_is_told_with_exit_2(sipc, results, tmp_path, command, files, words):
    paths = [results.get(name, tmp_path / name) for name in files]
    assert words in sipc(command, *paths, code=2)


def test_results_of_another_format_are_refused(sipc, results, tmp_path):
    other = edited(results["good"], tmp_path / "other.jsonl",
                   lambda line: {**line, "format": 99} if line["type"] == "run" else None)
    for command in (["report", other], ["diff", other, results["good"]], ["matrix", other]):
        assert "other.jsonl:1: format 99; this program reads format" in sipc(*command, code=2)


def test_claim_says_what_a_sut_lacks_and_that_the_last_ids_were_not_reached(build_dir, tmp_path):
    log = tmp_path / "r.jsonl"
    for only, said in (("WID-2*", "4 unsupported (for want of preset 4; window ids near 9E15 were "
                                  "not reached)."), ("STM-2-off*", "1 pass.")):
        run = subprocess.run([build_dir / "bin" / "sipc", "conform", "run",
                              f"so:{build_dir}/lib/sut_template.so", "-t", only, "--json",
                              "--jsonl", log], capture_output=True, text=True, check=False)
        assert said in json.loads(run.stdout)["claim"], run.stdout
