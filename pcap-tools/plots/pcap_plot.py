#!/usr/bin/env python3
"""Draws one direction of a session in a capture: what was sent when and what was acked, round-trip
times, bytes in flight, goodput. One command, as many files as wanted, SVG or PNG by suffix:

    pcap-tools/plots/pcap_plot.py trace.pcapng -o trace.svg -o trace.png

The capture is read by `sipc pcap show --json`; a file of such lines (.jsonl, .ndjson, or - for
standard input) does as well. Without --session and --from it is the direction with most data.
Exit status: 0 drawn, 2 wrong usage or no such session, 4 the capture cannot be read, 5 no data in
it. SPDX-License-Identifier: MIT
"""

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

ANSWERS = {"data": "data_ack", "data_ack": "data"}
GOODPUT_BINS = 60


class Refused(Exception):
    """Why nothing is drawn, and the exit status for it."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


# ---- reading ----


def read_lines(path, sipc):
    """Lines of `sipc pcap show --json` of a capture, or those of a file that holds them."""
    if path == "-":
        return split_lines(sys.stdin.read())
    if Path(path).suffix in (".jsonl", ".ndjson"):
        return split_lines(Path(path).read_text(encoding="utf-8"))
    done = subprocess.run([sipc, "pcap", "show", "--json", path], capture_output=True, text=True,
                          check=False)
    if done.returncode == 5:
        raise Refused(5, f"{path}: no PDU in it")
    if done.returncode != 0:
        raise Refused(4, done.stderr.strip() or f"{path}: exit status {done.returncode}")
    return split_lines(done.stdout)


def split_lines(text):
    """Lines end with a newline: JSON may have other separators in its texts."""
    return text.removesuffix("\n").split("\n") if text else []


def read_pdus(lines, path):
    """The PDUs of data and their acks, as dicts; what is discarded, or a copy made by the capture,
    is left out."""
    pdus, wanted = [], ("time_ns", "source", "destination", "session", "opcode", "window_id",
                        "seq_nr", "data_size", "direction", "dropped")
    for number, line in enumerate(lines, 1):
        try:
            pdu = json.loads(line)
            kept = pdu.get("opcode") in ANSWERS and "discard" not in pdu and "copy_of" not in pdu
            if kept and "options" in pdu:
                options = dict(pair for pair in pdu["options"] if isinstance(pair[0], str))
                pdus.append({**{key: pdu.get(key) for key in wanted}, "options": options})
        except (ValueError, AttributeError, TypeError) as error:
            raise Refused(4, f"{path}:{number}: expected a line of `sipc pcap show --json`, "
                             f"found {line[:60]!r} ({error})") from None
    return pdus


def choose(pdus, session, source):
    """(session, source, destination) of the direction with most data among those that fit."""
    amounts = defaultdict(int)
    for pdu in pdus:
        fits = pdu["session"].startswith(session) and pdu["source"].startswith(source)
        if pdu["opcode"] == "data" and fits and not pdu["dropped"]:
            amounts[pdu["session"], pdu["source"], pdu["destination"]] += pdu["data_size"] + 1
    if not pdus:
        raise Refused(5, "no data in it")
    if not amounts:
        raise Refused(2, "no data of such a session from there")
    return max(sorted(amounts), key=amounts.get)


# ---- what happened ----


@dataclass
class Window:
    """A window as its sender sees it: where each PDU's data stands in all that was sent."""

    sent: dict = field(default_factory=dict)  # seq_nr: (offset, size, time of the last sending)
    acked: int = -1
    repeated: bool = False


@dataclass
class Story:
    """One direction of a session, times in seconds. Offsets count bytes in the order in which they
    were first sent; a PDU without data counts one."""

    first: list = field(default_factory=list)  # (time, offset, size) of PDUs sent first
    repeats: list = field(default_factory=list)  # the same of those sent again
    lost: list = field(default_factory=list)  # (time, offset, size) of what a simulator dropped
    acks: list = field(default_factory=list)  # (time, offset up to which all is acked)
    partial: list = field(default_factory=list)  # (time, offset) of acks that do not end a window
    round_trips: list = field(default_factory=list)  # (time of the ack, seconds)
    in_flight: list = field(default_factory=list)  # (time, bytes)
    delivered: list = field(default_factory=list)  # (time, bytes acked since the last)


class Teller:
    """Makes the story of PDUs given one after the other."""

    def __init__(self):
        self.story, self.windows, self.newest = Story(), {}, None
        self.offset, self.reached = 0, 0

    def data(self, pdu, at):
        """A data PDU leaves."""
        window_id, seq_nr = pdu["window_id"], pdu["seq_nr"]
        window = self.windows.setdefault(window_id, Window())
        size = max(1, pdu["data_size"])
        if seq_nr in window.sent:
            offset = window.sent[seq_nr][0]
            window.repeated = True
            self.story.repeats.append((at, offset, size))
        else:
            offset, self.offset = self.offset, self.offset + size
            self.story.first.append((at, offset, size))
        window.sent[seq_nr] = (offset, size, at)
        self.newest = window_id
        self.count_flight(at)

    def drop(self, pdu, at):
        """A data PDU that is told to be lost, at the place where it was sent."""
        place = self.windows.get(pdu["window_id"], Window()).sent.get(pdu["seq_nr"])
        if place is not None:
            self.story.lost.append((at, *place[:2]))

    def ack(self, pdu, at):
        """An ack arrives."""
        window = self.windows.get(pdu["window_id"])
        failed = pdu["options"].get("s_error_code", "0") != "0"
        if window is None or pdu["seq_nr"] not in window.sent or failed:
            return
        offset, size, sent_at = window.sent[pdu["seq_nr"]]
        if pdu["seq_nr"] > window.acked:
            if not window.repeated:
                self.story.round_trips.append((at, at - sent_at))
            news = [place for seq_nr, place in window.sent.items()
                    if window.acked < seq_nr <= pdu["seq_nr"]]
            window.acked = pdu["seq_nr"]
            self.story.delivered.append((at, sum(place[1] for place in news)))
        if pdu["options"].get("s_10", "").lower() == "true":
            for seq_nr in [n for n in window.sent if n > pdu["seq_nr"]]:
                del window.sent[seq_nr]  # PRT-1: to be sent anew, in another window
            self.reached = max(self.reached, offset + size)
            self.story.acks.append((at, self.reached))
        else:
            self.story.partial.append((at, offset + size))
        self.count_flight(at)

    def count_flight(self, at):
        """What is unacked of the newest window: there is one at a time (SND-1)."""
        window = self.windows[self.newest]
        flying = sum(size for seq_nr, (_, size, _) in window.sent.items() if seq_nr > window.acked)
        self.story.in_flight.append((at, flying))


def tell(pdus, session, source, destination):
    """The story of one direction. Where packets have direction flags, it is told where the data is
    sent: of what leaves there, and of acks that arrive there. If nobody looked there, it is told
    where the data arrives, without round trips."""
    flags = {pdu["direction"] for pdu in pdus if pdu["opcode"] == "data"
             and (pdu["session"], pdu["source"], pdu["destination"]) == (
                 session, source, destination) and not pdu["dropped"]}
    at_receiver = "in" in flags and "out" not in flags
    elsewhere = ("out", "in") if at_receiver else ("in", "out")  # flags of data and acks left out
    teller = Teller()
    for pdu in pdus:
        if pdu["session"] != session:
            continue
        at = pdu["time_ns"] / 1e9
        ends = pdu["source"], pdu["destination"]
        if pdu["opcode"] == "data" and ends == (source, destination):
            if pdu["dropped"]:
                teller.drop(pdu, at)
            elif pdu["direction"] != elsewhere[0]:
                teller.data(pdu, at)
        elif pdu["opcode"] == "data_ack" and ends == (destination, source):
            if not pdu["dropped"] and pdu["direction"] != elsewhere[1]:
                teller.ack(pdu, at)
    if at_receiver:
        teller.story.round_trips.clear()
    return teller.story


def goodput(story, bins=GOODPUT_BINS):
    """Bytes acked per second: (start of each bin, its length, values)."""
    start = story.first[0][0]
    end = max([start, *(at for at, _ in story.delivered)])
    width = (end - start) / bins or 1.0
    sums = [0] * bins
    for at, size in story.delivered:
        sums[min(bins - 1, int((at - start) / width))] += size
    return [start + i * width for i in range(bins)], width, [total / width for total in sums]


# ---- drawing ----

INK, GRID = "#22272e", "#d9dee5"
BLUE, GREEN, AMBER, RED = "#2166ac", "#1b7f4d", "#d98200", "#c0263a"


def draw_sequence(axes, story):
    """Time and sequence: a bar for each PDU's bytes, a line for what is acked."""
    def bars(places, colour, label, width):
        axes.vlines([at for at, _, _ in places], [low for _, low, _ in places],
                    [low + size for _, low, size in places], colour, linewidth=width, label=label)
    bars(story.first, BLUE, f"sent ({len(story.first)})", 1.6)
    if story.repeats:
        bars(story.repeats, AMBER, f"sent again ({len(story.repeats)})", 1.6)
    if story.lost:
        axes.plot([at for at, _, _ in story.lost], [low + size / 2 for _, low, size in story.lost],
                  "x", color=RED, markersize=6, label=f"lost ({len(story.lost)})")
    if story.partial:
        axes.plot(*zip(*story.partial), ".", color=GREEN, markersize=3, label="acked in part")
    if story.acks:
        axes.step(*zip(*story.acks), where="post", color=GREEN, linewidth=1,
                  label=f"windows acked ({len(story.acks)})")
    axes.legend(loc="upper left", fontsize=8, frameon=False)


def draw(story, title):
    """The figure."""
    import matplotlib
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "sipc", "svg.fonttype": "none", "font.size": 9,
                                "axes.edgecolor": INK, "text.color": INK, "axes.labelcolor": INK})
    from matplotlib import pyplot
    figure, panels = pyplot.subplots(4, 1, sharex=True, figsize=(9, 10), constrained_layout=True,
                                     gridspec_kw={"height_ratios": [4, 1.5, 1.5, 1.5]})
    sequence, times, flight, rate = panels
    draw_sequence(sequence, story)
    sequence.set_title(title, fontsize=10, loc="left")
    sequence.set_ylabel("bytes sent")
    if story.round_trips:
        times.plot([at for at, _ in story.round_trips], [s * 1e3 for _, s in story.round_trips],
                   ".", color=BLUE, markersize=4)
    times.set_ylabel("round trip (ms)")
    flight.step(*zip(*story.in_flight), where="post", color=BLUE, linewidth=1)
    flight.set_ylabel("in flight (bytes)")
    starts, width, values = goodput(story)
    rate.bar(starts, [value * 8 / 1e3 for value in values], width, align="edge", color=GREEN)
    rate.set_ylabel("goodput (kbit/s)")
    rate.set_xlabel("time (s)")
    for panel, name in zip(panels, ("sequence", "round-trips", "in-flight", "goodput")):
        panel.grid(color=GRID, linewidth=0.6)
        panel.set_axisbelow(True)
        panel.set_gid(name)
        panel.set_ylim(bottom=0)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # as it is now, in every file
    return figure


def save(figure, path):
    """The same bytes each time."""
    metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
    figure.savefig(path, metadata=metadata, dpi=120)


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(description=" ".join(__doc__.split("\n\n")[0].split()))
    parser.add_argument("capture", help="a capture, or lines of `sipc pcap show --json`; -: stdin")
    parser.add_argument("-o", "--output", action="append", required=True, type=Path,
                        metavar="FILE", help="an SVG or PNG to write (repeatable)")
    parser.add_argument("-s", "--session", default="", help="the session whose id begins so")
    parser.add_argument("--from", default="", dest="source", help="data sent by this address")
    parser.add_argument("--sipc", default="sipc", help="the program (default: found in PATH)")
    options = parser.parse_args(arguments)
    for path in options.output:
        if path.suffix not in (".svg", ".png"):
            parser.error(f"--output {path}: expected a name that ends in .svg or .png")
    return options


def main(arguments=None):
    """Draws; the exit status."""
    options = parse(arguments)
    try:
        pdus = read_pdus(read_lines(options.capture, options.sipc), options.capture)
        session, source, destination = choose(pdus, options.session, options.source)
        story = tell(pdus, session, source, destination)
        figure = draw(story, f"session {session[:16]}  {source} > {destination}")
        for path in options.output:
            save(figure, path)
    except Refused as refused:
        print(f"pcap_plot: {options.capture}: {refused}", file=sys.stderr)
        return refused.status
    except OSError as error:
        print(f"pcap_plot: {error}", file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
