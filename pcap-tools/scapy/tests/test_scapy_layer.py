"""The Scapy layer: its campaign, and its example against a live endpoint.
SPDX-License-Identifier: MIT"""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("scapy", reason="skipped: Scapy is not installed")

LAYER = Path(__file__).resolve().parents[1]
EXAMPLE = LAYER / "examples" / "probe_sut.py"


def campaign(path):
    """Runs a campaign of UTScapy: (exit status, names that passed, names that failed)."""
    run = subprocess.run(
        [sys.executable, "-m", "scapy.tools.UTscapy", "-t", path, "-f", "text"],
        env={**os.environ, "SCALABLEIPC_LAYER": str(LAYER)}, capture_output=True, text=True)
    passed = re.findall(r"^###\(\d+\)=\[passed\] (.+)$", run.stdout, re.M)
    failed = re.findall(r"^###\(\d+\)=\[failed\] (.+)$", run.stdout, re.M)
    return run.returncode, passed, failed, run.stdout + run.stderr


def test_the_campaign_passes():
    path = LAYER / "tests" / "scalableipc.uts"
    status, passed, failed, said = campaign(path)
    named = re.findall(r"^= (.+)$", path.read_text(encoding="utf-8"), re.M)
    assert (status, failed) == (0, []), said
    assert passed == named


def test_a_failure_in_a_campaign_is_seen(tmp_path):
    path = tmp_path / "bad.uts"
    path.write_text("% Bad\n+ Set\n= Wrong\nassert False\n")
    status, passed, failed, _ = campaign(path)
    assert status != 0 and passed == [] and failed == ["Wrong"]


@contextmanager
def live_sut(build_dir, *options):
    """The reference endpoint on a free port, which is given."""
    command = [build_dir / "bin" / "sipc", "sut", "--udp", "127.0.0.1:0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield process.stderr.readline().strip().rsplit(":", 1)[1]
    finally:
        process.terminate()
        process.communicate()


def probe(port, *options):
    return subprocess.run([sys.executable, EXAMPLE, "127.0.0.1", port, *options],
                          capture_output=True, text=True)


def test_the_example_finds_the_reference_endpoint_sound(build_dir):
    with live_sut(build_dir, "--echo") as port:
        done = probe(port)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line[:4] for line in done.stdout.splitlines()] == ["ok  "] * 6


def test_the_example_decides_nothing_of_an_endpoint_that_does_not_echo(build_dir):
    with live_sut(build_dir) as port:
        done = probe(port, "--wait", "0.2")
    assert done.returncode == 5 and "no echo" in done.stderr
