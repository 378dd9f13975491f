"""Files of results: a JSON object a line.

SPDX-License-Identifier: MIT
"""

import json


def read(path):
    """The objects of a file, in order; without a line that a kill cut short. No file: none."""
    objects = []
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return objects
    for line in text.splitlines():
        try:
            objects.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return [found for found in objects if isinstance(found, dict)]
