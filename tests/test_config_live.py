"""Live cameras: no rule without an authorisation that covers it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Literal

import pytest
from beffroi.components import BuildContext, Source, SourceConfig
from beffroi.config import Examination, examine, load
from beffroi.errors import SiteError

SITE = """\
site: { name: x, timezone: Europe/Paris, mode: live }
authorisations:
  - { id: arr-41, act: "Arrêté n° 41", authority: Préfecture, from: 2026-06-01, until: 2026-06-30,
      purpose: traffic-regulation, cameras: [market], behaviours: [parking, wrong_way] }
cameras:
  market:
    source: { type: pretend-live }
    detect: { model: deimv2-femto }
    views:
      day:
        zones: { kerb: [[.1, .5], [.9, .5], [.9, .95], [.1, .95]] }
        rules:
          - { name: a, type: parking, zone: kerb, after: 2min, authorisation: arr-41 }
"""
RULE = "site.yaml:13:79: cameras.market.views.day.rules[0].authorisation: "

Said = Callable[..., Examination]


@pytest.fixture(autouse=True)
def live_source() -> Iterator[None]:
    """A source that is live, as those of cameras are unless they say otherwise."""

    class Pretend(SourceConfig):
        type: Literal["pretend-live"]

        def build(self, context: BuildContext, fps: float | None) -> Source:
            raise NotImplementedError

    yield
    del SourceConfig.types["pretend-live"]


@pytest.fixture
def examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)

    def examined(*changes: tuple[str, str], today: date = date(2026, 6, 15)) -> Examination:
        text = SITE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        Path("site.yaml").write_text(text, encoding="utf-8")
        return examine("site.yaml", today)

    return examined


def told(found: Examination) -> list[str]:
    return [str(problem) for problem in found.problems]


def test_an_authorised_rule_may_run(examined: Said) -> None:
    found = examined()
    assert told(found) == []
    assert found.out_of_date == []
    assert found.site is not None
    assert not found.site.is_evaluation("market")


def test_a_rule_without_an_authorisation(examined: Said) -> None:
    assert told(examined((", authorisation: arr-41", ""))) == [
        "site.yaml:13:13: cameras.market.views.day.rules[0].authorisation: is missing: in `mode: live` every "
        "rule over a live camera names its authorisation"
    ]


def test_an_authorisation_that_does_not_exist(examined: Said) -> None:
    assert told(examined(("authorisation: arr-41", "authorisation: arr-4"))) == [
        RULE + "no authorisation is named `arr-4`; did you mean `arr-41`?"
    ]


def test_an_authorisation_for_something_else(examined: Said) -> None:
    assert told(examined(("[parking, wrong_way]", "[wrong_way]"))) == [
        RULE + "the authorisation arr-41 does not cover parking"
    ]


def test_an_authorisation_for_another_camera(examined: Said) -> None:
    assert told(examined(("[market]", "[other]"))) == [
        "site.yaml:4:46: authorisations[0].cameras[0]: no camera is named `other`; there are: market",
        RULE + "the authorisation arr-41 does not cover the camera market",
    ]


def test_a_behaviour_that_is_none(examined: Said) -> None:
    assert told(examined(("wrong_way]", "wrong_weigh]"))) == [
        "site.yaml:4:77: authorisations[0].behaviours[1]: `wrong_weigh` is no kind of rule; "
        "did you mean `wrong_way`?"
    ]


def test_two_authorisations_of_one_name(examined: Said) -> None:
    second = (
        "cameras:\n  market:",
        "  - { id: arr-41, act: b, authority: c, from: 2026-01-01, until: 2026-01-02, purpose: d,\n"
        "      cameras: [market], behaviours: [parking] }\ncameras:\n  market:",
    )
    assert told(examined(second)) == [
        "site.yaml:5:11: authorisations[1].id: another authorisation is named `arr-41` already"
    ]


def test_days_in_the_wrong_order(examined: Said) -> None:
    assert told(examined(("until: 2026-06-30", "until: 2026-05-30"))) == [
        "site.yaml:3:5: authorisations[0]: ends (2026-05-30) before it begins (2026-06-01)"
    ]


def test_a_day_that_is_none(examined: Said) -> None:
    assert told(examined(("until: 2026-06-30", "until: 2026-06-31"))) == [
        'site.yaml:3:88: authorisations[0].until: should be a date such as 2026-06-01, got "2026-06-31"'
    ]


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 5, 31), ["the authorisation arr-41 begins on 2026-06-01"]),
        (date(2026, 6, 1), []),
        (date(2026, 6, 30), []),
        (date(2026, 7, 1), ["the authorisation arr-41 ended on 2026-06-30"]),
    ],
)
def test_the_days_of_an_authorisation(examined: Said, today: date, expected: list[str]) -> None:
    found = examined(today=today)
    assert told(found) == []
    assert [problem.message for problem in found.out_of_date] == expected


def test_a_start_refuses_what_a_check_only_warns_of(examined: Said) -> None:
    examined(("2026-06-01", "2001-06-01"), ("2026-06-30", "2001-06-30"))
    assert load("site.yaml").name == "x"
    with pytest.raises(SiteError) as error:
        load("site.yaml", starting=True)
    assert str(error.value) == RULE + "the authorisation arr-41 ended on 2001-06-30"


@pytest.mark.parametrize(
    "change",
    [
        ("mode: live", "mode: evaluation"),
        ("after: 2min", "after: 2min, enabled: false"),
    ],
)
def test_who_needs_no_authorisation(examined: Said, change: tuple[str, str]) -> None:
    assert told(examined((", authorisation: arr-41", ""), change)) == []


def test_live_is_what_holds_when_nothing_is_said(examined: Said) -> None:
    [problem] = told(examined((", mode: live", ""), (", authorisation: arr-41", "")))
    assert "every rule over a live camera names its authorisation" in problem


MASKED = (
    "    views:\n      day:\n",
    "    views:\n      day:\n        masks: { garden: [[0, 0], [1, 0], [1, .2]] }\n",
)


@pytest.mark.parametrize(
    ("evidence", "warned"),
    [
        ("", False),
        ("evidence: { originals: true }\n", True),
        ("evidence: { originals: true, clips: false }\n", False),
    ],
)
def test_no_originals_of_a_view_with_masks(examined: Said, evidence: str, warned: bool) -> None:
    found = examined(MASKED, ("cameras:\n  market", evidence + "cameras:\n  market"))
    assert told(found) == []
    assert [str(problem).partition(": ")[2] for problem in found.warnings] == [
        "cameras.market.views.day.masks: no originals of clips are kept of a camera with masks, "
        "whatever `evidence` says"
    ] * warned


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("before: 2min", "before: should be at most 60s: every camera keeps that much in memory"),
        ("before: 5", "before: 5 has no unit: write 5s for seconds"),
        ("after: soon", "after: 'soon' is no length of time: write 500ms, 2s, 1.5min or 1h"),
        ("before: 0s, after: 0s", "clips of 0s: set `before` or `after`, or `clips: false`"),
        ("keep_days: 31", "keep_days: should be at most 30, got 31"),
        ("keep_days: 0", "keep_days: should be more than 0, got 0"),
        ("most_gb: -1", "most_gb: should be more than 0, got -1"),
        ("least_free_gb: -1", "least_free_gb: should be at least 0, got -1"),
    ],
)
def test_what_cannot_be_kept(examined: Said, written: str, said: str) -> None:
    [problem] = told(examined(("cameras:\n  market", f"evidence: {{ {written} }}\ncameras:\n  market")))
    assert said in problem
