"""Two endpoints on a bad link: what was sent arrives at most once, in order and whole; what ended
ok arrived; and once the link heals the session works again."""

from __future__ import annotations

import base64
from collections import Counter

import pytest
from pyendpoint_harness import Driver, Link

SEEDS = 300
TURNS = 6


def make_pair(seed: int) -> Link:
    """Two unlike endpoints; small windows, groups and id spaces, so that partition, further groups,
    resync and wrap are frequent."""
    common: dict[str, object] = {
        "open_timeout_ms": 0,
        "aftermath": ("auto", "manual")[seed % 2],
        "max_retry_count": (3, 1, 6)[seed % 3],
    }
    if seed % 4 == 0:
        common |= {"window_id_step": 3, "window_id_max": 20}
    if seed % 7 < 4:
        common["group_bytes_max"] = 2_500
    sizes = ((16, 16), (16, 2), (1, 4), (3, 1), (2, 5))[seed % 5]
    left = Driver(remote="R", mtu=512, max_window_size=sizes[0], **common).open()
    right = Driver(remote="L", mtu=900, max_window_size=sizes[1], **common)
    return Link(left, right, seed)


class Talk:
    """What each side of a link has sent, and whether it arrived as the rules want."""

    def __init__(self, link: Link, skip_chance: float = 0.2) -> None:
        self.link = link
        self.skip_chance = skip_chance
        self.sent: tuple[dict[str, bytes], dict[str, bytes]] = ({}, {})

    def start(self, index: int, label: str, size: int, op: str = "send") -> None:
        """Every delivery names its message by an attribute."""
        link = self.link
        payload = bytes(link.random.randrange(256) for _ in range(64)) * (size // 64 + 1)
        self.sent[index][label] = payload[:size]
        skip = link.random.random() < self.skip_chance
        end = link.ends[index]
        end.send(label, payload[:size], op, attributes=[["label", label]], skip=skip)
        link.collect(index)

    def run_until_over(self, labels: dict[int, str], limit_ms: float) -> list[str]:
        link = self.link
        stop = link.now + limit_ms * 1_000_000
        while link.now < stop and not all(
            label in link.ends[index].results for index, label in labels.items()
        ):
            link.run(link.now / 1_000_000 + 250)
        return [
            link.ends[index].results.get(label, ("never ended", 0))[0]
            for index, label in labels.items()
        ]

    def check(self, index: int) -> None:
        """The deliveries at the other side against what this side sent and was told."""
        messages = self.sent[index]
        got: dict[str, bytes] = {}
        for entry in self.link.ends[1 - index].delivered:
            label = dict(entry["attributes"])["label"]
            got[label] = got.get(label, b"") + base64.b64decode(entry["data"])
        for label, payload in got.items():
            assert messages[label].startswith(payload), "twice, out of order, or made up"
        sends = [label for label in messages if not label.startswith("u")]
        rest = iter(sends)
        arrived = [label for label in got if not label.startswith("u")]
        assert all(label in rest for label in arrived), "messages out of order"
        for label in sends:
            if self.link.ends[index].results[label][0] == "ok":
                assert got.get(label) == messages[label], "ok, but not delivered"


def talk_on_a_bad_link(talk: Talk) -> Counter[str]:
    link = talk.link
    outcomes: Counter[str] = Counter()
    for turn in range(TURNS):
        # Until the first delivery only the side that opened has a session; then either, or both.
        sides = [(0,), (1,), (0, 1)][link.random.randrange(3)] if link.ends[1].delivered else (0,)
        labels = {}
        for index in sides:
            labels[index] = f"m{turn}{index}"
            talk.start(index, labels[index], link.random.choice((0, 1, 300, 3_000, 20_000)))
            if link.random.random() < 0.3:
                talk.start(index, f"u{turn}{index}", 100, "send_unreliable")
        over = talk.run_until_over(labels, 3_600_000)
        assert set(over) <= {"ok", "timeout", "peer_error"}, over
        outcomes.update(over)
    return outcomes


def talk_once_it_is_healed(talk: Talk) -> None:
    """All that is under way arrives, receiving ends (OPN-5); then the third try at the latest."""
    link = talk.link
    link.heal()
    link.run(link.now / 1_000_000 + 30_000)
    for attempt in range(3):
        label = f"h{attempt}"
        talk.start(0, label, 1_000)
        (over,) = talk.run_until_over({0: label}, 60_000)
    assert over == "ok"


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
        talk = Talk(make_pair(seed))
        try:
            outcomes += talk_on_a_bad_link(talk)
            talk_once_it_is_healed(talk)
            talk.check(0)
            talk.check(1)
        except AssertionError as error:
            pytest.fail(f"seed {seed}: {error}\n" + "\n".join(talk.link.trace[-60:]))
    assert outcomes["ok"] > 50 and outcomes["timeout"] > 5, "the links were not bad in both ways"
