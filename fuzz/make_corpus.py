#!/usr/bin/python3
"""Writes corpus/fuzz_pdu_decode/vectors from the PDU vectors, one file a vector, named after it.

Run it after a change of engine/tests/vectors/pdu.txt. Long PDUs are left out: they add size and no
way through the decoder.
"""

import pathlib
import re
import sys

SIZE_MAX = 2048
PIECE = re.compile(r' *(?:"([^"]*)"|((?:[0-9a-f]{2})+))(?:\*(\d+))?(?= |$)')

here = pathlib.Path(__file__).resolve().parent
vectors = here.parent / "engine" / "tests" / "vectors" / "pdu.txt"
corpus = here / "corpus" / "fuzz_pdu_decode" / "vectors"


def parse_bytes(text, where):
    """BYTES as the head of the vectors describes them."""
    result = b""
    position = 0
    while position < len(text):
        piece = PIECE.match(text, position)
        if piece is None:
            sys.exit(f"{where}: expected hex digits or a quoted text, found {text[position:]!r}")
        quoted, digits, count = piece.groups()
        raw = quoted.encode("ascii") if quoted is not None else bytes.fromhex(digits)
        result += raw * int(count or 1)
        position = piece.end()
    return result


def read_pdus():
    """Name and bytes of every pdu block."""
    pdus = {}
    name = None
    for number, line in enumerate(vectors.read_text("ascii").splitlines(), 1):
        key, _, rest = line.partition(" ")
        if key in ("pdu", "group"):
            name = rest.strip()
            if key == "pdu":
                pdus[name] = b""
        elif key == "bytes":
            pdus[name] += parse_bytes(rest.strip(), f"{vectors}:{number}")
    return pdus


def main():
    corpus.mkdir(parents=True, exist_ok=True)
    for old in corpus.iterdir():
        old.unlink()
    written = {n: b for n, b in read_pdus().items() if len(b) <= SIZE_MAX}
    for name, data in written.items():
        (corpus / name).write_bytes(data)
    total = sum(map(len, written.values()))
    print(f"{len(written)} files, {total} bytes, in {corpus}")


if __name__ == "__main__":
    main()
