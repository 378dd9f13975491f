"""Known failures: what they let through, what not, and how their file is kept up to date.

SPDX-License-Identifier: MIT
"""

import json
import xml.etree.ElementTree as ElementTree

import pytest

from cli_tools import ACKED, fake


def known_run(sipc, suite, tmp_path, text, *arguments, sut=None):
    known = tmp_path / "known.txt"
    known.write_text(text)
    return sipc("conform", "run", sut or fake("silent"), suite, "--known", known, "--json",
                *arguments)


def test_known_failures_that_fail_are_as_expected(sipc, suite, tmp_path):
    junit = tmp_path / "j.xml"
    result = known_run(sipc, suite, tmp_path, "T-1-*  # not built yet\n", "--junit", junit)
    summary = json.loads(result.out)
    assert result.code == 0, result
    assert (summary["failures"], summary["known_failures"]) == (0, 2)
    assert summary["rules"]["MUST"]["broken"] == 1, "a known failure breaks its rule all the same"
    root = ElementTree.parse(junit).getroot()
    assert [skipped.get("message") for skipped in root.iter("skipped")] == \
        ["known failure (fail: WID-1): not built yet"] * 2


RED = [
    ("passes", "T-1-*  # a\nT-2-*  # b\n", [], "T-2-advised: b"),
    ("is not selected", "T-1-*  # a\n", ["-t", "*=0]"],
     "known.txt:1: T-1-acked[d=100] did not fail: not selected"),
    ("matches nothing", "T-1-*  # a\nT-9  # gone\n", [], "known.txt:2: no case has such a name"),
]


@pytest.mark.parametrize("text, arguments, message", [r[1:] for r in RED], ids=[r[0] for r in RED])
def test_known_failure_that_does_not_fail_turns_the_run_red(sipc, suite, tmp_path, text, arguments,
                                                            message):
    junit = tmp_path / "j.xml"
    result = known_run(sipc, suite, tmp_path, text, *arguments, "--junit", junit)
    assert result.code == 1, result
    assert message in result.err, result
    assert ElementTree.parse(junit).getroot().get("failures") == "1"


def test_known_failure_that_is_unsupported_turns_the_run_red(sipc, suite, tmp_path):
    (suite / "T-1-acked.sx").write_text(ACKED.replace("role    receiver",
                                                      "role    receiver\nneeds   linger"))
    result = known_run(sipc, suite, tmp_path, "T-1-acked[d=0]  # a\n", sut=fake("bare"))
    assert result.code == 1, result
    assert "known.txt:1: T-1-acked[d=0] did not fail: unsupported" in result.err


@pytest.mark.parametrize("text, message", [
    ("T-1-*\n", ":1: error: no reason: expected `case-glob [RULE|crash|hang]  # reason`"),
    ("# fine\nT-1-* #\n", ":2: error: no reason"),
    ("T-1 # a\nT-1 # b\n", ":2: error: this pattern stands above already"),
])
def test_bad_known_file_is_told_and_exits_2(sipc, suite, tmp_path, text, message):
    result = known_run(sipc, suite, tmp_path, text)
    assert result.code == 2, result
    assert f"{tmp_path}/known.txt{message}" in result.err


def test_known_file_that_is_not_there_exits_2(sipc, suite):
    result = sipc("conform", "run", fake("silent"), suite, "--known", "/nonexistent/known")
    assert result.code == 2
    assert "/nonexistent/known: error: No such file or directory" in result.err


@pytest.mark.parametrize("text, code", [
    ("T-1-*  WID-1  # over its rule\n", 0),
    ("T-1-*  ACK-1  # over another\n", 1),
    ("T-1-*  crash  # a crash\n", 1),
    ("T-1-*  ACK-1  # over another\n*-acked  # whatever it is\n", 0),
])
def test_known_failure_that_names_its_blame_fails_over_nothing_else(sipc, suite, tmp_path, text,
                                                                   code):
    result = known_run(sipc, suite, tmp_path, text)
    assert result.code == code, result
    wrong = "T-1-acked[d=0] fails over something else than this line says"
    assert (wrong in result.err) == (code == 1)


def test_known_crash_is_a_crash(sipc, suite, tmp_path):
    for blame, code in (("crash", 0), ("hang", 1)):
        result = known_run(sipc, suite, tmp_path, f"T-*  {blame}  # dies\n", sut=fake("dies"))
        assert result.code == code, result


def late(d):
    """The line that is made for a case without an ack."""
    return (f"T-1-acked[d={d}]  WID-1  # to be explained: expected data_ack {d}:0 within 0.5T, "
            "nothing came\n")


FIXED = [
    # what it is about, the file before, the SUT, the file after
    ("nothing known yet", "", "silent", late(0) + late(100)),
    ("nothing changed", "# ours\nT-1-*  # a\n\n", "silent", "# ours\nT-1-*  # a\n\n"),
    ("one passes", "T-1-*  # a\nT-2-*  # was red once\n# end", "silent", "T-1-*  # a\n# end\n"),
    ("one of several passes", "T-*  # all of it\n", "silent",
     "T-1-acked[d=0]  # all of it\nT-1-acked[d=100]  # all of it\n"),
    ("no such case", "T-9-*  # gone\nT-1-*  WID-1 # a\n", "silent", "T-1-*  WID-1 # a\n"),
    ("fails otherwise", "T-1-acked[d=0]  ACK-1 # other\n T-1-acked[d=100]  # b\n", "silent",
     " T-1-acked[d=100]  # b\n" + late(0)),
    ("all is mended", "T-1-*  # fixed\n", "good", ""),
]


@pytest.mark.parametrize("before, sut, after", [row[1:] for row in FIXED],
                         ids=[row[0] for row in FIXED])
def test_fix_known_brings_the_file_up_to_date(sipc, suite, good_sut, tmp_path, before, sut, after):
    spec = good_sut if sut == "good" else fake(sut)
    known_run(sipc, suite, tmp_path, before, "--fix-known", sut=spec)
    assert (tmp_path / "known.txt").read_text() == after
    again = known_run(sipc, suite, tmp_path, after, "--fix-known", sut=spec)
    assert again.code == 0, again
    assert (tmp_path / "known.txt").read_text() == after


def test_fix_known_leaves_what_was_not_run(sipc, suite, tmp_path):
    text = "T-1-*  # a\n"
    known_run(sipc, suite, tmp_path, text, "--fix-known", "-t", "*=0]")
    assert (tmp_path / "known.txt").read_text() == text


def test_fix_known_makes_the_file(sipc, suite, tmp_path):
    known = tmp_path / "new.txt"
    result = sipc("conform", "run", fake("silent"), suite, "--known", known, "--fix-known")
    assert result.code == 1
    assert f"known failures: 0 stay, 0 go, 2 come ({known})" in result.out
    assert sipc("conform", "run", fake("silent"), suite, "--known", known).code == 0


def test_fix_known_without_a_file_is_wrong_usage(sipc, suite):
    result = sipc("conform", "run", fake("silent"), suite, "--fix-known")
    assert result.code == 2 and "it goes with --known FILE" in result.err
