"""Sending: framing, first try, retry, partition, acks and their boundaries (SND, RTY, PRT, FAF,
OPN), as conversations."""

from __future__ import annotations

from typing import Any

import pytest
from pyendpoint_harness import SESSION, Driver, ack, data, shown
from scalableipc_endpoint import pdu
from scalableipc_endpoint.pdu import Pdu
from scalableipc_endpoint.sender import Failed, exchange
from scalableipc_endpoint.settings import settings_of

BIG = bytes(range(256)) * 8
DEFAULTS, _ = settings_of({})
ROOM = 512 - 57 - 4 * 13  # what a PDU of a message with skip carries at an mtu of 512


def sender(**settings: object) -> Driver:
    return Driver(mtu=512, **settings).open()


def ids_of(lines: list[str]) -> list[str]:
    return [line.split()[1] for line in lines]


def test_first_try_sends_all_and_waits_for_full() -> None:
    end = sender()
    end.send("a", BIG[: 3 * ROOM], skip=True)
    assert [line.split(" '")[0].split(' "')[0] for line in end.sent] == [
        "data 0:0 first skip",
        "data 0:1 skip",
        "data 0:2 last end skip",
    ]
    assert end.rx(ack(0, 0)) == [] and end.rx(ack(0, 2)) == []  # SND-10: without full nothing moves
    assert end.rx(ack(0, 2, "full")) == [] and end.results["a"] == ("ok", 0)


def test_each_pdu_waits_for_the_aftermath_of_the_one_before() -> None:
    end = sender(aftermath="manual")
    end.send("a", BIG[: 2 * ROOM], skip=True)
    assert ids_of(end.sent) == ["0:0"]
    end.advance_ms(5_000)
    assert end.sent == []  # no timer before the aftermath (SND-7)
    end.do("sent", token=1, success=True)
    assert ids_of(end.sent) == ["0:1"]
    end.do("sent", token=2, success=True)
    assert ids_of(end.advance_ms(999)) == [] and ids_of(end.advance_ms(1)) == ["0:0"]


def test_a_failed_aftermath_ends_the_operation() -> None:
    end = sender(aftermath="manual")
    end.send("a", b"x", skip=True)
    end.do("sent", token=1, success=False)
    assert end.results["a"] == ("network_error", -5) and end.state() == "opened"
    assert not end.ask("sent", token=1, success=True)["ok"]


def test_an_ack_overtakes_the_aftermath() -> None:
    end = sender(aftermath="manual")
    end.send("a", BIG[: 3 * ROOM], skip=True)
    assert ids_of(end.rx(ack(0, 0))) == ["0:1"]  # SND-9: it names the next
    end.do("sent", token=1, success=False)  # disregarded
    assert end.results == {}
    assert end.rx(ack(0, 0)) == []  # of less than was sent
    assert end.rx(ack(0, 2, "full")) == []  # SND-8: not sent yet
    assert ids_of(end.rx(ack(0, 1))) == ["0:2"]
    assert end.rx(ack(0, 2)) == []  # SND-10: the aftermath still counts
    end.do("sent", token=3, success=False)
    assert end.results["a"] == ("network_error", -5)


def test_retry_goes_one_at_a_time_and_skips_ahead() -> None:
    end = sender()
    end.send("a", BIG[: 5 * ROOM], skip=True)
    assert len(end.sent) == 5
    assert end.rx(ack(0, 1)) == []
    assert ids_of(end.advance_ms(1_000)) == ["0:0"]  # RTY-2: from the first, all the same
    assert ids_of(end.rx(ack(0, 2))) == ["0:3"]  # past PDUs not resent
    assert end.rx(ack(0, 2)) == []  # SND-8: less than sent
    assert ids_of(end.rx(ack(0, 3))) == ["0:4"]
    assert ids_of(end.advance_ms(1_000)) == ["0:0"]
    assert end.rx(ack(0, 4, "full")) == [] and end.results["a"] == ("ok", 0)


def test_retries_are_counted_per_window() -> None:
    end = sender(max_retry_count=2)
    end.send("a", b"x", skip=True)
    assert ids_of(end.advance_ms(2_999)) == ["0:0", "0:0"]
    assert end.advance_ms(1) == [] and end.results["a"] == ("timeout", -3)
    assert end.state() == "opened"  # STM-7


def test_partition_gives_the_rest_a_new_window() -> None:
    end = sender(max_retry_count=1)
    end.send("a", BIG[: 5 * ROOM], skip=True)
    rest = end.rx(ack(0, 1, "full max=2"))
    assert [line.split(" '")[0].split(' "')[0] for line in rest] == [
        "data 1:0 skip",
        "data 1:1 last skip",  # SND-12: two PDUs a window from now on
    ]
    assert ids_of(end.advance_ms(1_000)) == ["1:0"]  # no retry history: it has its one retry
    assert ids_of(end.rx(ack(1, 1, "full"))) == ["2:0"]
    end.rx(ack(2, 0, "full"))
    assert end.results["a"] == ("ok", 0)
    end.send("b", BIG[: 3 * ROOM], skip=True)
    assert ids_of(end.sent) == ["3:0", "3:1"]


@pytest.mark.parametrize("words", ["error=200", "error=299", "error=250 full max=1"])
def test_an_error_ends_the_operation_and_not_the_session(words: str) -> None:
    end = sender()
    end.send("a", b"x", skip=True)
    end.rx(ack(0, 0, words))
    code = int(words.split()[0].removeprefix("error="))
    assert end.results["a"] == ("peer_error", code) and end.state() == "opened"


@pytest.mark.parametrize("words", ["error=199", "error=300", "error=-1", "error=x"])
def test_an_ack_with_another_code_is_discarded(words: str) -> None:
    end = sender()
    end.send("a", b"x", skip=True)
    end.rx(ack(0, 0, words))
    assert end.results == {} and len(end.discarded) == 1


# retrying, PDUs sent in this try, of 4 PDUs; count acked, full, error; what it does (SND-8..10)
ACKS = [
    ("first try, nothing sent is acked", False, 2, 3, False, 0, None),
    ("first try, less than sent", False, 2, 1, False, 0, None),
    ("first try, all sent", False, 2, 2, False, 0, "sends 2"),
    ("first try, the whole", False, 4, 4, False, 0, None),
    ("first try, full for less", False, 2, 1, True, 0, "taken 1"),
    ("first try, full for unsent", False, 2, 3, True, 0, None),
    ("first try, error", False, 2, 1, False, 254, "error 254"),
    ("retry, less than sent", True, 2, 1, True, 0, None),
    ("retry, what was sent", True, 2, 2, False, 0, "sends 2"),
    ("retry, ahead of it", True, 2, 3, False, 0, "sends 3"),
    ("retry, the whole", True, 2, 4, False, 0, None),
    ("retry, the whole and full", True, 2, 4, True, 0, "taken 4"),
    ("retry, more than the whole", True, 2, 5, True, 0, None),
    ("retry, error for less than sent", True, 2, 1, False, 254, None),
]


class Line:
    """What an exchange needs of its session: it keeps what is sent, by seq_nr."""

    settings, now = DEFAULTS, 0

    def __init__(self) -> None:
        self.sent: list[int] = []

    def transmit(self, sent: Pdu) -> int:
        self.sent.append(sent.seq_nr)
        return len(self.sent)


def started(retrying: bool, sent: int) -> tuple[Line, Any, Any]:
    """An exchange of four PDUs that has sent so many in this try, and what it waits for."""
    line = Line()
    steps = exchange(line, 0, pdu.DATA, [data(0, seq_nr) for seq_nr in range(4)])
    wait = next(steps)
    while len(line.sent) < (4 if retrying else sent):
        wait = steps.send(True)  # the aftermaths
    if retrying:
        steps.send(True)
        wait = steps.send(None)  # time is up
        assert wait.acks(ack(0, sent - 2)) or sent == 1
        wait = steps.send(ack(0, sent - 2)) if sent > 1 else wait
    line.sent.clear()
    return line, steps, wait


@pytest.mark.parametrize("row", ACKS, ids=[row[0] for row in ACKS])
def test_what_an_ack_does(row: tuple[str, bool, int, int, bool, int, str | None]) -> None:
    _, retrying, sent, count, full, error, wanted = row
    line, steps, wait = started(retrying, sent)
    got = ack(0, count - 1, "full" * full + f" error={error}" * bool(error))
    done = None
    if wait.acks(got):  # SND-8
        try:
            assert (steps.send(got) is wait) is (not line.sent)  # SND-10: it waits on as it was
            done = f"sends {line.sent[0]}" if line.sent else None
        except StopIteration as taken:
            done = f"taken {taken.value}"
        except Failed as failed:
            done = f"error {failed.args[1]}"
    assert done == wanted


@pytest.mark.parametrize("window_id, opcode", [(1, pdu.DATA_ACK), (0, pdu.CLOSE_ACK)])
def test_an_ack_of_another_window_or_opcode_is_not_waited_for(window_id: int, opcode: int) -> None:
    _, _, wait = started(False, 2)
    assert wait.acks(ack(0, 1)) and not wait.acks(Pdu(SESSION, window_id, 1, opcode))


def test_the_aftermath_of_the_last_pdu_starts_the_timer_in_both_modes() -> None:
    line, steps, wait = started(False, 4)
    assert (wait.aftermath, wait.until) == (4, None)
    assert steps.send(True).until == DEFAULTS.ack_timeout
    assert steps.send(None).until is None and line.sent == [0]
    assert steps.send(True).until == DEFAULTS.ack_timeout


@pytest.mark.parametrize(("size", "pdus"), [(0, 1), (ROOM, 1), (ROOM + 1, 2)])
def test_a_message_while_opening_has_two_windows(size: int, pdus: int) -> None:
    end = sender()
    end.send("a", BIG[:size])
    assert len(end.sent) == 1 and end.sent[0].startswith("data 0:0 first last")
    assert "end" not in end.sent[0].split(" '")[0]
    second = end.rx(ack(0, 0, "full"))
    assert end.states == [("opened", None)]  # STM-1: the first window was sent
    assert second[0].startswith("data 1:0 last end")
    end.rx(ack(1, 0, "full"))
    assert end.results["a"] == ("ok", 0)
    end.send("b", b"x")
    assert end.sent == ["data 2:0 first last end 'x'"]


def test_two_windows_are_kept_until_a_group_was_acked_in_full() -> None:
    end = sender(max_retry_count=0)
    end.send("a", b"x")
    end.rx(ack(0, 0, "full"))
    end.advance_ms(1_000)
    assert end.results["a"] == ("timeout", -3) and end.state() == "opened"
    end.send("u", b"x", "send_unreliable")
    assert end.results["u"] == ("refused", 0)  # FAF-2a
    end.send("b", b"x")
    assert end.sent == ["data 2:0 first last 'x'"]  # OPN-6
    end.rx(ack(1, 0, "full"))  # late, of a group given up: the next may still be the first
    assert end.rx(ack(2, 0, "full")) == ["data 3:0 last end"]
    end.rx(ack(3, 0, "full"))
    end.send("d", b"x")
    assert end.sent == ["data 4:0 first last end 'x'"]


def test_large_messages_spill_into_groups_that_keep_the_limit() -> None:
    end = Driver(mtu=1_400, max_window_size=7).open()
    payload = BIG * 100
    end.send("a", payload, skip=True, attributes=[["n", "v"], ["long", "x" * 2_000]])
    groups: list[list[Pdu]] = []
    window = end.sent_pdus
    while window:
        for got in window:
            if got.get(pdu.FIRST_IN_WINDOW_GROUP):
                groups.append([])
            groups[-1].append(got)
        end.rx(ack(window[-1].window_id, window[-1].seq_nr, "full"))
        window = end.sent_pdus
    assert end.results["a"] == ("ok", 0) and len(groups) == 4
    assert b"".join(got.data for group in groups for got in group) == payload
    for group in groups:
        assert sum(len(pdu.encode(got)) for got in group) <= 65_500  # GRP-2a
        assert (b"n", b"v") in group[0].options  # SND-3
        assert sum(got.get(pdu.LAST_IN_WINDOW_GROUP) for got in group) == 1
        assert all(len(pdu.encode(got)) <= 1_400 for got in group)


@pytest.mark.parametrize(
    ("case", "fields", "settings"),
    [
        ("a framing name", {"attributes": [["s_02", "True"]]}, {}),
        ("over the limit", {"attributes": [["n", "v" * 29_995]]}, {}),
        ("over a limit of one's own", {"attributes": [["n", "v" * 95]]}, {"attribute_limit": 100}),
        ("fits no group", {"attributes": [["n", "v" * 500]] * 2}, {"group_bytes_max": 1_000}),
        ("leaves no room", {"attributes": [["n", "v" * 314]], "size": 1}, {"group_bytes_max": 512}),
    ],
)
def test_attributes_refused(
    case: str, fields: dict[str, object], settings: dict[str, object]
) -> None:
    end = sender(**settings)
    end.do("send", label="a", **fields)
    assert end.results["a"] == ("refused", 0) and end.sent == []
    assert end.outs[0]["result"]["why"] == "attributes"


def opened(**settings: object) -> Driver:
    end = Driver(mtu=512, **settings)
    end.rx(data(0, 0, "first last end skip"))
    return end


def test_a_window_is_not_longer_than_the_own_one() -> None:
    end = sender(max_window_size=2)
    end.send("a", BIG[: 5 * ROOM], skip=True)
    assert ids_of(end.sent) == ["0:0", "0:1"]
    assert ids_of(end.rx(ack(0, 1, "full max=9"))) == ["1:0", "1:1"]


def test_fire_and_forget_is_one_pdu_and_not_awaited() -> None:
    end = opened(aftermath="manual")
    end.send("u", b"x", "send_unreliable")
    end.send("v", b"y", "send_unreliable")
    assert end.sent == ["data 1:0 first last end 'y'"]
    end.do("sent", token=2, success=True)
    assert end.results == {"u": ("ok", 0)}
    end.do("sent", token=3, success=False)
    assert end.results["v"] == ("not_sent", 0)


@pytest.mark.parametrize(("size", "outcome"), [(512 - 57 - 39, "ok"), (512 - 57 - 38, "refused")])
def test_fire_and_forget_fits_one_pdu_or_is_refused(size: int, outcome: str) -> None:
    end = opened()
    end.send("u", BIG[:size], "send_unreliable")
    assert end.results["u"] == (outcome, 0)


def test_fire_and_forget_leaves_between_groups() -> None:
    end = opened(unreliable_queue=2, group_bytes_max=1_000)
    end.send("a", BIG[:1_200])
    assert len(end.sent) == 2
    for label in "uvw":
        end.send(label, label.encode(), "send_unreliable")
        assert end.sent == []
    assert end.results == {"w": ("not_sent", 0)}  # the queue is full
    following = end.rx(ack(0, 1, "full"))
    assert [line.split(" '")[0] for line in following[:2]] == [
        "data 1:0 first last end",
        "data 2:0 first last end",
    ]
    assert following[2].startswith("data 3:0 first") and end.results["v"] == ("ok", 0)


def test_fire_and_forget_queued_at_the_close_is_not_sent() -> None:
    end = opened()
    end.send("a", b"x")
    end.send("u", b"y", "send_unreliable")
    end.do("close", label="c", code=2)
    assert end.results["u"] == ("not_sent", 0) and end.results["a"] == ("closed", 2)
    end.send("v", b"y", "send_unreliable")
    assert end.results["v"] == ("refused", 0)


@pytest.mark.parametrize(("skip", "outcome"), [(False, "refused"), (True, "ok")])
def test_fire_and_forget_in_opening_needs_skip(skip: bool, outcome: str) -> None:
    end = sender()
    end.send("u", b"x", "send_unreliable", skip=skip)
    assert end.results["u"] == (outcome, 0)
    assert end.state() == ("opened" if skip else "opening")


def test_skip_may_be_set_as_an_attribute() -> None:
    end = sender()
    end.send("a", b"x", attributes=[["s_03", "TRUE"], ["s_idle_timeout", "5"]])
    assert end.sent == ["data 0:0 first last end skip s_idle_timeout=5 'x'"]


def test_a_second_send_is_busy() -> None:
    end = opened()
    end.send("a", b"x")
    end.send("b", b"x")
    assert end.outs[0]["result"]["why"] == "busy"
    end.do("close", label="c", code=1)
    assert end.results["c"] == ("refused", 0) and end.state() == "opened"


def test_shown_says_all_of_a_pdu() -> None:
    assert shown(Pdu(SESSION, 1, 2, pdu.DATA, ((b"a", b"b"),), b"c")) == "data 1:2 a=b 'c'"
