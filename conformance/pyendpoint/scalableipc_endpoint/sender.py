"""What a sender does: its own window ids (WID-9..11), a message cut to PDUs (SND-2..5, GRP-2), and
the operations (SND, RTY, PRT, CLS), each a generator that yields what it waits for."""

from collections.abc import Callable
from dataclasses import dataclass

from . import pdu
from .pdu import Pdu, option_bytes


class OwnIds:
    """`acked` is *a* of WID-10, `unacked` the ids used since, in order of use."""

    def __init__(self, step, highest, following=0, acked=None):
        """As if the ids up to `following` had been used. ValueError: that breaks WID-10."""
        self.step, self.highest, self.acked = step, highest, acked
        first = 0 if acked in (None, highest) else acked + 1
        if not first <= following <= self.top:
            raise ValueError(f"next_window_id {following} is not in {first}..{self.top} (WID-10)")
        self.unacked = list(range(first, following))
        self.last_used = self.unacked[-1] if self.unacked else acked

    @property
    def top(self):
        """WID-10: no id above it is used; WID-11: it is the resync PDU's."""
        fresh = self.acked in (None, self.highest)
        return self.step if fresh else min(self.acked + self.step, self.highest)

    @property
    def next(self):
        """The id after the last one used (WID-9); above top while the wrap must wait (WID-10)."""
        if self.last_used is None or self.last_used == self.acked == self.highest:
            return 0  # WID-1, WID-6
        return self.last_used + 1

    def is_free(self, for_close=False):
        """Whether the next id needs no resync (WID-11). A close may carry *top* if no resync PDU
        has; else `next` is beyond it."""
        return self.next < self.top + for_close

    def use(self, window_id):
        """`next`; or `top`, for a resync PDU or a forced close that finds no id (WID-11)."""
        if window_id != self.last_used:
            self.last_used = window_id
            self.unacked.append(window_id)
        return window_id

    def on_ack(self, window_id):
        """WID-10; the caller has left out error 252. True if *a* moved."""
        if window_id not in self.unacked:
            return False
        del self.unacked[: self.unacked.index(window_id) + 1]
        self.acked = window_id
        return True


class Refused(Exception):
    """The application may not do that; the argument is the contract's `why`."""


class Message:
    """What the application hands to send. It is cut into groups of bodies, (options, data) of each
    PDU; the framing comes when a window leaves and it is known which stand first and last in it."""

    def __init__(self, settings, data, attributes, skip, proven):
        check_attributes(attributes)
        self.data, self.group_max = data, settings.group_bytes_max
        skips = [pdu.parse_bool(value) for name, value in attributes if name == pdu.SKIP]
        self.skip = skip or any(skips)  # s_03 as an attribute is the same (SND-4, OPN-4)
        flags = option_bytes([(pdu.SKIP, b"True")]) * (4 if self.skip else 3)
        self.head = pdu.PDU_MIN + flags  # in each PDU, wherever it will stand
        restricted = not (self.skip or proven)  # OPN-3: a second PDU must fit
        self.room = min(settings.mtu, self.group_max - self.head * restricted) - self.head  # SND-2
        wanted = [pair for pair in attributes if pair[0] != pdu.SKIP]
        try:
            self.options = pdu.fit_attributes(wanted, self.room)
        except ValueError:
            raise Refused("attributes") from None
        _, taken = self.cut(0, restricted)
        if option_bytes(self.options) > settings.attribute_limit or (data and taken == 0):
            raise Refused("attributes")  # SND-3a; SND-3: no room is left in a group

    def cut(self, offset, restricted):
        """The group that begins at `offset` of the data, and where the next one begins. The full
        lengths of its PDUs keep within the limit (GRP-2a)."""
        budget = self.group_max - self.head * restricted
        left, bodies = list(self.options), []
        while left or offset < len(self.data) or not bodies:  # SND-5a: an empty one is one PDU
            room = max(0, min(self.room, budget - self.head))
            budget -= self.head + room
            options = []
            while left and option_bytes(left[:1]) <= room:
                room -= option_bytes(left[:1])
                options.append(left.pop(0))
            piece = b"" if left else self.data[offset : offset + room]
            if bodies and not options and not piece:
                break
            bodies.append((options, piece))
            offset += len(piece)
            budget += room - len(piece)
        if left:
            raise Refused("attributes")  # SND-3: they fit no group
        if restricted and len(bodies) == 1:
            bodies.append(([], b""))  # OPN-3a
        return bodies, offset

    def window(self, session_id, window_id, bodies, start, count):
        """The bodies from `start` on as a window, with their framing (SND-5, SEQ-2)."""
        window = []
        for seq_nr, (options, data) in enumerate(bodies[start : start + count]):
            flags = {
                pdu.FIRST_IN_WINDOW_GROUP: start + seq_nr == 0,
                pdu.LAST_IN_WINDOW: seq_nr == count - 1,
                pdu.LAST_IN_WINDOW_GROUP: start + seq_nr == len(bodies) - 1,
                pdu.SKIP: self.skip,  # OPN-4a: on every PDU
            }
            framing = tuple((name, b"True") for name, is_set in flags.items() if is_set)
            framed = (*framing, *options)
            window.append(Pdu(session_id, window_id, seq_nr, pdu.DATA, framed, data))
        return window


def check_attributes(attributes):
    """SND-4. What would make the peer discard the PDU is refused too (OPT-4)."""
    for name, value in attributes:
        try:
            pdu.KNOWN.get(name, bytes)(value)
        except pdu.Discard:
            raise Refused("attributes") from None
        if name in pdu.FRAMING - {pdu.SKIP} or name.startswith(pdu.LONG_PREFIX) or b"\0" in name:
            raise Refused("attributes")


@dataclass(frozen=True)
class Wait:
    """What an operation waits for; the first of it that comes is sent into the generator."""

    acks: Callable = lambda ack: False  # whether an ack fits: the Pdu
    aftermath: int | None = None  # of the transmission with this token: True, or False if it failed
    until: int | None = None  # a moment: None


class Failed(Exception):
    """An operation's end; the arguments are outcome and code (SND-11)."""


def exchange(session, window_id, opcode, pdus):
    """One window on its way: returns how many PDUs the peer took as a window (PRT-1).

    First try: PDU 0, 1, .. n-1, each after the aftermath of the one before, then the timer (SND-6).
    Retry: one PDU at a time from PDU 0, each with a timer; an ack says which is next (RTY-1)."""
    retries_left, retrying, following = session.settings.max_retry_count, False, 0

    def acks(ack):  # SND-8, RTY-2
        counts = range(sent, len(pdus) + 1) if retrying else range(1, sent + 1)
        ours = (ack.window_id, ack.opcode) == (window_id, opcode + 1)
        return ours and ack.seq_nr + 1 in counts

    while True:
        wait = Wait(acks, aftermath=session.transmit(pdus[following]))
        sent = following + 1  # in this try, the outstanding one included (SND-9)
        following = None
        while following is None:
            event = yield wait
            if event is False:
                raise Failed("network_error", pdu.NETWORK_ERROR)
            elif event is True and not retrying and sent < len(pdus):
                following = sent  # SND-6
            elif event is True:
                wait = Wait(acks, until=session.now + session.settings.ack_timeout)  # SND-7
            elif event is None and retries_left == 0:
                raise Failed("timeout", pdu.SEND_TIMEOUT)  # RTY-3: per window
            elif event is None:
                retries_left, retrying, following = retries_left - 1, True, 0  # RTY-1
            elif error := event.get(pdu.ERROR_CODE):
                raise Failed("peer_error", error)  # SND-9
            elif event.get(pdu.IS_WINDOW_FULL) or opcode == pdu.CLOSE:  # CLS-1a
                return event.seq_nr + 1
            elif sent <= event.seq_nr + 1 < len(pdus):
                following = event.seq_nr + 1  # SND-9; any other ack changes nothing (SND-10)


def free_id(session, for_close=False):
    """The next id; where none is free a resync PDU goes first, retried as RTY (WID-11). Any ack
    that brings an id will do, be it of another's resync PDU or a late one. That of 9E15 - 1 brings
    none, as 9E15 is *top* then: it takes another resync PDU."""
    ids, settings, tries, resync_id = session.ids, session.settings, 0, None

    def acks(ack):
        return ids.is_free(for_close) or ids.acked == ids.last_used

    while not ids.is_free(for_close):
        if ids.acked == resync_id:
            tries, resync_id = 0, None
        if session.now < session.resync_from:  # too soon after another's
            yield Wait(acks, until=session.resync_from)
        elif tries > settings.max_retry_count:
            raise Failed("timeout", pdu.SEND_TIMEOUT)
        else:
            tries, resync_id = tries + 1, resync_id or ids.top
            event = yield Wait(acks, aftermath=session.resync(resync_id))
            if event is False:
                raise Failed("network_error", pdu.NETWORK_ERROR)
            if event is True:
                yield Wait(acks, until=session.now + settings.ack_timeout)
    return ids.use(ids.next)


def send(session, message):
    """A message, group by group, window by window."""
    offset = 0
    while True:
        session.flush_unreliable()  # FAF-2: here, between groups
        restricted = session.is_restricted(message.skip)  # OPN-3, OPN-6
        bodies, offset = message.cut(offset, restricted)
        taken = end = 0  # of the bodies: what the peer has, where the prospective window ends
        while taken < len(bodies):
            window_id = yield from free_id(session)  # WID-9; PRT-1: a rest is a new window
            most = min(session.settings.max_window_size, session.peer_window_max)  # SND-2a, SND-12
            if taken == end:  # PRT-2; else what the peer left of it (PRT-1)
                end = min(taken + (1 if restricted and taken == 0 else most), len(bodies))  # OPN-3a
            count = min(end - taken, most)
            window = message.window(session.id, window_id, bodies, taken, count)
            taken += yield from exchange(session, window_id, pdu.DATA, window)
            session.open_up()  # STM-1
        session.proven = True  # OPN-6: a group of ours was acked in full
        if offset == len(message.data):
            return


def close(session, code):
    """A close PDU as a window of one. Gracious (CLS-1): with ack and retries. Any other (CLS-2):
    sent once, over at its aftermath, and sent also where no id is free (WID-11)."""
    ids, gracious = session.ids, code == pdu.ABORT_NORMAL
    if gracious:
        window_id = yield from free_id(session, for_close=True)
    else:
        window_id = ids.use(ids.next if ids.is_free(for_close=True) else ids.top)
    sent = Pdu(session.id, window_id, 0, pdu.CLOSE, ((pdu.ABORT_CODE, b"%d" % code),))
    if gracious:
        yield from exchange(session, window_id, pdu.CLOSE, [sent])
    else:
        yield Wait(aftermath=session.transmit(sent))
