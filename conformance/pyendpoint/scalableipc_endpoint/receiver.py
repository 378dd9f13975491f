"""The receiver's two buffers: the current window and the window group (RCV, ACK-1..3, GRP-1).

A valid data PDU goes in; out come the ack to send, if any, and the group to hand over, if it is
complete. The receiver knows neither time nor states, but whether its session is still opening.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import attributes, pdu
from .attributes import Attributes
from .pdu import Pdu
from .settings import Settings


@dataclass(frozen=True)
class Ack:
    """A data_ack to send. `full` or `error`: the window is processed (WID-5)."""

    seq_nr: int
    full: bool = False
    error: int = 0

    @property
    def processed(self) -> bool:
        return self.full or self.error != 0


@dataclass(frozen=True)
class Group:
    """What one window group carried (RCV-8)."""

    data: bytes
    attributes: Attributes


@dataclass(frozen=True)
class Applied:
    ack: Ack | None = None
    group: Group | None = None


class Receiver:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.window_id = -1
        self.window: dict[int, Pdu] = {}  # PDUs by seq_nr
        self.group: list[list[Pdu]] = []  # whole windows
        # No group that keeps GRP-2a has more PDUs; without this, empty ones would fill the memory.
        self.group_pdus_max = settings.group_bytes_max // pdu.PDU_MIN

    def apply(self, received: Pdu, opening: bool) -> Applied:
        self._place(received)
        if self._over_limit():
            # GRP-1 allows the error as soon as the two buffers together pass the limit.
            return self._fail(received.seq_nr, pdu.ERROR_GROUP_OVERFLOW)
        run = self._run()
        if run == 0:
            return Applied()  # ACK-1: nothing before seq_nr 0 is held
        last = self.window[run - 1]
        if not last.flag(pdu.LAST_IN_WINDOW) and run < self.settings.max_window_size:
            return Applied(Ack(run - 1))
        return self._full([self.window[seq_nr] for seq_nr in range(run)], opening)

    def _place(self, received: Pdu) -> None:
        if received.window_id != self.window_id:  # RCV-1
            self.window.clear()
            self.window_id = received.window_id
        if received.flag(pdu.FIRST_IN_WINDOW_GROUP):  # RCV-2
            self.group.clear()
        if received.flag(pdu.LAST_IN_WINDOW):  # RCV-3
            self.window = {
                seq_nr: held
                for seq_nr, held in self.window.items()
                if seq_nr <= received.seq_nr and not held.flag(pdu.LAST_IN_WINDOW)
            }
        self.window[received.seq_nr] = received  # RCV-4

    def _run(self) -> int:
        """PDUs from seq_nr 0 without a gap, not past a held last_in_window (RCV-5)."""
        run = 0
        while run in self.window:
            run += 1
            if self.window[run - 1].flag(pdu.LAST_IN_WINDOW):
                break
        return run

    def _over_limit(self) -> bool:
        """GRP-1, of the group and the current window together."""
        held = [*self._members(), *self.window.values()]
        total = sum(map(group_bytes, held))
        return total > self.settings.group_bytes_max or len(held) > self.group_pdus_max

    def _members(self) -> list[Pdu]:
        return [member for window in self.group for member in window]

    def _full(self, window: list[Pdu], opening: bool) -> Applied:
        """RCV-6: the window moves to the group; RCV-8: the group may be complete."""
        seq_nr = len(window) - 1
        self.window = {}
        if (
            not self.group
            and not window[0].flag(pdu.FIRST_IN_WINDOW_GROUP)
            and self.settings.require_first_in_window_group
        ):
            return self._fail(seq_nr, pdu.ERROR_NO_BEGINNING)  # RCV-11
        self.group.append(window)
        last = window[-1]
        if not (last.flag(pdu.LAST_IN_WINDOW) and last.flag(pdu.LAST_IN_WINDOW_GROUP)):  # RCV-7
            return Applied(Ack(seq_nr, full=True))
        if opening and len(self.group) == 1:
            return self._fail(seq_nr, pdu.ERROR_SINGLE_WINDOW_GROUP)  # OPN-3
        members = self._members()
        try:
            options = [option for held in members for option in held.options]
            group = Group(b"".join(held.data for held in members), attributes.decode(options))
        except attributes.Undecodable:
            return self._fail(seq_nr, pdu.ERROR_OPTION_DECODING)  # OPT-8
        self.group = []
        return Applied(Ack(seq_nr, full=True), group)

    def _fail(self, seq_nr: int, error: int) -> Applied:
        """ACK-3: the window counts as processed, both buffers are cleared."""
        self.window = {}
        self.group = []
        return Applied(Ack(seq_nr, error=error))


def group_bytes(held: Pdu) -> int:
    """What one PDU adds to its group under GRP-1."""
    options = sum(len(name) + len(value) for name, value in held.options if name not in pdu.FRAMING)
    return options + len(held.data)
