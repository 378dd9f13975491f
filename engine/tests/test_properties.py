"""Properties of the engine, found out by Hypothesis against the plain-Python endpoint.

Lockstep: both endpoints live through the same events, of any kind and in any order, and whatever
comes out is the same (pair.py). Conversation: an engine and a Python endpoint talk over a link that
loses, repeats and reorders until it is healed; what arrives is what was sent, once and in order,
and in the end it arrives.

The runs are deterministic; -m "" runs many more of them.
"""

import sys
from pathlib import Path
from types import SimpleNamespace

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (RuleBasedStateMachine, initialize, precondition, rule,
                                 run_state_machine_as_test)
from hypothesis.strategies._internal.strategies import FilteredStrategy

ROOT = Path(__file__).resolve().parents[2]
for folder in ("engine/tests", "engine/python", "conformance/pyendpoint"):
    if str(ROOT / folder) not in sys.path:
        sys.path.insert(0, str(ROOT / folder))

from pair import MS, EngineEnd, Pair, PythonEnd, is_forgotten  # noqa: E402
from scalableipc_endpoint import pdu as codec  # noqa: E402
from scalableipc_endpoint.pdu import Pdu  # noqa: E402

COMMON = {"mtu": 512, "max_window_size": 4, "ack_timeout_ms": 100, "max_retry_count": 2,
          "open_timeout_ms": 0, "unreliable_queue": 2, "attribute_limit": 300,
          "max_sessions": 64}  # with those that linger; more only cost memory
WORLDS = {
    "plain": {},
    "one at a time": {"max_window_size": 1, "max_retry_count": 0},
    "timers": {"open_timeout_ms": 700, "idle_timeout_ms": 450, "enquire_link_interval_ms": 250,
               "min_remote_idle_timeout_ms": 100, "max_remote_idle_timeout_ms": 1_000},
    "smallest ring": {"window_id_step": 2, "window_id_max": 6, "max_retry_count": 1},
    "small ring": {"window_id_step": 3, "window_id_max": 11, "max_window_size": 2},
    "ring of odd steps": {"window_id_step": 5, "window_id_max": 17, "max_retry_count": 1},
    "small groups": {"group_bytes_max": 1_060, "max_window_size": 3},
    "few sessions": {"max_sessions": 2, "linger_ms": 0},
    "stream": {"network": "stream"},
    "lenient": {"require_first_in_window_group": False, "max_window_size": 2},
}
# Sizes that both cut into as many PDUs and groups, with and without skip and the attributes below,
# which take up to 100 bytes (SND-2 of LIBERTIES).
SIZES = (0, 100, 650, 1_100, 1_900)
ATTRIBUTES = (
    [], [], [], [], [(b"a", b"1")], [(b"color", b"red"), (b"color", b""), (b"s_traceId", b"t")],
    [(b"s_idle_timeout", b"300")], [(b"s_idle_timeout", b"5000")], [(b"s_03", b"true")],
    [(b"s_idle_timeout", b"soon")], [(b"s_01", b"True")], [(b"s_e_0", b"1:ab")],
    [(b"long", b"x" * 300)],
)
OPTIONS = (
    (), ((b"a", b"1"),), ((b"s_traceId", b"t"), (b"", b"empty")), ((b"s_e_0", b"1:ab"),),
    ((b"s_e_0", b"9:ab"),), ((b"s_idle_timeout", b"200"),), ((b"s_idle_timeout", b"-1"),),
    ((b"s_03", b"TRUE"),), ((b"s_01", b"maybe"),), ((b"s_00", b"true"), (b"s_00", b"false")),
)
FLAGS = (codec.FIRST_IN_WINDOW_GROUP, codec.LAST_IN_WINDOW, codec.LAST_IN_WINDOW_GROUP)
COUNTER = b"".join(i.to_bytes(2, "big") for i in range(2_000))  # any four bytes tell where they are


def message(size):
    return COUNTER[:size]


def exchange_of(mind):
    """What the Python endpoint's session has on its way: the exchange that its operation is in, as
    the locals of that generator (window_id, opcode, pdus, sent), or None."""
    steps = mind and mind.operation
    while steps and steps.gi_yieldfrom:
        steps = steps.gi_yieldfrom
    return SimpleNamespace(**steps.gi_frame.f_locals) if steps and steps.__name__ == "exchange" \
        else None


def session_number(number):
    return bytes(range(number, number + 32))


# Whom an event is about: mostly one session, else little happens to any.
whom = st.sampled_from(("usual",) * 9 + ("one before", "of another peer", "another"))
often = st.sampled_from((True, True, True, False))
seldom = st.sampled_from((False,) * 15 + (True,))


class Lockstep(RuleBasedStateMachine):
    library = None  # set by the test

    def __init__(self):
        super().__init__()
        self.pair = None
        self.labels = 0
        self.closes = 0

    @initialize(world=st.sampled_from(sorted(WORLDS)), manual=st.booleans(), data=st.data())
    def start(self, world, manual, data):
        self.world = COMMON | WORLDS[world]
        self.manual = manual
        self.pair = Pair(self.library, self.world, manual)
        self.usual = 0  # number of the session that most events are about
        self.begin(data)

    @rule(data=st.data())
    def begin(self, data):
        """A session, opened here or by the peer, in opening or beyond, where there is none."""
        peer, session_id = self._resolve("usual")
        if self._mind(peer, session_id) is not None:
            return
        opener = data.draw(st.sampled_from(("nobody", "peer", "here", "here")), "opener")
        if opener == "here":
            self.pair.do("open", peer=peer, session_id=session_id)
            if self._mind(peer, session_id) and data.draw(st.booleans(), "preset"):
                self._preset(peer, session_id, data, -1, False)
        if opener != "nobody" and data.draw(often, "opened"):
            whole = tuple((name, b"True") for name in (*FLAGS, codec.SKIP))
            self._receive(peer, Pdu(session_id, 0, 0, codec.DATA, whole, b"hello"))

    def _resolve(self, choice):
        """Peer and session id. Where the usual session is over, there is another."""
        endpoint = self.pair.python.endpoint
        over = (1, session_number(self.usual))
        mind = self._mind(*over)
        ended = mind is not None and mind.state == "awaiting_disposal"
        if ended or (mind is None and endpoint.key(str(over[0]), over[1]) in endpoint.gone):
            self.usual += 1
        number = {"one before": max(self.usual - 1, 0), "another": 99}.get(choice, self.usual)
        return 2 if choice == "of another peer" else 1, session_number(number)

    # ---- what to choose from: the Python endpoint's mind is open ----

    def _mind(self, peer, session_id):
        """The Python endpoint's session, None if it holds none. Only for choosing events."""
        endpoint = self.pair.python.endpoint
        return endpoint.sessions.get(endpoint.key(str(peer), session_id))

    def _peer_id(self, peer, session_id, choice):
        """A window id of the peer's, by what it is to the receiver."""
        step = self.world.get("window_id_step", 100)
        highest = self.world.get("window_id_max", 9 * 10**15)
        mind = self._mind(peer, session_id)
        known = mind is not None and mind.peer_ids.minimum is not None
        low = mind.peer_ids.minimum if known else -1
        last = mind.last_answer.window_id if mind is not None and mind.last_answer else low
        following = 0 if low == highest else low + 1
        return {"next": following, "same": max(low, 0), "in reach": low + 2, "furthest": low + step,
                "too far": low + step + 1, "before": low - 1, "last answered": last, "zero": 0,
                "step": step, "highest": highest, "beyond": highest + 1}[choice]

    def _own_id(self, peer, session_id, choice):
        """A window id of the endpoint's own, by what it is to the sender."""
        mind = self._mind(peer, session_id)
        if mind is None:
            return 0
        last = -1 if mind.ids.last_used is None else mind.ids.last_used
        acked = -1 if mind.ids.acked is None else mind.ids.acked
        exchange = exchange_of(mind)
        unacked = list(mind.ids.unacked)
        return {"current": exchange.window_id if exchange else last, "last": last, "acked": acked,
                "before acked": acked - 1, "oldest": unacked[0] if unacked else last,
                "second oldest": unacked[1] if len(unacked) > 1 else last,
                "never used": last + 1, "top": mind.ids.top}[choice]

    def _count(self, peer, session_id, choice):
        """How many PDUs an ack covers."""
        mind = self._mind(peer, session_id)
        exchange = exchange_of(mind)
        sent, length = (exchange.sent, len(exchange.pdus)) if exchange else (1, 1)
        return {"one": 1, "less": sent - 1, "sent": sent, "more": sent + 1, "all": length,
                "beyond": length + 1, "most": 2**31}[choice]

    def _receive(self, peer, got):
        if got.window_id >= 0 and got.seq_nr >= 0:
            self.pair.do("receive", peer=peer, encoded=codec.encode(got))

    # ---- PDUs in ----

    @rule(who=whom, data=st.data(), skip=st.sampled_from((0, 0, 1)),
          window_id=st.sampled_from(("next", "next", "same", "in reach", "furthest")),
          begins=often, ends=st.booleans(), count=st.integers(1, 5))
    def receive_window(self, who, data, skip, window_id, begins, ends, count):
        """A window as a sender makes it, its PDUs in any order, some perhaps missing."""
        peer, session_id = self._resolve(who)
        window = self._peer_id(peer, session_id, window_id)
        order = data.draw(st.one_of(st.just(range(count)), st.permutations(range(count)),
                                    st.lists(st.integers(0, count - 1), max_size=6)))
        for seq_nr in order:
            wanted = (begins and seq_nr == 0, seq_nr == count - 1, ends and seq_nr == count - 1)
            options = [(name, b"True") for name, is_set in zip(FLAGS, wanted) if is_set]
            options += [(codec.SKIP, b"True")] * skip
            self._receive(peer, Pdu(session_id, window, seq_nr, codec.DATA, tuple(options),
                                    b"%d:%d " % (window, seq_nr)))

    @rule(who=whom,
          window_id=st.sampled_from(("next", "same", "in reach", "furthest", "too far", "before",
                                     "last answered", "zero", "step", "highest", "beyond")),
          seq_nr=st.sampled_from((0, 0, 0, 1, 2, 3, 4, 2**31 - 1)),
          flags=st.lists(st.sampled_from(FLAGS), unique=True), options=st.sampled_from(OPTIONS),
          size=st.sampled_from((0, 5, 400)))
    def receive_data(self, who, window_id, seq_nr, flags, options, size):
        """A data PDU of any kind."""
        peer, session_id = self._resolve(who)
        window = self._peer_id(peer, session_id, window_id)
        options = tuple((name, b"True") for name in flags) + options
        self._receive(peer, Pdu(session_id, window, seq_nr, codec.DATA, options, b"d" * size))

    @rule(who=whom, count=st.sampled_from(("all", "sent", "one")),
          full=often, max_window=st.sampled_from((0, 0, 1, 2, 7)))
    def receive_awaited_ack(self, who, count, full, max_window):
        """The ack that the operation in progress waits for, or a part of it."""
        self._receive_awaited_ack(*self._resolve(who), count, full, max_window)

    def _receive_awaited_ack(self, peer, session_id, count, full, max_window):
        mind = self._mind(peer, session_id)
        exchange = exchange_of(mind)
        opcode = exchange.opcode + 1 if exchange else codec.DATA_ACK
        self._receive_ack(peer, session_id, opcode, "current", count, full, None, max_window)

    @rule(who=whom, times=st.integers(1, 6))
    def receive_full_acks(self, who, times):
        """A while without trouble: all that leaves is acked."""
        peer, session_id = self._resolve(who)
        for _ in range(times):
            if self.manual and self.pair.transmissions:
                self.pair.sent(len(self.pair.transmissions) - 1, True)
            self._receive_awaited_ack(peer, session_id, "sent", True, 0)

    @rule(who=whom,
          opcode=st.sampled_from((codec.DATA_ACK, codec.DATA_ACK, codec.CLOSE_ACK)),
          window_id=st.sampled_from(("current", "last", "acked", "before acked", "oldest",
                                     "second oldest", "never used", "top")),
          count=st.sampled_from(("one", "less", "sent", "more", "all", "beyond", "most")),
          full=st.booleans(), max_window=st.sampled_from((0, 0, -1, 1, 3)),
          error=st.sampled_from((None, None, 0, 200, 250, 252, 253, 299, 300, -1)))
    def receive_ack(self, who, opcode, window_id, count, full, error, max_window):
        """An ack of any kind."""
        peer, session_id = self._resolve(who)
        self._receive_ack(peer, session_id, opcode, window_id, count, full, error, max_window)

    def _receive_ack(self, peer, session_id, opcode, window_id, count, full, error, max_window):
        options = [(codec.IS_WINDOW_FULL, b"true")] if full else []
        if error is not None:
            options.append((codec.ERROR_CODE, b"%d" % error))
        if max_window:
            options.append((codec.MAX_WINDOW_SIZE, b"%d" % max_window))
        window = self._own_id(peer, session_id, window_id)
        seq_nr = self._count(peer, session_id, count) - 1
        self._receive(peer, Pdu(session_id, window, seq_nr, opcode, tuple(options)))

    @rule(who=whom, seq_nr=st.sampled_from((0, 1, 1, 4, 9)),
          window_id=st.sampled_from(("next", "same", "furthest", "too far", "before",
                                     "last answered", "highest")),
          code=st.sampled_from((None, 0, 1, 2, 99, 100, 100, -1, -1)))
    def receive_close(self, who, window_id, seq_nr, code):
        peer, session_id = self._resolve(who)
        window = self._peer_id(peer, session_id, window_id)
        options = () if code is None else ((codec.ABORT_CODE, b"%d" % code),)
        self._receive(peer, Pdu(session_id, window, seq_nr, codec.CLOSE, options))

    @rule(who=whom, window_id=st.sampled_from((0, 7)),
          error=st.sampled_from((None, None, None, None, 150, 151, 199, 200)), is_ack=st.booleans())
    def receive_link(self, who, window_id, error, is_ack):
        peer, session_id = self._resolve(who)
        options = () if error is None else ((codec.ERROR_CODE, b"%d" % error),)
        opcode = codec.ENQUIRE_LINK_ACK if is_ack else codec.ENQUIRE_LINK
        self._receive(peer, Pdu(session_id, window_id, 0, opcode, options))

    @precondition(lambda self: self.pair.heard)
    @rule(peer=st.sampled_from((1, 1, 1, 2)), which=st.integers(0, 200), at=st.integers(0, 120),
          mask=st.sampled_from((0, 0, 1, 2, 128, 255)), cut=st.sampled_from((0, 0, 0, 1, 8, 60)),
          added=st.sampled_from((b"", b"", b"\0", b"abc")))
    def receive_again(self, peer, which, at, mask, cut, added):
        """A datagram that passed before, as it was or tampered with."""
        heard = self.pair.heard
        encoded = bytearray(heard[-1 - which % len(heard)])
        encoded[at % len(encoded)] ^= mask
        self.pair.do("receive", peer=peer, encoded=bytes(encoded[:len(encoded) - cut]) + added)

    # ---- what the application does ----

    @rule(who=whom, idle=st.sampled_from((None, None, 0, 300)))
    def open(self, who, idle):
        peer, session_id = self._resolve(who)
        self.pair.do("open", peer=peer, session_id=session_id, idle_timeout_ms=idle)

    @rule(who=whom, data=st.data(), processed=st.booleans(),
          low=st.sampled_from((-1, 0, 1, 2, 99, 100, 101)))
    def preset(self, who, data, processed, low):
        peer, session_id = self._resolve(who)
        if self._mind(peer, session_id) is not None:
            highest = self.world.get("window_id_max", 9 * 10**15)
            minimum = data.draw(st.sampled_from((low, highest - low, highest + 1)), "minimum")
            self._preset(peer, session_id, data, minimum, processed)

    def _preset(self, peer, session_id, data, minimum, processed):
        """Own window ids near the highest, near top, or anywhere in a small ring."""
        highest = self.world.get("window_id_max", 9 * 10**15)
        step = self.world.get("window_id_step", 100)
        below = data.draw(st.sampled_from((0, 0, 1, 2, 3, step - 1, step, step + 1)), "below")
        acked = data.draw(st.sampled_from((-1, highest, max(highest - below, -1))), "acked")
        low = -1 if acked == highest else acked
        ahead = data.draw(st.sampled_from((1, 2, 3, step - 2, step - 1, step, step + 1)), "ahead")
        taken = self.pair.do("preset", peer=peer, session_id=session_id, following=low + ahead,
                             acked=acked, minimum=minimum, processed=processed).taken
        if taken and acked >= 0:  # LNK-4 of LIBERTIES
            self._receive(peer, Pdu(session_id, acked, 0, codec.DATA_ACK))

    def _opened(self, who):
        """The usual session is there when something is to be sent; others need not be."""
        peer, session_id = self._resolve(who)
        if who == "usual" and self._mind(peer, session_id) is None:
            self.pair.do("open", peer=peer, session_id=session_id)
        return peer, session_id

    def _label(self):
        self.labels += 1
        return f"{self.labels:03}"

    @rule(who=whom, size=st.sampled_from(SIZES),
          attributes=st.sampled_from(ATTRIBUTES), skip=st.sampled_from((False, False, True)))
    def send(self, who, size, attributes, skip):
        peer, session_id = self._opened(who)
        self.pair.do("send", peer=peer, session_id=session_id, label=self._label(),
                     data=message(size), attributes=attributes, skip=skip)

    @rule(who=whom, size=st.sampled_from((0, 0, 50, 600)),
          attributes=st.sampled_from(ATTRIBUTES), skip=st.booleans(),
          lost=st.booleans(), times=st.sampled_from((1, 1, 3, 6)))
    def send_unreliable(self, who, size, attributes, skip, lost, times):
        """Several in a row fill the queue, or use up the ids of a small ring."""
        peer, session_id = self._opened(who)
        data = b"faf:" + b"." * size + (b"lost" if lost else b"")
        for _ in range(times):
            self.pair.do("send_unreliable", peer=peer, session_id=session_id, label=self._label(),
                         data=data, attributes=attributes, skip=skip)

    @precondition(lambda self: self.closes < 8)  # CLS-5 of LIBERTIES
    @rule(who=whom, code=st.sampled_from((1, 1, 1, 2, 3, 99)),
          really=st.booleans())
    def close(self, who, code, really):
        peer, session_id = self._resolve(who)
        if really:
            self.closes += 1
            self.pair.do("close", peer=peer, session_id=session_id, label=self._label(), code=code)

    @rule(who=whom, code=st.sampled_from((-2, 4)), really=seldom)
    def dispose(self, who, code, really):
        peer, session_id = self._resolve(who)
        if really:
            self.pair.do("dispose", peer=peer, session_id=session_id, code=code)

    @rule(grace_ms=st.sampled_from((0, 50, 1_000)), really=seldom)
    def shutdown(self, grace_ms, really):
        if really:
            self.pair.do("shutdown", grace_ms=grace_ms)

    # ---- time and the network ----

    @precondition(lambda self: self.manual and self.pair.transmissions)
    @rule(which=st.sampled_from((0, 0, 0, 1, 2, 7)), success=often)
    def aftermath(self, which, success):
        """Of one of the last transmissions; perhaps too late, or twice."""
        known = len(self.pair.transmissions)
        self.pair.sent(known - 1 - which % known, success)

    @rule(what=st.sampled_from(("deadline", "deadline", "before", "after", "a bit", "long")))
    def advance(self, what):
        now = self.pair.now
        due = self.pair.python.deadline or now + 100 * MS
        to = {"deadline": due, "before": due - 1, "after": due + 1, "a bit": now + MS,
              "long": now + 2_500 * MS}[what]
        self.pair.do("advance", to=max(to, now))


class Wire:
    """What is under way between two ends, and what of it is too old to arrive still.

    In a small ring of window ids a PDU that outlives almost a lap would count as new again; that
    is the network's to exclude, so such a PDU is lost. `begun` counts the windows of each end."""

    def __init__(self, world):
        ring = world.get("window_id_max", 9 * 10**15) + 1
        self.age_max = ring - world.get("window_id_step", 100) - 2
        self.flights = []  # (to, encoded, whose window id it has, how many there were by then)
        self.begun = [0, 0]
        self._newest = [-1, -1]

    def push(self, sender, got):
        owner = sender if got.opcode == codec.DATA else 1 - sender
        if got.opcode == codec.DATA and got.window_id != self._newest[sender]:
            self._newest[sender] = got.window_id
            self.begun[sender] += 1
        self.flights.append((1 - sender, codec.encode(got), owner, self.begun[owner]))

    def take(self, index, keep):
        """The flight there, also in the wire afterwards where `keep`; None if it is too old."""
        to, encoded, owner, begun = self.flights[index]
        is_old = self.begun[owner] - begun > self.age_max
        if is_old or not keep:
            del self.flights[index]
        return None if is_old else (to, encoded)


class Conversation(RuleBasedStateMachine):
    """An engine and a Python endpoint on a link where everything may happen. Each message names
    itself by an attribute."""

    library = None

    @initialize(world=st.sampled_from(("plain", "one at a time", "smallest ring", "small ring",
                                       "ring of odd steps", "small groups")),
                manual=st.booleans(), engine_opens=st.booleans())
    def start(self, world, manual, engine_opens):
        self.world = COMMON | {"attribute_limit": 2_000} | WORLDS[world]
        other = self.world | {"mtu": 900, "max_window_size": 3}
        engine = EngineEnd(self.library, self.world, manual)
        self.ends = (engine, PythonEnd(other, manual))[::1 if engine_opens else -1]
        self.wire = Wire(self.world)
        self.owed = []  # aftermaths: (end, token)
        self.messages = ({}, {})  # of each end: payload by label
        self.arrived = ({}, {})  # of each end's messages: what the other was handed of them
        self.pending = (set(), set())  # labels without result
        self.done = set()
        self.log = []
        self._event(0, "open", peer=1, session_id=session_number(0))

    def _event(self, who, op, **fields):
        out = self.ends[who].event(op, **fields)
        self.log.append(f"{self.ends[who].now / MS} ms {self.ends[who].name} {op}")
        self.log += ["    " + line for line in out.lines()]
        try:
            self._take(who, out)
        except AssertionError as error:
            raise AssertionError(f"{error}\n" + "\n".join(self.log)) from None

    def _take(self, who, out):
        for _, got, token in out.pdus:
            self.wire.push(who, got)
            if got.opcode == codec.DATA and not is_forgotten(got):
                self.owed.append((who, token))
        for _, data, attributes in out.deliveries:
            label = dict(attributes).get(b"label", b"lost").decode()
            assert label in self.messages[1 - who], f"the attributes are {attributes}"
            self._take_delivery(1 - who, label, data)
        for _, label, operation, outcome, code in out.results:
            self.pending[who].discard(label)
            assert outcome in ("ok", "timeout", "peer_error", "refused", "not_sent",
                               "network_error"), (label, outcome, code)
            if (operation, outcome) == ("send", "ok"):
                assert label in self.done, f"{label} ended ok, but was not delivered"

    def _take_delivery(self, sender, label, data):
        assert label not in self.done, f"{label} arrived twice"
        so_far = self.arrived[sender].get(label, b"") + data
        message = self.messages[sender][label]
        assert message.startswith(so_far), f"{label} arrived otherwise than it was sent"
        later = [other for other in self.arrived[sender] if other > label]
        assert not later or label.startswith("u"), f"{label} arrived after {later}"
        if not label.startswith("u"):
            self.arrived[sender][label] = so_far
        if so_far == message:
            self.done.add(label)

    # ---- what may happen ----

    def _send(self, who, op, label, data, attributes, skip):
        self.messages[who][label] = data
        self.pending[who].add(label)
        self._event(who, op, peer=1, session_id=session_number(0), label=label, data=data,
                    attributes=[(b"label", label.encode()), *attributes], skip=skip)

    @rule(who=st.sampled_from((0, 0, 1)), size=st.integers(0, 3_000), long=st.booleans(),
          skip=st.sampled_from((False, False, True)))
    def send(self, who, size, long, skip):
        label = f"m{sum(map(len, self.messages)):03}"
        if not self.pending[who]:
            attributes = [(b"long", b"\xc3\xa4 and so on " * 45)] if long else []
            self._send(who, "send", label, message(size), attributes, skip)

    @rule(who=st.sampled_from((0, 0, 1)), lost=st.booleans())
    def send_unreliable(self, who, lost):
        label = f"u{sum(map(len, self.messages)):03}"
        self._send(who, "send_unreliable", label, b"faf:" + (b"lost" if lost else b""), [], True)

    @precondition(lambda self: self.wire.flights)
    @rule(which=st.sampled_from((0, 0, 0, 0, 1, 3, 8, 20)),
          fate=st.sampled_from(("arrives",) * 6 + ("lost", "arrives", "arrives twice")))
    def let_fly(self, which, fate):
        flight = self.wire.take(which % len(self.wire.flights), keep=fate == "arrives twice")
        if flight is not None and fate != "lost":
            self._event(flight[0], "receive", peer=1, encoded=flight[1])

    @rule(times=st.integers(1, 12))
    def let_all_fly(self, times):
        """A while without faults."""
        for _ in range(times):
            if self.wire.flights:
                self.let_fly(0, "arrives")
            while self.owed:
                self.aftermath(0, True)

    @precondition(lambda self: self.owed)
    @rule(which=st.sampled_from((0, 0, 0, 1, 2)), success=often)
    def aftermath(self, which, success):
        who, token = self.owed.pop(which % len(self.owed))
        self._event(who, "sent", token=token, success=success)

    @rule()
    def let_time_pass(self):
        due = [end.deadline for end in self.ends if end.deadline is not None]
        self._advance(min(due, default=self.ends[0].now + 10 * MS))

    def _advance(self, to):
        for who in range(2):
            self._event(who, "advance", to=to)

    # ---- and what must be in the end ----

    def _finish(self):
        """All aftermaths, all that is under way, and time, until no operation is left."""
        for _ in range(2_000):
            while self.owed:
                self.aftermath(0, True)
            if self.wire.flights:
                self.let_fly(0, "arrives")
            elif any(self.pending):
                self.let_time_pass()
            else:
                return
        raise AssertionError("no end of it:\n" + "\n".join(self.log[-200:]))

    def teardown(self):
        """The link is healed: every operation ends, and what is sent now arrives, though perhaps
        not the first of it, which may find the peer in the middle of something (OPN-5)."""
        if not hasattr(self, "ends"):
            return
        self._finish()
        self._advance(self.ends[0].now + 10_000 * MS)
        for last in ("z1", "z2", "z3"):
            self._send(0, "send", last, message(700), [], False)
            self._finish()
        assert last in self.done, "nothing gets through:\n" + "\n".join(self.log[-200:])


def run(machine, library, examples, steps):
    bound = type(machine.__name__, (machine,), {"library": library})
    # Python's own speed is no property: no deadline, no health checks of it.
    wanted = settings(max_examples=examples, stateful_step_count=steps, derandomize=True,
                      deadline=None, database=None, print_blob=False,
                      suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(bound, settings=wanted)


@pytest.fixture(autouse=True)
def no_notes_of_retries(monkeypatch):
    """For its statistics Hypothesis words each draw that is made again: a sixth of all the time."""
    monkeypatch.setattr(FilteredStrategy, "note_retried", lambda *_: None)


@pytest.fixture(scope="session")
def library(build_dir):
    path = build_dir / "engine" / "libsipc-engine.so"
    if not path.exists():
        pytest.fail(f"no {path}: build the target sipc_engine_shared")
    return path


def test_lockstep_when_both_live_the_same_then_they_do_the_same(library):
    run(Lockstep, library, examples=100, steps=60)


@pytest.mark.slow
def test_lockstep_at_length(library):
    run(Lockstep, library, examples=2_000, steps=80)


def test_conversation_when_the_link_is_healed_then_all_arrives_once_and_in_order(library):
    run(Conversation, library, examples=80, steps=40)


@pytest.mark.slow
def test_conversation_at_length(library):
    run(Conversation, library, examples=1_000, steps=100)
