#!/usr/bin/env python3
"""Template of an adapter in Python: a program, attached with exec:, that holds one endpoint.

Copy it and rewrite `Adapter`: a method per request of the SUT contract, its parameters the fields.
Put out what your endpoint does with the `put_` methods. What you leave out is unsupported; leave
its word out of `capabilities` too. Print nothing else on stdout. As shipped it asks this project's
endpoint. Try it: sipc conform check-adapter "exec:python3 adapter.py"
"""

import base64
import inspect
import json
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "pyendpoint"))
from scalableipc_endpoint import Endpoint  # noqa: E402  yours instead


class Outputs:
    """What the endpoint does, collected in `out` for the response of the request under way."""

    def put_tx(self, to, pdu, token):
        """A PDU leaves; tokens count up from reset."""
        self.out.append({"tx": pdu.hex(), "to": to, "token": token})

    def put_deliver(self, session, remote, data, attributes):
        """A whole window group reached the application; attributes are pairs of bytes."""
        self._put("deliver", session, remote, data=base64.b64encode(data).decode(),
                  attributes=[[to_text(name), to_text(value)] for name, value in attributes])

    def put_result(self, session, remote, label, op, outcome, code=0):
        """The end of a send or close: ok, timeout, peer_error, network_error, refused, closed."""
        self._put("result", session, remote, label=label, op=op, outcome=outcome, code=code)

    def put_state(self, session, remote, state, cause=None):
        """opening, opened, closing, awaiting_disposal or disposed; cause: the code that did it."""
        self._put("state", session, remote, state=state, cause=cause)

    def _put(self, kind, session, remote, **fields):
        self.out.append({kind: {"session": session.hex(), "remote": remote, **fields}})


class Adapter(Outputs):
    def __init__(self):
        self.endpoint = Endpoint()
        self.deadline_ns = None  # when your next timer fires: later than now; None if none runs
        self.ended = False

    def ask(self, op, **fields):
        """Stands for calls of your endpoint; this one speaks the contract itself."""
        answer = self.endpoint.handle({"op": op, "id": 0, **fields})
        self.out += answer["out"]
        self.deadline_ns = answer["deadline_ns"]
        if not answer["ok"]:
            raise ValueError(answer["error"])  # the request fails; nothing has changed
        return answer

    def hello(self, contract, clock):
        if contract != 1 or clock != "virtual":
            raise ValueError("this is contract 1 with the virtual clock")
        return {"name": "template", "version": "1", "contract": 1, "clock": "virtual",
                "capabilities": ["send", "close", "force_close", "attributes", "skip", "endpoint",
                                 "enquire_link", "idle_timeout", "linger", "stream"]}

    def configure(self, settings):
        """Holds from the next reset on. What is not named has its default; what cannot be set is
        refused, and cases that need it are unsupported then instead of failed."""
        return {"refused": self.ask("configure", settings=settings)["refused"]}

    def reset(self):
        """A new endpoint at time 0; nothing of the old one comes out any more."""
        self.ask("reset")

    def open(self, session, remote, idle_timeout_ms=None):
        """A session exists, in opening; no PDU leaves. None: the endpoint's own idle timeout."""
        self.ask("open", session=session.hex(), remote=remote, idle_timeout_ms=idle_timeout_ms)

    def send(self, session, label, remote=None, data=b"", size=None, attributes=(), skip=False):
        """Starts a message; its end, a refusal too, comes out as a result with this label."""
        data = bytes(i % 251 for i in range(size)) if size else data
        self.ask("send", session=session.hex(), label=label, remote=remote, skip=skip,
                 data=base64.b64encode(data).decode(),
                 attributes=[[to_text(name), to_text(value)] for name, value in attributes])

    def close(self, session, label, code, remote=None):
        """Code 1 closes graciously, any other forces it."""
        self.ask("close", session=session.hex(), label=label, code=code, remote=remote)

    def rx(self, sender, pdu):
        """A datagram arrived: any bytes, also none."""
        self.ask("rx", pdu=pdu.hex(), **{"from": sender})

    def advance(self, to_ns):
        """Fires every timer up to then; never later than the deadline told."""
        self.ask("advance", to_ns=to_ns)

    def bye(self):
        self.ended = True


# ---- from here on nothing needs a change ----

REQUESTS = ("hello configure reset open preset send send_unreliable close dispose shutdown rx sent "
            "advance state bye").split()


def to_bytes(text):
    """Text of the contract: a string, or {"hex": ...} where it is not UTF-8."""
    return bytes.fromhex(text["hex"]) if isinstance(text, dict) else text.encode()


def to_text(data):
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"hex": data.hex()}


DECODE = {"session": bytes.fromhex, "pdu": bytes.fromhex, "data": base64.b64decode,
          "attributes": lambda pairs: [(to_bytes(name), to_bytes(value)) for name, value in pairs]}


def respond(adapter, line):
    adapter.out, response = [], {"id": None, "ok": False}
    try:
        request = json.loads(line)
        response["id"] = request["id"]
        method = getattr(adapter, request["op"], None) if request["op"] in REQUESTS else None
        if method is None:
            response.update(unsupported=True, error=f"no request {request['op']}")
        else:
            given = {"sender": request.get("from"), **request}
            fields = {name: DECODE.get(name, lambda same: same)(given[name])
                      for name in inspect.signature(method).parameters
                      if given.get(name) is not None}
            response.update(method(**fields) or {}, ok=True)
    except Exception as error:  # whatever it is, the harness wants an answer
        traceback.print_exc()
        response["error"] = f"{type(error).__name__}: {error}"
    return {**response, "out": adapter.out, "deadline_ns": adapter.deadline_ns}


if __name__ == "__main__":
    the_adapter = Adapter()
    while not the_adapter.ended and (request_line := sys.stdin.buffer.readline()):
        print(json.dumps(respond(the_adapter, request_line)), flush=True)
