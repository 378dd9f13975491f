"""The commands of scripts/ as somebody types them: help, mistakes, nothing to do, summing up."""

import re
import subprocess
import sys

import pytest

JUNIT = """<testsuite tests="3">
<testcase classname="a" name="good" time="0.5"/>
<testcase classname="a" name="left_out" time="0"><skipped/></testcase>{more}
</testsuite>"""
FAILED = '<testcase classname="a" name="bad" time="0.25"><failure message="no"/></testcase>'
BROKEN = '<testcase classname="a" name="broken" time="0.25"><error message="no"/></testcase>'


def call(*command, **kwargs):
    command = [str(word) for word in command]
    return subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)


@pytest.mark.parametrize("name", ["setup", "run", "test", "ledger", "check-source", "portability"])
def test_help_says_how_to_use_it(project_dir, name):
    done = call(project_dir / "scripts" / name, "-h")
    assert done.returncode == 0
    assert "usage: " in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("name", ["setup", "test", "ledger", "check-source", "portability"])
def test_an_unknown_argument_is_told(project_dir, name):
    done = call(project_dir / "scripts" / name, "--nonsense")
    assert done.returncode == 2
    assert "--nonsense" in done.stderr


@pytest.fixture
def fake_path(tmp_path):
    """A PATH whose dpkg-query knows only the packages of $INSTALLED, and whose apt-get, id and sudo
    tell what they were asked for."""
    programs = {
        "dpkg-query": 'for p in $INSTALLED; do [ "$p" = "$3" ] && echo installed; done; true',
        "apt-get": 'echo "apt-get $*"',
        "id": "echo ${USER_ID:-0}",
    }
    for name, body in programs.items():
        path = tmp_path / name
        path.write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
        path.chmod(0o755)
    for name in ("bash", "dirname", "awk", "grep", "cat", "env"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    return tmp_path


def run_setup(project_dir, fake_path, purpose, **environment):
    environment = {"PATH": str(fake_path), **environment}
    return call(project_dir / "scripts" / "setup", purpose, env=environment)


def packages(project_dir, *groups):
    rows = (project_dir / "scripts" / "packages").read_text(encoding="utf-8").splitlines()
    rows = [row.split() for row in rows if not row.startswith("#")]
    return [row[0] for row in rows if row[1] in groups]


def test_setup_does_nothing_where_all_is_there(project_dir, fake_path):
    everything = packages(project_dir, "run", "test", "all")
    done = run_setup(project_dir, fake_path, "all", INSTALLED=" ".join(everything))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"setup: all {len(everything)} packages are there\n"


def test_setup_installs_only_what_is_missing(project_dir, fake_path):
    wanted = packages(project_dir, "run", "test")
    done = run_setup(project_dir, fake_path, "test", INSTALLED=" ".join(wanted[2:]))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"setup: installing {wanted[0]} {wanted[1]}",
        "apt-get update -q",
        f"apt-get install -q -y --no-install-recommends {wanted[0]} {wanted[1]}",
        "setup: installed 2 packages",
    ]


def test_setup_uses_sudo_for_who_is_not_root(project_dir, fake_path):
    sudo = fake_path / "sudo"
    sudo.write_text('#!/bin/bash\necho "sudo"\n"$@"\n', encoding="utf-8")
    sudo.chmod(0o755)
    wanted = packages(project_dir, "run")
    done = run_setup(project_dir, fake_path, "run", INSTALLED=" ".join(wanted[1:]), USER_ID="1000")
    assert done.stdout.splitlines()[1:3] == ["sudo", "apt-get update -q"]


def test_setup_without_root_and_sudo_says_what_to_install(project_dir, fake_path):
    wanted = packages(project_dir, "run")
    done = run_setup(project_dir, fake_path, "run", INSTALLED=" ".join(wanted[1:]), USER_ID="1000")
    assert done.returncode == 1
    assert done.stderr == (
        f"setup: missing packages; install them as root: apt-get install {wanted[0]}\n"
    )


def test_setup_elsewhere_than_debian_names_the_packages(project_dir, fake_path):
    (fake_path / "apt-get").unlink()
    done = run_setup(project_dir, fake_path, "run")
    assert done.returncode == 0
    assert "no Debian system" in done.stderr
    assert packages(project_dir, "run")[0] in done.stderr


@pytest.fixture
def summary(project_dir, tmp_path):
    def sum_up(**stages):
        for name, text in stages.items():
            if text is not None:
                (tmp_path / f"{name}.xml").write_text(text, encoding="utf-8")
        return call(sys.executable, project_dir / "scripts" / "summary", tmp_path, *stages)

    return sum_up


def test_summary_adds_up_all_stages(summary):
    done = summary(c=JUNIT.format(more=""), python=JUNIT.format(more=""))
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "===== 2 passed, 2 skipped in 1.00s ====="


@pytest.mark.parametrize("bad", [FAILED, BROKEN])
def test_summary_names_what_failed(summary, bad):
    done = summary(c=JUNIT.format(more=bad), python=JUNIT.format(more=""))
    assert done.returncode == 1
    assert "  FAILED a.b" in done.stdout
    assert done.stdout.splitlines()[-1] == "===== 1 failed, 2 passed, 2 skipped in 1.25s ====="


@pytest.mark.parametrize(
    "text, complaint",
    [(None, "no results"), ("<testsuite", "no results"), ("<testsuite/>", "ran no test")],
)
def test_summary_takes_no_silence_for_success(summary, text, complaint):
    done = summary(c=JUNIT.format(more=""), python=text)
    assert done.returncode == 1
    assert complaint in done.stdout
    assert "1 errors" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("broken", ["--preset", "--build"])
def test_a_build_that_fails_ends_with_a_red_summary(project_dir, tmp_path, broken):
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "test").write_text((project_dir / "scripts" / "test").read_text(encoding="utf-8"))
    programs = {scripts / "setup": "true", tmp_path / "cmake": f'[ "$1" != {broken} ]'}
    for path, body in programs.items():
        path.write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
        path.chmod(0o755)
    done = call("bash", scripts / "test", env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert done.returncode == 1
    assert re.fullmatch(r"===== 1 error in \d+\.00s =====", done.stdout.splitlines()[-1])
