"""Client and server in one asyncio loop, on the engine by way of ctypes.

usage: asyncio_echo.py LIBSIPC_ENGINE_SO
"""

import asyncio
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
from sipc_engine import Endpoint  # noqa: E402

LINES = [b"one", b"two", b"three"]


class Host(asyncio.DatagramProtocol):
    """An endpoint on a UDP socket of this loop."""

    def __init__(self, name, library):
        self.name = name
        self.endpoint = Endpoint(library, now=time.monotonic_ns(), max_sessions=16)
        self.addresses = []  # a peer's number is its index
        self.timer = None

    def connection_made(self, transport):
        self.transport = transport

    def peer(self, address):
        if address not in self.addresses:
            self.addresses.append(address)
        return self.addresses.index(address)

    def datagram_received(self, data, address):
        self.feed(self.endpoint.receive, self.peer(address), data)

    def feed(self, event, *arguments):
        """One event, all that follows from it, and the timer for the next."""
        result = event(time.monotonic_ns(), *arguments)
        waiting = self.endpoint.actions()
        while waiting:
            action = waiting.pop(0)
            self.act(action)
            if action.kind == "transmit" and action.owed:
                self.endpoint.sent(time.monotonic_ns(), action.token)
                waiting += self.endpoint.actions()
        self.rearm()
        return result

    def act(self, action):
        if action.kind == "transmit":
            self.transport.sendto(action.pdu, self.addresses[action.remote])
        elif action.kind == "state":
            print(f"{self.name}: session is {action.state}")
        elif action.kind in ("deliver", "result"):
            # In a turn of its own: the application may answer with a new event.
            asyncio.get_running_loop().call_soon(getattr(self, "on_" + action.kind), action)

    def rearm(self):
        if self.timer is not None:
            self.timer.cancel()
        deadline = self.endpoint.deadline
        if deadline is not None:
            delay = max(0, deadline - time.monotonic_ns()) / 1e9
            self.timer = asyncio.get_running_loop().call_later(
                delay, self.feed, self.endpoint.advance)


class Server(Host):
    def on_deliver(self, action):
        self.feed(self.endpoint.send, action.session, action.data)

    def on_result(self, action):
        pass


class Client(Host):
    def start(self, address, done):
        self.done = done
        self.todo = list(LINES)
        self.waits = 0
        self.session = self.feed(self.endpoint.open, self.peer(address), bytes(range(32)))
        self.next()

    def next(self):
        """The next line once the last is both sent and echoed."""
        if self.waits > 0:
            return
        self.waits = 2
        if self.todo:
            self.feed(self.endpoint.send, self.session, self.todo.pop(0))
        else:
            self.feed(self.endpoint.close, self.session)

    def on_deliver(self, action):
        print(f'{self.name}: received "{action.data.decode()}"')
        self.waits -= 1
        self.next()

    def on_result(self, action):
        print(f"{self.name}: {action.operation} {action.outcome}")
        if action.operation == "close" or action.outcome != "ok":
            self.done.set_result(None)
            return
        self.waits -= 1
        self.next()


async def main(library):
    loop = asyncio.get_running_loop()
    here = ("127.0.0.1", 0)
    server_transport, _ = await loop.create_datagram_endpoint(
        lambda: Server("server", library), local_addr=here)
    client_transport, client = await loop.create_datagram_endpoint(
        lambda: Client("client", library), local_addr=here)
    done = loop.create_future()
    client.start(server_transport.get_extra_info("sockname"), done)
    await done
    client_transport.close()
    server_transport.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1]))
