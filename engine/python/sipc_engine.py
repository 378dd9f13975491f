"""The engine from Python: ctypes over the shared library libsipc-engine.so.

    endpoint = Endpoint(library="build/release/engine/libsipc-engine.so", now=0, mtu=1400)
    session = endpoint.open(now, remote=1, session_id=bytes(32))
    endpoint.send(now, session, b"hello")
    for action in endpoint.actions(): ...
    endpoint.deadline

Calls mirror sipc/endpoint.h and sipc/session.h; see there for what each means. Times are virtual
nanoseconds. A status other than OK raises `Refused`. The payload of a message is kept until its
result, as the engine asks; transmit actions come with the whole PDU put together.
"""

import ctypes
import mmap
from ctypes import (POINTER, Structure, Union, byref, c_bool, c_int, c_int32, c_int64, c_size_t,
                    c_uint8, c_uint32, c_uint64, c_void_p)
from dataclasses import dataclass, field

NEVER = 2**64 - 1
NO_OVERRIDE = -(2**63)
STATUS = ("ok", "invalid", "no_space", "unknown", "exists", "busy", "state", "opening",
          "attributes", "size", "no_id", "pending")
STATES = ("opening", "opened", "closing", "awaiting_disposal", "disposed")
OUTCOMES = ("ok", "timeout", "peer_error", "network_error", "not_sent", "closed")
OPERATIONS = ("send", "send_unreliable", "close")


class Refused(Exception):
    """A call that the engine did not take; `status` is one of STATUS."""

    def __init__(self, call, status):
        super().__init__(f"{call}: {status}")
        self.status = status


class _Span(Structure):
    _fields_ = [("data", c_void_p), ("size", c_size_t)]

    def bytes(self):
        return ctypes.string_at(self.data, self.size) if self.size else b""


class Config(Structure):
    """struct sipc_config."""

    _fields_ = [("mtu", c_uint32), ("max_window_size", c_uint32), ("ack_timeout_ns", c_uint64),
                ("max_retry_count", c_uint32), ("open_timeout_ns", c_uint64),
                ("idle_timeout_ns", c_int64), ("min_remote_idle_timeout_ns", c_int64),
                ("max_remote_idle_timeout_ns", c_int64), ("enquire_link_interval_ns", c_uint64),
                ("linger_ns", c_uint64), ("attribute_limit", c_uint32),
                ("max_sessions", c_uint32), ("unreliable_queue", c_uint32), ("accept", c_bool),
                ("require_first_in_window_group", c_bool), ("stream", c_bool),
                ("table_key", c_uint64), ("window_id_step", c_int64), ("window_id_max", c_int64),
                ("group_bytes_max", c_uint32)]


class _Transmit(Structure):
    _fields_ = [("token", c_uint64), ("head", _Span), ("message", c_uint64),
                ("payload_offset", c_uint64), ("payload_size", c_uint32), ("owed", c_bool)]


class _Deliver(Structure):
    _fields_ = [("data", _Span), ("attributes", _Span)]


class _Result(Structure):
    _fields_ = [("handle", c_uint64), ("operation", c_int), ("outcome", c_int), ("code", c_int32)]


class _State(Structure):
    _fields_ = [("state", c_int), ("cause", c_int32)]


class _Discard(Structure):
    _fields_ = [("reason", c_int), ("rule", c_int)]


class _Detail(Union):
    _fields_ = [("transmit", _Transmit), ("deliver", _Deliver), ("result", _Result),
                ("state", _State), ("discard", _Discard)]


class _Action(Structure):
    _fields_ = [("kind", c_int), ("session", c_uint64), ("session_id", c_void_p),
                ("remote", c_uint64), ("u", _Detail)]


class _Attribute(Structure):
    _fields_ = [("name", _Span), ("value", _Span)]


class _Message(Structure):
    _fields_ = [("handle", c_uint64), ("size", c_uint64), ("attributes", POINTER(_Attribute)),
                ("attribute_count", c_size_t), ("skip", c_bool)]


class _Preset(Structure):
    _fields_ = [("next_window_id", c_int64), ("acked_window_id", c_int64),
                ("min_window_id", c_int64), ("processed", c_bool)]


@dataclass
class Action:
    """What the endpoint wants done; which fields count depends on `kind`."""

    kind: str  # transmit, deliver, result, state, discard
    session: int
    session_id: bytes
    remote: int
    pdu: bytes = b""  # transmit
    token: int = 0
    owed: bool = False
    data: bytes = b""  # deliver
    attributes: list = field(default_factory=list)
    handle: int = 0  # result
    operation: str = ""
    outcome: str = ""
    code: int = 0  # result; cause of state
    state: str = ""
    reason: str = ""  # discard
    rule: str = ""


class _Rule(Structure):
    _fields_ = [("id", ctypes.c_char_p), ("sentence", ctypes.c_char_p), ("level", c_int),
                ("roles", ctypes.c_uint)]


def _load(path):
    lib = ctypes.CDLL(str(path))
    signatures = {
        "sipc_config_default": (None, POINTER(Config)),
        "sipc_config_check": (c_int, POINTER(Config), POINTER(ctypes.c_char_p)),
        "sipc_endpoint_size": (c_size_t, POINTER(Config)),
        "sipc_endpoint_snapshot_size": (c_size_t, c_void_p),
        "sipc_endpoint_init": (c_int, c_void_p, c_size_t, POINTER(Config), c_uint64,
                               POINTER(c_void_p)),
        "sipc_endpoint_receive": (c_int, c_void_p, c_uint64, c_uint64, _Span),
        "sipc_endpoint_sent": (c_int, c_void_p, c_uint64, c_uint64, c_bool),
        "sipc_endpoint_advance": (c_int, c_void_p, c_uint64),
        "sipc_endpoint_shutdown": (c_int, c_void_p, c_uint64, c_uint64),
        "sipc_endpoint_deadline": (c_uint64, c_void_p),
        "sipc_endpoint_next_action": (c_bool, c_void_p, POINTER(_Action)),
        "sipc_endpoint_check": (ctypes.c_char_p, c_void_p),
        "sipc_attribute_next": (c_bool, POINTER(_Span), POINTER(_Span), POINTER(_Span)),
        "sipc_session_open": (c_int, c_void_p, c_uint64, c_uint64, c_void_p, c_int64,
                              POINTER(c_uint64)),
        "sipc_session_find": (c_uint64, c_void_p, c_uint64, c_void_p),
        "sipc_session_state": (c_int, c_void_p, c_uint64),
        "sipc_session_preset": (c_int, c_void_p, c_uint64, c_uint64, POINTER(_Preset)),
        "sipc_session_send": (c_int, c_void_p, c_uint64, c_uint64, POINTER(_Message)),
        "sipc_session_send_unreliable": (c_int, c_void_p, c_uint64, c_uint64, POINTER(_Message)),
        "sipc_session_close": (c_int, c_void_p, c_uint64, c_uint64, c_int32, c_uint64),
        "sipc_session_dispose": (c_int, c_void_p, c_uint64, c_uint64, c_int32),
        "sipc_discard_name": (ctypes.c_char_p, c_int),
        "sipc_rule_info": (POINTER(_Rule), c_int),
    }
    for name, (result, *arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype = result
        function.argtypes = arguments
    return lib


def _span(data):
    """A span over `data`, which the caller keeps alive."""
    return _Span(ctypes.cast(ctypes.c_char_p(data), c_void_p), len(data))


class Endpoint:
    """struct sipc_endpoint. Settings are fields of Config; those not named keep their default."""

    def __init__(self, library, now=0, **settings):
        self._lib = _load(library)
        self.config = Config()
        self._lib.sipc_config_default(byref(self.config))
        for name, value in settings.items():
            if name not in {row[0] for row in Config._fields_}:
                raise ValueError(f"no setting {name}")
            setattr(self.config, name, value)
        bad = ctypes.c_char_p()
        if self._lib.sipc_config_check(byref(self.config), byref(bad)) != 0:
            raise ValueError(f"setting {bad.value.decode()} makes no sense")
        size = self._lib.sipc_endpoint_size(byref(self.config))
        # pages of zeros, which cost nothing until they are used
        self._memory = ctypes.c_char.from_buffer(mmap.mmap(-1, size))
        block = ctypes.addressof(self._memory)
        self._endpoint = c_void_p()
        self._call("sipc_endpoint_init", block, size, byref(self.config), now,
                   byref(self._endpoint), bare=True)
        self._messages = {}
        self._handles = 0

    def _call(self, name, *arguments, bare=False):
        first = () if bare else (self._endpoint,)
        status = getattr(self._lib, name)(*first, *arguments)
        if status != 0:
            raise Refused(name, STATUS[status])

    # ---- events ----

    def receive(self, now, remote, pdu):
        self._call("sipc_endpoint_receive", now, remote, _span(bytes(pdu)))

    def sent(self, now, token, success=True):
        """False where nothing with this token awaits an aftermath (SND-9)."""
        status = self._lib.sipc_endpoint_sent(self._endpoint, now, token, success)
        if STATUS[status] not in ("ok", "unknown"):
            raise Refused("sipc_endpoint_sent", STATUS[status])
        return status == 0

    def advance(self, now):
        self._call("sipc_endpoint_advance", now)

    def shutdown(self, now, grace_ns=0):
        self._call("sipc_endpoint_shutdown", now, grace_ns)

    @property
    def deadline(self):
        """Virtual nanoseconds, or None."""
        deadline = self._lib.sipc_endpoint_deadline(self._endpoint)
        return None if deadline == NEVER else deadline

    # ---- commands ----

    def open(self, now, remote, session_id, idle_timeout_ns=NO_OVERRIDE):
        session = c_uint64()
        self._call("sipc_session_open", now, remote, ctypes.c_char_p(session_id), idle_timeout_ns,
                   byref(session))
        return session.value

    def find(self, remote, session_id):
        """The session held for these, 0 if none."""
        return self._lib.sipc_session_find(self._endpoint, remote, ctypes.c_char_p(session_id))

    def state(self, session):
        return STATES[self._lib.sipc_session_state(self._endpoint, session)]

    def preset(self, now, session, next_id, acked=-1, minimum=-1, processed=False):
        preset = _Preset(next_id, acked, minimum, processed)
        self._call("sipc_session_preset", now, session, byref(preset))

    def _message(self, name, now, session, data, attributes, skip):
        pairs = [(bytes(k), bytes(v)) for k, v in attributes]
        rows = (_Attribute * max(len(pairs), 1))(*[_Attribute(_span(k), _span(v))
                                                   for k, v in pairs])
        handle = self._handles + 1
        message = _Message(handle, len(data), rows, len(pairs), skip)
        self._call(name, now, session, byref(message))
        self._handles = handle
        self._messages[handle] = bytes(data)
        return handle

    def send(self, now, session, data=b"", attributes=(), skip=False):
        """The handle that the result will name."""
        return self._message("sipc_session_send", now, session, data, attributes, skip)

    def send_unreliable(self, now, session, data=b"", attributes=(), skip=False):
        return self._message("sipc_session_send_unreliable", now, session, data, attributes, skip)

    def close(self, now, session, code=1):
        self._call("sipc_session_close", now, session, code, self._handles + 1)
        self._handles += 1
        return self._handles

    def dispose(self, now, session, code=-2):
        self._call("sipc_session_dispose", now, session, code)

    # ---- actions, and what is behind them ----

    def actions(self):
        """Takes out every action that waits, in order."""
        taken = []
        raw = _Action()
        while self._lib.sipc_endpoint_next_action(self._endpoint, byref(raw)):
            taken.append(self._action(raw))
        return taken

    def _action(self, raw):
        session_id = ctypes.string_at(raw.session_id, 32) if raw.session_id else b""
        kind = ("transmit", "deliver", "result", "state", "discard")[raw.kind]
        action = Action(kind, raw.session, session_id, raw.remote)
        detail = getattr(raw.u, kind)
        getattr(self, "_take_" + kind)(action, detail)
        return action

    def _take_transmit(self, action, detail):
        payload = b""
        if detail.payload_size:
            start = detail.payload_offset
            payload = self._messages[detail.message][start:start + detail.payload_size]
        action.pdu = detail.head.bytes() + payload
        action.token = detail.token
        action.owed = detail.owed

    def _take_deliver(self, action, detail):
        action.data = detail.data.bytes()
        rest, name, value = _Span(detail.attributes.data, detail.attributes.size), _Span(), _Span()
        while self._lib.sipc_attribute_next(byref(rest), byref(name), byref(value)):
            action.attributes.append((name.bytes(), value.bytes()))

    def _take_result(self, action, detail):
        action.handle = detail.handle
        action.operation = OPERATIONS[detail.operation]
        action.outcome = OUTCOMES[detail.outcome]
        action.code = detail.code
        self._messages.pop(detail.handle, None)

    def _take_state(self, action, detail):
        action.state = STATES[detail.state]
        action.code = detail.cause

    def _take_discard(self, action, detail):
        action.reason = self._lib.sipc_discard_name(detail.reason).decode()
        action.rule = self._lib.sipc_rule_info(detail.rule).contents.id.decode()

    def check(self):
        """None, or the sentence of an invariant that is broken."""
        broken = self._lib.sipc_endpoint_check(self._endpoint)
        return None if broken is None else broken.decode()

    def snapshot(self):
        """The state as bytes; only while no action waits."""
        return ctypes.string_at(self._endpoint,
                                self._lib.sipc_endpoint_snapshot_size(self._endpoint))
