"""A SUT that misbehaves in the way its first argument names, for the tests of the harness.

On stdin and stdout it speaks the SUT contract just far enough to get there. With `--tcp` or
`--udp` it listens on a free port as well, which hello tells.
"""

import json
import os
import signal
import socket
import sys
import threading
import time

how = sys.argv[1]
network = next((word[2:] for word in sys.argv[2:] if word in ("--tcp", "--udp")), None)
clock = "wall" if network else "virtual"
listen = None
turn = 0


def answer(request, **fields):
    response = {"id": request["id"], "ok": True}
    if clock == "virtual":
        response.update(out=[], deadline_ns=None)
    say({**response, **fields})


def say(response):
    sys.stdout.write(json.dumps(response) + "\n")
    sys.stdout.flush()


def tx(size=57):
    return {"tx": "00" * size, "to": "P", "token": 1}


def ordinary(request):
    op = request["op"]
    if op == "hello":
        answer(request, name="bad", version="0", contract=1, clock=clock, listen=listen,
               capabilities=["send"])
    elif op in ("configure", "reset", "rx", "advance", "bye"):
        answer(request)
    else:
        answer(request, ok=False, error="unsupported", unsupported=True)


# ---- what goes wrong, at the first rx (or step) ----


def dies(request):
    print("out of luck", file=sys.stderr, flush=True)
    os._exit(7)


def crashes(request):
    os.kill(os.getpid(), signal.SIGSEGV)


def hangs(request):
    time.sleep(60)


def late(request):
    time.sleep(0.2)  # late, but within the limit
    answer(request)


def garbage(request):
    print("Received a PDU! \x07\N{SNOWMAN}", flush=True)


def wrong_id(request):
    answer(request, id=request["id"] + 1)


def unasked(request):
    answer(request)
    answer(request)


def huge(request):
    sys.stdout.write("x" * (65 << 20))
    sys.stdout.flush()


def past_deadline(request):
    answer(request, deadline_ns=0)


def no_out(request):
    say({"id": request["id"], "ok": True, "deadline_ns": None})


def stderr_flood(request):
    sys.stderr.write("".join(f"line {i}\n" for i in range(40000)))
    sys.stderr.flush()
    answer(request)


def floods(request):
    answer(request, out=[tx() for _ in range(100000)])


def refuses_advance(request):
    if request["op"] == "advance":
        answer(request, ok=False, error="not today")
    else:
        answer(request)


def event(request):
    say({"event": {"discard": {"session": None, "reason": "x"}}})


BAD = {f.__name__: f for f in (dies, crashes, hangs, late, garbage, wrong_id, unasked, huge,
                               past_deadline, no_out, stderr_flood, floods, refuses_advance,
                               event)}

# ---- on a network ----


def frame(size):
    return size.to_bytes(2, "big") + bytes(size - 2)


def serve_stream(connection):
    if how == "half_frame":
        connection.sendall(frame(57) + frame(100)[:30])
        time.sleep(60)
    elif how == "half_frame_eof":
        connection.sendall(frame(57) + frame(100)[:30])
    elif how == "short_frame":
        connection.sendall(frame(57) + b"\x00\x38" + bytes(54))
        time.sleep(60)
    elif how == "long_frame":
        connection.sendall(b"\xff\xdd" + bytes(100))
        time.sleep(60)
    elif how == "deaf":
        time.sleep(60)
    elif how == "stream_flood":
        while True:
            connection.sendall(frame(57) * 1000)
    elif how == "dies_live":
        if connection.recv(1):
            os._exit(3)
    connection.close()


def serve():
    while True:
        connection, _ = server.accept()
        threading.Thread(target=serve_stream, args=(connection,), daemon=True).start()


def serve_datagrams():
    while True:
        data, address = server.recvfrom(65536)
        while data and how == "datagram_flood":
            server.sendto(frame(57), address)
        if data and how == "dies_live":
            os._exit(3)


def event_flood():
    while True:
        say({"event": {"discard": {"session": None, "reason": "x" * 50}}})


if network == "tcp":
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, daemon=True).start()
elif network == "udp":
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    threading.Thread(target=serve_datagrams, daemon=True).start()
if network:
    listen = "%s:%s:%d" % (network, *server.getsockname())

if how == "talks_first":
    print("Starting up ...", flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if how == "says_ok_to_all" and request["op"].startswith("is_this"):
        answer(request)
    elif how == "other_contract" and request["op"] == "hello":
        answer(request, ok=False, error="only contract 7 here")
    elif how in BAD and request["op"] in ("rx", "advance"):
        BAD[how](request)
    elif how == "event_flood" and request["op"] == "reset":
        answer(request)
        event_flood()
    else:
        ordinary(request)
    if request["op"] == "bye":
        break
