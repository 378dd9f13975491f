"""The report: files of all kinds, a page that needs nothing else, points that failed or stray.

SPDX-License-Identifier: MIT
"""

import csv
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from lfn import model, page, plan, plots, report, rows, run, tcp, what_ifs

# One entry of each sweep, and what a run could have made of it.
ENTRIES = plan.load("tiny") + [
    {"sweep": sweep, "point": plan.point(**parameters)} for sweep, parameters in [
        ("lossy-window", {"loss": 1000, "window": 4}), ("lossy-mtu", {"loss": 1000, "mtu": 9000}),
        ("lossy-sessions", {"loss": 1000, "sessions": 4}), ("tcp", {"rate": 10_000_000}),
    ]]


def made_up(entry, goodput=None, error=None):
    """A record as `sipc sim lfn` prints it, with the bound as goodput if nothing is said."""
    record = {"point": entry["point"], "version": "1.2.3", "replay": "sipc sim lfn --point <&>"}
    if error:
        return record | {"error": error}
    bound = model.bound(entry["point"])
    times = dict.fromkeys(rows.TIMES, round(bound.message_time * 1e9))
    result = dict.fromkeys(rows.RESULTS, 1) | {"first": times, "steady": times}
    result["goodput_bps"] = round(bound.goodput) if goodput is None else goodput
    return record | {"result": result, "cost": {"wall_ns": 5, "cpu_ns": 4}}


@pytest.fixture(name="records")
def fixture_records():
    """A record for each entry."""
    return {plan.key_of(entry["point"]): made_up(entry) for entry in ENTRIES}


@pytest.fixture(name="written", scope="module")
def fixture_written(tmp_path_factory):
    """A report of all entries. Drawing takes longest: what can do without it does."""
    out = tmp_path_factory.mktemp("report")
    flows = [{"flow": control, "control": control, "rtt": 100_000, "loss": 0,
              "result": {"goodput_bps": 9e6}} for control in tcp.CONTROLS]
    (out / tcp.FILE).write_text("".join(json.dumps(flow) + "\n" for flow in flows))
    others = [entry | {"result": {"goodput_bps": 5e6}} for entry in what_ifs.entries()]
    (out / what_ifs.FILE).write_text("".join(json.dumps(other) + "\n" for other in others))
    report.write(ENTRIES, {plan.key_of(entry["point"]): made_up(entry) for entry in ENTRIES}, out)
    return out


class Page(HTMLParser):
    """What is wrong with a page: tags that do not match, and whatever is fetched from elsewhere."""

    VOID = {"meta", "br", "link", "img", "input"}

    def __init__(self, text):
        super().__init__()
        self.open, self.fetched = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.fetched += [value for name, value in attrs
                         if name in ("src", "href", "xlink:href") and not value.startswith("#")]

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_report_when_written_then_files_of_all_kinds(written):
    with (written / "points.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    objects = json.loads((written / "points.json").read_text())
    assert len(lines) == len(objects) == len(ENTRIES)
    for line, point in zip(lines, objects):
        assert line["seed"] == str(point["point"]["seed"]) and line["version"] == "1.2.3"
        assert float(line["residual"]) == pytest.approx(0, abs=1e-3)
        assert line["replay"] == point["replay"]
    for sweep in {entry["sweep"] for entry in ENTRIES}:
        ElementTree.parse(written / "plots" / f"{sweep}.svg")
        assert (written / "plots" / f"{sweep}.png").read_bytes().startswith(b"\x89PNG")


def test_page_when_written_then_whole_and_with_nothing_from_elsewhere(written):
    text = (written / "index.html").read_text()
    read = Page(text)
    assert read.open == [] and read.fetched == []
    assert "@import" not in text and "url(http" not in text and "<script" not in text
    for sweep in page.SECTIONS:
        assert f'<section id="{sweep}">' in text
    assert "prefers-color-scheme: dark" in text and "var(--ink)" in text
    assert "every point is as near to the bound" in text


def test_picture_when_drawn_twice_then_the_same_bytes(records, written, tmp_path):
    table = [row for row in rows.rows_of(ENTRIES, records) if row.sweep == "message"]
    svg = plots.draw(table, tmp_path)["message"]
    assert svg in (written / "index.html").read_text()
    for suffix in ("svg", "png"):
        name = f"message.{suffix}"
        assert (tmp_path / name).read_bytes() == (written / "plots" / name).read_bytes()


def test_page_when_a_point_failed_then_told_with_its_replay_and_escaped(records):
    key = plan.key_of(ENTRIES[0]["point"])
    records[key] = made_up(ENTRIES[0], error="it <broke>")
    text = page.page(rows.rows_of(ENTRIES, records), {})
    assert "1 points failed" in text and "it &lt;broke&gt;" in text
    assert "sipc sim lfn --point &lt;&amp;&gt;" in text
    assert re.search(rf"<b>{len(records) - 1}</b><span>points run, 1 failed", text)


@pytest.mark.parametrize("factor, beyond", [(0.985, 0), (0.97, 1), (1.03, 1), (0, 1)])
def test_residual_when_a_point_strays_then_beyond_its_tolerance(records, factor, beyond):
    entry = ENTRIES[0]
    goodput = round(model.bound(entry["point"]).goodput * factor)
    records[plan.key_of(entry["point"])] = made_up(entry, goodput)
    table = rows.rows_of(ENTRIES, records)
    assert len(rows.beyond(table)) == beyond
    assert ("further from the bound" in page.residual_section(table)) == bool(beyond)


def test_report_when_a_plan_was_run_in_part_then_of_that_part(records, tmp_path):
    part = {key: record for key, record in records.items() if "message=1," in key}
    table = report.write(ENTRIES, part, tmp_path)
    assert [row.sweep for row in table] == ["message"]
    assert re.findall(r'<section id="([^"]+)">', (tmp_path / "index.html").read_text()) == [
        "message", "residuals"]


def test_report_when_nothing_was_run_then_told_and_exit_2(lfn, tmp_path):
    ran = lfn("report", "--out", tmp_path)
    assert ran.returncode == 2 and "nothing of this plan was run" in ran.stderr


@pytest.mark.slow
def test_lfn_when_tiny_plan_then_a_report_within_tolerance(lfn, tmp_path):
    ran = lfn("run", "--plan", "tiny", "--out", tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == str(tmp_path / "index.html")
    table = rows.rows_of(plan.load("tiny"), run.read_results(tmp_path / "results.jsonl"))
    assert len(table) == len(plan.load("tiny")) and rows.beyond(table) == []
