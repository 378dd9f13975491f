#!/usr/bin/env python3
"""Makes the captures that C, Lua and Scapy have to agree on: simulated conversations (scenarios/),
and some made by hand with the Scapy layer. The same bytes each time.

    pcap-tools/witnesses/golden_captures.py build/dev/bin/sipc FOLDER
SPDX-License-Identifier: MIT
"""

import struct
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parents[1] / "engine" / "tests" / "vectors" / "pdu.txt"
sys.path.insert(0, str(HERE.parent / "scapy"))

from scapy.layers.inet import IP, TCP, UDP  # noqa: E402
from scapy.utils import PcapNgReader, PcapReader  # noqa: E402
from scalableipc import Session, long_attribute, option, options  # noqa: E402

SIMULATED = ["clean", "lossy", "long-options", "broken"]
LINK_USER0, LINK_IPV4 = 147, 228
HERE_ADDRESS, THERE_ADDRESS, PORT = "10.0.0.1", "10.0.0.2", 40001
SESSION_ID = bytes(range(32))
WINDOW_ID_MAX = 9 * 10**15
MS = 10**6


# ---- the vectors file ----


def parse_bytes(text):
    """BYTES as the head of the vectors file describes them."""
    out = b""
    while text := text.strip():
        if text.startswith('"'):
            piece, text = text[1:].split('"', 1)
            piece = piece.encode()
        else:
            digits = text.split()[0].split("*")[0]
            piece, text = bytes.fromhex(digits), text[len(digits):]
        if text.startswith("*"):
            count = text[1:].split()[0]
            piece, text = piece * int(count), text[1 + len(count):]
        out += piece
    return out


def read_vectors(path=VECTORS):
    """The blocks of the vectors file: (pdus, groups), lists of dicts by key. Keys that repeat have
    lists."""
    pdus, groups = [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        key, _, rest = line.partition(" ")
        rest = rest.strip()
        if key == "pdu":
            pdus.append({"name": rest, "bytes": b"", "options": [], "data": b""})
        elif key == "group":
            groups.append({"name": rest, "of": [], "longs": []})
        elif key == "bytes":
            pdus[-1]["bytes"] += parse_bytes(rest)
        elif key in ("discard", "accept"):
            pdus[-1][key] = rest
        elif key in ("session", "data"):
            pdus[-1][key] = parse_bytes(rest)
        elif key == "option":
            pdus[-1]["options"].append(tuple(map(parse_bytes, split_option(rest))))
        elif key == "of":
            groups[-1]["of"].append(rest)
        elif key == "long":
            groups[-1]["longs"].append({"key": parse_bytes(rest)})
        elif key in ("name", "value"):
            groups[-1]["longs"][-1][key] = parse_bytes(rest)
    return pdus, groups


def split_option(text):
    """The two sides of `BYTES = BYTES`; a text may hold the sign."""
    quoted = False
    for at, char in enumerate(text):
        quoted ^= char == '"'
        if char == "=" and not quoted:
            return text[:at], text[at + 1:]
    raise ValueError(f"no option: {text}")


# ---- captures made by hand ----


def write_pcap(path, link_type, packets):
    """A pcap of nanoseconds: packets are (time in ns, bytes) or (time, bytes, length on the
    wire)."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, link_type))
        for at_ns, data, *size in packets:
            file.write(struct.pack("<IIII", at_ns // 10**9, at_ns % 10**9, len(data),
                                   size[0] if size else len(data)))
            file.write(data)


def udp(payload, outward=True, sport=PORT, dport=PORT):
    """A packet from the first host to the second, or back."""
    source, target = (HERE_ADDRESS, THERE_ADDRESS)[::1 if outward else -1]
    packet = IP(src=source, dst=target, id=0) / UDP(sport=sport, dport=dport) / bytes(payload)
    return bytes(packet)


class Exchange:
    """Two sessions that talk over a network of 5 ms each way, seen at the first one."""

    def __init__(self, **settings):
        self.here, self.there = Session(SESSION_ID, **settings), Session(SESSION_ID)
        self.packets, self.at_ns = [], 0

    def add(self, pdu, outward=True, after_ns=0):
        """A packet of the capture."""
        self.at_ns += after_ns
        self.packets.append((self.at_ns, udp(pdu, outward)))

    def ask(self, pdu):
        """The PDU goes out, its answer comes 10 ms later."""
        self.add(pdu, after_ns=MS)
        answer = self.there.receive(pdu)
        self.add(answer, outward=False, after_ns=10 * MS)
        self.here.receive(answer)
        return answer


def make_wrapped(path):
    """Window ids go over 9E15, past 2^53 as it were: resync PDU, wrap, repeats, an old id, a
    larger one than may be."""
    talk = Exchange()
    talk.here.acked, talk.here.used = WINDOW_ID_MAX - 3, [WINDOW_ID_MAX - 3]
    talk.there.lowest = WINDOW_ID_MAX - 3
    for text in (b"last but two", b"last but one"):
        talk.ask(talk.here.message(text)[0][0])
    resync = talk.here.resync()
    talk.add(resync, after_ns=MS)
    talk.there.receive(resync)
    answer = talk.here.pdu(2, WINDOW_ID_MAX, 0)
    talk.add(answer, outward=False, after_ns=10 * MS)
    talk.here.receive(answer)
    first = talk.here.message(b"first again")[0][0]
    answer = talk.ask(first)
    talk.add(first, after_ns=500 * MS)
    talk.add(answer, outward=False, after_ns=10 * MS)
    talk.ask(talk.here.message(b"second again")[0][0])
    framing = options("first_in_window_group", "last_in_window", "last_in_window_group")
    for window_id in (WINDOW_ID_MAX - 1, WINDOW_ID_MAX + 1, 2**53 + 1, 2**63 - 1, 102, 250):
        talk.add(talk.here.pdu(1, window_id, 0, framing, b"x"), after_ns=50 * MS)
    write_pcap(path, LINK_IPV4, talk.packets)


def make_answers(path):
    """Every opcode and code, windows cut by the receiver, copies, acks for nothing."""
    talk = Exchange(mtu=600)
    talk.there.max_window_size = 3
    for window in talk.here.message(bytes(3000), {"colour": "red", "s_idle_timeout": 5}):
        for pdu in window[:3]:
            talk.ask(pdu)
        for pdu in window[3:]:
            talk.add(pdu, after_ns=10)
            talk.add(pdu, after_ns=10)
    for code in (250, 251, 252, 253, 254, 299):
        pdu = talk.here.message(b"refused")[0][0]
        talk.add(pdu, after_ns=MS)
        talk.add(talk.there.ack(pdu, error_code=code), outward=False, after_ns=10 * MS)
    talk.add(talk.there.pdu(2, 99, 3), outward=False)
    talk.ask(talk.here.enquire_link())
    talk.add(talk.here.enquire_link(), after_ns=MS)
    talk.add(talk.here.pdu(6, opts=options(error_code=150)), outward=False, after_ns=MS)
    long = long_attribute("näme", "größe" * 50 + "\0", n=2, piece_max=100)
    whole = options("first_in_window_group", "last_in_window", "last_in_window_group")
    for opts in (long, long[1:], [option("s_e_0", "no")]):
        talk.add(talk.here.pdu(1, talk.here.next_window_id(), 0, whole + opts), after_ns=MS)
    for code in (1, 2, 3, 4, 42):
        talk.add(talk.here.close(code), after_ns=MS)
    write_pcap(path, LINK_IPV4, talk.packets)


def tcp_segments(chunks, outward, start=1):
    """A direction's segments, by sequence number."""
    source, target = (HERE_ADDRESS, THERE_ADDRESS)[::1 if outward else -1]
    ports = (50000, PORT)[::1 if outward else -1]
    packets, seq = [], start
    for chunk in chunks:
        segment = TCP(sport=ports[0], dport=ports[1], seq=seq, ack=1, flags="PA")
        packets.append(bytes(IP(src=source, dst=target, id=0) / segment / chunk))
        seq += len(chunk)
    return packets


def make_stream(path):
    """A byte stream: PDUs that share segments and span them, one segment late, one twice; answers
    the other way; at last a frame of an impossible length and noise behind it."""
    here, there = Session(SESSION_ID, mtu=600), Session(SESSION_ID)
    pdus = [pdu for size in (10, 2000, 0, 500) for window in here.message(bytes(size), skip=True)
            for pdu in window]
    answers = [bytes(there.receive(pdu)) for pdu in pdus]
    stream = b"".join(map(bytes, pdus))
    cuts = [1, 60, 700, 701, 1400, 2000, len(stream)]
    chunks = [stream[a:b] for a, b in zip([0] + cuts, cuts)]
    outward = tcp_segments(chunks + [b"\0\x38" + bytes(100), bytes(range(200))], True)
    outward[3], outward[4] = outward[4], outward[3]
    outward.insert(6, outward[5])
    packets = outward[:-2] + tcp_segments([b"".join(answers)], False) + outward[-2:]
    write_pcap(path, LINK_IPV4, [(i * MS, packet) for i, packet in enumerate(packets)])


def make_cut(path):
    """Packets of which the capture holds the first bytes only, by a snap length of 28 to 128."""
    here = Session(SESSION_ID)
    packets = []
    for index, snap in enumerate(range(28, 129)):
        whole = udp(here.pdu(1, index % 100, 0, options("skip", max_window_size=4), bytes(40)))
        packets.append((index * MS, whole[:snap], len(whole)))
    write_pcap(path, LINK_IPV4, packets)


def make_vectors(path):
    """All PDUs of the vectors file, good and bad, as they are: DLT_USER0."""
    pdus, _ = read_vectors()
    write_pcap(path, LINK_USER0, [(i * MS, pdu["bytes"]) for i, pdu in enumerate(pdus)])


def make_long_attributes(path):
    """A window group of each group in the vectors file: its PDUs' options, framed."""
    pdus, groups = read_vectors()
    by_name = {pdu["name"]: pdu for pdu in pdus}
    here, packets = Session(SESSION_ID), []
    for window_id, group in enumerate(groups):
        for seq_nr, name in enumerate(group["of"]):
            flags = ["first_in_window_group"] * (seq_nr == 0)
            if seq_nr == len(group["of"]) - 1:
                flags += ["last_in_window", "last_in_window_group"]
            opts = [option(*pair) for pair in by_name[name]["options"]]
            pdu = here.pdu(1, window_id, seq_nr, options(*flags) + opts)
            packets.append((len(packets) * MS, udp(pdu)))
    write_pcap(path, LINK_IPV4, packets)


BY_HAND = {"wrapped": make_wrapped, "answers": make_answers, "stream": make_stream,
           "cut": make_cut, "vectors": make_vectors, "long-attributes": make_long_attributes}
NAMES = SIMULATED + list(BY_HAND)


def make(name, sipc, folder):
    """The capture of this name, as a file in the folder."""
    if name in BY_HAND:
        path = Path(folder) / f"{name}.pcap"
        BY_HAND[name](path)
        return path
    path = Path(folder) / f"{name}.pcapng"
    simulate(name, sipc, path)
    return path


def simulate(name, sipc, trace):
    """Runs a scenario; the suffix of the trace says what it holds."""
    subprocess.run([sipc, "sim", "run", HERE / "scenarios" / f"{name}.sx", "--trace", trace],
                   check=True, stdout=subprocess.DEVNULL)


def read_packets(path):
    """The packets of a capture as Scapy reads them."""
    reader = PcapNgReader if path.suffix == ".pcapng" else PcapReader
    with reader(str(path)) as packets:
        return list(packets)


def main():
    """Makes all of them."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    for name in NAMES:
        print(make(name, sys.argv[1], sys.argv[2]))


if __name__ == "__main__":
    main()
