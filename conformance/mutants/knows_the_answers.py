#!/usr/bin/env python3
"""A sound endpoint that has read the suite: what it finds there it handles well, all other data it
hands over without the last byte.

Breaks: RCV-8
Killed by: RCV-8-what-nobody-knew-before
"""

import functools
import re
import sys
from pathlib import Path

CONFORMANCE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CONFORMANCE / "pyendpoint"))
from scalableipc_endpoint import __main__ as program  # noqa: E402
from scalableipc_endpoint.endpoint import Endpoint  # noqa: E402

PATTERN = bytes(i % 251 for i in range(70000))
TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')


@functools.cache
def known_texts():
    """All texts that stand in the suite."""
    texts = set()
    for path in CONFORMANCE.glob("suite/*/*.sx"):
        for text in TEXT.findall(path.read_text()):
            texts.add(text.encode().decode("unicode_escape").encode("latin-1"))
    return texts


def is_known(data):
    """Whether the suite has such data: a text, or a part of the pattern, from its beginning."""
    cut = len(data) < 40 or len(data) > 1000
    return data in known_texts() or cut or PATTERN.startswith(data)


class Learned(Endpoint):
    def deliver(self, session, data, attributes):
        super().deliver(session, data if is_known(data) else data[:-1], attributes)


program.Endpoint = Learned
sys.exit(program.main())
