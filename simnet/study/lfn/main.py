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
    commands.add_parser("plan", parents=[plans], help="print the points of a plan, a line each",
                        **shared)
    running = commands.add_parser("run", parents=[plans, outs], help="run a plan, and report",
                                  **shared)
    running.add_argument("--sipc", metavar="PROGRAM", help="default: build/release/bin/sipc")
    running.add_argument("--jobs", type=positive, default=run.cores(), metavar="N",
                         help="points at a time; default: the cores")
    where = running.add_mutually_exclusive_group()
    where.add_argument("--dask", action="store_true",
                       help="as tasks of Dask, on a cluster of --jobs workers made here for it")
    where.add_argument("--scheduler", metavar="ADDRESS",
                       help="as tasks of a Dask cluster that is there, whose workers find the "
                            "program at the same path")
    beside = commands.add_parser("tcp", parents=[plans, outs], **shared,
                                 help="run TCP on some of the links with ns-3, and report")
    beside.add_argument("--program", type=Path, metavar="PROGRAM",
                        help="default: build/release/bin/sipc-tcp-point")
    beside.add_argument("--jobs", type=positive, default=run.cores(), metavar="N",
                        help="flows at a time; default: the cores")
    others = commands.add_parser("what-if", parents=[plans, outs], **shared,
                                 help="run some points with changed engines, and report")
    others.add_argument("--sipc", metavar="PROGRAM",
                        help="default: build/release/bin/sipc; the changed ones stand beside it")
    others.add_argument("--jobs", type=positive, default=run.cores(), metavar="N",
                        help="points at a time; default: the cores")
    commands.add_parser("report", parents=[plans, outs], help="report on what was run", **shared)
    return top


def positive(text):
    """A number of jobs."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, found {text!r}")
    return int(text)


def tell_failed(records):
    """The points that failed, on stderr; the exit status."""
    failed = [record for record in records.values() if "result" not in record]
    if not failed:
        return 0
    print(f"lfn: {len(failed)} of {len(records)} points failed:", file=sys.stderr)
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


def command_run(arguments, entries):
    """Runs the plan."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    records = run.run_plan(entries, arguments.out / RESULTS, executor(arguments))
    return command_report(arguments, entries, records)


def command_report(arguments, entries, records):
    """Reports; the exit status."""
    from . import report  # matplotlib takes a second, which `plan` and errors need not
    if not records:
        raise plan.PlanError(f"{arguments.out}: nothing of this plan was run")
    report.write(entries, records, arguments.out)
    print(arguments.out / "index.html")
    return tell_failed(records)


def command_tcp(arguments, entries):
    """Runs TCP beside what was run."""
    program = arguments.program or ROOT / "build" / "release" / "bin" / "sipc-tcp-point"
    if not program.is_file():
        raise FileNotFoundError(f"no program {program}: it needs ns-3; apt-get install libns3-dev "
                                "libgsl-dev, then configure and build again")
    arguments.out.mkdir(parents=True, exist_ok=True)
    flows = tcp.run_missing(program, arguments.out, arguments.jobs)
    status = command_report(arguments, entries, known_of(arguments, entries))
    failed = [flow for flow in flows.values() if "result" not in flow]
    for flow in failed:
        print(f"lfn: {flow['error']}\n    again: {flow['replay']}", file=sys.stderr)
    return 1 if failed else status


def command_what_if(arguments, entries):
    """Runs other engines beside what was run."""
    programs = find_sipc(arguments.sipc).parent
    arguments.out.mkdir(parents=True, exist_ok=True)
    records = what_ifs.run_missing(programs, arguments.out, arguments.jobs)
    status = command_report(arguments, entries, known_of(arguments, entries))
    return max(status, tell_failed(dict(enumerate(records))))


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
            return command_report(arguments, entries, known_of(arguments, entries))
        if arguments.command == "tcp":
            return command_tcp(arguments, entries)
        if arguments.command == "what-if":
            return command_what_if(arguments, entries)
        return command_run(arguments, entries)
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
