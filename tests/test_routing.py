"""Whose engine gets a picture: the table row by row, what must never be, and a dome that turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from beffroi.config.health import Health
from beffroi.frame import Frame
from beffroi.views.dome import NOBODY, Dome, Sight
from beffroi.views.guard import Guard, Kept
from beffroi.views.health import CameraHealth, watching
from beffroi.views.incident import Incident, Origin
from beffroi.views.look import Eye
from beffroi.views.presets import Where
from beffroi.views.routing import LATE_MS, Opinion, Route, Router, Word
from hypothesis import given, settings
from hypothesis import strategies as st
from panorama import PRESETS, Leg, Tour, picture, to
from scenes import SIZE, lorries

VIEWS = {"a": "1", "b": "2", "c": "3"}
FITS, OTHER, MOVED, SILENT = (Opinion(word, 0.8) for word in (Word.FITS, Word.OTHER, Word.MOVED, Word.SILENT))
NOWHERE = Where(None, False, 60.0, "poll")
TURNING = Where(None, True, 0.2, "event")


def told(preset: str, since_s: float = 60.0) -> Where:
    return Where(preset, False, since_s, "poll")


def says(**opinions: Opinion) -> Callable[[str], Opinion]:
    return lambda view: opinions.get(view, OTHER)


def router(settle: float = 1.0, doubt: float = 2.0) -> Router:
    return Router(VIEWS, round(settle * 1000), round(doubt * 1000))


def in_sight(view: str = "a", where: Where | None = None) -> Router:
    """A router whose view is in sight at 0 ms."""
    made = router()
    assert made.route(0, where or told(VIEWS[view]), says(**{view: FITS})).view == view
    return made


def test_a_dome_at_a_preset_shows_its_view_once_it_has_settled() -> None:
    made = router()
    assert made.route(0, told("1", 0.4), says(a=FITS)) == Route(None, None, "arriving")
    assert made.route(500, told("1", 0.9), says(a=FITS)).view is None
    assert made.route(1000, told("1", 1.4), says(a=FITS)) == Route("a", None, "in")


def test_a_picture_that_came_late_is_older_than_the_word() -> None:
    made = router()
    assert made.route(0, told("1", 1.4), says(a=FITS), late_ms=600).view is None
    assert made.route(250, told("1", 1.65), says(a=FITS), late_ms=600).view == "a"


@pytest.mark.parametrize("where", [TURNING, NOWHERE, told("9")], ids=["turning", "nowhere", "unknown"])
def test_the_view_is_left_with_the_first_picture_after_the_dome_says_so(where: Where) -> None:
    def never(_view: str) -> Opinion:
        raise AssertionError("nobody's opinion matters")

    assert in_sight().route(250, where, never) == Route(None, "a", "away")


def test_a_dome_at_another_preset_leaves_the_view_at_once() -> None:
    made = in_sight()
    assert made.route(250, told("2", 0.1), says(a=FITS, b=FITS)) == Route(None, "a", "arriving")
    assert made.route(1250, told("2", 1.1), says(a=FITS, b=FITS)) == Route("b", None, "in")


def test_two_pictures_may_lie_on_either_side_of_a_whole_move() -> None:
    """A picture each four seconds: the dome is settled at B when it is next looked at, or again at A."""
    assert in_sight().route(4000, told("2", 1.5), says(b=FITS)) == Route("b", "a", "in")
    assert in_sight().route(4000, told("1", 1.5), says(a=FITS)) == Route("a", "a", "in")
    assert in_sight().route(4000, told("1", 0.5), says(a=FITS)) == Route(None, "a", "arriving")


def test_one_strange_picture_is_not_judged_and_ends_nothing() -> None:
    made = in_sight()
    assert made.route(250, told("1"), says(a=OTHER)) == Route(None, None, "doubt")
    assert made.view == "a"
    assert made.route(500, told("1"), says(a=FITS)) == Route("a", None, "in")


def test_strange_pictures_for_long_enough_end_the_view() -> None:
    made = in_sight()
    for at_ms in range(250, 2250, 250):
        assert made.route(at_ms, told("1"), says(a=OTHER)) == Route(None, None, "doubt")
    assert made.route(2250, told("1"), says(a=OTHER)) == Route(None, "a", "arriving")
    assert made.route(2500, told("1"), says(a=FITS)) == Route("a", None, "in")


def test_a_guard_that_is_certain_ends_the_view_at_once() -> None:
    made = in_sight()
    assert made.route(250, told("1"), says(a=MOVED)) == Route(None, "a", "arriving")


def test_where_pictures_tell_nothing_the_dome_is_believed_when_its_word_has_lasted() -> None:
    made = router()
    assert made.route(0, told("1", 1.5), says(a=SILENT)).view is None
    assert made.route(500, told("1", 2.0), says(a=SILENT)).view == "a"


def test_pictures_that_fall_silent_are_believed_only_after_the_dome_had_time_to_say_more() -> None:
    """It may have turned away as the lamps went on: its word is late."""
    made = in_sight()
    for at_ms in range(250, LATE_MS, 250):
        assert made.route(at_ms, told("1"), says(a=SILENT)) == Route(None, None, "doubt")
    assert made.route(LATE_MS, told("1"), says(a=SILENT)) == Route("a", None, "in")


def test_where_nobody_tells_the_picture_that_agrees_most_decides() -> None:
    made = router()
    best = says(a=Opinion(Word.FITS, 0.5), b=Opinion(Word.FITS, 0.7))
    routes = [made.route(at_ms, NOBODY, best) for at_ms in range(0, 1500, 250)]
    assert [route.view for route in routes] == [None, None, None, None, "b", "b"]
    assert made.route(1500, NOBODY, says(b=OTHER)).state == "doubt"
    assert made.route(1750, NOBODY, says(c=FITS)) == Route(None, "b", "arriving")


@pytest.mark.parametrize(
    "opinions",
    [
        {"a": Opinion(Word.FITS, 0.30)},
        {"a": Opinion(Word.FITS, 0.62), "b": Opinion(Word.FITS, 0.60)},
        {"a": SILENT},
        {"a": MOVED},
    ],
    ids=["too little", "two alike", "silent", "moved"],
)
def test_where_nobody_tells_and_pictures_are_not_sure_nothing_is_judged(opinions: dict[str, Opinion]) -> None:
    made = router()
    assert {made.route(at_ms, NOBODY, says(**opinions)).view for at_ms in range(0, 5000, 250)} == {None}


def test_rare_pictures_settle_by_number() -> None:
    made = router()
    assert [made.route(at_ms, NOBODY, says(a=FITS)).view for at_ms in (0, 4000, 8000)] == [None, None, "a"]


def test_a_device_that_falls_silent_and_comes_back_takes_nothing_away() -> None:
    made = in_sight()
    assert made.route(250, NOBODY, says(a=FITS)) == Route("a", None, "in")
    assert made.route(500, told("1", 0.05), says(a=FITS)) == Route("a", None, "in")
    assert made.route(750, told("1", 0.30), says(a=FITS)) == Route("a", None, "in")


def test_who_sees_nothing_starts_anew() -> None:
    made = in_sight()
    assert made.lose() == "a"
    assert made.lose() is None
    assert made.route(250, told("1"), says(a=FITS)) == Route("a", None, "in")


# What must never be, whatever happens.

WORDS = st.one_of(
    st.tuples(st.just("stay"), st.just("")),
    st.tuples(st.just("told"), st.sampled_from("1239")),
    st.tuples(st.just("moving"), st.just("")),
    st.tuples(st.just("nowhere"), st.just("")),
    st.tuples(st.just("none"), st.just("")),
)
OPINIONS = st.builds(Opinion, st.sampled_from(Word), st.sampled_from([0.0, 0.3, 0.5, 0.55, 0.9]))
STEPS = st.lists(
    st.tuples(st.integers(40, 4000), WORDS, st.fixed_dictionaries(dict.fromkeys("abc", OPINIONS))),
    max_size=40,
)
Step = tuple[int, tuple[str, str], dict[str, Opinion]]


def played(steps: Sequence[Step]) -> list[tuple[int, Where, dict[str, Opinion], Route]]:
    made, now, since, where = router(), 0, 0, NOBODY
    rows = []
    for passed, (kind, preset), opinions in steps:
        now += passed
        if kind != "stay":
            # The change came half way between the two pictures.
            since = now - passed // 2
        source = "none" if kind == "none" else "poll"
        if kind == "stay":
            where = Where(where.preset, where.moving, (now - since) / 1000, where.source)
        else:
            where = Where(preset or None, kind == "moving", (now - since) / 1000, source)
        rows.append((now, where, opinions, made.route(now, where, opinions.__getitem__)))
    return rows


@given(STEPS)
@settings(max_examples=400, deadline=None)
def test_no_picture_goes_where_the_dome_or_the_picture_says_it_does_not_belong(steps: list[Step]) -> None:
    active: str | None = None
    for _, where, opinions, route in played(steps):
        if route.view is not None:
            assert not where.moving
            if where.told:
                assert where.preset == VIEWS[route.view]
            word = opinions[route.view].word
            assert word in (Word.FITS, Word.SILENT)
            if word is Word.SILENT:
                assert where.told
                assert where.since_s * 1000 >= LATE_MS
        # What is active ends exactly once, and before anything else begins.
        if route.left is not None:
            assert route.left == active
            active = None
        if where.told and (where.moving or where.preset not in VIEWS.values()):
            assert active is None, "the view is left with the first picture"
        if route.view is not None:
            assert active in (None, route.view)
            active = route.view
        assert route.state == "doubt" or (active == route.view)


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_the_same_words_and_pictures_give_the_same_routes(steps: list[Step]) -> None:
    assert [row[3] for row in played(steps)] == [row[3] for row in played(steps)]


# A dome that turns.

HEALTH = Health.model_validate({"frozen": {"enabled": False}})
TOLERANCE = HEALTH.view_moved.tolerance


def reference(view: str, eye: Eye) -> Kept:
    look = eye.look(0, picture(PRESETS[view][1], moment=99))
    return Kept(look.grey, look.mono)


def dome(
    where: Callable[[], Where],
    *,
    known: Sequence[str] = "abc",
    health: Health = HEALTH,
    asked: bool = True,
) -> Dome:
    sights = {}
    for view in PRESETS:
        eye = Eye(SIZE)
        only = health.model_copy(update={"too_dark": health.too_dark.model_copy(update={"enabled": False})})
        references = [reference(view, eye)] if view in known else []
        sights[view] = Sight(watching(only, f"square/{view}", eye, references=references), eye, TOLERANCE)
    camera = CameraHealth(
        health.model_copy(update={"covered": health.covered.model_copy(update={"enabled": False})}),
        Origin.of("square", health),
        Eye(SIZE),
        None,
    )
    presets = {view: preset if asked else None for view, (preset, _) in PRESETS.items()}
    return Dome(sights, presets, camera, where, settle=1.0, doubt=2.0)


@dataclass
class Seen:
    """What became of a tour."""

    judged: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[float, str, str | None]] = field(default_factory=list)
    standing: int = 0
    incidents: list[Incident] = field(default_factory=list)
    reasons: Counter[str | None] = field(default_factory=Counter)


def shown(
    tour: Tour,
    late: Sequence[float] | None,
    *,
    fps: float = 4,
    known: Sequence[str] = "abc",
    paint: Callable[[float, np.ndarray], np.ndarray] | None = None,
    guards: list[Guard] | None = None,
) -> Seen:
    """Show a tour; without `late` the device never answers."""
    seen, now = Seen(), [0.0]
    made = dome(lambda: NOBODY if late is None else tour.where(now[0], late), known=known)
    if guards is not None:
        guards += [guard for view in PRESETS if (guard := made.guard(view)) is not None]
    active: str | None = None
    for second, frame in tour.frames(fps):
        now[0] = second
        image = frame.image if paint is None else paint(second, frame.image)
        view, verdict = made.look(Frame(frame.at_ms, image))
        seen.incidents += verdict.incidents
        seen.reasons[verdict.suspended] += 1
        in_place = tour.shows(second, within=0.5)
        seen.standing += in_place is not None
        if verdict.interrupted is not None or verdict.suspended is not None:
            active = None
        if view is not None:
            assert active in (None, view), "what is active in one view ends before another is judged"
            active = view
            seen.judged[view] += 1
            # Within the tolerance the zones still lie where they were drawn.
            if tour.shows(second, within=TOLERANCE * SIZE[0] + 1) != view:
                seen.wrong.append((second, view, in_place))
    return seen


TOUR = Tour(
    [
        to("a", 0, 6),
        to("b", 1.5, 5),
        to("c", 0.8, 4),
        to("a", 2.5, 5),
        Leg(None, 240, 1.0, 4),
        to("a", 1.0, 4),
        to("c", 0.5, 3),
        to("b", 3.0, 5),
        # By hand, slowly, to a place beside a preset: the picture is nearly the same.
        Leg(None, 700 + 40, 2.0, 5),
        to("b", 0.5, 4),
    ]
)


@pytest.mark.parametrize(
    ("late", "share"),
    [
        ((0.0,), 0.7),
        ((1.0,), 0.5),
        ((-1.0,), 0.6),
        ((0.5, -0.5), 0.5),
        # Each arrival a second late, each departure a second early: half of each stay is gone.
        ((1.0, -1.0), 0.3),
        ((-1.0, 1.0), 0.6),
        ((0.3, 0.9, -0.7), 0.5),
    ],
    ids=str,
)
def test_no_picture_is_judged_by_the_zones_of_another_view(late: Sequence[float], share: float) -> None:
    """The dome's words come up to a second late or early, the pictures of its turns are blurred."""
    seen = shown(TOUR, late)
    assert seen.wrong == []
    assert set(seen.judged) == {"a", "b", "c"}
    assert sum(seen.judged.values()) >= share * seen.standing, (seen.judged, seen.standing)
    assert not seen.incidents, "a dome that turns is nothing to be told of"


@pytest.mark.parametrize("late", [(0.0,), (1.0,), (-1.0,), (1.0, -1.0)], ids=str)
def test_views_that_nobody_has_seen_yet_are_learnt_without_a_wrong_picture(late: Sequence[float]) -> None:
    tour = Tour([to("a", 0, 20), to("b", 1.5, 20), to("a", 1.0, 6), to("c", 1, 5), to("b", 1, 6)])
    seen = shown(tour, late, known="")
    assert seen.wrong == []
    assert set(seen.judged) == {"a", "b", "c"}
    assert sum(seen.judged.values()) >= 0.55 * seen.standing
    assert not seen.incidents


def test_what_is_learnt_is_not_the_way_there() -> None:
    """A word that is nearly two seconds early: the first pictures are of the turn, and not what is learnt."""
    seen = shown(Tour([to("b", 0, 4), to("a", 1.5, 12)]), (-1.8,), known="")
    assert seen.wrong == []
    assert seen.judged["a"] >= 4 * 10


@given(st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=8), st.sampled_from([2.0, 4.0, 7.0]))
@settings(max_examples=6, deadline=None)
def test_no_picture_is_judged_wrongly_however_late_each_word_is(late: list[float], fps: float) -> None:
    assert shown(TOUR, late, fps=fps).wrong == []


@pytest.mark.parametrize("fps", [2, 4, 12])
def test_a_device_that_never_answers_leaves_it_to_the_pictures(fps: float) -> None:
    seen = shown(TOUR, None, fps=fps)
    assert seen.wrong == []
    assert set(seen.judged) == {"a", "b", "c"}
    assert sum(seen.judged.values()) >= 0.5 * seen.standing
    assert not seen.incidents


def test_a_lorry_before_the_dome_ends_nothing() -> None:
    tour = Tour([to("a", 0, 12)])

    def paint(second: float, image: np.ndarray) -> np.ndarray:
        return lorries(image, second, 0.75) if 5 <= second < 6 else image

    seen = shown(tour, (0.0,), paint=paint)
    assert seen.reasons["view_lost"] <= 5, "only while it settles"
    assert seen.judged["a"] >= 36


def test_a_preset_that_was_stored_anew_elsewhere_is_an_incident_of_its_view() -> None:
    """The dome says that it stands at preset 1; it shows another place."""
    tour = Tour([to("b", 0, 3), Leg("1", 330, 1.0, 10), to("b", 1, 5)])
    seen = shown(tour, (0.0,))
    assert seen.judged.keys() == {"b"}
    assert [(one.kind, one.change, one.origin.view, one.reason) for one in seen.incidents] == [
        ("view_moved", "started", "square/a", None),
        ("view_moved", "ended", "square/a", "view_lost"),
    ]


def test_night_comes_while_the_dome_looks_elsewhere() -> None:
    """View A is known by day only. By night nothing fits, the dome's word holds, and the night is learnt."""
    tour = Tour([to("b", 0, 4), to("a", 1.0, 75), to("b", 1.0, 4)])

    def paint(second: float, image: np.ndarray) -> np.ndarray:
        if second < 4:
            return image
        # Lamps light other things than the sun: another texture, no colour.
        grey = (255 - image.mean(axis=2, keepdims=True)) * 0.35
        return np.repeat(grey, 3, axis=2).astype(np.uint8)

    guards: list[Guard] = []
    seen = shown(tour, (1.0,), fps=4, paint=paint, guards=guards)
    assert seen.wrong == [], "also the turn away from a place known by its latest look only"
    assert seen.judged["a"] > 4 * 65
    assert not seen.incidents
    assert [reference.mono for reference in guards[0].references] == [False, True]


def test_the_lamps_go_on_as_the_dome_turns_away() -> None:
    """Colours go with the same picture with which another view comes, and the dome says so a second later."""
    tour = Tour([to("a", 0, 6), to("b", 0.1, 6)])

    def paint(second: float, image: np.ndarray) -> np.ndarray:
        return (
            image if second <= 6 else np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
        )

    seen = shown(tour, (1.0,), paint=paint)
    assert seen.wrong == []


def test_the_lamps_go_on_and_the_dome_stays() -> None:
    """Two seconds are not judged, until the dome had time to say that it turned; nothing ends."""
    tour = Tour([to("a", 0, 20)])

    def paint(second: float, image: np.ndarray) -> np.ndarray:
        if second <= 8:
            return image
        return np.repeat((255 - image.mean(axis=2, keepdims=True)) * 0.35, 3, axis=2).astype(np.uint8)

    seen = shown(tour, (0.0,), paint=paint)
    assert seen.reasons["view_lost"] <= 5, "only while it settles"
    assert seen.judged["a"] >= 80 - 5 - 9
    assert not seen.incidents


def test_the_camera_itself_is_judged_once_wherever_it_looks() -> None:
    """Darkness during a turn is an incident of the camera, and suspends all views."""
    tour = Tour([to("a", 0, 6), to("b", 3, 6)])

    def paint(second: float, image: np.ndarray) -> np.ndarray:
        return (image * 0).astype(np.uint8) if 4 <= second < 12 else image

    seen = shown(tour, (0.0,), paint=paint)
    assert [(one.kind, one.change, one.origin.view) for one in seen.incidents] == [
        ("too_dark", "started", "square"),
        ("too_dark", "ended", "square"),
    ]
    assert seen.reasons["too_dark"] > 10
    assert seen.judged["b"] > 0


def test_a_picture_that_was_not_judged_breaks_the_motion(tmp_path: Path) -> None:
    """The engine is told how the camera moved since the picture that it saw, or nothing."""
    where = told("1")
    made = dome(lambda: where)
    shaken = [0.0, 6.0, -6.0, 60.0, 6.0, -6.0]
    motions = []
    for number, shift in enumerate(shaken):
        view, verdict = made.look(Frame(number * 200, picture(PRESETS["a"][1] + shift, moment=number)))
        motions.append((view, verdict.motion is not None))
    assert motions == [("a", False), ("a", True), ("a", True), (None, False), ("a", False), ("a", True)]
