"""Three codecs, written apart from each other, on the same captures: the engine's (C, alone and
through `sipc pcap show`), the dissector's (Lua, through tshark) and the Scapy layer's (Python). And
what the dissector makes of these captures, as recorded in golden/ (`test_witnesses.py BUILD`
records it anew).
SPDX-License-Identifier: MIT"""

import functools
import json
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("scapy", reason="skipped: Scapy is not installed")

WITNESSES = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(WITNESSES))

import golden_captures as captures  # noqa: E402
import scalableipc as layer  # noqa: E402
import through_tshark as tshark  # noqa: E402
from scapy.layers.inet import IP, TCP, UDP  # noqa: E402

BYTES = ["session", "option", "terminator", "session_prefix", "data"]
NUMBERS = ["length", "window_id", "seq_nr", "opcode"]
KNOWN = [*layer.BOOLEANS, *layer.INTEGERS]
HEAD = ["length", "session", "window_id", "seq_nr", "opcode"]
GROUPS = ["group.attribute.name", "group.attribute.bytes"]
# What the dissector finds out, for golden/.
FOUND = ["frame.number", "_ws.col.Info", "discard", "rule", "cut", "ack_in", "acks",
         "duplicate_ack_of", "rtt", "repeat_of", "repeat_nr", "copy_of", "group.reassembled_in",
         "group.windows", "group.pdus", "group.length", "group.attribute"]
FIELDS = list(dict.fromkeys([*BYTES, *NUMBERS, *KNOWN, *GROUPS, *FOUND]))
AGREED = [name for name in captures.NAMES if name != "cut"]
GOLDEN = [name for name in captures.NAMES if name != "vectors"]


# ---- the witnesses ----


class Capture:
    """A capture, and what each witness says of it; each is asked once."""

    def __init__(self, name, build_dir, folder):
        self.name, self.bin = name, build_dir / "bin"
        self.path = captures.make(name, self.bin / "sipc", folder)
        self.lua = tshark.rows(self.path, FIELDS, "-2")

    def packets(self):
        """The packets as Scapy reads them."""
        return captures.read_packets(self.path)

    def pdus(self):
        """For each packet a list of the PDUs in it, as bytes. Of a stream: one list for each
        direction."""
        if self.name == "stream":
            return [self.pdus_of_stream(back) for back in (False, True)]
        if self.name == "vectors":
            return [[packet.original] for packet in self.packets()]
        return [[IP(packet.original)[UDP].payload.original] for packet in self.packets()]

    def pdus_of_stream(self, back):
        """The PDUs of one direction, up to what cannot be read: segments in order, each once."""
        segments = {packet[TCP].seq: packet[TCP].payload.original for packet in self.packets()
                    if (packet[TCP].sport == captures.PORT) == back}
        return [pdu.original for pdu in layer.Frames(b"".join(
            segments[seq] for seq in sorted(segments))).pdus]

    def lua_rows(self):
        """The dissector's view, cut as `pdus` is."""
        if self.name != "stream":
            return self.lua
        joined = [{field: [] for field in FIELDS} for _ in range(2)]
        for row, packet in zip(self.lua, self.packets(), strict=True):
            for field in FIELDS:
                joined[packet[TCP].sport == captures.PORT][field] += row[field]
        return joined

    def ask_c(self, pdus):
        """What the engine's codec says of PDUs."""
        lines = "".join(pdu.hex() + "\n" for pdu in pdus)
        done = subprocess.run([self.bin / "decode_lines"], input=lines, capture_output=True,
                              text=True, check=True)
        return [read_line(line) for line in done.stdout.splitlines()]


    def show_lines(self):
        """What `sipc pcap show` says of each PDU."""
        command = [self.bin / "sipc", "pcap", "show", "--json", "--data", "--port",
                   str(captures.PORT), self.path]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        lines = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
        return [pdu for pdu in lines if "size" in pdu]

    def ask_show(self):
        """The same as a list of (came back, verdict), the verdict a reason or the fields."""
        return [(pdu["source"].startswith(captures.THERE_ADDRESS), read_shown(pdu))
                for pdu in self.show_lines()]


def read_shown(pdu):
    """A line of `sipc pcap show --json`: a reason, or the fields as a dict."""
    if "discard" in pdu:
        return pdu["discard"]
    def raw(text):
        return bytes.fromhex(text["hex"]) if isinstance(text, dict) else text.encode()
    return {"opcode": pdu["opcode"], "window_id": pdu["window_id"], "seq_nr": pdu["seq_nr"],
            "session": bytes.fromhex(pdu["session"]), "data": bytes.fromhex(pdu["data"]),
            "options": [(raw(name), raw(value)) for name, value in pdu["options"]]}


def read_line(line):
    """A line of decode_lines: a reason, or the fields as a dict."""
    verdict, *rest = line.split()
    if verdict == "discard":
        return rest[0]
    opcode, window_id, seq_nr, session, data = rest[:5]
    bar = rest.index("|")
    pairs = [part.split("=") for part in rest[5:bar]]
    return {"opcode": opcode, "window_id": int(window_id), "seq_nr": int(seq_nr),
            "session": bytes.fromhex(session), "data": bytes.fromhex(data.replace("-", "")),
            "options": [(bytes.fromhex(k.replace("-", "")), bytes.fromhex(v.replace("-", "")))
                        for k, v in pairs],
            "known": known_of(part.split("=") for part in rest[bar + 1:])}


def known_of(pairs):
    """Values of known options, all of one form."""
    return {word: bytes.fromhex(str(value).replace("-", "")) if word == "trace_id" else int(value)
            for word, value in pairs}


def ask_scapy(raw):
    """What the Scapy layer says of a PDU: a reason, or the fields as a dict."""
    pdu = layer.ScalableIPC(raw)
    if pdu.reason is not None:
        return pdu.reason
    known = {word: value.hex() or "-" if word == "trace_id" else value
             for word, value in pdu.values().items()}
    if pdu.opcode == 3 and known.get("abort_code") == 0:
        known["abort_code"] = 1  # ERR-1
    return {"opcode": layer.OPCODES[pdu.opcode], "window_id": pdu.window_id, "seq_nr": pdu.seq_nr,
            "session": pdu.session, "data": pdu.data,
            "options": [(opt.key, opt.value) for opt in pdu.options],
            "known": known_of(known.items())}


@pytest.fixture(scope="module")
def captured(build_dir, tmp_path_factory):
    """The capture of a name, made once."""
    folder = tmp_path_factory.mktemp("witnesses")
    return functools.cache(lambda name: Capture(name, build_dir, folder))


@pytest.fixture(params=AGREED)
def capture(request, captured):
    """Each capture that is agreed on."""
    return captured(request.param)


# ---- agreement ----


def test_c_and_scapy_agree(capture):
    pdus = [pdu for frame in capture.pdus() for pdu in frame]
    said = [ask_scapy(pdu) for pdu in pdus]
    assert len(said) > 5
    assert said == capture.ask_c(pdus)


def without_known(verdict):
    """A verdict without what the options of a PDU mean, which not every witness tells."""
    if isinstance(verdict, str):
        return verdict
    return {key: value for key, value in verdict.items() if key != "known"}


def test_the_reader_of_captures_agrees(capture):
    shown = capture.ask_show()
    if capture.name == "stream":
        for back, pdus in enumerate(capture.pdus()):
            of_direction = [verdict for came_back, verdict in shown if came_back == back]
            said = [without_known(ask_scapy(pdu)) for pdu in pdus]
            assert of_direction[:len(said)] == said
            assert of_direction[len(said):] == ["length_mismatch"] * (not back)  # WIRE-3: the end
        return
    said = [without_known(ask_scapy(pdu)) for frame in capture.pdus() for pdu in frame]
    assert [verdict for _, verdict in shown] == said


def in_hex(cells):
    return [bytes.fromhex(cell.replace(":", "")) for cell in cells]


def wire_fields(raw):
    """The fields of a PDU of 47 bytes or more as the dissector has to show them."""
    length, session, window_id, seq_nr, opcode = struct.unpack_from("!H32sqiB", raw)
    return {"length": length, "session": session, "window_id": window_id, "seq_nr": seq_nr,
            "opcode": opcode}


def expected_row(raws):
    """What the dissector has to say of the PDUs of a packet, by field."""
    row = {field: [] for field in [*BYTES, *NUMBERS, *KNOWN, "discard"]}
    for raw in raws:
        said = ask_scapy(raw)
        if len(raw) >= layer.HEAD:
            for field, value in wire_fields(raw).items():
                row[field].append(value)
        if isinstance(said, str):
            row["discard"].append(said)
            continue
        row["option"] += [bytes(layer.option(*pair)) for pair in said["options"]]
        row["terminator"].append(b"\0\0")
        row["session_prefix"].append(said["session"][:layer.PREFIX])
        row["data"] += [said["data"]] if said["data"] else []
        for word in KNOWN:
            row[word] += [said["known"][word]] if word in said["known"] else []
    return row


def test_lua_agrees(capture):
    frames, rows = capture.pdus(), capture.lua_rows()
    assert len(frames) == len(rows)
    for number, (raws, row) in enumerate(zip(frames, rows, strict=True), 1):
        expected = expected_row(raws)
        fields = HEAD if expected["discard"] else [*BYTES, *NUMBERS, *KNOWN]
        for field in fields:
            shown = in_hex(row[field]) if field in BYTES else [number_of(c) for c in row[field]]
            shown = shown if raws != [b""] else []
            if field == "abort_code" and row["opcode"] == ["3"]:
                shown = [value or 1 for value in shown]  # ERR-1
            assert shown == expected[field], (number, field)
        assert row["discard"] == expected["discard"] or raws == [b""], number


def number_of(cell):
    return {"True": 1, "False": 0}[cell] if cell in ("True", "False") else int(cell)


# ---- the vectors file ----


def test_all_witnesses_say_what_the_vectors_file_says(captured):
    vectors = captured("vectors")
    pdus, _ = captures.read_vectors()
    said = [ask_scapy(pdu["bytes"]) for pdu in pdus]
    assert len(pdus) > 250
    assert said == vectors.ask_c([pdu["bytes"] for pdu in pdus])
    for pdu, row, verdict in zip(pdus, vectors.lua, said, strict=True):
        name = pdu["name"]
        if "discard" in pdu:
            assert verdict == pdu["discard"], name
            assert row["discard"] == [verdict] or pdu["bytes"] == b"", name
            continue
        opcode, ids = pdu["accept"].split()[:2]
        assert (verdict["opcode"], f"{verdict['window_id']}:{verdict['seq_nr']}") == (opcode, ids)
        for key in ("session", "options", "data"):
            assert verdict[key] == pdu[key], (name, key)
        assert row["discard"] == [], name


def test_discards_cite_the_same_rule(captured):
    vectors = captured("vectors")
    cited = 0
    for pdu, row in zip(vectors.show_lines(), vectors.lua, strict=True):
        if row["discard"]:
            assert pdu["rule"] in row["rule"]
            cited += 1
    assert cited > 100


def test_reasons_of_all_kinds_are_among_the_vectors():
    reasons = {pdu.get("discard") for pdu in captures.read_vectors()[0]} - {None}
    text = tshark.DISSECTOR.with_name("scalableipc_wire.lua").read_text(encoding="utf-8")
    table = text.split("local discards = {")[1].split("\n}\n")[0]
    assert reasons == set(re.findall(r"^    (\w+) = \{", table, re.M))


def shown_attributes(row):
    """Names and values that the dissector shows; an empty value has no bytes to show."""
    values = iter(in_hex(row["group.attribute.bytes"]))
    names = row["group.attribute.name"] or [""] * len(row["group.attribute"])
    pairs = zip(names, row["group.attribute"], strict=True)
    return [(name, b"" if text == f"{name} = " else next(values)) for name, text in pairs]


def test_long_attributes_are_what_the_vectors_file_says(captured):
    capture = captured("long-attributes")
    pdus, groups = captures.read_vectors()
    by_name = {pdu["name"]: pdu for pdu in pdus}
    ends = [row for row in capture.lua if row["group.length"]]
    assert len(ends) == len(groups) > 20
    for group, row in zip(groups, ends, strict=True):
        wanted = [(one["name"], one["value"]) for one in group["longs"] if "name" in one]
        layers = [layer.ScalableIPC(by_name[name]["bytes"]) for name in group["of"]]
        said = layer.attributes_of(layers)
        assert [pair for pair in said if pair is not None][-len(wanted):] == wanted or not wanted
        assert said.count(None) == len(group["longs"]) - len(wanted), group["name"]
        shown = shown_attributes(row)
        assert len(shown) == len(said) - said.count(None), group["name"]
        plain = len(shown) - len(wanted)
        assert shown[plain:] == [(name.decode(), value) for name, value in wanted], group["name"]
        assert ("OPT-8" in row["rule"]) == (None in said), group["name"]


# ---- what the dissector finds out ----


def golden_text(capture):
    """A line for each packet: what was found out, `field=value` each."""
    lines = []
    for row in capture.lua:
        words = [f"{field}={','.join(row[field])}" for field in FOUND[2:] if row[field]]
        info = "".join(row["_ws.col.Info"])
        lines.append("  ".join([row["frame.number"][0], info, *words]))
    return "".join(re.sub(r"[^ -~]", "?", line) + "\n" for line in lines)


@pytest.mark.parametrize("name", GOLDEN)
def test_what_the_dissector_finds_out_is_as_recorded(name, captured):
    golden = (WITNESSES / "golden" / f"{name}.txt").read_text(encoding="utf-8")
    assert golden_text(captured(name)) == golden


def record(build_dir):
    """Writes golden/ anew."""
    with tempfile.TemporaryDirectory() as folder:
        for name in GOLDEN:
            text = golden_text(Capture(name, build_dir, folder))
            (WITNESSES / "golden" / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    record(Path(sys.argv[1]).resolve())
