"""Which points are run: sweeps over one or two parameters each, around one ordinary point.

A plan is a list of entries {"sweep", "point"}; a point that is of several sweeps is run once. It
may come from a file: a JSON list of such entries, their points without what is as by default.

SPDX-License-Identifier: MIT
"""

import json
import math

from . import model, tcp

# As `sipc sim lfn --parameters` has them; a test compares.
DEFAULTS = {
    "rate": 100_000_000, "rtt": 100_000, "loss": 0, "burst": 1, "window": 47, "mtu": 1400,
    "ack_timeout": 1_000_000, "retries": 3, "group": 65500, "sessions": 1, "message": 62000,
    "warm": 2, "count": 10, "stream": 0, "seed": 1,
}

# Least and greatest; likewise.
RANGES = {
    "rate": (1000, 10**12), "rtt": (0, 10**8), "loss": (0, 500_000), "burst": (1, 10_000),
    "window": (1, 65_535), "mtu": (512, 65_500), "ack_timeout": (1000, 10**9),
    "retries": (0, 1000), "group": (65_500, 2**32 - 1), "sessions": (1, 100_000),
    "message": (1, 2**30), "warm": (1, 10**6), "count": (1, 10**7), "stream": (0, 1),
    "seed": (0, 2**64 - 1),
}

RATES = [10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000]
RTTS = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 600_000]
LOSSES = [100, 300, 1_000, 3_000, 10_000, 20_000, 30_000, 50_000]
LOSSY_COUNT = 4000  # messages: the mean of their times is then known to 2 % or so
EVEN = 400  # messages, where sessions share a link


class PlanError(Exception):
    """What is wrong with a plan, for people."""


def point(**parameters):
    """A point in full. Unless said, the ack timeout is half as long again as the round trip, and
    20 ms; and a run is as long as its noise needs."""
    unknown = set(parameters) - set(DEFAULTS)
    if unknown:
        raise PlanError(f"no parameter is called {sorted(unknown)[0]}")
    full = DEFAULTS | parameters
    if "ack_timeout" not in parameters:
        full["ack_timeout"] = full["rtt"] * 3 // 2 + 20_000
    if "count" not in parameters:
        lossy = full["loss"] > 0
        total = LOSSY_COUNT if lossy else EVEN if full["sessions"] > 1 else 10
        full["count"] = max(2, total // full["sessions"])
    if "warm" not in parameters and full["sessions"] > 500:
        full["warm"] = 1
    return full


def full_message(mtu):
    """A message that is just one group."""
    return model.group_capacity(mtu)


def full_window(mtu):
    """A window that holds a group."""
    return len(model.cut_group(1 << 40, mtu, 65500))


def to_fill(**parameters):
    """How many sessions fill the link."""
    return model.bound(point(**parameters)).sessions_to_fill


# ---- sweeps ----

def sweep_distance():
    """One session, every link."""
    for rate in RATES:
        for rtt in RTTS:
            yield point(rate=rate, rtt=rtt)


def sweep_sessions():
    """From one session to more than fill the link."""
    for rate in RATES:
        for rtt in RTTS:
            most = to_fill(rate=rate, rtt=rtt)
            heavy = most > 5_000
            shares = (0.1, 0.5, 0.8, 1.02, 1.3) if heavy else (0.03, 0.1, 0.25, 0.5, 0.8, 1.05, 1.5)
            for share in shares:
                yield point(rate=rate, rtt=rtt, sessions=max(1, math.ceil(most * share)))


def sweep_loss():
    """One session on a link that loses, each by itself or in bursts."""
    for rtt in (10_000, 100_000, 600_000):
        yield point(rtt=rtt)
        for burst in (1, 4, 16, 64):
            for loss in LOSSES:
                yield point(rtt=rtt, loss=loss, burst=burst)


def sweep_lossy_window():
    """Smaller windows where there is loss: fewer PDUs to lose, more round trips."""
    for window in (4, 12, 24):
        yield point(window=window)
        for loss in LOSSES:
            yield point(window=window, loss=loss)


def sweep_lossy_mtu():
    """The same bytes in fewer, larger PDUs."""
    for mtu in (512, 4000, 9000):
        for loss in LOSSES:
            yield point(mtu=mtu, loss=loss, window=full_window(mtu),
                        message=min(62_000, full_message(mtu)))


def sweep_lossy_sessions():
    """Many sessions on a link that loses."""
    for loss in (1_000, 3_000, 10_000, 50_000):
        for burst in (1, 16):
            most = to_fill(loss=loss, burst=burst)
            for share in (0.05, 0.2, 0.6, 1.5):
                yield point(loss=loss, burst=burst, sessions=max(2, math.ceil(most * share)))


def sweep_window():
    """Windows and PDUs of all sizes."""
    for rtt in (1_000, 100_000, 600_000):
        for mtu in (512, 1400, 4000, 9000, 65500):
            whole = full_window(mtu)
            for window in sorted({1, 2, 4, 8, 16, 32, 64, whole}):
                if window <= whole:
                    yield point(rtt=rtt, mtu=mtu, window=window,
                                message=min(62_000, full_message(mtu)))


def sweep_ack_timeout():
    """Ack timeouts by the round trip, with and without loss."""
    rtt = 100_000
    for loss in (0, 1_000, 10_000, 50_000):
        for share in (0.2, 0.3, 0.45, 0.6, 0.8, 0.95, 1.02, 1.1, 1.5, 2, 3, 5, 10):
            yield point(rtt=rtt, loss=loss, ack_timeout=int(rtt * share))


def sweep_message():
    """Short and long messages: groups, and the round trips they cost."""
    one = full_message(1400)
    for rtt in (1_000, 10_000, 100_000, 600_000):
        for message in (100, 1_000, 1_200, 3_000, 10_000, 30_000, one, one + 1, 2 * one,
                        2 * one + 1, 4 * one, 16 * one, 64 * one):
            yield point(rtt=rtt, message=message)


def sweep_tcp():
    """What TCP is drawn beside: one session, and what fills the link where nothing is lost."""
    for loss in tcp.LOSSES:
        for rtt in tcp.RTTS:
            most = to_fill(rate=tcp.RATE, rtt=rtt)
            for sessions in (1, math.ceil(most * 1.05) + 1):
                yield point(rate=tcp.RATE, rtt=rtt, loss=loss, sessions=sessions)


SWEEPS = {
    "distance": sweep_distance, "sessions": sweep_sessions, "loss": sweep_loss,
    "lossy-window": sweep_lossy_window, "lossy-mtu": sweep_lossy_mtu,
    "lossy-sessions": sweep_lossy_sessions, "window": sweep_window,
    "ack-timeout": sweep_ack_timeout, "message": sweep_message, "tcp": sweep_tcp,
}


def tiny():
    """A plan for tests: a few points of each kind, seconds in all."""
    for rtt in (1_000, 100_000, 600_000):
        yield "distance", point(rtt=rtt, count=3)
    yield "distance", point(rate=10_000_000_000, rtt=100_000, count=3)
    for sessions in (2, 12, 30):
        yield "sessions", point(rtt=100_000, sessions=sessions, count=3)
    yield "window", point(window=5, mtu=512, message=20_000, count=3)
    yield "window", point(window=1, mtu=9000, count=3)
    yield "message", point(message=full_message(1400) + 1, count=3)
    yield "message", point(message=1, count=3)
    yield "ack-timeout", point(ack_timeout=20_000, count=3)
    yield "ack-timeout", point(ack_timeout=60_000, count=3)
    yield "loss", point(loss=10_000, window=12, message=15_000, count=1000)
    yield "loss", point(loss=50_000, window=8, message=10_000, count=1000, seed=2)
    yield "loss", point(loss=20_000, burst=4, window=12, message=15_000, count=1500)


def study():
    """The whole study."""
    for name, sweep in SWEEPS.items():
        for entry in sweep():
            yield name, entry


PLANS = {"study": study, "tiny": tiny}


def load(name):
    """The entries of a plan, by its name or from a file."""
    if name in PLANS:
        return [{"sweep": sweep, "point": entry} for sweep, entry in PLANS[name]()]
    try:
        with open(name, encoding="utf-8") as file:
            entries = json.load(file)
    except FileNotFoundError:
        raise PlanError(f"{name}: no such plan or file; plans are {', '.join(PLANS)}") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise PlanError(f"{name}: expected a JSON list of points: {error}") from None
    if not isinstance(entries, list):
        raise PlanError(f"{name}: expected a JSON list of points, found {type(entries).__name__}")
    return [entry_of(name, place, entry) for place, entry in enumerate(entries, 1)]


def entry_of(name, place, entry):
    """One entry of a file."""
    where = f"{name}: entry {place}"
    if not isinstance(entry, dict) or not isinstance(entry.get("point"), dict):
        raise PlanError(f'{where}: expected {{"sweep": NAME, "point": {{...}}}}, found {entry!r}')
    for key, value in entry["point"].items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise PlanError(f"{where}: {key}: expected a whole number, found {value!r}")
        least, most = RANGES.get(key, (value, value))
        if not least <= value <= most:
            raise PlanError(f"{where}: {key}: expected {least} to {most}, found {value}")
    try:
        return {"sweep": str(entry.get("sweep", "own")), "point": point(**entry["point"])}
    except PlanError as error:
        raise PlanError(f"{where}: {error}") from None


def key_of(entry):
    """What a point is called: its parameters, as `sipc sim lfn --point` takes them."""
    return ",".join(f"{name}={entry[name]}" for name in DEFAULTS)


def cost_of(entry):
    """PDUs of a run, roughly."""
    pdus = sum(len(window.sizes) for window in model.windows_of(entry))
    return 2 * pdus * entry["sessions"] * (entry["warm"] + entry["count"])
