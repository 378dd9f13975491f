"""Dictionaries of targets: as libFuzzer and AFL++ read them, and as the sources have the words."""

import re
import subprocess

import pytest

ENTRY = re.compile(r'"((?:[^"\\]|\\x[0-9a-f]{2})+)"')


@pytest.fixture
def dictionaries(project_dir):
    found = sorted((project_dir / "fuzz" / "dictionaries").glob("*.dict"))
    assert len(found) >= 6
    return {path.stem: path.read_text("ascii") for path in found}


def words(text):
    found = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            match = ENTRY.fullmatch(line)
            assert match, line
            found.append(re.sub(r"\\x(..)", lambda m: chr(int(m.group(1), 16)), match.group(1)))
    return found


def test_each_is_of_a_target_and_each_line_is_a_word(dictionaries, project_dir):
    for name, text in dictionaries.items():
        assert (project_dir / "fuzz" / "targets" / f"{name}.c").is_file()
        assert len(words(text)) == len(set(words(text))) > 30, name


def test_they_are_what_the_sources_say(project_dir):
    command = ["/usr/bin/python3", project_dir / "fuzz" / "make_dictionaries.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_all_known_options_are_among_the_words(dictionaries, project_dir):
    rules = (project_dir / "conformance" / "RULES.md").read_text("utf-8")
    row = next(line for line in rules.splitlines() if line.startswith("| OPT-3 |"))
    names = [name for name in re.findall(r"`(s_\w+)`", row)]
    assert len(names) == 10
    for target in ("fuzz_options", "fuzz_pdu_decode"):
        assert set(names) <= set(words(dictionaries[target]))


def test_all_words_of_a_shipped_script_are_among_the_words(dictionaries, project_dir):
    for target, folder in (("fuzz_script", "conformance/suite/wid"), ("fuzz_scenario", "simnet")):
        known = set(words(dictionaries[target]))
        used = set()
        for path in sorted((project_dir / folder).rglob("*.sx")):
            for line in path.read_text("utf-8").splitlines():
                used |= set(re.findall(r"^([a-z_]+) ", line))
        unknown = used - known - set(words(dictionaries["fuzz_script"]))
        assert len(used) > 5 and not unknown, unknown
