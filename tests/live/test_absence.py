"""When a camera is called silent: told once, by the clock, and taken back by its next picture."""

from __future__ import annotations

from beffroi.runtime.live.absence import TIMES, USUAL, Absence
from hypothesis import given
from hypothesis import strategies as st


def heard(absence: Absence, *times_s: float) -> Absence:
    for time_s in times_s:
        absence.heard(time_s)
    return absence


def test_a_camera_that_never_comes_is_silent_once() -> None:
    absence = Absence(3, now_s=100)
    assert [absence.begins(100 + second) for second in (0, 2.9, 3.0, 3.1, 60)] == [0, 0, 1, 0, 0]
    assert not absence.over()
    assert absence.silent_s(160) == 60


def test_a_picture_ends_it_and_it_may_begin_again() -> None:
    absence = heard(Absence(3, 0), 0.2, 0.4, 0.6)
    assert not absence.begins(3.5)
    assert absence.begins(3.6)
    assert heard(absence, 4.0).over()
    assert not absence.over()
    assert not absence.begins(6.9)
    assert absence.begins(7.0)


def test_a_picture_that_came_before_it_was_noticed_does_not_end_it() -> None:
    absence = heard(Absence(3, 0), 0.5, 1.0)
    assert absence.begins(4.0)
    assert not absence.over()


@given(st.floats(0.05, 30), st.floats(0.5, 60))
def test_what_is_usual_is_no_absence(interval_s: float, after_s: float) -> None:
    absence = Absence(after_s, 0)
    heard(absence, *[number * interval_s for number in range(1, USUAL + 2)])
    last_s = (USUAL + 1) * interval_s
    assert absence.threshold_s >= after_s
    assert not absence.begins(last_s + 0.99 * absence.threshold_s)
    assert absence.threshold_s <= max(after_s, TIMES * interval_s) * 1.000001
    assert absence.begins(last_s + 1.01 * absence.threshold_s)


def test_the_absence_itself_is_not_taken_for_usual() -> None:
    absence = heard(Absence(3, 0), 0.2, 0.4)
    for night in range(1, USUAL + 3):
        assert absence.begins(100 * night)
        heard(absence, 100 * night + 1)
        assert absence.over()
        heard(absence, 100 * night + 1.2, 100 * night + 1.4)
    assert absence.threshold_s == 3


def test_a_late_first_picture_is_no_usual_interval() -> None:
    """A camera that took long to connect must not be allowed to be silent for three times as long."""
    absence = heard(Absence(3, 0), 2.9, 3.1)
    assert absence.threshold_s == 3
    assert absence.begins(6.2)


def test_key_pictures_that_come_seldom_are_waited_for_before_anybody_knows_it() -> None:
    absence = heard(Absence(3, 0), 0.5)
    assert not absence.begins(10.4)
    heard(absence, 10.5)
    assert not absence.begins(20.4)
    assert heard(Absence(3, 0), 0.5).begins(12.6)
