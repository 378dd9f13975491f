"""The reports of a made-up run as other programs read them. SPDX-License-Identifier: MIT"""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections import Counter
from html.parser import HTMLParser

import pytest

VOID = {"meta", "br", "input", "link", "img", "hr"}
CLOSED_BY_PARENT = {"tr", "th", "td"}


@pytest.fixture(scope="module")
def reports(build_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    subprocess.run([build_dir / "bin" / "report_sample", folder], check=True)
    return folder


@pytest.fixture(scope="module")
def lines(reports):
    return [json.loads(line) for line in (reports / "results.jsonl").read_text().splitlines()]


class Page(HTMLParser):
    """Elements with their attributes, visible text, and whether tags nest."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.errors, self.text = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID | CLOSED_BY_PARENT:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in CLOSED_BY_PARENT:
            return
        if not self.open or self.open.pop() != tag:
            self.errors.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text.append(data)

    def all(self, tag, **attributes):
        return [a for t, a in self.elements if t == tag
                and all(a.get(k.rstrip("_")) == v for k, v in attributes.items())]


@pytest.fixture(scope="module")
def page(reports):
    return Page((reports / "report.html").read_text())


def test_json_lines_have_one_line_a_case_between_run_and_summary(lines):
    assert [line["type"] for line in lines] == ["run"] + ["case"] * 10 + ["summary"]
    cases = lines[1:-1]
    assert lines[-1]["verdicts"] == {**dict.fromkeys(lines[-1]["verdicts"], 0),
                                     **Counter(case["verdict"] for case in cases)}
    assert {"window_id", "option is_window_full", "data"} == \
        {diff["field"] for diff in cases[1]["diffs"]}
    assert cases[1]["trace"][1]["pdu"] == "0039ff00"


def test_junit_holds_every_case_under_its_name(reports, lines):
    root = ElementTree.parse(reports / "junit.xml").getroot()
    names = [case.get("name") for case in root.iter("testcase")
             if case.get("classname") != "run"]
    assert [n for n in names if "hostile" not in n] == \
        [line["name"] for line in lines[1:-1] if "hostile" not in line["name"]]
    kinds = {"fail": "failure", "crash": "failure", "hang": "failure", "error": "error",
             "unsupported": "skipped", "inconclusive": "skipped"}
    by_name = {case.get("name"): case for case in root.iter("testcase")}
    for line in lines[1:-1]:
        if "hostile" in line["name"]:
            continue
        want = kinds.get(line["verdict"])
        if "known" in line:
            want = "skipped" if line["verdict"] == "fail" else "failure"
        found = [child.tag for child in by_name[line["name"]] if child.tag != "system-out"]
        assert found == ([want] if want else []), line["name"]


def test_junit_sums_are_those_of_its_elements(reports):
    root = ElementTree.parse(reports / "junit.xml").getroot()
    for suite in [root, *root.iter("testsuite")]:
        assert int(suite.get("tests")) == len(list(suite.iter("testcase")))
        for attribute, tag in [("failures", "failure"), ("errors", "error"),
                               ("skipped", "skipped")]:
            assert int(suite.get(attribute)) == len(list(suite.iter(tag))), attribute


def test_junit_failure_holds_rule_line_differences_and_replay(reports):
    root = ElementTree.parse(reports / "junit.xml").getroot()
    text = next(c for c in root.iter("testcase")
                if c.get("name") == "WID-1-accepts[d=100]").find("failure").text
    for part in ["WID-1 MUST: The very first window id", "suite/sample.sx:6:",
                 "expected  data_ack 100:0", "actual    data_ack 99:0", "window_id",
                 "0.002000 s  <- P  data_ack 99:0", "(no line took it)",
                 "replay: sipc conform run"]:
        assert part in text


def test_tap_plan_and_numbers_fit(reports):
    text = (reports / "results.tap").read_text().splitlines()
    assert text[0] == "TAP version 14"
    assert text[1] == "1..11"
    points = [re.match(r"(not )?ok (\d+) - (.*)", line) for line in text]
    assert [int(m[2]) for m in points if m] == list(range(1, 12))
    assert sum(1 for m in points if m and m[1] and "# TODO" not in m[3]) == 6
    assert sum(1 for m in points if m and " # SKIP " in m[3]) == 2
    assert text[-1] == "Bail out! the run stopped early"
    others = [line for line in text[2:-1] if not re.match(r"(not )?ok \d|#", line)]
    assert others == []


def test_html_is_one_well_formed_file_without_foreign_resources(reports, page):
    assert page.errors == [] and page.open == []
    text = (reports / "report.html").read_text()
    assert not re.search(r"https?://|@import|url\(", text)
    for tag, attributes in page.elements:
        assert "src" not in attributes and tag not in ("link", "iframe", "object"), tag
        assert not [name for name in attributes if name.startswith("on")], attributes
    assert len(page.all("script")) == 1
    assert "<!--@" not in text


def test_html_counts_are_those_of_the_lines(page, lines):
    verdicts = Counter(row["data-verdict"] for row in page.all("details")
                       if "data-verdict" in row)
    assert verdicts == Counter(line["verdict"] for line in lines[1:-1])
    assert len([d for d in page.all("details") if d["id"].startswith("r-")]) == \
        len(lines[0]["rules"])
    boxes = {box["value"] for box in page.all("input", type="checkbox")}
    assert boxes == set(verdicts)


def test_html_begins_with_the_claim(page):
    claim = " ".join("".join(page.text).split())
    assert re.search(r"MUST rules: 5 of \d+ decided, 1 kept, 4 broken", claim)
    assert claim.index("MUST rules: 5 of") < claim.index("attached as")


def test_html_links_lead_somewhere(page):
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    links = [a["href"] for a in page.all("a")]
    assert links and {link for link in links if link[1:] not in ids} == set()


def test_html_draws_a_ladder_for_each_exchange(page, lines):
    drawn = sum(1 for line in lines[1:-1] if line["trace"])
    assert len(page.all("svg", class_="ladder")) == drawn


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="skipped: chromium is not installed")
@pytest.mark.parametrize("width", [390, 1280])
def test_html_renders_in_a_browser(reports, tmp_path, width):
    """The page draws something at phone and desktop width, and its script runs without error."""
    picture = tmp_path / "page.png"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
               "--hide-scrollbars", f"--user-data-dir={tmp_path / 'profile'}",
               f"--window-size={width},2000", "--enable-logging=stderr"]
    page = (reports / "report.html").as_uri()
    run = subprocess.run([CHROMIUM, *options, f"--screenshot={picture}", page],
                         capture_output=True, text=True, timeout=120, check=True)
    assert "Uncaught" not in run.stderr
    assert picture.stat().st_size > 20_000
    dom = subprocess.run([CHROMIUM, *options, "--dump-dom", page + "#c2"], capture_output=True,
                         text=True, timeout=120, check=True).stdout
    assert re.search(r'<details class="row" id="c2"[^>]* open', dom)
