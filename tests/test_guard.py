"""The view guard: known motions of painted places, and everything that must not look like one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from beffroi.errors import SourceError
from beffroi.views.guard import Guard, Kept, Place
from beffroi.views.look import Eye
from beffroi.views.reference import Reference, relative
from beffroi.views.shelf import Shelf, given
from scenes import SIZE, lorries, shot, times, town

PLACE = town(1)
ELSEWHERE = town(2)
TOLERANCE = 0.05


def guard(eye: Eye | None = None, references: Iterable[Kept] = (), learn: float = 15.0) -> Guard:
    eye = Eye(SIZE) if eye is None else eye
    return Guard(eye, tolerance=TOLERANCE, after=2, settle=2, learn=learn, references=list(references))


class Watching:
    """A guard and its own eye, shown pictures one after another."""

    def __init__(self, references: Iterable[Kept] = (), learn: float = 15.0) -> None:
        self.eye = Eye(SIZE)
        self.guard = guard(self.eye, references, learn)
        self.now = 0.0

    def show(self, seconds: float, see: Callable[[int, float], np.ndarray], fps: float = 5.0) -> list[Place]:
        places = []
        for at_ms, passed in times(seconds, fps, self.now):
            places.append(self.guard.judge(self.eye.look(at_ms, see(at_ms, passed))))
        self.now += seconds
        return places


def still(at_ms: int, passed: float) -> np.ndarray:
    return shot(PLACE, at_ms)


def moved(places: list[Place]) -> list[bool]:
    return [place.moved for place in places]


@pytest.mark.parametrize(
    ("shift", "zoom", "turn"),
    [
        ((0.0, 0.0), 1.0, 0.0),
        ((0.013, -0.007), 1.0, 0.0),
        ((-0.05, 0.03), 1.0, 0.0),
        ((0.0, 0.0), 1.04, 0.0),
        ((0.0, 0.0), 1.0, 1.5),
        ((0.02, 0.01), 0.97, -1.0),
    ],
)
def test_a_known_motion_is_measured(shift: tuple[float, float], zoom: float, turn: float) -> None:
    """Corners of the picture are put within 2 thousandths of its width of where they went."""
    watching = Watching()
    (before,) = watching.show(0.2, still)
    (place,) = watching.show(0.2, lambda at_ms, _: shot(PLACE, at_ms, shift=shift, zoom=zoom, turn=turn))
    assert before.motion is None
    a, b, tx, c, d, ty = place.motion or (1, 0, 0, 0, 1, 0)
    aspect = SIZE[0] / SIZE[1]
    cos, sin = zoom * math.cos(math.radians(turn)), zoom * math.sin(math.radians(turn))
    for x, y in [(0, 0), (1, 0), (0, 1), (1, 1), (0.5, 0.5)]:
        # Around the middle, in shares of the width.
        dx, dy = x - 0.5, (y - 0.5) / aspect
        wanted = (cos * dx + sin * dy + 0.5 + shift[0], (-sin * dx + cos * dy + shift[1]) * aspect + 0.5)
        found = (a * x + b * y + tx, c * x + d * y + ty)
        assert math.hypot(found[0] - wanted[0], (found[1] - wanted[1]) / aspect) < 0.002


def test_a_still_camera_has_no_motion() -> None:
    places = Watching().show(20, still)
    assert {place.motion for place in places} == {None}
    assert max(place.share or 0 for place in places) < 0.002


@pytest.mark.parametrize("fps", [5, 12])
def test_a_shaking_mast_is_followed_and_never_moved(fps: float) -> None:
    """A swing of 4 % to either side: every motion is told within 3 thousandths, and the view stays."""
    watching = Watching()

    def swing(passed: float) -> tuple[float, float]:
        return 0.04 * math.sin(7.3 * passed), 0.02 * math.sin(5.1 * passed + 1)

    places = watching.show(10, lambda at_ms, passed: shot(PLACE, at_ms, shift=swing(passed)), fps)
    assert not any(moved(places))
    told = 0
    for number in range(1, len(places)):
        now, then = swing(number / fps), swing((number - 1) / fps)
        motion = places[number].motion
        if motion is None:
            assert math.dist(now, then) < 0.005
            continue
        told += 1
        found = (
            motion[0] * 0.5 + motion[1] * 0.5 + motion[2] - 0.5,
            motion[3] * 0.5 + motion[4] * 0.5 + motion[5] - 0.5,
        )
        wanted = (now[0] - then[0], (now[1] - then[1]) * SIZE[0] / SIZE[1])
        assert math.dist(found, wanted) < 0.003
    assert told > 0.8 * len(places)


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_lorries_do_not_move_the_view(share: float) -> None:
    watching = Watching()
    watching.show(3, still)
    places = watching.show(10, lambda at_ms, passed: lorries(shot(PLACE, at_ms), passed, share))
    assert not any(moved(places))
    assert {place.motion for place in places} == {None}


def test_lorries_do_not_hide_that_the_view_moved() -> None:
    watching = Watching()
    watching.show(3, still)
    places = watching.show(4, lambda at_ms, passed: lorries(shot(PLACE, at_ms, shift=(0.08, 0)), passed, 0.4))
    assert places[-1].moved


def test_light_does_not_move_the_view() -> None:
    """Dusk over a minute, an exposure step, haze, a shadow that wanders over half of the picture."""
    watching = Watching()
    watching.show(3, still)
    assert not any(moved(watching.show(60, lambda at_ms, t: shot(PLACE, at_ms, gain=1 - t / 80), 2)))
    assert not any(moved(watching.show(5, lambda at_ms, _: shot(PLACE, at_ms, gain=0.6))))
    assert not any(moved(watching.show(5, lambda at_ms, _: shot(PLACE, at_ms, gain=0.4, offset=110))))

    def shadow(at_ms: int, passed: float) -> np.ndarray:
        picture = shot(PLACE, at_ms).astype(np.float32)
        edge = int(passed / 20 * SIZE[0])
        picture[:, edge : edge + SIZE[0] // 2] *= 0.45
        return picture.astype(np.uint8)

    assert not any(moved(watching.show(10, shadow)))


@pytest.mark.parametrize("fps", [2, 5, 12, 25])
def test_a_cut_to_another_place_is_seen_at_any_rate(fps: float) -> None:
    watching = Watching()
    assert not any(moved(watching.show(3, still, fps)))
    places = watching.show(4, lambda at_ms, _: shot(ELSEWHERE, at_ms), fps)
    first = next(index for index, place in enumerate(places) if place.moved)
    assert 0.5 <= first / fps <= 2.6
    assert places[first].since_ms == pytest.approx(3000, abs=1100)


def test_one_strange_picture_decides_nothing_however_rare_they_are() -> None:
    """A picture each two seconds; a bus hides all of one of them."""
    watching = Watching()
    watching.show(10, still, 0.5)
    assert not any(moved(watching.show(2, lambda at_ms, _: shot(ELSEWHERE, at_ms), 0.5)))
    assert not any(moved(watching.show(10, still, 0.5)))
    assert watching.show(10, lambda at_ms, _: shot(ELSEWHERE, at_ms), 0.5)[-1].moved


@pytest.mark.parametrize("fps", [2, 5, 12])
def test_a_slow_tilt_is_seen_when_it_has_gone_too_far(fps: float) -> None:
    """2 % of the width a second from the very first picture: 5 % is passed at 2.5 s."""
    places = Watching().show(8, lambda at_ms, t: shot(PLACE, at_ms, shift=(0, 0.02 * t)), fps)
    first = next(index for index, place in enumerate(places) if place.moved)
    assert 2.5 < first / fps <= 5.0
    assert all(moved(places)[first:])


@pytest.mark.parametrize(
    ("see", "what"),
    [
        (lambda at_ms, _: shot(PLACE, at_ms, zoom=1.25), "zoom"),
        (lambda at_ms, _: shot(PLACE, at_ms, shift=(0.09, 0.02)), "bump"),
        (lambda at_ms, _: shot(PLACE, at_ms, turn=9), "turn"),
        (lambda at_ms, t: shot(PLACE, at_ms, shift=(0.1 * t, 0)), "pan"),
    ],
)
def test_what_moved_is_told_and_ends_once_it_is_back(
    see: Callable[[int, float], np.ndarray], what: str
) -> None:
    watching = Watching()
    watching.show(3, still)
    assert watching.show(5, see)[-1].moved, what
    back = watching.show(5, still)
    first = moved(back).index(False)
    assert 1.6 <= first / 5 <= 2.6
    assert not any(moved(back)[first:])


def test_a_small_lasting_bump_is_still_the_view() -> None:
    watching = Watching()
    watching.show(3, still)
    assert not any(moved(watching.show(20, lambda at_ms, _: shot(PLACE, at_ms, shift=(0.03, 0.01)))))


def test_a_known_view_that_moves_for_good_stays_moved() -> None:
    watching = Watching()
    watching.show(20, still, 2)
    assert watching.guard.established
    places = watching.show(60, lambda at_ms, _: shot(PLACE, at_ms, shift=(0.09, 0)), 2)
    assert all(moved(places)[10:])


def test_a_camera_that_is_still_being_put_up_is_learnt_where_it_is_left() -> None:
    watching = Watching()
    watching.show(5, still)
    left = watching.show(25, lambda at_ms, _: shot(ELSEWHERE, at_ms))
    assert any(moved(left))
    assert not left[-1].moved
    assert watching.guard.established
    assert watching.show(4, still)[-1].moved


def test_who_walks_through_is_not_in_the_reference() -> None:
    watching = Watching()

    def walker(at_ms: int, passed: float) -> np.ndarray:
        picture = shot(PLACE, at_ms)
        x = int(20 * passed) % 300
        picture[75:125, x : x + 20] = 255
        return picture

    watching.show(18, walker)
    (reference,) = watching.guard.references
    empty = watching.eye.look(0, shot(PLACE, noise=0)).grey
    assert np.abs(reference.grey - empty).max() < 8


def test_the_reference_follows_the_light_and_never_the_camera() -> None:
    watching = Watching()
    watching.show(18, still, 2)
    # Ten minutes in which the camera sags by 3 % and the light falls to a half.
    places = watching.show(
        600, lambda at_ms, t: shot(PLACE, at_ms, shift=(0, 0.03 * t / 600), gain=1 - t / 1200), 0.5
    )
    assert not any(moved(places))
    assert places[-1].share == pytest.approx(0.03, abs=0.003)
    darkest = min(reference.light for reference in watching.guard.references)
    assert darkest < 0.75 * watching.eye.look(0, shot(PLACE)).mean.mean()


def test_a_kept_reference_tells_a_moved_camera_after_a_restart(tmp_path: Path) -> None:
    before = Watching()
    before.show(18, still, 2)
    shelf = Shelf(tmp_path / "views" / "day")
    shelf.save(before.guard.references)
    kept = shelf.load(before.eye)
    assert not any(moved(Watching(kept).show(6, still)))
    bumped = Watching(kept).show(6, lambda at_ms, _: shot(PLACE, at_ms, shift=(0.09, 0)))
    assert bumped[-1].moved
    assert bumped[-1].share == pytest.approx(0.09, abs=0.003)
    assert Watching(kept).show(6, lambda at_ms, _: shot(ELSEWHERE, at_ms))[-1].moved
    assert shelf.clear() == 1
    assert shelf.load(before.eye) == []


def test_a_reference_of_another_light_accuses_nobody_after_a_restart() -> None:
    """By night nothing of the day's structure need be seen: without a night's reference there is no proof."""
    day = Watching()
    day.show(18, still, 2)
    night = Watching([Kept(one.grey, one.mono) for one in day.guard.references])
    assert not any(moved(night.show(10, lambda at_ms, _: shot(ELSEWHERE, at_ms, gain=0.3))))


def infrared(at_ms: int, place: np.ndarray = PLACE, shift: tuple[float, float] = (0, 0)) -> np.ndarray:
    """No colours, and other edges: what shines in infrared is not what shines by day."""
    night = np.repeat(place[:, ::-1].max(axis=2, keepdims=True), 3, axis=2)[::-1]
    return shot(np.ascontiguousarray(night), at_ms, shift=shift)


def test_the_night_mode_of_a_camera_is_not_another_view(tmp_path: Path) -> None:
    """By night nothing fits to the day: the switch itself is the proof, and both are known from then on."""
    watching = Watching()
    watching.show(18, still, 2)
    assert not any(moved(watching.show(70, lambda at_ms, _: infrared(at_ms), 2)))
    assert not any(moved(watching.show(10, still, 2)))
    assert not any(moved(watching.show(10, lambda at_ms, _: infrared(at_ms), 2)))
    shelf = Shelf(tmp_path)
    shelf.save(watching.guard.references)
    assert [kept.mono for kept in shelf.load(watching.eye)] == [False, True]
    assert watching.show(14, lambda at_ms, _: infrared(at_ms, shift=(0.1, 0)), 2)[-1].moved


def test_a_cut_in_black_and_white_is_a_cut() -> None:
    watching = Watching()
    watching.show(4, lambda at_ms, _: infrared(at_ms))
    assert watching.show(4, lambda at_ms, _: infrared(at_ms, ELSEWHERE))[-1].moved


def test_kept_references_of_other_pictures_are_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf(tmp_path)
    shelf.save([Reference(np.zeros((40, 40), np.float32), np.ones((4, 4), np.bool_))])
    assert shelf.load(Eye(SIZE)) == []
    assert "is no reference for pictures of this shape" in caplog.text


def test_a_reference_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    import cv2

    path = tmp_path / "reference.png"
    with pytest.raises(SourceError, match="is not a picture that can be read"):
        given(path, Eye(SIZE), SIZE)
    cv2.imwrite(str(path), np.zeros((100, 100, 3), np.uint8))
    with pytest.raises(SourceError, match="is 100 x 100, but the camera's pictures are 320 x 180"):
        given(path, Eye(SIZE), SIZE)
    cv2.imwrite(str(path), shot(PLACE))
    assert not any(moved(Watching([given(path, Eye(SIZE), SIZE)]).show(5, still)))


def test_a_wall_is_no_evidence() -> None:
    """Too little structure to register anything: nobody says that it moved."""
    places = Watching().show(10, lambda at_ms, _: shot(np.full_like(PLACE, 128), at_ms))
    assert not any(moved(places))
    assert places[-1].share is None


def test_a_mask_says_nothing() -> None:
    """The left half is masked, and so black and still: the view still moves as the right half does."""
    eye = Eye(SIZE, [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]])
    watching = guard(eye)
    for at_ms, passed in times(8):
        picture = shot(PLACE, at_ms, shift=(0, 0.0 if passed < 2 else 0.08))
        picture[:, : SIZE[0] // 2] = 0
        place = watching.judge(eye.look(at_ms, picture))
    assert place.moved
    assert place.share == pytest.approx(0.08, abs=0.004)


def test_where_a_camera_turns_what_hardly_fits_is_denied_by_the_latest_look() -> None:
    """Most of the picture is another place: so looks the first picture of a turn, and a crowd that came.

    A dome's picture is then not taken for the view until the latest look is too old to tell.
    """
    eye = Eye(SIZE)
    look = eye.look(0, shot(PLACE))
    kept = [Kept(look.grey, look.mono)]

    def mixed(at_ms: int, share: float) -> np.ndarray:
        picture = shot(PLACE, at_ms)
        edge = round(share * SIZE[0])
        picture[:, :edge] = shot(ELSEWHERE, at_ms)[:, :edge]
        return picture

    # As much of the other place as leaves a fit to the reference, and none to the latest look.
    share = next(
        share
        for share in np.arange(0.5, 0.95, 0.01)
        if guard(eye, kept).judge(eye.look(0, mixed(0, share))).agreement < 0.24
    )
    for turns in (False, True):
        watching = Guard(eye, tolerance=TOLERANCE, after=2, settle=2, learn=15, references=kept, turns=turns)
        watching.judge(eye.look(0, shot(PLACE)))
        places = [watching.judge(eye.look(at, mixed(at, share))) for at in range(1000, 6000, 1000)]
        assert all(place.share is not None for place in places)
        assert [place.assumed for place in places] == [turns, turns, turns, turns, False]


def test_the_same_pictures_give_the_same_verdicts() -> None:
    def seen() -> list[Place]:
        return Watching().show(
            6, lambda at_ms, t: lorries(shot(PLACE, at_ms, shift=(0.03 * math.sin(t), 0)), t, 0.4)
        )

    assert seen() == seen()


def test_relative_motion_keeps_the_middle_of_pixels() -> None:
    """A turn by 180 degrees around the middle maps the corners onto each other, whatever the pixels."""
    turned = np.array([[-1.0, 0.0, 159.0], [0.0, -1.0, 89.0], [0.0, 0.0, 1.0]])
    a, b, tx, c, d, ty = relative(turned, 160, 90)
    assert (a, b, tx, c, d, ty) == pytest.approx((-1, 0, 1, 0, -1, 1))


def test_a_reference_without_structure_registers_nothing() -> None:
    eye = Eye(SIZE)
    look = eye.look(0, np.full((*SIZE[::-1], 3), 90, np.uint8))
    flat = Reference(look.grey, eye.kept)
    assert not flat.usable
    assert flat.agreement(look, np.eye(3)) == 0
