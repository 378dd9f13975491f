"""`sipc conform check-adapter`: good adapters pass, a fault of a bad one is named with advice."""

import json
import re
import shlex
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def check(sipc):
    """check(spec, ...) returns (exit code, {check: (verdict, text)}, all of stdout)."""

    def run(spec, *arguments):
        done = subprocess.run([sipc, "conform", "check-adapter", spec, *arguments],
                              capture_output=True, text=True, timeout=120)
        assert "Sanitizer" not in done.stderr, done.stderr
        found = {}
        for line in done.stdout.splitlines():
            if told := re.match(r"(ok|FAIL|slow|-)\s+([^:]+): (.*)", line):
                found[told[2]] = told[1], told[3]
        return done.returncode, found, done.stdout

    return run




@pytest.fixture
def good(sipc, build_dir, project_dir, tmp_path):
    """Adapters that have no fault, by name."""
    templates = project_dir / "conformance/sut/templates"
    program = str(sipc)
    return {
        "engine": "engine",
        "so": f"so:{build_dir}/lib/sut_engine_so.so",
        "exec": f"exec:{program} sut --exec",
        "python": f"exec:{sys.executable} {project_dir}/conformance/pyendpoint/run.py",
        "template in C": f"so:{build_dir}/lib/sut_template.so",
        "template in Python": f"exec:{sys.executable} {templates}/adapter.py",
        "template in JavaScript": f"exec:node {templates}/adapter.js {program}",
        "udp": f"udp:,control=exec:{program} sut --udp 127.0.0.1:0 --control stdio",
        "tcp": f"tcp:,control=exec:{program} sut --tcp 127.0.0.1:0 --control stdio",
        "unix": f"unix:,control=exec:{program} sut --unix {tmp_path}/s --control stdio",
    }


NAMES = ["engine", "so", "exec", "python", "template in C", "template in Python",
         pytest.param("template in JavaScript", marks=pytest.mark.slow), "udp", "tcp", "unix"]


@pytest.mark.parametrize("name", NAMES)
def test_good_adapter_passes(check, good, name):
    code, found, text = check(good[name])
    assert code == 0, text
    assert found["first PDU"] == ("ok", "acked and delivered")
    assert found["reset"][0] == "ok"
    assert found["send"] == ("ok", "left, and timed out as it should")
    assert re.search(r": \d+ checks, 0 failed$", text.strip())


@pytest.mark.parametrize("network", ["udp", "tcp", "unix"])
def test_bare_peer_passes(check, sipc, network, tmp_path):
    where = str(tmp_path / "s") if network == "unix" else "127.0.0.1:0"
    process = subprocess.Popen([sipc, "sut", f"--{network}", where], stderr=subprocess.PIPE,
                               text=True)
    try:
        address = process.stderr.readline().split(" on ")[1].strip()
        code, found, text = check(address)
        assert code == 0, text
        assert found["first PDU"] == ("ok", "acked")
        assert found["reset"] == ("-", "a bare peer cannot be reset")
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_templates_are_short(project_dir):
    for name in ("adapter.c", "adapter.py", "adapter.js"):
        text = (project_dir / "conformance/sut/templates" / name).read_text()
        assert text.count("\n") <= 150, name


def test_json_says_the_same(check, good):
    code, _, text = check(good["exec"], "--json")
    told = json.loads(text)
    assert code == 0 and told["failed"] == 0 and told["spec"] == good["exec"]
    assert {item["verdict"] for item in told["checks"]} == {"ok"}
    assert "bye" in [item["check"] for item in told["checks"]]


# An adapter that is right in all that lines can show, and can be broken in one place: `CHANGE` sees
# the request and the response before it is sent.
ADAPTER = """
import json, sys
sys.path.insert(0, {folder!r})
from scalableipc_endpoint import Endpoint
endpoint = Endpoint()
for line in sys.stdin:
    try:
        q = json.loads(line)
        r = {handle}
    except ValueError:
        q = {{}}
        r = {{"id": None, "ok": False, "error": "not JSON", "out": [], "deadline_ns": None}}
    op = q.get("op")
    {change}
    print(json.dumps(r), flush=True)
    if op == "bye":
        {end}
"""

def broken(project_dir, change="0", handle="endpoint.handle(q)", end="break"):
    """The spec of that adapter, broken in one place."""
    folder = str(project_dir / "conformance/pyendpoint")
    script = ADAPTER.format(folder=folder, change=change, handle=handle, end=end)
    return "exec:" + shlex.join([sys.executable, "-c", script])


FAULTS = [
    # the fault, the change, the check that finds it, words of what it says, words of its advice
    ("id is not echoed", "r['id'] = 1", "hello of another contract", "`id` must be 2", "copy `id`"),
    ("id as number only", "r['id'] = 6 if q.get('id') == 'six' else r['id']", "id that is text",
     '`id` must be "six"', "number or text"),
    ("no deadline", "del r['deadline_ns']", "hello", "`deadline_ns` is missing", "later than now"),
    ("no out on failure", "None if r['ok'] else r.pop('out')", "hello of another contract",
     "`out` is missing", "failed ones too"),
    ("deadline in the past", "r['deadline_ns'] = 0 if op == 'reset' else r['deadline_ns']",
     "id that is text", "`deadline_ns` must be 1..", "later than now"),
    ("failure without error", "r.pop('error', 0)", "hello of another contract",
     "`error` is missing", "failed ones `error`"),
    ("any contract will do", "r['ok'] = True", "hello of another contract", "`ok` must be false",
     "refuse a contract number"),
    ("takes made-up requests", "r.update(ok=True) if op == 'make_coffee' else 0", "made-up request",
     "`ok` must be false", "unsupported"),
    ("does not say unsupported", "r.pop('unsupported', 0)", "made-up request",
     "`unsupported` must be true", "instead of failed"),
    ("hello lacks its name", "r.pop('name', 0)", "hello", "`name` is missing", "name, version"),
    ("refuses unknown fields", "r.update(ok=False, error='what is later?') if 'later' in q else 0",
     "unknown fields", "but: what is later?", "ignore fields"),
    ("takes a request without a field", "r.update(ok=True) if q.get('id') == 9 else 0",
     "request that lacks a field", "`ok` must be false", "names the field"),
    ("prints on stdout", "print('got', op)", "hello", "not JSON", "logs belong on stderr"),
    ("dies of a line that is no JSON", "q['op']", "line that is not JSON",
     "the process ended with status 1", "one line on stdout"),
    ("does not refuse settings", "r.pop('refused', 0)", "configure",
     "was not listed in `refused`", "unsupported instead of failed"),
    ("answers garbage", "r['out'] = [{'tx': '00', 'to': 'P', 'token': 1}] if q.get('pdu') == '00' "
     "else r['out']", "garbage", "bytes that are no PDU made it send", "discarded"),
    ("tx without its peer", "[o.pop('to') for o in r['out'] if 'tx' in o]", "first PDU",
     "`to` is missing", "SUT-CONTRACT.md"),
    ("tx to somebody else", "[o.update(to='Z') for o in r['out'] if 'tx' in o]", "first PDU",
     'went to "Z"', "`from` of `rx`"),
    ("half a tx", "[o.update(tx=o['tx'][:80]) for o in r['out'] if 'tx' in o]", "first PDU",
     "is no data_ack PDU", "one whole PDU"),
    ("swallows tx", "r['out'] = [o for o in r['out'] if 'tx' not in o]", "first PDU",
     "was not acked", "pass the bytes"),
    ("swallows deliveries", "r['out'] = [o for o in r['out'] if 'deliver' not in o]", "first PDU",
     "nothing was delivered", "put out `deliver`"),
    ("delivers other data",
     "[o['deliver'].update(data='AAAA') for o in r['out'] if 'deliver' in o]", "first PDU",
     "holds 3 bytes", "base64"),
    ("tokens go on", "globals().setdefault('n', []); [(n.append(1), o.update(token=len(n))) "
     "for o in r['out'] if 'tx' in o]", "reset", "tokens restart", "tokens restart"),
    ("labels get lost", "[o['result'].update(label='x') for o in r['out'] if 'result' in o]",
     "send", 'labelled "x"', "`label` of `result`"),
    ("results get lost", "r['out'] = [o for o in r['out'] if 'result' not in o]", "send",
     "had no result", "`advance`"),
    ("open twice is fine", "r.update(ok=True) if op == 'open' else 0", "requests that fail",
     "`open` was answered with ok", "held already"),
    ("made-up tokens are fine", "r.update(ok=True) if op == 'sent' else 0", "aftermath",
     "`sent` was answered with ok", "token that was never given"),
]


@pytest.mark.parametrize("change, where, words, advice", [row[1:] for row in FAULTS],
                         ids=[row[0] for row in FAULTS])
def test_fault_is_named_with_advice(check, project_dir, change, where, words, advice):
    code, found, text = check(broken(project_dir, change))
    assert code == 3, text
    assert found[where][0] == "FAIL", text
    said = re.search(rf"FAIL  {where}: (.*)\n      -> (.*)", text)
    assert words in said[1] or words in said[2], text
    assert advice in said[2], text


def test_reset_that_does_nothing_is_told(check, project_dir):
    handle = ("endpoint.handle(q if q['op'] != 'reset' or not endpoint.sessions else "
              "{'op': 'configure', 'id': q['id'], 'settings': {}})")
    code, found, _ = check(broken(project_dir, handle=handle))
    assert code == 3
    assert found["reset"] == ("FAIL", "`state` was answered with ok")


@pytest.mark.parametrize("end, words", [
    ("sys.exit(5)", "ended with status 5"),
    ("import time; time.sleep(60)", "did not end by itself"),
])
def test_end_after_bye_is_checked(check, project_dir, end, words):
    code, found, _ = check(broken(project_dir, end=end))
    assert code == 3
    assert found["bye"] == ("FAIL", words)


def test_slow_adapter_is_told(check, project_dir):
    change = "import time; time.sleep(1.2 if q.get('id') == 5 and op == 'configure' else 0)"
    code, found, text = check(broken(project_dir, change))
    assert code == 0
    assert found["time"][0] == "slow" and "a run asks thousands of times" in text


def test_adapter_may_take_its_time_to_start(check, project_dir):
    change = "import time; time.sleep(1.2 if q.get('id') == 1 and op == 'hello' else 0)"
    code, found, _ = check(broken(project_dir, change))
    assert code == 0 and "(hello)" not in found["time"][1]


def test_adapter_that_hangs_is_told(check, project_dir):
    change = "import time; time.sleep(60 if op == 'rx' else 0)"
    code, found, text = check(broken(project_dir, change), "--limit", "1000")
    assert code == 3
    assert "more than 1000 ms before it answered" in found["request that lacks a field"][1]


def test_adapter_that_does_not_start_is_told(check):
    code, found, text = check("exec:/nonexistent/adapter")
    assert code == 3
    assert "status 127" in found["hello"][1] and "not found" in text


@pytest.mark.parametrize("arguments", [[], ["engine", "more"], ["engine", "--limit", "0"],
                                       ["engine", "--limit", "x"], ["engine", "--bogus"]])
def test_wrong_usage_is_told(sipc, arguments):
    done = subprocess.run([sipc, "conform", "check-adapter", *arguments], capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == 2 and done.stderr


def test_help_has_examples(sipc):
    done = subprocess.run([sipc, "conform", "check-adapter", "--help"], capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == 0 and "examples:" in done.stdout
