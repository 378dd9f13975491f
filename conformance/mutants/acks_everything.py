#!/usr/bin/env python3
"""A SUT that acks whatever comes, sound or not, and always says that the window is full.

Breaks: WID-3
Killed by: WID-3-discards-more-than-min-plus-100
"""

from contract import ack_of, serve


def answer(pdu):
    ack = ack_of(pdu)
    return [ack] if ack else []


serve("acks everything", lambda: answer)
