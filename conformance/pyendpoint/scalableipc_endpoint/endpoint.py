"""The endpoint: sessions by remote address and id, and the ops of SUT contract 1 as methods.

Each op takes its request and returns its response, both as the contract's JSON objects. Time is
virtual: nanoseconds since `reset`, moved by `advance` alone. After every event all that is due has
happened, so the deadline told is always later than now.
"""

from __future__ import annotations

import base64
import functools
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from . import pdu, settings
from .fields import BadRequest, Fields, to_json_text
from .pdu import Discard, Pdu
from .receiver import Group
from .session import DISPOSED, OPENING, Session
from .settings import NS_PER_MS

Json = dict[str, Any]
Key = tuple[str, bytes]  # END-1: remote address (stream: "") and session id
OnAftermath = Callable[[int, bool], None]

NAME = "scalableipc_endpoint"
VERSION = "1.0"
CONTRACT = 1
CAPABILITIES = (
    "send", "send_unreliable", "close", "force_close", "dispose", "shutdown", "attributes", "skip",
    "aftermath", "state", "preset", "enquire_link", "idle_timeout", "linger", "stream", "endpoint",
)  # fmt: skip


def op(method: Callable[[Endpoint, Fields], Json | None]) -> Callable[[Endpoint, Json], Json]:
    """Makes a contract op of a method: reads the request, settles, adds outputs and deadline."""

    @functools.wraps(method)
    def call(self: Endpoint, request: Json) -> Json:
        try:
            response: Json = {"ok": True, **(method(self, Fields(request)) or {})}
        except BadRequest as error:
            response = {"ok": False, "error": str(error)}
        return self._respond(request, response)

    return call


class Endpoint:
    def __init__(self) -> None:
        self._next_settings = settings.Settings()
        self._start()

    def _start(self) -> None:
        self.settings = self._next_settings
        self.now = 0
        self.sessions: dict[Key, Session] = {}
        self.gone: set[Key] = set()  # sessions that were; only for `state`
        self.refused_until: dict[Key, int] = {}  # END-3
        self.shutdown_at: int | None = None  # END-4
        self.discards: Counter[str] = Counter()  # WIRE-7
        self._labels: set[str] = set()
        self._token = 0
        self._outstanding: dict[int, OnAftermath | None] = {}  # manual aftermath
        self._made: deque[tuple[int, OnAftermath]] = deque()  # auto: success at once
        self._out: list[Json] = []

    # ---- the contract ----

    def handle(self, request: Json) -> Json:
        """Any request. The op's method does the work; an op not of the contract is unsupported."""
        name = request.get("op") if isinstance(request, dict) else None
        ops: dict[str, Callable[[Json], Json]] = {
            "hello": self.hello,
            "configure": self.configure,
            "reset": self.reset,
            "open": self.open,
            "preset": self.preset,
            "send": self.send,
            "send_unreliable": self.send_unreliable,
            "close": self.close,
            "dispose": self.dispose,
            "shutdown": self.shutdown,
            "rx": self.rx,
            "sent": self.sent,
            "advance": self.advance,
            "state": self.state,
            "bye": self.bye,
        }
        if not isinstance(name, str):
            return self._respond(request, {"ok": False, "error": "a request needs an `op`"})
        if name not in ops:
            error = f"unknown op {name!r}"
            return self._respond(request, {"ok": False, "unsupported": True, "error": error})
        return ops[name](request)

    @op
    def hello(self, fields: Fields) -> Json:
        if fields.integer("contract") != CONTRACT:
            raise BadRequest(f"only contract {CONTRACT} is spoken here")
        if fields.text("clock") != "virtual":
            raise BadRequest("only the virtual clock is kept here")
        return {
            "name": NAME,
            "version": VERSION,
            "contract": CONTRACT,
            "clock": "virtual",
            "capabilities": list(CAPABILITIES),
            "tick_ns": 1,
        }

    @op
    def configure(self, fields: Fields) -> Json:
        self._next_settings, refused = settings.from_request(fields.mapping("settings"))
        return {"refused": refused}

    @op
    def reset(self, fields: Fields) -> None:
        self._start()

    @op
    def open(self, fields: Fields) -> None:
        session_id, remote = fields.session_id(), fields.text("remote")
        idle_ms = fields.integer("idle_timeout_ms", self.settings.idle_timeout_ms)
        key = self._key(remote, session_id)
        if key in self.sessions:
            raise BadRequest("the session is held already")
        if self._is_lingering(key):
            raise BadRequest("the session's id is refused until its linger is over (END-3)")
        if self.shutdown_at is not None:
            raise BadRequest("shutting down (END-4)")
        if not self._make_room():
            raise BadRequest("max_sessions are held, none can be evicted (END-5)")
        self.sessions[key] = Session(self, session_id, remote, True, idle_ms)

    @op
    def preset(self, fields: Fields) -> None:
        session = self._session(fields)
        following = fields.integer("next_window_id")
        acked = fields.integer("acked_window_id", following - 1)
        minimum = fields.integer("min_window_id", -1)
        processed = fields.boolean("processed", False)
        fresh = session.ids.last_used is None and session.peer_ids.minimum is None
        if session.state != OPENING or session.operation is not None or not fresh:
            raise BadRequest("the session is not fresh")
        if not -1 <= minimum <= self.settings.window_id_max:
            raise BadRequest("min_window_id is outside 0..window_id_max (WID-2)")
        try:
            session.ids.preset(following, None if acked < 0 else acked)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        if minimum >= 0:
            session.peer_ids.minimum = minimum
            session.peer_ids.processed = processed

    @op
    def send(self, fields: Fields) -> None:
        message = (fields.data(), fields.attributes(), fields.boolean("skip", False))
        session, label = self._session_or_refusal(fields, "send")
        if session is not None:
            session.send(label, *message)

    @op
    def send_unreliable(self, fields: Fields) -> None:
        message = (fields.data(), fields.attributes(), fields.boolean("skip", False))
        session, label = self._session_or_refusal(fields, "send_unreliable")
        if session is not None:
            session.send_unreliable(label, *message)

    @op
    def close(self, fields: Fields) -> None:
        code = fields.integer("code", pdu.ABORT_NORMAL)
        if not 1 <= code <= 99:
            raise BadRequest(f"close code {code} is outside 1..99 (ERR-1)")
        session, label = self._session_or_refusal(fields, "close")
        if session is not None:
            session.close(label, code)

    @op
    def dispose(self, fields: Fields) -> None:
        code = fields.integer("code", pdu.LOCAL_SHUTDOWN)
        key = self._find(fields)
        if key in self.sessions or key not in self.gone:  # a second dispose changes nothing
            self.remove(self._session(fields), code)

    @op
    def shutdown(self, fields: Fields) -> None:
        at = self.now + fields.integer("grace_ms", 0, low=0) * NS_PER_MS
        if self.shutdown_at is None or at < self.shutdown_at:
            self.shutdown_at = at

    @op
    def rx(self, fields: Fields) -> None:
        remote, datagram = fields.text("from"), fields.hex("pdu")
        session_id: bytes | None = None
        try:
            got = pdu.decode(datagram)
            session_id = got.session
            self._receive(remote, got)
        except Discard as discard:
            self.discards[discard.reason] += 1  # WIRE-7
            shown = None if session_id is None else session_id.hex()
            entry = {"session": shown, "remote": remote, "reason": str(discard)}
            self._out.append({"discard": entry})

    @op
    def sent(self, fields: Fields) -> None:
        token, success = fields.integer("token"), fields.boolean("success")
        if token not in self._outstanding:
            raise BadRequest(f"no transmission with token {token} awaits its aftermath")
        on_aftermath = self._outstanding.pop(token)
        if on_aftermath is not None:
            on_aftermath(token, success)

    @op
    def advance(self, fields: Fields) -> None:
        to = fields.integer("to_ns")
        if to < self.now:
            raise BadRequest(f"time never goes back: now is {self.now}")
        while (due := self._deadline()) is not None and due <= to:
            self.now = due
            self._settle()
        self.now = to

    @op
    def state(self, fields: Fields) -> Json:
        key = self._find(fields)
        if key in self.sessions:
            return {"state": self.sessions[key].state}
        if key in self.gone:
            return {"state": DISPOSED}
        raise BadRequest("no such session was ever here")

    @op
    def bye(self, fields: Fields) -> None:
        """The process that holds the endpoint ends after the response."""

    # ---- PDUs in and out ----

    def _receive(self, remote: str, got: Pdu) -> None:
        session = self.sessions.get(self._key(remote, got.session))
        if session is None:
            session = self._accept(remote, got)
        if session is None:
            return
        before = session.remote
        session.remote = remote  # END-1a: answers go where the last valid PDU came from
        try:
            session.receive(got)
        except Discard:
            session.remote = before
            raise

    def _accept(self, remote: str, got: Pdu) -> Session | None:
        """END-2: what a PDU does to a session that is not held."""
        key = self._key(remote, got.session)
        if got.opcode == pdu.ENQUIRE_LINK:
            nack = ((pdu.ERROR_CODE, str(pdu.ERROR_SESSION_ENDED).encode()),)
            answer = Pdu(got.session, 0, 0, pdu.ENQUIRE_LINK_ACK, nack)
            self.transmit(remote, pdu.encode(answer), None)  # END-2a
            return None
        if got.opcode != pdu.DATA:
            raise Discard("unknown_session", "END-2")
        if self._is_lingering(key):
            raise Discard("lingering", "END-3")
        if not self.settings.accept or self.shutdown_at is not None:
            raise Discard("not_accepting", "END-2" if self.shutdown_at is None else "END-4")
        if got.window_id > self.settings.window_id_step:
            raise Discard("not_first", "END-2a")
        if got.seq_nr >= self.settings.max_window_size:
            raise Discard("not_first", "END-2a")
        if not self._make_room():
            raise Discard("sessions_full", "END-5")
        session = Session(self, got.session, remote, False, self.settings.idle_timeout_ms)
        self.sessions[key] = session
        self.emit_state(session)
        return session

    def transmit(self, remote: str, encoded: bytes, on_aftermath: OnAftermath | None) -> int:
        self._token += 1
        token = self._token
        self._out.append({"tx": encoded.hex(), "to": remote, "token": token})
        if self.settings.manual:
            self._outstanding[token] = on_aftermath
        elif on_aftermath is not None:
            self._made.append((token, on_aftermath))
        return token

    # ---- the table of sessions ----

    def _key(self, remote: str, session_id: bytes) -> Key:
        return ("" if self.settings.stream else remote, session_id)  # END-1

    def _is_lingering(self, key: Key) -> bool:
        return self.now < self.refused_until.get(key, 0)

    def _make_room(self) -> bool:
        """END-5: evicts the oldest opening session that may be, where the table is full."""
        if len(self.sessions) < self.settings.max_sessions:
            return True
        for session in self.sessions.values():
            if session.state == OPENING and not session.local and session.operation is None:
                self._forget(session, None)  # leaves no linger
                return True
        return False

    def remove(self, session: Session, code: int | None) -> None:
        """Final dispose. END-3: the id is refused for one linger from awaiting_disposal, or now."""
        since = self.now if session.awaiting_since is None else session.awaiting_since
        still = {key: until for key, until in self.refused_until.items() if until > self.now}
        still[self._key(session.remote, session.id)] = since + self.settings.linger
        self.refused_until = still
        self._forget(session, code)

    def _forget(self, session: Session, code: int | None) -> None:
        key = self._key(session.remote, session.id)
        session.dispose(code)
        del self.sessions[key]
        self.gone.add(key)

    def _find(self, fields: Fields) -> Key:
        """The key a request means: `remote` may be missing where the id alone says it."""
        session_id = fields.session_id()
        remote = fields.text("remote", "")
        if remote or self.settings.stream:
            return self._key(remote, session_id)
        keys = [key for key in self.sessions if key[1] == session_id]
        keys = keys or [key for key in self.gone if key[1] == session_id]
        if len(keys) > 1:
            raise BadRequest("several peers have a session with this id: `remote` must say which")
        return keys[0] if keys else ("", session_id)

    def _session(self, fields: Fields) -> Session:
        key = self._find(fields)
        if key not in self.sessions:
            raise BadRequest("no such session is held")
        return self.sessions[key]

    def _session_or_refusal(self, fields: Fields, op_name: str) -> tuple[Session | None, str]:
        """The session of an operation and its label; without a session the result is out already:
        a refusal, but a close of what is disposed has nothing to wait for (CLS-5)."""
        key, label = self._find(fields), fields.text("label")
        if label in self._labels:
            raise BadRequest(f"label {label!r} is in use since reset")
        self._labels.add(label)
        if key in self.sessions:
            return self.sessions[key], label
        result: Json = {"session": key[1].hex(), "label": label, "op": op_name}
        if key[0]:
            result["remote"] = key[0]
        if op_name == "close" and key in self.gone:
            result |= {"outcome": "ok", "code": 0}
        else:
            result |= {"outcome": "refused", "code": 0, "why": "state"}
        self._out.append({"result": result})
        return None, label

    # ---- time ----

    def _deadline(self) -> int | None:
        deadlines = [session.deadline() for session in self.sessions.values()]
        if self.sessions:
            deadlines.append(self.shutdown_at)
        return min((at for at in deadlines if at is not None), default=None)

    def _settle(self) -> None:
        """Lets happen all that is due: aftermaths that are made at once, timers, the shutdown."""
        while True:
            if self._made:
                token, on_aftermath = self._made.popleft()
                on_aftermath(token, True)
            elif not any(session.fire() for session in list(self.sessions.values())):
                break
        if self.shutdown_at is not None and self.now >= self.shutdown_at:
            for session in list(self.sessions.values()):
                self.remove(session, pdu.LOCAL_SHUTDOWN)  # END-4

    # ---- outputs ----

    def _respond(self, request: Json, response: Json) -> Json:
        self._settle()
        out, self._out = self._out, []
        request_id = request.get("id") if isinstance(request, dict) else None
        return {"id": request_id, **response, "out": out, "deadline_ns": self._deadline()}

    def _name(self, session: Session) -> Json:
        return {"session": session.id.hex(), "remote": session.remote}

    def emit_state(self, session: Session) -> None:
        entry = {**self._name(session), "state": session.state, "cause": session.cause}
        self._out.append({"state": entry})

    def emit_deliver(self, session: Session, group: Group) -> None:
        pairs = [[to_json_text(name), to_json_text(value)] for name, value in group.attributes]
        data = base64.b64encode(group.data).decode()
        self._out.append({"deliver": {**self._name(session), "data": data, "attributes": pairs}})

    def emit_result(
        self, session: Session, label: str, op_name: str, outcome: str, code: int, why: str = ""
    ) -> None:
        entry: Json = {**self._name(session), "label": label, "op": op_name}
        entry |= {"outcome": outcome, "code": code}
        if why:
            entry["why"] = why
        self._out.append({"result": entry})
