"""What the tests share: a driver that speaks SUT contract 1 to one Endpoint and sorts what it
puts out, short forms of PDUs, and a virtual link between two endpoints."""

from __future__ import annotations

import base64
import heapq
import random
from typing import Any

from scalableipc_endpoint import Endpoint, pdu
from scalableipc_endpoint.pdu import Pdu

MS = 1_000_000
SESSION = bytes(range(32))
OPTION_NAMES = {
    "first": pdu.FIRST_IN_WINDOW_GROUP,
    "last": pdu.LAST_IN_WINDOW,
    "end": pdu.LAST_IN_WINDOW_GROUP,
    "skip": pdu.SKIP,
    "full": pdu.IS_WINDOW_FULL,
}


def options(words: str) -> tuple[tuple[bytes, bytes], ...]:
    """`"first last error=250"` as options; names of the table above, or name=value."""
    made = []
    for word in words.split():
        name, _, value = word.partition("=")
        short = {"error": pdu.ERROR_CODE, "abort": pdu.ABORT_CODE, "max": pdu.MAX_WINDOW_SIZE}
        if value:
            made.append((short.get(name, name.encode()), value.encode()))
        else:
            made.append((OPTION_NAMES[name], b"True"))
    return tuple(made)


def data(window_id: int, seq_nr: int, words: str = "", payload: bytes = b"") -> Pdu:
    return Pdu(SESSION, window_id, seq_nr, pdu.DATA, options(words), payload)


def ack(window_id: int, seq_nr: int, words: str = "") -> Pdu:
    return Pdu(SESSION, window_id, seq_nr, pdu.DATA_ACK, options(words))


def shown(got: Pdu) -> str:
    """`data 0:1 first last 'abc'`: a PDU in one line, to compare with."""
    back = {name: word for word, name in OPTION_NAMES.items()}
    back |= {pdu.ERROR_CODE: "error", pdu.ABORT_CODE: "abort", pdu.MAX_WINDOW_SIZE: "max"}
    words = [f"{pdu.OPCODES[got.opcode]} {got.window_id}:{got.seq_nr}"]
    for name, value in got.options:
        word = back.get(name, name.decode())
        words.append(word if value == b"True" else f"{word}={value.decode()}")
    if got.data:
        words.append(repr(got.data.decode("latin-1")))
    return " ".join(words)


class Driver:
    """One endpoint under test. Each call keeps the outputs it made in `outs`, by kind."""

    def __init__(self, session: bytes = SESSION, remote: str = "P", **settings: Any) -> None:
        self.endpoint = Endpoint()
        self.session = session.hex()
        self.remote = remote
        self.outs: list[dict[str, Any]] = []
        self.deadline: int | None = None
        self.results: dict[str, tuple[str, int]] = {}
        self.delivered: list[dict[str, Any]] = []
        assert self.ask("configure", settings=settings)["refused"] == []
        self.ask("reset")

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        response = self.endpoint.handle({"op": op, "id": 1, **fields})
        self.outs = response["out"]
        self.deadline = response["deadline_ns"]
        now = self.endpoint.now
        assert self.deadline is None or self.deadline > now, "the deadline is always later than now"
        for out in self.outs:
            if "result" in out:
                entry = out["result"]
                assert entry["label"] not in self.results, "an operation ends once"
                self.results[entry["label"]] = (entry["outcome"], entry["code"])
            if "deliver" in out:
                self.delivered.append(out["deliver"])
        return response

    def do(self, op: str, **fields: Any) -> dict[str, Any]:
        response = self.ask(op, session=self.session, **fields)
        assert response["ok"], response
        return response

    def open(self, **fields: Any) -> Driver:
        self.do("open", remote=self.remote, **fields)
        return self

    def send(self, label: str, payload: bytes = b"", op: str = "send", **fields: Any) -> None:
        encoded = base64.b64encode(payload).decode()
        self.do(op, remote=self.remote, label=label, data=encoded, **fields)

    def rx(self, got: Pdu | bytes, remote: str | None = None) -> list[str]:
        """Receives a PDU; what is sent in answer."""
        encoded = got if isinstance(got, bytes) else pdu.encode(got)
        assert self.ask("rx", pdu=encoded.hex(), **{"from": remote or self.remote})["ok"]
        return self.sent

    def advance_ms(self, ms: float) -> list[str]:
        """Lets time pass; what is sent meanwhile."""
        assert self.ask("advance", to_ns=self.endpoint.now + int(ms * MS))["ok"]
        return self.sent

    @property
    def sent(self) -> list[str]:
        """The PDUs of the last call, each in one line."""
        return [shown(got) for got in self.sent_pdus]

    @property
    def sent_pdus(self) -> list[Pdu]:
        return [pdu.decode(bytes.fromhex(out["tx"])) for out in self.outs if "tx" in out]

    @property
    def tokens(self) -> list[int]:
        return [out["token"] for out in self.outs if "tx" in out]

    @property
    def states(self) -> list[tuple[str, int | None]]:
        return [
            (out["state"]["state"], out["state"]["cause"]) for out in self.outs if "state" in out
        ]

    @property
    def discarded(self) -> list[str]:
        return [out["discard"]["reason"] for out in self.outs if "discard" in out]

    @property
    def payloads(self) -> list[bytes]:
        """The data of everything delivered so far."""
        return [base64.b64decode(entry["data"]) for entry in self.delivered]

    def state(self) -> str:
        return str(self.do("state", remote=self.remote)["state"])


class Link:
    """Two drivers on a link that loses, repeats and reorders, as its seed has it, until healed."""

    def __init__(self, left: Driver, right: Driver, seed: int) -> None:
        self.ends = (left, right)
        self.random = random.Random(seed)
        self.loss = self.random.choice((0.0, 0.05, 0.2, 0.4))
        self.repeat = self.random.choice((0.0, 0.1))
        self.jitter_ms = self.random.choice((0.0, 5.0, 400.0))
        # In a small ring of ids a copy must not outlive a round: it would count as new again.
        small = left.endpoint.settings.window_id_max < 1_000
        self.copy_ms = 50.0 if small else self.random.choice((50.0, 5_000.0))
        self.now = 0
        self.count = 0
        self.wire: list[tuple[int, int, int, bytes]] = []
        self.manual = left.endpoint.settings.manual
        self.trace: list[str] = []

    def heal(self) -> None:
        self.loss = self.repeat = self.jitter_ms = 0.0

    def push(self, at: int, end: int, item: Any) -> None:
        self.count += 1
        heapq.heappush(self.wire, (at, self.count, end, item))

    def collect(self, end: int) -> None:
        """Puts what an end has just sent on the wire."""
        for out in self.ends[end].outs:
            if "tx" not in out:
                continue
            encoded = bytes.fromhex(out["tx"])
            self.note(end, "->", encoded)
            if self.manual:
                # The aftermath may come later than the ack: implementations may depend on it.
                after = int(self.random.choice((0.0, 1.0, 60.0)) * MS)
                self.push(self.now + after, end, out["token"])
            if self.random.random() >= self.loss:
                self.push(self.now + self.delay(), 1 - end, encoded)
            if self.random.random() < self.repeat:
                late = int(self.random.random() * self.copy_ms * MS)
                self.push(self.now + self.delay() + late, 1 - end, encoded)

    def note(self, end: int, arrow: str, encoded: bytes) -> None:
        line = shown(pdu.decode(encoded))
        self.trace.append(f"{self.now // MS} ms {'LR'[end]} {arrow} {line[:60]}")

    def delay(self) -> int:
        return int((10 + self.random.random() * self.jitter_ms) * MS)

    def run(self, until_ms: float) -> None:
        """The events of wire and timers in order of time."""
        until = int(until_ms * MS)
        while True:
            due = [(self.wire[0][0], 2)] if self.wire else []
            due += [
                (end.deadline, index)
                for index, end in enumerate(self.ends)
                if end.deadline is not None
            ]
            if not due or min(due)[0] > until:
                break
            self.now, what = min(due)
            if what < 2:
                self.ends[what].ask("advance", to_ns=self.now)
                self.collect(what)
            else:
                _, _, index, item = heapq.heappop(self.wire)
                self.feed(index, item)
        self.now = until
        for end in self.ends:
            end.ask("advance", to_ns=until)

    def feed(self, index: int, item: bytes | int) -> None:
        end = self.ends[index]
        end.ask("advance", to_ns=self.now)
        self.collect(index)
        if isinstance(item, int):
            end.ask("sent", token=item, success=True)
        else:
            self.note(index, "<-", item)
            end.ask("rx", pdu=item.hex(), **{"from": end.remote})
        self.collect(index)
