#!/usr/bin/env python3
"""Tests a live endpoint with PDUs from Scapy: does it talk, and does it stay silent where the rules
say so? Each check names its rule.

    sipc sut --udp 127.0.0.1:9000 --echo &
    pcap-tools/scapy/examples/probe_sut.py 127.0.0.1 9000

Needs no privileges: datagrams of an ordinary socket. The endpoint has to echo messages (--echo).
SPDX-License-Identifier: MIT
"""

import argparse
import random
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scapy.packet import fuzz  # noqa: E402
from scalableipc import ScalableIPC, Session, option, options  # noqa: E402

SILENCE_S = 0.1  # nothing came for so long: there is no answer


class Peer:
    """A session with the endpoint over a UDP socket."""

    def __init__(self, address, wait_s):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(address)
        self.wait_s = wait_s
        self.session = Session()

    def ask(self, pdu, wait_s=None):
        """Sends a PDU; the next one that comes, None if none does."""
        self.socket.send(bytes(pdu))
        return self.next(self.wait_s if wait_s is None else wait_s)

    def next(self, wait_s):
        """The next PDU that comes, None if none does."""
        self.socket.settimeout(wait_s)
        try:
            return ScalableIPC(self.socket.recv(65536))
        except (TimeoutError, ConnectionError):
            return None

    def send(self, windows):
        """Sends the windows of a message, one at a time; the ack of each."""
        acks = []
        for window in windows:
            for pdu in window:
                ack = self.ask(pdu)
                if ack is None:
                    return acks
                self.session.receive(ack)
            acks.append(ack)
        return acks

    def message(self):
        """The next message of the endpoint, its PDUs acked; None if none comes."""
        while not self.session.delivered:
            pdu = self.next(self.wait_s)
            if pdu is None:
                return None
            answer = self.session.receive(pdu)
            if answer is not None:
                self.socket.send(bytes(answer))
        return self.session.delivered.pop(0)


def opened(peer):
    """A session that is open, its echo taken."""
    peer.send(peer.session.message(b"open", skip=True))
    return peer.message() is not None


def check_echo(peer):
    """RCV-8: a message of three PDUs comes back, bytes and attributes."""
    data = bytes(i % 251 for i in range(3000))
    acks = peer.send(peer.session.message(data, {"colour": "red"}, skip=True))
    full = len(acks) == 1 and acks[0].value("is_window_full") is True
    echo = peer.message()
    return full and echo is not None and echo[0] == data and (b"colour", b"red") in echo[1]


def check_repeat(peer):
    """WID-7: the last window again gets the very same ack."""
    (window,) = peer.session.message(b"again", skip=True)
    first = peer.ask(window[0])
    peer.message()
    second = peer.ask(window[0])
    return second is not None and bytes(second) == bytes(first)


def check_opening(peer):
    """OPN-3: a group of one window is refused with 253 while opening."""
    lone = options("first_in_window_group", "last_in_window", "last_in_window_group")
    ack = peer.ask(peer.session.pdu(1, 0, 0, lone, b"too short"))
    return ack is not None and ack.value("error_code") == 253


def check_window_ids(peer):
    """WID-3: min + 101 is not answered, min + 100 is."""
    if not opened(peer):
        return False
    base = peer.session.used[-1]
    lone = options("first_in_window_group", "last_in_window", "last_in_window_group")
    above = peer.ask(peer.session.pdu(1, base + 101, 0, lone), SILENCE_S)
    ack = peer.ask(peer.session.pdu(1, base + 100, 0, lone))
    return above is None and ack is not None and ack.window_id == base + 100


def check_broken(peer):
    """WIRE-7: what is no PDU is met with silence, and the session lives on."""
    if not opened(peer):
        return False
    chance = random.Random(1)
    for _ in range(20):
        pdu = fuzz(ScalableIPC(session=peer.session.session_id, opcode=1, terminator=0,
                               prefix=bytes(8), options=[option("skip")]))
        pdu.window_id, pdu.seq_nr = chance.randrange(2**63), chance.randrange(2**31)
        peer.socket.send(bytes(pdu))
    silent = peer.next(SILENCE_S) is None
    answer = peer.ask(peer.session.enquire_link())
    return silent and answer is not None and answer.opcode == 6


def check_close(peer):
    """CLS-3: a gracious close is acked."""
    if not opened(peer):
        return False
    ack = peer.ask(peer.session.close())
    return ack is not None and ack.opcode == 4


CHECKS = [check_echo, check_repeat, check_opening, check_window_ids, check_broken, check_close]


def main():
    """Runs all checks, each in a session of its own; 1 if one does not hold, 5 if nothing came."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--wait", type=float, default=2.0, help="seconds an answer may take")
    args = parser.parse_args()

    address = (args.host, args.port)
    if not opened(Peer(address, args.wait)):
        print(f"{args.host}:{args.port}: no echo of a first message", file=sys.stderr)
        return 5
    held = True
    for check in CHECKS:
        good = check(Peer(address, args.wait))
        held = held and good
        print("ok  " if good else "FAIL", check.__doc__)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
