"""Plots of captures: the numbers in them, on stories made by hand and on a simulated one, and the
files they come out as. SPDX-License-Identifier: MIT"""

import importlib.util
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="skipped: matplotlib is not installed")

PLOTS = Path(__file__).resolve().parents[1]
SCENARIO = PLOTS.parent / "witnesses" / "scenarios" / "lossy.sx"
spec = importlib.util.spec_from_file_location("pcap_plot", PLOTS / "pcap_plot.py")
pcap_plot = importlib.util.module_from_spec(spec)
sys.modules["pcap_plot"] = pcap_plot
spec.loader.exec_module(pcap_plot)

A, B, SESSION = "10.0.0.1:1", "10.0.0.2:2", "ab" * 32
FULL = [["s_10", "True"]]


def line(at_ms, opcode, window_id, seq_nr, size=0, options=(), **more):
    """A line as `sipc pcap show --json` prints it."""
    source, destination = (A, B) if opcode == "data" else (B, A)
    return json.dumps({"frame": 1, "time_ns": at_ms * 10**6, "source": source,
                       "destination": destination, "session": SESSION, "opcode": opcode,
                       "window_id": window_id, "seq_nr": seq_nr, "options": list(options),
                       "data_size": size, **more})


def story_of(lines):
    pdus = pcap_plot.read_pdus(lines, "lines")
    return pcap_plot.tell(pdus, *pcap_plot.choose(pdus, "", ""))


def test_windows_acks_and_round_trips():
    story = story_of([line(0, "data", 0, 0, 100), line(1, "data", 0, 1, 50),
                      line(10, "data_ack", 0, 0), line(12, "data_ack", 0, 1, 0, FULL),
                      line(20, "data", 1, 0), line(30, "data_ack", 1, 0, 0, FULL)])
    assert story.first == [(0, 0, 100), (0.001, 100, 50), (0.02, 150, 1)]
    assert story.repeats == story.lost == []
    assert story.partial == [(0.01, 100)] and story.acks == [(0.012, 150), (0.03, 151)]
    assert [round(seconds, 6) for _, seconds in story.round_trips] == [0.01, 0.011, 0.01]
    assert [size for _, size in story.in_flight] == [100, 150, 50, 0, 1, 0]
    assert [size for _, size in story.delivered] == [100, 50, 1]


def test_a_window_sent_again_gives_no_round_trip():
    story = story_of([line(0, "data", 0, 0, 10), line(5, "data", 0, 0, 10),
                      line(9, "data_ack", 0, 0, 0, FULL)])
    assert story.repeats == [(0.005, 0, 10)]
    assert story.round_trips == [] and story.acks == [(0.009, 10)]


def test_what_a_receiver_cut_off_is_not_in_flight():
    story = story_of([line(0, "data", 0, 0, 10), line(0, "data", 0, 1, 10),
                      line(9, "data_ack", 0, 0, 0, FULL), line(10, "data", 1, 0, 10)])
    assert [size for _, size in story.in_flight] == [10, 20, 0, 10]


@pytest.mark.parametrize("name, ack", [
    ("of a window never sent", line(5, "data_ack", 9, 0, 0, FULL)),
    ("of a PDU never sent", line(5, "data_ack", 0, 3, 0, FULL)),
    ("with an error", line(5, "data_ack", 0, 0, 0, [["s_error_code", "253"]])),
    ("of another session", line(5, "data_ack", 0, 0, 0, FULL, session="cd" * 32)),
    ("lost on the way", line(5, "data_ack", 0, 0, 0, FULL, dropped=True)),
    ("that is discarded", line(5, "data_ack", 0, 0, 0, FULL, discard="session_prefix")),
    ("that the capture made twice", line(5, "data_ack", 0, 0, 0, FULL, copy_of=7)),
])
def test_acks_that_move_nothing(name, ack):
    story = story_of([line(0, "data", 0, 0, 10), ack])
    assert story.acks == story.partial == story.round_trips == [], name


def test_of_two_ends_the_sender_is_told_of():
    both = [line(0, "data", 0, 0, 10, direction="out"), line(5, "data", 0, 0, 10, direction="in"),
            line(5, "data_ack", 0, 0, 0, FULL, direction="out"),
            line(9, "data_ack", 0, 0, 0, FULL, direction="in")]
    assert story_of(both).round_trips == [(0.009, 0.009)] and story_of(both).repeats == []
    at_receiver = story_of(both[1:3])
    assert at_receiver.first == [(0.005, 0, 10)] and at_receiver.acks == [(0.005, 10)]
    assert at_receiver.round_trips == []


def test_goodput_sums_up_to_all_that_was_acked():
    story = story_of([line(10 * i, "data", i, 0, 100) for i in range(9)]
                     + [line(10 * i + 7, "data_ack", i, 0, 0, FULL) for i in range(9)])
    starts, width, values = pcap_plot.goodput(story, bins=7)
    assert len(starts) == len(values) == 7 and starts[0] == 0
    assert round(sum(value * width for value in values), 6) == 900


def test_the_direction_with_most_data_is_chosen():
    lines = [line(0, "data", 0, 0, 10), line(0, "data", 0, 0, 900, session="cd" * 32)]
    pdus = pcap_plot.read_pdus(lines, "lines")
    assert pcap_plot.choose(pdus, "", "")[0] == "cd" * 32
    assert pcap_plot.choose(pdus, "ab", A) == (SESSION, A, B)
    with pytest.raises(pcap_plot.Refused, match="no data of such a session"):
        pcap_plot.choose(pdus, "ef", "")


def test_separators_in_texts_end_no_line(tmp_path):
    odd = [["name", "a\u2028b\x85c"]]
    text = json.dumps(json.loads(line(0, "data", 0, 0, 10, odd)), ensure_ascii=False) + "\n"
    path = tmp_path / "odd.jsonl"
    path.write_text(text, encoding="utf-8")
    lines = pcap_plot.read_lines(str(path), "")
    assert len(lines) == 1 and len(pcap_plot.read_pdus(lines, "odd")) == 1


# ---- files ----


@pytest.fixture(scope="module")
def trace(build_dir, tmp_path_factory):
    path = tmp_path_factory.mktemp("plots") / "lossy.pcapng"
    subprocess.run([build_dir / "bin" / "sipc", "sim", "run", SCENARIO, "--trace", path],
                   check=True, stdout=subprocess.DEVNULL)
    return path


def test_a_simulated_capture_is_drawn(trace, build_dir, tmp_path):
    sipc = str(build_dir / "bin" / "sipc")
    outputs = [tmp_path / name for name in ("a.svg", "b.svg", "c.png")]
    arguments = [word for path in outputs for word in ("-o", str(path))]
    assert pcap_plot.main([str(trace), "--sipc", sipc, *arguments]) == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    assert outputs[2].read_bytes().startswith(b"\x89PNG\r\n")
    root = ElementTree.parse(outputs[0]).getroot()
    assert {element.get("id") for element in root.iter()} >= {"sequence", "round-trips",
                                                              "in-flight", "goodput"}
    shown = {m[1]: int(m[2]) for element in root.iter()
             if (m := re.fullmatch(r"([a-z ]+) \((\d+)\)", element.text or ""))}

    lines = pcap_plot.read_lines(str(trace), sipc)
    pdus = [json.loads(one) for one in lines]
    sent = [p for p in pdus if p["opcode"] == "data" and p.get("direction") == "out"]
    told = [int(re.search(r"transmission (\d+)", p["comment"])[1]) for p in sent]
    lost = [p for p in pdus if p["opcode"] == "data" and p.get("dropped")]
    assert shown["sent"] == told.count(1)
    assert shown["sent again"] == len(told) - told.count(1) > 3
    assert shown["lost"] == len(lost) > 1


@pytest.mark.parametrize("name, content, status, said", [
    ("empty", "", 5, "no data in it"),
    ("acks", line(0, "data_ack", 0, 0), 2, "no data of such a session"),
    ("broken", line(0, "data", 0, 0) + "\n{oh", 4, "broken.jsonl:2: expected a line"),
    ("a list", "[1]", 4, "a list.jsonl:1: expected a line"),
])
def test_bad_input_is_told(name, content, status, said, tmp_path, capsys):
    path = tmp_path / f"{name}.jsonl"
    path.write_text(content)
    assert pcap_plot.main([str(path), "-o", str(tmp_path / "x.svg")]) == status
    assert said in capsys.readouterr().err and not (tmp_path / "x.svg").exists()


def test_a_capture_that_cannot_be_read_is_told(build_dir, tmp_path, capsys):
    path = tmp_path / "bad.pcap"
    path.write_bytes(b"no capture")
    arguments = [str(path), "-o", str(tmp_path / "x.svg"), "--sipc"]
    assert pcap_plot.main([*arguments, str(build_dir / "bin" / "sipc")]) == 4
    assert "bad.pcap" in capsys.readouterr().err
    assert pcap_plot.main([*arguments, str(tmp_path / "no-such-program")]) == 4
    assert "no-such-program" in capsys.readouterr().err


def test_an_output_of_another_kind_is_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        pcap_plot.main(["x.pcap", "-o", "x.jpg"])
    assert stopped.value.code == 2 and ".svg or .png" in capsys.readouterr().err
