"""The literate scenarios through the public door, and what a rule that cannot work is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import beffroi
import pytest

RULES = sorted((Path(__file__).parent / "rules").glob("*.toml"))
ZONE = {"yard": [[0.2, 0.2], [0.8, 0.2], [0.8, 0.9], [0.2, 0.9]]}
LINE = {"gate": [[0.2, 0.5], [0.8, 0.5]]}


@pytest.mark.parametrize("path", RULES, ids=lambda p: p.stem)
def test_scenarios(path: Path) -> None:
    results = beffroi.rehearse(path.read_text(encoding="utf-8"))
    assert results
    assert [f"{r['name']}: {r['message']}" for r in results if not r["passed"]] == []


def test_a_scenario_that_is_wrong_is_told_so() -> None:
    text = RULES[0].read_text(encoding="utf-8")
    head = text[: text.index("[[case]]")]
    result = beffroi.rehearse(head + '[[case]]\nname = "nobody"\nexpect = ["3s group started"]\n')[0]
    assert not result["passed"]
    assert result["message"] == "expected `3s group started`, which was not told"


def refusal(rule: dict[str, Any], **scene: Any) -> tuple[str, str]:
    whole = {"zones": ZONE, "lines": LINE, "rules": [{"name": "r", **rule}], **scene}
    with pytest.raises(beffroi.ConfigError) as caught:
        beffroi.check(json.dumps(whole))
    assert str(caught.value) == f"{caught.value.path}: {caught.value.message}"
    return caught.value.path, caught.value.message


IMPOSSIBLE: list[tuple[dict[str, Any], str, str]] = [
    (
        {"type": "loitering", "zone": "yard", "after": "10s", "gap": "10s"},
        "rules[0].gap",
        "10s is not below `after` (10s): an interruption would outlast what it interrupts",
    ),
    (
        {"type": "loitering", "zone": "yard", "after": "0s"},
        "rules[0].after",
        "staying needs a time; use intrusion for mere presence",
    ),
    (
        {"type": "loitering", "zone": "yard", "after": "30"},
        "rules[0].after",
        '`30` is not a duration; write a number with its unit, such as "500ms", "30s", "2min" or "1h30min"',
    ),
    (
        {"type": "loitering", "zone": "yrad"},
        "rules[0].zone",
        "no zone is named `yrad`; the view has: yard",
    ),
    (
        {"type": "lingering", "zone": "yard"},
        "rules[0].type",
        "`lingering` is no kind of rule; there are: "
        + ", ".join(entry["kind"] for entry in beffroi.catalogue()),
    ),
    (
        {"type": "gathering", "zone": "yard", "within": "3 m"},
        "rules[0].within",
        '`3 m` needs a calibrated view: give `ground`, or use body sizes such as "1.2 body"',
    ),
    (
        {"type": "intrusion", "zone": "yard", "classes": ["persn"]},
        "rules[0].classes[0]",
        "the detector knows no class `persn`",
    ),
    (
        {"type": "intrusion", "zone": "yard", "max_per_hour": 0},
        "rules[0].max_per_hour",
        "0 an hour could never fire; leave it out, or set `enabled: false`",
    ),
    (
        {"type": "line_crossing", "line": "gate", "after": "3s"},
        "rules[0].after",
        "line_crossing happens in a moment: nothing to wait for",
    ),
    (
        {"type": "line_crossing", "line": "gate", "min_angle": 90},
        "rules[0].min_angle",
        "no path crosses at 90 degrees or more to the line: give 0..90, such as 30",
    ),
    (
        {"type": "wrong_way", "zone": "yard"},
        "rules[0].direction",
        "the permitted direction is needed: [[from x, y], [to x, y]]",
    ),
    (
        {"type": "occupancy", "zone": "yard"},
        "rules[0].at_least",
        "give `at_least`, `at_most` or both",
    ),
    (
        {"type": "line_count", "line": "gate", "reset_at": "25:00"},
        "rules[0].reset_at",
        "`25:00` is no time of day; write HH:MM, such as 00:00",
    ),
    (
        {"type": "forbidden_turn", "gates": ["gate", "gaet"]},
        "rules[0].gates[1]",
        "no line is named `gaet`; the view has: gate",
    ),
    (
        {"type": "forbidden_turn", "gates": ["gate>"]},
        "rules[0].gates",
        "1 lines: give two to 8 in the forbidden order",
    ),
    (
        {"type": "forbidden_turn", "line": "gate", "gates": ["gate>", "gate<"]},
        "rules[0].line",
        "this kind of rule has no `line`",
    ),
    (
        {"type": "red_light", "line": "gate", "signal": " "},
        "rules[0].signal",
        "say which signal: the name of the zone that holds its lamp",
    ),
    (
        {"type": "speed", "zone": "yard", "above": "60 km/h"},
        "rules[0].type",
        "this kind measures in metres and needs a calibrated view: give `ground`, at least four places of "
        "the picture and where they are",
    ),
    (
        {"type": "near_miss", "zone": "yard"},
        "rules[0].type",
        "this kind measures in metres and needs a calibrated view: give `ground`, at least four places of "
        "the picture and where they are",
    ),
    (
        {"type": "queue", "line": "gate", "direction": "both"},
        "rules[0].direction",
        "a queue has one upstream side: say which way traffic goes over the line, left_to_right or "
        "right_to_left",
    ),
    (
        {"type": "queue", "line": "gate", "direction": "left_to_right", "within": "12 m"},
        "rules[0].within",
        '`12 m` needs a calibrated view: give `ground`, or use body sizes such as "1.2 body"',
    ),
    (
        {"type": "presence", "zone": "yard", "hold": "10s", "clear_after": "20s"},
        "rules[0].clear_after",
        "`hold` is the quiet time of this kind; give only `hold`",
    ),
    (
        {"type": "presence", "zone": "yard", "hold": "0s"},
        "rules[0].hold",
        "0s would switch off at every missed detection; 1s at least, 30s is usual",
    ),
]


@pytest.mark.parametrize(("rule", "path", "message"), IMPOSSIBLE)
def test_a_rule_that_can_never_fire_is_refused(rule: dict[str, Any], path: str, message: str) -> None:
    assert refusal(rule) == (path, message)


def test_unknown_keys_are_refused() -> None:
    path, message = refusal({"type": "loitering", "zone": "yard", "aftr": "3s"})
    assert path == "rules[0].aftr"
    assert message.startswith("unknown field `aftr`, expected")


def test_two_rules_of_one_name_are_refused() -> None:
    rule = {"name": "r", "type": "intrusion", "zone": "yard"}
    with pytest.raises(beffroi.ConfigError) as caught:
        beffroi.check(json.dumps({"zones": ZONE, "rules": [rule, rule]}))
    assert caught.value.path == "rules[1].name"
    assert caught.value.message == "`r` is already the name of rules[0]; names are unique in a view"


@pytest.mark.parametrize(
    ("zone", "path", "message"),
    [
        (
            [[0.1, 0.1], [1.2, 0.1], [0.5, 0.9]],
            "zones.z[1]",
            "(1.2, 0.1) lies outside the picture: coordinates are relative, 0..1",
        ),
        (
            [[100, 100], [200, 100], [150, 200]],
            "zones.z[0]",
            "(100, 100) lies outside the picture: coordinates are relative, 0..1; "
            "divide pixels by the picture's width and height",
        ),
        (
            [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]],
            "zones.z",
            "its edges 1-2 and 3-4 cross; draw the points in order around the zone",
        ),
    ],
)
def test_a_zone_that_is_none_is_refused(zone: list[list[float]], path: str, message: str) -> None:
    with pytest.raises(beffroi.ConfigError) as caught:
        beffroi.check(json.dumps({"zones": {"z": zone}}))
    assert (caught.value.path, caught.value.message) == (path, message)


def test_changed_numbers_change_the_definition_and_its_hash() -> None:
    def told(after: str) -> dict[str, Any]:
        rule = {"name": "r", "type": "loitering", "zone": "yard", "after": after}
        return beffroi.check(json.dumps({"zones": ZONE, "rules": [rule]}))[0]

    one, other = told("30s"), told("45s")
    assert one["definition_hash"] != other["definition_hash"]
    for language in ("fr", "en"):
        assert "30 s" in one["definition"][language]
        assert "45 s" in other["definition"][language]
        assert "{" not in one["definition"][language]


GROUND = {
    "image": [[0.1625, 0.9], [0.8375, 0.9], [0.5844, 0.3], [0.4156, 0.3]],
    "metres": [[-6, 10], [6, 10], [6, 40], [-6, 40]],
}


@pytest.mark.parametrize(
    ("rule", "path", "message"),
    [
        (
            {"type": "speed", "zone": "yard", "above": "2 body/s"},
            "rules[0].above",
            '`2 body/s` is no speed over the ground; write it as "60 km/h"',
        ),
        (
            {"type": "near_miss", "zone": "yard", "gap_time": "5s"},
            "rules[0].gap_time",
            "5s: give more than 0 and 3s at most; 1s is usual",
        ),
    ],
)
def test_what_even_a_calibrated_view_cannot_watch(rule: dict[str, Any], path: str, message: str) -> None:
    assert refusal(rule, ground=GROUND) == (path, message)


def test_the_gates_of_a_turn_are_part_of_its_identity() -> None:
    def told(gate: list[list[float]]) -> str:
        rule = {"name": "r", "type": "forbidden_turn", "gates": ["a>", "b"]}
        lines = {"a": [[0.2, 0.5], [0.8, 0.5]], "b": gate}
        hashed: str = beffroi.check(json.dumps({"lines": lines, "rules": [rule]}))[0]["definition_hash"]
        return hashed

    assert told([[0.1, 0.1], [0.1, 0.9]]) != told([[0.2, 0.1], [0.2, 0.9]])


def test_the_hold_time_is_said_once() -> None:
    rule = {"name": "r", "type": "presence", "zone": "yard", "hold": "45s"}
    definition = beffroi.check(json.dumps({"zones": ZONE, "rules": [rule]}))[0]["definition"]
    assert definition["en"].count("45 s") == definition["fr"].count("45 s") == 1
    assert "has ceased" not in definition["en"]
