"""What would be if the protocol were another: points run with a patched engine (../what_ifs),
beside the protocol's own. what_ifs.jsonl keeps them. None of it is a promise, or the protocol.

SPDX-License-Identifier: MIT
"""

from . import lines, model, plan, run, work

FILE = "what_ifs.jsonl"
LOSSES = [0, 100, 1_000, 3_000, 10_000, 30_000, 50_000]
RTTS = [1_000, 10_000, 100_000, 600_000]
PROTOCOL = "the protocol"
# Series, by the program they are run with ("sipc" is the protocol's own) and what is set.
SERIES = {
    PROTOCOL: ("sipc", {}),
    "selective retry": ("sipc-lfn-selective_retry", {}),
    "groups of 256 KiB": ("sipc-lfn-larger_groups", {"group": 1 << 18}),
    "groups of 1 MiB": ("sipc-lfn-larger_groups", {"group": 1 << 20}),
    "four windows in flight": ("sipc", {"sessions": 4, "stream": 1}),
}


def setting(parameters):
    """A point whose messages and windows are a whole group."""
    data = model.cut_group(1 << 40, 1400, parameters.get("group", 65500))
    return plan.point(**parameters, window=len(data), message=sum(data))


def entries():
    """All of it: {"series", "program", "panel", "point"}."""
    out = []
    for series, (program, extra) in SERIES.items():
        sets = [("loss", {"loss": loss}) for loss in LOSSES]
        if series != "selective retry":  # there is nothing to retry without loss
            sets += [("rtt", {"rate": 1_000_000_000, "rtt": rtt}) for rtt in RTTS]
        out += [{"series": series, "program": program, "panel": panel,
                 "point": setting(extra | given)} for panel, given in sets]
    return out


def name_of(entry):
    """What an entry is known by."""
    return f"{entry['panel']} {entry['program']} {plan.key_of(entry['point'])}"


def read(folder):
    """What was run of the entries, by name."""
    known = lines.by_name(folder / FILE, name_of)
    names = [name_of(entry) for entry in entries()]
    return {name: known[name] for name in names if name in known}


def run_missing(folder_of_programs, folder, jobs):
    """Runs what has no result yet, and keeps each as it ends; the records, by name."""
    def one(entry):
        program = folder_of_programs / entry["program"]
        return run.run_point(program, plan.key_of(entry["point"])) | entry

    with lines.Results(folder / FILE, name_of) as results:
        missing = [entry for entry in entries() if not results.has(name_of(entry))]
        made = work.side_by_side(one, missing, jobs)
        work.keep_all(results, made, work.Progress(len(missing), "points of what-ifs"))
        return {name_of(entry): results.known[name_of(entry)] for entry in entries()}
