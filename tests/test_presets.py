"""Where a dome stands: what its words mean, and which of them counts."""

from __future__ import annotations

from typing import Any

import pytest
from beffroi.views.presets import Bearings, Position, Preset, Where
from hypothesis import given, settings
from hypothesis import strategies as st

GATE = Preset("1", "gate", Position(-0.6, 0.1, 0.0))
YARD = Preset("2", "yard", Position(0.2, -0.2, 0.3))
RAMP = Preset("3", "ramp", Position(0.998, 0.4, 0.1))


def bearings(*presets: Preset, wanted: tuple[str, ...] = ("1", "yard", "ramp")) -> Bearings:
    made = Bearings(wanted, tolerance=0.01)
    made.presets(presets or (GATE, YARD, RAMP))
    return made


def said(where: Where) -> tuple[str | None, bool, str]:
    return where.preset, where.moving, where.source


def test_pan_is_taken_the_shorter_way_round() -> None:
    assert Position(0.998, 0, 0).distance(Position(-0.998, 0, 0)) == pytest.approx(0.004)
    assert Position(-1.0, 0, 0).distance(Position(1.0, 0, 0)) == pytest.approx(0.0)
    assert Position(0.5, 0.2, 0).distance(Position(-0.4, 0.1, 0)) == pytest.approx(0.9)
    assert Position(0.5, 0.2, 0.1).distance(Position(0.5, 0.2, 0.4)) == pytest.approx(0.3), "zoom counts too"
    assert Position(zoom=0.3).distance(Position(zoom=0.2)) == pytest.approx(0.1)
    assert Position(0.5, 0.2).distance(Position(zoom=0.2)) is None


def test_a_dome_at_rest_at_a_preset_is_there() -> None:
    dome = bearings()
    assert said(dome.where(0.0)) == (None, False, "none")
    dome.status(1.0, Position(-0.605, 0.1, 0.0), moving=False)
    assert said(dome.where(3.5)) == ("1", False, "poll")
    assert dome.where(3.5).since_s == 2.5
    dome.status(2.0, Position(-0.605, 0.1, 0.0), moving=False)
    assert dome.where(3.5).since_s == 2.5, "the same again is nothing new"


def test_presets_are_named_as_the_site_names_them() -> None:
    """By token or by name; a token goes first, and a preset that nobody wants has its token."""
    dome = Bearings(("gate", "2"), 0.01)
    assert dome.presets([GATE, YARD, Preset("9", "2", None), RAMP]) == []
    dome.status(0, GATE.position, moving=False)
    assert dome.where(0).preset == "gate"
    dome.status(1, YARD.position, moving=False)
    dome.status(1.5, YARD.position, moving=False)
    assert dome.where(2).preset == "2"
    dome.status(3, RAMP.position, moving=False)
    dome.status(3.5, RAMP.position, moving=False)
    assert dome.where(4).preset == "3"
    assert Bearings(("gate", "4"), 0.01).presets([GATE, Preset("7")]) == [
        "the dome has no preset 4; it has: 1 (gate), 7"
    ]
    assert Bearings(("1", "gate"), 0.01).presets([GATE]) == [
        "the dome's preset 1 is 1 and gate: only gate will ever be in sight"
    ]


def test_who_stands_beside_a_preset_is_not_there() -> None:
    dome = bearings()
    for near, at in ((0.0099, "1"), (0.0111, None)):
        for axis in range(3):
            place = [-0.6, 0.1, 0.0]
            place[axis] += near
            dome.status(0, Position(*place), moving=False)
            dome.status(1, Position(*place), moving=False)
            assert dome.where(1).preset == at, (near, axis)
            assert dome.where(1).told, "to stand nowhere in particular is an answer"


def test_the_end_of_the_circle_is_its_beginning() -> None:
    dome = bearings()
    dome.status(0, Position(-0.996, 0.4, 0.1), moving=False)
    assert dome.where(0).preset == "ramp"


def test_without_a_move_status_a_dome_moves_if_its_position_does() -> None:
    dome = bearings()
    dome.status(0, GATE.position, moving=None)
    assert said(dome.where(0)) == (None, False, "none"), "one look may be of a dome in full turn"
    dome.status(0.5, GATE.position, moving=None)
    assert said(dome.where(0.5)) == ("1", False, "poll")
    dome.status(1.0, Position(-0.5, 0.1, 0.0), moving=None)
    assert said(dome.where(1.0)) == (None, True, "poll")
    dome.status(1.5, Position(-0.5, 0.1, 0.0), moving=None)
    assert said(dome.where(1.5)) == (None, False, "poll")


def test_a_dome_that_says_idle_and_turns_moves() -> None:
    dome = bearings()
    dome.status(0, Position(-0.7, 0.1, 0.0), moving=False)
    dome.status(0.5, GATE.position, moving=False)
    assert dome.where(0.5).moving


def test_presets_that_have_all_the_same_position_tell_nothing() -> None:
    """Many devices give zeros for every preset: then only events tell."""
    nowhere = [Preset(token, "", Position(0.0, 0.0, 0.0)) for token in "123"]
    dome = bearings(*nowhere, wanted=("1", "2"))
    dome.status(0, Position(0.0, 0.0, 0.0), moving=False)
    assert not dome.where(0).told
    dome.event(1, "reached", "2")
    dome.status(2, Position(0.0, 0.0, 0.0), moving=False)
    assert said(dome.where(2)) == ("2", False, "event")


def test_events_are_quicker_than_polls_and_the_later_word_counts() -> None:
    dome = bearings()
    dome.status(0, GATE.position, moving=False)
    dome.event(1.0, "invoked", "2")
    assert said(dome.where(1.0)) == (None, True, "event")
    dome.status(0.9, GATE.position, moving=False)
    assert dome.where(1.1).moving, "asked before, answered after: an old answer"
    dome.status(1.2, GATE.position, moving=False)
    assert dome.where(1.2).moving, "it has not begun yet"
    dome.status(1.7, Position(-0.2, 0, 0.1), moving=True)
    dome.event(2.4, "reached", "2")
    assert said(dome.where(2.4)) == ("yard", False, "event")
    dome.status(2.5, YARD.position, moving=False)
    assert said(dome.where(3.0)) == ("yard", False, "poll")
    assert dome.where(3.0).since_s == pytest.approx(0.6), "since it was reached"


def test_an_invoked_preset_that_is_never_reached_is_found_by_its_position() -> None:
    dome = bearings()
    dome.event(0, "invoked", "2")
    dome.status(3.0, YARD.position, moving=False)
    dome.status(3.5, YARD.position, moving=False)
    assert dome.where(3.5).preset == "yard"


def test_without_positions_nobody_knows_where_a_dome_ends_that_never_arrives() -> None:
    dome = bearings(Preset("1"), Preset("2"), wanted=("1", "2"))
    dome.event(0, "invoked", "2")
    dome.status(50, None, moving=False)
    assert dome.where(50).moving
    dome.status(61, None, moving=False)
    assert not dome.where(61).told


@pytest.mark.parametrize("kind", ["left", "aborted"])
def test_who_left_or_was_stopped_is_at_no_preset(kind: Any) -> None:
    dome = bearings()
    dome.event(0, "reached", "1")
    dome.event(5, kind, "1")
    where = dome.where(5)
    assert (where.preset, where.moving, where.told) == (None, kind == "left", True)


def test_when_events_stop_coming_what_only_they_told_is_forgotten() -> None:
    dome = bearings()
    dome.event(0, "reached", "1")
    dome.deaf(1)
    assert not dome.where(1).told
    dome.event(2, "reached", "1")
    dome.status(3, GATE.position, moving=False)
    dome.deaf(4)
    assert dome.where(4).preset == "1", "the position says so too"


WORDS = st.one_of(
    st.tuples(
        st.just("event"), st.sampled_from(["invoked", "reached", "aborted", "left"]), st.sampled_from("1239")
    ),
    st.tuples(
        st.just("status"),
        st.sampled_from([GATE.position, YARD.position, RAMP.position, Position(0, 0, 0), None]),
        st.sampled_from([True, False, None]),
    ),
    st.tuples(st.just("silent"), st.just(""), st.just("")),
    st.tuples(st.just("deaf"), st.just(""), st.just("")),
)


@given(st.lists(st.tuples(st.floats(0.1, 3), WORDS), max_size=30))
@settings(max_examples=200, deadline=None)
def test_whatever_is_said_a_preset_is_only_told_at_rest_and_by_somebody(
    words: list[tuple[float, tuple[Any, Any, Any]]],
) -> None:
    dome, now, before = bearings(), 0.0, None
    for passed, (kind, first, second) in words:
        now += passed
        if kind == "event":
            dome.event(now, first, second)
        elif kind == "status":
            dome.status(now, first, second)
        elif kind == "silent":
            dome.silent(now, "away")
        else:
            dome.deaf(now)
        where = dome.where(now)
        assert where.preset is None or (not where.moving and where.told)
        assert 0 <= where.since_s <= now
        assert not (where.moving and not where.told)
        same = before is not None and said(where)[:2] == said(before)[:2] and where.told == before.told
        assert where.since_s == pytest.approx(
            before.since_s + passed if same and before.since_s else where.since_s
        )
        if before is not None and not same:
            assert where.since_s == 0
        if kind == "status" and second is True:
            assert where.moving
        before = where
