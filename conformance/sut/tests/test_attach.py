"""Every way to attach, with SUTs that behave: one conversation has the same outcome everywhere."""

import re
import shlex
import socket
import subprocess
import sys

import pytest

from sut_tools import WHOLE, option, pdu_hex

FIRST = pdu_hex(1, 0, 0, [*WHOLE, option("fruit", "pear")], b"hello")
OTHER = pdu_hex(1, 3, 0, WHOLE, b"again")
ACK = pdu_hex(2, 0, 0, [option("s_10")])


@pytest.fixture(scope="module")
def serve(sipc):
    """serve(*arguments) starts `sipc sut` and returns the process and where it said it listens."""
    started = []

    def start(*arguments, lines=1):
        process = subprocess.Popen([sipc, "sut", *arguments], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        said = [process.stderr.readline() for _ in range(lines)]
        return process, *[re.search(r"on (\S+)\n", line)[1] for line in said]

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()


@pytest.fixture(params=["engine", "so", "exec", "udp", "tcp", "unix"])
def controlled(request, sipc, build_dir, tmp_path):
    """The spec of the engine behind each way that can be told what to do."""
    where = {"udp": "127.0.0.1:0", "tcp": "127.0.0.1:0", "unix": tmp_path / "sut"}
    if request.param == "engine":
        return "engine"
    if request.param == "so":
        return f"so:{build_dir}/lib/sut_engine_so.so"
    if request.param == "exec":
        return f"exec:{sipc} sut --exec"
    program = shlex.join([str(sipc), "sut", f"--{request.param}", str(where[request.param])])
    return f"{request.param}:,control=exec:{program} --control stdio"


def outs(lines):
    """Outputs by kind, without what differs between clocks: tokens, and how a peer is named."""
    found = {}
    for line in lines:
        if line.startswith("  ") and not line.startswith("  discard"):
            kind, rest = line.strip().split(" ", 1)
            found.setdefault(kind, []).append(re.sub(r"peer=\S+|token=\d+", "", rest).split())
    return found


def test_message_is_received_alike(drive, controlled):
    _, lines = drive(controlled, "reset", "rx " + FIRST, "await tx 1", "await deliver 1",
                     "rx " + FIRST, "await tx 2", "state")
    found = outs(lines)
    assert found["state"] == [["-", "opening"], ["-", "opened"]]
    assert found["deliver"] == [["size=5", '"hello"', "fruit=pear"]]
    assert len(found["tx"]) == 2 and found["tx"][0] == found["tx"][1]  # the ack, repeated (WID-7)
    assert lines[-1] == "state: ok opened"


def test_message_is_sent_alike(drive, controlled):
    # in opening a message has two windows (OPN-3): the ack of the first brings the second
    ack_1 = pdu_hex(2, 1, 0, [option("s_10")])
    _, lines = drive(controlled, "configure ack_timeout_ms=5000", "reset", "open", "send hey",
                     "await tx 1", "rx " + ACK, "await tx 2", "rx " + ack_1, "await result 1",
                     "await state 2")
    found = outs(lines)
    assert len(found["tx"]) == 2 and found["tx"][0] != found["tx"][1]
    assert found["state"] == [["-", "opening"], ["-", "opened"]]
    assert found["result"] == [["hey", "ok", "0"]]


def test_message_to_nobody_times_out_alike(drive, controlled):
    _, lines = drive(controlled, "configure ack_timeout_ms=50 max_retry_count=1", "reset", "open",
                     "send hey", "await result 1", "close 2", "await result 2", "await state 3",
                     "state")
    found = outs(lines)
    assert ["hey", "timeout", "-3"] in found["result"]
    assert ["closing", "ok", "0"] in found["result"]
    assert len(found["tx"]) == 2
    assert lines[-1] == "state: ok disposed"  # the linger of these settings is over, too


def test_refusals_are_told_alike(drive, controlled):
    _, lines = drive(controlled, "configure ack_timeout_ms=0 colour=7", "reset", "state", "open",
                     "open", "send a", "send b", "await result 1")
    assert lines[1].endswith("colour=7: ok refused=ack_timeout_ms refused=colour")
    assert "state: refused: no such session" in lines
    told = [line for line in lines if line.startswith("open: ")]
    assert told == ["open: ok", "open: refused: a session of this id is held already, or lingers"]
    assert ["b", "refused", "0"] in outs(lines)["result"]


def test_reset_forgets_alike(drive, controlled):
    _, lines = drive(controlled, "reset", "rx " + FIRST, "await deliver 1", "reset", "state",
                     "rx " + FIRST, "await deliver 1")
    assert "state: refused: no such session" in lines
    assert len(outs(lines)["deliver"]) == 2


def test_peers_are_told_apart(drive, controlled):
    _, lines = drive(controlled, "reset", "rx@P " + FIRST, "await tx 1", "rx@Q " + OTHER,
                     "await tx 2")
    to = [re.search(r"peer=(\S+)", line)[1] for line in lines if line.startswith("  tx")]
    assert to == ["P", "Q"]


# ---- without control, and with control over TCP ----


@pytest.mark.parametrize("network", ["udp", "tcp", "unix"])
def test_bare_peer_echoes_and_cannot_be_told(drive, serve, network, tmp_path):
    where = tmp_path / "s" if network == "unix" else "127.0.0.1:0"
    _, address = serve(f"--{network}", where, "--echo")
    other = "datagram" if network != "udp" else "stream"
    _, lines = drive(address, "hello", f"configure mtu=600 network={other} aftermath=auto", "reset",
                     "rx " + FIRST, "await tx 2", "send x", "state")
    assert lines[1].startswith(f"hello: {address} listen=- control=0")
    assert lines[1].endswith(":" if network == "udp" else ": stream")
    assert lines[2].endswith("ok refused=mtu refused=network")
    sent = [line for line in lines if line.startswith("  tx")]
    assert len(sent) >= 2 and "66727569740000" in sent[1]  # the echo brings "fruit" back
    assert lines[-2:] == [
        f"{what}: unsupported: a bare peer cannot be told to do this: it needs a control channel"
        for what in ("send x", "state")]


def test_control_over_tcp_serves_one_after_another(drive, serve):
    process, address, control = serve("--udp", "127.0.0.1:0", "--control", "tcp:127.0.0.1:0",
                                      lines=2)
    spec = f"{address},control={control}"
    with socket.create_connection(control[4:].rsplit(":", 1)) as busy:
        busy.sendall(b'{"id": 1, "op": "hello", "contract": 1, "clock": "wall"}\n')
        assert b'"listen"' in busy.recv(4096)
        code, lines = drive(spec, limit_ms=2000)  # one at a time
        assert code == 3 and "the control connection was closed" in lines[0]
    _, lines = drive(spec, "reset", "rx " + FIRST, "await deliver 1")
    assert len(outs(lines)["deliver"]) == 1
    assert process.wait(10) == 0  # after bye


def test_bad_line_of_control_is_answered(sipc):
    done = subprocess.run([sipc, "sut", "--udp", "127.0.0.1:0", "--control", "stdio"],
                          input='nonsense\n{"id": 2, "op": "rx", "from": "P", "pdu": ""}\n'
                                '{"id": 3, "op": "bye"}\n',
                          capture_output=True, text=True, timeout=20)
    answers = done.stdout.splitlines()
    assert answers[0].startswith('{"id":null,"ok":false,"error":"not JSON')
    assert answers[1].startswith('{"id":2,"ok":false,"error":"not used on a real network"')
    assert answers[2] == '{"id":3,"ok":true}'
    assert done.returncode == 0


# ---- the reference SUT as a program ----


@pytest.mark.parametrize("arguments, words", [
    ([], "exactly one of --udp, --tcp, --unix, --exec, --so is needed, got 0"),
    (["--udp", "127.0.0.1:0", "--exec"], "is needed, got 2"),
    (["--exec", "--control", "stdio"], "--exec has its own control"),
    (["--so", "x.so", "--control", "stdio"], "--so has its own control"),
    (["--so", "x.so", "--echo"], "--echo is what the engine can do, not a shared object"),
    (["--udp", "nowhere"], '"nowhere" is no address: expected HOST:PORT'),
    (["--udp", "127.0.0.1:0", "--control", "pigeon"], '--control must be stdio or tcp:HOST:PORT'),
    (["--tcp", "127.0.0.1:0", "x"], 'what is "x"?'),
    (["--unix", "/nonexistent/folder/s"], "cannot listen on unix:/nonexistent/folder/s"),
    (["--bogus"], "try --help"),
])
def test_wrong_usage_is_told(sipc, arguments, words):
    done = subprocess.run([sipc, "sut", *arguments], stdin=subprocess.PIPE, capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == 2
    assert words in done.stderr


def test_help_has_examples(sipc):
    done = subprocess.run([sipc, "sut", "--help"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and "examples:" in done.stdout and done.stderr == ""


def test_address_in_use_is_told(sipc, serve):
    _, address = serve("--tcp", "127.0.0.1:0")
    done = subprocess.run([sipc, "sut", "--tcp", address[4:]], capture_output=True, text=True,
                          timeout=20)
    assert done.returncode == 2 and "address already in use" in done.stderr


def test_sigterm_is_a_clean_end(serve, tmp_path):
    process, _ = serve("--unix", tmp_path / "s")
    process.terminate()
    assert process.wait(10) == 0
    assert not (tmp_path / "s").exists()


def test_socket_left_behind_is_taken_over(serve, tmp_path):
    process, _ = serve("--unix", tmp_path / "s")
    process.kill()
    process.wait(10)
    assert (tmp_path / "s").exists()
    _, address = serve("--unix", tmp_path / "s")
    assert address == f"unix:{tmp_path}/s"


def test_end_of_stdin_ends_control(serve):
    process, _ = serve("--udp", "127.0.0.1:0", "--control", "stdio")
    process.stdin.close()
    assert process.wait(10) == 0


# ---- shared objects that break the ABI ----


@pytest.mark.parametrize("how, status, words", [
    ("size", "broken", "struct sipc_sut has 8 bytes"),
    ("version", "broken", "its contract version is 7, this harness has 1"),
    ("no_table", "broken", "sipc_sut_v1 returned NULL"),
    ("no_rx", "broken", "the function `rx` is NULL"),
    ("no_create", "no_start", "`create` returned NULL"),
])
def test_shared_object_that_cannot_be_used_is_told(drive, build_dir, monkeypatch, how, status,
                                                   words):
    monkeypatch.setenv("BAD_SO", how)
    code, lines = drive(f"so:{build_dir}/lib/sut_bad_so.so")
    assert code == 3
    assert lines[0].startswith(f"attach: {status}: ") and words in lines[0]


def test_shared_object_without_the_symbol_is_told(drive, build_dir):
    code, lines = drive(f"so:{build_dir}/lib/sut_no_symbol.so")
    assert code == 3 and "does not export `sipc_sut_v1`" in lines[0]


@pytest.mark.parametrize("how, told", [
    ("odd_result", "rx 00: broken: the function for `rx` returned 42"),
    ("refuses", "rx 00: refused: refused"),
    ("odd_kind", "rx 00: broken: `next_out` after `rx` gave an output of kind 77 (number 0)"),
    ("no_peer", "rx 00: broken: `next_out` after `rx` gave an output of kind 1 (number 0)"),
    ("odd_word", "rx 00: broken: `next_out` after `rx` gave an output of kind 4 (number 0)"),
    ("polite", "rx 00: ok"),
])
def test_shared_object_that_answers_wrongly_is_told(drive, build_dir, monkeypatch, how, told):
    monkeypatch.setenv("BAD_SO", how)
    _, lines = drive(f"so:{build_dir}/lib/sut_bad_so.so", "reset", "rx 00", "rx 00")
    assert lines[2].startswith(told)
    assert lines[3] == lines[2]


def test_shared_object_that_crashes_is_dead_alone(drive, build_dir, monkeypatch):
    monkeypatch.setenv("BAD_SO", "crashes")
    _, lines = drive(f"so:{build_dir}/lib/sut_bad_so.so", "reset", "rx 00", "restart", "reset")
    assert lines[2].startswith("rx 00: dead: the process was killed by signal 6 (Aborted)")
    assert lines[2].endswith("last words on stderr: bad_so: cannot go on")
    assert lines[-2:] == ["restart: ok", "reset: ok"]


def test_shared_object_that_hangs_is_ended(drive, build_dir, monkeypatch):
    monkeypatch.setenv("BAD_SO", "hangs")
    _, lines = drive(f"so:{build_dir}/lib/sut_bad_so.so", "reset", "rx 00", "restart", "reset",
                     limit_ms=1000)
    assert lines[2].startswith("rx 00: hang: the SUT hangs: more than 1000 ms before it answered")
    assert lines[-2:] == ["restart: ok", "reset: ok"]


def test_shared_object_may_write_to_stdout(drive, build_dir, monkeypatch):
    monkeypatch.setenv("BAD_SO", "chatters")
    _, lines = drive(f"so:{build_dir}/lib/sut_bad_so.so", "reset", "rx 00", "rx 00", "stderr")
    assert lines[2:4] == ["rx 00: ok", "rx 00: ok"]
    assert lines[4:6] == ['stderr: {"id": 3, "ok": true}', '{"id": 3, "ok": true}']


def test_shared_object_has_any_name(drive, build_dir, tmp_path):
    path = tmp_path / "it's a \"SUT\" $HOME.so"
    path.symlink_to(build_dir / "lib" / "sut_engine_so.so")
    _, lines = drive(f"so:{path}", "reset")
    assert lines == ["attach: ok", "reset: ok"]


def test_deadlines_without_end_are_told(drive, build_dir, monkeypatch):
    monkeypatch.setenv("BAD_SO", "never_rests")
    _, lines = drive(f"so:{build_dir}/lib/sut_bad_so.so", "reset", "step 10")
    assert lines[2].endswith("5000 deadlines in a row put nothing out (now 5001 ns)")


def test_deadlines_of_a_sut_that_polls_are_no_fault(drive, build_dir, monkeypatch):
    monkeypatch.setenv("BAD_SO", "polls")
    _, lines = drive(f"so:{build_dir}/lib/sut_bad_so.so", "reset", "step 6000", "now")
    assert lines[2:] == ["step 6000: ok", "now: 6000 ms"]


def test_coarse_clock_is_driven_in_whole_ticks(drive, build_dir, monkeypatch):
    monkeypatch.setenv("BAD_SO", "tick")
    _, lines = drive(f"so:{build_dir}/lib/sut_bad_so.so", "reset", "step 10", "now", "step 7",
                     "now")
    assert lines[3] == "now: 14 ms" and lines[5] == "now: 21 ms"


def test_deadline_within_a_tick_is_told(drive, build_dir, monkeypatch):
    monkeypatch.setenv("BAD_SO", "tick_deadline")
    _, lines = drive(f"so:{build_dir}/lib/sut_bad_so.so", "reset")
    assert "8000000 ns, is no whole number of the SUT's own ticks (7000000 ns)" in lines[1]


def test_deadline_that_is_not_ahead_is_told(drive, build_dir, monkeypatch):
    monkeypatch.setenv("BAD_SO", "past_deadline")
    _, lines = drive(f"so:{build_dir}/lib/sut_bad_so.so", "reset")
    assert "the deadline in the response to `reset` must be later than now (0 ns), is 0" in lines[1]


def test_outputs_without_end_are_told(drive, build_dir, monkeypatch):
    monkeypatch.setenv("BAD_SO", "endless")
    _, lines = drive(f"so:{build_dir}/lib/sut_bad_so.so", "reset")
    assert "`next_out` after `reset` has no end" in lines[1]


def test_what_the_abi_leaves_out_is_unsupported(drive, build_dir):
    _, lines = drive(f"so:{build_dir}/lib/sut_bad_so.so", "configure mtu=600 accept=true", "open",
                     "send x", "shutdown", "state")
    assert lines[1] == "configure mtu=600 accept=true: ok refused=mtu refused=accept"
    for line, what in zip(lines[2:5], ("open", "send x", "shutdown"), strict=True):
        assert line == f"{what}: unsupported: unsupported"
    assert lines[5] == "state: broken: `state` gave no state that the contract knows"


def test_lateness_of_the_harness_is_measured(drive, serve):
    _, address = serve("--udp", "127.0.0.1:0")
    _, lines = drive(address, "reset", "nap 60", "step 1", "lateness", "reset", "lateness")
    late = [float(line.split()[1]) for line in lines if line.startswith("lateness")]
    assert late[0] >= 60 and late[1] < late[0]


# ---- the other implementation ----


def test_python_endpoint_is_attached(drive, project_dir):
    program = shlex.join([sys.executable, str(project_dir / "conformance/pyendpoint/run.py")])
    _, lines = drive("exec:" + program, "reset", "rx " + FIRST)
    assert outs(lines)["deliver"] == [["size=5", '"hello"', "fruit=pear"]]
