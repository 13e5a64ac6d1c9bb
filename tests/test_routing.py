"""Whose engine gets a picture: the table row by row, and what must never be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from beffroi.views.dome import NOBODY
from beffroi.views.presets import Where
from beffroi.views.routing import LATE_MS, Opinion, Route, Router, Word
from hypothesis import given, settings
from hypothesis import strategies as st

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
