"""Two endpoints side by side: the engine, through its Python binding, and the plain-Python one
(conformance/pyendpoint). Each event goes to both, and what comes out is compared: PDUs in order,
deliveries, results, states, reasons to discard, deadlines.

Where the rules leave a choice the two may differ, and nowhere else; LIBERTIES lists every place,
and the comparison names the row where it uses it.
"""

import base64
from collections import defaultdict, deque
from dataclasses import dataclass, field

import sipc_engine
from scalableipc_endpoint import Endpoint as PythonEndpoint
from scalableipc_endpoint import pdu as codec

MS = 1_000_000
FORGET_MARK = b"faf:"  # how the payload of a fire-and-forget message begins
LIBERTIES = {
    "SND-2": "where a message's bytes are cut: the same PDUs with the same framing, each holding "
             "the corresponding piece, the pieces together the message",
    "FAF-1": "whether a fire-and-forget message waits for the aftermath of the one before: their "
             "results come in any order, and their aftermaths are given as soon as they leave",
    "WIRE-7": "whether an ack that moves nothing is counted as discarded",
    "OPN-5a": "deadlines at which nothing can be seen: the engine's may be the earlier one",
    "CLS-5": "how many close requests may wait for one close: at most eight are made",
    "LNK-4": "whether an ack for an id behind a preset one was heard: the preset id itself is "
             "acked first",
}

# Settings of the contract, and how the engine has them. Times are milliseconds there.
TIMES = {"ack_timeout_ms", "open_timeout_ms", "idle_timeout_ms", "min_remote_idle_timeout_ms",
         "max_remote_idle_timeout_ms", "enquire_link_interval_ms", "linger_ms"}


def engine_settings(world):
    made = {}
    for name, value in world.items():
        if name in TIMES:
            made[name.removesuffix("_ms") + "_ns"] = value * MS
        elif name == "network":
            made["stream"] = value == "stream"
        else:
            made[name] = value
    return made


def shown(got):
    """A PDU in one line."""
    options = " ".join(f"{name.decode('latin-1')}={value.decode('latin-1')}"
                       for name, value in got.options)
    text = f"{codec.OPCODES[got.opcode]} {got.window_id}:{got.seq_nr} {{{options}}}"
    return f"{text} {len(got.data)} B {got.data[:12]!r}" if got.data else text


def is_forgotten(got):
    """Whether it is a fire-and-forget message."""
    return got.opcode == codec.DATA and got.data.startswith(FORGET_MARK)


@dataclass
class Out:
    """What one event brought out of one end."""

    taken: bool = True  # the call was accepted; refusals of operations are results
    pdus: list = field(default_factory=list)  # (peer, Pdu, token)
    deliveries: list = field(default_factory=list)  # (session, data, sorted attributes)
    results: list = field(default_factory=list)  # (session, label, operation, outcome, code)
    states: list = field(default_factory=list)  # (session, state, cause)
    discards: list = field(default_factory=list)  # reason

    def lines(self):
        rows = [] if self.taken else ["not taken"]
        rows += [f"to {peer}: {shown(got)}" for peer, got, _ in self.pdus]
        for name in ("deliveries", "results", "states", "discards"):
            rows += [f"{name}: {row}" for row in getattr(self, name)]
        return rows or ["nothing"]


class End:
    """What both kinds of end share: settling after an event, and the aftermaths that come at once.

    `event` calls the method `do_<op>`; peers are small numbers.
    """

    def __init__(self, world, manual):
        self.world = world
        self.manual = manual
        self.now = 0
        self.out = Out()
        self._due = deque()  # transmissions whose aftermath comes at once: (token, success)

    def key(self, peer, session_id):
        """What tells sessions apart (END-1), as a short text."""
        is_stream = self.world.get("network") == "stream"
        return f"{'*' if is_stream else peer}/{session_id.hex()[:4]}"

    def event(self, op, **fields):
        self.out = Out()
        getattr(self, "do_" + op)(**fields)
        self.settle()
        return self.out

    def settle(self):
        """Gives the aftermaths that come at once, in order, until nothing more happens."""
        self.collect()
        while self._due:
            self.do_sent(*self._due.popleft())
            self.collect()

    def do_advance(self, to):
        """Moment by moment, so that all aftermaths of one are given before the next."""
        while self.deadline is not None and self.deadline <= to:
            self.step(self.deadline)
            self.settle()
        self.step(to)

    def note_pdu(self, peer, encoded, token):
        got = codec.decode(encoded)
        self.out.pdus.append((peer, got, token))
        if is_forgotten(got):
            self._due.append((token, not got.data.endswith(b"lost")))  # FAF-1 of LIBERTIES
        elif not self.manual and got.opcode in (codec.DATA, codec.CLOSE):
            self._due.append((token, True))


class EngineEnd(End):
    name = "engine"

    def __init__(self, library, world, manual):
        super().__init__(world, manual)
        self.engine = sipc_engine.Endpoint(library, 0, **engine_settings(world))
        self._labels = {}
        self._heard_of = set()  # sessions there ever were

    @property
    def deadline(self):
        return self.engine.deadline

    def collect(self):
        while True:
            for action in self.engine.actions():
                getattr(self, "_take_" + action.kind)(action)
            if self._due or self.deadline is None or self.deadline > self.now:
                break
            self.engine.advance(self.now)
        assert (broken := self.engine.check()) is None, broken

    def step(self, to):
        self.now = to
        self.engine.advance(to)

    def _take_transmit(self, action):
        self.note_pdu(action.remote, action.pdu, action.token)

    def _take_deliver(self, action):
        key = self.key(action.remote, action.session_id)
        self.out.deliveries.append((key, action.data, sorted(action.attributes)))

    def _take_result(self, action):
        key = self.key(action.remote, action.session_id)
        label = self._labels.pop(action.handle)
        self.out.results.append((key, label, action.operation, action.outcome, action.code))

    def _take_state(self, action):
        key = self.key(action.remote, action.session_id)
        self._heard_of.add((key, action.session_id))
        self.out.states.append((key, action.state, action.code))

    def _take_discard(self, action):
        self.out.discards.append(action.reason)

    def _try(self, call, *arguments, **named):
        try:
            return call(self.now, *arguments, **named)
        except sipc_engine.Refused:
            self.out.taken = False
            return None

    def do_open(self, peer, session_id, idle_timeout_ms=None):
        idle = {} if idle_timeout_ms is None else {"idle_timeout_ns": idle_timeout_ms * MS}
        self._try(self.engine.open, peer, session_id, **idle)

    def do_preset(self, peer, session_id, following, acked, minimum, processed):
        session = self.engine.find(peer, session_id)
        self._try(self.engine.preset, session, following, acked, minimum, processed)

    def _operation(self, name, peer, session_id, label, *arguments):
        """Starts an operation; what the engine does not take ends as `refused`."""
        session = self.engine.find(peer, session_id)
        handle = self._try(getattr(self.engine, name), session, *arguments)
        if handle is not None:
            self._labels[handle] = label
            return
        self.out.taken = True
        key = self.key(peer, session_id)
        heard = (key, session_id) in self._heard_of
        over = name == "close" and not session and heard  # CLS-5
        self.out.results.append((key, label, name, "ok" if over else "refused", 0))

    def do_send(self, peer, session_id, label, data, attributes, skip):
        self._operation("send", peer, session_id, label, data, attributes, skip)

    def do_send_unreliable(self, peer, session_id, label, data, attributes, skip):
        self._operation("send_unreliable", peer, session_id, label, data, attributes, skip)

    def do_close(self, peer, session_id, label, code):
        self._operation("close", peer, session_id, label, code)

    def do_dispose(self, peer, session_id, code):
        if session := self.engine.find(peer, session_id):
            self._try(self.engine.dispose, session, code)

    def do_shutdown(self, grace_ms):
        self.engine.shutdown(self.now, grace_ms * MS)

    def do_receive(self, peer, encoded):
        self.engine.receive(self.now, peer, encoded)

    def do_sent(self, token, success):
        self.engine.sent(self.now, token, success)


class PythonEnd(End):
    name = "Python"

    def __init__(self, world, manual):
        super().__init__(world, manual)
        self.endpoint = PythonEndpoint()
        self._ask("configure", settings=world | {"aftermath": "manual"})
        assert self._response["refused"] == [], self._response
        self._ask("reset")

    def _ask(self, op, **fields):
        self._response = self.endpoint.handle({"op": op, "id": 0, **fields})
        return self._response["ok"]

    @property
    def deadline(self):
        return self._response["deadline_ns"]

    def collect(self):
        for entry in self._response["out"]:
            if "tx" in entry:
                self.note_pdu(int(entry["to"]), bytes.fromhex(entry["tx"]), entry["token"])
            else:
                ((kind, value),) = entry.items()
                getattr(self, "_take_" + kind)(value)
        self._response["out"] = []

    def _key(self, entry):
        return self.key(int(entry.get("remote", 0)), bytes.fromhex(entry["session"]))

    def _take_deliver(self, entry):
        pairs = [tuple(bytes.fromhex(text["hex"]) if isinstance(text, dict) else text.encode()
                       for text in pair) for pair in entry["attributes"]]
        data = base64.b64decode(entry["data"])
        self.out.deliveries.append((self._key(entry), data, sorted(pairs)))

    def _take_result(self, entry):
        end = (entry["label"], entry["op"], entry["outcome"], entry["code"])
        self.out.results.append((self._key(entry), *end))

    def _take_state(self, entry):
        self.out.states.append((self._key(entry), entry["state"], entry["cause"] or 0))

    def _take_discard(self, entry):
        self.out.discards.append(entry["reason"].split()[1])

    def step(self, to):
        self.now = to
        assert self._ask("advance", to_ns=to)

    def _session(self, op, peer, session_id, **fields):
        self.out.taken = self._ask(op, session=session_id.hex(), remote=str(peer), **fields)

    def do_open(self, peer, session_id, idle_timeout_ms=None):
        self._session("open", peer, session_id, idle_timeout_ms=idle_timeout_ms)

    def do_preset(self, peer, session_id, following, acked, minimum, processed):
        self._session("preset", peer, session_id, next_window_id=following, acked_window_id=acked,
                      min_window_id=minimum, processed=processed)

    def _message(self, op, peer, session_id, label, data, attributes, skip):
        pairs = [[name.decode(), value.decode()] for name, value in attributes]
        self._session(op, peer, session_id, label=label, data=base64.b64encode(data).decode(),
                      attributes=pairs, skip=skip)

    def do_send(self, *arguments, **fields):
        self._message("send", *arguments, **fields)

    def do_send_unreliable(self, *arguments, **fields):
        self._message("send_unreliable", *arguments, **fields)

    def do_close(self, peer, session_id, label, code):
        self._session("close", peer, session_id, label=label, code=code)

    def do_dispose(self, peer, session_id, code):
        self._ask("dispose", session=session_id.hex(), remote=str(peer), code=code)

    def do_shutdown(self, grace_ms):
        self._ask("shutdown", grace_ms=grace_ms)

    def do_receive(self, peer, encoded):
        assert self._ask("rx", pdu=encoded.hex(), **{"from": str(peer)})

    def do_sent(self, token, success):
        self._ask("sent", token=token, success=success)


class Cuts:
    """SND-2 of LIBERTIES: which piece of a message is in a PDU of the one corresponds to which in
    a PDU of the other."""

    def __init__(self, message):
        self.message = message
        self.other = ({}, {})  # of each side: its pieces, and the other's for each

    def note(self, pieces):
        spans = [self._span(piece) for piece in pieces]
        for here, there, known in zip(spans, reversed(spans), self.other):
            before = known.setdefault(here, there)
            assert before == there, f"piece {here} stood for {before}, now for {there}"

    def _span(self, piece):
        start = self.message.find(piece)
        assert start >= 0, f"no piece of the message: {piece[:20]!r}"
        return start, start + len(piece)

    def check_whole(self):
        """An operation that ended well has sent all of it, nothing twice."""
        for known in self.other:
            end = 0
            for start, stop in sorted(known):
                assert start == end, f"bytes {end}..{start} of the message"
                end = stop
            assert end == len(self.message), f"{end} of {len(self.message)} bytes were sent"


class Pair:
    """Both ends, and the comparison."""

    def __init__(self, library, world, manual):
        self.engine = EngineEnd(library, world, manual)
        self.python = PythonEnd(world, manual)
        self.transmissions = []  # tokens of the same PDU: (engine's, Python's)
        self.heard = []  # every datagram received or sent, to be received once more
        self._cuts = {}  # by session: of the message being sent
        self._history = []

    @property
    def now(self):
        return self.python.now

    def do(self, op, **fields):
        """One event at both; the engine's Out."""
        outs = [end.event(op, **fields) for end in self._ends()]
        refused = any(row[3] == "refused" for row in outs[0].results)
        if op == "send" and not refused:
            key = self.python.key(fields["peer"], fields["session_id"])
            self._cuts[key] = Cuts(fields["data"])
        return self._compare(op, fields, outs)

    def sent(self, index, success):
        """The aftermath of a transmission, the same at both."""
        tokens = self.transmissions[index]
        outs = [end.event("sent", token=token, success=success)
                for end, token in zip(self._ends(), tokens)]
        return self._compare("sent", {"index": index, "success": success}, outs)

    def _ends(self):
        return self.engine, self.python

    def _compare(self, op, fields, outs):
        self._note(op, fields, outs)
        try:
            self._compare_all(op, *outs)
        except AssertionError as error:
            raise AssertionError(f"{error}\n" + "\n".join(self._history)) from None
        return outs[0]

    def _note(self, op, fields, outs):
        told = dict(fields)
        if op == "receive":
            try:
                told["encoded"] = shown(codec.decode(told["encoded"]))
            except codec.Discard as discard:
                told["encoded"] = f"{discard}: {told['encoded'][:80].hex()}"
        if "session_id" in told:
            told["session"] = self.python.key(told.pop("peer"), told.pop("session_id"))
        args = " ".join(f"{name}={str(value):.90}" for name, value in told.items())
        self._history.append(f"{self.now / MS} ms {op} {args}")
        same = outs[0].lines() == outs[1].lines()
        for end, out in list(zip(self._ends(), outs))[:1 if same else 2]:
            who = "both" if same else end.name
            self._history += [f"    {who}: {line}" for line in out.lines()]

    def _compare_all(self, op, ours, theirs):
        assert ours.taken == theirs.taken, "only one of them took the call"
        self._compare_pdus(self._by_session(ours), self._by_session(theirs))
        _same("deliveries", ours.deliveries, theirs.deliveries)
        _same("results", *(sorted(out.results, key=_result_order) for out in (ours, theirs)))
        _same("states", *(_states(op, out.states) for out in (ours, theirs)))
        _same("discards", *([reason for reason in out.discards if reason != "not_awaited"]
                            for out in (ours, theirs)))  # WIRE-7 of LIBERTIES
        self._compare_deadlines()
        for key, label, operation, outcome, _ in ours.results:
            if (operation, outcome) == ("send", "ok"):
                self._cuts[key].check_whole()

    def _compare_deadlines(self):
        ours, theirs = self.engine.deadline, self.python.deadline
        assert ours is None or ours > self.now, "the deadline is always later than now"
        # OPN-5a of LIBERTIES. Where the engine's is too late, an advance to Python's shows it.
        late = theirs is not None and (ours is None or ours > theirs)
        assert not late, f"deadline {ours}, at the latest {theirs}"

    def _by_session(self, out):
        """What goes to different sessions may leave in any order."""
        by = defaultdict(list)
        for peer, got, token in out.pdus:
            by[self.python.key(peer, got.session)].append((peer, got, token))
        return by

    def _compare_pdus(self, ours, theirs):
        for key in sorted(ours.keys() | theirs.keys()):
            rows = [[shown(got) for _, got, _ in side[key]] for side in (ours, theirs)]
            assert len(rows[0]) == len(rows[1]), f"PDUs: {rows[0]} != {rows[1]}"
            for (peer, got, token), (other_peer, other, other_token) in zip(ours[key], theirs[key]):
                assert peer == other_peer, f"to {peer} != to {other_peer}"
                self._compare_pdu(key, got, other)
                self.transmissions.append((token, other_token))
                self.heard.append(codec.encode(got))

    def _compare_pdu(self, key, ours, theirs):
        if ours == theirs and (is_forgotten(ours) or not ours.data):
            return
        heads = [(got.session, got.window_id, got.seq_nr, got.opcode, got.options, bool(got.data))
                 for got in (ours, theirs)]
        assert heads[0] == heads[1], f"{shown(ours)} != {shown(theirs)}"
        assert max(map(len, map(codec.encode, (ours, theirs)))) <= self.engine.world["mtu"]
        self._cuts[key].note((ours.data, theirs.data))


def _same(what, ours, theirs):
    """Equal, the order between sessions aside."""
    rows = [sorted(side, key=lambda row: row[0]) for side in (ours, theirs)]
    assert rows[0] == rows[1], f"{what}: {rows[0]} != {rows[1]}"


def _result_order(row):
    """FAF-1 of LIBERTIES: results of fire-and-forget messages in any order."""
    _, label, operation, _, _ = row
    return label if operation == "send_unreliable" else ""


def _states(op, rows):
    """As the contract has them: a session opened locally need not say so."""
    return [row for row in rows if (op, row[1]) != ("open", "opening")]
