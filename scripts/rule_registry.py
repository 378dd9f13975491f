"""The rules of the protocol as the engine knows them, for scripts that name one."""

import re

REGISTRY = "engine/include/sipc/rules.def"

RULE_ROW = re.compile(
    r'^SIPC_RULE\((\w+), "([^"]+)", SIPC_(MUST|ADVISORY), ([A-Z_| ]+),\s*((?:"[^\n]*"\s*)+)\)', re.M
)


def read_rules(root):
    """The rules in order: id -> {"level", "roles", "sentence"}."""
    rules = {}
    text = (root / REGISTRY).read_text(encoding="utf-8")
    for name, rule_id, level, roles, sentence in RULE_ROW.findall(text):
        if name != rule_id.replace("-", "_"):
            raise SystemExit(f"{REGISTRY}: {name} has the id {rule_id}")
        if rule_id in rules:
            raise SystemExit(f"{REGISTRY}: {rule_id} stands twice")
        rules[rule_id] = {
            "level": level,
            "roles": [role.strip().removeprefix("SIPC_").lower() for role in roles.split("|")],
            "sentence": "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', sentence)),
        }
    if not rules or len(rules) != text.count("\nSIPC_RULE("):
        raise SystemExit(f"{REGISTRY}: a row that cannot be read")
    return rules
