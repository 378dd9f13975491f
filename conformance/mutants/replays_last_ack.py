#!/usr/bin/env python3
"""A SUT that acks the first PDU and then gives that same ack for anything: what WID-7 asks for, but
everywhere.

Breaks: ACK-1
Killed by: ACK-1-names-its-own-window
"""

from contract import ack_of, serve


def make_answer():
    first_ack = None

    def answer(pdu):
        nonlocal first_ack
        first_ack = first_ack or ack_of(pdu)
        return [first_ack] if first_ack else []

    return answer


serve("replays the last ack", make_answer)
