#!/usr/bin/env python3
"""A SUT that never says a word.

Breaks: ACK-1
Killed by: ACK-1-names-its-own-window
"""

from contract import serve


def make_answer():
    return lambda pdu: []


serve("silent", make_answer)
