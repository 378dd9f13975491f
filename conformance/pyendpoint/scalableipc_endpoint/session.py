"""One session: its states, its answers to PDUs, its timers (STM, OPN, LNK, IDL, FAF, CLS).

    opening ──► opened ──► closing ──► awaiting_disposal ──► disposed      (rules, section 7)
       └──────────┴───────────────────────────┘      any state ──► disposed
"""

from functools import partial

from . import pdu, sender
from .pdu import Pdu, need
from .receiver import PeerIds, Receiver
from .sender import Failed, Message, OwnIds, Refused
from .settings import NS_PER_MS

OPENING, OPENED, CLOSING = "opening", "opened", "closing"
AWAITING_DISPOSAL, DISPOSED = "awaiting_disposal", "disposed"

TAKEN_IN = {  # the states a PDU is taken in, and the rule that discards it in a later one
    pdu.DATA: ((OPENING, OPENED), "RCV-10"),
    pdu.DATA_ACK: ((OPENING, OPENED, CLOSING), "SND-8"),
    pdu.CLOSE: ((OPENED, CLOSING), "CLS-4"),
    pdu.CLOSE_ACK: ((OPENED, CLOSING), "SND-8"),
    pdu.ENQUIRE_LINK: ((OPENED,), "LNK-3"),
    pdu.ENQUIRE_LINK_ACK: ((OPENED, CLOSING), "STM-5"),
}


class Session:
    def __init__(self, endpoint, session_id, remote, local, idle_ms):
        settings = endpoint.settings
        self.endpoint, self.settings, self.id, self.remote = endpoint, settings, session_id, remote
        self.local = local  # END-5: opened by the local application
        self.state, self.cause = OPENING, None
        self.created_at = self.last_activity = endpoint.now
        self.awaiting_since = None

        self.ids = OwnIds(settings.window_id_step, settings.window_id_max)
        self.resync_from = 0  # WID-11: when the next resync PDU may leave
        self.peer_window_max = settings.max_window_size  # SND-12
        self.operation = self.wait = None  # a generator, and what it waits for
        self.sending = None  # the label of a send in progress
        self.closing = []  # the labels of closes
        self.proven = False  # OPN-6: a group of ours was acked in full, or one received
        self.unreliable = []  # FAF-2: label and message of those that wait for a gap
        self.unreliable_out = {}  # labels by token, aftermath outstanding

        self.peer_ids = PeerIds(settings.window_id_step, settings.window_id_max)
        self.receiver = Receiver(settings)
        self.last_answer = None  # WID-7: the ack that the last processed window got
        self.receiving_until = 0  # OPN-5a
        self.heard = False  # LNK-4: the peer has acked or sent something valid
        self.idle_ms = self.local_idle_ms = idle_ms
        self.link_at = None

    @property
    def now(self):
        return self.endpoint.now

    # ---- PDUs in ----

    def receive(self, got):
        """One decoded PDU of this session, checked in the order of section 1."""
        if got.opcode in (pdu.DATA, pdu.CLOSE):
            if not self.peer_ids.is_valid(got.window_id):
                last = self.last_answer
                known = last and (last.window_id, last.opcode) == (got.window_id, got.opcode + 1)
                need(known, "WID-3", "window_id")
                self.transmit(last)  # WID-7, in every state
                return
            need(got.seq_nr < self.settings.max_window_size, "SEQ-1", "seq_nr")
        states, rule = TAKEN_IN[got.opcode]
        need(self.state in states, "OPN-1" if self.state == OPENING else rule, "state")
        getattr(self, "on_" + pdu.OPCODES[got.opcode])(got)
        self.arm_link()

    def on_data(self, got):
        self.heard = True
        if got.get(pdu.SKIP):
            self.open_up()  # STM-1, OPN-4: before anything else
        opening = self.state == OPENING
        if opening and self.operation:
            # OPN-2: neither applied nor a processed window, so min stays and nothing is kept.
            self.answer(got, got.seq_nr, {pdu.ERROR_CODE: pdu.ERROR_TWO_WAY_WHILE_OPENING}, False)
            return
        self.last_activity = self.now  # IDL-1
        self.peer_ids.apply(got.window_id)  # WID-4
        applied = self.receiver.apply(got, opening)
        lasts = (self.settings.max_retry_count + 1) * self.settings.ack_timeout
        failed = pdu.ERROR_CODE in applied.answer
        self.receiving_until = 0 if failed else self.now + lasts  # OPN-5a
        if applied.group:
            self.deliver(*applied.group)
        if applied.seq_nr is not None:
            self.answer(got, applied.seq_nr, applied.answer, processed=bool(applied.answer))

    def answer(self, got, seq_nr, values, processed):
        options = tuple((name, str(value).encode()) for name, value in values.items())
        ack = Pdu(self.id, got.window_id, seq_nr, got.opcode + 1, options)
        self.transmit(ack)  # ACK-4: its aftermath matters to nobody
        if processed:
            self.peer_ids.processed, self.last_answer = True, ack  # WID-5, WID-7, WID-8

    def deliver(self, data, attributes):
        self.proven = True  # OPN-6: it received a group
        self.open_up()  # STM-1: just before it is handed over
        self.endpoint.deliver(self, data, attributes)
        world = self.settings
        low, high = world.min_remote_idle_timeout_ms, world.max_remote_idle_timeout_ms
        for value in [value for name, value in attributes if name == pdu.IDLE_TIMEOUT]:
            try:  # IDL-2: the last one counts; nobody has checked one in a long attribute
                wanted = pdu.parse_int(value)
                self.idle_ms = wanted if low <= wanted <= high else self.local_idle_ms
            except pdu.Discard:
                pass

    def on_data_ack(self, got):
        self.last_activity = self.now  # IDL-1: any data_ack
        self.on_close_ack(got)

    def on_close_ack(self, got):
        if got.window_id in (self.ids.acked, *self.ids.unacked):
            self.heard = True  # LNK-4
        is_progress = got.get(pdu.ERROR_CODE) != pdu.ERROR_TWO_WAY_WHILE_OPENING
        moved = is_progress and self.ids.on_ack(got.window_id)  # WID-10
        awaited = self.operation and self.wait.acks(got)
        need(moved or awaited, "SND-8", "not_awaited")
        if got.get(pdu.MAX_WINDOW_SIZE) > 0:
            self.peer_window_max = got.get(pdu.MAX_WINDOW_SIZE)  # SND-12
        if awaited:
            self.resume(got)

    def on_close(self, got):
        need(got.seq_nr == 0, "CLS-3a", "close_seq_nr")
        self.peer_ids.apply(got.window_id)  # WID-4, WID-8
        code = got.get(pdu.ABORT_CODE) or pdu.ABORT_NORMAL  # ERR-1: absent or 0 means 1
        if code == pdu.ABORT_NORMAL:  # CLS-3: only a gracious close is acked
            self.answer(got, 0, {pdu.IS_WINDOW_FULL: True}, processed=True)  # CLS-1a
        self.await_disposal(code)  # STM-4, STM-5

    def on_enquire_link(self, got):
        self.transmit(Pdu(self.id, 0, 0, pdu.ENQUIRE_LINK_ACK))  # LNK-1

    def on_enquire_link_ack(self, got):
        nack = got.get(pdu.ERROR_CODE) == pdu.ERROR_SESSION_ENDED  # ERR-3
        need(nack or self.state == OPENED, "STM-5", "state")
        if nack:
            need(self.heard, "LNK-4", "nack_disbelieved")
            self.await_disposal(pdu.RESTART)  # STM-4, STM-5

    # ---- commands of the application; they may raise Refused ----

    def send(self, label, data, attributes, skip):
        if self.state not in (OPENING, OPENED):
            raise Refused("state")
        if self.operation:
            raise Refused("busy")  # SND-1a
        message = Message(self.settings, data, attributes, skip, self.proven)
        if message.skip:
            self.open_up()  # STM-1, OPN-4
        if self.state == OPENING and self.now < self.receiving_until:
            raise Refused("opening")  # OPN-2, OPN-5a
        self.sending, self.operation = label, sender.send(self, message)
        self.resume(None)

    def send_unreliable(self, label, data, attributes, skip):
        if self.state not in (OPENING, OPENED):
            raise Refused("state")  # FAF-2a
        message = Message(self.settings, data, attributes, skip, proven=True)
        bodies, taken = message.cut(0, restricted=False)
        if len(bodies) > 1 or taken < len(data):
            raise Refused("size")  # FAF-3
        if self.is_restricted(message.skip):
            raise Refused("opening")  # FAF-2a
        if self.operation and len(self.unreliable) >= self.settings.unreliable_queue:
            self.result(label, "send_unreliable", "not_sent")
            return
        self.open_up()  # STM-1: in opening it has skip
        self.last_activity = self.now  # IDL-1
        self.unreliable.append((label, message))
        if not self.operation:  # FAF-2: this is a gap
            self.flush_unreliable()

    def close(self, label, code):
        if self.state == OPENED and self.operation and code == pdu.ABORT_NORMAL:
            raise Refused("busy")  # SND-1
        self.closing.append(label)  # CLS-5: while closing it ends when the first does
        if self.state == OPENED:
            self.begin_closing(code)
        elif self.state == OPENING:
            self.await_disposal(code)  # STM-2: without a PDU
        elif self.state == AWAITING_DISPOSAL:
            self.end_closes("ok")  # CLS-5

    def is_restricted(self, skip):
        """OPN-3 in opening, when nothing is proven yet, OPN-6 beyond: a group has two windows."""
        return not skip and not self.proven

    # ---- operations and fire-and-forget ----

    def resume(self, event):
        """Tells the operation what has come, up to where it waits again, or to its end."""
        try:
            self.wait = self.operation.send(event)
            return
        except StopIteration:
            outcome, code = "ok", 0
        except Failed as failed:
            outcome, code = failed.args
        if self.state == CLOSING:
            self.await_disposal(self.cause)  # STM-5, CLS-1: whatever the outcome
            return
        self.end_send(outcome, code)  # STM-7: the session goes on
        self.last_activity = self.now  # IDL-1
        self.flush_unreliable()  # FAF-2

    def end_send(self, outcome, code):
        label, self.sending, self.operation = self.sending, None, None
        if label is not None:
            self.result(label, "send", outcome, code)

    def on_aftermath(self, token, success):
        if token in self.unreliable_out:
            outcome = "ok" if success else "not_sent"
            self.result(self.unreliable_out.pop(token), "send_unreliable", outcome)
        elif self.operation and token == self.wait.aftermath:
            self.resume(success)  # SND-9: any other is disregarded

    def resync(self, window_id):
        """WID-11: data, seq_nr 0, no options, no bytes; at most one in an ack_timeout."""
        self.resync_from = self.now + self.settings.ack_timeout
        return self.transmit(Pdu(self.id, self.ids.use(window_id), 0, pdu.DATA))

    def flush_unreliable(self):
        """Lets the queue leave; the caller knows that this is a gap (FAF-2)."""
        while self.unreliable and self.state == OPENED:
            label, message = self.unreliable.pop(0)
            if self.ids.is_free():
                bodies, _ = message.cut(0, restricted=False)
                window_id = self.ids.use(self.ids.next)  # FAF-1: its ack feeds WID-10 alone
                (single,) = message.window(self.id, window_id, bodies, 0, 1)
                self.unreliable_out[self.transmit(single)] = label
                self.last_activity = self.now  # IDL-1
            else:
                self.result(label, "send_unreliable", "not_sent")  # WID-11
                if self.now >= self.resync_from:
                    self.resync(self.ids.top)

    def transmit(self, sent):
        return self.endpoint.transmit(self, self.remote, sent)

    def result(self, label, op, outcome, code=0):
        fields = {"label": label, "op": op, "outcome": outcome, "code": code}
        self.endpoint.emit("result", self.id, self.remote, **fields)

    # ---- states ----

    def enter(self, state, cause):
        self.state, self.cause = state, cause
        self.endpoint.emit("state", self.id, self.remote, state=state, cause=cause)

    def open_up(self):
        if self.state == OPENING:
            self.enter(OPENED, None)
            self.last_activity = self.now
            self.arm_link()

    def leave(self, state, cause):
        """Out of opening or opened: what is in progress fails, what waits is not sent."""
        self.end_send("closed", cause or 0)  # SND-11: session ended
        for label, _ in self.unreliable:
            self.result(label, "send_unreliable", "not_sent")  # FAF-2a
        self.unreliable.clear()
        self.enter(state, cause)

    def begin_closing(self, code):
        self.leave(CLOSING, code)
        self.operation = sender.close(self, code)
        self.resume(None)

    def await_disposal(self, code):
        self.leave(AWAITING_DISPOSAL, code)
        self.awaiting_since = self.now
        self.end_closes("ok")

    def end_closes(self, outcome, code=0):
        for label in self.closing:
            self.result(label, "close", outcome, code)
        self.closing.clear()

    def dispose(self, code):
        """Final dispose (STM-6): what is pending ends with `code`."""
        for label in self.unreliable_out.values():
            self.result(label, "send_unreliable", "closed", code or 0)
        self.unreliable_out.clear()
        self.end_closes("closed", code or 0)
        self.leave(DISPOSED, code)

    # ---- time ----

    def timers(self):
        """(moment, what happens then) of each timer that runs, as things stand."""
        world, idle = self.settings, self.idle_ms * NS_PER_MS
        if self.state == OPENING and world.open_timeout > 0:  # STM-2
            on_timeout = partial(self.await_disposal, pdu.OPEN_TIMEOUT)
            yield self.created_at + world.open_timeout, on_timeout
        if self.operation and self.wait.until is not None:
            yield self.wait.until, partial(self.resume, None)
        if self.state == OPENED and idle > 0 and not self.operation:  # STM-3, IDL-1
            yield self.last_activity + idle, partial(self.begin_closing, pdu.ABORT_IDLE_TIMEOUT)
        if self.state == OPENED and self.link_at is not None:
            yield self.link_at, self.enquire
        if self.state == AWAITING_DISPOSAL:  # END-3
            yield self.awaiting_since + world.linger, partial(self.endpoint.remove, self, None)

    def arm_link(self):
        interval = self.settings.enquire_link_interval
        if self.link_at is None and interval > 0 and self.state == OPENED and self.heard:
            self.link_at = self.now + interval  # LNK-2, LNK-4

    def enquire(self):
        self.transmit(Pdu(self.id, 0, 0, pdu.ENQUIRE_LINK))  # LNK-2
        self.link_at = self.now + self.settings.enquire_link_interval
