"""What the protocol can do at most, from the rules and arithmetic alone: MODEL.md has the
derivation and the assumptions. Knows nothing of the simulator or the engine; the one thing it takes
from them is how a message is cut into PDUs where the rules leave it open (section "Cutting").

A point is a dict of the parameters of `sipc sim lfn --parameters`, all of them.

SPDX-License-Identifier: MIT
"""

import math
from dataclasses import dataclass

import numpy as np

HEAD = 57  # of a PDU: WIRE-1
FLAG = 2 + 4 + 1 + 2 + 4  # an option like s_01 = True: OPT-1, OPT-3, OPT-4
DATAGRAM = 28  # IPv4 and UDP around each PDU
ACK = HEAD


def full_ack(window):
    """Bytes of an ack with is_window_full and max_window_size (ACK-2a)."""
    return HEAD + FLAG + 2 + 4 + 1 + 2 + len(str(window))


def cut_group(left, mtu, group):
    """Data bytes of each PDU of the next group, of a message with `left` bytes to go (GRP-2a)."""
    overhead = HEAD + FLAG  # each PDU keeps room for last_in_window
    room = mtu - overhead
    fits = room - 2 * FLAG  # first_in_window_group, last_in_window_group
    budget = group - 2 * FLAG - overhead
    count = 1
    while fits < left and budget - overhead > fits:
        fits += room
        budget -= overhead
        count += 1
    data = min(fits, budget, left)
    if count == 1:
        return [data]
    tail = min((room - FLAG) + (count - 2) * room, data - 1)
    sizes = []
    start = 0
    for index in range(count - 1):
        end = min(start + room - (FLAG if index == 0 else 0), tail)
        sizes.append(end - start)
        start = end
    return sizes + [data - start]


def groups_of(point):
    """The groups of a message, each a list of the data bytes of its PDUs."""
    groups = []
    left = point["message"]
    while left > 0 or not groups:
        groups.append(cut_group(left, point["mtu"], point["group"]))
        left -= sum(groups[-1])
    return groups


def group_capacity(mtu, group=65500):
    """The longest message that is one group."""
    return sum(cut_group(1 << 40, mtu, group))


@dataclass(frozen=True)
class Window:
    """A window on the wire: bytes of each datagram, headers of all layers included."""
    sizes: tuple


def windows_of_group(data, window, first=None):
    """SND-5, SND-6: a group as windows; `first` is the length of the first one if special."""
    windows = []
    start = 0
    while start < len(data):
        end = min(start + (first if first and start == 0 else window), len(data))
        sizes = [HEAD + DATAGRAM + size for size in data[start:end]]
        sizes[0] += FLAG if start == 0 else 0
        sizes[-1] += FLAG * (2 if end == len(data) else 1)
        windows.append(Window(tuple(sizes)))
        start = end
    return windows


def windows_of(point):
    """The windows of a message in a session that is under way."""
    return [window for data in groups_of(point)
            for window in windows_of_group(data, point["window"])]


def windows_of_first(point):
    """Those of the message that opens a session: its first window has one PDU (OPN-3)."""
    groups = groups_of(point)
    if len(groups[0]) == 1:
        groups[0] = groups[0] + [0]
    windows = windows_of_group(groups[0], point["window"], first=1)
    for data in groups[1:]:
        windows += windows_of_group(data, point["window"])
    return windows


class Link:
    """Times in seconds on the point's link."""

    def __init__(self, point):
        self.rtt = point["rtt"] / 1e6
        self.rate = point["rate"]
        self.ack = 8 * (ACK + DATAGRAM) / self.rate
        self.full_ack = 8 * (full_ack(point["window"]) + DATAGRAM) / self.rate

    def serialise(self, size):
        """A datagram of `size` bytes onto the wire."""
        return 8 * size / self.rate

    def window(self, window):
        """A window that nothing happens to: from its first byte to its ack's arrival."""
        sent = free = 0.0
        for index, size in enumerate(window.sizes):
            sent += self.serialise(size)
            last = index + 1 == len(window.sizes)
            free = max(free, sent + self.rtt / 2) + (self.full_ack if last else self.ack)
        return free + self.rtt / 2


@dataclass
class Expectation:
    """Of one message of one session alone on the link: means."""
    time: float  # s, from its first byte to its end
    ok: float  # share of messages that end ok
    bits: float  # on the wire of the data
    ack_bits: float
    timeouts: float
    repeated: float  # PDUs


# ---- loss ----

class Chain:
    """Gilbert and Elliott's two states, good and bad; in the bad one all is lost. It moves once a
    datagram. Losses that each fall by themselves: from both states it moves to bad alike."""

    def __init__(self, loss, burst, steps=1):
        if burst <= 1:
            to_bad, stay_bad = loss, loss
        else:
            to_bad, stay_bad = loss / (1 - loss) / burst, 1 - 1 / burst
        once = np.array([[1 - to_bad, to_bad], [1 - stay_bad, stay_bad]])
        self.move = np.linalg.matrix_power(once, max(1, int(round(steps))))

    def forth(self, mass):
        """Moves axis 1 of mass[start, forth, back, ...]: (arrived, lost)."""
        moved = np.einsum("sfb...,fg->sgb...", mass, self.move)
        return split(moved, 1)

    def back(self, mass):
        """Moves axis 2."""
        moved = np.einsum("sfb...,bg->sfg...", mass, self.move)
        return split(moved, 2)


def split(mass, axis):
    """The part in the good state, the part in the bad one, each with the same shape."""
    good = mass.copy()
    bad = mass.copy()
    index = [slice(None)] * mass.ndim
    index[axis] = 1
    good[tuple(index)] = 0
    index[axis] = 0
    bad[tuple(index)] = 0
    return good, bad


class Tally:
    """Sums of cost times probability, for each state the window began in."""

    def __init__(self):
        self.sums = {key: np.zeros(4)
                     for key in ("time", "bits", "ack_bits", "timeouts", "repeated")}

    def add(self, mass, **costs):
        """What each of the histories in `mass` costs."""
        weight = mass.reshape(4, -1).sum(axis=1)
        for key, cost in costs.items():
            self.sums[key] += weight * cost


class LossyWindow:
    """All that can happen to one window (RTY-1, RTY-2, RTY-3), by the state it begins in.

    mass[start, forth, back, first, holes]: how probable it is that the chains are in these states,
    PDU 0 is missing (first = 1) and so many others are; `start` is 2 * forth + back at first.
    """

    def __init__(self, link, window, chain, ack_timeout, retries):
        self.link, self.window, self.chain = link, window, chain
        self.ack_timeout = ack_timeout
        self.count = len(window.sizes)
        self.size = sum(window.sizes) / self.count
        self.tally = Tally()
        self.done = np.zeros((4, 2, 2))
        mass = self.first_try()
        for _ in range(retries):
            mass = self.retry(mass)
        self.failed = mass.sum(axis=(3, 4))

    def first_try(self):
        """SND-6: all of it, then the wait. Returns what the timeout finds."""
        mass = np.zeros((4, 2, 2, 2, self.count))
        for start in range(4):
            mass[start, start // 2, start % 2, 0, 0] = 1
        for index, size in enumerate(self.window.sizes):
            self.tally.add(mass, bits=8 * size)
            arrived, lost = self.chain.forth(mass)
            if index + 1 == self.count:
                mass = self.end_of_try(arrived, lost)
                break
            mass = self.acked(arrived, 8 * (ACK + DATAGRAM)) + self.missing(lost, index)
        spent = sum(map(self.link.serialise, self.window.sizes)) + self.ack_timeout
        self.tally.add(mass, time=spent)
        return mass

    def missing(self, lost, index):
        """A PDU more is missing."""
        out = np.zeros_like(lost)
        if index == 0:
            out[..., 1, :] = lost[..., 0, :]
        else:
            out[..., 1:] = lost[..., :-1]
        return out

    def acked(self, arrived, bits):
        """ACK-1: an ack goes back for each once PDU 0 is held; these decide nothing yet."""
        out = arrived.copy()
        held = arrived[..., 0, :]
        self.tally.add(held, ack_bits=bits)
        good, bad = self.chain.back(held)
        out[..., 0, :] = good + bad
        return out

    def end_of_try(self, arrived, lost):
        """The last PDU: where nothing is missing its ack ends the window."""
        full = arrived[..., 0, 0].copy()
        arrived[..., 0, 0] = 0
        mass = self.acked(arrived, 8 * (ACK + DATAGRAM))
        mass += self.missing(lost, self.count - 1)
        self.tally.add(full, ack_bits=self.link.full_ack * self.link.rate)
        good, bad = self.chain.back(full)
        self.done += good
        self.tally.add(good, time=self.link.window(self.window))
        mass[..., 0, 0] += bad
        return mass

    def retry(self, mass):
        """RTY-1: one at a time, PDU 0 first, then whatever the acks name (RTY-2)."""
        left = np.zeros_like(mass)
        self.tally.add(mass, timeouts=1)
        flow = np.zeros((4, 2, 2, self.count))
        for first in (0, 1):
            at = mass[..., first, :]
            arrived, lost = self.exchange(at)
            left[..., first, :] += lost
            good, bad = arrived
            left[..., 0, :] += bad
            flow += good
        for holes in range(self.count - 1, 0, -1):
            (good, bad), lost = self.exchange(flow[..., holes])
            left[..., 0, holes] += lost
            left[..., 0, holes - 1] += bad
            flow[..., holes - 1] += good
        self.done += flow[..., 0]
        return left

    def exchange(self, mass):
        """One PDU and its ack: ((acked, held but not acked), lost)."""
        bits = 8 * self.size
        self.tally.add(mass, bits=bits, repeated=1)
        arrived, lost = self.chain.forth(mass)
        self.tally.add(arrived, ack_bits=8 * (ACK + DATAGRAM))
        good, bad = self.chain.back(arrived)
        sent = self.link.serialise(self.size)
        self.tally.add(good, time=sent + self.link.rtt + self.link.ack)
        self.tally.add(lost, time=sent + self.ack_timeout)
        self.tally.add(bad, time=sent + self.ack_timeout)
        return (good, bad), lost


def expect_lossy(point, steps=1):
    """The mean message of one session, over all that chance may do. `steps`: datagrams of all
    sessions between two of this one while it sends."""
    link = Link(point)
    chain = Chain(point["loss"] / 1e6, point["burst"], steps)
    made = {}
    for window in windows_of(point):
        if window not in made:
            made[window] = LossyWindow(link, window, chain, point["ack_timeout"] / 1e6,
                                       point["retries"])
    alive = np.eye(4)
    over = np.zeros((4, 4))
    sums = {}
    for window in windows_of(point):
        lossy = made[window]
        for key, value in lossy.tally.sums.items():
            sums[key] = sums.get(key, 0) + alive @ value
        over += alive @ lossy.failed.reshape(4, 4)
        alive = alive @ lossy.done.reshape(4, 4)
    steady = np.full(4, 0.25)
    for _ in range(500):
        steady = steady @ (alive + over)
    means = {key: float(steady @ value) for key, value in sums.items()}
    return Expectation(ok=float((steady @ alive).sum()), **means)


def expect_lossless(point):
    """A message that nothing happens to."""
    link = Link(point)
    windows = windows_of(point)
    pdus = sum(len(window.sizes) for window in windows)
    full = (full_ack(point["window"]) + DATAGRAM) * len(windows)
    return Expectation(time=sum(map(link.window, windows)), ok=1.0,
                       bits=8.0 * sum(sum(window.sizes) for window in windows),
                       ack_bits=8.0 * (full + (ACK + DATAGRAM) * (pdus - len(windows))),
                       timeouts=0.0, repeated=0.0)


# ---- the bound ----

@dataclass
class Bound:
    """What a point can come to at most."""
    goodput: float  # bit/s
    message_time: float  # s: of one message of one session alone
    first_time: float  # s: of the message that opens a session; nan where there is loss
    sessions_to_fill: float
    full: bool  # it is the link that bounds, not the round trips
    early: bool  # the ack timeout ends before any ack can come
    tight: bool  # few sessions, and together about what the link takes: see "Few sessions"
    hopeless: bool  # and so do all its retries
    expectation: Expectation


def wait_for_ack(point):
    """s from the aftermath of a window's last PDU to the ack that ends the window."""
    link = Link(point)
    return link.rtt + link.full_ack


def bound(point):
    """The analytic bound of a point."""
    wait = wait_for_ack(point)
    ack_timeout = point["ack_timeout"] / 1e6
    early = ack_timeout < wait
    # The window of one PDU that opens a session would be given up before it could be acked.
    longest = Link(point).serialise(point["mtu"] + DATAGRAM)
    hopeless = (point["retries"] + 1) * ack_timeout + point["retries"] * longest < wait
    one = expect_lossless(point) if point["loss"] == 0 else expect_lossy(point)
    if point["burst"] > 1 and point["loss"] > 0 and point["sessions"] > 1:
        one = expect_lossy(point, steps=taking_turns(point, one))
    fill, goodput = saturate(point, one)
    message_time = one.time
    first = math.nan
    if point["loss"] == 0:
        first = sum(map(Link(point).window, windows_of_first(point)))
    per_session = one.ok * 8 * point["message"] / one.time
    return Bound(goodput=0.0 if hopeless else goodput, message_time=message_time, first_time=first,
                 sessions_to_fill=fill / per_session if per_session > 0 else math.inf,
                 full=goodput >= 0.999 * fill, early=early, hopeless=hopeless, expectation=one,
                 tight=not point["stream"] and 1 < point["sessions"] < 10
                 and 0.7 < load_of(point, one) < 2)


def load_of(point, one):
    """What all sessions would put on the wire if none waited for another, by what it takes."""
    return point["sessions"] * one.bits / point["rate"] / one.time


def taking_turns(point, one):
    """How many sessions share the link while one sends: of a burst of losses each gets its part.
    Below saturation as many as a queue holds that is served in turn, 1 / (1 - load); above it all
    but those that wait for an ack."""
    sending = one.bits / point["rate"]
    load = load_of(point, one)
    if load < 1:
        return min(1 / (1 - load), point["sessions"])
    return max(1.0, point["sessions"] - (one.time - sending) / sending)


def tolerance(point, limits):
    """How far a measured goodput may be from the bound's: 2 % without loss, 10 % with. None where
    the model says itself that it is a bound, or an estimate, and no more (MODEL.md)."""
    shared_bursts = point["burst"] > 1 and point["loss"] > 0 and point["sessions"] > 1
    chancy = point["loss"] > 0 or point["sessions"] > 1
    early = limits.early and not limits.hopeless and chancy
    waits = point["stream"] and point["loss"] > 0  # for the one that lost most
    if limits.tight or shared_bursts or early or waits:
        return None
    return 0.10 if point["loss"] > 0 else 0.02


def saturate(point, one):
    """(the link's own bound, the bound of all sessions), bit/s."""
    good = one.ok * 8 * point["message"]
    fill = point["rate"] * good / max(one.bits, one.ack_bits)
    return fill, min(fill, point["sessions"] * good / one.time)
