"""One suite, one verdict: whatever way an implementation is attached, every case says the same of
it. A case may say nothing where the way cannot show what it looks at; then it says just that, and
which cases those are follows from what their scripts need.

SPDX-License-Identifier: MIT
"""

import json
import re
import subprocess
from collections import Counter

import pytest

# Why a case may be unsupported: what its script needs, and the sentence that says so.
CAPABILITY = "needs the capability {}"
REASONS = {
    "aftermath": CAPABILITY, "state": CAPABILITY, "dispose": CAPABILITY, "shutdown": CAPABILITY,
    "send_unreliable": CAPABILITY, "preset": CAPABILITY,
    # clocks
    "eof": "needs a live connection to see its end",
    # networks
    "stream": "needs a stream network, the SUT is on a datagram network",
    "datagram": "needs a datagram network, the SUT is on a stream network",
}

# The ways, and what cannot be shown with each, in the order in which it is looked for. The template
# of an adapter leaves out what an implementation need not offer; with a live network the aftermath
# is the network's own.
TEMPLATE = ["aftermath", "state", "dispose", "shutdown", "send_unreliable", "preset"]
LIVE = "{network}:,control=exec:{sipc} sut --{network} {address} --control stdio"
WAYS = {
    "exec": ("exec:{sipc} sut --exec", ["eof"]),
    "so": ("so:{build}/lib/sut_engine_so.so", ["eof"]),
    "template": ("so:{build}/lib/sut_template.so", [*TEMPLATE, "eof"]),
}
JAVASCRIPT = "exec:node {templates}/adapter.js {sipc}"
LIVE_WAYS = {
    "udp": (LIVE, ["aftermath", "stream"]),
    "tcp": (LIVE, ["aftermath", "datagram"]),
    "unix": (LIVE, ["aftermath", "datagram"]),
}


@pytest.fixture(scope="module")
def judge(build_dir, tmp_path_factory):
    """judge(spec): what a run of the whole suite says, by case."""
    folder = tmp_path_factory.mktemp("parity")

    def run(spec):
        done = subprocess.run([build_dir / "bin" / "sipc", "conform", "run", spec, "--jsonl",
                               folder / "r.jsonl"], text=True, capture_output=True, timeout=600,
                              check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = map(json.loads, (folder / "r.jsonl").read_text().splitlines())
        return {line["name"]: line for line in lines if line["type"] == "case"}

    return run


@pytest.fixture(scope="module")
def of_engine(judge):
    return judge("engine")


@pytest.fixture(scope="module")
def needs(build_dir):
    """What each case needs: the words of its script, and eof where it waits for that."""
    done = subprocess.run([build_dir / "bin" / "sipc", "conform", "list", "--json"], text=True,
                          capture_output=True, timeout=60, check=True)
    found = {}
    for case in json.loads(done.stdout):
        with open(case["path"], encoding="utf-8") as script:
            eof = ["eof"] if re.search(r"^\s*eof\b", script.read(), re.M) else []
        found[case["name"]] = case["needs"] + eof
    return found


def expected_reasons(needs, lacking):
    """By case: the reason of those that need what is lacking. Networks are looked at last."""
    def first(words):
        capabilities = [word for word in words if REASONS[word] == CAPABILITY]
        return (capabilities + [word for word in words if word not in capabilities])[0]

    reasons = {}
    for name, words in needs.items():
        missing = [word for word in words if word in lacking]
        if missing:
            reasons[name] = REASONS[first(missing)].format(first(missing))
    return reasons


def check(of_engine, needs, cases, lacking):
    reasons = {name: case["reason"] for name, case in cases.items()
               if case["verdict"] == "unsupported"}
    expected = expected_reasons(needs, lacking)
    assert Counter(reasons.values()) == Counter(expected.values())
    assert reasons == expected
    assert {word for word in lacking if any(word in words for words in needs.values())} == \
        set(lacking), "something is said to be lacking that no case needs"

    unshown = {name for name, case in of_engine.items() if case["verdict"] == "unsupported"}
    assert list(cases) == list(of_engine) == list(needs)
    differing = {
        name: (of_engine[name]["verdict"], case["verdict"], case.get("reason"))
        for name, case in cases.items()
        if name not in reasons
        and case["verdict"] != ("pass" if name in unshown else of_engine[name]["verdict"])
    }
    assert differing == {}


def test_engine_itself(of_engine, needs):
    check(of_engine, needs, of_engine, ["eof"])


@pytest.mark.parametrize("way", WAYS)
def test_same_verdicts_in_virtual_time(judge, of_engine, needs, build_dir, way):
    spec, lacking = WAYS[way]
    spec = spec.format(sipc=build_dir / "bin" / "sipc", build=build_dir)
    check(of_engine, needs, judge(spec), lacking)


@pytest.mark.slow
def test_same_verdicts_of_the_template_in_javascript(judge, of_engine, needs, build_dir,
                                                     project_dir):
    spec = JAVASCRIPT.format(sipc=build_dir / "bin" / "sipc",
                             templates=project_dir / "conformance" / "sut" / "templates")
    check(of_engine, needs, judge(spec), [*TEMPLATE, "eof"])


@pytest.mark.slow
@pytest.mark.parametrize("network", LIVE_WAYS)
def test_same_verdicts_live(judge, of_engine, needs, build_dir, tmp_path, network):
    spec, lacking = LIVE_WAYS[network]
    address = f"{tmp_path}/$$" if network == "unix" else "127.0.0.1:0"
    spec = spec.format(network=network, sipc=build_dir / "bin" / "sipc", address=address)
    check(of_engine, needs, judge(spec), lacking)
