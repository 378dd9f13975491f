"""The form of what `sipc bench sim` prints. Never its times.

SPDX-License-Identifier: MIT
"""

import json
import re
import subprocess

import pytest

ROWS = ["queue-100", "queue-10k", "queue-1M", "timers-100", "timers-10k", "timers-1M",
        "link-300ms", "engines-1ms", "engines-300ms"]
SEARCHES = {"swarm": ["PDUs", "faults", "full by second"],
            "explore-faf": ["in the world", "bytes", "transitions"],
            "explore-close-race": ["in the world", "bytes", "transitions"],
            "explore-two-messages": ["in the world", "bytes", "transitions"],
            "shrink-10k": ["PDUs before", "lines after", "CPU seconds"]}
TINY = ("--small", "--repetitions", "2", "--units", "100")


@pytest.fixture(scope="session")
def bench(build_dir):
    def call(*arguments):
        return subprocess.run([build_dir / "bin" / "sipc", "bench", "sim", *arguments],
                              text=True, capture_output=True, timeout=300, check=False)
    return call


@pytest.fixture(scope="session")
def report(bench):
    """A run over all rows."""
    run = bench(*TINY, "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def check_stat(stat):
    assert 0 < stat["min"] <= stat["median"] <= stat["max"]


def test_every_row_is_there_once(report):
    assert [row["row"] for row in report["rows"]] == ROWS + list(SEARCHES)
    assert report["repetitions"] == 2


def test_figures_are_in_order(report):
    for row in report["rows"]:
        check_stat(row["per_s"])
        assert row["units"] >= 2 * 100
        assert row["size"] > 0 or row["row"] in SEARCHES
        assert row["instructions_per_unit"] is None


def test_links_are_filled_and_bare_events_have_none(report):
    for row in report["rows"]:
        if row["unit"] == "PDUs":
            check_stat(row["simulated_s_per_s"])
            assert 0.9 <= row["link_filled"] <= 1.01, row["row"]
        else:
            assert row["simulated_s_per_s"] is None and row["link_filled"] is None


def test_ns3_is_beside_or_left_out_with_a_reason(report):
    for row in report["rows"]:
        if row["row"] in SEARCHES:
            assert row["ns3"] is None
        elif report["ns3_left_out"] is None:
            assert set(row["ns3"]) == {"Map", "PriorityQueue"}
            for figures in row["ns3"].values():
                check_stat(figures["per_s"])
                check_stat(figures["ratio"])
        else:
            assert row["ns3"] is None
            assert "libns3-dev" in report["ns3_left_out"]


def test_searches_have_their_figures_beside(report):
    beside = {row["row"]: row["beside"] for row in report["rows"]}
    for row, names in SEARCHES.items():
        assert list(beside[row]) == names
        assert all(value > 0 for value in beside[row].values())
    assert beside["swarm"]["PDUs"] > 50 and beside["swarm"]["faults"] >= 1
    swarm = next(row for row in report["rows"] if row["row"] == "swarm")
    assert beside["swarm"]["full by second"] < swarm["per_s"]["max"]
    assert beside["shrink-10k"]["lines after"] <= 20
    assert all(beside[row] == {} for row in ROWS)


def test_rows_are_selected_by_how_they_begin(bench):
    run = bench(*TINY, "--no-ns3", "--json", "--row", "timers-1,queue-100,timers-100")
    report = json.loads(run.stdout)
    assert [row["row"] for row in report["rows"]] == ["timers-100", "timers-10k", "timers-1M",
                                                      "queue-100"]
    assert report["ns3_left_out"] is not None


def test_the_table_is_aligned_markdown(bench):
    run = bench(*TINY, "--no-ns3", "--row", "queue-100,engines-1ms,swarm,explore-faf")
    assert run.returncode == 0, run.stderr
    lines = [line for line in run.stdout.splitlines() if line.startswith("|")]
    assert len(lines) == 2 * (2 + 2)
    for table in (lines[:4], lines[4:]):
        bars = [[match.start() for match in re.finditer(r"\|", line)] for line in table]
        assert all(places == bars[0] for places in bars)
    assert "ns-3: " in run.stdout


@pytest.mark.parametrize("arguments, message", [
    (["--row", "fast"], "--row: there is no row 'fast', but: queue-100 "),
    (["--row", "queue,"], "--row: there is no row '', but:"),
    (["--repetitions", "0"], "--repetitions: expected a number in 1..99, found '0'"),
    (["--units", "1,2"], "--units takes one number"),
    (["--ms", "60001"], "--ms: expected a number in 1..60000, found '60001'"),
    (["fast"], "no argument is expected, found 'fast'"),
    (["--fast"], "unrecognized option"),
])
def test_wrong_usage_is_told(bench, arguments, message):
    run = bench(*arguments)
    assert run.returncode == 2
    assert message in run.stderr
    assert "--help" in run.stderr
    assert run.stdout == ""


def test_help_has_examples_and_names_all_rows(bench):
    run = bench("--help")
    assert run.returncode == 0
    assert run.stdout.startswith("usage: sipc bench sim")
    assert "examples:\n  sipc bench sim" in run.stdout
    assert all(row in run.stdout for row in [*ROWS, *SEARCHES])
    assert max(map(len, run.stdout.splitlines())) <= 100
