#!/usr/bin/env python3
"""A SUT that never says a word: no case is run, it does not work at all.

Exit: 3
"""

from contract import serve


def make_answer():
    return lambda pdu: []


serve("silent", make_answer)
