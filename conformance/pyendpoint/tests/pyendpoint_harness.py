"""What the tests share: a driver that speaks SUT contract 1 to one Endpoint and sorts what it
puts out, short forms of PDUs, and a virtual link between two endpoints."""

from __future__ import annotations

import base64
import heapq
import json
import random
import subprocess
from collections import Counter
from typing import Any

from scalableipc_endpoint import Endpoint, pdu
from scalableipc_endpoint.pdu import Pdu
from scalableipc_endpoint.settings import settings_of

MS = 1_000_000
TURNS = 6
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


class ExecEndpoint:
    """Another implementation of the contract, as a child process that speaks lines."""

    def __init__(self, command: list[str]) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.now = 0
        self.settings, _ = settings_of({})

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        response: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert response["id"] == request["id"]
        if request["op"] == "configure":
            self.settings, _ = settings_of(request["settings"])
        elif request["op"] == "advance" and response["ok"]:
            self.now = request["to_ns"]
        return response

    def close(self) -> None:
        with self.process:
            self.handle({"op": "bye", "id": 1})
            assert self.process.wait(timeout=10) == 0


class Driver:
    """One endpoint under test. Each call keeps the outputs it made in `outs`, by kind."""

    def __init__(self, endpoint: Any = None, remote: str = "P", **settings: Any) -> None:
        self.endpoint = endpoint or Endpoint()
        self.session = SESSION.hex()
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
        self.manual = left.endpoint.settings.aftermath == "manual"
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


def make_pair(seed: int, others: dict[int, Any] | None = None) -> Link:
    """Two unlike endpoints; `others` replace ours, by side. Small windows, groups and id spaces, so
    that partition, further groups, resync and wrap are frequent."""
    common: dict[str, object] = {
        "open_timeout_ms": 0,
        "aftermath": ("auto", "manual")[seed % 2],
        "max_retry_count": (3, 1, 6)[seed % 3],
    }
    if seed % 4 == 0:
        common |= {"window_id_step": 3, "window_id_max": 20}
    if seed % 7 < 4:
        common["group_bytes_max"] = 2_500
    sizes = ((16, 16), (16, 2), (1, 4), (3, 1), (2, 5))[seed % 5]
    others = others or {}
    left = Driver(others.get(0), "R", mtu=512, max_window_size=sizes[0], **common)
    right = Driver(others.get(1), "L", mtu=900, max_window_size=sizes[1], **common)
    return Link(left.open(), right, seed)


class Talk:
    """What each side of a link has sent, and whether it arrived as the rules want."""

    def __init__(self, link: Link, skip_chance: float = 0.2) -> None:
        self.link = link
        self.skip_chance = skip_chance
        self.sent: tuple[dict[str, bytes], dict[str, bytes]] = ({}, {})

    def start(self, index: int, label: str, size: int, op: str = "send") -> None:
        """Every delivery names its message by an attribute."""
        link = self.link
        payload = bytes(link.random.randrange(256) for _ in range(64)) * (size // 64 + 1)
        self.sent[index][label] = payload[:size]
        skip = link.random.random() < self.skip_chance
        end = link.ends[index]
        end.send(label, payload[:size], op, attributes=[["label", label]], skip=skip)
        link.collect(index)

    def run_until_over(self, labels: dict[int, str], limit_ms: float) -> list[str]:
        link = self.link
        stop = link.now + limit_ms * 1_000_000
        while link.now < stop and not all(
            label in link.ends[index].results for index, label in labels.items()
        ):
            link.run(link.now / 1_000_000 + 250)
        return [
            link.ends[index].results.get(label, ("never ended", 0))[0]
            for index, label in labels.items()
        ]

    def check(self, index: int) -> None:
        """The deliveries at the other side against what this side sent and was told."""
        messages = self.sent[index]
        got: dict[str, bytes] = {}
        for entry in self.link.ends[1 - index].delivered:
            label = dict(entry["attributes"])["label"]
            got[label] = got.get(label, b"") + base64.b64decode(entry["data"])
        for label, payload in got.items():
            assert messages[label].startswith(payload), "twice, out of order, or made up"
        sends = [label for label in messages if not label.startswith("u")]
        rest = iter(sends)
        arrived = [label for label in got if not label.startswith("u")]
        assert all(label in rest for label in arrived), "messages out of order"
        for label in sends:
            if self.link.ends[index].results[label][0] == "ok":
                assert got.get(label) == messages[label], "ok, but not delivered"


def talk_on_a_bad_link(talk: Talk) -> Counter[str]:
    link = talk.link
    outcomes: Counter[str] = Counter()
    for turn in range(TURNS):
        # Until the first delivery only the side that opened has a session; then either, or both.
        sides = [(0,), (1,), (0, 1)][link.random.randrange(3)] if link.ends[1].delivered else (0,)
        labels = {}
        for index in sides:
            labels[index] = f"m{turn}{index}"
            talk.start(index, labels[index], link.random.choice((0, 1, 300, 3_000, 20_000)))
            if link.random.random() < 0.3:
                talk.start(index, f"u{turn}{index}", 100, "send_unreliable")
        over = talk.run_until_over(labels, 3_600_000)
        assert set(over) <= {"ok", "timeout", "peer_error"}, over
        outcomes.update(over)
    return outcomes


def talk_once_it_is_healed(talk: Talk) -> None:
    """All that is under way arrives, receiving ends (OPN-5); then the third try at the latest."""
    link = talk.link
    link.heal()
    link.run(link.now / 1_000_000 + 30_000)
    for attempt in range(3):
        label = f"h{attempt}"
        talk.start(0, label, 1_000)
        (over,) = talk.run_until_over({0: label}, 60_000)
    assert over == "ok"
