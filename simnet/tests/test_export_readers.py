"""Traces of small worlds as other programs read them. SPDX-License-Identifier: MIT"""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections import Counter

import pytest

WORLDS = ["busy", "outage", "three", "broken", "long", "crowd", "empty"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def trace(build_dir, tmp_path_factory):
    """Makes the trace of a world; the same one only once."""
    folder = tmp_path_factory.mktemp("traces")
    made = {}

    def make(world, suffix, *options):
        key = (world, suffix, options)
        if key not in made:
            made[key] = folder / f"{len(made)}-{world}.{suffix}"
            subprocess.run([build_dir / "bin" / "simnet_export_sample", world, made[key], *options],
                           check=True)
        return made[key]

    return make


def ndjson(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def captured(lines):
    """The events a capture has a packet for."""
    return [e for e in lines[1:] if e["kind"] == "stage" and e["verdict"] in ("pass", "drop")]


def as_it_arrives(datagram):
    """A datagram's bytes with its corruption applied."""
    data = bytearray.fromhex(datagram["head"] + datagram["payload"])
    value = datagram.get("corruption_value")
    kind = datagram.get("corruption")
    if kind == "truncate":
        del data[value:]
    elif kind == "extend":
        data += bytes(i % 251 for i in range(value))
    elif kind == "flip":
        for bit in range(value, value + datagram["corruption_extra"]):
            if bit // 8 < len(data):
                data[bit // 8] ^= 0x80 >> bit % 8
    return bytes(data)


# ---- pcapng ----


def tshark(path, *fields, check_sums=True):
    if shutil.which("tshark") is None:
        pytest.skip("skipped: tshark is not installed")
    sums = ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"] if check_sums else []
    args = [a for field in fields for a in ("-e", field)]
    run = subprocess.run(["tshark", "-r", path, "-T", "fields", "-E", "aggregator=|", *sums, *args],
                         capture_output=True, text=True, check=True)
    return [line.split("\t") for line in run.stdout.splitlines()]


@pytest.mark.parametrize("world", ["busy", "outage", "three", "empty"])
def test_tshark_sees_each_datagram_where_it_enters_and_ends(trace, world):
    rows = tshark(trace(world, "pcapng"), "frame.time_epoch", "frame.packet_flags_direction",
                  "frame.interface_name", "ip.checksum.status", "udp.checksum.status",
                  "frame.comment")
    events = captured(ndjson(trace(world, "ndjson")))
    assert len(rows) == len(events)
    for (time, direction, interface, ip_sum, udp_sum, comment), event in zip(rows, events):
        assert time == f"{event['time_ns'] // 10**9}.{event['time_ns'] % 10**9:09}"
        dropped = event["verdict"] == "drop"
        assert direction == ("" if dropped else
                             "0x00000001" if event["stage"] == "arrive" else "0x00000002")
        assert interface == event.get("link", "no route")
        assert (ip_sum, udp_sum) == ("1", "1")
        assert comment.startswith(f"datagram {event['datagram']['number']}: ")
        if dropped:
            assert f"dropped at {event['stage']}: {event['why']}" in comment


@pytest.mark.parametrize("world", ["busy", "outage"])
def test_tshark_finds_nothing_malformed(trace, world):
    run = subprocess.run(["tshark", "-r", trace(world, "pcapng"), "-Y", "_ws.malformed"],
                         capture_output=True, text=True, check=True)
    assert run.stdout == ""


def test_discards_are_told_with_the_arrival(trace):
    """Each discard of a host that is awake follows its arrival at once."""
    comments = [row[0] for row in tshark(trace("busy", "pcapng"), "frame.comment")]
    told = Counter(m[1] for c in comments for m in re.finditer(r"discarded: (\w+ \([\w-]+\))", c))
    events = [e for e in ndjson(trace("busy", "ndjson"))[1:] if e["kind"] == "discard"]
    assert told and told == Counter(f"{e['reason']} ({e['rule']})" for e in events)


def test_comments_tell_what_befell_a_datagram(trace):
    comments = [row[0] for row in tshark(trace("busy", "pcapng"), "frame.comment")]
    text = "\n".join(comments)
    for wanted in [r"copy 1\|arrives 0\.0", r"\d bits? flipped from bit \d+\|arrives",
                   r"cut to \d+ B", r"\d B appended", r"out of order: datagram \d+ passed it",
                   r"dropped at loss: loss", r"transmission 2",
                   r"data \d+:0 \{first_in_window_group last_in_window\} \d+ B"]:
        assert re.search(wanted, text), wanted


def test_section_names_scenario_seed_and_command(trace):
    if shutil.which("capinfos") is None:
        pytest.skip("skipped: capinfos is not installed")
    text = subprocess.run(["capinfos", trace("busy", "pcapng")], capture_output=True, text=True,
                          check=True).stdout
    for wanted in ["ScalableIPC simulation of busy, seed 11.",
                   "To see it again: sipc sim run sample.sx --seed 11.", "Name = a>b",
                   "Name = b>a", "Time precision = nanoseconds (9)", "Encapsulation = Raw IPv4"]:
        assert wanted in text, text


def test_scapy_reads_the_bytes_as_they_arrive(trace):
    scapy = pytest.importorskip("scapy.all")
    with scapy.PcapNgReader(str(trace("busy", "pcapng"))) as reader:
        packets = list(reader)
    events = captured(ndjson(trace("busy", "ndjson", "bytes")))
    assert len(packets) == len(events)
    kinds = Counter()
    for packet, event in zip(packets, events):
        datagram = event["datagram"]
        assert bytes(packet[scapy.UDP].payload) == as_it_arrives(datagram)
        assert packet[scapy.IP].src == f"10.0.0.{datagram['from_address']}"
        assert packet[scapy.IP].dst == f"10.0.0.{datagram['to_address']}"
        kinds[datagram.get("corruption")] += 1
    assert set(kinds) == {None, "flip", "truncate", "extend"}


def test_user0_holds_pdus_alone(trace):
    rows = tshark(trace("busy", "pcapng", "user0"), "frame.encap_type", "frame.len",
                  check_sums=False)
    events = captured(ndjson(trace("busy", "ndjson", "bytes")))
    assert [int(size) for _, size in rows] == [len(as_it_arrives(e["datagram"])) for e in events]
    assert {encap for encap, _ in rows} == {"45"}  # WTAP_ENCAP_USER0


# ---- NDJSON ----


def test_ndjson_holds_every_kind_of_event(trace):
    kinds = Counter()
    for world in WORLDS:
        header, *events = ndjson(trace(world, "ndjson"))
        assert header["type"] == "simnet" and header["format"] == 1
        assert header["scenario"] == world and header["seed"] == 11
        assert [e["time_ns"] for e in events] == sorted(e["time_ns"] for e in events)
        names = set(header["hosts"]) | set(header["links"])
        assert {e[f] for e in events for f in ("host", "link") if f in e} <= names
        kinds.update(e["kind"] for e in events)
    assert set(kinds) == {"stage", "aftermath", "operation", "result", "deliver", "state",
                          "discard", "change", "failure"}


def test_ndjson_numbers_count_events(trace):
    """Each event that is hashed has the next number; a failure has that of the event before."""
    for world in WORLDS:
        events = ndjson(trace(world, "ndjson"))[1:]
        numbers = [e["number"] for e in events if e["kind"] != "failure"]
        assert numbers == list(range(1, len(numbers) + 1))


def test_ndjson_deliveries_are_what_was_sent(trace):
    events = ndjson(trace("long", "ndjson", "bytes"))[1:]
    data = [bytes.fromhex(e["data"]) for e in events if e["kind"] == "deliver"]
    sent = [e for e in events if e["kind"] == "operation" and e["command"] == "send"
            and e["status"] == "ok"]
    ended = [e for e in events if e["kind"] == "result" and e["command"] == "send"]
    assert {e["outcome"] for e in ended} == {"ok"}
    assert sum(map(len, data)) == sum(e["size"] for e in sent)
    assert data[0][:4] == bytes([0, 1, 2, 3])


# ---- qlog ----


def qlog(path):
    """The records of a JSON text sequence (RFC 7464)."""
    data = path.read_bytes()
    assert data[:1] == b"\x1e"
    records = data[1:].split(b"\x1e")
    assert all(record.endswith(b"\n") for record in records)
    return [json.loads(record) for record in records]


@pytest.fixture(scope="module")
def validator(project_dir):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((project_dir / "simnet" / "scalableipc-qlog.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_qlog_obeys_its_schema_and_uses_all_of_it(trace, validator):
    names = Counter()
    for world in WORLDS:
        for options in [(), ("bytes",)] if world != "long" else [()]:
            records = qlog(trace(world, "qlog", *options))
            assert "file_schema" in records[0]
            assert not any("file_schema" in record for record in records[1:])
            for record in records[:500]:
                validator.validate(record)
            names.update(record["name"] for record in records[1:])
    schema = validator.schema["$defs"]["event"]["oneOf"]
    assert set(names) == {branch["properties"]["name"]["const"] for branch in schema}


@pytest.mark.parametrize("change", [
    lambda r: r.pop("time"), lambda r: r.update(name="scalableipc:made_up"),
    lambda r: r.update(extra=1), lambda r: r["data"].update(extra=1),
    lambda r: r["data"].pop("link"), lambda r: r["data"]["pdu"].update(opcode="none"),
    lambda r: r["data"].pop("pdu"), lambda r: r["data"]["pdu"].update(window_id=-1)])
def test_qlog_schema_refuses_what_is_not_so(trace, validator, change):
    record = next(r for r in qlog(trace("three", "qlog"))[1:]
                  if r["name"] == "scalableipc:pdu_sent")
    assert validator.is_valid(record)
    change(record)
    assert not validator.is_valid(record)


@pytest.mark.parametrize("world", WORLDS)
def test_qlog_tells_the_same_as_ndjson(trace, world):
    plain = {"aftermath": "transmission_ended", "result": "operation_ended",
             "deliver": "delivered", "state": "state_updated", "discard": "pdu_discarded",
             "change": "network_changed", "failure": "invariant_failed"}
    expected = []
    for event in ndjson(trace(world, "ndjson"))[1:]:
        name = plain.get(event["kind"])
        if event["kind"] == "operation":
            name = "operation_started" if event["status"] == "ok" else "operation_refused"
        elif event["kind"] == "stage" and event["verdict"] == "pass":
            name = "pdu_sent" if event["stage"] == "enter" else "pdu_received"
        elif event["kind"] == "stage":
            name = "pdu_dropped" if event["verdict"] == "drop" else "pdu_impaired"
        expected.append((event["time_ns"], f"scalableipc:{name}"))
    got = [(round(r["time"] * 10**6), r["name"]) for r in qlog(trace(world, "qlog"))[1:]]
    assert got == expected


def test_qlog_received_pdu_is_the_corrupted_one(trace):
    received = [r["data"] for r in qlog(trace("busy", "qlog", "bytes"))[1:]
                if r["name"] == "scalableipc:pdu_received"]
    events = [e for e in ndjson(trace("busy", "ndjson", "bytes"))[1:]
              if e["kind"] == "stage" and e["stage"] == "arrive" and e["verdict"] == "pass"]
    assert [r["raw"]["data"] for r in received] == \
        [as_it_arrives(e["datagram"]).hex() for e in events]
    assert {r["malformed"] for r in received if r.get("corruption") == "truncate"} <= \
        {"too_short", "length_mismatch"}
    assert any("malformed" in r for r in received)


# ---- ladders ----


def groups(root, kind):
    return [g for g in root.iter(f"{SVG}g") if g.get("class", "").split()[:1] == [kind]]


@pytest.mark.parametrize("world", WORLDS)
def test_svg_is_one_well_formed_file_without_foreign_resources(trace, world):
    text = trace(world, "svg").read_text()
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|@import|url\(|<script|href", text)
    width, height = int(root.get("width")), int(root.get("height"))
    for element in root.iter():
        for name, limit in [("x", width), ("y", height), ("cx", width), ("cy", height),
                            ("x1", width), ("y1", height), ("x2", width), ("y2", height)]:
            if element.get(name, "").isdigit():
                assert 0 <= int(element.get(name)) <= limit, ElementTree.tostring(element)


@pytest.mark.parametrize("world", ["busy", "outage", "three", "broken"])
def test_svg_draws_every_datagram_with_its_end(trace, world):
    root = ElementTree.parse(trace(world, "svg", "rows=5000")).getroot()
    events = [e for e in ndjson(trace(world, "ndjson"))[1:] if e["kind"] == "stage"]
    drawn = groups(root, "pdu")
    tips = [g.find(f"{SVG}title").text for g in drawn]
    assert len(drawn) == len({e["datagram"]["number"] for e in events})
    drops = Counter(f"{e['stage']}: {e['why']}" for e in events if e["verdict"] == "drop")
    assert drops == Counter(m[1] for tip in tips if (m := re.search(r"dropped .* at (.*)", tip)))
    arrived = [e for e in events if e["stage"] == "arrive" and e["verdict"] == "pass"]
    assert len(arrived) == sum("arrived" in tip for tip in tips)
    crosses = [p for g in drawn for p in g.iter(f"{SVG}path") if p.get("class") == "cross"]
    assert len(crosses) == sum(drops.values())
    heads = [p for g in drawn for p in g.iter(f"{SVG}path")
             if p.get("class").split()[0] == "head"]
    assert len(heads) == len(arrived)


def test_svg_shows_copies_damage_and_order(trace):
    text = trace("busy", "svg").read_text()
    for wanted in ["copy 1", "flipped from bit", "cut to", "appended", "passes up to",
                   "may pass it", " again", "of silence", "b&lt;&amp;&gt;"]:
        assert wanted in text, wanted


def test_svg_time_runs_down(trace):
    """Points of later times stand lower."""
    root = ElementTree.parse(trace("outage", "svg")).getroot()
    marks = [(float(t.text), int(t.get("y"))) for t in root.iter(f"{SVG}text")
             if t.get("class") == "t" and re.fullmatch(r"\d+\.\d+", t.text)]
    assert len(marks) > 20 and marks == sorted(marks)
    heights = [y for _, y in marks]
    assert all(b - a >= 12 for a, b in zip(heights, heights[1:]))


def test_svg_draws_what_is_still_on_its_way(trace):
    """Up to a time: what had entered and not yet ended."""
    root = ElementTree.parse(trace("busy", "svg", f"to={25 * 10**6}")).getroot()
    events = ndjson(trace("busy", "ndjson", f"to={25 * 10**6}"))[1:]
    numbers = Counter(e["datagram"]["number"] for e in captured([None, *events]))
    waiting = [n for n, count in numbers.items() if count == 1]
    tips = [g.find(f"{SVG}title").text for g in groups(root, "pdu")]
    assert len(waiting) > 1
    assert sum("still on its way" in tip for tip in tips) == len(waiting)


def test_svg_of_a_crowd_draws_the_first_hosts_and_counts_the_others(trace):
    root = ElementTree.parse(trace("crowd", "svg")).getroot()
    boxes = [r for r in root.iter(f"{SVG}rect") if r.get("class") == "box"]
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert len(boxes) == 16
    assert "4 more hosts are not drawn" in texts
    assert "raw, 2 B" in texts and "raw, 3 B" in texts and "no route" in texts


def test_svg_highlights_the_failure(trace):
    root = ElementTree.parse(trace("broken", "svg")).getroot()
    banner = [g for g in root.iter(f"{SVG}g") if g.get("class") == "banner bad"]
    text = " ".join(t.text for g in banner for t in g.iter(f"{SVG}text"))
    failure = next(e["failure"] for e in ndjson(trace("broken", "ndjson")) if
                   e.get("kind") == "failure")
    assert text == f"{failure['invariant']}: {failure['text']}"


def test_html_page_names_run_failure_and_links(trace):
    text = trace("broken", "html").read_text()
    for wanted in ["<h1>broken</h1>", "<dd>11</dd>", "delivered-intact, RCV-8 at 0.005000 s",
                   "sipc sim run sample.sx --seed 11", "<code>honest&gt;liar</code>",
                   "prefers-color-scheme: dark", "@media print"]:
        assert wanted in text, wanted
    assert "no check failed" in trace("busy", "html").read_text()
    assert not re.search(r"https?://|@import|url\(|<script| src=", text)


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="skipped: chromium is not installed")
@pytest.mark.parametrize("world,suffix", [("busy", "html"), ("outage", "svg"), ("broken", "html")])
def test_ladder_renders_in_a_browser(trace, tmp_path, world, suffix):
    picture = tmp_path / "page.png"
    subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}",
         "--window-size=1280,1000", f"--screenshot={picture}", trace(world, suffix).as_uri()],
        capture_output=True, timeout=120, check=True)
    assert picture.stat().st_size > 20_000
