"""The pcapng writer's captures as other people's tools read them. SPDX-License-Identifier: MIT"""

import shutil
import subprocess

import pytest


@pytest.fixture(scope="module")
def capture(tmp_path_factory, build_dir):
    path = tmp_path_factory.mktemp("pcapng") / "sample.pcapng"
    subprocess.run([build_dir / "bin" / "pcapng_sample", path], check=True)
    return path


def output(tool, *args):
    if shutil.which(tool) is None:
        pytest.skip(f"skipped: {tool} is not installed")
    run = subprocess.run([tool, *map(str, args)], capture_output=True, text=True, check=True)
    return run.stdout


def test_tshark_reads_times_directions_comments_and_checksums(capture):
    fields = ["frame.time_epoch", "frame.packet_flags_direction", "frame.interface_name", "ip.src",
              "ip.dst", "ip.checksum.status", "udp.checksum.status", "udp.length", "frame.comment"]
    args = [a for f in fields for a in ("-e", f)]
    text = output("tshark", "-r", capture, "-T", "fields", "-o", "ip.check_checksum:TRUE",
                  "-o", "udp.check_checksum:TRUE", *args)
    rows = [line.split("\t") for line in text.splitlines()]
    name = "WID-3-accepts[d=100]"
    assert rows == [
        ["0.000000001", "0x00000001", "first", "10.0.1.2", "10.0.0.1", "1", "1", "13", name],
        ["5.000000007", "0x00000002", "second", "10.0.0.1", "10.0.1.2", "1", "1", "8",
         name + ",grüße"],
        ["1700000000.123456789", "0x00000002", "first", "10.0.0.1", "10.0.1.2", "1", "1", "65515",
         name + ",grüße"],
    ]


def test_tshark_finds_nothing_malformed(capture):
    assert output("tshark", "-r", capture, "-Y", "_ws.malformed") == ""


def test_capinfos_reads_the_section_and_the_interfaces(capture):
    text = output("capinfos", capture)
    for wanted in ["a machine", "an os", "a program", "a comment", "Name = first",
                   "Description = one", "Name = second", "Number of packets = 2",
                   "Time precision = nanoseconds (9)", "Capture length = 65535"]:
        assert wanted in text, text
