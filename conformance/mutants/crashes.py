#!/usr/bin/env python3
"""A SUT that dies of its third PDU.

Breaks: WIRE-5
Killed by: WIRE-5-discards-another-prefix
Verdict: crash
"""

import os

from contract import ack_of, serve


def make_answer():
    seen = 0

    def answer(pdu):
        nonlocal seen
        seen += 1
        if seen == 3:
            os.abort()
        ack = ack_of(pdu)
        return [ack] if ack else []

    return answer


serve("crashes on the third PDU", make_answer)
