"""Receiving data: windows, groups, acks and the opening restrictions of a receiver (RCV, ACK, GRP,
SEQ, OPN), as conversations."""

from __future__ import annotations

import pytest
from pyendpoint_harness import SESSION, Driver, ack, data, options
from scalableipc_endpoint import pdu
from scalableipc_endpoint.pdu import Pdu

WHOLE = "first last end skip"
FULL = "full max=4"

# (PDU in, PDUs out); delivered in the end
CONVERSATIONS = {
    "in order": (
        [
            (data(0, 0, "first skip", b"a"), ["data_ack 0:0"]),
            (data(0, 1, "", b"b"), ["data_ack 0:1"]),
            (data(0, 2, "last end", b"c"), [f"data_ack 0:2 {FULL}"]),
        ],
        [b"abc"],
    ),
    "out of order: no ack before seq_nr 0 (ACK-1)": (
        [
            (data(0, 2, "last end", b"c"), []),
            (data(0, 1, "", b"b"), []),
            (data(0, 0, "first skip", b"a"), [f"data_ack 0:2 {FULL}"]),
        ],
        [b"abc"],
    ),
    "a gap: acked up to it": (
        [
            (data(0, 0, "first skip", b"a"), ["data_ack 0:0"]),
            (data(0, 2, "last end", b"c"), ["data_ack 0:0"]),
            (data(0, 0, "first skip", b"a"), ["data_ack 0:0"]),
            (data(0, 1, "", b"b"), [f"data_ack 0:2 {FULL}"]),
        ],
        [b"abc"],
    ),
    "another window id clears the window (RCV-1)": (
        [
            (data(0, 0, "first skip", b"a"), ["data_ack 0:0"]),
            (data(1, 1, "last end", b"y"), []),
            (data(1, 0, "first", b"x"), [f"data_ack 1:1 {FULL}"]),
        ],
        [b"xy"],
    ),
    "first_in_window_group clears the group (RCV-2)": (
        [
            (data(0, 0, "first last skip", b"lost"), [f"data_ack 0:0 {FULL}"]),
            (data(1, 0, "first last", b"a"), [f"data_ack 1:0 {FULL}"]),
            (data(2, 0, "last end", b"b"), [f"data_ack 2:0 {FULL}"]),
        ],
        [b"ab"],
    ),
    "a new last_in_window clears the old one and all behind it (RCV-3)": (
        [
            (data(0, 3, "last end", b"z"), []),
            (data(0, 2, "", b"y"), []),
            (data(0, 1, "last end", b"b"), []),
            (data(0, 0, "first skip", b"a"), [f"data_ack 0:1 {FULL}"]),
        ],
        [b"ab"],
    ),
    "what a last_in_window cleared must come again (RCV-3)": (
        [
            (data(0, 2, "", b"y"), []),
            (data(0, 1, "last end", b"b"), []),
            (data(0, 1, "", b"b"), []),
            (data(0, 0, "first skip", b"a"), ["data_ack 0:1"]),
        ],
        [],
    ),
    "a lower last_in_window is cleared too: it must come again (RCV-3)": (
        [
            (data(0, 1, "last", b"b"), []),
            (data(0, 2, "last end", b"c"), []),
            (data(0, 0, "first skip", b"a"), ["data_ack 0:0"]),
            (data(0, 1, "", b"B"), [f"data_ack 0:2 {FULL}"]),
        ],
        [b"aBc"],
    ),
    "an occupied position is replaced (RCV-4)": (
        [
            (data(0, 1, "last end", b"old"), []),
            (data(0, 1, "last end", b"new"), []),
            (data(0, 0, "first skip", b"a"), [f"data_ack 0:1 {FULL}"]),
        ],
        [b"anew"],
    ),
    "a stray PDU behind last_in_window does not count (RCV-5)": (
        [
            (data(0, 1, "last end", b"b"), []),
            (data(0, 2, "", b"stray"), []),
            (data(0, 0, "first skip", b"a"), [f"data_ack 0:1 {FULL}"]),
        ],
        [b"ab"],
    ),
    "a full buffer ends the window (RCV-6)": (
        [
            (data(0, 0, "first skip", b"a"), ["data_ack 0:0"]),
            (data(0, 1, "", b"b"), ["data_ack 0:1"]),
            (data(0, 2, "", b"c"), ["data_ack 0:2"]),
            (data(0, 3, "", b"d"), [f"data_ack 0:3 {FULL}"]),
            (data(0, 4, "last end", b"e"), [f"data_ack 0:3 {FULL}"]),  # WID-7
            (data(1, 0, "last end", b"e"), [f"data_ack 1:0 {FULL}"]),
        ],
        [b"abcde"],
    ),
    "last_in_window_group alone is nothing (RCV-7)": (
        [
            (data(0, 0, "first end skip", b"a"), ["data_ack 0:0"]),
            (data(0, 1, "last", b"b"), [f"data_ack 0:1 {FULL}"]),
            (data(1, 0, "last end", b"c"), [f"data_ack 1:0 {FULL}"]),
        ],
        [b"abc"],
    ),
    "last_in_window_group alone is nothing where the buffer fills either (RCV-7)": (
        [
            (data(0, 2, "", b"c"), []),
            (data(0, 1, "", b"b"), []),
            (data(0, 3, "end", b"d"), []),
            (data(0, 0, "first skip", b"a"), [f"data_ack 0:3 {FULL}"]),
            (data(1, 0, "last end", b"e"), [f"data_ack 1:0 {FULL}"]),
        ],
        [b"abcde"],
    ),
    "a group handed over is over (RCV-8)": (
        [
            (data(0, 0, WHOLE, b"a"), [f"data_ack 0:0 {FULL}"]),
            (data(1, 0, "last end", b"b"), ["data_ack 1:0 error=254"]),
        ],
        [b"a"],
    ),
    "a tail without beginning (RCV-11)": (
        [
            (data(0, 0, "last end skip", b"tail"), ["data_ack 0:0 error=254"]),
            (data(1, 0, "first last end", b"a"), [f"data_ack 1:0 {FULL}"]),
        ],
        [b"a"],
    ),
    "seq_nr at the window's size is invalid (SEQ-1)": (
        [
            (data(0, 0, "first skip", b"a"), ["data_ack 0:0"]),
            (data(0, 4, "last end", b"x"), []),
            (data(0, 1, "last end", b"b"), [f"data_ack 0:1 {FULL}"]),
        ],
        [b"ab"],
    ),
    "a one-window group while opening (OPN-3)": (
        [
            (data(0, 0, "first last end", b"a"), ["data_ack 0:0 error=253"]),
            (data(1, 0, "first last", b"b"), [f"data_ack 1:0 {FULL}"]),
            (data(2, 0, "last end", b"c"), [f"data_ack 2:0 {FULL}"]),
            (data(3, 0, "first last end", b"d"), [f"data_ack 3:0 {FULL}"]),
        ],
        [b"bc", b"d"],
    ),
    "an empty message": (
        [(data(0, 0, WHOLE), [f"data_ack 0:0 {FULL}"])],
        [b""],
    ),
    "an ack is no beginning of a session (END-2)": (
        [(ack(0, 0), []), (data(0, 0, WHOLE, b"a"), [f"data_ack 0:0 {FULL}"])],
        [b"a"],
    ),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversation(name: str) -> None:
    steps, delivered = CONVERSATIONS[name]
    end = Driver(max_window_size=4)
    for step, (got, answers) in enumerate(steps):
        assert end.rx(got) == answers, f"step {step}"
    assert end.payloads == delivered


def test_254_can_be_turned_off_for_the_original() -> None:
    end = Driver(require_first_in_window_group=False)
    assert end.rx(data(0, 0, "last end skip", b"a")) == ["data_ack 0:0 full max=16"]
    assert end.payloads == [b"a"]


def test_attributes_are_handed_over_without_the_framing() -> None:
    end = Driver()
    own = (
        (b"a", b"1"), (b"s_20", b"7"), (b"a", b"2"), (b"s_99", b"kept"), (b"\xff", b"\xfe"),
        (b"s_traceId", b"t"), (b"s_e_x", b"1:lv"), (b"s_e_x", b"alue"), (b"s_e_y", b"1:a3"),
    )  # fmt: skip
    end.rx(Pdu(SESSION, 0, 0, pdu.DATA, options(WHOLE) + own))
    assert end.delivered[0]["attributes"] == [
        ["a", "1"],
        ["a", "2"],
        ["s_99", "kept"],
        [{"hex": "ff"}, {"hex": "fe"}],
        ["s_traceId", "t"],
        ["l", "value"],
        ["a", "3"],
    ]


def test_a_long_attribute_that_cannot_be_decoded_is_error_251() -> None:
    end = Driver()
    bad = ((b"s_e_0", b"9:short"),)
    assert end.rx(Pdu(SESSION, 0, 0, pdu.DATA, options(WHOLE) + bad)) == ["data_ack 0:0 error=251"]
    assert end.rx(data(0, 0, WHOLE)) == ["data_ack 0:0 error=251"]  # a processed window (ACK-3)
    assert end.payloads == []


@pytest.mark.parametrize(("size", "answer"), [(600, "full max=16"), (601, "error=250")])
def test_the_group_limit(size: int, answer: str) -> None:
    end = Driver(group_bytes_max=600)
    end.rx(data(0, 0, "first last skip", b"x" * 300))
    attribute = ((b"ab", b"cd"),)
    last = Pdu(SESSION, 1, 0, pdu.DATA, options("last end") + attribute, b"y" * (size - 304))
    assert end.rx(last) == [f"data_ack 1:0 {answer}"]
    assert [len(payload) for payload in end.payloads] == ([size - 4] if size == 600 else [])


def test_empty_pdus_cannot_fill_the_memory() -> None:
    end = Driver(max_window_size=1)
    end.rx(data(0, 0, "first last skip"))
    answers = [end.rx(data(window_id, 0, "last"))[0] for window_id in range(1, 1_200)]
    assert sum("error=250" in answer for answer in answers) == 1


def test_sending_while_opening_refuses_data_and_keeps_its_id_usable() -> None:
    end = Driver(max_retry_count=0).open()
    end.send("a", b"x")
    for window_id, seq_nr in ((0, 0), (0, 5), (100, 0)):
        answers = end.rx(data(window_id, seq_nr, "first last"))
        assert answers == [f"data_ack {window_id}:{seq_nr} error=252"]
    end.advance_ms(1_000)
    assert end.results["a"] == ("timeout", -3)
    assert end.rx(data(0, 0, "first last", b"p")) == ["data_ack 0:0 full max=16"]  # OPN-2a


def test_receiving_while_opening_refuses_sends_until_it_is_over() -> None:
    end = Driver(open_timeout_ms=0)
    end.rx(data(0, 0, "first last", b"p"))
    end.send("a", b"x")
    assert end.results["a"] == ("refused", 0)
    end.advance_ms(3_999)
    end.send("b", b"x")
    assert end.results["b"] == ("refused", 0)
    end.advance_ms(1)  # (max_retry_count + 1) ack_timeouts: the peer has given up (OPN-5a)
    end.send("c", b"x")
    assert end.sent == ["data 0:0 first last 'x'"]


def test_an_error_ack_ends_receiving() -> None:
    end = Driver()
    end.rx(data(0, 0, "first last end", b"p"))
    end.send("a", b"x")
    assert end.sent == ["data 0:0 first last 'x'"]


def test_skip_opens_whatever_is_going_on() -> None:
    end = Driver().open()
    end.send("a", b"x")
    assert end.rx(data(0, 0, "first last end skip", b"p")) == ["data_ack 0:0 full max=16"]
    assert end.states == [("opened", None)] and end.payloads == [b"p"]


@pytest.mark.parametrize("opcode", range(pdu.CLOSE, pdu.ENQUIRE_LINK_ACK + 1))
def test_in_opening_nothing_but_data_and_its_acks_counts(opcode: int) -> None:
    end = Driver().open()
    assert end.rx(Pdu(SESSION, 0, 0, opcode)) == []
    assert end.discarded == ["OPN-1 state"] and end.state() == "opening"


def test_a_discarded_pdu_changes_nothing() -> None:
    end = Driver(idle_timeout_ms=500)
    end.rx(data(0, 0, WHOLE))
    deadline = end.deadline
    end.advance_ms(400)
    encoded = bytearray(pdu.encode(data(1, 0, "first last end", b"x")))
    encoded[-3] ^= 1
    assert end.rx(bytes(encoded)) == [] and end.rx(data(101, 0)) == [] and end.rx(b"") == []
    assert end.deadline == deadline
    assert end.endpoint.discards == {"session_prefix": 1, "window_id": 1, "too_short": 1}
