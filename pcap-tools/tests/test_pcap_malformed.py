"""Captures that contradict themselves: told with the offset and the reason, what was before is
kept, and the exit status says so. SPDX-License-Identifier: MIT"""

import os
import struct
import subprocess
import threading

import pytest
from captures import (block, full, interface, ipv4, option, packet, pcap, pcapng, section, udp)

FRAME = ipv4(udp(full()))
GOOD = pcapng([FRAME, FRAME], 101)  # its last block is a packet
LAST = len(GOOD) - len(packet(FRAME))
OLD = pcap([FRAME, FRAME], 101)


def lying(at, value, base=GOOD):
    """`base` with a 32-bit number put there."""
    return base[:at] + struct.pack("<I", value) + base[at + 4:]


ROWS = [  # name, capture, PDUs before, offset, reason
    ("empty", b"", 0, None, "empty"),
    ("no capture", b"hello, this is text\n", 0, None, "unknown file format"),
    ("pcap head cut", OLD[:20], 0, None, "truncated"),
    ("pcap record head cut", OLD + b"\0" * 7, 2, len(OLD), "truncated"),
    ("pcap record cut", OLD[:-1], 1, 24 + 16 + len(FRAME), "truncated"),
    ("pcap caplen huge", lying(24 + 8, 0x7fffffff, OLD), 0, 24, "bigger than"),
    ("pcap caplen over the file", lying(24 + 8, 200000, OLD), 0, 24, "truncated"),
    ("pcapng cut in a head", GOOD + b"\x06\0\0", 2, len(GOOD),
     "a block's head has 8 bytes, only 3"),
    ("pcapng cut in a body", GOOD[:-1], 1, LAST, "cut short: the block has"),
    ("pcapng section cut", GOOD[:10], 0, 0, "the byte-order magic has 4 bytes, only 2"),
    ("pcapng other magic", section(magic=0x11223344), 0, 0, "expected the byte-order magic"),
    ("pcapng version 2", section(version=2), 0, 0, "expected pcapng version 1"),
    ("pcapng section of 12 bytes", b"\n\r\r\n" + struct.pack("<II", 12, 0x1a2b3c4d), 0, 0,
     "a section header of 12 bytes"),
    ("pcapng section of 16 bytes", block(0x0a0d0d0a, struct.pack("<I", 0x1a2b3c4d)), 0, 0,
     "a section header of 16 bytes"),
    ("pcapng length 0", lying(LAST + 4, 0), 1, LAST, "12 or more, a multiple of 4, found 0"),
    ("pcapng length 11", lying(LAST + 4, 11), 1, LAST, "found 11"),
    ("pcapng length 14", lying(LAST + 4, 14), 1, LAST, "found 14"),
    ("pcapng length huge", lying(LAST + 4, 0xfffffffc), 1, LAST, "at most 16777216"),
    ("pcapng length over the file", lying(LAST + 4, 4096), 1, LAST, "the block has 4096 bytes"),
    ("pcapng lengths differ", lying(len(GOOD) - 4, 8), 1, LAST, "at its begin, 8 at its end"),
    ("pcapng captured over the block", lying(LAST + 20, 4000), 1, LAST,
     "4000 captured bytes in a block with room for"),
    ("pcapng captured huge", lying(LAST + 20, 0xffffffff), 1, LAST, "at most 262144 captured"),
    ("pcapng interface not described", lying(LAST + 8, 1), 1, LAST,
     "a packet of interface 1, but 1 are described"),
    ("pcapng packet before any interface", section() + packet(FRAME), 0, len(section()),
     "a packet of interface 0, but 0 are described"),
    ("pcapng interfaces end with their section", GOOD + section() + packet(FRAME), 2,
     len(GOOD) + len(section()), "but 0 are described"),
    ("pcapng interface too short", section() + block(1, b"\0\0\0\0"), 0, len(section()),
     "an interface description of 16 bytes"),
    ("pcapng packet too short", section() + interface() + block(6, bytes(16)), 0,
     len(section() + interface()), "a packet block of 28 bytes"),
    ("pcapng simple packet over the block",
     section() + interface() + block(3, struct.pack("<I", 100) + bytes(8)), 0,
     len(section() + interface()), "100 captured bytes"),
    ("pcapng in the midst of a file", GOOD + section(">") + interface(101, order="<"), 2,
     len(GOOD) + len(section()), "block length"),
]


@pytest.mark.parametrize("capture,before,offset,reason", [row[1:] for row in ROWS],
                         ids=[row[0] for row in ROWS])
def test_broken_captures(show, capture, before, offset, reason):
    result = show(capture)
    assert result.code == 4, result
    assert len(result.lines()) == before
    assert reason in result.err, result
    if offset is not None:
        assert f"broken at byte {offset}, behind frame {before}:" in result.err, result


def test_what_libpcap_takes_though_it_is_odd(show):
    """Captured more than there was on the wire: the shorter length is not believed."""
    more = lying(24 + 12, 5, OLD)
    assert [row["size"] for row in show(more).lines()] == [len(full())] * 2
    more = lying(LAST + 24, 5)
    assert [row["size"] for row in show(more).lines()] == [len(full())] * 2


def test_options_that_lie_end_the_options_only(show):
    for options in (b"\x01\x00\xff\xff", option(1, b"ok") + b"\x01\x00\x40\x00abcd",
                    option(2, b"\x01"), b"\x01\x00"):
        capture = section() + interface(101) + packet(FRAME, options=options) + packet(FRAME)
        assert len(show(capture).lines()) == 2, options


def test_blocks_not_known_are_passed_over(show):
    capture = section() + block(0x0bad, b"x" * 100) + interface(101) + block(10, b"secrets!") + \
        block(4, b"") + packet(FRAME) + block(0x40000bad, b"y" * 12)
    assert len(show(capture).lines()) == 1


def test_old_and_simple_packets(show):
    old = block(2, struct.pack("<HHIIII", 0, 0, 0, 3, len(FRAME), len(FRAME)) + FRAME)
    simple = block(3, struct.pack("<I", len(FRAME)) + FRAME)
    cut = block(3, struct.pack("<I", len(FRAME)) + FRAME[:60])
    rows = show(section() + interface(101) + old + simple, "--absolute").lines()
    assert [row["time_ns"] for row in rows] == [3000, 3000]
    rows = show(section() + interface(101, snap=60) + cut + packet(FRAME)).lines()
    assert "captured" not in rows[-1]


def test_dropped_packets_of_the_capture_are_told(show):
    statistics = block(5, bytes(12) + option(5, struct.pack("<Q", 77)))
    assert "77 packets were lost by the capture" in show(GOOD + statistics).err


HEADERS = [
    ("ip header short", b"\x44" + FRAME[1:], 1), ("ip version", b"\x75" + FRAME[1:], 1),
    ("ip length over the frame", FRAME[:2] + b"\xff\xff" + FRAME[4:], 1),
    ("ip length under the header", FRAME[:2] + b"\x00\x13" + FRAME[4:], 1),
    ("udp length over the packet", FRAME[:24] + b"\xff\xff" + FRAME[26:], 1),
    ("udp length 7", FRAME[:24] + b"\x00\x07" + FRAME[26:], 1),
    ("tcp header short", ipv4(b"\0" * 12 + b"\x40" + b"\0" * 7, 6), 1),
    ("tcp header over the packet", ipv4(b"\0" * 12 + b"\xf0" + b"\0" * 7, 6), 1),
    ("tcp packet of 10 bytes", ipv4(bytes(10), 6), 1),
    ("ipv6 length over the frame", b"\x60\0\0\0\xff\xff\x11\x40" + bytes(40), 1),
    ("ipv6 extensions without end",
     b"\x60\0\0\0" + struct.pack(">H", 8 * 20) + b"\x00\x40" + bytes(32) + bytes(8 * 20), 1),
    ("nothing at all", b"", 1),
]


@pytest.mark.parametrize("frame", [row[1] for row in HEADERS], ids=[row[0] for row in HEADERS])
def test_headers_that_contradict_themselves_are_counted(show, frame):
    result = show(pcap([frame, FRAME], 101))
    assert len(result.lines()) == 1
    assert "1 frames with headers that contradict themselves" in result.err


def test_zero_lengths_of_offload_are_the_frame_s(show):
    frame = FRAME[:2] + b"\0\0" + FRAME[4:24] + b"\0\0" + FRAME[26:]
    assert len(show(pcap([frame], 101)).lines()) == 1


def test_a_named_pipe_that_closes(build_dir, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write():
        with open(pipe, "wb") as file:
            file.write(GOOD[:-5])
    thread = threading.Thread(target=write)
    thread.start()
    run = subprocess.run([build_dir / "bin" / "sipc", "pcap", "show", pipe], capture_output=True,
                         timeout=60, check=False)
    thread.join()
    assert run.returncode == 4
    assert len(run.stdout.splitlines()) == 1
    assert f"broken at byte {LAST}".encode() in run.stderr


def test_what_is_no_file(sipc, tmp_path):
    for path, text in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory")):
        result = sipc("pcap", "show", path)
        assert result.code == 4 and text in result.err
    assert sipc("pcap", "show").code == 2
