"""The pictures: measured points, the bound as a line through them, residuals below.

Each figure is a function of the rows of its sweep. They are saved as SVG and PNG on white, and once
more for the page with names in place of the colours that change with its theme.

SPDX-License-Identifier: MIT
"""

import io
from dataclasses import dataclass

import matplotlib

matplotlib.use("Agg")
# pylint: disable=wrong-import-position
from matplotlib import pyplot  # noqa: E402
from matplotlib.ticker import FuncFormatter  # noqa: E402

from . import model, plan, tcp, what_ifs  # noqa: E402

COLOURS = ["#3b7ddd", "#e8590c", "#2f9e44", "#ae3ec9", "#0c8599", "#e03131", "#f08c00", "#868e96"]
# What the page replaces: no other part of a figure has these colours.
INK, SOFT, LINE = "#1b1f24", "#6a737d", "#d9dde3"
THEME = {INK: "var(--ink)", SOFT: "var(--soft)", LINE: "var(--line)"}

pyplot.rcParams.update({
    "font.family": "sans-serif", "font.size": 9.5, "text.color": INK, "axes.labelcolor": INK,
    "axes.edgecolor": LINE, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": LINE, "grid.linewidth": 0.6, "axes.axisbelow": True,
    "xtick.color": SOFT, "ytick.color": SOFT, "xtick.labelcolor": SOFT, "ytick.labelcolor": SOFT,
    "legend.frameon": False, "legend.fontsize": 8.5, "svg.fonttype": "none",
    "lines.linewidth": 1.5, "lines.markersize": 4.5, "figure.facecolor": "none",
    "axes.facecolor": "none", "savefig.facecolor": "none",
})


def number(value, _=None, unit=""):
    """1.5k, 20M: for axes."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g} {letter}{unit}"
    return f"{value:g} {unit}".rstrip()


def bits(value, _=None):
    """A rate."""
    return number(value, unit="bit/s")


def percent(value, _=None):
    """A share."""
    return f"{value * 100:g} %"


@dataclass
class Picture:
    """Axes for points with the bound, and for their residuals below."""
    figure: object
    main: object
    below: object

    @classmethod
    def new(cls, xlabel, ylabel, xscale="log", yscale="linear"):
        """An empty one."""
        figure, (main, below) = pyplot.subplots(
            2, 1, figsize=(7.2, 4.6), sharex=True, height_ratios=(4, 1), layout="constrained")
        main.set(ylabel=ylabel, xscale=xscale, yscale=yscale)
        below.set(xlabel=xlabel, ylabel="residual")
        below.yaxis.set_major_formatter(FuncFormatter(percent))
        below.axhline(0, color=SOFT, linewidth=0.8)
        below.set_ylim(-0.05, 0.05)
        return cls(figure, main, below)

    def series(self, rows, place, label, x, y, line):
        """Points with their bound: x, y(row), line(row)."""
        colour = COLOURS[place % len(COLOURS)]
        rows = sorted((row for row in rows if row.result), key=x)
        xs = [x(row) for row in rows]
        self.main.plot(xs, [line(row) for row in rows], color=colour, alpha=0.55)
        self.main.plot(xs, [y(row) for row in rows], "o", color=colour, label=label)
        known = [(x(row), row.residual) for row in rows if row.residual is not None]
        self.below.plot([at for at, _ in known], [value for _, value in known], "o", color=colour,
                        markersize=3)
        if known:
            most = max(max(abs(value) for _, value in known) * 1.15, self.below.get_ylim()[1])
            self.below.set_ylim(-most, most)

    def legend(self, title=None, **options):
        """Of the series; dots are measured, lines the bound."""
        legend = self.main.legend(title=title, **options)
        if title:
            legend.get_title().set_color(SOFT)
        return self


def by(rows, name):
    """The rows in groups by a parameter, sorted."""
    groups = {}
    for row in rows:
        groups.setdefault(row.point[name], []).append(row)
    return sorted(groups.items())


def of(rows, **parameters):
    """The rows with these parameters."""
    return [row for row in rows
            if all(row.point[name] == value for name, value in parameters.items())]


def goodput(row):
    """bit/s."""
    return row.goodput


def bound(row):
    """bit/s."""
    return row.bound.goodput


# ---- the figures ----

def figure_distance(rows):
    """One session by the round trip."""
    picture = Picture.new("round trip", "goodput of one session", yscale="log")
    for place, (rate, group) in enumerate(by(rows, "rate")):
        picture.series(group, place, bits(rate), lambda row: row.point["rtt"] / 1e3, goodput, bound)
    trips = [value / 10 for value in range(10, 6001, 10)]
    for name, window, style in (("KCP-like, 1,024 x 1,376 B", 1024 * 1376, ":"),
                                ("ENet-like, 64 KiB", 65536, "--")):
        picture.main.plot(trips, [min(1e10, 8 * window / (trip / 1e3)) for trip in trips], style,
                          color=SOFT, linewidth=1, label=f"model only: {name}")
    picture.main.yaxis.set_major_formatter(FuncFormatter(bits))
    picture.below.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} ms"))
    return picture.legend(ncols=2)


def figure_sessions(rows):
    """Any link, by how many of the sessions that fill it there are."""
    picture = Picture.new("sessions, of those that fill the link", "goodput by rate of the link")
    for place, (rate, group) in enumerate(by(rows, "rate")):
        picture.series(group, place, bits(rate),
                       lambda row: row.point["sessions"] / row.bound.sessions_to_fill,
                       lambda row: row.goodput / row.point["rate"],
                       lambda row: row.bound.goodput / row.point["rate"])
    picture.main.yaxis.set_major_formatter(FuncFormatter(percent))
    picture.below.xaxis.set_major_formatter(FuncFormatter(percent))
    return picture.legend("rate of the link")


def loss_figure(rows, name, label, title):
    """Goodput over loss, a series by a parameter."""
    picture = Picture.new("loss of datagrams, each way", "goodput of one session")
    lossy = [row for row in rows if row.point["loss"] > 0]
    for place, (value, group) in enumerate(by(lossy, name)):
        picture.series(group, place, label(value), lambda row: row.point["loss"] / 1e6, goodput,
                       bound)
    picture.main.yaxis.set_major_formatter(FuncFormatter(bits))
    picture.main.set_ylim(0)
    picture.below.xaxis.set_major_formatter(FuncFormatter(percent))
    return picture.legend(title)


def figure_loss(rows):
    """Losses by themselves and in bursts."""
    return loss_figure(of(rows, rtt=100_000), "burst",
                       lambda burst: "each by itself" if burst == 1 else f"bursts of {burst}",
                       "losses")


def figure_lossy_window(rows):
    """Smaller windows."""
    return loss_figure(rows, "window", lambda window: f"{window} PDUs", "window")


def figure_lossy_mtu(rows):
    """Larger PDUs."""
    return loss_figure(rows, "mtu", lambda mtu: f"{mtu:,} bytes", "MTU")


def figure_lossy_sessions(rows):
    """Many sessions that lose."""
    picture = Picture.new("sessions", "goodput by rate of the link")
    for place, (loss, group) in enumerate(by(of(rows, burst=1), "loss")):
        picture.series(group, place, percent(loss / 1e6), lambda row: row.point["sessions"],
                       lambda row: row.goodput / row.point["rate"],
                       lambda row: row.bound.goodput / row.point["rate"])
    picture.main.yaxis.set_major_formatter(FuncFormatter(percent))
    picture.below.xaxis.set_major_formatter(FuncFormatter(number))
    return picture.legend("loss")


def figure_window(rows):
    """Windows, by MTU."""
    picture = Picture.new("window, PDUs", "goodput of one session")
    for place, (mtu, group) in enumerate(by(of(rows, rtt=100_000), "mtu")):
        picture.series(group, place, f"{mtu:,} bytes", lambda row: row.point["window"], goodput,
                       bound)
    picture.main.yaxis.set_major_formatter(FuncFormatter(bits))
    picture.below.xaxis.set_major_formatter(FuncFormatter(number))
    return picture.legend("MTU")


def figure_ack_timeout(rows):
    """Ack timeouts; the model speaks only right of the round trip."""
    picture = Picture.new("ack timeout, in round trips", "goodput of one session")
    for place, (loss, group) in enumerate(by(rows, "loss")):
        spoken = [row for row in group if not row.bound.early or loss == 0]
        silent = [row for row in group if row not in spoken and row.result]
        picture.series(spoken, place, f"loss {percent(loss / 1e6)}",
                       lambda row: row.point["ack_timeout"] / row.point["rtt"], goodput, bound)
        picture.main.plot([row.point["ack_timeout"] / row.point["rtt"] for row in silent],
                          [row.goodput for row in silent], "o", color=COLOURS[place],
                          markerfacecolor="none")
    picture.main.axvspan(0.19, 0.25, color=SOFT, alpha=0.15, linewidth=0)
    picture.main.axvline(1, color=SOFT, linewidth=0.8, linestyle=":")
    picture.main.yaxis.set_major_formatter(FuncFormatter(bits))
    picture.below.xaxis.set_major_formatter(FuncFormatter(number))
    return picture.legend()


def figure_message(rows):
    """How long messages take; steps of one round trip."""
    picture = Picture.new("size of the message, bytes", "time of a message", yscale="log")
    for place, (rtt, group) in enumerate(by(rows, "rtt")):
        picture.series(group, place, f"{rtt / 1e3:g} ms", lambda row: row.point["message"],
                       lambda row: row.result["steady"]["mean_ns"] / 1e9,
                       lambda row: row.bound.message_time)
        group = sorted((row for row in group if row.result), key=lambda row: row.point["message"])
        picture.main.plot([row.point["message"] for row in group],
                          [row.result["first"]["mean_ns"] / 1e9 for row in group], "x",
                          color=COLOURS[place], markersize=4)
    picture.main.axvline(model.group_capacity(1400), color=SOFT, linewidth=0.8, linestyle=":")
    picture.main.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} s"))
    picture.below.xaxis.set_major_formatter(FuncFormatter(number))
    return picture.legend("round trip")


FIGURES = {
    "distance": figure_distance, "sessions": figure_sessions, "message": figure_message,
    "window": figure_window, "ack-timeout": figure_ack_timeout, "loss": figure_loss,
    "lossy-window": figure_lossy_window, "lossy-mtu": figure_lossy_mtu,
    "lossy-sessions": figure_lossy_sessions,
}


def figure_tcp(rows, flows):
    """TCP on the same links, a panel by loss."""
    losses = sorted({row.point["loss"] for row in rows})
    figure, panels = pyplot.subplots(1, len(losses), figsize=(7.2, 3.2), sharey=True,
                                     layout="constrained", squeeze=False)
    for panel, loss in zip(panels[0], losses):
        group = of(rows, loss=loss)
        one = [row for row in group if row.point["sessions"] == 1]
        lines = [("one session", [(row.point["rtt"], row.goodput) for row in one]),
                 ("sessions to fill it", [(row.point["rtt"], row.goodput) for row in group
                                          if row not in one])]
        lines += [(name, [(flow["rtt"], flow["result"]["goodput_bps"]) for flow in flows
                          if flow["control"] == control and flow["loss"] == loss])
                  for control, name in tcp.CONTROLS.items()]
        for place, (name, points) in enumerate(lines):
            points = sorted(points)
            panel.plot([rtt / 1e3 for rtt, _ in points], [rate for _, rate in points],
                       "o-" if place < 2 else "s--", color=COLOURS[place], label=name)
        panel.set(xscale="log", xlabel="round trip, ms", title=f"loss {percent(loss / 1e6)}")
        panel.title.set_fontsize(9.5)
        panel.xaxis.set_major_formatter(FuncFormatter(number))
    panels[0][0].set_ylabel("goodput")
    panels[0][0].yaxis.set_major_formatter(FuncFormatter(bits))
    panels[0][0].legend(loc="lower left", fontsize=8)
    return Picture(figure, None, None)


def figure_what_ifs(records):
    """Other engines on the same links: by loss, by round trip."""
    figure, panels = pyplot.subplots(1, 2, figsize=(7.2, 3.6), layout="constrained")
    for panel, name, unit in zip(panels, ("loss", "rtt"), (1e6, 1e3)):
        for place, series in enumerate(what_ifs.SERIES):
            points = sorted((record["point"][name] / unit, record["result"]["goodput_bps"])
                            for record in records
                            if record["panel"] == name and record["series"] == series)
            panel.plot([x for x, _ in points], [y for _, y in points], "o-", label=series,
                       color=COLOURS[place])
        panel.set(yscale="log")
        panel.yaxis.set_major_formatter(FuncFormatter(bits))
    panels[0].set_xscale("symlog", linthresh=1e-4)
    panels[0].set_xlim(-3e-5, 0.07)
    panels[0].set_xticks([0, 1e-4, 1e-3, 1e-2, 5e-2])
    panels[0].set(xlabel="loss of datagrams, each way", ylabel="goodput")
    panels[0].xaxis.set_major_formatter(FuncFormatter(percent))
    panels[1].set(xscale="log", xlabel="round trip, ms")
    panels[1].xaxis.set_major_formatter(FuncFormatter(number))
    panels[1].legend(loc="lower left", fontsize=8)
    return Picture(figure, None, None)


# ---- files ----

def save(picture, name, folder):
    """SVG and PNG in `folder`; the SVG for the page is returned."""
    figure = picture.figure
    pyplot.rcParams["svg.hashsalt"] = name  # parts get the same names each time
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    (folder / f"{name}.svg").write_text(
        svg.replace("<defs>", '<rect width="100%" height="100%" fill="#ffffff"/><defs>', 1),
        encoding="utf-8")
    figure.savefig(folder / f"{name}.png", dpi=160, facecolor="white")
    pyplot.close(figure)
    return for_page(svg)


def for_page(svg):
    """The same inside HTML: no prologue, as wide as there is room, colours of the theme."""
    svg = svg[svg.index("<svg"):]
    head, rest = svg.split(">", 1)
    words = [word for word in head.replace("\n", " ").split(" ")
             if not word.startswith(("width=", "height="))]
    svg = " ".join(words) + ' role="img">' + rest
    for colour, name in THEME.items():
        svg = svg.replace(colour, name)
    return svg


def draw(rows, folder, flows=(), others=()):
    """The figures of all sweeps that were run: name -> SVG for the page. `flows`: of TCP;
    `others`: of other engines."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {}
    for name, figure in FIGURES.items():
        group = [row for row in rows if row.sweep == name and row.result]
        if group:
            pictures[name] = save(figure(group), name, folder)
    group = [row for row in rows if row.sweep == "tcp" and row.result]
    if group and flows:
        pictures["tcp"] = save(figure_tcp(group, flows), "tcp", folder)
    if others:
        pictures["what-ifs"] = save(figure_what_ifs(others), "what-ifs", folder)
    return pictures


def table_of_sessions(rows):
    """How many sessions fill a link: ([rates], [(rtt, [sessions])])."""
    rates = sorted({row.point["rate"] for row in rows})
    lines = []
    for rtt in sorted({row.point["rtt"] for row in rows}):
        lines.append((rtt, [model.bound(plan.point(rate=rate, rtt=rtt)).sessions_to_fill
                            for rate in rates]))
    return rates, lines
