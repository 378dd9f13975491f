"""Holds the rules document and the registry of rules together."""

import re

import pytest

ROW = re.compile(r"^\| ([A-Z]+-\d+a?) \| ([RSE ]+) \| ([MA]) \| (.+) \| ([SWD ]+) \|$", re.M)
ROLES = {"R": "receiver", "S": "sender", "E": "endpoint"}


@pytest.fixture(scope="module")
def document(project_dir):
    return (project_dir / "conformance" / "RULES.md").read_text(encoding="utf-8")


def test_every_row_of_the_document_is_understood(document):
    written = re.findall(r"^\| ([A-Z]+-\d+\w*)", document, re.M)
    assert [row[0] for row in ROW.findall(document)] == written
    assert len(written) > 100


def test_document_and_registry_have_the_same_rules(document, registry):
    rows = [
        (rule_id, "MUST" if level == "M" else "ADVISORY", [ROLES[who] for who in roles.split()])
        for rule_id, roles, level, _, _ in ROW.findall(document)
    ]
    assert rows == [(i, rule["level"], rule["roles"]) for i, rule in registry.items()]


def test_every_rule_says_why_in_the_order_of_the_tables(document, registry):
    why = document.split("\n## Why\n")[1]
    sections = re.split(r"^### (.+)$", why, flags=re.M)[1:]
    assert sections[::2] == list(registry)
    short = [i for i, text in zip(sections[::2], sections[1::2]) if len(text.split()) < 6]
    assert not short


def test_advisory_parts_follow_their_rule_and_are_advisory(registry):
    ids = list(registry)
    for before, rule_id in zip(ids, ids[1:]):
        if rule_id.endswith("a"):
            assert before == rule_id[:-1]
            assert registry[rule_id]["level"] == "ADVISORY"


def mentions(registry, text):
    families = "|".join({rule_id.split("-")[0] for rule_id in registry})
    return re.findall(rf"\b(?:{families})-\d+a?\b", text)


def test_sentences_stand_alone(registry):
    for rule_id, rule in registry.items():
        sentence = rule["sentence"]
        assert re.fullmatch(r"\S.*[^.]\.", sentence), f"{rule_id}: one sentence, with its period"
        assert not re.search(r"[`*|]", sentence), f"{rule_id}: Markdown"
        assert not mentions(registry, sentence), f"{rule_id}: needs another rule to be understood"
        assert len(sentence) < 300, f"{rule_id}: too long for a message"


def test_rules_named_in_the_document_exist(document, registry):
    assert set(mentions(registry, document)) == set(registry)
