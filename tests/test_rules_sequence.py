"""A rule that looks at other rules: what it may name, and that it is another rule when one of those is."""

from __future__ import annotations

import json
from typing import Any

import beffroi
import pytest

GATE = {"name": "gate", "type": "line_crossing", "line": "gate"}
BIN = {"name": "bin", "type": "state", "signal": "bin", "is": "full"}
COUNT = {"name": "count", "type": "line_count", "line": "gate"}
OFF = {"name": "off", "type": "line_crossing", "line": "gate", "enabled": False}
PAIR = {"name": "pair", "type": "sequence", "steps": ["gate", "gate"], "within": "3s", "same_subject": False}


def check(*rules: dict[str, Any]) -> list[dict[str, Any]]:
    lines = {"gate": [[0.2, 0.5], [0.8, 0.5]]}
    told: list[dict[str, Any]] = beffroi.check(json.dumps({"lines": lines, "rules": list(rules)}))
    return told


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (
        {"steps": ["gate", "gaet"]},
        "rules[0].steps[1]",
        "no rule is named `gaet`; the view has: gate, bin, off",
    ),
    ({"steps": ["gate", "off"]}, "rules[0].steps[1]", "`off` is switched off and could never start"),
    (
        {"steps": ["count", "gate"]},
        "rules[0].steps[0]",
        "`count` counts and never starts: name a rule that alerts",
    ),
    (
        {"steps": ["gate", "pair"]},
        "rules[0].steps[1]",
        "`pair` looks at other rules itself; only rules that do not can be named",
    ),
    (
        {"steps": ["gate", "s"]},
        "rules[0].steps[1]",
        "`s` looks at other rules itself; only rules that do not can be named",
    ),
    ({"steps": ["gate"]}, "rules[0].steps", "1 names; a sequence has 2 to 16 steps"),
    (
        {"steps": ["gate", "gate"], "within": "0s"},
        "rules[0].within",
        "0s leaves no time between the steps; say how long they may take",
    ),
    (
        {"steps": ["gate", "gate"], "unless": "gate"},
        "rules[0].unless",
        "`gate` is one of the steps: it would end what it continues",
    ),
    (
        {"steps": ["gate", "gate"], "unless": "bni"},
        "rules[0].unless",
        "no rule is named `bni`; the view has: gate, bin, off",
    ),
    (
        {"steps": ["bin", "gate"]},
        "rules[0].same_subject",
        "a rule of the kind state is about nobody: it needs `same_subject: false` here",
    ),
    (
        {"steps": ["gate", "gate"], "after": "3s"},
        "rules[0].after",
        "sequence happens in a moment: nothing to wait for",
    ),
]


@pytest.mark.parametrize(("settings", "path", "message"), REFUSED)
def test_a_sequence_that_could_never_be_told_is_refused(
    settings: dict[str, Any], path: str, message: str
) -> None:
    rule = {"name": "s", "type": "sequence", "within": "5s", **settings}
    with pytest.raises(beffroi.ConfigError) as caught:
        check(rule, GATE, BIN, COUNT, OFF, PAIR)
    assert (caught.value.path, caught.value.message) == (path, message)


def test_a_signal_may_end_what_one_subject_began() -> None:
    check(
        {"name": "s", "type": "sequence", "steps": ["gate", "gate"], "within": "5s", "unless": "bin"},
        GATE,
        BIN,
    )


def test_its_hash_changes_with_the_rules_that_it_names() -> None:
    def hashes(gate: dict[str, Any]) -> dict[str, str]:
        return {rule["name"]: rule["definition_hash"] for rule in check(PAIR, BIN, gate)}

    old, new, other = (hashes({**GATE, "band": band}) for band in (0.2, 0.3, 0.2))
    assert old == other
    assert old["pair"] != new["pair"]
    assert old["gate"] != new["gate"]
    assert old["bin"] == new["bin"]


def test_the_definition_names_the_steps_and_the_time() -> None:
    said = check(PAIR, GATE)[0]["definition"]
    assert "gate, gate" in said["en"]
    assert "at most 3 s" in said["en"]
    assert "3 s au plus" in said["fr"]
