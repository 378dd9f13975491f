"""Each oracle of two endpoints can break: an engine with one fault in it, and what is said of it.
Those of one endpoint, and of the relations, are planted in its target (sipc_fuzz_planted)."""

import os
import subprocess

import pytest


@pytest.fixture
def broken_by(build_dir, project_dir):
    """What is said of a pair of it over the corpus."""

    def run(path, **environment):
        replay = build_dir / "bin" / "replay_fuzz_pair"
        corpus = project_dir / "fuzz" / "corpus" / "fuzz_pair"
        text = {"capture_output": True, "text": True, "env": {**os.environ, **environment}}
        return subprocess.run([replay, f"--sut=so:{path}", "--all", corpus], **text).stderr

    return run


@pytest.mark.parametrize(
    "mutant, rule, text",
    [
        ("delivers_short_messages_twice", "RCV-9", "a message is handed over once"),
        ("delivers_a_repeated_window_again", "RCV-9", "what is handed over was sent so"),
        ("tells_no_end_of_a_send_by_the_peers_close", "SND-11", "every operation has ended"),
    ],
)
def test_a_pair_with_one_fault_then_named(broken_by, build_dir, mutant, rule, text):
    said = broken_by(build_dir / "conformance" / "mutants" / f"{mutant}.so")
    assert f"oracle broken: [{rule}] {rule}: {text}" in said


@pytest.mark.parametrize(
    "how, rule, text",
    [
        ("end twice", "SND-11", "an operation ends once"),
        ("all is well", "SND-11", "what is reported sent was handed over"),
    ],
)
def test_a_pair_that_says_what_is_not_so_then_named(broken_by, build_dir, how, rule, text):
    said = broken_by(build_dir / "lib" / "fuzz_misbehaving.so", MISBEHAVES=how)
    assert f"oracle broken: [{rule}] {rule}: {text}" in said
