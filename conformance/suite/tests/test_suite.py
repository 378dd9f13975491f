"""The shipped cases: filed where they belong, and passed by both implementations of the protocol.

Whether each rule has a case is the ledger's affair (scripts/ledger).
"""

import json
import re
import subprocess

import pytest

PYTHON_ENDPOINT = "exec:/usr/bin/python3 conformance/pyendpoint/run.py"


@pytest.fixture(scope="module")
def sipc(build_dir, project_dir):
    """Runs a command of sipc from the project's folder."""

    def run(*args):
        return subprocess.run(
            [build_dir / "bin" / "sipc", *args],
            cwd=project_dir,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


def scripts(project_dir):
    return sorted((project_dir / "conformance" / "suite").glob("*/*.sx"))


def test_case_files_when_read_then_named_after_their_rule(project_dir):
    for path in scripts(project_dir):
        text = path.read_text()
        rule = re.match(r"[A-Z]+-\d+a?(?=-)", path.stem)
        assert rule, f"{path}: the name does not begin with a rule"
        assert path.parent.name == rule[0].split("-")[0].lower(), f"{path}: wrong folder"
        assert re.search(rf"^rules +{rule[0]}\b", text, re.M), f"{path}: not about {rule[0]}"
        assert text.startswith("# "), f"{path}: no story"


def test_suite_when_counted_then_covers_every_area_well(project_dir):
    areas = {}
    for path in scripts(project_dir):
        areas[path.parent.name] = areas.get(path.parent.name, 0) + 1
    few = {"err", "faf", "stm", "lnk", "idl", "end"}
    many = {"wire", "opt", "wid", "seq", "rcv", "ack", "grp", "snd", "rty", "prt", "opn", "cls"}
    assert set(areas) == few | many
    assert all(areas[name] >= 5 for name in many)


@pytest.mark.parametrize("spec", ["engine", PYTHON_ENDPOINT], ids=["engine", "python"])
def test_suite_when_run_on_an_implementation_then_all_pass(sipc, tmp_path, spec):
    log = tmp_path / "cases.jsonl"
    run = sipc("conform", "run", spec, "--jsonl", str(log))
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    cases = [entry for entry in entries if entry["type"] == "case"]
    # The end of a live connection is all that cannot be seen in virtual time.
    expected = {"WIRE-3-ends-a-stream-it-cannot-follow": "unsupported"}
    wrong = [c for c in cases if c["verdict"] != expected.get(c["id"], "pass")]
    assert not wrong, "\n".join(f"{c['verdict']} {c['name']}: {c.get('reason')}" for c in wrong)
    assert run.returncode == 0, run.stdout + run.stderr
    assert len(cases) > 400
