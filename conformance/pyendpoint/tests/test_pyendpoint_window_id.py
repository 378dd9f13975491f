"""Window ids at their boundaries, in both directions (WID-1..11)."""

from __future__ import annotations

import pytest
from pyendpoint_harness import Driver, ack, data
from scalableipc_endpoint import pdu
from scalableipc_endpoint.receiver import PeerIds
from scalableipc_endpoint.sender import OwnIds

TOP = 9_000_000_000_000_000
WHOLE = "first last end skip"


def peer_ids(minimum: int | None, processed: bool) -> PeerIds:
    ids = PeerIds(100, TOP)
    ids.minimum, ids.processed = minimum, processed
    return ids


@pytest.mark.parametrize(
    ("case", "minimum", "processed", "window_id", "valid"),
    [
        ("first, lowest", None, False, 0, True),
        ("first, highest", None, False, 100, True),
        ("first, too high", None, False, 101, False),
        ("min - 1", 7, False, 6, False),
        ("min, still open", 7, False, 7, True),
        ("min, processed", 7, True, 7, False),
        ("min + 1", 7, True, 8, True),
        ("min + 100", 7, False, 107, True),
        ("min + 101", 7, False, 108, False),
        ("9E15 from below", TOP - 100, True, TOP, True),
        ("9E15 + 1 from below", TOP - 50, True, TOP + 1, False),
        ("no wrap below 9E15", TOP - 1, True, 0, False),
        ("wrap from 9E15, lowest", TOP, True, 0, True),
        ("wrap from 9E15, highest", TOP, True, 100, True),
        ("wrap from 9E15, too high", TOP, True, 101, False),
        ("wrap while 9E15 is incomplete", TOP, False, 50, True),
        ("9E15 itself, incomplete", TOP, False, TOP, True),
        ("9E15 itself, processed", TOP, True, TOP, False),
        ("9E15 after the wrap", 3, False, TOP, False),
    ],
)
def test_what_a_receiver_takes(
    case: str, minimum: int | None, processed: bool, window_id: int, valid: bool
) -> None:
    assert peer_ids(minimum, processed).is_valid(window_id) is valid


def own_ids(following: int, acked: int | None) -> OwnIds:
    return OwnIds(100, TOP, following, acked)


@pytest.mark.parametrize(
    ("case", "following", "acked", "top", "free", "free_for_close"),
    [
        ("fresh", 0, None, 100, True, True),
        ("last below top, nothing acked", 99, None, 100, True, True),
        ("top, nothing acked", 100, None, 100, False, True),
        ("a + 99", 106, 7, 107, True, True),
        ("a + 100 is top", 107, 7, 107, False, True),
        ("top stays at 9E15", TOP - 1, TOP - 10, TOP, True, True),
        ("9E15 is a top", TOP, TOP - 10, TOP, False, True),
        ("after 9E15 was acked", 0, TOP, 100, True, True),
        ("after the wrap, top", 100, TOP, 100, False, True),
    ],
)
def test_what_a_sender_uses(
    case: str, following: int, acked: int | None, top: int, free: bool, free_for_close: bool
) -> None:
    ids = own_ids(following, acked)
    assert (ids.next, ids.top) == (following, top)
    assert ids.is_free() is free
    assert ids.is_free(for_close=True) is free_for_close


def test_once_a_resync_has_used_top_a_close_may_not() -> None:
    ids = own_ids(107, 7)
    assert ids.use(ids.top) == 107
    assert not ids.is_free(for_close=True)
    assert ids.use(ids.top) == 107  # the same id each time
    assert ids.on_ack(107)
    assert (ids.next, ids.top) == (108, 207)


def test_the_wrap_waits_for_the_ack_of_9e15() -> None:
    ids = own_ids(TOP, TOP - 10)
    ids.use(ids.top)
    assert ids.next == TOP + 1 and not ids.is_free(for_close=True)
    assert ids.on_ack(TOP)
    assert (ids.next, ids.top, ids.is_free()) == (0, 100, True)


@pytest.mark.parametrize(
    ("case", "window_id", "moved", "acked"),
    [
        ("older than a", 4, False, 5),
        ("a again", 5, False, 5),
        ("the oldest since", 6, True, 6),
        ("the newest used", 8, True, 8),
        ("never used", 9, False, 5),
    ],
)
def test_which_acks_move_a(case: str, window_id: int, moved: bool, acked: int) -> None:
    ids = own_ids(6, 5)
    for _ in range(3):
        ids.use(ids.next)
    assert ids.on_ack(window_id) is moved
    assert ids.acked == acked


def test_an_ack_older_than_a_moves_nothing() -> None:
    ids = own_ids(6, 5)
    for _ in range(3):
        ids.use(ids.next)
    assert ids.on_ack(8)
    assert not ids.on_ack(6)
    assert ids.acked == 8


@pytest.mark.parametrize(
    ("following", "acked"),
    [(101, None), (108, 7), (7, 7), (TOP + 1, TOP - 1), (101, TOP), (0, 5)],
)
def test_a_preset_that_breaks_the_rules_is_refused(following: int, acked: int | None) -> None:
    with pytest.raises(ValueError):
        own_ids(following, acked)


def test_a_preset_after_an_acked_window_is_refused() -> None:
    end = Driver()
    end.open().send("a", b"")
    end.rx(ack(0, 0))  # none is unacked, and ids were used all the same
    answer = end.ask("preset", session=end.session, next_window_id=0, acked_window_id=-1,
                     min_window_id=-1)
    assert not answer["ok"] and "not fresh" in answer["error"]


def test_a_repeated_window_gets_the_very_ack_it_had_in_every_state() -> None:
    end = Driver()
    first = end.rx(data(0, 0, WHOLE, b"a"))
    assert first == ["data_ack 0:0 full max=16"]
    before = end.outs
    for seq_nr in (0, 5, 99):
        assert end.rx(data(0, seq_nr, "last", b"x")) == first
        assert end.outs[0]["tx"] == next(out["tx"] for out in before if "tx" in out)
    end.rx(data(1, 1, "last"))  # still open: window 0 remains the last processed
    assert end.rx(data(0, 0, WHOLE)) == first
    end.do("close", remote="P", label="c", code=2)
    assert end.state() == "awaiting_disposal"
    assert end.rx(data(0, 0, WHOLE)) == first
    assert end.rx(pdu.Pdu(data(0, 0).session, 0, 0, pdu.CLOSE)) == []  # other opcode
    assert end.payloads == [b"a"]


def test_a_close_that_was_acked_is_repeated_too() -> None:
    end = Driver()
    end.rx(data(0, 0, WHOLE))
    close = pdu.Pdu(data(0, 0).session, 3, 0, pdu.CLOSE)
    assert end.rx(close) == ["close_ack 3:0 full"]
    assert end.rx(close) == ["close_ack 3:0 full"]
    assert end.states == []
    assert end.rx(data(0, 0, WHOLE)) == []  # no longer the last processed


def test_an_id_that_failed_is_not_used_again() -> None:
    end = Driver(max_retry_count=0).open()
    end.send("a", b"x", skip=True)
    assert end.sent == ["data 0:0 first last end skip 'x'"]
    end.advance_ms(1_000)
    assert end.results["a"] == ("timeout", -3)
    end.send("b", b"y", skip=True)
    assert end.sent == ["data 1:0 first last end skip 'y'"]
    assert end.rx(ack(0, 0, "full")) == []  # WID-9: the late ack of the first
    assert "b" not in end.results


def drive_to_top(**settings: int) -> Driver:
    """A session whose next id is top."""
    end = Driver(max_retry_count=1, **settings).open()
    end.do("preset", next_window_id=107, acked_window_id=7, min_window_id=-1)
    return end


def test_an_operation_at_top_resyncs_and_goes_on() -> None:
    end = drive_to_top()
    end.send("a", b"x", skip=True)
    assert end.sent == ["data 107:0"]
    assert end.advance_ms(1_000) == ["data 107:0"]  # RTY
    assert end.rx(ack(107, 0)) == ["data 108:0 first last end skip 'x'"]
    end.rx(ack(108, 0, "full"))
    assert end.results["a"] == ("ok", 0)


@pytest.mark.parametrize(
    ("case", "words", "counts"),
    [
        ("any other error is success", "error=254", True),
        ("full is success", "full max=1", True),
        ("any seq_nr is success", "seq_nr=3", True),
        ("252 is none", "error=252", False),
    ],
)
def test_which_ack_of_a_resync_counts(case: str, words: str, counts: bool) -> None:
    end = drive_to_top()
    end.send("a", b"x", skip=True)
    seq_nr = 3 if "seq_nr" in words else 0
    end.rx(ack(107, seq_nr, words.replace("seq_nr=3", "")))
    assert bool(end.sent) is counts and end.results.get("a") is None
    if not counts:
        assert end.advance_ms(1_000) == ["data 107:0"]  # RTY: the peer may have stopped sending
        assert end.rx(ack(107, 0)) == ["data 108:0 first last end skip 'x'"]


@pytest.mark.parametrize("retries", [0, 1])
def test_a_resync_that_makes_9e15_top_is_followed_by_another(retries: int) -> None:
    end = Driver(max_retry_count=1).open()
    end.do("preset", next_window_id=TOP - 1, acked_window_id=TOP - 101, min_window_id=-1)
    end.send("a", b"x", skip=True)
    assert end.sent == [f"data {TOP - 1}:0"]
    if retries:
        assert end.advance_ms(1_000) == [f"data {TOP - 1}:0"]
    assert end.rx(ack(TOP - 1, 0)) == []  # a success; but the next id is top again
    assert end.advance_ms(1_000) == [f"data {TOP}:0"]
    assert end.advance_ms(1_000) == [f"data {TOP}:0"]  # its own RTY
    assert end.rx(ack(TOP, 0)) == ["data 0:0 first last end skip 'x'"]


def test_a_late_ack_of_an_older_id_ends_the_resync() -> None:
    end = drive_to_top()
    end.send("a", b"x", skip=True)
    assert end.sent == ["data 107:0"]
    assert end.rx(ack(8, 0, "full")) == []  # top is 108 now, and so is the next id
    assert end.advance_ms(1_000) == ["data 107:0"]  # a retry keeps its id
    assert end.rx(ack(9, 0, "full max=2")) == ["data 108:0 first last end skip 'x'"]


def test_resyncs_keep_an_ack_timeout_apart() -> None:
    end = drive_to_top(aftermath="manual")  # type: ignore[arg-type]
    end.send("a", b"x", skip=True)
    token = end.tokens[0]
    end.advance_ms(400)
    end.do("sent", token=token, success=False)
    assert end.results["a"] == ("network_error", -5)
    end.send("b", b"y", skip=True)
    assert end.sent == []  # the rest of the time, or the ack, is waited for
    assert end.advance_ms(599) == []
    assert end.advance_ms(1) == ["data 107:0"]
    assert end.rx(ack(107, 0)) == ["data 108:0 first last end skip 'y'"]


def test_an_operation_waiting_to_resync_goes_on_with_the_ack_of_the_last() -> None:
    end = drive_to_top()
    end.send("f", b"x", "send_unreliable", skip=True)
    assert end.results["f"] == ("not_sent", 0)
    assert end.sent == ["data 107:0"]
    end.send("g", b"x", "send_unreliable", skip=True)
    assert end.results["g"] == ("not_sent", 0) and end.sent == []
    end.send("a", b"y", skip=True)
    assert end.sent == []
    assert end.rx(ack(107, 0)) == ["data 108:0 first last end skip 'y'"]


def opened_at_top() -> Driver:
    end = drive_to_top()
    end.rx(data(0, 0, WHOLE))
    assert end.state() == "opened"
    return end


def test_a_close_may_carry_top() -> None:
    end = opened_at_top()
    end.do("close", remote="P", label="c", code=1)
    assert end.sent == ["close 107:0 abort=1"]


def test_a_gracious_close_resyncs_where_a_resync_used_top() -> None:
    end = opened_at_top()
    end.send("f", b"x", "send_unreliable", skip=True)
    end.do("close", remote="P", label="c", code=1)
    assert end.sent == [] and end.state() == "closing"
    assert end.advance_ms(1_000) == ["data 107:0"]
    assert end.rx(ack(107, 0, "error=254")) == ["close 108:0 abort=1"]
    end.rx(pdu.Pdu(data(0, 0).session, 108, 0, pdu.CLOSE_ACK))
    assert end.results["c"] == ("ok", 0)


def test_a_gracious_close_whose_resync_times_out_ends_all_the_same() -> None:
    end = opened_at_top()
    end.send("f", b"x", "send_unreliable", skip=True)
    end.do("close", remote="P", label="c", code=1)
    assert end.advance_ms(3_000) == ["data 107:0"] * 2
    assert end.results["c"] == ("ok", 0) and end.state() == "awaiting_disposal"


def test_a_forced_close_is_sent_at_top_all_the_same() -> None:
    end = opened_at_top()
    end.send("f", b"x", "send_unreliable", skip=True)
    end.do("close", remote="P", label="c", code=2)
    assert end.sent == ["close 107:0 abort=2"]


def test_the_ring_of_a_small_world_is_gone_round() -> None:
    end = Driver(window_id_step=3, window_id_max=9, open_timeout_ms=0).open()
    used = []
    for index in range(25):
        end.advance_ms(1_000)  # the resync of each round may leave
        end.send(f"m{index}", b"x", skip=True)
        while f"m{index}" not in end.results:
            sent = end.sent_pdus[0]
            used.append((sent.window_id, bool(sent.data)))
            end.rx(ack(sent.window_id, 0, "full"))
    # 9 is the top before the wrap: it goes to a resync PDU, without bytes.
    assert used == [(index % 10, index % 10 != 9) for index in range(27)]
