"""One session: its state machine, its answers to PDUs, its timers.

    opening ──► opened ──► closing ──► awaiting_disposal ──► disposed      (rules, section 7)
       └──────────┴───────────────────────────┘      any state ──► disposed

Timers, each a moment in virtual nanoseconds or None:
    open timeout   opening: creation + open_timeout (STM-2)
    operation      of the send or close in progress: ack timeout, or wait for a resync (SND-7)
    idle           opened, no operation: last activity + idle timeout (IDL-1)
    link           opened: the next enquire_link (LNK-2)
    dispose        awaiting_disposal: entry + linger (END-3)

Incoming PDUs run through the checks in the order of section 1: decoded and assigned to this
session by the endpoint; then window id and seq_nr, state, opening restrictions, apply.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import pdu
from .attributes import Attributes, Forbidden
from .message import Message, TooLarge, frame
from .operation import CloseOperation, Operation, SendOperation, resync_pdu
from .pdu import Discard, Pdu
from .receiver import Ack, Group, Receiver
from .settings import NS_PER_MS, Settings
from .window_id import OwnIds, PeerIds

if TYPE_CHECKING:
    from .endpoint import Endpoint

OPENING, OPENED, CLOSING, AWAITING_DISPOSAL, DISPOSED = (
    "opening",
    "opened",
    "closing",
    "awaiting_disposal",
    "disposed",
)


class Session:
    def __init__(
        self, endpoint: Endpoint, session_id: bytes, remote: str, local: bool, idle_ms: int
    ) -> None:
        settings = endpoint.settings
        self.endpoint = endpoint
        self.settings: Settings = settings
        self.id: bytes = session_id
        self.remote = remote
        self.local = local  # END-5: opened by the local application
        self.state = OPENING
        self.cause: int | None = None
        self.created_at = endpoint.now
        self.awaiting_since: int | None = None

        self.ids: OwnIds = OwnIds(settings.window_id_step, settings.window_id_max)
        self.peer_window_max: int = 0  # SND-12; 0: not announced
        self.operation: Operation | None = None
        self.proven = False  # OPN-6: a group of ours was acked in full, or one received
        self.close_labels: list[str] = []
        self.unreliable: deque[tuple[str, Message]] = deque()  # FAF-2: waiting for a gap
        self.unreliable_out: dict[int, str] = {}  # labels by token, aftermath outstanding

        self.peer_ids = PeerIds(settings.window_id_step, settings.window_id_max)
        self.receiver = Receiver(settings)
        self.last_answer: tuple[int, int, bytes] | None = None  # WID-7: id, opcode, the ack
        self.receiving_until: int | None = None  # OPN-5a
        self.heard = False  # LNK-4: the peer has acked or sent something valid

        self.local_idle = idle_ms * NS_PER_MS
        self.idle = self.local_idle
        self.last_activity = endpoint.now
        self.link_at: int | None = None

    @property
    def now(self) -> int:
        return self.endpoint.now

    # ---- PDUs in ----

    def receive(self, got: Pdu) -> None:
        """One decoded PDU of this session. Raises Discard where it is to be dropped."""
        handlers = {
            pdu.DATA: self._on_data,
            pdu.DATA_ACK: self._on_data_ack,
            pdu.CLOSE: self._on_close,
            pdu.CLOSE_ACK: self._on_close_ack,
            pdu.ENQUIRE_LINK: self._on_enquire_link,
            pdu.ENQUIRE_LINK_ACK: self._on_enquire_link_ack,
        }
        handlers[got.opcode](got)
        self._arm_link()

    def _is_repeat(self, got: Pdu) -> bool:
        """False: the PDU's window id and seq_nr are valid. True: WID-7 has been done with it."""
        if self.peer_ids.is_valid(got.window_id):
            if got.seq_nr >= self.settings.max_window_size:
                raise Discard("seq_nr", "SEQ-1")
            return False
        if self.last_answer is None or self.last_answer[:2] != (got.window_id, got.opcode):
            raise Discard("window_id", "WID-3")
        self.transmit(self.last_answer[2], None)  # WID-7, in every state
        return True

    def _on_data(self, got: Pdu) -> None:
        if self._is_repeat(got):
            return
        if self.state not in (OPENING, OPENED):
            raise Discard("state", "RCV-10")
        self.heard = True
        if self.state == OPENING and got.flag(pdu.SKIP):
            self._enter_opened()  # STM-1, OPN-4: before anything else
        opening = self.state == OPENING
        if opening and self.operation is not None:
            # OPN-2: neither applied nor a processed window, so min stays and nothing is kept.
            refusal = Ack(got.seq_nr, error=pdu.ERROR_TWO_WAY_WHILE_OPENING)
            self.transmit(self._data_ack(got.window_id, refusal), None)
            return
        self.last_activity = self.now  # IDL-1
        self.peer_ids.apply(got.window_id)  # WID-4
        applied = self.receiver.apply(got, opening)
        if opening:
            failed = applied.ack is not None and applied.ack.error != 0
            self.receiving_until = None if failed else self.now + self.settings.exchange_timeout
        if applied.group is not None:
            self._deliver(applied.group)
        if applied.ack is not None:
            self._answer(got, self._data_ack(got.window_id, applied.ack), applied.ack.processed)

    def _data_ack(self, window_id: int, ack: Ack) -> bytes:
        options: list[tuple[bytes, bytes]] = []
        if ack.full:  # ACK-2
            own_max = str(self.settings.max_window_size).encode()
            options += [(pdu.IS_WINDOW_FULL, b"True"), (pdu.MAX_WINDOW_SIZE, own_max)]
        if ack.error:  # ACK-3
            options.append((pdu.ERROR_CODE, str(ack.error).encode()))
        return pdu.encode(Pdu(self.id, window_id, ack.seq_nr, pdu.DATA_ACK, tuple(options)))

    def _answer(self, got: Pdu, ack: bytes, processed: bool) -> None:
        self.transmit(ack, None)  # ACK-4: its aftermath matters to nobody
        if processed:
            self.peer_ids.processed = True  # WID-5, WID-8
            self.last_answer = (got.window_id, got.opcode, ack)

    def _deliver(self, group: Group) -> None:
        self.proven = True  # OPN-6: it received a group
        if self.state == OPENING:
            self._enter_opened()  # STM-1: just before it is handed over
        self.endpoint.emit_deliver(self, group)
        for name, value in group.attributes:  # IDL-2; the last one counts
            if name == pdu.IDLE_TIMEOUT:
                self._set_remote_idle(value)

    def _set_remote_idle(self, value: bytes) -> None:
        try:
            wanted = pdu.parse_int(value)
        except ValueError:
            return  # only possible in a long attribute, where nobody checks it
        low = self.settings.min_remote_idle_timeout_ms
        high = self.settings.max_remote_idle_timeout_ms
        self.idle = wanted * NS_PER_MS if low <= wanted <= high else self.local_idle

    def _on_data_ack(self, got: Pdu) -> None:
        if self.state == AWAITING_DISPOSAL:
            raise Discard("state", "SND-8")  # nothing is left that it could move
        self.last_activity = self.now  # IDL-1: any data_ack
        self._on_ack(got)

    def _on_close_ack(self, got: Pdu) -> None:
        if self.state not in (OPENED, CLOSING):
            raise Discard("state", "OPN-1" if self.state == OPENING else "SND-8")
        self._on_ack(got)

    def _on_ack(self, got: Pdu) -> None:
        if self.ids.knows(got.window_id):
            self.heard = True  # LNK-4
        is_progress = got.number(pdu.ERROR_CODE) != pdu.ERROR_TWO_WAY_WHILE_OPENING
        moved = is_progress and self.ids.on_ack(got.window_id)  # WID-10
        awaited = self.operation is not None and self.operation.awaits(got)  # SND-8
        if not moved and not awaited:
            raise Discard("not_awaited", "SND-8")
        announced = got.number(pdu.MAX_WINDOW_SIZE)
        if announced > 0:
            self.peer_window_max = announced  # SND-12
        if self.operation is not None:
            self.operation.on_ack(got, awaited)

    def _on_close(self, got: Pdu) -> None:
        if self._is_repeat(got):
            return
        if self.state not in (OPENED, CLOSING):
            raise Discard("state", "OPN-1" if self.state == OPENING else "CLS-4")
        if got.seq_nr != 0:
            raise Discard("close_seq_nr", "CLS-3a")
        self.peer_ids.apply(got.window_id)  # WID-4, WID-8
        if got.abort_code == pdu.ABORT_NORMAL:  # CLS-3: only a gracious close is acked
            options = ((pdu.IS_WINDOW_FULL, b"True"),)  # CLS-1a
            ack = pdu.encode(Pdu(self.id, got.window_id, 0, pdu.CLOSE_ACK, options))
            self._answer(got, ack, processed=True)
        self.enter_awaiting_disposal(got.abort_code)  # STM-4, STM-5

    def _on_enquire_link(self, got: Pdu) -> None:
        if self.state != OPENED:
            raise Discard("state", "OPN-1" if self.state == OPENING else "LNK-3")
        self.transmit(pdu.encode(Pdu(self.id, 0, 0, pdu.ENQUIRE_LINK_ACK)), None)  # LNK-1

    def _on_enquire_link_ack(self, got: Pdu) -> None:
        nack = got.number(pdu.ERROR_CODE) == pdu.ERROR_SESSION_ENDED  # ERR-3
        if self.state != OPENED and not (nack and self.state == CLOSING):
            raise Discard("state", "OPN-1" if self.state == OPENING else "STM-5")
        if not nack:
            return
        if not self.heard:
            raise Discard("nack_disbelieved", "LNK-4")
        self.enter_awaiting_disposal(pdu.LOCAL_RESTART)  # STM-4, STM-5

    # ---- commands of the application ----

    def send(self, label: str, data: bytes, attributes: Attributes, skip: bool) -> None:
        why = self._refusal()
        if why is None and self.operation is not None:
            why = "busy"  # SND-1a
        if why is not None:
            self._refuse(label, "send", why)
            return
        try:
            message = Message(data, attributes, skip, not self.proven, self.settings)
        except Forbidden:
            self._refuse(label, "send", "attributes")
            return
        if self.state == OPENING and message.skip:
            self._enter_opened()  # STM-1, OPN-4
        if self.state == OPENING and self._is_receiving():
            self._refuse(label, "send", "opening")  # OPN-2
            return
        self.operation = SendOperation(self, label, message)
        self.operation.start()

    def send_unreliable(self, label: str, data: bytes, attributes: Attributes, skip: bool) -> None:
        why = self._refusal()  # FAF-2a
        if why is not None:
            self._refuse(label, "send_unreliable", why)
            return
        try:
            message = Message(data, attributes, skip, False, self.settings)
            message.single()
        except Forbidden:
            self._refuse(label, "send_unreliable", "attributes")
            return
        except TooLarge:
            self._refuse(label, "send_unreliable", "size")  # FAF-3
            return
        if self.is_restricted(message.skip):
            self._refuse(label, "send_unreliable", "opening")  # FAF-2a
            return
        in_gap = self.operation is None  # FAF-2
        if not in_gap and len(self.unreliable) >= self.settings.unreliable_queue:
            self._not_sent(label)
            return
        if self.state == OPENING:
            self._enter_opened()  # STM-1: it has skip
        self.last_activity = self.now  # IDL-1
        self.unreliable.append((label, message))
        if in_gap:
            self.flush_unreliable()

    def close(self, label: str, code: int) -> None:
        if self.state == AWAITING_DISPOSAL:
            self._result(label, "close", "ok", 0)  # CLS-5
        elif self.state == CLOSING:
            self.close_labels.append(label)  # CLS-5: ends when the first does
        elif self.state == OPENING:
            self.close_labels.append(label)
            self.enter_awaiting_disposal(code)  # STM-2: without a PDU
        elif code == pdu.ABORT_NORMAL and self.operation is not None:
            self._refuse(label, "close", "busy")  # SND-1
        else:
            self.close_labels.append(label)
            self._enter_closing(code)

    def _refusal(self) -> str | None:
        return None if self.state in (OPENING, OPENED) else "state"

    def is_restricted(self, skip: bool) -> bool:
        """OPN-3 in opening, OPN-6 beyond: whether a group must have two windows. In opening nothing
        is proven yet."""
        return not skip and not self.proven

    def _is_receiving(self) -> bool:
        return self.receiving_until is not None and self.now < self.receiving_until  # OPN-5a

    # ---- fire and forget ----

    def flush_unreliable(self) -> None:
        """Lets the queue leave; the caller knows that this is a gap (FAF-2)."""
        while self.unreliable:
            label, message = self.unreliable.popleft()
            if not self.ids.is_free():
                self._not_sent(label)  # WID-11
                if self.resync_allowed():
                    window_id = self.ids.take_top()
                    self.ids.resync_at = self.now
                    self.transmit(resync_pdu(self.id, window_id), None)
                continue
            window_id = self.ids.take()  # FAF-1: its ack feeds WID-10 alone, not OPN-6
            options, data = frame([message.single()], 0, 1, message.skip)[0]  # FAF-1
            encoded = pdu.encode_raw(self.id, window_id, 0, pdu.DATA, options, data)
            self.last_activity = self.now  # IDL-1
            token = self.transmit(encoded, self._on_unreliable_aftermath)
            self.unreliable_out[token] = label

    def _on_unreliable_aftermath(self, token: int, success: bool) -> None:
        label = self.unreliable_out.pop(token, None)
        if label is not None and success:
            self._result(label, "send_unreliable", "ok", 0)
        elif label is not None:
            self._not_sent(label)

    def _not_sent(self, label: str) -> None:
        self._result(label, "send_unreliable", "not_sent", 0)

    def _drop_unreliable(self) -> None:
        while self.unreliable:
            self._not_sent(self.unreliable.popleft()[0])  # FAF-2a

    # ---- what operations ask of their session ----

    def transmit(self, encoded: bytes, on_aftermath: Callable[[int, bool], None] | None) -> int:
        return self.endpoint.transmit(self.remote, encoded, on_aftermath)

    def resync_allowed(self) -> bool:
        """WID-11: at most one resync PDU in an ack_timeout."""
        last = self.ids.resync_at
        return last is None or self.now >= last + self.settings.ack_timeout

    def on_window_sent(self) -> None:
        if self.state == OPENING:
            self._enter_opened()  # STM-1

    def end_operation(self, outcome: str, code: int) -> None:
        """The end of a send; STM-7: whatever it was, the session goes on."""
        operation = self.operation
        assert isinstance(operation, SendOperation)
        self.operation = None
        self.last_activity = self.now  # IDL-1
        self._result(operation.label, "send", outcome, code)
        if self.state == OPENED:
            self.flush_unreliable()  # FAF-2

    # ---- states ----

    def _enter(self, state: str, cause: int | None) -> None:
        self.state = state
        self.cause = cause
        self.endpoint.emit_state(self)

    def _enter_opened(self) -> None:
        self._enter(OPENED, None)
        self.receiving_until = None  # OPN-5a
        self.last_activity = self.now
        self._arm_link()

    def _enter_closing(self, code: int) -> None:
        self._fail_send(code)  # CLS-2
        self._drop_unreliable()
        self._enter(CLOSING, code)
        self.operation = CloseOperation(self, code)
        self.operation.start()

    def enter_awaiting_disposal(self, code: int) -> None:
        self._fail_send(code)
        self._drop_unreliable()
        self._enter(AWAITING_DISPOSAL, code)
        self.awaiting_since = self.now
        for label in self.close_labels:
            self._result(label, "close", "ok", 0)
        self.close_labels.clear()

    def dispose(self, code: int | None) -> None:
        """Final dispose (STM-6): what is pending ends with `code`."""
        ended = 0 if code is None else code
        self._fail_send(ended)
        self._drop_unreliable()
        for label in self.unreliable_out.values():
            self._result(label, "send_unreliable", "closed", ended)
        self.unreliable_out.clear()
        for label in self.close_labels:
            self._result(label, "close", "closed", ended)
        self.close_labels.clear()
        self._enter(DISPOSED, code)

    def _fail_send(self, code: int) -> None:
        operation = self.operation
        self.operation = None
        if isinstance(operation, SendOperation):
            self._result(operation.label, "send", "closed", code)  # SND-11: session ended

    # ---- time ----

    def _arm_link(self) -> None:
        interval = self.settings.enquire_link_interval_ms * NS_PER_MS
        if self.link_at is None and interval > 0 and self.state == OPENED and self.heard:
            self.link_at = self.now + interval  # LNK-2, LNK-4

    def _timers(self) -> list[tuple[int, Callable[[], None]]]:
        """What will fire, as things stand."""
        timers: list[tuple[int, Callable[[], None]]] = []
        open_timeout = self.settings.open_timeout_ms * NS_PER_MS
        if self.state == OPENING and open_timeout > 0:
            timers.append((self.created_at + open_timeout, self._on_open_timeout))
        if self.operation is not None and self.operation.deadline is not None:
            timers.append((self.operation.deadline, self.operation.on_timer))
        if self.state == OPENED and self.idle > 0 and self.operation is None:
            timers.append((self.last_activity + self.idle, self._on_idle_timeout))
        if self.state == OPENED and self.link_at is not None:
            timers.append((self.link_at, self._on_link_timer))
        if self.awaiting_since is not None:
            timers.append((self.awaiting_since + self.settings.linger, self._on_linger_over))
        return timers

    def deadline(self) -> int | None:
        return min((at for at, _ in self._timers()), default=None)

    def fire(self) -> bool:
        """Fires the first timer that is due; False if none is."""
        for at, fire in self._timers():
            if at <= self.now and self.state != DISPOSED:
                fire()
                return True
        return False

    def _on_open_timeout(self) -> None:
        self.enter_awaiting_disposal(pdu.LOCAL_OPEN_TIMEOUT)  # STM-2

    def _on_idle_timeout(self) -> None:
        self._enter_closing(pdu.ABORT_IDLE_TIMEOUT)  # STM-3, IDL-1

    def _on_link_timer(self) -> None:
        self.transmit(pdu.encode(Pdu(self.id, 0, 0, pdu.ENQUIRE_LINK)), None)  # LNK-2
        self.link_at = self.now + self.settings.enquire_link_interval_ms * NS_PER_MS

    def _on_linger_over(self) -> None:
        self.endpoint.remove(self, None)  # END-3

    # ---- results ----

    def _result(self, label: str, op: str, outcome: str, code: int) -> None:
        self.endpoint.emit_result(self, label, op, outcome, code)

    def _refuse(self, label: str, op: str, why: str) -> None:
        self.endpoint.emit_result(self, label, op, "refused", 0, why)
