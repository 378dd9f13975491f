#!/usr/bin/env python3
"""A SUT whose adapter is broken: it answers with something that is no message of the contract.

Exit: 3
"""

import sys

for _ in sys.stdin:
    print("Hello, I am a SUT!", flush=True)
