"""The codec against the project's vectors (engine/tests/vectors/pdu.txt; its head describes the
format), and what no vector can show: encoding, cut and altered PDUs, long attributes sent."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from scalableipc_endpoint import pdu, sender
from scalableipc_endpoint.pdu import Discard, Pdu

VECTORS = Path(__file__).resolve().parents[3] / "engine" / "tests" / "vectors" / "pdu.txt"
PIECE = re.compile(r'(?:"([^"]*)"|([0-9a-f]*))(?:\*([0-9]+))?')


def read_bytes(text: str) -> bytes:
    """BYTES of the vectors: hex pairs and quoted ASCII, each maybe repeated."""
    made = b""
    at = 0
    while at < len(text):
        match = PIECE.match(text, at)
        assert match is not None and match.end() > at, f"not BYTES: {text!r}"
        quoted, digits, count = match.groups()
        piece = bytes.fromhex(digits) if quoted is None else quoted.encode("ascii")
        made += piece * int(count or 1)
        at = match.end()
        while at < len(text) and text[at] == " ":
            at += 1
    return made


@dataclass
class Block:
    """One block: its lines by key, in order."""

    kind: str
    name: str
    lines: list[tuple[str, str]] = field(default_factory=list)

    def all(self, key: str) -> list[str]:
        return [value for line_key, value in self.lines if line_key == key]

    def bytes(self, key: str) -> bytes:
        return b"".join(map(read_bytes, self.all(key)))


def read_vectors() -> list[Block]:
    blocks: list[Block] = []
    for line in VECTORS.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        key, _, value = line.partition(" ")
        if key in ("pdu", "group"):
            blocks.append(Block(key, value.strip()))
        else:
            blocks[-1].lines.append((key, value.strip()))
    return blocks


BLOCKS = read_vectors()
PDUS = {block.name: block for block in BLOCKS if block.kind == "pdu"}
GROUPS = [block for block in BLOCKS if block.kind == "group"]


SPEC_NAMES = {
    pdu.FIRST_IN_WINDOW_GROUP: "first_in_window_group",
    pdu.LAST_IN_WINDOW: "last_in_window",
    pdu.LAST_IN_WINDOW_GROUP: "last_in_window_group",
    pdu.SKIP: "skip",
    pdu.IS_WINDOW_FULL: "is_window_full",
    pdu.MAX_WINDOW_SIZE: "max_window_size",
    pdu.ERROR_CODE: "error_code",
    pdu.ABORT_CODE: "abort_code",
    pdu.IDLE_TIMEOUT: "idle_timeout",
}


def fields_of(got: Pdu) -> str:
    """The `accept` line of a PDU."""
    words = [f"{pdu.OPCODES[got.opcode]} {got.window_id}:{got.seq_nr}"]
    present = {name for name, _ in got.options}
    for name, word in SPEC_NAMES.items():
        if name == pdu.ABORT_CODE and got.opcode == pdu.CLOSE:
            words.append(f"{word}={got.get(name) or pdu.ABORT_NORMAL}")  # ERR-1
        elif name in present:
            words.append(f"{word}={str(got.get(name)).lower()}")
    return " ".join(words)


@pytest.mark.parametrize("block", PDUS.values(), ids=list(PDUS))
def test_decode_agrees_with_the_vector(block: Block) -> None:
    datagram = block.bytes("bytes")
    discard = block.all("discard")
    if discard:
        with pytest.raises(Discard) as raised:
            pdu.decode(datagram)
        assert [raised.value.reason] == discard
        return
    got = pdu.decode(datagram)
    assert [fields_of(got)] == [" ".join(line.split()) for line in block.all("accept")]
    assert got.session == block.bytes("session")
    split = [line.split(" = ") for line in block.all("option")]
    assert got.options == tuple((read_bytes(name), read_bytes(value)) for name, value in split)
    assert got.data == block.bytes("data")
    assert pdu.encode(got) == datagram


@pytest.mark.parametrize("block", GROUPS, ids=[block.name for block in GROUPS])
def test_long_attributes_agree_with_the_vector(block: Block) -> None:
    members = [pdu.decode(PDUS[name].bytes("bytes")) for name in block.all("of")]
    options = [option for member in members for option in member.options]
    wanted: dict[bytes, list[tuple[bytes, bytes]]] = {}
    for line_key, value in block.lines:
        if line_key == "long":
            key = read_bytes(value)
            wanted[key] = []
        elif line_key == "name":
            wanted[key].append((read_bytes(value), block_value(block, len(wanted) - 1)))
    keys = dict.fromkeys(name for name, _ in options if name.startswith(pdu.LONG_PREFIX))
    assert list(keys) == list(wanted)
    for key, expected in wanted.items():
        of_key = [option for option in options if option[0] == key]
        if expected:
            assert pdu.join_attributes(of_key) == expected
        else:
            with pytest.raises(ValueError):
                pdu.join_attributes(of_key)


def block_value(block: Block, index: int) -> bytes:
    """The `value` line of the index-th long attribute."""
    at = -1
    for line_key, value in block.lines:
        at += line_key == "long"
        if at == index and line_key == "value":
            return read_bytes(value)
    raise AssertionError(f"{block.name}: no value for long {index}")


def test_there_are_vectors_of_both_kinds() -> None:
    assert len(PDUS) > 100 and len(GROUPS) > 10


def test_a_pdu_cut_anywhere_is_discarded() -> None:
    whole = pdu.encode(Pdu(bytes(range(32)), 1, 2, pdu.DATA, ((b"n", b"v"), (pdu.SKIP, b"True"))))
    for size in range(len(whole)):
        with pytest.raises(Discard):
            pdu.decode(whole[:size])
        resized = size.to_bytes(2, "big") + whole[2:size]
        with pytest.raises(Discard):
            pdu.decode(resized)


def test_any_bytes_either_decode_and_encode_back_or_are_discarded() -> None:
    chance = random.Random(1)
    whole = pdu.encode(
        Pdu(bytes(range(32)), 1, 2, pdu.CLOSE, ((pdu.ABORT_CODE, b"7"), (b"", b"x")), b"data")
    )
    outcomes = set()
    for _ in range(5_000):
        altered = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            altered[chance.randrange(len(altered))] = chance.randrange(256)
        try:
            assert pdu.encode(pdu.decode(bytes(altered))) == altered
            outcomes.add("accepted")
        except Discard as discard:
            outcomes.add(discard.reason)
    assert outcomes >= {"accepted", "session_prefix", "opcode", "option_lengths", "option_value"}


@pytest.mark.parametrize(
    ("what", "made"),
    [
        ("negative window id", Pdu(bytes(32), -1, 0, pdu.DATA)),
        ("negative seq_nr", Pdu(bytes(32), 0, -1, pdu.DATA)),
        ("opcode 7", Pdu(bytes(32), 0, 0, 7)),
        ("too long", Pdu(bytes(32), 0, 0, pdu.DATA, (), bytes(65_444))),
        ("NUL in a name", Pdu(bytes(32), 0, 0, pdu.DATA, ((b"a\0b", b""),))),
        ("option too long", Pdu(bytes(32), 0, 0, pdu.DATA, ((b"n", bytes(65_534)),))),
    ],
)
def test_what_may_not_travel_is_not_encoded(what: str, made: Pdu) -> None:
    with pytest.raises(ValueError):
        pdu.encode(made)


@pytest.mark.parametrize("room", [40, 41, 42, 43, 100, 403])
@pytest.mark.parametrize("name", ["n", "", "näme", "\U0001f600"])
def test_a_long_attribute_comes_back_from_its_pieces(room: int, name: str) -> None:
    pairs = [(name.encode(), b"plain" * 100), (b"other", "€öz".encode() * 70), (b"s", b"hort")]
    options = tuple(pdu.fit_attributes(pairs, room))
    assert all(len(pdu.encode_option(*option)) <= room for option in options)
    decoded = pdu.decode(pdu.encode(Pdu(bytes(32), 0, 0, pdu.DATA, options))).options
    assert sorted(pdu.join_attributes(decoded)) == sorted(pairs)
    keys = {key for key, _ in decoded if key.startswith(pdu.LONG_PREFIX)}
    assert keys == {b"s_e_0", b"s_e_1"}


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        (b"s_00", b"True", False),
        (b"s_20", b"1", False),
        (b"s_error_code", b"250", False),
        (b"s_abort_code", b"1", False),
        (b"s_e_", b"", False),
        (b"s_e_0", b"1:nv", False),
        (b"a\0b", b"", False),
        (b"s_idle_timeout", b"100", True),
        (b"s_idle_timeout", b"soon", False),
        (b"s_traceId", b"anything", True),
        (b"s_03", b"true", True),
        (b"s_03", b"maybe", False),
        (b"s_99", b"unknown", True),
        (b"s_E_0", b"", True),
        (b"", b"", True),
    ],
)
def test_which_attributes_may_be_set(name: bytes, value: bytes, allowed: bool) -> None:
    if allowed:
        sender.check_attributes([(name, value)])
    else:
        with pytest.raises(sender.Refused):
            sender.check_attributes([(name, value)])
