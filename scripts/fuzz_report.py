"""What a fuzzing run found, for machines: JUnit, and SARIF for viewers of code scanning."""

import json
import re
import xml.etree.ElementTree as xml

from rule_registry import read_rules
from source_tree import ROOT

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
NO_RULE = "What is no rule's matter: a crash, undefined behaviour, or a gate of the run itself."
SPOT = re.compile(r"((?:fuzz|engine|conformance|simnet|pcap-tools)/[\w./-]+\.[ch]):(\d+)")


def write(folder, stage, results):
    """STAGE.xml and STAGE.sarif of [(target, [(rule, text)], seconds)]; 1 if anything is wrong."""
    suite = xml.Element("testsuite", name=stage, tests=str(len(results)))
    for name, wrong, seconds in results:
        about = {"classname": stage, "name": name, "time": f"{seconds:.1f}"}
        case = xml.SubElement(suite, "testcase", about)
        for rule, text in wrong:
            xml.SubElement(case, "failure", type=rule, message=text)
    bad = sum(bool(wrong) for _, wrong, _ in results)
    suite.set("failures", str(bad))
    xml.ElementTree(suite).write(folder / f"{stage}.xml", encoding="utf-8", xml_declaration=True)
    found = [(name, rule, text) for name, wrong, _ in results for rule, text in wrong]
    (folder / f"{stage}.sarif").write_text(json.dumps(sarif(found), indent=1) + "\n", "utf-8")
    return 1 if bad else 0


def sarif(found):
    """[(target, rule, text)] as a log of one run."""
    ids = sorted({rule for _, rule, _ in found})
    sentences = {rule: about["sentence"] for rule, about in read_rules(ROOT).items()}
    driver = {
        "name": "sipc fuzz",
        "rules": [descriptor(rule, sentences.get(rule, NO_RULE)) for rule in ids],
    }
    results = [result(ids.index(rule), *entry) for entry in found for rule in [entry[1]]]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def descriptor(rule, sentence):
    why = f"`sipc conform explain {rule}` tells why; conformance/RULES.md has all rules."
    return {
        "id": rule,
        "shortDescription": {"text": sentence},
        "fullDescription": {"text": sentence},
        "help": {"text": NO_RULE if sentence == NO_RULE else f"{rule}: {sentence}. {why}"},
        "defaultConfiguration": {"level": "error"},
    }


def result(index, name, rule, text):
    """Where the text names a line of the project it stands there, else at the target."""
    spot = SPOT.search(text)
    path, line = spot.groups() if spot else (f"fuzz/targets/{name}.c", 1)
    place = {
        "artifactLocation": {"uri": path, "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": int(line)},
    }
    return {
        "ruleId": rule,
        "ruleIndex": index,
        "level": "error",
        "message": {"text": f"{name}: {text}"},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"targetAndRule/v1": f"{name}:{rule}"},
    }
