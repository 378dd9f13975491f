"""scripts/live-load: over each kind of socket the live cases are judged alike on a busy machine.

SPDX-License-Identifier: MIT
"""

import re
import subprocess

import pytest


def live_load(project_dir, *arguments):
    return subprocess.run([project_dir / "scripts" / "live-load", *map(str, arguments)],
                          text=True, capture_output=True, check=False)


@pytest.mark.slow
def test_live_cases_are_judged_alike_on_a_busy_machine(project_dir, release_dir):
    """Twenty runs take minutes: scripts/live-load."""
    done = live_load(project_dir, "--runs", 2, "--jobs", 12,
                     "--sipc", release_dir / "bin" / "sipc")
    rows = re.findall(r"^(\w+) +2 runs of +(\d+) cases +0 differing or red", done.stdout, re.M)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [network for network, _ in rows] == ["udp", "tcp", "unix"]
    assert all(int(cases) >= 35 for _, cases in rows)


@pytest.mark.slow
def test_a_sut_that_is_wrong_is_red(project_dir, build_dir, tmp_path):
    """The run itself is looked at, not only whether all say the same."""
    wrong = tmp_path / "sipc"
    wrong.write_text(f"#!/bin/sh\ncase $1 in sut) exec {build_dir}/bin/sipc sut --help;; esac\n"
                     f"exec {build_dir}/bin/sipc \"$@\"\n")
    wrong.chmod(0o755)
    done = live_load(project_dir, "--runs", 1, "--sipc", wrong, "udp")
    assert done.returncode == 1 and "1 differing or red" in done.stdout


@pytest.mark.parametrize("arguments", [["sctp"], ["--runs", "0"], ["--runs", "x"]])
def test_bad_usage_exits_2(project_dir, arguments):
    assert live_load(project_dir, *arguments).returncode == 2
