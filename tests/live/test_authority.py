"""Which rules an authorisation covers on a day."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from beffroi.config.site import Authorisation, Camera, Site
from beffroi.config.view import View
from beffroi.errors import SiteError
from beffroi.runtime.compose import Wishes
from beffroi.runtime.live.authority import permitted, refused
from beffroi.runtime.live.plan import Plan
from hypothesis import given
from hypothesis import strategies as st
from parts import RULE, VIEW, Fed, Moody, site

FIRST, LAST = date(2026, 3, 1), date(2026, 6, 30)
TYPES = ("intrusion", "loitering")


def act(**other: Any) -> Authorisation:
    plain = {
        "id": "act", "act": "2026-1", "authority": "the prefect", "from": FIRST, "until": LAST,
        "purpose": "a test", "cameras": ["gate"], "behaviours": list(TYPES),
    }  # fmt: skip
    return Authorisation.model_validate({**plain, **other})


def watched(folder: Path, *rules: dict[str, Any], mode: str = "live", **other: Any) -> Site:
    view = View(zones=VIEW.zones, rules=rules)
    camera = Camera(source=Fed(), detect=Moody(fps=5), views={"day": view})
    return site(folder, mode=mode, cameras={"gate": camera}, authorisations=(act(**other),))


def rule(name: str = "inside", **other: Any) -> dict[str, Any]:
    return {**RULE, "name": name, "authorisation": "act", **other}


@given(st.integers(-400, 400))
def test_the_first_and_the_last_day_are_covered(days: int) -> None:
    today = FIRST + timedelta(days)
    assert bool(refused(watched(Path(), rule()), "gate", today)) == (not FIRST <= today <= LAST)


def test_in_an_evaluation_nothing_needs_one(tmp_path: Path) -> None:
    made = watched(tmp_path, {**RULE}, mode="evaluation")
    assert refused(made, "gate", date(1999, 1, 1)) == {}


@pytest.mark.parametrize(
    ("changes", "other", "why"),
    [
        ({"authorisation": "another"}, {}, "no authorisation is named"),
        ({}, {"cameras": ["yard"]}, "does not cover the camera gate"),
        ({}, {"behaviours": ["loitering"]}, "does not cover intrusion"),
    ],
)
def test_why_a_rule_may_not_run(tmp_path: Path, changes: Any, other: Any, why: str) -> None:
    (reason,) = refused(watched(tmp_path, rule(**changes), **other), "gate", FIRST).values()
    assert why in reason


def test_a_rule_that_is_off_needs_none(tmp_path: Path) -> None:
    assert refused(watched(tmp_path, rule(authorisation=None, enabled=False)), "gate", FIRST) == {}


def test_rules_that_are_covered_stay(tmp_path: Path) -> None:
    made = watched(tmp_path, rule("one"), rule("two", authorisation="another"))
    view = made.cameras["gate"].views["day"]
    refusals = refused(made, "gate", FIRST)
    assert [each["name"] for each in permitted(view, "day", refusals).rules] == ["one"]
    assert permitted(view, "day", {}) is view
    plan = Plan(made, "gate", None, Wishes(), today=FIRST)
    assert plan.rules == ["one"]
    plan.close()


def test_a_camera_without_a_rule_that_may_run_is_not_made(tmp_path: Path) -> None:
    made = watched(tmp_path, rule())
    with pytest.raises(SiteError, match="no rule may run: the authorisation act ended on 2026-06-30"):
        Plan(made, "gate", None, Wishes(), today=LAST + timedelta(1))
