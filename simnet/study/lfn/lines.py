"""Files of results: a JSON object a line, in whatever order they came. A line that a kill cut short
is passed over; of those with one name the last counts.

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


def by_name(path, name_of):
    """The objects of a file by what `name_of` calls them; without those it finds nothing in."""
    known = {}
    for record in read(path):
        try:
            known[name_of(record)] = record
        except (KeyError, TypeError):
            continue
    return known


class Results:
    """A file of results, open for more."""

    def __init__(self, path, name_of):
        self.path, self.name_of = path, name_of
        self.known = by_name(path, name_of)
        self.file = None

    def __enter__(self):
        whole = not self.path.exists() or self.path.read_bytes()[-1:] in (b"", b"\n")
        self.file = self.path.open("a", encoding="utf-8")
        if not whole:
            self.file.write("\n")
        return self

    def __exit__(self, *_):
        self.file.close()

    def has(self, name):
        """Whether there is a result, not only a failure."""
        return "result" in self.known.get(name, {})

    def add(self, record):
        """Keeps what has ended."""
        self.known[self.name_of(record)] = record
        self.file.write(json.dumps(record, separators=(",", ":")) + "\n")
        self.file.flush()
