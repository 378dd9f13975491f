"""The Wireshark dissector through tshark: never an error, found where it should be, preferences,
filters, statistics, installing. What it says of PDUs is tested in ../../witnesses.
SPDX-License-Identifier: MIT"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("scapy", reason="skipped: Scapy is not installed")

FOLDER = Path(__file__).resolve().parents[1]
SOURCES = sorted(FOLDER.glob("*.lua"))
PARTS = [path for path in SOURCES if path.name != "scalableipc.lua"]
sys.path.insert(0, str(FOLDER.parent / "witnesses"))

import golden_captures as captures  # noqa: E402
import scalableipc as layer  # noqa: E402
import through_tshark as tshark  # noqa: E402
from golden_captures import LINK_IPV4, LINK_USER0, MS, udp, write_pcap  # noqa: E402
from scapy.layers.inet import IP, TCP, UDP  # noqa: E402


# ---- never an error ----


def random_pdu(chance):
    """A PDU of random fields, some of them wrong."""
    names = [*layer.BOOLEANS, *layer.INTEGERS, "trace_id", "s_e_0", "s_e_", "", "colour"]
    values = ["True", "false", "7", "-1", "252", "no", "", "1:a", "9" * 30, b"\xff\0", "ä" * 99]
    opts = [layer.option(chance.choice(names), chance.choice(values))
            for _ in range(chance.randrange(6))]
    pdu = layer.ScalableIPC(
        session=bytes([chance.randrange(3)]) * 32, opcode=chance.choice([1, 1, 2, 3, 4, 5, 6, 9]),
        window_id=chance.choice([0, 1, 2, 99, 9 * 10**15, 2**63 - 1, -1]),
        seq_nr=chance.choice([0, 1, 2, 3, 2**31 - 1, -5]), options=opts)
    return bytes(pdu / bytes(chance.randrange(9)))


def mutate(chance, raw):
    """The bytes with some of them changed, cut, doubled."""
    raw = bytearray(raw)
    for _ in range(chance.choice([0, 0, 1, 3])):
        raw[chance.randrange(len(raw))] = chance.choice([0, 1, 57, 127, 255, chance.randrange(256)])
    if chance.random() < 0.2:
        del raw[chance.randrange(len(raw)):]
    if chance.random() < 0.1:
        at = chance.randrange(len(raw) + 1)
        raw[at:at] = chance.randbytes(chance.randrange(300))
    return bytes(raw) or b"\0"


def wild_packets(chance, count):
    """Datagrams and segments, on the port of the protocol and on others; some cut by the
    capture."""
    packets, seq = [], {True: 1, False: 1}
    for number in range(count):
        noise = chance.randbytes(chance.randrange(1, 200))
        raw = mutate(chance, random_pdu(chance) if chance.random() < 0.9 else noise)
        outward, port = chance.random() < 0.6, chance.choice([captures.PORT, 9])
        source, target = ("10.0.0.1", "10.0.0.2")[::1 if outward else -1]
        if chance.random() < 0.5:
            packet = udp(raw, outward, port, port)
        else:
            lower = TCP(sport=7 + port, dport=port, seq=seq[outward], ack=1, flags="PA")
            lower = lower if outward else TCP(sport=port, dport=7 + port, seq=seq[outward], ack=1)
            packet = bytes(IP(src=source, dst=target) / lower / raw)
            seq[outward] += len(raw)
        held = packet[:chance.randrange(20, len(packet) + 1)] if chance.random() < 0.1 else packet
        packets.append((number * MS // 3, held, len(packet)))
    return packets


def test_any_bytes_are_dissected_without_an_error(tmp_path):
    chance = random.Random(20)
    for number, options in enumerate([(), ("-2",)]):
        capture, packets = tmp_path / f"wild{number}.pcap", wild_packets(chance, 1500)
        write_pcap(capture, LINK_IPV4, packets)
        rows = tshark.rows(capture, ["opcode", "discard", "repeat_of"], *options)
        assert len(rows) == 1500
        assert len({reason for row in rows for reason in row["discard"]}) >= 8
        assert sum(bool(row["opcode"]) for row in rows) > 500
        assert any(row["repeat_of"] for row in rows)
        for (_, held, size), row in zip(packets, rows, strict=True):
            packet = IP(held)
            if len(held) == size and UDP in packet and packet[UDP].dport == captures.PORT:
                reason = layer.discard_reason(packet[UDP].payload.original)
                assert row["discard"] == ([reason] if reason else [])


@pytest.mark.parametrize("options", [(), ("-2",)])
def test_packets_may_be_cut_anywhere(options, tmp_path):
    """Segments and datagrams of which the capture holds the first bytes only, down to none."""
    capture, packets = tmp_path / "cut.pcap", []
    raw = bytes(layer.ScalableIPC(options=layer.options("skip", error_code=7))) * 2
    for size in range(len(raw) + 1):
        head = TCP(sport=1000 + size, dport=captures.PORT, seq=1, ack=1, flags="PA")
        for packet in (bytes(IP(src="10.0.0.1", dst="10.0.0.2") / head / raw), udp(raw)):
            packets.append((len(packets) * MS, packet[:len(packet) - size], len(packet)))
    write_pcap(capture, LINK_IPV4, packets)
    rows = tshark.rows(capture, ["opcode", "cut"], *options)
    assert len(rows) == len(packets)
    assert [len(row["opcode"]) for row in rows[:2]] == [2, 1]
    assert sum(len(row["cut"]) for row in rows) > len(packets) // 2


def test_any_packets_of_user0_are_dissected_without_an_error(tmp_path):
    chance, capture = random.Random(21), tmp_path / "user0.pcap"
    raws = [mutate(chance, random_pdu(chance)) for _ in range(1000)]
    write_pcap(capture, LINK_USER0, [(i * MS, raw) for i, raw in enumerate(raws)])
    rows = tshark.rows(capture, ["discard"])
    shown = [row["discard"][0] if row["discard"] else None for row in rows]
    assert shown == [layer.discard_reason(raw) for raw in raws]


def copy_with(folder, name, old, new):
    """The dissector, copied to a folder, with other text in one of its files."""
    for path in SOURCES:
        shutil.copy(path, folder)
    text = (folder / name).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    return folder / tshark.DISSECTOR.name


@pytest.mark.parametrize("name, head, line", [
    ("scalableipc.lua", "local function show_record(root, pdu, record)\n",
     '    root:add(f.nothing, "x")\n'),
    ("scalableipc_track.lua", "local function track(pdu, pinfo, offset)\n",
     "    local x = nil + 1\n"),
    ("scalableipc_wire.lua", "local function decode(bytes, size)\n", "    local x = nil + 1\n"),
])
def test_an_error_in_the_dissector_would_be_seen(name, head, line, tmp_path):
    capture = tmp_path / "one.pcap"
    broken = copy_with(tmp_path, name, head, head + line)
    write_pcap(capture, LINK_IPV4, [(0, udp(layer.ScalableIPC()))])
    with pytest.raises(AssertionError, match="an error in the dissector"):
        tshark.rows(capture, ["opcode"], dissector=broken)


# ---- where PDUs are found ----


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Other ports than the protocol's: a broken PDU, a good one, a broken one again, as datagrams
    and on a stream; then what is no PDU, of ports that never carried one."""
    capture = tmp_path_factory.mktemp("elsewhere") / "elsewhere.pcap"
    good = bytes(layer.ScalableIPC(session=bytes(range(32)), options=layer.options("skip")) / b"x")
    broken = good[:46] + b"\x63" + good[47:]
    packets = [udp(raw, sport=9000, dport=9001) for raw in (broken, good, broken)]
    seq = 1
    for raw in (good, good + broken[:30], broken[30:]):
        segment = TCP(sport=9002, dport=9003, seq=seq, ack=1, flags="PA")
        packets.append(bytes(IP(src="10.0.0.1", dst="10.0.0.2", id=0) / segment / raw))
        seq += len(raw)
    packets.append(udp(bytes(range(200)), sport=9004, dport=9005))
    write_pcap(capture, LINK_IPV4, [(i * MS, packet) for i, packet in enumerate(packets)])
    return capture


@pytest.mark.parametrize("name, options, found", [
    ("by their form", (), [0, 1, 1, 1, 1, 1, 0]),
    ("not by their form", ("heuristic_udp:FALSE", "heuristic_tcp:FALSE"), [0] * 7),
    ("by port", ("udp_ports:9001,9005", "tcp_ports:9000-9003"), [1, 1, 1, 1, 1, 1, 1]),
])
def test_pdus_of_other_ports_are_found(name, options, found, elsewhere):
    settings = [word for option in options for word in ("-o", f"scalableipc.{option}")]
    rows = tshark.rows(elsewhere, ["opcode"], *settings)
    assert [len(row["opcode"]) for row in rows] == found, name


def test_preferences_turn_relations_off(tmp_path):
    capture = captures.make("wrapped", None, tmp_path)
    fields = ["ack_in", "repeat_of", "group.length"]
    settings = [("-2",), ("-2", "-o", "scalableipc.reassemble:FALSE"),
                ("-2", "-o", "scalableipc.track:FALSE")]
    counted = []
    for options in settings:
        rows = tshark.rows(capture, fields, *options)
        counted.append([sum(len(row[field]) for row in rows) for field in fields])
    assert counted[0] == [6, 2, 4]
    assert counted[1] == [6, 2, 0]
    assert counted[2] == [0, 0, 0]


# ---- filters ----


FILTERS = {
    "wrapped": [
        ("scalableipc.window_id == 9000000000000001", 1),
        ("scalableipc.window_id > 9007199254740992", 2),
        ("scalableipc.window_id == 9223372036854775807", 1),
        ("scalableipc.rtt >= 0.01 && scalableipc.is_window_full == 1", 4),
        ('scalableipc.rule == "RTY-1" && scalableipc.repeat_of == 7', 1),
    ],
    "answers": [
        ("scalableipc.error_code == 250 || scalableipc.error_code == 299", 2),
        ("scalableipc.expert.err_3", 1),
        ('scalableipc.option.name == "colour"', 1),
        ('scalableipc.group.attribute.value contains "größe"', 1),
        ("scalableipc.opcode == 3 && scalableipc.abort_code > 3", 2),
        ("scalableipc.copy_of", 4),
    ],
}


@pytest.mark.parametrize("name", FILTERS)
def test_fields_can_be_filtered(name, tmp_path):
    """Frames that pass each filter, all in one run."""
    capture = captures.make(name, None, tmp_path)
    expressions = [expression for expression, _ in FILTERS[name]]
    text, _ = tshark.run(capture, "-q", "-z", ",".join(["io,stat,0", *expressions]))
    (line,) = re.findall(r"^\| *[0-9.]+ <> .*$", text, re.M)
    counts = [int(cell) for cell in re.findall(r"\| +(\d+) ", line.split("<>")[1])][::2]
    assert dict(zip(expressions, counts, strict=True)) == dict(FILTERS[name]), text


def test_each_field_is_in_the_readme():
    text = tshark.DISSECTOR.read_text(encoding="utf-8")
    fields = re.findall(r'^field\("\w+", "([\w.]+)"', text, re.M)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (`.*?) \|", readme, re.M)
    assert len(fields) > 40
    assert sorted(fields) == sorted(re.findall(r"`([\w.]+)`", "".join(table)))


def test_rules_that_are_cited_exist():
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    cited = set(re.findall(r"\b(?!UTF)[A-Z]{3,4}-\d+a?\b", text))
    rules = (FOLDER.parents[1] / "conformance" / "RULES.md").read_text(encoding="utf-8")
    assert len(cited) > 25
    assert cited <= set(re.findall(r"^\| ([A-Z]+-\d+a?) \|", rules, re.M))


# ---- window groups, statistics ----


def test_a_window_group_holds_the_data_of_its_pdus(tmp_path, build_dir):
    capture = captures.make("clean", build_dir / "bin" / "sipc", tmp_path)
    fields = ["frame.number", "data", "group.frame", "group.data", "group.length"]
    rows = tshark.rows(capture, fields)
    data = {row["frame.number"][0]: "".join(row["data"]) for row in rows}
    groups = [row for row in rows if row["group.length"]]
    assert sorted(int(row["group.length"][0]) for row in groups) == [20, 20, 100, 100, 3000, 3000,
                                                                      12000, 12000]
    for row in groups:
        assert "".join(row["group.data"]) == "".join(data[frame] for frame in row["group.frame"])
        assert len(row["group.data"][0]) == 2 * int(row["group.length"][0])


@pytest.mark.parametrize("name", ["lossy", "broken"])
def test_repeats_and_groups_are_what_the_simulator_did(name, tmp_path, build_dir):
    """Its comments count the transmissions of each PDU, its events are what was delivered."""
    sipc = build_dir / "bin" / "sipc"
    capture = captures.make(name, sipc, tmp_path)
    fields = ["frame.comment", "frame.packet_flags_direction", "frame.interface_name", "discard",
              "repeat_nr", "group.length"]
    rows = tshark.rows(capture, fields)
    sent = [row for row in rows if row["frame.packet_flags_direction"] == ["0x00000002"]
            and " data " in row["frame.comment"][0] and row["frame.interface_name"] == ["a>b"]]
    told = [int(re.search(r"transmission (\d+)", row["frame.comment"][0])[1]) for row in sent]
    assert told == [1 + int((row["repeat_nr"] or ["0"])[0]) for row in sent]
    assert max(told) > 2

    events = tmp_path / "events.ndjson"
    captures.simulate(name, sipc, events)
    delivered = [event["size"] for event in map(json.loads, events.read_text().splitlines())
                 if event.get("kind") == "deliver" and event["host"] == "b"]
    shown = [int(row["group.length"][0]) for row in rows if row["group.length"]
             and row["frame.packet_flags_direction"] == ["0x00000001"]
             and row["frame.interface_name"] == ["a>b"]]
    assert delivered and shown == delivered


def conversations(capture, argument):
    """The table of `-z ARGUMENT`: rows as dicts, and the lines behind them."""
    text, _ = tshark.run(capture, "-q", "-z", argument)
    lines = text.splitlines()
    assert lines[0] == "ScalableIPC conversations"
    rows = []
    for line in lines[2:]:
        if line.startswith("discarded"):
            continue
        session, source, _, target, place, *numbers, times = line.split()
        names = ["pdus", "bytes", "data", "repeats", "copies", "acks", "again", "full", "errors",
                 "groups"]
        rows.append({"session": session, "from": source, "to": target, "place": place,
                     "times": times, **dict(zip(names, map(int, numbers), strict=True))})
    return rows, [line for line in lines if line.startswith("discarded")]


def test_conversations_are_counted(tmp_path):
    capture = captures.make("wrapped", None, tmp_path)
    rows, discarded = conversations(capture, "scalableipc,conv")
    there, back = rows
    assert (there["from"], there["to"]) == ("10.0.0.1:40001", "10.0.0.2:40001")
    assert (back["from"], back["to"]) == (there["to"], there["from"])
    assert there["session"] == bytes(range(8)).hex() and there["place"] == "-"
    assert (there["pdus"], there["repeats"], there["groups"], there["acks"]) == (12, 2, 4, 0)
    assert (back["pdus"], back["acks"], back["again"], back["full"]) == (6, 6, 1, 5)
    assert (there["times"], back["times"]) == ("-", "10.000/10.000/10.000")
    assert discarded == []


def test_conversations_are_counted_of_what_passes_a_filter(tmp_path):
    capture = captures.make("answers", None, tmp_path)
    rows, _ = conversations(capture, "scalableipc,conv,scalableipc.error_code > 0")
    assert [(row["pdus"], row["errors"]) for row in rows] == [(7, 7)]


def test_conversations_tell_what_is_discarded(tmp_path, build_dir):
    capture = captures.make("broken", build_dir / "bin" / "sipc", tmp_path)
    _, discarded = conversations(capture, "scalableipc,conv")
    reasons = [layer.discard_reason(IP(packet.original)[UDP].payload.original)
               for packet in captures.read_packets(capture)]
    told = {m[2]: int(m[1]) for line in discarded
            if (m := re.fullmatch(r"discarded: (\d+) for (\w+) \([\w-]+\)", line))}
    assert told == {reason: reasons.count(reason) for reason in set(reasons) - {None}}


# ---- installing, and finding its parts ----


@pytest.mark.parametrize("folder, script", [
    (FOLDER.parents[1], "pcap-tools/wireshark/scalableipc.lua"), (FOLDER, "scalableipc.lua"),
    (FOLDER, "./scalableipc.lua"), (FOLDER / "tests", "../scalableipc.lua"),
])
def test_it_finds_its_parts_from_any_folder(folder, script, tmp_path, monkeypatch):
    capture = captures.make("wrapped", None, tmp_path)
    monkeypatch.chdir(folder)
    rows = tshark.rows(capture, ["window_id"], dissector=script)
    assert rows[0]["window_id"] == ["8999999999999998"]


@pytest.mark.parametrize("part", PARTS, ids=[path.stem for path in PARTS])
def test_a_part_alone_does_nothing(part, tmp_path):
    capture = captures.make("wrapped", None, tmp_path)
    text, _ = tshark.run(capture, dissector=part)
    assert "UDP" in text and "ScalableIPC" not in text


def test_the_line_of_the_readme_installs_it(tmp_path):
    """All of it; and no part runs twice, though Wireshark runs each file of the folder itself."""
    if shutil.which("tshark") is None:
        pytest.skip("skipped: tshark is not installed")
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^    (install .*)$", readme, re.M)
    home = {**os.environ, "HOME": str(tmp_path)}
    home.pop("XDG_CONFIG_HOME", None)
    subprocess.run(["sh", "-c", line], cwd=FOLDER.parents[1], env=home, check=True)
    installed = {path.name: path for path in tmp_path.rglob("*.lua")}
    assert sorted(installed) == [path.name for path in SOURCES]
    for part in PARTS:
        before, after = part.read_text(encoding="utf-8").split("\nreturn {\n")
        text = f'{before}\nio.stderr:write("{part.name} runs\\n")\nreturn {{\n{after}'
        installed[part.name].write_text(text, encoding="utf-8")
    capture = captures.make("wrapped", None, tmp_path)
    done = subprocess.run(["tshark", "-r", capture, "-T", "fields", "-e", "scalableipc.window_id"],
                          env=home, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "8999999999999998"
    assert "Lua" not in done.stderr
    assert [done.stderr.count(f"{part.name} runs") for part in PARTS] == [1, 1]
