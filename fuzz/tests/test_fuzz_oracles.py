"""Each oracle of two endpoints can break: an engine with one fault in it, and what is said of it.
Those of one endpoint, and of the relations, are planted in its target (sipc_fuzz_planted)."""

import subprocess

import pytest


@pytest.mark.parametrize(
    "mutant, rule, text",
    [
        ("delivers_short_messages_twice", "RCV-9", "a message is handed over once"),
        ("delivers_a_repeated_window_again", "RCV-9", "what is handed over was sent so"),
        ("tells_no_end_of_a_send_by_the_peers_close", "SND-11", "every operation has ended"),
    ],
)
def test_a_pair_with_one_fault_then_named(build_dir, project_dir, mutant, rule, text):
    replay = build_dir / "bin" / "replay_fuzz_pair"
    broken = f"--sut=so:{build_dir}/conformance/mutants/{mutant}.so"
    corpus = project_dir / "fuzz" / "corpus" / "fuzz_pair"
    done = subprocess.run([replay, broken, "--all", corpus], capture_output=True, text=True)
    assert f"oracle broken: [{rule}] {rule}: {text}" in done.stderr
