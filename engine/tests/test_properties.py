"""Properties of the engine, found out by Hypothesis against the plain-Python endpoint.

Lockstep: both endpoints live through the same events, of any kind and in any order, and whatever
comes out is the same (pair.py). Conversation: an engine and a Python endpoint talk over a link that
loses, repeats and reorders until it is healed; what arrives is what was sent, once and in order,
and in the end it arrives.

The runs are deterministic; -m "" runs many more of them.
"""

import sys
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (RuleBasedStateMachine, initialize, invariant, precondition, rule,
                                 run_state_machine_as_test)

ROOT = Path(__file__).resolve().parents[2]
for folder in ("engine/tests", "engine/python", "conformance/pyendpoint"):
    if str(ROOT / folder) not in sys.path:
        sys.path.insert(0, str(ROOT / folder))

from pair import MS, Pair  # noqa: E402
from scalableipc_endpoint import pdu as codec  # noqa: E402
from scalableipc_endpoint.pdu import Pdu  # noqa: E402

PEERS = (1, 2)
SESSION_IDS = (bytes(range(32)), bytes(range(1, 33)))
COMMON = {"mtu": 512, "max_window_size": 4, "ack_timeout_ms": 100, "max_retry_count": 2,
          "open_timeout_ms": 0, "unreliable_queue": 2, "attribute_limit": 300}
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
    "accepts none": {"accept": False},
}
# Sizes that both cut into as many PDUs and groups, with and without skip and the attributes below,
# which take up to 100 bytes (SND-2 of LIBERTIES).
SIZES = (0, 100, 650, 1_100, 1_900)
ATTRIBUTES = (
    [], [(b"a", b"1")], [(b"color", b"red"), (b"color", b""), (b"s_traceId", b"t")],
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
COUNTER = b"".join(i.to_bytes(2, "big") for i in range(1_000))  # any four bytes tell where they are


def message(size):
    return COUNTER[:size]


peers = st.sampled_from(PEERS)
session_ids = st.sampled_from(SESSION_IDS)
often = st.sampled_from((True, True, True, False))


class Lockstep(RuleBasedStateMachine):
    library = None  # set by the test

    def __init__(self):
        super().__init__()
        self.pair = None
        self.labels = 0
        self.closes = 0

    @initialize(world=st.sampled_from(sorted(WORLDS)), manual=st.booleans())
    def start(self, world, manual):
        self.world = COMMON | WORLDS[world]
        self.manual = manual
        self.pair = Pair(self.library, self.world, manual)

    # ---- what to choose from: the Python endpoint's mind is open ----

    def _mind(self, peer, session_id):
        """The Python endpoint's session, None if it holds none. Only for choosing events."""
        endpoint = self.pair.python.endpoint
        name = "" if endpoint.settings.stream else str(peer)
        return endpoint.sessions.get((name, session_id))

    def _peer_id(self, peer, session_id, choice):
        """A window id of the peer's, by what it is to the receiver."""
        step = self.world.get("window_id_step", 100)
        highest = self.world.get("window_id_max", 9 * 10**15)
        mind = self._mind(peer, session_id)
        known = mind is not None and mind.peer_ids.minimum is not None
        low = mind.peer_ids.minimum if known else -1
        last = mind.last_answer[0] if mind is not None and mind.last_answer else low
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
        exchange = mind.operation and mind.operation.exchange
        unacked = list(mind.ids.unacked)
        return {"current": exchange.window_id if exchange else last, "last": last, "acked": acked,
                "before acked": acked - 1, "oldest": unacked[0] if unacked else last,
                "second oldest": unacked[1] if len(unacked) > 1 else last,
                "never used": last + 1, "top": mind.ids.top}[choice]

    def _count(self, peer, session_id, choice):
        """How many PDUs an ack covers."""
        mind = self._mind(peer, session_id)
        exchange = mind and mind.operation and mind.operation.exchange
        sent, length = (exchange.sent, len(exchange.pdus)) if exchange else (1, 1)
        return {"one": 1, "less": sent - 1, "sent": sent, "more": sent + 1, "all": length,
                "beyond": length + 1, "most": 2**31}[choice]

    def _receive(self, peer, got):
        if got.window_id >= 0 and got.seq_nr >= 0:
            self.pair.do("receive", peer=peer, encoded=codec.encode(got))

    # ---- PDUs in ----

    @rule(peer=peers, session_id=session_ids, data=st.data(), skip=st.sampled_from((0, 0, 1)),
          window_id=st.sampled_from(("next", "next", "same", "in reach", "furthest")),
          begins=often, ends=st.booleans(), count=st.integers(1, 5))
    def receive_window(self, peer, session_id, data, skip, window_id, begins, ends, count):
        """A window as a sender makes it, its PDUs in any order, some perhaps missing."""
        window = self._peer_id(peer, session_id, window_id)
        order = data.draw(st.one_of(st.just(range(count)), st.permutations(range(count)),
                                    st.lists(st.integers(0, count - 1), max_size=6)))
        for seq_nr in order:
            wanted = (begins and seq_nr == 0, seq_nr == count - 1, ends and seq_nr == count - 1)
            options = [(name, b"True") for name, is_set in zip(FLAGS, wanted) if is_set]
            options += [(codec.SKIP, b"True")] * skip
            self._receive(peer, Pdu(session_id, window, seq_nr, codec.DATA, tuple(options),
                                    b"%d:%d " % (window, seq_nr)))

    @rule(peer=peers, session_id=session_ids,
          window_id=st.sampled_from(("next", "same", "in reach", "furthest", "too far", "before",
                                     "last answered", "zero", "step", "highest", "beyond")),
          seq_nr=st.sampled_from((0, 0, 0, 1, 2, 3, 4, 2**31 - 1)),
          flags=st.lists(st.sampled_from(FLAGS), unique=True), options=st.sampled_from(OPTIONS),
          size=st.sampled_from((0, 5, 400)))
    def receive_data(self, peer, session_id, window_id, seq_nr, flags, options, size):
        """A data PDU of any kind."""
        window = self._peer_id(peer, session_id, window_id)
        options = tuple((name, b"True") for name in flags) + options
        self._receive(peer, Pdu(session_id, window, seq_nr, codec.DATA, options, b"d" * size))

    @rule(peer=peers, session_id=session_ids, count=st.sampled_from(("all", "sent", "one")),
          full=often, max_window=st.sampled_from((0, 0, 1, 2, 7)))
    def receive_awaited_ack(self, peer, session_id, count, full, max_window):
        """The ack that the operation in progress waits for, or a part of it."""
        mind = self._mind(peer, session_id)
        exchange = mind and mind.operation and mind.operation.exchange
        opcode = exchange.opcode + 1 if exchange else codec.DATA_ACK
        self._receive_ack(peer, session_id, opcode, "current", count, full, None, max_window)

    @rule(peer=peers, session_id=session_ids,
          opcode=st.sampled_from((codec.DATA_ACK, codec.DATA_ACK, codec.CLOSE_ACK)),
          window_id=st.sampled_from(("current", "last", "acked", "before acked", "oldest",
                                     "second oldest", "never used", "top")),
          count=st.sampled_from(("one", "less", "sent", "more", "all", "beyond", "most")),
          full=st.booleans(), max_window=st.sampled_from((0, 0, -1, 1, 3)),
          error=st.sampled_from((None, None, 0, 200, 250, 252, 253, 299, 300, -1)))
    def receive_ack(self, peer, session_id, opcode, window_id, count, full, error, max_window):
        """An ack of any kind."""
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

    @rule(peer=peers, session_id=session_ids, seq_nr=st.sampled_from((0, 0, 0, 1, 4)),
          window_id=st.sampled_from(("next", "same", "furthest", "too far", "before",
                                     "last answered", "highest")),
          code=st.sampled_from((None, 0, 1, 2, 3, 99, 100, -1)))
    def receive_close(self, peer, session_id, window_id, seq_nr, code):
        window = self._peer_id(peer, session_id, window_id)
        options = () if code is None else ((codec.ABORT_CODE, b"%d" % code),)
        self._receive(peer, Pdu(session_id, window, seq_nr, codec.CLOSE, options))

    @rule(peer=peers, session_id=session_ids, window_id=st.sampled_from((0, 7)),
          error=st.sampled_from((None, None, 150, 151, 199, 200)), is_ack=st.booleans())
    def receive_link(self, peer, session_id, window_id, error, is_ack):
        options = () if error is None else ((codec.ERROR_CODE, b"%d" % error),)
        opcode = codec.ENQUIRE_LINK_ACK if is_ack else codec.ENQUIRE_LINK
        self._receive(peer, Pdu(session_id, window_id, 0, opcode, options))

    @precondition(lambda self: self.pair.heard)
    @rule(peer=peers, which=st.integers(0, 200), at=st.integers(0, 120),
          mask=st.sampled_from((0, 0, 1, 2, 128, 255)), cut=st.sampled_from((0, 0, 0, 1, 8, 60)),
          added=st.sampled_from((b"", b"", b"\0", b"abc")))
    def receive_again(self, peer, which, at, mask, cut, added):
        """A datagram that passed before, as it was or tampered with."""
        heard = self.pair.heard
        encoded = bytearray(heard[-1 - which % len(heard)])
        encoded[at % len(encoded)] ^= mask
        self.pair.do("receive", peer=peer, encoded=bytes(encoded[:len(encoded) - cut]) + added)

    # ---- what the application does ----

    @rule(peer=peers, session_id=session_ids, idle=st.sampled_from((None, None, 0, 300)))
    def open(self, peer, session_id, idle):
        self.pair.do("open", peer=peer, session_id=session_id, idle_timeout_ms=idle)

    @rule(peer=peers, session_id=session_ids, data=st.data(), processed=st.booleans(),
          ahead=st.sampled_from((0, 0, 1, 2, 3, 4, 5, 6, 99, 100, 101)),
          below=st.sampled_from((0, 1, 2, 3, 50, 100, 101)))
    def preset(self, peer, session_id, data, processed, ahead, below):
        """Window ids near the highest, or anywhere in a small ring."""
        if self._mind(peer, session_id) is None:
            return
        highest = self.world.get("window_id_max", 9 * 10**15)
        acked = data.draw(st.sampled_from((-1, highest, max(highest - below, -1))))
        minimum = data.draw(st.sampled_from((-1, highest, max(highest - below, -1), highest + 1)))
        following = ahead if acked == highest else acked + ahead
        taken = self.pair.do("preset", peer=peer, session_id=session_id, following=following,
                             acked=acked, minimum=minimum, processed=processed).taken
        if taken and acked >= 0:  # LNK-4 of LIBERTIES
            self._receive(peer, Pdu(session_id, acked, 0, codec.DATA_ACK))

    def _label(self):
        self.labels += 1
        return f"{self.labels:03}"

    @rule(peer=peers, session_id=session_ids, size=st.sampled_from(SIZES),
          attributes=st.sampled_from(ATTRIBUTES), skip=st.sampled_from((False, False, True)))
    def send(self, peer, session_id, size, attributes, skip):
        self.pair.do("send", peer=peer, session_id=session_id, label=self._label(),
                     data=message(size), attributes=attributes, skip=skip)

    @rule(peer=peers, session_id=session_ids, size=st.sampled_from((0, 0, 50, 600)),
          attributes=st.sampled_from(ATTRIBUTES), skip=st.sampled_from((False, False, True)),
          lost=st.booleans())
    def send_unreliable(self, peer, session_id, size, attributes, skip, lost):
        data = b"faf:" + b"." * size + (b"lost" if lost else b"")
        self.pair.do("send_unreliable", peer=peer, session_id=session_id, label=self._label(),
                     data=data, attributes=attributes, skip=skip)

    @precondition(lambda self: self.closes < 8)  # CLS-5 of LIBERTIES
    @rule(peer=peers, session_id=session_ids, code=st.sampled_from((1, 1, 1, 2, 3, 99, 0, 100)))
    def close(self, peer, session_id, code):
        self.closes += 1
        if 1 <= code <= 99:
            self.pair.do("close", peer=peer, session_id=session_id, label=self._label(), code=code)

    @precondition(lambda self: "max_sessions" not in self.world)  # END-5 of LIBERTIES
    @rule(peer=peers, session_id=session_ids, code=st.sampled_from((-2, 4)))
    def dispose(self, peer, session_id, code):
        self.pair.do("dispose", peer=peer, session_id=session_id, code=code)

    @rule(grace_ms=st.sampled_from((0, 50, 1_000)), really=st.sampled_from((False,) * 9 + (True,)))
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


def run(machine, library, examples, steps):
    bound = type(machine.__name__, (machine,), {"library": library})
    # Python's own speed is no property: no deadline, no health checks of it.
    wanted = settings(max_examples=examples, stateful_step_count=steps, derandomize=True,
                      deadline=None, database=None, print_blob=False,
                      suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(bound, settings=wanted)


@pytest.fixture(scope="session")
def library(build_dir):
    path = build_dir / "engine" / "libsipc-engine.so"
    if not path.exists():
        pytest.fail(f"no {path}: build the target sipc_engine_shared")
    return path


def test_lockstep_when_both_live_the_same_then_they_do_the_same(library):
    run(Lockstep, library, examples=150, steps=40)


@pytest.mark.slow
def test_lockstep_at_length(library):
    run(Lockstep, library, examples=5_000, steps=80)
