"""The command scripts/lfn.

SPDX-License-Identifier: MIT
"""

import argparse
import functools
import json
import sys
from pathlib import Path

from . import plan, run, tcp, what_ifs

ROOT = Path(__file__).resolve().parents[3]
RESULTS = "results.jsonl"
EXAMPLES = """examples:
  scripts/lfn all --out lfn-report
  scripts/lfn plan
  scripts/lfn run --out lfn-report
  scripts/lfn run --out lfn-report --plan mine.json --jobs 8
  scripts/lfn run --out lfn-report --dask
  scripts/lfn run --out lfn-report --scheduler tcp://cluster:8786
  scripts/lfn tcp --out lfn-report
  scripts/lfn what-if --out lfn-report
  scripts/lfn report --out lfn-report

Exit status: 0 all points ran, 1 some failed (they are listed, with the command that shows each
again), 2 bad options or plan, 3 no sipc program or no cluster, 4 something could not be written."""


def find_sipc(given):
    """The program that runs a point."""
    candidates = [Path(given)] if given else [
        ROOT / "build" / preset / "bin" / "sipc" for preset in ("release", "dev")]
    for path in candidates:
        if path.is_file():
            return path.resolve()
    raise FileNotFoundError(
        f"no program {candidates[0]}: build it (cmake --preset release; "
        "cmake --build --preset release --target sipc), or name one with --sipc")


def parser():
    """The arguments."""
    top = argparse.ArgumentParser(
        prog="scripts/lfn", epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="The study of long fat networks: how the protocol fares over rates, round "
                    "trips, loss and settings, beside what it can do at most "
                    "(simnet/study/MODEL.md).")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shared = {"epilog": EXAMPLES, "formatter_class": argparse.RawDescriptionHelpFormatter}
    plans = argparse.ArgumentParser(add_help=False)
    plans.add_argument("--plan", default="study", metavar="NAME|FILE",
                       help="study (default), tiny, or a JSON file")
    outs = argparse.ArgumentParser(add_help=False)
    outs.add_argument("--out", type=Path, required=True, metavar="FOLDER",
                      help="where results and report are; what is there already is not run again")
    programs = argparse.ArgumentParser(add_help=False)
    programs.add_argument("--jobs", type=positive, default=run.cores(), metavar="N",
                          help="points or flows at a time; default: the cores")
    sipc = argparse.ArgumentParser(add_help=False)
    sipc.add_argument("--sipc", metavar="PROGRAM",
                      help="default: build/release/bin/sipc; the changed ones stand beside it")
    flows = argparse.ArgumentParser(add_help=False)
    flows.add_argument("--program", type=Path, metavar="PROGRAM",
                       help="of TCP; default: build/release/bin/sipc-tcp-point")
    tasks = argparse.ArgumentParser(add_help=False)
    where = tasks.add_mutually_exclusive_group()
    where.add_argument("--dask", action="store_true",
                       help="as tasks of Dask, on a cluster of --jobs workers made here for it")
    where.add_argument("--scheduler", metavar="ADDRESS",
                       help="as tasks of a Dask cluster that is there, whose workers find the "
                            "program at the same path")
    commands.add_parser("all", parents=[plans, outs, sipc, flows, programs, tasks], **shared,
                        help="run, tcp and what-if in one, and report; without ns-3 no tcp")
    commands.add_parser("plan", parents=[plans], help="print the points of a plan, a line each",
                        **shared)
    commands.add_parser("run", parents=[plans, outs, sipc, programs, tasks], **shared,
                        help="run a plan, and report")
    commands.add_parser("tcp", parents=[plans, outs, flows, programs], **shared,
                        help="run TCP on some of the links with ns-3, and report")
    commands.add_parser("what-if", parents=[plans, outs, sipc, programs], **shared,
                        help="run some points with changed engines, and report")
    commands.add_parser("report", parents=[plans, outs], help="report on what was run", **shared)
    return top


def positive(text):
    """A number of jobs."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, found {text!r}")
    return int(text)


def tell_failed(records):
    """Those that failed, on stderr; the exit status."""
    failed = [record for record in records if "result" not in record]
    if not failed:
        return 0
    print(f"lfn: {len(failed)} of {len(records)} point{'s' if len(records) > 1 else ''} failed:",
          file=sys.stderr)
    for record in failed:
        print(f"  {record.get('error', 'no result')}\n    again: {record['replay']}",
              file=sys.stderr)
    return 1


def executor(arguments):
    """Who carries the points out."""
    sipc = find_sipc(arguments.sipc)
    if arguments.dask or arguments.scheduler:
        try:
            from . import cluster
        except ImportError as error:
            raise FileNotFoundError(
                f"{error}: apt-get install python3-distributed, or leave --dask out") from None
        return functools.partial(cluster.run_tasks, sipc, jobs=arguments.jobs,
                                 scheduler=arguments.scheduler)
    return functools.partial(run.run_local, sipc, jobs=arguments.jobs)


def find_tcp(arguments):
    """The program of TCP flows."""
    program = arguments.program or ROOT / "build" / "release" / "bin" / "sipc-tcp-point"
    if not program.is_file():
        raise FileNotFoundError(f"no program {program}: it needs ns-3; apt-get install libns3-dev "
                                "libgsl-dev, then configure and build again")
    return program


# ---- parts: each runs what is missing, keeps it as it comes, and tells what failed ----

def part_run(arguments, entries):
    """The plan."""
    return list(run.run_plan(entries, arguments.out / RESULTS, executor(arguments)).values())


def part_tcp(arguments, _entries):
    """TCP beside it."""
    return list(tcp.run_missing(find_tcp(arguments), arguments.out, arguments.jobs).values())


def part_what_if(arguments, _entries):
    """Other engines beside it."""
    programs = find_sipc(arguments.sipc).parent
    return list(what_ifs.run_missing(programs, arguments.out, arguments.jobs).values())


PARTS = {"run": [part_run], "tcp": [part_tcp], "what-if": [part_what_if],
         "all": [part_run, part_tcp, part_what_if]}


def command_parts(arguments, entries):
    """Runs one part or all, and reports."""
    parts = PARTS[arguments.command]
    if arguments.command == "all":
        try:
            find_tcp(arguments)
        except FileNotFoundError as error:
            if arguments.program:
                raise
            print(f"lfn: without TCP: {error}", file=sys.stderr)
            parts = [part for part in parts if part is not part_tcp]
    arguments.out.mkdir(parents=True, exist_ok=True)
    records = [record for part in parts for record in part(arguments, entries)]
    write_report(arguments, entries)
    return tell_failed(records)


def write_report(arguments, entries):
    """All files of the report."""
    from . import report  # matplotlib takes a second, which `plan` and errors need not
    known = known_of(arguments, entries)
    if not known:
        raise plan.PlanError(f"{arguments.out}: nothing of this plan was run")
    report.write(entries, known, arguments.out)
    print(arguments.out / "index.html")
    return list(known.values())


def known_of(arguments, entries):
    """What was run of a plan, by key."""
    known = run.read_results(arguments.out / RESULTS)
    keys = [plan.key_of(entry["point"]) for entry in entries]
    return {key: known[key] for key in keys if key in known}


def command_plan(entries):
    """Prints the plan."""
    for entry in entries:
        print(json.dumps(entry))
    return 0


def main(words=None):
    """The exit status."""
    arguments = parser().parse_args(words)
    try:
        entries = plan.load(arguments.plan)
        if arguments.command == "plan":
            return command_plan(entries)
        if arguments.command == "report":
            return tell_failed(write_report(arguments, entries))
        return command_parts(arguments, entries)
    except plan.PlanError as error:
        code = 2
        print(f"lfn: {error}", file=sys.stderr)
    except FileNotFoundError as error:
        code = 3
        print(f"lfn: {error}", file=sys.stderr)
    except OSError as error:
        code = 4
        print(f"lfn: {error}", file=sys.stderr)
    return code
