"""The same conversation in three event loops: poll(2), libuv, and asyncio through ctypes.

These are live sockets on loopback. Nothing waits for a timeout: each step follows from a datagram.
"""

import subprocess
import sys

import pytest

CLIENT = """\
client: session is opening
client: session is opened
client: send ok
client: received "one"
client: send ok
client: received "two"
client: send ok
client: received "three"
client: session is closing
client: session is awaiting_disposal
client: close ok
"""
SERVER = """\
server: session is opening
server: session is opened
server: session is awaiting_disposal
"""


def commands(project_dir, build_dir):
    loops = project_dir / "engine" / "examples" / "loops"
    library = build_dir / "engine" / "libsipc-engine.so"
    return {
        "poll": [build_dir / "bin" / "poll_echo"],
        "libuv": [build_dir / "bin" / "uv_echo"],
        "asyncio": [sys.executable, loops / "asyncio_echo.py", library],
    }


def lines_of(output, name):
    return [line for line in output.splitlines() if line.startswith(name + ":")]


@pytest.mark.parametrize("loop", ["poll", "libuv", "asyncio"])
def test_echo_in_one_loop_then_both_sides_tell_the_same_story(loop, project_dir, build_dir):
    command = commands(project_dir, build_dir)[loop]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    assert sorted(lines_of(run.stdout, "client")) == sorted(CLIENT.splitlines())
    assert lines_of(run.stdout, "server") == SERVER.splitlines()
    # A delivery may overtake the result of the own send, not the other way of the conversation.
    received = [line for line in lines_of(run.stdout, "client") if "received" in line]
    assert received == [line for line in CLIENT.splitlines() if "received" in line]


def test_asyncio_echo_when_called_wrongly_then_usage(project_dir):
    run = subprocess.run([sys.executable, project_dir / "engine/examples/loops/asyncio_echo.py"],
                         capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "usage: asyncio_echo.py" in run.stderr
