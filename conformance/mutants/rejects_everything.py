#!/usr/bin/env python3
"""A SUT that knows all the ways to say no: an error for whatever is sent, a nack for whoever asks.

Breaks: WID-1
Killed by: WID-1-first-id-0-to-100
"""

from contract import CLOSE, ENQUIRE_LINK, error_of, serve


def answer(pdu):
    opcode = pdu[46] if len(pdu) > 46 else CLOSE
    if opcode == CLOSE:
        return []
    return [error_of(pdu, 150 if opcode == ENQUIRE_LINK else 254)]


serve("rejects everything", lambda: answer)
