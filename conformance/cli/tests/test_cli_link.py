"""Cases over a link: what it does is told everywhere and can be had again; a sound SUT is never
accused, however bad the network; a broken one is still found out.

SPDX-License-Identifier: MIT
"""

import collections
import functools
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from cli_tools import Result, fake, lines_of

LOSSY = "loss 30% duplicate 10% swap 20% delay 10ms"
ACCUSING = {"fail", "advisory", "crash", "hang", "error"}


def cases_of(path):
    return [line for line in lines_of(path) if line["type"] == "case"]


@pytest.fixture
def over(sipc, tmp_path):
    """Runs some of the suite over links: the result and its cases."""
    def run(sut, *arguments, link=LOSSY):
        path = tmp_path / "cases.jsonl"
        result = sipc("conform", "run", sut, "--link", link, "--jsonl", path, *arguments)
        return result, cases_of(path)
    return run


def test_link_is_told_with_its_seed_and_what_it_did(over, tmp_path):
    junit = tmp_path / "junit.xml"
    result, cases = over("engine", "-t", "RTY-*", "--seed", 3, "--junit", junit)
    assert result.code == 0, result
    assert f"link   {LOSSY}, seed 3" in result.out
    links = [case["link"] for case in cases]
    assert {(link["text"], link["seed"]) for link in links} == {(LOSSY, 3)}
    assert sum(link["lost"] for link in links) > 0 and sum(link["doubled"] for link in links) > 0
    assert all(case["name"].startswith(case["id"]) and " over " not in case["name"]
               for case in cases), "one link: names are those of any run, for diff and matrix"
    testcases = list(ElementTree.parse(junit).getroot().iter("testcase"))
    assert len(testcases) == len(cases)
    for testcase in testcases:
        said = {p.get("name"): p.get("value") for p in testcase.iter("property")}
        assert said == {"link": LOSSY, "seed": "3"}


def test_replay_lives_the_same_again(over, sipc, tmp_path):
    _, cases = over("engine", "-t", "RTY-*", "--seed", 3)
    case = next(case for case in cases if case["link"]["lost"] > 0 and case["link"]["excused"] > 0)
    words = case["replay"].split("conform run ")[1]
    assert words.endswith(f"--seed 3 --link '{LOSSY}'")
    again = tmp_path / "again.jsonl"
    sipc("conform", "run", "engine", case["path"], "-t", case["name"], "--seed", 3, "--link", LOSSY,
         "--jsonl", again)
    assert {**cases_of(again)[0], "replay": ""} == {**case, "replay": ""}


def test_results_depend_on_the_seed_and_not_on_jobs(over):
    def done(*arguments):
        return [(case["name"], case["verdict"], case["link"]) for case in
                over("engine", "-t", "SND-*", *arguments)[1]]
    first = done("--seed", 1)
    assert first == done("--seed", 1, "--jobs", 4)
    assert first != done("--seed", 2)


def test_several_links_give_a_row_each_and_unique_names(sipc, tmp_path):
    path = tmp_path / "cases.jsonl"
    result = sipc("conform", "run", "engine", "-t", "ACK-1*", "--link", "clean", "--link=loss=100%",
                  "--jsonl", path)
    assert result.code == 0, result
    cases = cases_of(path)
    names = [case["name"] for case in cases]
    assert len(set(names)) == len(names) and len(names) % 2 == 0
    half = len(names) // 2
    assert all(name.endswith(" over clean") for name in names[:half])
    assert {case["verdict"] for case in cases[:half]} == {"pass"}
    assert {case["verdict"] for case in cases[half:]} == {"inconclusive"}
    rows = [line.split() for line in result.out.splitlines()
            if line.startswith(("  clean", "  loss"))]
    assert [row[:3] for row in rows] == [["clean", str(half), str(half)],
                                         ["loss=100%", str(half), "-"]]
    assert sipc("conform", "report", path).code == 0, "and can be read back"


def test_clean_link_is_as_none(over, sipc, tmp_path):
    path = tmp_path / "none.jsonl"
    sipc("conform", "run", "engine", "-t", "WID-*", "--jsonl", path)
    _, cases = over("engine", "-t", "WID-*", link="clean")
    for case in cases:
        case.pop("link")
        case["replay"] = case["replay"].replace(" --link clean", "")
    assert cases == cases_of(path)


def test_repeat_tries_on_where_the_link_left_a_rule_untried(over):
    once = collections.Counter(case["verdict"] for case in over("engine", "-t", "WID-*")[1])
    often = collections.Counter(case["verdict"] for case in
                                over("engine", "-t", "WID-*", "--repeat", 12)[1])
    assert often["inconclusive"] < once["inconclusive"]
    assert often["pass"] > once["pass"]


REFUSED = [
    (["--link", "loss 1% dup 2%"], "unknown word 'dup'; there are: rate"),
    (["--link", "loss 101%"], "101%"),
    (["--link", ""], "--link ''"),
    (["--link", "loss 1%\nheal 2s"], "control character"),
    (["--link", "swap 1% jitter uniform 1ms reorders"], "reorder"),
    (["--link", "clean", "--no-judge"], "over a link the judge decides"),
    (["--link", "ladder", "--known", "/dev/null"], "give one --link"),
]


@pytest.mark.parametrize("arguments, message", REFUSED, ids=[row[1] for row in REFUSED])
def test_link_that_makes_no_sense_is_told_and_exits_2(sipc, suite, arguments, message):
    result = sipc("conform", "run", "engine", suite, *arguments)
    assert result.code == 2, result
    assert message in result.err, result


@pytest.mark.parametrize("spec", ["udp:127.0.0.1:9", "tcp:127.0.0.1:9", "unix:/nowhere",
                                  "udp:,control=exec:true"])
def test_link_to_a_live_sut_is_refused(sipc, suite, spec):
    result = sipc("conform", "run", spec, suite, "--link", "loss 1%")
    assert result.code == 2 and "is live, on a network and a clock of its own" in result.err, result


def test_dead_sut_is_no_matter_of_links(over, suite):
    result, cases = over(fake("dies"), "--suite", suite)
    assert result.code == 1, result
    assert "crash" in {case["verdict"] for case in cases}


def accused(sipc, tmp_path, sut, seed, *arguments):
    path = tmp_path / "ladder.jsonl"
    sipc("conform", "run", sut, "--link", "ladder", "--seed", seed, "--jsonl", path, *arguments)
    cases = cases_of(path)
    decided = collections.Counter(case["link"]["text"] for case in cases
                                  if case["verdict"] == "pass")
    return [case["replay"] for case in cases if case["verdict"] in ACCUSING], decided


def test_engine_is_never_accused(sipc, tmp_path):
    wrong, decided = accused(sipc, tmp_path, "engine", 5, "-t", "R*", "-t", "CLS-*")
    assert wrong == []
    assert len(decided) == 5 and min(decided.values()) > 0


@pytest.fixture
def long_sipc(build_dir):
    def call(*arguments, build=build_dir):
        return Result(subprocess.run([build / "bin" / "sipc", *map(str, arguments)], text=True,
                                     capture_output=True, timeout=1800, check=False))
    return call


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_engine_is_never_accused_by_the_whole_suite(long_sipc, build_dir, release_dir, tmp_path,
                                                    seed):
    """With sanitizers by one seed, by the others without."""
    sipc = functools.partial(long_sipc, build=build_dir if seed == 1 else release_dir)
    wrong, decided = accused(sipc, tmp_path, "engine", seed)
    assert wrong == []
    assert list(decided.values()) == sorted(decided.values(), reverse=True), "ever worse"
    assert min(decided.values()) > 600, decided


@pytest.mark.slow
def test_python_endpoint_is_never_accused(long_sipc, tmp_path, good_sut):
    wrong, decided = accused(long_sipc, tmp_path, good_sut, 1)
    assert wrong == []
    assert min(decided.values()) > 350, decided


# Of 24 broken engines the ladder finds 24, 24, 23, 22 and 16 from step to step.
SHARES_KILLED = [1, 1, 0.9, 0.9, 0.6]


@pytest.mark.slow
def test_broken_engines_are_found_out_at_every_step(long_sipc, tmp_path, build_dir, project_dir):
    """A share of them: all take minutes."""
    heads = {patch: patch.read_text()
             for patch in sorted((project_dir / "conformance" / "mutants").glob("*/*.patch"))}
    mutants = [patch for patch, head in heads.items() if "\nKilled by: " in head][::20]
    killed = collections.Counter()
    for patch in mutants:
        rule = re.search(r"^Breaks: (\S+)", heads[patch], re.M).group(1)
        sut = f"so:{build_dir}/conformance/mutants/{patch.stem}.so"
        path = tmp_path / f"{patch.stem}.jsonl"
        long_sipc("conform", "run", sut, "--rule", rule, "--link", "ladder", "--jsonl", path)
        killed.update({case["link"]["text"] for case in cases_of(path)
                       if case["verdict"] in ACCUSING})
    shares = [count / len(mutants) for _, count in killed.most_common()]
    assert len(mutants) >= 20 and killed["clean"] == len(mutants)
    assert len(shares) == 5 and all(share >= least for share, least in
                                    zip(shares, SHARES_KILLED)), killed
