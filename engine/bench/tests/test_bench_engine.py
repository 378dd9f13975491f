"""The form of what `sipc bench engine` prints. Never its times.

SPDX-License-Identifier: MIT
"""

import json
import re
import subprocess

import pytest

NUMBER = r"\d+(\.\d+)?"
STAT = rf"{NUMBER} \[{NUMBER}\.\.{NUMBER}\]"
CELLS = 60


@pytest.fixture(scope="session")
def bench(build_dir):
    def call(*arguments):
        return subprocess.run([build_dir / "bin" / "sipc", "bench", "engine", *arguments],
                              text=True, capture_output=True, timeout=300, check=False)
    return call


@pytest.fixture(scope="session")
def report(bench):
    """A run over all cells."""
    run = bench("--quick", "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_every_cell_has_a_row_of_its_own(report):
    cells = {(row["window"], row["mtu"], row["message_bytes"], row["loss_percent"],
              row["sessions"]) for row in report["rows"]}
    assert len(report["rows"]) == len(cells) == CELLS


def check_figures(figures):
    for name in ("ns_per_pdu", "messages_per_s"):
        stat = figures[name]
        assert 0 < stat["min"] <= stat["median"] <= stat["max"]
    assert figures["megabytes_per_s"] > 0


def test_figures_are_in_order(report):
    for row in report["rows"]:
        check_figures(row["engine"])
        assert row["instructions_per_pdu"] is None
        assert row["pdus"] > row["messages"]


def test_enet_is_beside_or_left_out_with_a_reason(report):
    for row in report["rows"]:
        if report["enet_left_out"] is None:
            check_figures(row["enet"])
            assert 0 < row["ratio"]["min"] <= row["ratio"]["median"] <= row["ratio"]["max"]
        else:
            assert row["enet"] is None and row["ratio"] is None
    assert report["enet_left_out"] is None or "libenet-dev" in report["enet_left_out"]


@pytest.mark.parametrize("window, mtu, message, expected", [
    (16, 1400, 64, 2),          # a data PDU and its ack
    (16, 1400, 1200, 2),
    (128, 512, 1200, 6),        # three and three
    (1, 1400, 62000, 94),       # whatever the window, each PDU is acked
    (46, 1400, 62000, 94),
])
def test_pdus_without_loss_are_those_of_the_protocol(report, window, mtu, message, expected):
    counts = {row["engine"]["pdus_per_message"] for row in report["rows"]
              if (row["window"], row["mtu"], row["message_bytes"], row["loss_percent"])
              == (window, mtu, message, 0)}
    assert counts == {expected}


def test_loss_costs_pdus(bench):
    run = bench("--messages", "500", "--repetitions", "1", "--no-enet", "--json",
                "--message", "1200", "--sessions", "1", "--window", "16")
    rows = {row["loss_percent"]: row["engine"]["pdus_per_message"]
            for row in json.loads(run.stdout)["rows"]}
    assert rows[0] == 2 and 2 < rows[1] < 2.2


def test_memory_adds_up(report):
    memory = report["memory"]
    default = (memory["session_bytes"] + 16 * memory["bytes_per_window_pdu"]
               + 65500 * memory["bytes_per_group_byte"]
               + 30000 * memory["bytes_per_attribute_byte"]
               + 64 * memory["bytes_per_unreliable_entry"])
    assert memory["session_bytes_by_default"] == pytest.approx(default, abs=16)
    assert 0 < memory["session_bytes"] <= 512
    assert 0 < memory["resident_idle_bytes"] <= 600


def test_the_table_is_markdown(bench):
    run = bench("--quick", "--message", "64", "--loss", "0")
    assert run.returncode == 0, run.stderr
    table = [line for line in run.stdout.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 10
    row = re.compile(rf"\| \d+ \| \d+ \| 64 \| 0 % \| \d+ \| {STAT} \| 2\.00 \| \d+ \| \d+ \| - "
                     rf"\| (\d+|-) \| ({STAT}|-) \|")
    for line in table[2:]:
        assert row.fullmatch(line), line
    assert re.search(r"^Memory by session: \d+ B", run.stdout, re.M)


def test_enet_can_be_left_out(bench):
    run = bench("--quick", "--no-enet", "--window", "4", "--message", "64", "--sessions", "1")
    assert run.returncode == 0, run.stderr
    assert "ENet: " in run.stdout
    assert all(line.endswith("| - | - |") for line in run.stdout.splitlines()
               if line.startswith("| 4 "))


@pytest.mark.parametrize("arguments, message", [
    (["--window", "x"], "--window: expected a number in 0..4294967295, found 'x'"),
    (["--window", "1,"], "--window: expected a number in 0..4294967295, found ''"),
    (["--window", "5"], "no row has these values"),
    (["--repetitions", "0"], "--repetitions: expected a number in 1..99, found '0'"),
    (["--repetitions", "1,2"], "--repetitions takes one number"),
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


def test_help_has_examples(bench):
    run = bench("--help")
    assert run.returncode == 0
    assert run.stdout.startswith("usage: sipc bench engine")
    assert "examples:\n  sipc bench engine" in run.stdout
    assert max(map(len, run.stdout.splitlines())) <= 100
