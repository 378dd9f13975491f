"""The exec binding of SUT contract 1, for SUTs that are broken on purpose and know no protocol.

A mutant is a function from the bytes of a PDU to the PDUs it answers with, made anew at each reset.
It has no session to open, no message to send and no timer: such requests are `unsupported`.
"""

import json
import struct
import sys

DATA, DATA_ACK, CLOSE, CLOSE_ACK, ENQUIRE_LINK, ENQUIRE_LINK_ACK = range(1, 7)
IS_WINDOW_FULL = bytes.fromhex("0009735f3130000009") + b"True"

_HEAD = struct.Struct(">H32sqiB")
_KNOWN = ("configure", "reset", "rx", "advance", "bye")


def ack_of(pdu, options=IS_WINDOW_FULL):
    """A full ack for whatever the bytes say where a PDU has its head; None if they are too few."""
    if len(pdu) < _HEAD.size:
        return None
    _, session, window_id, seq_nr, opcode = _HEAD.unpack_from(pdu)
    answer = {CLOSE: CLOSE_ACK, ENQUIRE_LINK: ENQUIRE_LINK_ACK}.get(opcode, DATA_ACK)
    tail = options + b"\0\0" + session[:8]
    return _HEAD.pack(_HEAD.size + len(tail), session, window_id, seq_nr, answer) + tail


def error_of(pdu, code):
    """The same with an error code instead."""
    name, value = b"s_error_code", str(code).encode()
    length = struct.pack(">H", len(name) + len(value) + 1)
    return ack_of(pdu, length + name + b"\0" + length + value)


def serve(name, make_answer):
    """Answers requests on stdin until bye; `make_answer()(pdu)` gives what is sent back for it."""
    answer, token = make_answer(), 0
    for line in sys.stdin:
        request = json.loads(line)
        response = {"id": request["id"], "ok": True, "out": [], "deadline_ns": None}
        if request["op"] == "hello":
            response["ok"] = request["contract"] == 1 and request["clock"] == "virtual"
            response.update(name=name, version="1", contract=1, clock="virtual", capabilities=[])
            response["error"] = "virtual clock only"
        elif request["op"] not in _KNOWN:
            response.update(ok=False, unsupported=True, error="this SUT only answers PDUs")
        elif request["op"] == "reset":
            answer, token = make_answer(), 0
        elif request["op"] == "rx":
            for pdu in answer(bytes.fromhex(request["pdu"])):
                response["out"].append({"tx": pdu.hex(), "to": request["from"], "token": token})
                token += 1
        print(json.dumps(response), flush=True)
        if request["op"] == "bye":
            return
