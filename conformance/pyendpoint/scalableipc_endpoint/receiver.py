"""What a receiver keeps: the ids it takes (WID-1..6), the current window and the window group (RCV,
ACK, GRP-1). It knows neither time nor states, but whether its session is still opening."""

from dataclasses import dataclass, field

from . import pdu


class PeerIds:
    """The ids a receiver takes. `minimum` is the id of the last PDU applied (WID-3)."""

    def __init__(self, step, highest):
        self.step, self.highest, self.minimum = step, highest, None
        self.processed = False  # WID-5: the window `minimum` is over

    def is_valid(self, window_id):
        if self.minimum is None:
            return window_id <= self.step  # WID-1
        if window_id == self.minimum:
            return not self.processed  # WID-5
        if self.minimum == self.highest:
            return window_id <= self.step  # WID-6
        return self.minimum < window_id <= min(self.minimum + self.step, self.highest)  # WID-2, 3

    def apply(self, window_id):
        if window_id != self.minimum:
            self.minimum, self.processed = window_id, False  # WID-4


@dataclass(frozen=True)
class Applied:
    """What comes of a data PDU."""

    seq_nr: int | None = None  # of the data_ack to send; None: of none
    answer: dict = field(default_factory=dict)  # its options; with any the window is processed
    group: tuple | None = None  # data and attributes, complete (RCV-8)


class Failed(Exception):
    """A processing error; its argument is the code (ERR-2)."""


class Receiver:
    def __init__(self, settings):
        self.settings = settings
        self.window_id = -1
        self.window = {}  # PDUs by seq_nr
        self.group = []  # whole windows

    def apply(self, got, opening):
        """A valid data PDU."""
        seq_nr, most = got.seq_nr, self.settings.max_window_size
        try:
            self._place(got)
            self._check_limit()
            run = self._run()
            if not run:
                return Applied()  # ACK-1: nothing before seq_nr 0 is held
            seq_nr = len(run) - 1
            if not run[-1].get(pdu.LAST_IN_WINDOW) and len(run) < most:
                return Applied(seq_nr)
            self.window = {}  # RCV-6: it is full, and moves to the group
            answer = {pdu.IS_WINDOW_FULL: True, pdu.MAX_WINDOW_SIZE: most}  # ACK-2
            return Applied(seq_nr, answer, self._take_window(run, opening))
        except Failed as failed:  # ACK-3
            self.window, self.group = {}, []
            return Applied(seq_nr, {pdu.ERROR_CODE: failed.args[0]})

    def _place(self, got):
        if got.window_id != self.window_id:  # RCV-1
            self.window, self.window_id = {}, got.window_id
        if got.get(pdu.FIRST_IN_WINDOW_GROUP):  # RCV-2
            self.group = []
        if got.get(pdu.LAST_IN_WINDOW):  # RCV-3
            self.window = {at: held for at, held in self.window.items()
                           if at < got.seq_nr and not held.get(pdu.LAST_IN_WINDOW)}
        self.window[got.seq_nr] = got  # RCV-4

    def _check_limit(self):
        """GRP-1, at once when group and current window together pass the limit."""
        held = [*sum(self.group, []), *self.window.values()]
        options = [option for member in held for option in member.options]
        size = sum(len(name) + len(value) for name, value in options if name not in pdu.FRAMING)
        size += sum(len(member.data) for member in held)
        most = self.settings.group_bytes_max
        # What keeps GRP-2a has no more PDUs than this; empty ones would fill the memory.
        if size > most or len(held) > most // pdu.PDU_MIN:
            raise Failed(pdu.ERROR_GROUP_OVERFLOW)

    def _run(self):
        """PDUs from seq_nr 0 without a gap, not past a held last_in_window (RCV-5)."""
        run = []
        while len(run) in self.window and not (run and run[-1].get(pdu.LAST_IN_WINDOW)):
            run.append(self.window[len(run)])
        return run

    def _take_window(self, window, opening):
        """Data and attributes of the group, where this full window ends it (RCV-8)."""
        first, last = window[0], window[-1]
        is_tail = not self.group and not first.get(pdu.FIRST_IN_WINDOW_GROUP)
        if is_tail and self.settings.require_first_in_window_group:
            raise Failed(pdu.ERROR_NO_BEGINNING)  # RCV-11
        self.group.append(window)
        if not (last.get(pdu.LAST_IN_WINDOW) and last.get(pdu.LAST_IN_WINDOW_GROUP)):  # RCV-7
            return None
        if opening and len(self.group) == 1:
            raise Failed(pdu.ERROR_SINGLE_WINDOW_GROUP)  # OPN-3
        members, self.group = sum(self.group, []), []
        try:
            options = [option for held in members for option in held.options]
            return b"".join(held.data for held in members), pdu.join_attributes(options)
        except ValueError:
            raise Failed(pdu.ERROR_OPTION_DECODING) from None  # OPT-8
