"""Window ids, one space for each direction of a session: WID-1..11.

    PeerIds   the ids a receiver takes (WID-1..6)
    OwnIds    the ids a sender uses, and what it knows of the peer's minimum (WID-9..11)
"""

from __future__ import annotations


class PeerIds:
    """What the receiver takes. `minimum` is the id of the last PDU applied (WID-3)."""

    def __init__(self, step: int, highest: int) -> None:
        self.step = step
        self.highest = highest
        self.minimum: int | None = None
        self.processed = False  # WID-5: the window `minimum` is over

    def is_valid(self, window_id: int) -> bool:
        if self.minimum is None:
            return window_id <= self.step  # WID-1
        if self.minimum == self.highest and window_id <= self.step:
            return True  # WID-6
        if window_id == self.minimum:
            return not self.processed  # WID-5
        return self.minimum < window_id <= min(self.minimum + self.step, self.highest)  # WID-2, 3

    def apply(self, window_id: int) -> None:
        if window_id != self.minimum:
            self.minimum = window_id  # WID-4
            self.processed = False


class OwnIds:
    """What the sender uses. `unacked`: the ids used since `acked`, in order of use."""

    def __init__(self, step: int, highest: int) -> None:
        self.step = step
        self.highest = highest
        self.last_used: int | None = None
        self.acked: int | None = None  # *a* of WID-10
        self.unacked: list[int] = []
        self.resync_at: int | None = None  # when the last resync PDU left (WID-11)

    @property
    def top(self) -> int:
        """WID-10: no id above it is used; WID-11: it is the resync PDU's."""
        if self.acked is None or self.acked == self.highest:
            return self.step
        return min(self.acked + self.step, self.highest)

    @property
    def next(self) -> int | None:
        """The id after the last one used; None while the wrap must wait (WID-10)."""
        if self.last_used is None:
            return 0  # WID-1
        if self.last_used == self.highest:
            return 0 if self.acked == self.highest else None  # WID-6
        return self.last_used + 1  # WID-9

    def is_free(self, *, for_close: bool = False) -> bool:
        """Whether the next id may be used without a resync. A close may carry *top* (WID-11); once
        a resync PDU has used it, `next` is beyond it."""
        following = self.next
        if following is None:
            return False
        return following < self.top or (for_close and following == self.top)

    def take(self) -> int:
        """Uses the next id; the caller has asked `is_free`."""
        window_id = self.next
        assert window_id is not None
        return self._use(window_id)

    def take_top(self) -> int:
        """Uses *top*: for a resync PDU, or a forced close that finds no id (WID-11)."""
        return self._use(self.top)

    def _use(self, window_id: int) -> int:
        if window_id != self.last_used:
            self.last_used = window_id
            self.unacked.append(window_id)
        return window_id

    def knows(self, window_id: int) -> bool:
        """Whether an ack for this id is one of the newest acked or a later id of ours."""
        return window_id == self.acked or window_id in self.unacked

    def on_ack(self, window_id: int) -> bool:
        """WID-10; the caller has left out error 252. True if *a* moved."""
        if window_id not in self.unacked:
            return False
        del self.unacked[: self.unacked.index(window_id) + 1]
        self.acked = window_id
        return True

    def preset(self, following: int, acked: int | None) -> None:
        """As if the ids up to `following` had been used and `acked` been acked. ValueError: the
        state breaks WID-10."""
        if not 0 <= following <= self.highest or (acked is not None and acked > self.highest):
            raise ValueError("a window id outside 0..window_id_max (WID-2)")
        wrapped = acked is None or (acked == self.highest and following <= self.step)
        first = 0 if wrapped else acked + 1  # type: ignore[operator]
        top = self.step if wrapped else min(first - 1 + self.step, self.highest)
        if not first <= following <= top:
            raise ValueError(f"next_window_id {following} is not in {first}..{top} (WID-10)")
        self.acked = acked
        self.unacked = list(range(first, following))
        self.last_used = following - 1 if following > first else acked
