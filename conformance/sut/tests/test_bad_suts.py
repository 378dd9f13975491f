"""SUTs that misbehave: each gets its status and a message in plain words."""

import pytest

from sut_tools import WHOLE, pdu_hex

FIRST = pdu_hex(1, 0, 0, WHOLE, b"hello")

AT_START = [
    # how it is attached, status, words of the message
    ("exec:/nonexistent/sut", "no_start", ["status 127", "`hello`", "not found"]),
    ("exec:exit 3", "no_start", ["the process ended with status 3", "before it answered `hello`"]),
    ("exec:kill -SEGV $$", "no_start", ["killed by signal 11 (Segmentation fault)"]),
    ("exec:sleep 60", "no_start", ["hangs", "300 ms", "`hello` (request 1)"]),
    ("exec:cat", "broken", ["`ok` is missing", 'the line: {"id":1,"op":"hello"']),
    ("exec:exec 1>&-; sleep 60", "broken", ["closed its stdout", "lives on"]),
    ("so:/nonexistent.so", "no_start", ["cannot be loaded"]),
    ("nonsense:x", "no_start", ['"nonsense:x" is no way to attach', "exec:CMD"]),
    ("engine:x", "no_start", ['nothing may follow "engine"']),
    ("udp:127.0.0.1", "no_start", ['"127.0.0.1" is no address: expected HOST:PORT']),
    ("udp:127.0.0.1:1", "no_start", ["nobody listens at udp:127.0.0.1:1"]),
    ("tcp:127.0.0.1:1", "no_start", ["nobody listens at tcp:127.0.0.1:1"]),
    ("tcp:127.0.0.1:99999", "no_start", ['"127.0.0.1:99999" is no address']),
    ("unix:/nonexistent/s", "no_start", ["nobody listens at unix:/nonexistent/s"]),
    ("unix:/" + "x" * 200, "no_start", ["path of a Unix socket has at most 107 bytes"]),
    ("udp:,control=carrier-pigeon", "no_start", ["control must be exec:CMD or tcp:HOST:PORT"]),
    ("udp:,control=tcp:127.0.0.1:1", "no_start", ["no control connection to 127.0.0.1:1"]),
]


@pytest.mark.parametrize("spec, status, words", AT_START, ids=[row[0][:30] for row in AT_START])
def test_start_that_fails_is_told(drive, spec, status, words):
    code, lines = drive(spec, limit_ms=300)
    assert code == 3
    assert lines[0].startswith(f"attach: {status}: {spec}: ") or spec.startswith("nonsense")
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize(
    "how, status, words",
    [
        ("talks_first", "broken", ["not JSON", "the line: Starting up ..."]),
        ("says_ok_to_all", "broken", ["made-up request", "without `unsupported`"]),
        ("other_contract", "no_start", ["`hello` (contract 1, virtual clock) was refused",
                                        "only contract 7 here"]),
    ],
)
def test_hello_that_is_wrong_is_told(drive, bad_sut, how, status, words):
    code, lines = drive("exec:" + bad_sut(how))
    assert code == 3
    assert lines[0].startswith(f"attach: {status}: ")
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize(
    "how, status, words",
    [
        ("dies", "dead", ["the process ended with status 7 before it answered `rx`",
                          "last words on stderr: out of luck"]),
        ("crashes", "dead", ["signal 11, Segmentation fault", "before it answered `rx`"]),
        ("hangs", "hang", ["more than 1000 ms before it answered `rx`"]),
        ("garbage", "broken", ["not JSON", r"the line: Received a PDU! \x07\xe2\x98\x83"]),
        ("wrong_id", "broken", ["`id` must be 4, the request's, is 5", 'the line: {"id": 5']),
        ("past_deadline", "broken", ["deadline in the response to `rx` must be later than now"]),
        ("no_out", "broken", ["response to `rx`: `out` is missing"]),
        ("event", "broken", ["with the virtual clock all output belongs into `out`"]),
    ],
)
def test_answer_that_is_wrong_is_told_and_stays(drive, bad_sut, how, status, words):
    code, lines = drive("exec:" + bad_sut(how), "reset", "rx 00", "rx 00", "step 10", "restart",
                        "reset", limit_ms=1000)
    assert code == 0
    assert lines[:2] == ["attach: ok", "reset: ok"]
    assert lines[2].startswith(f"rx 00: {status}: ")
    for word in words:
        assert word in lines[2]
    # what failed stays failed, until it is started anew
    assert lines[3] == lines[2]
    assert lines[4] == lines[2].replace("rx 00", "step 10", 1)
    assert lines[5:] == ["restart: ok", "reset: ok"]


def test_answer_that_is_late_but_in_time_is_taken(drive, bad_sut):
    _, lines = drive("exec:" + bad_sut("late"), "reset", "rx 00", limit_ms=5000)
    assert lines[2] == "rx 00: ok"


def test_output_without_a_request_is_told_at_the_next(drive, bad_sut):
    _, lines = drive("exec:" + bad_sut("unasked"), "reset", "rx 00", "rx 00")
    # the second answer may still be on its way when the second request leaves
    assert lines[2] == "rx 00: ok"
    assert lines[3].startswith("rx 00: broken: ")
    assert ("output came without a request; the line: {" in lines[3]
            or "`id` must be 5, the request's, is 4" in lines[3])


def test_line_longer_than_64_mib_is_told(drive, bad_sut):
    _, lines = drive("exec:" + bad_sut("huge"), "reset", "rx 00", limit_ms=60000)
    assert lines[2].startswith("rx 00: broken: a line longer than 64 MiB came; the line: xxx")
    assert len(lines[2]) < 1000


def test_flood_of_outputs_is_told(drive, bad_sut):
    _, lines = drive("exec:" + bad_sut("floods"), "reset", *["rx 00"] * 3, limit_ms=60000)
    told = [line for line in lines if line.startswith("rx 00")]
    assert told[:2] == ["rx 00: ok"] * 2
    assert told[2].startswith("rx 00: broken: the SUT floods: 300000 outputs with 17100000 bytes")


def test_advance_that_is_refused_is_told(drive, bad_sut):
    _, lines = drive("exec:" + bad_sut("refuses_advance"), "reset", "step 10")
    assert lines[2] == "step 10: broken: `advance` to 10000000 ns was refused: not today"


def test_stderr_is_kept_to_its_end(drive, bad_sut):
    _, lines = drive("exec:" + bad_sut("stderr_flood"), "reset", "rx 00", "rx 00", "stderr",
                     "stderr")
    start = lines.index("stderr: [earlier output dropped]")
    kept = lines[start + 1 : -1]
    assert kept[-2:] == ["line 39999", ""]
    assert sum(len(line) + 1 for line in kept) <= 65537
    assert lines[-1] == "stderr: (nothing)"


# ---- on a network ----


def live(bad_sut, how, network):
    return f"{network}:,control=exec:" + bad_sut(how, f"--{network}")


def until(lines, word):
    """The lines from the first that begins so."""
    at = next(i for i, line in enumerate(lines) if line.strip().startswith(word))
    return lines[at:]


def test_half_a_frame_shows_as_partial(drive, bad_sut):
    _, lines = drive(live(bad_sut, "half_frame", "tcp"), "reset", "rx " + FIRST, "await tx 1",
                     "step 100", "partial")
    assert any(line.startswith("  tx peer=P token=0 size=57 0039") for line in lines)
    assert lines[-1] == "partial: 30"


def test_half_a_frame_and_the_end_come_out_as_they_are(drive, bad_sut):
    _, lines = drive(live(bad_sut, "half_frame_eof", "tcp"), "reset", "rx " + FIRST,
                     "await eof 1", "stderr")
    outs = [line for line in lines if line.startswith("  ")]
    assert [out.split(" 00")[0] for out in outs] == [
        "  tx peer=P token=0 size=57", "  tx peer=P token=0 size=30", "  eof peer=P - -"]
    assert "harness: connection of peer P: it ended in the middle of a frame, after 30 bytes" in (
        until(lines, "stderr")[0])


@pytest.mark.parametrize("how, length, sent", [("short_frame", 56, 2), ("long_frame", 65501, 1)])
def test_frame_of_an_impossible_length_is_shown_and_told(drive, bad_sut, how, length, sent):
    _, lines = drive(live(bad_sut, how, "tcp"), "reset", "rx " + FIRST, f"await tx {sent}",
                     "stderr")
    assert any(line.startswith("  tx") and f" {length:04x}" in line for line in lines)
    assert f"a frame of length {length} came, but only 57..65500" in until(lines, "stderr")[0]


def test_stream_that_is_not_read_is_a_hang(drive, bad_sut):
    _, lines = drive(live(bad_sut, "deaf", "tcp"), "reset", "stuff", limit_ms=300)
    assert lines[-1].startswith("stuff: hang: tcp:127.0.0.1:")
    assert "does not read what is sent to it (300 ms)" in lines[-1]


@pytest.mark.parametrize("network", ["tcp", "udp"])
def test_live_process_that_dies_is_dead(drive, bad_sut, network):
    _, lines = drive(live(bad_sut, "dies_live", network), "reset", "rx " + FIRST,
                     *["step 1000"] * 3, "restart", "reset")
    dead = [line for line in lines if ": dead: " in line]
    assert dead and ("the process ended with status 3" in dead[0] or "nobody listens" in dead[0])
    assert lines[-2:] == ["restart: ok", "reset: ok"]


@pytest.mark.parametrize("how, network", [("stream_flood", "tcp"), ("datagram_flood", "udp"),
                                          ("event_flood", "udp")])
def test_live_flood_is_told(drive, bad_sut, how, network):
    _, lines = drive(live(bad_sut, how, network), "reset", "rx " + FIRST, "flood", limit_ms=5000)
    assert "broken: the SUT floods: " in lines[-1]
