"""Rules and drawings: the core judges them, and its answers are found in the file."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from beffroi.config import examine
from beffroi.config.judge import located

HEAD = """
site: { name: x, timezone: Europe/Paris }
cameras:
  gate:
    source: { type: images, path: shots, fps: 5 }
    detect: { model: deimv2-femto, classes: [person, car] }
    views:
      day:
"""
ZONES = "zones: { lawn: [[.1, .5], [.9, .5], [.9, .95], [.1, .95]] }"
LINES = "lines: { kerb: [[.2, .6], [.8, .6]] }"

Said = Callable[..., list[str]]


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    """What an examination says of a view: ``line:column path: message``, without the view's own path."""
    (tmp_path / "shots").mkdir()
    (tmp_path / "shots" / "1.jpg").touch()
    monkeypatch.chdir(tmp_path)

    def examined(*lines: str, warnings: bool = False) -> list[str]:
        body = textwrap.indent("\n".join(lines), " " * 8)
        Path("site.yaml").write_text(HEAD.lstrip() + body + "\n", encoding="utf-8")
        found = examine("site.yaml")
        problems = found.warnings if warnings else found.problems
        view = "cameras.gate.views.day."
        return [f"{p.line}:{p.column} {p.path.removeprefix(view)}: {p.message}" for p in problems]

    return examined


def rules(*rules: str) -> str:
    return "\n".join(["rules:", *(f"  - {{ {rule} }}" for rule in rules)])


def test_a_zone_outside_the_picture(said: Said) -> None:
    assert said("zones: { lawn: [[.1, .5], [1.5, .5], [.9, .95]] }") == [
        "8:35 zones.lawn[1]: (1.5, 0.5) lies outside the picture: coordinates are relative, 0..1"
    ]


def test_a_zone_in_pixels(said: Said) -> None:
    assert said("zones: { lawn: [[100, 200], [300, 200], [300, 400]] }") == [
        "8:25 zones.lawn[0]: (100, 200) lies outside the picture: coordinates are relative, 0..1; "
        "divide pixels by the picture's width and height"
    ]


def test_a_zone_that_crosses_itself(said: Said) -> None:
    [problem] = said("zones: { lawn: [[.1, .1], [.9, .9], [.9, .1], [.1, .9]] }")
    assert problem.startswith("8:18 zones.lawn: ")
    assert "cross" in problem


def test_a_mask_is_held_to_the_same(said: Said) -> None:
    [outside] = said("masks: { window: [[.1, .1], [.9, 1.9], [.9, .1]] }")
    assert outside.startswith("8:37 masks.window[1]: (0.9, 1.9) lies outside the picture")


def test_all_shapes_are_judged(said: Said) -> None:
    problems = said(
        "zones: { lawn: [[.1, .5], [1.5, .5], [.9, .95]], path: [[.1, .5], [.2, .6]] }",
        "lines: { kerb: [[.2, .6]] }",
        "ground: { image: [[.1, .9], [.9, .9]], metres: [[0, 0]] }",
        rules("name: a, type: intrusion, zone: lawn"),
    )
    assert [problem.split(" ")[1].rstrip(":") for problem in problems] == [
        "zones.lawn[1]",
        "zones.path",
        "lines.kerb",
        "ground",
    ]


def test_two_rules_of_one_name(said: Said) -> None:
    twice = rules("name: a, type: intrusion, zone: lawn", "name: a, type: loitering, zone: lawn, after: 5s")
    [problem] = said(ZONES, twice)
    assert problem.startswith("11:21 rules[1].name: ")
    assert "`a`" in problem


def test_a_rule_about_a_zone_that_is_not_there(said: Said) -> None:
    assert said(ZONES, rules("name: a, type: intrusion, zone: lwan")) == [
        "10:47 rules[0].zone: no zone is named `lwan`; the view has: lawn"
    ]


def test_a_rule_of_no_kind(said: Said) -> None:
    [problem] = said(ZONES, rules("name: a, type: intrusoin, zone: lawn"))
    assert problem.startswith("10:30 rules[0].type: `intrusoin` is no kind of rule; there are: ")


def test_a_rule_without_a_type(said: Said) -> None:
    [problem] = said(ZONES, rules("name: a, zone: lawn"))
    assert problem.startswith("10:13 rules[0].type: a rule needs a type, one of: ")


def test_every_unknown_key_of_every_rule_is_named(said: Said) -> None:
    problems = said(
        ZONES,
        rules(
            "name: a, type: intrusion, zone: lawn, afterr: 2s, coldown: 3s",
            "name: b, type: loitering, zone: lawn, after: 5s, radios: 1 body",
        ),
    )
    assert [problem.partition(" known:")[0] for problem in problems] == [
        "10:53 rules[0].afterr: there is no such setting; did you mean `after`?",
        "10:65 rules[0].coldown: there is no such setting; did you mean `cooldown`?",
        "11:64 rules[1].radios: there is no such setting; did you mean `radius`?",
    ]


def test_every_rule_that_is_wrong_is_named(said: Said) -> None:
    problems = said(
        ZONES,
        rules(
            "name: a, type: intrusion, zone: nowhere",
            "name: b, type: intrusion, zone: lawn",
            "name: c, type: loitering, zone: lawn, after: soon",
            "name: d, type: intrusion, zone: elsewhere",
        ),
    )
    assert [problem.split(": ")[0] for problem in problems] == [
        "10:47 rules[0].zone",
        "12:60 rules[2].after",
        "13:47 rules[3].zone",
    ]


def test_a_rule_that_can_never_fire(said: Said) -> None:
    [problem] = said(ZONES, rules("name: a, type: intrusion, zone: lawn, after: 2s, gap: 3s"))
    assert problem == (
        "10:69 rules[0].gap: 3s is not below `after` (2s): an interruption would outlast what it interrupts"
    )


def test_a_class_that_the_detector_does_not_look_for(said: Said) -> None:
    assert said(ZONES, rules("name: a, type: intrusion, zone: lawn, classes: [person, bicycle]")) == [
        "10:71 rules[0].classes[1]: the detector knows no class `bicycle`"
    ]


def test_metres_need_a_calibrated_view(said: Said) -> None:
    [problem] = said(ZONES, rules("name: a, type: intrusion, zone: lawn, min_size: 1.2 m"))
    assert problem.startswith("10:63 rules[0].min_size: `1.2 m` needs a calibrated view")
    ground = "ground: { image: [[.1,.9],[.9,.9],[.7,.3],[.3,.3]], metres: [[0,0],[12,0],[12,30],[0,30]] }"
    assert said(ZONES, ground, rules("name: a, type: intrusion, zone: lawn, min_size: 1.2 m")) == []


def test_a_rule_in_several_lines(said: Said) -> None:
    assert said(ZONES, "rules:", "  - name: a", "    type: intrusion", "    zone: no", "    after: 2s") == [
        "12:19 rules[0].zone: no zone is named `no`; the view has: lawn"
    ]


@pytest.mark.parametrize("name", ["a.b", "a[1]", "zones", "la pelouse", "rules[0].after"])
def test_names_may_look_like_paths(said: Said, name: str) -> None:
    [problem] = said(f'zones: {{ "{name}": [[.1, .5], [1.5, .5], [.9, .95]] }}')
    assert problem.partition(": (1.5")[0].endswith(f"zones.{name}[1]")
    assert located(f"zones.{name}[1]", {"zones": {name: [[0, 0], [2, 2]]}}) == ("zones", name, 1)


def test_a_path_into_nothing_is_still_a_location() -> None:
    assert located("rules[2].after", {"rules": []}) == ("rules", 2, "after")
    assert located("", {"rules": []}) == ()
    assert located("zones.lawn", {"zones": {}}) == ("zones", "lawn")
