"""What rules about things, fire and states refuse, and what their definitions say."""

from __future__ import annotations

import json
from typing import Any

import beffroi
import pytest

LABELS = ["person", "car", "backpack", "still_object", "missing_object", "fire", "smoke"]


def check(rule: dict[str, Any], labels: list[str] | None = LABELS) -> dict[str, Any]:
    zones = {"yard": [[0.2, 0.2], [0.8, 0.2], [0.8, 0.9], [0.2, 0.9]]}
    scene = {"zones": zones, "rules": [{"name": "r", **rule}]}
    told: dict[str, Any] = beffroi.check(
        json.dumps(scene if labels is None else {**scene, "classes": labels})
    )[0]
    return told


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (
        {"type": "abandoned_object", "zone": "yard", "owner_distance": "3 m"},
        "owner_distance",
        '`3 m` needs a calibrated view: give `ground`, or use body sizes such as "1.2 body"',
    ),
    (
        {"type": "abandoned_object", "zone": "yard", "after": "0s"},
        "after",
        "everybody lets go of a bag for a moment; say how long it must be left alone",
    ),
    (
        {"type": "dumping", "zone": "yard", "after": "0s"},
        "after",
        "everybody sets something down for a moment; say how long it must have been left",
    ),
    (
        {"type": "dumping", "zone": "yard", "distance": "0 body"},
        "distance",
        "`0 body` is no distance; it must be above 0",
    ),
    (
        {"type": "removed_object", "zone": "yard", "after": "0s"},
        "after",
        "whoever passes in front hides everything for a moment; say how long it must be gone",
    ),
    (
        {"type": "fire", "zone": "yard", "kinds": []},
        "kinds",
        "the detector knows none of them, or `classes` leaves all of them out",
    ),
    (
        {"type": "fire", "zone": "yard", "kinds": ["smoke"], "classes": ["fire"]},
        "kinds",
        "the detector knows none of them, or `classes` leaves all of them out",
    ),
    (
        {"type": "fire", "zone": "yard", "overlap": 0},
        "overlap",
        "the share that lies in both is a number in 0.01..1",
    ),
    (
        {"type": "state", "signal": "bin", "is": "unknown"},
        "is",
        "`unknown` is no state: it says that the state could not be told",
    ),
    (
        {"type": "state", "signal": "bin", "is": "full", "votes": {"share": 0.3, "within": "10s"}},
        "votes.share",
        "0.3 is no majority; give a number in 0.5..1",
    ),
    (
        {"type": "state", "signal": "bin", "is": "full", "zone": "yard"},
        "zone",
        "this kind of rule has no `zone`",
    ),
]


@pytest.mark.parametrize(("rule", "key", "message"), REFUSED)
def test_a_rule_that_could_never_be_right_is_refused(rule: dict[str, Any], key: str, message: str) -> None:
    with pytest.raises(beffroi.ConfigError) as caught:
        check(rule)
    assert (caught.value.path, caught.value.message) == (f"rules[0].{key}", message)


def test_a_rule_about_fire_needs_a_detector_that_knows_it() -> None:
    with pytest.raises(beffroi.ConfigError, match="the detector knows none of fire, smoke"):
        check({"type": "fire", "zone": "yard"}, labels=None)


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("abandoned_object", ["25 s", "2 body sizes", "10 s", "1 body sizes", "20 s"]),
        ("dumping", ["1.35 times", "2 body sizes", "5 s", "1 body sizes"]),
        ("fire", ["2 s", "0.1"]),
        ("removed_object", ["20 s", "0.1", "10 s"]),
    ],
)
def test_the_definition_says_every_number_that_decides(kind: str, numbers: list[str]) -> None:
    said = check({"type": kind, "zone": "yard"})["definition"]
    assert [number for number in numbers if number not in said["en"]] == []
    assert "{" not in said["en"] + said["fr"]
