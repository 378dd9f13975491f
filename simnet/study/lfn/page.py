"""The study as one HTML page, for who designs a protocol: where it fills the pipe, where it cannot,
what to set. Every number in the text is taken from the rows.

SPDX-License-Identifier: MIT
"""

import html
import math
from pathlib import Path

from . import model, plan, plots, rows as study_rows, what_ifs

STYLE = Path(__file__).with_name("page.css")
FULL_PPM = 950_000  # busy for so much of the time: a full pipe


def text(value):
    """For HTML."""
    return html.escape(str(value))


def rate(value):
    """A rate with three digits."""
    for size, unit in ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g} bit/s"


def share(value):
    """A share with three digits."""
    return f"{value * 100:.3g} %"


class Story:
    """The rows, asked for what the text needs; a sweep that was not run leaves its section out."""

    def __init__(self, rows, others=()):
        self.rows, self.others = rows, others

    def other(self, series, **parameters):
        """The goodput of another engine, by what the protocol has at the same; None: not run."""
        found = {}
        for record in self.others:
            same = all(record["point"][name] == value for name, value in parameters.items())
            if same and record["panel"] == "loss":
                found[record["series"]] = record["result"]["goodput_bps"]
        if not {series, what_ifs.PROTOCOL} <= found.keys() or not found[what_ifs.PROTOCOL]:
            return None
        return found[series] / found[what_ifs.PROTOCOL]

    def find(self, sweep, **parameters):
        """The measured goodput of a point; None: it was not run."""
        for row in plots.of([row for row in self.rows if row.sweep == sweep], **parameters):
            if row.result:
                return row.goodput
        return None

    def ran(self, sweep):
        """The rows of a sweep that have a result."""
        return [row for row in self.rows if row.sweep == sweep and row.result]


# ---- sections: (title, figure, paragraphs, caption, what to set) ----

def section_distance(story):
    """Where it cannot."""
    rows = story.ran("distance")
    far = max(rows, key=lambda row: (row.point["rate"], row.point["rtt"]))
    one = model.group_capacity(1400)
    return ("One session, one group by round trip", [
        "A session has one window on its way, and waits for its ack. A window is at most a group, "
        f"and a group at most 65,500 bytes with headers, {one:,} of data at an MTU of 1,400. So a "
        "session carries one group by round trip and serialisation, whatever the link: "
        f"{rate(far.goodput)} at {far.point['rtt'] / 1000:g} ms, on a link of "
        f"{rate(far.point['rate'])} ({share(far.goodput / far.point['rate'])} of it).",
        "The dashed lines are no measurements: what a fixed window of the size that ENet or KCP "
        "have could carry if it never had to wait. ENet's is a group's equal; a window that is "
        "larger is what makes the difference, not its being a stream.",
    ], "Measured as dots, the bound as lines; below, measured by bound less 1.",
        "A single session is right where round trip × rate is less than a group: 100 Mbit/s up to "
        "5 ms, 1 Gbit/s up to 0.5 ms. Beyond, open more sessions.")


def section_sessions(story):
    """How many it takes."""
    rows = story.ran("sessions")
    full = [row for row in rows if row.result["busy_ppm"] >= FULL_PPM]
    if full:  # the fewest that fill the longest and fattest link
        most = max(full, key=lambda row: (row.point["rate"] * row.point["rtt"],
                                          -row.point["sessions"]))
    else:
        most = max(rows, key=lambda row: row.goodput / row.point["rate"])
    tight = [row.residual for row in rows if row.bound.tight]
    lost = f" (here up to {share(-min(tight))})" if tight and min(tight) < 0 else ""
    return ("Sessions side by side fill any link", [
        "Sessions know nothing of each other, so their goodput adds up until the link is full; all "
        f"links fall on one curve. {most.point['sessions']:,} sessions make {rate(most.goodput)} "
        f"of {rate(most.point['rate'])} over {most.point['rtt'] / 1000:g} ms. Of a full link "
        "6 % goes into headers.",
        "Dots below the curve at its knee: two or three sessions that together want about what the "
        f"link takes get into step, end their windows together and leave it idle{lost}. It does "
        "not go away with time; ten or more sessions do not do it.",
    ], "Rates from 10 Mbit/s to 10 Gbit/s, round trips from 1 to 600 ms.",
        "Sessions to fill a link, with windows of a whole group (MTU 1,400):")


def section_message(story):
    """Groups."""
    one = model.group_capacity(1400)
    fits = story.find("message", message=one, rtt=600_000)
    over = story.find("message", message=one + 1, rtt=600_000)
    cost = f": {rate(fits)} become {rate(over)} at 600 ms" if fits and over else ""
    return ("A byte too many costs a round trip", [
        f"A message of {one:,} bytes is one group; with one byte more it is two, which go one "
        f"after the other{cost}. Short messages take a round trip however short they are. The "
        "message that opens a session (crosses) takes one more, as its first window has one PDU.",
    ], "Dots: messages of a session under way. Crosses: the first one. Dotted: what fits a group.",
        f"Cut messages to {one:,} bytes (MTU 1,400), and send the pieces in several sessions where "
        "time matters. Reuse sessions, or open them with `skip`.")


def section_window(story):
    """Window sizes."""
    small = story.find("window", rtt=100_000, mtu=1400, window=16)
    whole = story.find("window", rtt=100_000, mtu=1400, window=plan.full_window(1400))
    told = ""
    if small and whole:
        told = f" The default of 16 PDUs makes {rate(small)} of {rate(whole)}."
    return ("A window should hold a group", [
        "Each window costs a round trip, so a group in three windows takes three. What counts is "
        "how often a group has to be cut, so the curves go in steps; beyond a group a larger "
        f"window is never used.{told}",
    ], "At 100 ms and 100 Mbit/s, messages of a group.",
        f"max_window_size {plan.full_window(1400)} at an MTU of 1,400, {plan.full_window(512)} at "
        f"512, {plan.full_window(9000)} at 9,000; on both sides, as the smaller one counts.")


def section_ack_timeout(story):
    """Ack timeouts."""
    good = story.find("ack-timeout", loss=10_000, ack_timeout=110_000)
    slow = story.find("ack-timeout", loss=10_000, ack_timeout=1_000_000)
    told = f" With 1 % of loss, 1.1 round trips make {rate(good)}, 10 make {rate(slow)}." \
        if good and slow else ""
    return ("The ack timeout: just above the round trip", [
        "Without loss it does not matter, above a quarter of a round trip: what comes late is used "
        "by the retry. With less (grey), a send gives up before an ack can come, each time, though "
        f"everything was delivered. With loss each window that loses pays it in full.{told}",
        "Open dots are below the round trip. There retries run while acks of the first try still "
        "come, which can be faster than waiting, at twice the PDUs; the model does not go there.",
    ], "At 100 ms and 100 Mbit/s, one session, max_retry_count 3.",
        "1.1 to 1.5 times the longest round trip; never below it divided by max_retry_count + 1, "
        "or nothing ends well. The default of 1 s is right for 600 ms and slow for 10 ms.")


def section_loss(story):
    """Loss."""
    none = story.find("loss", rtt=100_000, loss=0)
    one = story.find("loss", rtt=100_000, loss=10_000, burst=1)
    burst = story.find("loss", rtt=100_000, loss=10_000, burst=64)
    told = f"1 % of datagrams takes {share(1 - one / none)} of the goodput" if none and one else \
        "One percent of datagrams takes half of the goodput"
    clustered = f"; in bursts of 64 it takes {share(1 - burst / none)}" if none and burst else ""
    return ("Loss: all or nothing by window", [
        f"A window is through when all its PDUs and the last ack are. {told}{clustered}: bursts "
        "hit fewer windows. A window that lost pays the ack timeout, a round trip for PDU 0, and "
        "one for each PDU that is missing.",
    ], "At 100 ms and 100 Mbit/s, one session.", None)


def section_lossy_window(_story):
    """Windows under loss."""
    return ("Smaller windows do not help", [
        "With loss a smaller window loses less often, but pays a round trip each time. Up to 5 % "
        "the larger one stays ahead.",
    ], "Messages of 62,000 bytes at 100 ms.", "The window of a whole group, with loss too.")


def section_lossy_mtu(story):
    """PDUs under loss."""
    small = story.find("lossy-mtu", mtu=512, loss=10_000)
    large = story.find("lossy-mtu", mtu=9000, loss=10_000)
    told = ""
    if small and large:
        told = f" At 1 %: {rate(small)} with 512 bytes, {rate(large)} with 9,000."
    return ("Larger PDUs do", [
        "Where loss is by datagram, and not by byte, fewer and larger PDUs are hit less often, and "
        f"there is less to repeat one at a time.{told} IP fragments are datagrams of their own: "
        "this holds up to the MTU of the path.",
    ], "One session at 100 ms.", "The largest MTU the path takes.")


def section_lossy_sessions(_story):
    """Sessions under loss."""
    return ("With loss, more sessions", [
        "Loss slows each session, not the link. With more of them it is full again, and carries "
        "less only by what is repeated.",
    ], "At 100 ms and 100 Mbit/s, losses by themselves.",
        "As many times more sessions as loss takes of the goodput of one.")


def section_tcp(_story):
    """Beside TCP."""
    return ("Beside TCP", [
        "One flow of TCP on a link of 10 Mbit/s, as ns-3 has it, and the protocol: with one "
        "session, and with as many as fill the link where nothing is lost. Where nothing is lost a "
        "TCP flow fills the link by itself, where it has found its window. With loss CUBIC shrinks "
        "it; sessions do not know of congestion, and only pay for what is repeated.",
        "That is no praise: whoever does not slow down where there is loss takes from those who "
        "do. TCP has loss on the way of the data only, the protocol on both. The BBR of ns-3 3.37 "
        "is a weak stand-in for others: in some of these flows it keeps a window of four segments "
        "for ever once it had one, as its filter forgets the bandwidth it had (the README of the "
        "study shows it). It is drawn as it was measured.",
    ], "TCP: ns-3, 60 s, the last three quarters; queue of four bandwidth-delay products, at least "
       "100 packets. The protocol: own simulator.", None)


def section_what_ifs(story):
    """Other protocols."""
    def times(series, loss):
        value = story.other(series, loss=loss)
        return "?" if value is None else f"{value:.2g} times"
    return ("What if", [
        "Runs with a changed engine on both ends (simnet/study/what_ifs). Not the protocol.",
        "Selective retry: a sender that sends what is missing as soon as acks tell, not after the "
        f"ack timeout. The wire stays as it is. {times('selective retry', 1_000)} the goodput "
        f"at 0.1 % of loss, {times('selective retry', 10_000)} at 1 %, "
        f"{times('selective retry', 50_000)} at 5 %; nothing without loss.",
        f"Larger groups: 256 KiB carry {times('groups of 256 KiB', 0)} as much without loss, 1 MiB "
        f"{times('groups of 1 MiB', 0)}; at 1 % of loss {times('groups of 256 KiB', 10_000)} and "
        f"{times('groups of 1 MiB', 10_000)}, as a larger window is hit more often. The receiver "
        "pays with memory for a group in each session.",
        "Pipelined windows: one that does not wait for the ack of the one before. A driver in "
        "front of the engine sends one stream over four sessions, in order, with four windows in "
        f"flight: {times('four windows in flight', 0)} without loss, "
        f"{times('four windows in flight', 10_000)} at 1 %, as all wait for the one that lost "
        "most.",
    ], "Left: 100 ms, 100 Mbit/s. Right: 1 Gbit/s, no loss.", None)


SECTIONS = {
    "distance": section_distance, "sessions": section_sessions, "message": section_message,
    "window": section_window, "ack-timeout": section_ack_timeout, "loss": section_loss,
    "lossy-window": section_lossy_window, "lossy-mtu": section_lossy_mtu,
    "lossy-sessions": section_lossy_sessions, "tcp": section_tcp,
    "what-ifs": section_what_ifs,
}


# ---- HTML ----

def table(head, lines):
    """A table; the first column is text."""
    cells = "".join(f"<th>{text(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in line) + "</tr>"
                   for line in lines)
    return f'<div class="scroll"><table><tr>{cells}</tr>{body}</table></div>'


def section(name, story, picture):
    """A section of the page."""
    title, paragraphs, caption, advice = SECTIONS[name](story)
    parts = [f'<section id="{name}"><h2>{text(title)}</h2>']
    parts += [f"<p>{text(paragraph)}</p>" for paragraph in paragraphs]
    parts.append(f"<figure>{picture}<figcaption>{text(caption)}</figcaption></figure>")
    if advice:
        parts.append(f'<div class="set"><b>What to set.</b> {text(advice)}</div>')
    if name == "sessions":
        rates, lines = plots.table_of_sessions(story.ran(name))
        parts.append(table(["round trip"] + [rate(value) for value in rates], [
            [f"{rtt / 1000:g} ms"] + [f"{math.ceil(value):,}" for value in line]
            for rtt, line in lines]))
    return "\n".join(parts) + "</section>"


def cards(rows):
    """The study in a few numbers."""
    points = {plan.key_of(row.point): row for row in rows}.values()
    done = [row for row in points if row.result]
    full = sum(row.result["busy_ppm"] >= FULL_PPM for row in done)
    cpu = sum(row.record.get("cost", {}).get("cpu_ns", 0) for row in done) / 1e9
    pdus = sum(row.result["all_pdus"] for row in done)
    virtual = sum(row.result["virtual_ns"] for row in done) / 1e9
    items = [(f"{len(done):,}", f"points run, {len(points) - len(done)} failed"),
             (share(full / len(done)) if done else "-", f"of them, {full}, full pipes: the wire "
              "busy for 95 % of the time or more"),
             (f"{pdus / 1e6:.3g} million", f"PDUs, {virtual / 3600:.3g} h of virtual time"),
             (f"{cpu:.0f} s", "of CPU time")]
    parts = [f"<div><b>{text(big)}</b><span>{text(small)}</span></div>" for big, small in items]
    return '<div class="cards">' + "".join(parts) + "</div>"


def residual_section(rows):
    """How well the model holds."""
    lines = []
    for name, values in study_rows.residuals(rows).items():
        sizes = [abs(value) for value in values]
        lines.append([name, len(sizes), share(sizes[len(sizes) // 2]),
                      share(sizes[len(sizes) * 95 // 100]), share(sizes[-1])])
    far = study_rows.beyond(rows)
    verdict = ("good", "every point is as near to the bound as the model claims")
    if far:
        verdict = ("bad", f"{len(far)} points are further from the bound than the model claims")
    return ('<section id="residuals"><h2>How well the bound holds</h2>'
            "<p>The bound is arithmetic from the rules alone (simnet/study/MODEL.md), independent "
            "of the simulator. It claims 2 % without loss and 10 % with; the last rows are where "
            "it says itself that it is no more than a bound, or an estimate.</p>"
            f'<p><span class="verdict {verdict[0]}">{text(verdict[1])}</span></p>'
            + table(["points", "n", "median", "95 % within", "largest"], lines) + "</section>")


def failed_section(rows):
    """Points that failed."""
    failed = {plan.key_of(row.point): row for row in rows if not row.result}.values()
    if not failed:
        return ""
    items = "".join(f'<div class="failed">{text(row.record.get("error", "no result"))}<br>'
                    f'<code>{text(row.record.get("replay", ""))}</code></div>' for row in failed)
    return f'<section id="failed"><h2>{len(failed)} points failed</h2>{items}</section>'


def page(rows, pictures, others=()):
    """The page. `others`: what was run with other engines."""
    story = Story(rows, others)
    versions = ", ".join(sorted({row.record["version"] for row in rows if "version" in row.record}))
    seeds = ", ".join(sorted({str(row.point["seed"]) for row in rows}))
    body = [section(name, story, pictures[name]) for name in SECTIONS if name in pictures]
    body += [residual_section(rows), failed_section(rows)]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ScalableIPC on long fat networks</title>
<style>
{STYLE.read_text(encoding="utf-8")}</style>
</head>
<body><main>
<div class="eyebrow">ScalableIPC · sipc {text(versions)} · seed {text(seeds)}</div>
<h1>On long fat networks</h1>
<p class="lead">Where the protocol fills the pipe, where it cannot, and what to set. Simulated,
with the engine of this project on both ends; the same figures come out each time. All points, with
their settings and the command that gives each again: <code>points.csv</code>,
<code>points.json</code>.</p>
{cards(rows)}
{chr(10).join(body)}
</main></body>
</html>
"""
