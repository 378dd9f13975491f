"""What the tests of the command line share: scripts, SUTs, and what a run of the program gave.

SPDX-License-Identifier: MIT
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

ACKED = """# A window of one PDU is acked.
sx      1
id      T-1-acked
rules   ACK-1 WID-1
role    receiver
tags    live
param   d in 0, 100

test
-> data $d:0 {first_in_window_group last_in_window skip} "a"
<- data_ack $d:0 {is_window_full *}     [WID-1]
quiet 1T
"""
ADVISED = """sx      1
id      T-2-advised
rules   WIRE-7
role    receiver

test
-> raw hex:00
quiet 1T
"""
BAD = """sx      1
id      T-3-bad
rules   WID-99
role    receiver
set     no_such_setting = 1

test
-> dta 0:0
quiet 1T
"""


def fake(*mode):
    return f"exec:{sys.executable} {HERE / 'fake_sut.py'} {' '.join(map(str, mode))}"


class Result:
    def __init__(self, run):
        self.code, self.out, self.err = run.returncode, run.stdout, run.stderr

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def lines_of(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]
