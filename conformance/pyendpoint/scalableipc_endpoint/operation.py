"""The operations of a session that occupy it: a send (SND, RTY, PRT) and a close (CLS-1, CLS-2).

    start ── _proceed ──┬── an id is free ────────────── exchange ── taken ── what comes next
                        └── else a resync PDU (WID-11) ── acked ──── _proceed

One timer each: the ack timer of the exchange, or, without exchange, the wait until another resync
PDU may leave. How an operation ended is the session's to report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import pdu
from .exchange import Exchange, NetworkFailed, PeerError, Send, Step, Taken, TimedOut, Wait
from .message import Body, Message, frame
from .pdu import Pdu

if TYPE_CHECKING:
    from .session import Session


class Operation:
    """What both kinds share: exchanges, their timer, and the resync."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.exchange: Exchange | None = None
        self.resyncing = False
        self.outstanding: int | None = None  # token of the transmission whose aftermath counts
        self.deadline: int | None = None

    def on_aftermath(self, token: int, success: bool) -> None:
        if self.session.operation is not self or token != self.outstanding:
            return  # SND-9: disregarded, an ack or the end came first
        self.outstanding = None
        assert self.exchange is not None
        self._do(self.exchange.on_aftermath(success))

    def awaits(self, ack: Pdu) -> bool:
        """SND-8: whether it is an ack of the window on its way."""
        exchange = self.exchange
        if exchange is None or self.resyncing:
            return False
        fits = (ack.window_id, ack.opcode) == (exchange.window_id, exchange.opcode + 1)
        return fits and exchange.admits(ack.seq_nr)

    def on_ack(self, ack: Pdu, awaited: bool) -> None:
        """An ack of this session; the ids know of it already (WID-10)."""
        if awaited:
            assert self.exchange is not None
            full, error = ack.flag(pdu.IS_WINDOW_FULL), ack.number(pdu.ERROR_CODE)
            step = self.exchange.on_ack(ack.seq_nr, full, error)
            if step is not None:
                self._do(step)
        elif (self.exchange is None or self.resyncing) and self._id_is_free():
            # WID-11: the ack of a resync PDU, anybody's, or a late one of an older id.
            self._stop()
            self._proceed()

    def on_timer(self) -> None:
        self.deadline = None
        if self.exchange is None:
            self._proceed()
        else:
            self._do(self.exchange.on_timeout())

    def _do(self, step: Step) -> None:
        if isinstance(step, Send):
            self._transmit(step.seq_nr)
        elif isinstance(step, Wait):
            self.deadline = self.session.now + self.session.settings.ack_timeout  # SND-7
        elif isinstance(step, Taken):
            self._stop()
            self._taken(step.count)
        else:
            self._stop()
            self._failed(step)

    def _begin(self, window_id: int, opcode: int, pdus: list[bytes], *, resync: bool) -> None:
        self.resyncing = resync
        any_ack = opcode == pdu.CLOSE  # CLS-1a
        retries_max = self.session.settings.max_retry_count  # RTY-3: per window
        self.exchange = Exchange(window_id, opcode, pdus, retries_max, any_ack)
        self._do(self.exchange.first())

    def _transmit(self, seq_nr: int) -> None:
        assert self.exchange is not None
        self.deadline = None
        if self.resyncing:
            self.session.ids.resync_at = self.session.now
        self.outstanding = self.session.transmit(self.exchange.pdus[seq_nr], self.on_aftermath)

    def _stop(self) -> None:
        self.exchange = None
        self.outstanding = None
        self.deadline = None

    def _resync(self) -> None:
        """WID-11: at most one in an ack_timeout; who comes sooner waits the rest of the time."""
        session = self.session
        self._stop()
        self.resyncing = False
        if not session.resync_allowed():
            assert session.ids.resync_at is not None
            self.deadline = session.ids.resync_at + session.settings.ack_timeout
            return
        window_id = session.ids.take_top()
        self._begin(window_id, pdu.DATA, [resync_pdu(session.id, window_id)], resync=True)

    def start(self) -> None:
        raise NotImplementedError

    def _id_is_free(self) -> bool:
        raise NotImplementedError

    def _proceed(self) -> None:
        """Goes on where an id was lacking."""
        raise NotImplementedError

    def _taken(self, count: int) -> None:
        raise NotImplementedError

    def _failed(self, step: PeerError | TimedOut | NetworkFailed) -> None:
        raise NotImplementedError


class SendOperation(Operation):
    """A message, group by group, window by window."""

    def __init__(self, session: Session, label: str, message: Message) -> None:
        super().__init__(session)
        self.label = label
        self.message = message
        self.offset = 0  # of the data the next group begins at
        self.bodies: list[Body] = []  # of the current group
        self.position = 0  # in bodies: what the peer has taken of them
        self.prospective_end = 0  # in bodies: where the prospective window ends
        self.first_alone = False  # OPN-3a: the first window is one PDU

    def start(self) -> None:
        self._next_group()

    def _next_group(self) -> None:
        self.session.flush_unreliable()  # FAF-2: here, between groups
        self.first_alone = self.session.is_restricted(self.message.skip)  # OPN-3, OPN-6
        self.bodies, self.offset = self.message.cut(self.offset, self.first_alone)
        self.position = 0
        self.prospective_end = 0
        self._proceed()

    def _id_is_free(self) -> bool:
        return self.session.ids.is_free()

    def _proceed(self) -> None:
        session = self.session
        size = session.settings.max_window_size  # SND-2a
        size = min(size, session.peer_window_max or size)  # SND-12
        if self.position == self.prospective_end:  # PRT-2; else what the peer left of it, PRT-1
            alone = self.first_alone and self.position == 0
            end = self.position + (1 if alone else size)
            self.prospective_end = min(end, len(self.bodies))
        if not self._id_is_free():
            self._resync()
            return
        count = min(self.prospective_end - self.position, size)
        window_id = session.ids.take()  # WID-9; PRT-1: a rest is a new window
        framed = frame(self.bodies, self.position, count, self.message.skip)
        pdus = [
            pdu.encode_raw(session.id, window_id, seq_nr, pdu.DATA, options, data)  # SEQ-2
            for seq_nr, (options, data) in enumerate(framed)
        ]
        self._begin(window_id, pdu.DATA, pdus, resync=False)

    def _taken(self, count: int) -> None:
        self.position += count  # PRT-1
        self.session.on_window_sent()
        if self.position < len(self.bodies):
            self._proceed()
            return
        self.session.proven = True  # OPN-6: a group of ours was acked in full
        if self.offset < len(self.message.data):
            self._next_group()  # PRT-2
        else:
            self.session.end_operation("ok", 0)

    def _failed(self, step: PeerError | TimedOut | NetworkFailed) -> None:
        if isinstance(step, PeerError):  # SND-11
            self.session.end_operation("peer_error", step.code)
        elif isinstance(step, TimedOut):
            self.session.end_operation("timeout", pdu.LOCAL_SEND_TIMEOUT)
        else:
            self.session.end_operation("network_error", pdu.LOCAL_NETWORK_ERROR)


class CloseOperation(Operation):
    """A close PDU as a window of one. Gracious (CLS-1): with ack and retries. Any other (CLS-2):
    sent once, over at its aftermath."""

    def __init__(self, session: Session, code: int) -> None:
        super().__init__(session)
        self.code = code
        self.gracious = code == pdu.ABORT_NORMAL

    def start(self) -> None:
        self._proceed()

    def on_aftermath(self, token: int, success: bool) -> None:
        if self.gracious:
            super().on_aftermath(token, success)
        elif self.session.operation is self:
            self.session.enter_awaiting_disposal(self.code)  # CLS-2: made or failed

    def awaits(self, ack: Pdu) -> bool:
        return self.gracious and super().awaits(ack)

    def on_ack(self, ack: Pdu, awaited: bool) -> None:
        if self.gracious:  # CLS-2: any other waits for its aftermath alone
            super().on_ack(ack, awaited)

    def _id_is_free(self) -> bool:
        return self.session.ids.is_free(for_close=True)

    def _proceed(self) -> None:
        ids = self.session.ids
        if self._id_is_free():
            window_id = ids.take()
        elif self.gracious:
            self._resync()
            return
        else:
            window_id = ids.take_top()  # WID-11: a forced close is sent all the same
        code = str(self.code).encode()
        close = pdu.encode(Pdu(self.session.id, window_id, 0, pdu.CLOSE, ((pdu.ABORT_CODE, code),)))
        if self.gracious:
            self._begin(window_id, pdu.CLOSE, [close], resync=False)
        else:
            self.session.transmit(close, self.on_aftermath)

    def _taken(self, count: int) -> None:
        self.session.enter_awaiting_disposal(self.code)

    def _failed(self, step: PeerError | TimedOut | NetworkFailed) -> None:
        self.session.enter_awaiting_disposal(self.code)  # CLS-1: whatever the outcome


def resync_pdu(session_id: bytes, window_id: int) -> bytes:
    """WID-11: data, seq_nr 0, no options, no bytes."""
    return pdu.encode(Pdu(session_id, window_id, 0, pdu.DATA))
