"""Captures with other addresses, ids and data. SPDX-License-Identifier: MIT"""

import struct

import pytest
from captures import (ACK, SESSION, block, ether, full, interface, ipv4, ipv6, option, packet,
                      packets_of, pcap, pdu, section, tcp, udp)

OTHER = bytes(range(100, 132))


@pytest.fixture
def change(sipc, tmp_path):
    def call(command, capture, *arguments):
        out = tmp_path / "out.pcapng"
        result = sipc("pcap", command, *arguments, "-w", out, "-", stdin=capture)
        return result, packets_of(out.read_bytes()) if out.exists() else None
    return call


def total(data):
    data += bytes(len(data) % 2)
    value = sum(struct.unpack(f">{len(data) // 2}H", data))
    while value > 0xffff:
        value = (value & 0xffff) + (value >> 16)
    return value


def with_checksums(frame):
    """An IPv4 UDP packet with both checksums right."""
    ip, datagram = bytearray(frame[:20]), bytearray(frame[20:])
    ip[10:12] = datagram[6:8] = b"\0\0"
    ip[10:12] = struct.pack(">H", 0xffff - total(bytes(ip)))
    pseudo = bytes(ip[12:20]) + struct.pack(">HH", 17, len(datagram))
    datagram[6:8] = struct.pack(">H", 0xffff - total(pseudo + bytes(datagram)))
    return bytes(ip + datagram)


def test_addresses_ports_sessions_and_window_ids(change):
    capture = pcap([with_checksums(ipv4(udp(full(7)))),
                    with_checksums(ipv4(udp(full(8)), back=True)),
                    ipv4(udp(full(1, session=OTHER)))], 101)
    result, found = change("rewrite", capture, "--map-address", "10.0.0.1:40001=192.0.2.7:9000",
                           "--map-session", f"{SESSION.hex()}={OTHER.hex()}", "--window-add", 1000)
    assert result.code == 0 and result.out == "3 of 3 frames changed\n"

    def expected(window_id, back, checked=True):
        ends = [bytes([192, 0, 2, 7]), bytes([10, 0, 0, 2])]
        ports = [9000, 40001]
        frame = bytearray(ipv4(udp(full(window_id, session=OTHER), ports[back], ports[not back])))
        frame[12:16], frame[16:20] = ends[back], ends[not back]
        return with_checksums(bytes(frame)) if checked else bytes(frame)
    assert [p[1] for p in found[:2]] == [expected(1007, 0), expected(1008, 1)]
    assert found[2][1][20:] == expected(1001, 0, False)[20:]  # no UDP checksum before, none now


def test_ports_alone_and_what_is_not_meant_stays(change):
    frame = ipv4(udp(full(), 5, 6))
    result, found = change("rewrite", pcap([frame, ipv4(udp(full()))], 101), "--map-port", "6=7")
    assert result.out == "1 of 2 frames changed\n"
    assert found[0][1][20:] == udp(full(), 5, 7) and found[1][1] == ipv4(udp(full()))
    assert change("rewrite", pcap([frame], 101), "--map-port", "9=7")[0].code == 5


def test_tcp_and_fragments_get_new_addresses_too(change):
    frames = [ipv4(tcp(full(), 1, 0), 6), ipv4(bytes(16), fragment=8), ipv6(udp(full()))]
    _, found = change("rewrite", pcap(frames, 101), "--map-address", "10.0.0.1=10.0.0.9",
                      "--map-address", "fe80::2=fe80::9")
    assert [p[1][12:16] for p in found[:2]] == [bytes([10, 0, 0, 9])] * 2
    assert found[2][1][24:40] == bytes.fromhex("fe80" + "00" * 13 + "09")
    assert total(found[0][1][:20]) == 0xffff


def test_window_ids_beyond_the_highest_are_left_and_told(change):
    result, _ = change("rewrite", pcap([ipv4(udp(full(5)))], 101), "--window-add", 9 * 10**15)
    assert result.code == 5 and "1 window ids would be beyond 9E15" in result.out


def hosts(packets):
    return [(p[1][12:16], p[1][16:20]) for p in packets]


def common(a, b):
    """How many leading bits are the same."""
    return 32 - (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_length()


def test_anonymous_addresses_keep_what_they_share(change):
    ends = [bytes(a) for a in ((10, 1, 2, 3), (10, 1, 2, 130), (10, 1, 9, 9), (77, 1, 1, 1),
                               (127, 0, 0, 1), (224, 0, 0, 5))]
    frames = []
    for one in ends:
        frame = bytearray(ipv4(udp(full())))
        frame[12:16], frame[16:20] = one, ends[0]
        frames.append(bytes(frame))
    _, found = change("anonymize", pcap(frames, 101), "-k", "x")
    new = [source for source, _ in hosts(found)]
    for i in range(4):
        for j in range(i):
            assert common(new[i], new[j]) == common(ends[i], ends[j])
    assert new[:4] != ends[:4] and new[4:] == ends[4:]
    assert {to for _, to in hosts(found)} == {new[0]}
    assert hosts(change("anonymize", pcap(frames, 101), "-k", "x")[1]) == hosts(found)
    assert hosts(change("anonymize", pcap(frames, 101), "-k", "y")[1]) != hosts(found)


SECRET = [("colour", "red"), ("s_traceId", "abc"), ("s_idle_timeout", "500"), ("s_e_0", "2:ab12:c")]
HIDDEN = [("xxxxxx", "xxx"), ("s_traceId", "xxx"), ("s_idle_timeout", "500"), ("s_e_0", "2:xx12:x")]


@pytest.mark.parametrize("how", ["zero", "hash", "cut", "keep"])
def test_anonymous_pdus(change, how):
    frames = [ipv4(udp(pdu(window_id=3, options=SECRET, data=data)))
              for data in (b"secret text", b"secret text", b"another one")]
    _, found = change("anonymize", pcap(frames, 101), "--payload", how)
    bodies = [p[1][28:] for p in found]
    sessions = {body[2:34] for body in bodies}
    assert len(sessions) == 1 and SESSION not in sessions
    made = pdu(window_id=3, options=HIDDEN, session=sessions.pop())
    assert all(body[:2] == frames[0][28:30] and body[2:len(made)] == made[2:] for body in bodies)
    data = [body[len(made):] for body in bodies]
    assert [p[0] for p in found] == [0, 1000, 2000]
    if how == "hash":
        assert data[0] == data[1] != data[2] and b"secret" not in data[0] and len(data[0]) == 11
    else:
        assert data == {"zero": [bytes(11)] * 3, "cut": [b""] * 3,
                        "keep": [b"secret text"] * 2 + [b"another one"]}[how]


def test_nothing_of_others_is_left(change):
    text = b"a secret of somebody " * 4
    frames = [ether(ipv4(udp(text))), ether(ipv4(tcp(text, 1, 0), 6)), ether(text, 0x0806),
              ether(ipv4(text, fragment=800)), ether(ipv6(udp(text)), 0x86dd), text,
              ether(ipv4(text, 1))]
    capture = section(options=option(1, b"secret")) + interface(1)
    capture += b"".join(packet(f, options=option(1, b"secret")) for f in frames)
    result, found = change("anonymize", capture)
    assert result.out == "7 of 7 frames changed\n"
    assert [len(p[1]) for p in found] == [len(f) for f in frames]
    assert all(b"secret" not in p[1] + p[3] for p in found)
    assert all(p[1][:12] != bytes(12) for p in found[:5])


def test_what_was_anonymous_is_judged_the_same(change, sipc, tmp_path, project_dir):
    path = tmp_path / "sim.pcapng"
    scenario = project_dir / "simnet" / "scenarios" / "satellite-geo.sx"
    assert sipc("sim", "run", scenario, "--trace", path).code == 0
    result, found = change("anonymize", path.read_bytes(), "-k", "k")
    assert result.code == 0 and not any(p[3] for p in found)
    audits = [sipc("pcap", "audit", "--json", p).lines()[-1]["rules"]
              for p in (path, tmp_path / "out.pcapng")]
    assert audits[0] == audits[1]


def test_bad_options_and_captures(change, sipc):
    for arguments, text in ((["--map-address", "1.2.3.4"], "OLD=NEW"),
                            (["--map-address", "1.2.3.4=::1"], "one family"),
                            (["--map-port", "1=99999"], "OLD=NEW"),
                            (["--map-session", "ab=cd"], "64 hexadecimal")):
        result, _ = change("rewrite", b"", *arguments)
        assert result.code == 2 and text in result.err
    assert change("anonymize", b"", "--payload", "x")[0].code == 2
    assert sipc("pcap", "rewrite", "-").code == 2
    cut = pcap([ipv4(udp(full()))] * 2, 101)[:-1]
    result, found = change("anonymize", cut)
    assert result.code == 4 and len(found) == 1
    assert ACK == 2 and block(1, b"")
