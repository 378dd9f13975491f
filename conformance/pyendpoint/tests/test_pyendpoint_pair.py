"""Two endpoints on a bad link: what was sent arrives at most once, in order and whole; what ended ok
arrived; and once the link heals the session works again."""

from __future__ import annotations

import pytest
from pyendpoint_harness import Driver, Link

SEEDS = 300


def make_pair(seed: int) -> Link:
    """Two unlike endpoints; small windows and id spaces, so that partition, resync and wrap are
    frequent."""
    common = {
        "open_timeout_ms": 0,
        "aftermath": ("auto", "manual")[seed % 2],
        "max_retry_count": (3, 1, 6)[seed % 3],
    }
    if seed % 4 == 0:
        common |= {"window_id_step": 3, "window_id_max": 20}
    sizes = ((16, 16), (16, 2), (1, 4), (3, 1), (2, 5))[seed % 5]
    left = Driver(remote="R", mtu=512, max_window_size=sizes[0], **common).open()
    right = Driver(remote="L", mtu=900, max_window_size=sizes[1], **common)
    return Link(left, right, seed)


def payload_of(link: Link, name: str) -> bytes:
    size = link.random.choice((0, 1, 300, 3_000, 20_000))
    return (name.encode() + b":" + bytes(link.random.randrange(256) for _ in range(64)) * 400)[
        : size + 8
    ]


def send_until_over(link: Link, index: int, label: str, payload: bytes, limit_ms: float) -> str:
    end = link.ends[index]
    end.send(label, payload, attributes=[["n", label]])
    link.collect(index)
    stop = link.now // 1_000_000 + limit_ms
    while label not in end.results and link.now // 1_000_000 < stop:
        link.run(link.now / 1_000_000 + 250)
    return end.results.get(label, ("never ended", 0))[0]


@pytest.mark.parametrize("block", range(10))
def test_what_ends_ok_was_delivered_once_and_in_order(block: int) -> None:
    for seed in range(block * SEEDS // 10, (block + 1) * SEEDS // 10):
        link = make_pair(seed)
        sent: tuple[list[bytes], list[bytes]] = ([], [])
        confirmed: tuple[list[bytes], list[bytes]] = ([], [])
        for turn in range(6):
            # The first message must come from the side that opened; then they take turns.
            index = 0 if turn == 0 or not link.ends[1].delivered else link.random.randrange(2)
            payload = payload_of(link, f"{turn}")
            sent[index].append(payload)
            outcome = send_until_over(link, index, f"m{turn}", payload, 3_600_000)
            assert outcome in ("ok", "timeout", "peer_error"), (seed, outcome, link.trace[-20:])
            if outcome == "ok":
                confirmed[index].append(payload)
        for index in (0, 1):
            got = link.ends[1 - index].payloads
            check_order(seed, got, sent[index], confirmed[index])
        check_alive_after_healing(link, seed)


def check_order(seed: int, got: list[bytes], sent: list[bytes], confirmed: list[bytes]) -> None:
    """`got` is a part of `sent` in the same order, each once, and has all of `confirmed`."""
    rest = iter(sent)
    assert all(payload in rest for payload in got), (seed, "twice, out of order, or made up")
    assert [payload for payload in got if payload in confirmed] == confirmed, (seed, "lost")


def check_alive_after_healing(link: Link, seed: int) -> None:
    link.heal()
    link.run(link.now / 1_000_000 + 20_000)  # what is under way arrives, receiving ends (OPN-5)
    outcomes = []
    for attempt in range(3):
        outcomes.append(send_until_over(link, 0, f"healed{attempt}", b"alive%d" % attempt, 60_000))
    assert outcomes[-1] == "ok", (seed, outcomes, link.trace[-30:])
    assert link.ends[1].payloads[-1] == b"alive2", seed
