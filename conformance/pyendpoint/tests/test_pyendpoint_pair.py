"""Two endpoints on a bad link: what was sent arrives at most once, in order and whole; what ended
ok arrived; and once the link heals the session works again."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from pyendpoint_harness import (
    Driver,
    ExecEndpoint,
    Link,
    Talk,
    make_pair,
    talk_on_a_bad_link,
    talk_once_it_is_healed,
)

SEEDS = 300


def quiet_pair(**settings: object) -> Talk:
    """A pair on a link without faults; a test makes its own."""
    common = {"mtu": 512, "open_timeout_ms": 0, **settings}
    link = Link(Driver(remote="R", **common).open(), Driver(remote="L", **common), 0)
    link.heal()
    return Talk(link, skip_chance=0.0)


def test_more_sends_lost_in_a_row_than_a_peer_takes_ids() -> None:
    talk = quiet_pair(max_retry_count=0)
    talk.link.loss = 1.0
    for index in range(150):
        talk.start(0, f"m{index}", 10)
        assert talk.run_until_over({0: f"m{index}"}, 2_000) == ["timeout"]
    talk_once_it_is_healed(talk)  # WID-10, WID-11
    talk.check(0)


def test_sends_crossing_in_opening_do_not_use_up_the_ids() -> None:
    talk = quiet_pair(max_retry_count=0)
    talk.link.ends[1].open()
    for index in range(150):
        talk.start(0, f"m0{index}", 10)
        talk.start(1, f"m1{index}", 10)
        over = talk.run_until_over({0: f"m0{index}", 1: f"m1{index}"}, 2_000)
        assert set(over) <= {"peer_error", "timeout"}  # 252, or no resync through it
    talk_once_it_is_healed(talk)
    talk.check(0)


def test_a_sender_that_opened_alone_still_gets_through() -> None:
    talk = quiet_pair(max_retry_count=0)
    sender = talk.link.ends[0]
    sender.send("m0", b"x" * 1_000, attributes=[["label", "m0"]])
    talk.sent[0]["m0"] = b"x" * 1_000
    talk.link.collect(0)
    talk.link.run(15)
    talk.link.loss = 1.0  # what follows the first window's ack is lost
    assert talk.run_until_over({0: "m0"}, 5_000) == ["timeout"]
    assert (sender.state(), talk.link.ends[1].state()) == ("opened", "opening")
    talk.link.heal()
    talk.start(0, "m1", 10)
    assert talk.run_until_over({0: "m1"}, 5_000) == ["ok"]  # OPN-6: no 253
    talk.check(0)


def test_a_session_evicted_in_mid_group_delivers_no_tail() -> None:
    talk = quiet_pair(max_window_size=1)
    link = talk.link
    talk.start(0, "m0", 2_000)
    link.run(45)
    receiver = link.ends[1].endpoint
    assert len(receiver.sessions) == 1 and not link.ends[1].delivered
    receiver.sessions.clear()  # as by a flood (END-5)
    (outcome,) = talk.run_until_over({0: "m0"}, 20_000)
    assert outcome == "peer_error" and not link.ends[1].delivered  # RCV-11
    talk_once_it_is_healed(talk)
    talk.check(0)


@pytest.mark.parametrize("block", range(10))
def test_what_ends_ok_was_delivered_once_and_in_order(block: int) -> None:
    outcomes: Counter[str] = Counter()
    for seed in range(block * SEEDS // 10, (block + 1) * SEEDS // 10):
        outcomes += judge(make_pair(seed), seed)
    assert outcomes["ok"] > 50 and outcomes["timeout"] > 5, "the links were not bad in both ways"


def judge(link: Link, seed: int) -> Counter[str]:
    talk = Talk(link)
    try:
        outcomes = talk_on_a_bad_link(talk)
        talk_once_it_is_healed(talk)
        talk.check(0)
        talk.check(1)
    except AssertionError as error:
        pytest.fail(f"seed {seed}: {error}\n" + "\n".join(link.trace[-60:]))
    return outcomes


@pytest.mark.parametrize("engine_side", [0, 1])
def test_the_engine_and_this_endpoint_understand_each_other(
    build_dir: Path, engine_side: int
) -> None:
    """Two readings of the rules on one link: each side once the engine, as another process."""
    sipc = shutil.which("sipc", path=build_dir / "bin")
    assert sipc is not None, f"no sipc in {build_dir / 'bin'}"
    outcomes: Counter[str] = Counter()
    for seed in range(40):
        engine = ExecEndpoint([sipc, "sut", "--exec"])
        try:
            outcomes += judge(make_pair(seed, {engine_side: engine}), seed)
        finally:
            engine.close()
    assert outcomes["ok"] > 50 and outcomes["timeout"] > 5
