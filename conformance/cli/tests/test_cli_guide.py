"""What the guide and the examples for continuous integration tell users to type is there, and does
what they say of it.

SPDX-License-Identifier: MIT
"""

import re

import pytest

from cli_tools import fake

EXAMPLES = ["github-actions.yml", "gitlab-ci.yml"]


@pytest.fixture(scope="module")
def guide(project_dir):
    folder = project_dir / "conformance"
    return {path.name if path.parent.name != "templates" else "templates": path.read_text()
            for path in (folder / "GUIDE.md", folder / "sut" / "templates" / "README.md",
                         folder / "ci" / EXAMPLES[0], folder / "ci" / EXAMPLES[1])}


def commands_of(text):
    """Each `sipc ...` that is shown, as words, without quotes."""
    begin = r"(?:^\s*(?:- )?(?:run: )?|`|-q |--args )(?:\S*/)?"
    shown = re.findall(begin + r"sipc ((?:conform|sut) [^`\n]+)", text, re.M)
    return [re.sub("[\"']", "", line).split() for line in shown]


def test_commands_and_options_of_the_guide_exist(sipc, guide):
    seen = set()
    for text in guide.values():
        for words in commands_of(text):
            command = words[:2] if words[0] == "conform" else words[:1]
            seen.add(" ".join(command))
            known = sipc(*command, "--help")
            assert known.code == 0, words
            for word in words:
                if word.startswith("--"):
                    assert re.search(rf"^ .*{word}\b", known.out, re.M), (command, word)
    assert seen >= {"conform run", "conform check-adapter", "conform explain", "conform diff",
                    "conform matrix", "sut"}


def test_links_of_the_guide_lead_somewhere(project_dir):
    for path in (project_dir / "conformance" / "GUIDE.md",
                 project_dir / "conformance" / "sut" / "templates" / "README.md"):
        links = re.findall(r"\]\(([^)#]+)\)", path.read_text())
        assert links and all((path.parent / link).exists() for link in links)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_fails_on_nonconformance(sipc, guide, tmp_path, suite, name):
    run = [words for words in commands_of(guide[name]) if words[:2] == ["conform", "run"]]
    assert len(run) == 1 and run[0][2] == "$SUT"
    (tmp_path / "known-failures.txt").touch()
    for mode, code in (("silent", 1), ("other", 3), ("bare", 1)):
        result = sipc("conform", "run", fake(mode), *run[0][3:], suite, cwd=tmp_path)
        assert result.code == code, result
        assert (tmp_path / "results" / "junit.xml").stat().st_size > 0


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_installs_and_builds_as_the_project_does(guide, project_dir, name):
    text = guide[name]
    assert "sipc/scripts/setup run" in text
    assert "cmake --preset release" in text and "cmake --build --preset release" in text
    assert (project_dir / "scripts" / "setup").exists()
