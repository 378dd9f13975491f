"""The endpoint: sessions by remote address and id (END), and the ops of SUT contract 1 as methods
whose parameters are the fields of a request. Time is virtual: nanoseconds since `reset`. After each
op all that is due has happened, so the deadline told is always later than now."""

import base64
import inspect
from collections import Counter
from functools import partial

from . import pdu
from .pdu import Discard, Pdu, need
from .sender import OwnIds, Refused
from .session import DISPOSED, OPENING, Session
from .settings import NS_PER_MS, settings_of

ABOUT = {"name": "scalableipc_endpoint", "version": "1.0", "contract": 1, "clock": "virtual"}
CAPABILITIES = """send send_unreliable close force_close dispose shutdown attributes skip aftermath
    state preset enquire_link idle_timeout linger stream endpoint""".split()
OPS = """hello configure reset open preset send send_unreliable close dispose shutdown rx sent
    advance state bye""".split()


class BadRequest(Exception):
    """The request is understood but wrong: `ok: false`, nothing changed."""


def read_pairs(pairs):
    return [(from_json_text(name), from_json_text(value)) for name, value in pairs]


def from_json_text(value):
    """A text, or bytes that are none as {"hex": ...} (OPT-9)."""
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value.encode()


def to_json_text(value):
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"hex": value.hex()}


def session_id(text):
    if len(text) != 64 or not text.isalnum():  # fromhex passes over blanks
        raise ValueError("64 hex digits are needed")
    return bytes.fromhex(text)


FIELDS = {  # how a field of a request comes, and what is made of it; all others are integers
    "attributes": (list, read_pairs), "data": (str, partial(base64.b64decode, validate=True)),
    "settings": (dict, dict), "pdu": (str, bytes.fromhex), "session": (str, session_id),
    **dict.fromkeys(("processed", "skip", "success"), (bool, bool)),
    **dict.fromkeys(("clock", "from", "label", "op", "remote"), (str, str)),
}


def read_field(name, value):
    kind, read = FIELDS.get(name, (int, int))
    try:
        if type(value) is not kind:
            raise TypeError(f"{value!r:.80} is no {kind.__name__}")
        return read(value)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadRequest(f"`{name}` is wrong: {error}") from None


class Endpoint:
    def __init__(self):
        self.next_settings, _ = settings_of({})
        self.reset()

    # ---- the contract ----

    def handle(self, request):
        """Any request: the method of its op does the work, the response tells what came of it."""
        response, op, given = {"id": request.get("id"), "ok": True}, request.get("op"), {}
        try:
            if op is None:
                raise BadRequest("a request needs an `op`")
            if op not in OPS:
                response["unsupported"] = True
                raise BadRequest(f"unknown op {op!r:.80}")
            for name, parameter in inspect.signature(getattr(self, op)).parameters.items():
                field = name.rstrip("_")
                if request.get(field) is not None:
                    given[name] = read_field(field, request[field])
                elif parameter.default is parameter.empty:
                    raise BadRequest(f"`{field}` is missing")
            response |= getattr(self, op)(**given) or {}
        except BadRequest as error:
            response |= {"ok": False, "error": str(error)}
        self.settle()
        out, self.out = self.out, []
        return response | {"out": out, "deadline_ns": self.deadline()}

    def hello(self, contract, clock):
        if (contract, clock) != (ABOUT["contract"], ABOUT["clock"]):
            raise BadRequest("only contract 1 with the virtual clock is spoken here")
        return ABOUT | {"capabilities": CAPABILITIES, "tick_ns": 1}

    def configure(self, settings):
        self.next_settings, refused = settings_of(settings)
        return {"refused": refused}

    def reset(self):
        self.settings, self.now = self.next_settings, 0
        self.sessions = {}  # by key: remote address (stream: "") and session id (END-1)
        self.gone = {}  # those that were, by key: until when the id is refused (END-3)
        self.shutdown_at = None  # END-4
        self.discards = Counter()  # WIRE-7
        self.labels, self.token, self.out = set(), 0, []
        self.outstanding = {}  # sessions by token: aftermaths that are to come

    def open(self, session, remote, idle_timeout_ms=None):
        key = self.key(remote, session)
        if key in self.sessions or self.is_lingering(key):
            raise BadRequest("the session is held, or its id refused until its linger ends (END-3)")
        if self.shutdown_at is not None or not self.make_room():
            raise BadRequest("shutting down (END-4), or no session can be evicted (END-5)")
        self.make(session, remote, True, idle_timeout_ms)

    def preset(self, session, next_window_id, acked_window_id=None, min_window_id=-1,
               processed=False, remote=""):
        held, step = self.held(session, remote), self.settings.window_id_step
        highest = self.settings.window_id_max
        if (held.state != OPENING or held.ids.last_used is not None
                or held.peer_ids.minimum is not None):
            raise BadRequest("the session is not fresh")
        if not -1 <= min_window_id <= highest:
            raise BadRequest("min_window_id is outside 0..window_id_max (WID-2)")
        acked = next_window_id - 1 if acked_window_id is None else acked_window_id
        try:
            held.ids = OwnIds(step, highest, next_window_id, None if acked < 0 else acked)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        if min_window_id >= 0:
            held.peer_ids.minimum, held.peer_ids.processed = min_window_id, processed

    def send(self, op, session, label, data=None, size=0, attributes=(), skip=False, remote=""):
        if not 0 <= size <= 2**30:
            raise BadRequest(f"`size` must be 0..2^30, not {size}")
        if data is None:
            data = (bytes(range(251)) * (size // 251 + 1))[:size]
        self.command(op, session, remote, label, data, attributes, skip)

    send_unreliable = send

    def close(self, op, session, label, code=1, remote=""):
        if not 1 <= code <= 99:
            raise BadRequest(f"close code {code} is outside 1..99 (ERR-1)")
        self.command(op, session, remote, label, code)

    def command(self, op, session, remote, label, *arguments):
        key = self.find(session, remote)
        if label in self.labels:
            raise BadRequest(f"label {label!r} is in use since reset")
        self.labels.add(label)
        held = self.sessions.get(key)
        end = {"label": label, "op": op, "outcome": "refused", "code": 0}
        try:
            if held:
                getattr(held, op)(label, *arguments)
            elif op == "close" and key in self.gone:
                self.emit("result", session, remote, **end | {"outcome": "ok"})  # CLS-5
            else:
                raise Refused("state")
        except Refused as refused:
            shown = held.remote if held else remote
            self.emit("result", session, shown, **end, why=refused.args[0])

    def dispose(self, session, code=pdu.SHUTDOWN, remote=""):
        if self.find(session, remote) not in self.gone:  # a second one changes nothing
            self.remove(self.held(session, remote), code)

    def shutdown(self, grace_ms=0):
        at = self.now + grace_ms * NS_PER_MS
        self.shutdown_at = at if self.shutdown_at is None else min(at, self.shutdown_at)

    def rx(self, from_, pdu_):
        session = None
        try:
            got = pdu.decode(pdu_)
            session = got.session
            self.receive(from_, got)
        except Discard as discard:
            self.discards[discard.reason] += 1  # WIRE-7
            self.emit("discard", session, from_, reason=str(discard))

    def sent(self, token, success):
        if token not in self.outstanding:
            raise BadRequest(f"no transmission with token {token} awaits its aftermath")
        session = self.outstanding.pop(token)
        if session:
            session.on_aftermath(token, success)

    def advance(self, to_ns):
        if to_ns < self.now:
            raise BadRequest(f"time never goes back: now is {self.now}")
        while (due := self.deadline()) is not None and due <= to_ns:
            self.now = due
            self.settle()
        self.now = to_ns

    def state(self, session, remote=""):
        if self.find(session, remote) in self.gone:
            return {"state": DISPOSED}
        return {"state": self.held(session, remote).state}

    def bye(self):
        """The process that holds the endpoint ends after the response."""

    # ---- PDUs in and out ----

    def receive(self, remote, got):
        session = self.sessions.get(self.key(remote, got.session))
        if not session and got.opcode == pdu.ENQUIRE_LINK:  # END-2a
            nack = ((pdu.ERROR_CODE, b"%d" % pdu.ERROR_SESSION_ENDED),)
            self.transmit(None, remote, Pdu(got.session, 0, 0, pdu.ENQUIRE_LINK_ACK, nack))
            return
        session = session or self.accept(remote, got)
        before, session.remote = session.remote, remote
        try:
            session.receive(got)  # END-1a: answers go where the last valid PDU came from
        except Discard:
            session.remote = before
            raise

    def accept(self, remote, got):
        """END-2: a data PDU makes a session."""
        need(got.opcode == pdu.DATA, "END-2", "unknown_session")
        need(not self.is_lingering(self.key(remote, got.session)), "END-3", "lingering")
        need(self.settings.accept, "END-2", "not_accepting")
        need(self.shutdown_at is None, "END-4", "not_accepting")
        fits = got.seq_nr < self.settings.max_window_size
        need(fits and got.window_id <= self.settings.window_id_step, "END-2a", "not_first")
        need(self.make_room(), "END-5", "sessions_full")
        self.emit("state", got.session, remote, state=OPENING, cause=None)
        return self.make(got.session, remote, False)

    def transmit(self, session, remote, sent):
        self.token += 1
        self.outstanding[self.token] = session
        self.out.append({"tx": pdu.encode(sent).hex(), "to": remote, "token": self.token})
        return self.token

    # ---- the table of sessions ----

    def key(self, remote, session_id):
        return ("" if self.settings.network == "stream" else remote, session_id)  # END-1

    def find(self, session_id, remote):
        """The key a request means: `remote` may be missing where the id alone says it."""
        keys = [key for key in self.sessions if key[1] == session_id]
        keys = keys or [key for key in self.gone if key[1] == session_id]
        if remote or not keys:
            return self.key(remote, session_id)
        if len(keys) > 1:
            raise BadRequest("several peers have a session with this id: `remote` must say which")
        return keys[0]

    def held(self, session_id, remote):
        key = self.find(session_id, remote)
        if key not in self.sessions:
            raise BadRequest("no such session is held")
        return self.sessions[key]

    def make(self, session_id, remote, local, idle_ms=None):
        key = self.key(remote, session_id)
        self.gone.pop(key, None)
        idle_ms = self.settings.idle_timeout_ms if idle_ms is None else idle_ms
        self.sessions[key] = Session(self, session_id, remote, local, idle_ms)
        return self.sessions[key]

    def is_lingering(self, key):
        return self.now < self.gone.get(key, 0)

    def make_room(self):
        """END-5: evicts the oldest opening session that may be, where the table is full."""
        free = self.settings.max_sessions - len(self.sessions)
        if free > 0 and sum(map(self.is_lingering, self.gone)) < free:
            return True
        for session in self.sessions.values():
            if session.state == OPENING and not session.local and not session.operation:
                self.forget(session, None, 0)  # leaves no linger
                return True
        return False

    def remove(self, session, code):
        """Final dispose. END-3: the id is refused for one linger from awaiting_disposal, or now."""
        since = self.now if session.awaiting_since is None else session.awaiting_since
        self.forget(session, code, since + self.settings.linger)

    def forget(self, session, code, refused_until):
        key = self.key(session.remote, session.id)
        session.dispose(code)
        del self.sessions[key]
        self.gone[key] = refused_until

    # ---- time ----

    def deadline(self):
        sessions = self.sessions.values()
        due = [at for session in sessions for at, _ in session.timers()]
        if sessions and self.shutdown_at is not None:
            due.append(self.shutdown_at)
        return min(due, default=None)

    def settle(self):
        """Lets happen all that is due: aftermaths that are made at once, timers, the shutdown."""
        while True:
            sessions = list(self.sessions.values())
            due = (act for held in sessions for at, act in held.timers() if at <= self.now)
            if self.settings.aftermath == "auto" and self.outstanding:
                self.sent(next(iter(self.outstanding)), True)
            elif act := next(due, None):
                act()
            else:
                break
        if self.shutdown_at is not None and self.now >= self.shutdown_at:
            for session in sessions:
                self.remove(session, pdu.SHUTDOWN)  # END-4

    # ---- outputs ----

    def emit(self, kind, session_id, remote, **fields):
        shown = session_id and session_id.hex()
        self.out.append({kind: {"session": shown, "remote": remote, **fields}})

    def deliver(self, session, data, attributes):
        pairs = [[to_json_text(name), to_json_text(value)] for name, value in attributes]
        data = base64.b64encode(data).decode()
        self.emit("deliver", session.id, session.remote, data=data, attributes=pairs)
