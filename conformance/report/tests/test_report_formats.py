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


# ---- in a browser ----

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="skipped: chromium is not installed")

# Shows a page as wide as asked for, does what a reader may do, and writes down what came of it.
# With everything unfolded, ladders too, no page may be wider than the screen.
READER = """<!DOCTYPE html><meta charset="utf-8"><body style="margin: 0">
<iframe id="frame" width="{width}" height="1200" style="border: 0" src="{page}"></iframe>
<pre id="found"></pre><script>
const frame = document.getElementById("frame");
frame.onload = () => {{
  const page = frame.contentDocument, found = {{}};
  const all = selector => [...page.querySelectorAll(selector)];
  const input = (box, change) => {{ change(box); box.dispatchEvent(new Event("input")); }};
  const rows = () => all("#cases details.row").filter(row => !row.hidden).length;
  found.height = page.documentElement.scrollHeight;
  for (const row of all("details")) row.open = true;
  found.width = page.documentElement.scrollWidth;
  {actions}
  document.getElementById("found").textContent = JSON.stringify(found);
}};
</script>"""
FILTERS = """
  const search = page.querySelector(".filters input[type=search]");
  const boxes = all(".filters input[type=checkbox]");
  found.cases = rows();
  input(search, box => box.value = "ack");
  found.searched = rows();
  input(search, box => box.value = "");
  for (const box of boxes) if (box.value !== "fail") input(box, box => box.checked = false);
  found.failing = rows();
  found.areas = all("#cases .area").filter(area => !area.hidden).length;
  for (const box of boxes) input(box, box => box.checked = true);
  found.again = rows();
  frame.contentWindow.location.hash = "c2";"""
DIFFER = """
  const shown = () => all(".matrix tbody tr").filter(row => !row.hidden).length;
  found.rules = shown();
  input(page.querySelector(".filters input"), box => box.checked = true);
  found.differing = shown();"""


@pytest.fixture(name="browse")
def fixture_browse(tmp_path):
    """browse(page, width, actions): what the reader found; no message on the console."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
               "--hide-scrollbars", "--allow-file-access-from-files", "--enable-logging=stderr",
               f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,1300"]

    def browse(page, width, actions):
        reader, picture = tmp_path / "reader.html", tmp_path / "page.png"
        reader.write_text(READER.format(width=width, page=page.as_uri(), actions=actions))
        run = subprocess.run([CHROMIUM, *options, f"--screenshot={picture}", "--dump-dom",
                              reader.as_uri()], capture_output=True, text=True, timeout=240,
                             check=True)
        assert "CONSOLE" not in run.stderr, run.stderr
        text = re.search(r'<pre id="found">(.*?)</pre>', run.stdout, re.S)[1]
        return json.loads(text)
    return browse


@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize("width", [360, 1280])
def test_report_in_a_browser_fits_and_filters(reports, lines, browse, width):
    cases = lines[1:-1]
    found = browse(reports / "report.html", width, FILTERS)
    assert found["height"] > 1000 and found["width"] <= width
    assert found["cases"] == found["again"] == len(cases)
    named = [case for case in cases
             if "ack" in f"{case['name']} {case.get('rule')} {case['rules']}".lower()]
    assert 0 < found["searched"] == len(named) < len(cases)
    failing = [case for case in cases if case["verdict"] == "fail"]
    assert 0 < found["failing"] == len(failing) < len(cases)
    assert found["areas"] == len({case["area"] for case in failing})


@pytest.mark.slow
@needs_chromium
def test_matrix_in_a_browser_fits_and_filters(build_dir, tmp_path, browse):
    page, logs = tmp_path / "matrix.html", [tmp_path / "1.jsonl", tmp_path / "2.jsonl"]
    sipc = [build_dir / "bin" / "sipc", "conform"]
    for log, glob in zip(logs, ["WID-3*", "WID-*"]):
        subprocess.run([*sipc, "run", "engine", "-t", glob, "--jsonl", log], check=True,
                       capture_output=True)
    subprocess.run([*sipc, "matrix", *logs, "--html", page], check=True)
    found = browse(page, 360, DIFFER)
    assert found["width"] <= 360
    assert 0 < found["differing"] < found["rules"]
