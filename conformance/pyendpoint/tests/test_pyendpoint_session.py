"""The life of a session and of the endpoint: states, close, idle, enquire link, linger, eviction,
shutdown, and the contract's own edges (STM, CLS, IDL, LNK, END)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pyendpoint_harness import SESSION, Driver, ack, data, options
from scalableipc_endpoint import pdu
from scalableipc_endpoint.pdu import Pdu

WHOLE = "first last end skip"
RUN = Path(__file__).resolve().parents[1] / "run.py"


def opened(**settings: object) -> Driver:
    end = Driver(**settings)
    end.rx(data(0, 0, WHOLE))
    assert end.states == [("opening", None), ("opened", None)]
    return end


def close_pdu(window_id: int, code: int | None, seq_nr: int = 0) -> Pdu:
    words = () if code is None else ((pdu.ABORT_CODE, str(code).encode()),)
    return Pdu(SESSION, window_id, seq_nr, pdu.CLOSE, words)


def link_ack(error: int) -> Pdu:
    return Pdu(SESSION, 0, 0, pdu.ENQUIRE_LINK_ACK, options(f"error={error}"))


# ---- open timeout and close ----


def test_open_timeout_runs_from_the_creation() -> None:
    end = Driver(open_timeout_ms=5_000).open()
    end.send("a", b"x")
    end.advance_ms(4_999)
    assert end.state() == "opening"
    end.advance_ms(1)
    assert end.states == [("awaiting_disposal", -4)]


def test_a_close_in_opening_sends_nothing() -> None:
    end = Driver().open()
    end.send("a", b"x")
    end.do("close", label="c", code=1)
    assert end.sent == [] and end.states == [("awaiting_disposal", 1)]
    assert end.results == {"a": ("closed", 1), "c": ("ok", 0)}


def test_a_gracious_close_is_retried_and_acked() -> None:
    end = opened()
    end.do("close", label="c", code=1)
    assert end.sent == ["close 0:0 abort=1"] and end.states == [("closing", 1)]
    end.do("close", label="d", code=2)  # CLS-5
    assert end.sent == []
    assert end.advance_ms(1_000) == ["close 0:0 abort=1"]
    end.rx(Pdu(SESSION, 0, 0, pdu.CLOSE_ACK))  # without is_window_full as well
    assert end.states == [("awaiting_disposal", 1)]
    assert end.results == {"c": ("ok", 0), "d": ("ok", 0)}
    end.do("close", label="e", code=1)
    assert end.results["e"] == ("ok", 0)


def test_a_gracious_close_ends_when_its_retries_are_spent() -> None:
    end = opened(max_retry_count=1)
    end.do("close", label="c", code=1)
    end.advance_ms(2_000)
    assert end.results["c"] == ("ok", 0) and end.state() == "awaiting_disposal"


@pytest.mark.parametrize("success", [True, False])
def test_a_forced_close_waits_for_its_aftermath_alone(success: bool) -> None:
    end = opened(aftermath="manual")
    end.do("close", label="c", code=2)
    assert end.sent == ["close 0:0 abort=2"] and end.states == [("closing", 2)]
    end.do("sent", token=end.tokens[0], success=success)
    assert end.states == [("awaiting_disposal", 2)] and end.results["c"] == ("ok", 0)


# state when it comes, PDU, what is sent, state after
CLOSES = [
    ("gracious", "opened", close_pdu(1, 1), ["close_ack 1:0 full"], "awaiting_disposal"),
    ("no code is gracious", "opened", close_pdu(1, None), ["close_ack 1:0 full"],
     "awaiting_disposal"),
    ("code 0 is gracious", "opened", close_pdu(1, 0), ["close_ack 1:0 full"], "awaiting_disposal"),
    ("forced", "opened", close_pdu(1, 2), [], "awaiting_disposal"),
    ("other codes", "opened", close_pdu(1, 99), [], "awaiting_disposal"),
    ("another seq_nr", "opened", close_pdu(1, 1, 1), [], "opened"),
    ("an invalid id", "opened", close_pdu(101, 2), [], "opened"),
    ("a processed id", "opened", close_pdu(0, 1), [], "opened"),
    ("gracious, crossing a close", "closing", close_pdu(1, 1), ["close_ack 1:0 full"],
     "awaiting_disposal"),
    ("forced, crossing a close", "closing", close_pdu(1, 2), [], "awaiting_disposal"),
    ("after the end", "awaiting_disposal", close_pdu(1, 1), [], "awaiting_disposal"),
]  # fmt: skip


@pytest.mark.parametrize("row", CLOSES, ids=[row[0] for row in CLOSES])
def test_what_a_close_pdu_does(row: tuple[str, str, Pdu, list[str], str]) -> None:
    _, before, got, answers, after = row
    end = opened()
    if before != "opened":
        end.do("close", label="c", code=1 if before == "closing" else 2)
    assert end.state() == before
    assert end.rx(got) == answers
    assert end.state() == after
    if before == "closing":
        assert end.results["c"] == ("ok", 0)


def test_a_close_pdu_fails_the_send_in_progress_with_its_code() -> None:
    end = opened()
    end.send("a", b"x")
    end.rx(close_pdu(1, 7))
    assert end.results["a"] == ("closed", 7) and end.states == [("awaiting_disposal", 7)]


def test_data_is_ignored_from_closing_on() -> None:
    end = opened()
    end.do("close", label="c", code=1)
    assert end.rx(data(1, 0, WHOLE, b"late")) == [] and end.payloads == [b""]
    assert end.rx(close_pdu(1, 1)) == ["close_ack 1:0 full"]  # min was not moved past it


# ---- idle timeout and enquire link ----


def test_idle_timeout_closes_with_code_3() -> None:
    end = opened(idle_timeout_ms=5_000)
    end.advance_ms(4_000)
    end.rx(ack(99, 0))  # any data_ack counts (IDL-1)
    end.advance_ms(4_000)
    end.rx(data(1, 5))  # and a valid data PDU, acked or not
    end.advance_ms(4_000)
    end.rx(data(0, 0, WHOLE))  # but not a repeated window
    end.advance_ms(999)
    assert end.state() == "opened"
    assert end.advance_ms(1) == ["close 0:0 abort=3"]
    assert end.states == [("closing", 3), ("awaiting_disposal", 3)]


def test_no_idle_timeout_while_an_operation_is_in_progress() -> None:
    end = opened(idle_timeout_ms=1_500, ack_timeout_ms=1_000)
    end.send("a", b"x")
    end.advance_ms(4_000)
    assert end.results["a"] == ("timeout", -3) and end.state() == "opened"
    end.advance_ms(1_499)
    assert end.state() == "opened"
    end.advance_ms(1)
    assert end.state() == "awaiting_disposal"


@pytest.mark.parametrize(
    ("case", "wanted", "closes_after"),
    [
        ("within the limits", "2000", 2_000),
        ("lowest", "1000", 1_000),
        ("below: the local one", "999", 9_000),
        ("highest", "3000", 3_000),
        ("above: the local one", "3001", 9_000),
        ("off is below here", "0", 9_000),
    ],
)
def test_the_peer_may_set_the_idle_timeout(case: str, wanted: str, closes_after: int) -> None:
    end = Driver(
        idle_timeout_ms=9_000, min_remote_idle_timeout_ms=1_000, max_remote_idle_timeout_ms=3_000
    )
    end.rx(Pdu(SESSION, 0, 0, pdu.DATA, options(WHOLE) + ((pdu.IDLE_TIMEOUT, wanted.encode()),)))
    end.rx(data(1, 0, WHOLE))  # a group without the option changes nothing
    end.advance_ms(closes_after - 1)
    assert end.state() == "opened"
    end.advance_ms(1)
    assert end.state() == "awaiting_disposal"


def test_an_idle_timeout_outside_the_limits_restores_the_local_one() -> None:
    end = Driver(idle_timeout_ms=9_000, max_remote_idle_timeout_ms=3_000)
    for window_id, wanted in enumerate((b"2000", b"3001")):
        own = ((pdu.IDLE_TIMEOUT, wanted),)
        end.rx(Pdu(SESSION, window_id, 0, pdu.DATA, options(WHOLE) + own))
    end.advance_ms(8_999)
    assert end.state() == "opened"


def test_enquire_links_go_out_once_the_peer_was_heard() -> None:
    end = Driver(enquire_link_interval_ms=1_000, max_retry_count=9).open()
    end.send("a", b"x", skip=True)
    assert "enquire_link 0:0" not in end.advance_ms(3_000)  # LNK-4
    end.rx(link_ack(150))
    assert end.discarded == ["LNK-4 nack_disbelieved"] and end.state() == "opened"
    end.rx(ack(0, 0, "full"))
    assert end.advance_ms(3_000) == ["enquire_link 0:0"] * 3
    end.rx(link_ack(199))
    assert end.state() == "opened"  # ERR-3: only 150 is a nack
    end.send("b", b"x")
    end.rx(link_ack(150))
    assert end.states == [("awaiting_disposal", -1)] and end.results["b"] == ("closed", -1)


def test_an_enquire_link_is_answered_in_opened_alone() -> None:
    link = Pdu(SESSION, 77, 5, pdu.ENQUIRE_LINK)
    end = opened()
    assert end.rx(link) == ["enquire_link_ack 0:0"]
    end.do("close", label="c", code=1)
    assert end.rx(link) == []
    end.rx(link_ack(150))
    assert end.state() == "awaiting_disposal" and end.results["c"] == ("ok", 0)  # STM-5
    assert end.rx(link) == []  # held: silence (END-2a)
    end.do("dispose", code=-2)
    assert end.rx(link) == ["enquire_link_ack 0:0 error=150"]


# ---- the endpoint ----


@pytest.mark.parametrize(
    ("case", "got", "reason"),
    [
        ("an ack", ack(0, 0), "END-2 unknown_session"),
        ("a close", close_pdu(0, 1), "END-2 unknown_session"),
        ("id 101", data(101, 0, WHOLE), "END-2a not_first"),
        ("seq_nr 16", data(0, 16, WHOLE), "END-2a not_first"),
    ],
)
def test_what_makes_no_session(case: str, got: Pdu, reason: str) -> None:
    end = Driver()
    assert end.rx(got) == [] and end.discarded == [reason]
    assert end.endpoint.sessions == {}


def test_an_endpoint_that_does_not_accept() -> None:
    end = Driver(accept=False)
    assert end.rx(data(0, 0, WHOLE)) == [] and end.discarded == ["END-2 not_accepting"]
    end.open()
    assert end.rx(data(0, 0, WHOLE)) == ["data_ack 0:0 full max=16"]


def test_sessions_of_two_peers_are_two_on_datagrams_and_one_on_streams() -> None:
    end = Driver()
    end.rx(data(0, 0, WHOLE, b"p"))
    end.rx(data(0, 0, WHOLE, b"q"), remote="Q")
    assert end.payloads == [b"p", b"q"]
    stream = Driver(network="stream")
    stream.rx(data(0, 0, WHOLE, b"p"))
    stream.rx(data(0, 0, "last", b"q"), remote="Q")
    assert stream.payloads == [b"p"]
    assert [out["to"] for out in stream.outs if "tx" in out] == ["Q"]
    stream.rx(data(500, 0), remote="R")  # discarded: answers still go to Q (END-1a)
    stream.send("a", b"x")
    assert [out["to"] for out in stream.outs if "tx" in out] == ["Q"]


@pytest.mark.parametrize("disposed_after_ms", [0, 3_000, 8_000])
def test_a_finished_session_lingers(disposed_after_ms: int) -> None:
    end = opened()
    end.do("close", label="c", code=2)
    end.advance_ms(disposed_after_ms)
    if disposed_after_ms < 8_000:
        end.do("dispose", code=-2)
        assert end.states == [("disposed", -2)]
    else:
        assert end.states == [("disposed", None)]  # END-3: by itself, one linger later
    end.advance_ms(7_999 - disposed_after_ms if disposed_after_ms < 8_000 else 0)
    late = end.rx(data(0, 0, WHOLE, b"again"))
    assert (late == []) is (disposed_after_ms < 8_000)
    end.advance_ms(1)
    end.rx(data(0, 0, WHOLE, b"again"))
    assert end.payloads == [b"", b"again"]


def test_dispose_ends_what_is_pending() -> None:
    end = opened()
    end.send("a", b"x")
    end.do("dispose", code=-2)
    assert end.results["a"] == ("closed", -2) and end.states == [("disposed", -2)]
    assert end.state() == "disposed"
    end.do("dispose", code=-2)
    assert end.states == []
    assert not end.ask("open", session=end.session, remote="P")["ok"]  # lingers
    end.send("b", b"x")
    assert end.results["b"] == ("refused", 0)


def session_pdu(number: int, words: str) -> Pdu:
    return Pdu(bytes([number]) * 32, 0, 0, pdu.DATA, options(words))


def test_a_flood_evicts_opening_sessions_alone() -> None:
    end = Driver(max_sessions=3).open()
    end.rx(session_pdu(1, WHOLE))  # opened
    end.rx(session_pdu(2, "first last"))
    end.rx(session_pdu(3, "first last"))
    assert end.states[0] == ("disposed", None)
    assert {key[1][:1] for key in end.endpoint.sessions} == {b"\0", b"\1", b"\3"}
    end.rx(session_pdu(2, "first last"))  # leaves no linger: it may come again
    assert end.sent == ["data_ack 0:0 full max=16"]
    end.rx(session_pdu(2, WHOLE))
    end.rx(Pdu(bytes([2]) * 32, 1, 0, pdu.DATA, options(WHOLE)))
    assert end.rx(session_pdu(4, WHOLE)) == [] and end.discarded == ["END-5 sessions_full"]


def test_a_session_with_an_operation_is_not_evicted() -> None:
    end = Driver(max_sessions=1)
    end.rx(data(0, 0, "first last end"))  # 253: no longer receiving, so it may send
    end.send("a", b"x")
    assert end.rx(session_pdu(2, WHOLE)) == [] and end.discarded == ["END-5 sessions_full"]
    end.rx(ack(0, 0, "error=250"))
    assert end.rx(session_pdu(2, WHOLE)) != []


def test_shutdown_gives_grace() -> None:
    end = opened()
    end.send("a", b"x")
    end.ask("shutdown", grace_ms=500)
    assert end.rx(session_pdu(9, WHOLE)) == [] and end.discarded == ["END-4 not_accepting"]
    assert not end.ask("open", session="11" * 32, remote="P")["ok"]
    end.advance_ms(499)
    assert end.results == {}
    end.advance_ms(1)
    assert end.results["a"] == ("closed", -2) and end.states == [("disposed", -2)]
    assert end.deadline is None


# ---- the contract ----


@pytest.mark.parametrize(
    "request_line",
    [
        {"op": "hello", "contract": 2, "clock": "virtual"},
        {"op": "hello", "contract": 1, "clock": "wall"},
        {"op": "open", "session": "00", "remote": "P"},
        {"op": "open", "session": "zz" * 32, "remote": "P"},
        {"op": "open", "session": "00 " * 21 + "0", "remote": "P"},
        {"op": "open", "session": "00  " * 16, "remote": "P"},
        {"op": "open", "session": "00" * 32},
        {"op": "send", "session": "00" * 32, "label": "x", "data": "?"},
        {"op": "send", "session": "00" * 32, "label": "x", "attributes": [["a"]]},
        {"op": "close", "session": "00" * 32, "label": "x", "code": 100},
        {"op": "advance", "to_ns": -1},
        {"op": "rx", "from": "P", "pdu": "0"},
        {"op": "state", "session": "00" * 32},
        {"op": "sent", "token": 1, "success": True},
        {"op": "configure", "settings": []},
        {"op": 7},
        {},
    ],
)
def test_a_wrong_request_is_refused_with_outputs_and_deadline(request_line: dict) -> None:
    end = Driver()
    response = end.endpoint.handle({"id": "z", **request_line})
    assert response["ok"] is False and response["error"]
    assert (response["id"], response["out"], response["deadline_ns"]) == ("z", [], None)


def test_settings_that_cannot_be_taken_are_listed() -> None:
    end = Driver()
    wanted = {"mtu": 1, "max_window_size": 0, "ack_timeout_ms": "x", "nonsense": 1, "accept": False}
    refused = end.ask("configure", settings=wanted)["refused"]
    assert refused == ["max_window_size", "ack_timeout_ms", "nonsense"]
    end.ask("reset")
    taken = end.endpoint.settings
    assert (taken.mtu, taken.max_window_size, taken.accept) == (512, 16, False)


def test_an_ambiguous_session_needs_its_remote() -> None:
    end = Driver()
    end.rx(data(0, 0, WHOLE))
    end.rx(data(0, 0, WHOLE), remote="Q")
    assert not end.ask("dispose", session=SESSION.hex())["ok"]
    assert not end.ask("dispose", session="ee" * 32)["ok"]  # never heard of
    assert end.ask("dispose", session=SESSION.hex(), remote="Q")["ok"]
    assert end.ask("dispose", session=SESSION.hex())["ok"]


def test_the_exec_binding_speaks_lines_and_ends_with_bye() -> None:
    lines = [
        json.dumps({"op": "hello", "id": 1, "contract": 1, "clock": "virtual"}),
        "no json",
        json.dumps({"op": "made_up", "id": "x"}),
        json.dumps({"op": "bye", "id": 3}),
        json.dumps({"op": "never read", "id": 4}),
    ]
    command = [sys.executable, str(RUN)]
    done = subprocess.run(
        command, input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=30
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and done.stderr == ""
    assert [(answer["id"], answer["ok"]) for answer in answers] == [
        (1, True), (None, False), ("x", False), (3, True),
    ]  # fmt: skip
    assert answers[2]["unsupported"] is True
