"""Window groups as files. SPDX-License-Identifier: MIT"""

import json

import pytest
from captures import ACK, ipv4, packets_of, pcap, pdu, udp

HIGHEST = 9 * 10**15


def data(window_id, seq_nr, text, flags="", attributes=(), **more):
    names = {"f": "s_00", "w": "s_01", "g": "s_02"}
    options = [(names[flag], "True") for flag in flags] + list(attributes)
    return ipv4(udp(pdu(window_id=window_id, seq_nr=seq_nr, options=options, data=text, **more)))


def ack(window_id, seq_nr, full=True, error=None):
    options = [("s_10", "True")] * full + [("s_error_code", str(error))] * (error is not None)
    return ipv4(udp(pdu(ACK, window_id, seq_nr, options)), back=True)


@pytest.fixture
def extract(sipc, tmp_path):
    def call(frames, *arguments):
        stdin = frames if isinstance(frames, bytes) else pcap(frames, 101)
        result = sipc("pcap", "extract", "--out", tmp_path / "out", *arguments, "-", stdin=stdin)
        lines = (tmp_path / "out" / "index.jsonl").read_text().splitlines()
        index = [json.loads(line) for line in lines]
        return result, [((tmp_path / "out" / row["file"]).read_bytes(), row) for row in index]
    return call


A, B, C = data(0, 0, b"one ", "f"), data(0, 1, b"two ", "w"), data(1, 0, b"three", "wg")

ROWS = [  # name, frames, groups, whether acks were captured
    ("two windows", [A, B, ack(0, 1), C, ack(1, 0)], [b"one two three"], [True]),
    ("without acks", [A, B, C], [b"one two three"], [False]),
    ("out of order", [B, A, ack(0, 1), C, ack(1, 0)], [b"one two three"], [True]),
    ("repeats", [A, A, B, ack(0, 1), B, A, C, C, ack(1, 0), B, C], [b"one two three"], [True]),
    ("one PDU missing", [A, ack(0, 1), C, ack(1, 0)], [], []),
    ("a beginning missing", [C, ack(1, 0)], [], []),
    ("a window taken in part and the rest again",
     [A, B, ack(0, 0), data(1, 0, b"two ", "w"), ack(1, 0), data(2, 0, b"three", "wg"), ack(2, 0)],
     [b"one two three"], [True]),
    ("an error", [A, B, ack(0, 1, False, 250), C, ack(1, 0)], [], []),
    ("refused while opening, then again", [A, ack(0, 0, False, 252), B, ack(0, 1), C, ack(1, 0)],
     [b"one two three"], [True]),
    ("begun again", [A, B, ack(0, 1), data(5, 0, b"new", "fwg"), ack(5, 0)], [b"new"], [True]),
    ("ids wrap", [data(HIGHEST, 0, b"a", "fwg"), ack(HIGHEST, 0), data(3, 0, b"b", "fwg"),
                  ack(3, 0)], [b"a", b"b"], [True, True]),
    ("end of a group without that of a window", [data(0, 0, b"a", "fg"), data(0, 1, b"b", "wg")],
     [b"ab"], [False]),
    ("nothing in it", [data(0, 0, b"", "fwg"), ack(0, 0)], [b""], [True]),
]


@pytest.mark.parametrize("frames,groups,acked", [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
def test_groups(extract, frames, groups, acked):
    result, found = extract(frames)
    assert result.code == 0
    assert [content for content, _ in found] == groups
    assert [row["acked"] for _, row in found] == acked
    assert f"{len(groups)} groups of" in result.out


def test_attributes_long_ones_joined(extract):
    frames = [data(0, 0, b"", "fw", [("colour", "grün"), ("s_e_0", "4:nam")]), ack(0, 0),
              data(1, 0, b"", "wg", [("s_e_0", "e\u00c3\u00bc"), ("colour", "rot"),
                                     ("s_e_1", "no")]), ack(1, 0)]
    _, ((_, row),) = extract(frames)
    assert row["attributes"] == [["colour", "grün"], ["name", "ü"], ["colour", "rot"],
                                 ["s_e_1", "no"]]


def test_sessions_and_directions_are_told_apart(extract):
    other = bytes(32)
    frames = [data(0, 0, b"x", "f"), data(0, 0, b"y", "fwg", session=other), data(0, 1, b"z", "wg")]
    _, found = extract(frames)
    assert sorted(content for content, _ in found) == [b"xz", b"y"]
    assert len({row["file"] for _, row in found}) == 2


def test_split(sipc, tmp_path):
    other = bytes(32)
    frames = [A, data(0, 0, b"y", "fwg", session=other), B, ack(0, 1)]
    result = sipc("pcap", "extract", "--split", "--out", tmp_path, "-", stdin=pcap(frames, 101))
    assert result.code == 0 and result.out == "2 sessions\n"
    sizes = {path.name[:2]: [p[1] for p in packets_of(path.read_bytes())]
             for path in tmp_path.iterdir()}
    assert sizes == {"20": [A, B, ack(0, 1)], "00": [frames[1]]}


def test_what_a_simulation_delivers_is_what_is_extracted(sipc, tmp_path, project_dir):
    scenario = project_dir / "simnet" / "scenarios" / "flaky-path.sx"
    for suffix in ("pcapng", "ndjson"):
        assert sipc("sim", "run", scenario, "--trace", tmp_path / f"trace.{suffix}").code == 0
    events = map(json.loads, (tmp_path / "trace.ndjson").read_text().splitlines())
    delivered = sorted(event["size"] for event in events if event.get("kind") == "deliver")
    assert sipc("pcap", "extract", "--out", tmp_path / "out", tmp_path / "trace.pcapng").code == 0
    index = map(json.loads, (tmp_path / "out" / "index.jsonl").read_text().splitlines())
    assert sorted(row["size"] for row in index) == delivered != []


def test_exit_status(sipc, tmp_path):
    assert sipc("pcap", "extract", "-").code == 2
    assert sipc("pcap", "extract", "--out", tmp_path, "-", stdin=pcap([], 101)).code == 5
    assert sipc("pcap", "extract", "--out", tmp_path, "-", stdin=pcap([A], 101)[:-1]).code == 4
    result = sipc("pcap", "extract", "--out", tmp_path / "a" / "b", "-", stdin=pcap([A], 101))
    assert result.code == 4 and "No such file" in result.err
