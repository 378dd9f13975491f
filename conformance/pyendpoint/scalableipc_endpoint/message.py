"""How a message becomes window groups, windows and PDUs: SND-2, SND-3, SND-5, GRP-2, OPN-3.

A group is first cut into `Body`s, what a PDU carries without its framing; only when a window is
about to leave does it become known which of them stand first and last in it, so only then is the
framing added. A window the peer took in part is framed anew from what is left (PRT-1).
"""

from __future__ import annotations

from dataclasses import dataclass

from . import attributes, pdu
from .attributes import Attributes, Forbidden
from .settings import Settings

FLAG_BYTES = len(pdu.encode_option(pdu.SKIP, b"True"))


class TooLarge(Exception):
    """FAF-3: the message does not fit one PDU."""


@dataclass(frozen=True)
class Body:
    options: bytes
    data: bytes


class Message:
    """What the application hands to send, checked against SND-3 and SND-4 (Forbidden)."""

    def __init__(
        self, data: bytes, wanted: Attributes, skip: bool, restricted: bool, settings: Settings
    ) -> None:
        attributes.check(wanted)
        self.settings = settings
        self.data = data
        # s_03 given as an attribute is the same as asking for skip (SND-4, OPN-4).
        self.skip = skip or any(
            name == pdu.SKIP and pdu.parse_bool(value) for name, value in wanted
        )
        self.attributes = [pair for pair in wanted if pair[0] != pdu.SKIP]
        # Bytes kept free in every PDU for what is no attribute or data. Which PDUs need all of the
        # framing (s_00 .. s_02, s_03 with skip) is not known before a window leaves.
        self.frame_bytes = pdu.PDU_MIN + FLAG_BYTES * (4 if self.skip else 3)
        self.options = attributes.encode(self.attributes, self._room())
        if sum(map(len, self.options)) > settings.attribute_limit:
            raise Forbidden("over the attribute limit")  # SND-3a
        taken = self.cut(0, restricted and not self.skip)[1]
        if data and taken == 0:
            raise Forbidden("the attributes leave no room in a group")  # SND-3

    def _room(self) -> int:
        """Bytes of options and data in one PDU; a restricted group keeps a second PDU free."""
        limit = min(self.settings.mtu, self.settings.group_bytes_max - self.frame_bytes)
        return limit - self.frame_bytes

    def cut(self, offset: int, restricted: bool) -> tuple[list[Body], int]:
        """The group that begins at `offset` of the data, and where the next one begins.

        The full lengths of its PDUs keep within the group limit (GRP-2a). `restricted`: it has
        two PDUs at least, for two windows (OPN-3)."""
        room = self._room()
        budget = self.settings.group_bytes_max - (self.frame_bytes if restricted else 0)
        chunks = _pack(self.options, room)
        bodies: list[Body] = []
        for chunk in chunks:
            budget -= self.frame_bytes + len(chunk)
            if budget < 0:
                raise Forbidden("the attributes fit no group")  # SND-3
            bodies.append(Body(chunk, b""))
        if bodies:  # data goes on behind the attributes of the last of them
            size = min(room - len(bodies[-1].options), budget)
            piece = self.data[offset : offset + size]
            bodies[-1] = Body(bodies[-1].options, piece)
            offset += len(piece)
            budget -= len(piece)
        while offset < len(self.data) and budget > self.frame_bytes:
            piece = self.data[offset : offset + min(room, budget - self.frame_bytes)]
            bodies.append(Body(b"", piece))
            offset += len(piece)
            budget -= self.frame_bytes + len(piece)
        least = 2 if restricted else 1  # SND-5a: an empty message is one empty PDU, or two
        return bodies + [Body(b"", b"")] * (least - len(bodies)), offset

    def single(self) -> Body:
        """The whole message as one PDU (FAF-1)."""
        options = b"".join(pdu.encode_option(*pair) for pair in self.attributes)
        limit = min(self.settings.mtu, self.settings.group_bytes_max)
        if self.frame_bytes + len(options) + len(self.data) > limit:
            raise TooLarge  # FAF-3
        return Body(options, self.data)


def _pack(options: list[bytes], room: int) -> list[bytes]:
    chunks: list[bytes] = []
    for option in options:
        if chunks and len(chunks[-1]) + len(option) <= room:
            chunks[-1] += option
        else:
            chunks.append(option)
    return chunks


def frame(bodies: list[Body], first: int, count: int, skip: bool) -> list[tuple[bytes, bytes]]:
    """The window bodies[first : first + count] as (encoded options, data) of each PDU."""
    window: list[tuple[bytes, bytes]] = []
    for index in range(first, first + count):
        flags: list[bytes] = []
        if index == 0:
            flags.append(pdu.FIRST_IN_WINDOW_GROUP)  # SND-5
        if index == first + count - 1:
            flags.append(pdu.LAST_IN_WINDOW)  # SND-5, in every window
        if index == len(bodies) - 1:
            flags.append(pdu.LAST_IN_WINDOW_GROUP)  # SND-5
        if skip:
            flags.append(pdu.SKIP)  # OPN-4a: on every PDU
        framing = b"".join(pdu.encode_option(name, b"True") for name in flags)
        window.append((framing + bodies[index].options, bodies[index].data))
    return window
