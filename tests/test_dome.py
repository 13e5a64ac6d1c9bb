"""A dome that turns: what becomes of its pictures, with a device whose words are late, and with none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
from beffroi.components import BuildContext
from beffroi.config.health import Health
from beffroi.config.site import Camera
from beffroi.errors import SourceError
from beffroi.frame import Frame
from beffroi.views.dome import NOBODY, Dome, Sight
from beffroi.views.dome import dome as built
from beffroi.views.guard import Guard, Kept
from beffroi.views.health import CameraHealth, watching
from beffroi.views.incident import Incident, Origin
from beffroi.views.look import Eye
from beffroi.views.presets import Where
from hypothesis import given, settings
from hypothesis import strategies as st
from panorama import PRESETS, Leg, Tour, picture, to
from scenes import SIZE, lorries

CLIPS = Path(__file__).parents[2] / "shared/assets/clips"

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
        sights[view] = Sight(
            watching(only, f"square/{view}", eye, references=references, turns=True), eye, TOLERANCE
        )
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
    delay: float = 0.0,
) -> Seen:
    """Show a tour; without `late` the device never answers. Pictures come `delay` seconds after they were."""
    seen, now = Seen(), [0.0]
    made = dome(lambda: NOBODY if late is None else tour.where(now[0], late), known=known)
    if guards is not None:
        guards += [guard for view in PRESETS if (guard := made.guard(view)) is not None]
    active: str | None = None
    for second, frame in tour.frames(fps):
        now[0] = second + delay
        image = frame.image if paint is None else paint(second, frame.image)
        view, verdict = made.look(Frame(frame.at_ms, image), late_s=delay)
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


@pytest.mark.parametrize("known", ["abc", ""])
def test_pictures_that_come_late_are_judged_by_where_the_dome_was(known: str) -> None:
    tour = Tour([to("a", 0, 12), to("b", 1.5, 12), to("a", 1.0, 12)])
    seen = shown(tour, (0.3,), known=known, delay=3.0)
    assert seen.wrong == []
    assert seen.judged["a"] >= 4 * 10
    assert not seen.incidents


def test_what_is_learnt_is_not_the_way_there() -> None:
    """A word that is nearly two seconds early: the first pictures are of the turn, and not what is learnt."""
    seen = shown(Tour([to("b", 0, 4), to("a", 1.5, 12)]), (-1.8,), known="")
    assert seen.wrong == []
    assert seen.judged["a"] >= 4 * 10


@given(st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=8), st.sampled_from([2.0, 4.0, 7.0]))
@settings(max_examples=4, deadline=None)
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


def test_a_picture_that_was_not_judged_breaks_the_motion() -> None:
    """The engine is told how the camera moved since the picture that it saw, or nothing."""
    where = Where("1", False, 60.0, "poll")
    made = dome(lambda: where)
    shaken = [0.0, 6.0, -6.0, 60.0, 6.0, -6.0]
    motions = []
    for number, shift in enumerate(shaken):
        view, verdict = made.look(Frame(number * 200, picture(PRESETS["a"][1] + shift, moment=number)))
        motions.append((view, verdict.motion is not None))
    assert motions == [("a", False), ("a", True), ("a", True), (None, False), ("a", False), ("a", True)]


# As the runtime makes it.


def camera(**changes: object) -> Camera:
    """Settings of a camera with three views, each with its picture."""
    views = {view: {"reference": f"{view}.png"} for view in PRESETS}
    source = {"type": "file", "path": "film.mp4"}
    health = {"frozen": {"enabled": False}, "view_moved": {"settle": 1}}
    written = {"source": source, "detect": {}, "views": views, "health": health}
    return Camera.model_validate(written | changes)


@pytest.fixture
def context(tmp_path: Path) -> BuildContext:
    for view, (_, left) in PRESETS.items():
        cv2.imwrite(str(tmp_path / f"{view}.png"), picture(left, moment=50))
    return BuildContext("square", tmp_path, state=tmp_path / "learnt/square")


def toured(made: Dome, tour: Tour, now: list[float]) -> Counter[str | None]:
    """How many pictures each view got; none of them another's."""
    got: Counter[str | None] = Counter()
    for second, frame in tour.frames(4):
        now[0] = second
        view, _ = made.look(frame)
        got[view] += 1
        assert view in (None, tour.shows(second, within=TOLERANCE * SIZE[0] + 1))
    return got


def test_a_recording_of_a_dome_is_told_by_its_reference_pictures(context: BuildContext) -> None:
    got = toured(built(camera(), SIZE, context, None), TOUR, [0.0])
    assert all(got[view] > 10 for view in PRESETS)


def test_what_is_learnt_outlives_the_run(context: BuildContext) -> None:
    """Learnt with the dome's word; the next run knows the views without it."""
    views = {view: {"preset": preset} for view, (preset, _) in PRESETS.items()}
    tour, now = Tour([to("a", 0, 20), to("b", 1, 20), to("c", 1, 20)]), [0.0]
    toured(built(camera(views=views), SIZE, context, lambda: tour.where(now[0], (0.0,))), tour, now)
    assert context.state is not None
    kept = context.state.glob("views/*/reference-1.png")
    assert sorted(path.parent.name for path in kept) == ["a", "b", "c"]
    got = toured(built(camera(views={view: {} for view in PRESETS}), SIZE, context, None), TOUR, [0.0])
    assert all(got[view] > 10 for view in PRESETS)


def test_each_view_has_its_own_masks(context: BuildContext) -> None:
    """What nobody may look into is black before a guard sees it, and is kept nowhere."""
    masked = {"preset": "1", "masks": {"window": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}}
    tour, now = Tour([to("a", 0, 20)]), [0.0]
    settings_ = camera(views={"a": masked, "b": {"preset": "2"}})
    toured(built(settings_, SIZE, context, lambda: tour.where(now[0], (0.0,))), tour, now)
    kept = cv2.imread(str(context.path("learnt/square/views/a/reference-1.png")), cv2.IMREAD_GRAYSCALE)
    assert kept is not None
    left, right = kept[:, : kept.shape[1] // 2 - 1], kept[:, kept.shape[1] // 2 + 1 :]
    assert left.max() == 0
    assert right.std() > 10


def test_a_picture_of_another_shape_is_named_with_its_place(context: BuildContext) -> None:
    cv2.imwrite(str(context.path("b.png")), np.zeros((100, 100, 3), np.uint8))
    with pytest.raises(SourceError, match=r"^cameras\.square\.views\.b\.reference: .*b\.png: is 100 x 100"):
        built(camera(), SIZE, context, None)


def test_without_a_guard_the_dome_is_believed_once_it_has_lasted(context: BuildContext) -> None:
    views = {view: {"preset": preset} for view, (preset, _) in PRESETS.items()}
    settings_ = camera(views=views, health={"enabled": False})
    tour, now = Tour([to("a", 0, 10)]), [0.0]
    got = toured(built(settings_, SIZE, context, lambda: tour.where(now[0], (0.0,))), tour, now)
    assert got == {None: 8, "a": 32}


def test_what_lasts_ends_with_the_run(context: BuildContext) -> None:
    made, black = built(camera(), SIZE, context, None), np.zeros((*SIZE[::-1], 3), np.uint8)
    started = [one for at in range(0, 6000, 250) for one in made.look(Frame(at, black))[1].incidents]
    assert [(one.kind, one.origin.view) for one in started] == [("too_dark", "square/a")]
    assert [(one.kind, one.change, one.reason) for one in made.end("stopped")] == [
        ("too_dark", "ended", "stopped")
    ]


@pytest.mark.assets
@pytest.mark.skipif(not CLIPS.is_dir(), reason="the sample clips are not there")
def test_real_places_are_not_taken_for_each_other() -> None:
    """Each place knows its own pictures, crowds and traffic included, and none of another's."""
    from beffroi.video import VideoFile

    size, seen = (640, 360), {}
    for name in ("concourse", "dense-traffic", "junction", "plaza", "street", "car-park"):
        video = VideoFile(CLIPS / f"{name}.mp4")
        taken: list[np.ndarray] = []
        for at_ms, raw in video.pictures():
            if at_ms >= len(taken) * 1200:
                taken.append(cv2.resize(video.image(raw), size, interpolation=cv2.INTER_AREA))
            if len(taken) == 6:
                break
        video.close()
        seen[name] = taken
    eye = Eye(size)
    for name, pictures in seen.items():
        first = eye.look(0, pictures[0])
        kept = [Kept(first.grey, first.mono)]
        own = Guard(eye, tolerance=TOLERANCE, after=2, settle=2, learn=15, references=kept)
        for other, theirs in seen.items():
            for shot in theirs[1:]:
                found = own.seen(eye.look(1, shot))
                shows = found is not None and found[1] <= TOLERANCE
                assert shows == (name == other), (name, other, found)
