"""SUT-CONTRACT.md and the reference SUT say the same: requests, settings, capabilities."""

import json
import re
import subprocess

import pytest


@pytest.fixture(scope="module")
def contract(project_dir):
    return (project_dir / "conformance/sut/SUT-CONTRACT.md").read_text()


@pytest.fixture(scope="module")
def ask(sipc):
    """ask(request, ...) gives the responses of a fresh `sipc sut --exec`."""

    def run(*requests):
        lines = "".join(json.dumps({"id": i, **r}) + "\n" for i, r in enumerate(requests))
        done = subprocess.run([sipc, "sut", "--exec"], input=lines, capture_output=True, text=True,
                              timeout=20, check=True)
        responses = [json.loads(line) for line in done.stdout.splitlines()]
        assert [response["id"] for response in responses] == list(range(len(requests)))
        return responses

    return run


def paragraph(contract, start):
    return contract.split(start, 1)[1].split("\n\n", 1)[0]


def test_every_op_of_the_table_is_known_and_no_other(contract, ask):
    ops = re.findall(r"^\| `(\w+)` \|", paragraph(contract, "| op | fields |"), re.M)
    assert len(ops) == 15
    known = [op for op in ops if not ask({"op": op})[0].get("unsupported")]
    assert [op for op in ops if op not in known] == []
    assert ask({"op": "make_coffee"})[0]["unsupported"] is True


def test_every_setting_is_taken_and_no_other(contract, ask):
    named = paragraph(contract, "**Settings**:").replace("\n", " ")
    names = re.findall(r"\b[a-z]+(?:_[a-z]+)+\b|\b(?:mtu|accept|aftermath|network)\b", named)
    assert len(set(names)) == 20
    values = {"accept": True, "require_first_in_window_group": True, "aftermath": "auto",
              "network": "datagram", "window_id_max": 9000, "group_bytes_max": 5000}
    settings = {name: values.get(name, 600) for name in names}
    response, = ask({"op": "configure", "settings": {**settings, "colour": 1}})
    assert response["refused"] == ["colour"]


def test_capabilities_are_those_of_the_list(contract, ask):
    names = set(re.findall(r"`(\w+)`", paragraph(contract, "## Capabilities\n")))
    response, = ask({"op": "hello", "contract": 1, "clock": "virtual"})
    assert set(response["capabilities"]) == names


def test_example_is_what_a_sut_says(contract, ask):
    lines = [line for line in contract.splitlines() if line[:2] in ("> ", "< ")]
    session = bytes(range(0xA0, 0xC0)).hex()
    whole = [line[2:].replace("a0a1…bf", session) for line in lines]
    requests = [json.loads(line) for line in whole[::2]]
    examples = [json.loads(line) for line in whole[1::2]]
    responses = ask(*[{k: v for k, v in r.items() if k != "id"} for r in requests])
    for example, response in zip(examples[2:], responses[2:], strict=True):
        assert example["ok"] and response["ok"]
        assert example["deadline_ns"] == response["deadline_ns"]
        kinds = [sorted(out) for out in example["out"]]
        assert sorted(kinds) == sorted(sorted(out) for out in response["out"])
