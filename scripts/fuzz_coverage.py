"""What the committed corpora reach of the engine and of all that parses bytes of others: branches
as gcc counts them, by part and by file. `scripts/fuzz coverage` builds and replays; this reads
gcovr's report and prints it.

Not counted are branches that no input can take: of SIPC_ASSERT, which says what was proven; of the
engine's own check of its invariants (check.c), each of which is a branch that is never taken; of
lines that end in the comment "no memory", where an allocation has failed.

Not counted are these files, beside those that parse nothing: of the engine check.c, as said, and
panic.c, which is what a failed assertion comes to; of the library of scripts eval.c and build.c,
which compute values and encode PDUs while a script runs; of reading captures live.c, which opens an
interface of the machine and waits for its packets: their bytes go the way of any capture's.
"""

import json
import re
import subprocess

from source_tree import ROOT

NOT_COUNTED = r".*(SIPC_ASSERT\(|/\* no memory).*"

# Part: its sources, as regular expressions of paths. Code that runs what was parsed is no parser.
PARTS = {
    "engine": ["engine/src/(?!check|panic)"],
    "scripts": ["conformance/script/src/(?!eval|build)"],
    "scenarios": ["simnet/scenario/src/(load|load_link|fields|write|write_pdu)[.]c"],
    "captures": [
        "pcap-tools/read/(?!live)",
        "pcap-tools/path/(capture|pdus|ends|tap|tcp|tell)[.]c",
    ],
    "messages": ["conformance/sut/src/(message|message_request|message_response|json_bytes)[.]c"],
    "settings": ["conformance/sut/src/engine_settings[.]c", "conformance/cli/src/known_take[.]c"],
    "inputs": ["fuzz/input/input[.]c"],
}


def measure(build):
    """{part: {file: [(line, branches, taken)]}} of a build whose programs have run."""
    filters = [word for paths in PARTS.values() for path in paths for word in ("--filter", path)]
    command = ["gcovr", "--root", ROOT, *filters, "--json"]
    command += ["--exclude-branches-by-pattern", NOT_COUNTED, build]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"gcovr failed:\n{done.stderr}")
    report = {entry["file"]: entry["lines"] for entry in json.loads(done.stdout)["files"]}
    return {part: dict(files_of(part, report)) for part in PARTS}


def files_of(part, report):
    for path in sorted(report):
        if any(re.match(pattern, path) for pattern in PARTS[part]):
            branches = [(line["line_number"], line["branches"]) for line in report[path]]
            counts = [(number, [b["count"] > 0 for b in found]) for number, found in branches]
            yield path, [(number, len(taken), sum(taken)) for number, taken in counts if taken]


def total(lines):
    """(branches, taken)"""
    return sum(line[1] for line in lines), sum(line[2] for line in lines)


def percent(branches, taken):
    """Rounded down, so that 100 % means all and the floor is the floor."""
    tenths = 1000 if branches == 0 else taken * 1000 // branches
    return f"{tenths // 10}.{tenths % 10} %"


def row(name, lines):
    branches, taken = total(lines)
    return f"{name:44}{branches:9}{taken:9}{branches - taken:8}{percent(branches, taken):>10}"


def every(files):
    return [line for lines in files.values() for line in lines]


def table(measured, least):
    """The report as lines of text: parts, their sum, and the files with most left to take."""
    yield f"{'part':44}{'branches':>9}{'taken':>9}{'not':>8}{'':>10}"
    yield from (row(part, every(files)) for part, files in measured.items())
    yield row("all", [line for files in measured.values() for line in every(files)])
    files = {path: lines for part in measured.values() for path, lines in part.items()}
    left = {path: total(lines)[0] - total(lines)[1] for path, lines in files.items()}
    chosen = sorted((path for path in files if left[path]), key=lambda path: -left[path])[:least]
    if chosen:
        yield ""
        yield "least covered files"
        yield from (row(path, files[path]) for path in chosen)


def missed(measured):
    """Each line with a branch that no input takes."""
    for files in measured.values():
        for path, lines in files.items():
            text = (ROOT / path).read_text("utf-8").splitlines()
            for number, branches, taken in lines:
                if taken < branches:
                    what = f"{branches - taken} of {branches}"
                    yield f"{path}:{number}: {what} not taken: {text[number - 1].strip()}"


def below(measured, floor):
    """The parts that do not reach the floor, in percent."""
    for part, files in measured.items():
        branches, taken = total(every(files))
        if branches == 0:
            yield f"{part}: no counts at all"
        elif taken * 100 < floor * branches:
            yield f"{part}: expected {floor:g} % of branches, found {percent(branches, taken)}"
