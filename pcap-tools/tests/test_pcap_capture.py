"""Capturing on the loopback interface, where the system lets us. SPDX-License-Identifier: MIT"""

import json
import signal
import socket
import subprocess

import pytest
from captures import full, packets_of


@pytest.fixture
def capturing(build_dir):
    """Begins a capture on lo; gives the process once it is on."""
    begun = []

    def call(*arguments):
        process = subprocess.Popen([build_dir / "bin" / "sipc", "pcap", "capture", "-i", "lo",
                                    *map(str, arguments)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        begun.append(process)
        line = process.stderr.readline()
        if "ermi" in line or "No such device" in line:
            pytest.skip(f"skipped: {line.strip()}")
        assert line == "capturing on lo\n", line + process.stderr.read()
        return process
    yield call
    for process in begun:
        process.kill()
        process.communicate()


@pytest.fixture
def port():
    """Where nobody minds what comes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener.getsockname()[1]


def send(port, payloads):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for payload in payloads:
            sender.sendto(payload, ("127.0.0.1", port))


def test_packets_of_a_filter_and_their_end_by_count(capturing, sipc, port, tmp_path):
    path = tmp_path / "lo.pcapng"
    process = capturing("-f", f"udp dst port {port}", "-w", path, "-n", 3)
    send(port, [full(0), full(1), full(2)])
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and out == "3 packets in 1 file, 0 dropped by the system\n"
    rows = [json.loads(line) for line in sipc("pcap", "show", "--json", path).out.splitlines()]
    assert [row["window_id"] for row in rows] == [0, 1, 2]
    assert {row["destination"] for row in rows} == {f"127.0.0.1:{port}"}


def test_a_ring_keeps_the_newest_files(capturing, port, tmp_path):
    process = capturing("-f", f"udp dst port {port}", "-w", tmp_path / "r", "-n", 150, "--size", 1,
                        "--files", 2)
    send(port, [bytes(20000)] * 150)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and out.startswith("150 packets in 4 files")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.000003", "r.000004"]
    assert len(packets_of((tmp_path / "r.000003").read_bytes())) == 49


def test_it_ends_when_told_to(capturing, port, tmp_path):
    process = capturing("-f", f"udp dst port {port}", "-w", tmp_path / "x", "--snap", 100)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 5 and out.startswith("0 packets in 1 file")


def test_it_ends_after_its_time_though_nothing_comes(capturing, port, tmp_path):
    process = capturing("-f", f"udp dst port {port}", "-w", tmp_path / "x", "--seconds", 1)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 5 and out.startswith("0 packets in 1 file")


def test_bad_options(sipc, tmp_path):
    for arguments, code, text in [
            (["-i", "lo"], 2, "no --write"), (["-w", "x"], 2, "no --interface"),
            (["-i", "lo", "-w", "x", "--files", 2], 2, "--files needs --size"),
            (["-i", "no-such-interface", "-w", tmp_path / "x"], 4, "no-such-interface")]:
        result = sipc("pcap", "capture", *arguments)
        assert result.code == code and text in result.err, result
