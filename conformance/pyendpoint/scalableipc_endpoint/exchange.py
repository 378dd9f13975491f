"""One window on its way to the peer: SND-6..10, RTY-1..3.

    FIRST TRY   PDU 0, 1, .. n-1, each after the aftermath of the one before; then the timer
    RETRY       one PDU at a time, from PDU 0; timer after each; an ack says which comes next

Pure: events go in, a `Step` says what to do. The owner transmits, keeps the clock and knows what
an ended window means.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Send:
    """Transmit the PDU with this seq_nr."""

    seq_nr: int


@dataclass(frozen=True)
class Wait:
    """Start the ack timer (SND-7)."""


@dataclass(frozen=True)
class Taken:
    """The peer took the first `count` PDUs as a window."""

    count: int


@dataclass(frozen=True)
class PeerError:
    code: int


@dataclass(frozen=True)
class TimedOut:
    pass


@dataclass(frozen=True)
class NetworkFailed:
    pass


Step = Send | Wait | Taken | PeerError | TimedOut | NetworkFailed


class Exchange:
    def __init__(
        self, window_id: int, opcode: int, pdus: list[bytes], retries_max: int, any_ack: bool
    ) -> None:
        self.window_id = window_id
        self.opcode = opcode
        self.pdus = pdus
        self.retries_left = retries_max
        self.any_ack = any_ack  # CLS-1a: done by any ack without error
        self.retrying = False
        self.sent = 1  # PDUs sent in this try, the outstanding one included (SND-9)

    def first(self) -> Send:
        return Send(0)

    def on_aftermath(self, success: bool) -> Step:
        if not success:
            return NetworkFailed()
        if not self.retrying and self.sent < len(self.pdus):  # SND-6
            return self._send(self.sent)
        return Wait()

    def admits(self, seq_nr: int) -> bool:
        """SND-8: whether an ack up to this seq_nr may move the exchange."""
        if self.retrying:
            return self.sent <= seq_nr + 1 <= len(self.pdus)  # RTY-2: skips ahead
        return 1 <= seq_nr + 1 <= self.sent

    def on_ack(self, seq_nr: int, full: bool, error: int) -> Step | None:
        """An ack that `admits` takes. None: it moves nothing."""
        count = seq_nr + 1
        if error:
            return PeerError(error)  # SND-9
        if full or self.any_ack:
            return Taken(count)  # SND-9, PRT-1
        if self.sent <= count < len(self.pdus):
            return self._send(count)  # SND-9: it names a PDU to send next
        return None  # SND-10, or an ack of less than was sent

    def on_timeout(self) -> Step:
        if self.retries_left == 0:
            return TimedOut()  # RTY-3
        self.retries_left -= 1
        self.retrying = True  # RTY-1
        return self._send(0)

    def _send(self, seq_nr: int) -> Send:
        self.sent = seq_nr + 1
        return Send(seq_nr)
