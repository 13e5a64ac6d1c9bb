"""Camera health: what blinds a camera, what only looks like it, and what the time stamps say."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from beffroi.config.health import Health
from beffroi.views.health import CameraHealth, Verdict, watching
from beffroi.views.incident import KINDS, TOPICS, Incident
from beffroi.views.look import Eye
from pydantic import ValidationError
from scenes import SIZE, lorries, shot, times, town

PLACE = town(1)
See = Callable[[int, float], np.ndarray]


class Camera:
    """The health of a camera that is shown pictures one after another."""

    def __init__(self, rules: tuple[str, ...] = (), masks: Any = (), **settings: Any) -> None:
        self.health: CameraHealth = watching(
            Health.model_validate(settings), "gate/day", Eye(SIZE, masks), rules=rules
        )
        self.now = 0.0
        self.told: list[Incident] = []

    def show(self, seconds: float, see: See, fps: float = 5.0, *, restarted: bool = False) -> list[Verdict]:
        verdicts = []
        for number, (at_ms, passed) in enumerate(times(seconds, fps, self.now)):
            verdict = self.health.judge(at_ms, see(at_ms, passed), restarted=restarted and number == 0)
            verdicts.append(verdict)
            self.told += verdict.incidents
        self.now += seconds
        return verdicts

    @property
    def changes(self) -> list[tuple[str, str]]:
        return [(incident.kind, incident.change) for incident in self.told]


def still(at_ms: int, _passed: float) -> np.ndarray:
    return shot(PLACE, at_ms)


def dark(at_ms: int, _passed: float) -> np.ndarray:
    return shot(PLACE, at_ms, gain=0.02, offset=8)


def glare(at_ms: int, _passed: float) -> np.ndarray:
    return shot(PLACE, at_ms, gain=0.02, offset=245)


def hand(at_ms: int, _passed: float) -> np.ndarray:
    """A hand before the lens: huge, out of focus, a little light between the fingers."""
    x = np.linspace(0, 3, SIZE[0], dtype=np.float32)
    shade = 70 + 20 * np.sin(x)[None, :, None] * np.ones((SIZE[1], 1, 3), np.float32)
    noise = shot(PLACE, at_ms, gain=0, offset=0, noise=0).astype(np.float32)
    return (shade + noise).astype(np.uint8) + (
        np.arange(SIZE[1])[:, None, None] % 2 * (at_ms // 200 % 2)
    ).astype(np.uint8) * 5


def sprayed(at_ms: int, _passed: float) -> np.ndarray:
    """Paint over a little more than half of the lens."""
    picture = shot(PLACE, at_ms)
    picture[:, : round(SIZE[0] * 0.55)] = shot(np.full_like(PLACE, 60), at_ms)[:, : round(SIZE[0] * 0.55)]
    return picture


def defocused(at_ms: int, _passed: float) -> np.ndarray:
    sharp = shot(PLACE, at_ms, noise=0)
    grain = shot(np.full_like(PLACE, 128), at_ms, noise=1).astype(np.int16) - 128
    return np.clip(cv2.GaussianBlur(sharp, (0, 0), 2.5) + grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("fps", [2, 5, 12])
@pytest.mark.parametrize(
    ("kind", "see", "after"),
    [("too_dark", dark, 3), ("too_bright", glare, 3), ("covered", hand, 3), ("covered", sprayed, 3)],
)
def test_a_blinded_camera_is_told_and_not_judged(kind: str, see: See, after: float, fps: float) -> None:
    camera = Camera()
    assert {verdict.suspended for verdict in camera.show(4, still, fps)} == {None}
    blind = camera.show(6, see, fps)
    assert camera.changes == [(kind, "started")]
    started = camera.told[0]
    assert started.since_ms == pytest.approx(4000, abs=1000 / fps)
    assert started.at_ms - started.since_ms == pytest.approx(after * 1000, abs=1000 / fps)
    assert all(started.measured[name] >= value for name, value in started.threshold.items() if value < 0.9)
    assert (blind[0].suspended, blind[-1].suspended) == (None, kind)
    sees = camera.show(5, still, fps)
    assert camera.changes == [(kind, "started"), (kind, "ended")]
    assert camera.told[1].reason == "cleared"
    assert camera.told[1].id == started.id
    assert (sees[0].suspended, sees[-1].suspended) == (kind, None)


def test_a_camera_that_never_saw_anything_is_blind() -> None:
    for see, kind in ((dark, "too_dark"), (glare, "too_bright"), (hand, "covered")):
        camera = Camera()
        camera.show(5, see)
        assert camera.changes == [(kind, "started")]


def test_a_lit_street_at_night_is_not_too_dark() -> None:
    """Black, but for lamps and what they light: a sixth of the picture."""

    def night(at_ms: int, _passed: float) -> np.ndarray:
        picture = shot(PLACE, at_ms, gain=0.02, offset=8)
        lit = shot(PLACE, at_ms, gain=0.6)
        picture[60:120, 80:240] = lit[60:120, 80:240]
        return picture

    camera = Camera()
    camera.show(10, night)
    assert camera.changes == []


def test_lamps_switched_off_leave_a_camera_that_sees() -> None:
    camera = Camera()
    camera.show(4, still)
    camera.show(10, lambda at_ms, _: shot(PLACE, at_ms, gain=0.35, noise=1))
    assert camera.changes == []


def test_a_dull_place_in_dull_light_is_not_covered() -> None:
    """Little to see, and then half as much: asphalt, after the sun is gone."""
    camera = Camera()
    camera.show(4, lambda at_ms, _: shot(PLACE, at_ms, gain=0.14, offset=90))
    camera.show(8, lambda at_ms, _: shot(PLACE, at_ms, gain=0.07, offset=50))
    assert camera.changes == []


def test_a_lorry_that_leaves_a_plain_place_does_not_cover_it() -> None:
    """A third of the picture has structure; the lorry had as much, and half of it is out of the light now."""
    plain = town(1)
    plain[:, :290] = 120

    def parked(at_ms: int, _passed: float) -> np.ndarray:
        picture = shot(plain, at_ms)
        picture[40:140, 20:150] = shot(town(5), at_ms)[40:140, 20:150]
        return picture

    for before in (4, 120):
        camera = Camera()
        camera.show(before, parked, 2)
        camera.show(10, lambda at_ms, _: shot(plain, at_ms), 2)
        camera.show(20, lambda at_ms, _: shot(plain, at_ms, gain=0.5), 2)
        assert camera.changes == []


def test_glare_over_half_of_the_picture_is_no_cover() -> None:
    def sun(at_ms: int, _passed: float) -> np.ndarray:
        picture = shot(PLACE, at_ms)
        picture[:, : SIZE[0] * 6 // 10] = 252
        return picture

    camera = Camera()
    camera.show(4, still)
    camera.show(8, sun)
    assert camera.changes == []


@pytest.mark.parametrize("gain", [0.6, 1.5])
def test_an_exposure_step_is_nothing(gain: float) -> None:
    camera = Camera()
    camera.show(8, still)
    camera.show(15, lambda at_ms, _: shot(PLACE, at_ms, gain=gain))
    assert camera.changes == []


def test_lorries_are_nothing() -> None:
    """Textured ones over half of the picture, a white one over a third of it."""
    camera = Camera()
    camera.show(8, still)
    camera.show(12, lambda at_ms, t: lorries(shot(PLACE, at_ms), t, 0.5))

    def white(at_ms: int, _passed: float) -> np.ndarray:
        picture = shot(PLACE, at_ms)
        picture[60:, 100:260] = 200
        return picture

    camera.show(12, white)
    assert camera.changes == []


def test_a_picture_out_of_focus_is_blurred_and_still_judged() -> None:
    camera = Camera()
    camera.show(10, still)
    blurred = camera.show(20, defocused)
    assert camera.changes == [("blurred", "started")]
    assert camera.told[0].measured["sharpness"] < camera.told[0].threshold["sharpness"]
    assert {verdict.suspended for verdict in blurred} == {None}
    camera.show(10, still)
    assert camera.changes == [("blurred", "started"), ("blurred", "ended")]


def test_fog_is_blurred_and_dusk_is_not() -> None:
    camera = Camera()
    camera.show(10, still)
    camera.show(20, lambda at_ms, _: shot(PLACE, at_ms, gain=0.3, offset=90, noise=1))
    assert camera.changes == [("blurred", "started")]
    camera = Camera()
    camera.show(10, still)
    camera.show(60, lambda at_ms, t: shot(PLACE, at_ms, gain=1 - t / 80))
    assert camera.changes == []


def test_a_frozen_stream_is_told_and_a_still_scene_is_not() -> None:
    camera = Camera()
    camera.show(30, still)
    assert camera.changes == []
    last = shot(PLACE, 12)
    frozen = camera.show(14, lambda at_ms, _: last)
    assert camera.changes == [("frozen", "started")]
    assert camera.told[0].at_ms - camera.told[0].since_ms == pytest.approx(10_000, abs=400)
    assert frozen[-1].suspended == "frozen"
    assert camera.show(1, still)[0].suspended is None
    assert camera.changes == [("frozen", "started"), ("frozen", "ended")]


def test_a_frozen_picture_that_is_encoded_anew_is_frozen() -> None:
    """Each two seconds with another quality: small errors come and go."""
    camera = Camera()
    source = shot(PLACE, 3, noise=0)

    def again(at_ms: int, _passed: float) -> np.ndarray:
        quality = 98 + at_ms // 2000 % 3
        coded = cv2.imencode(".jpg", source, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)

    camera.show(14, again)
    assert ("frozen", "started") in camera.changes


def test_no_pictures_is_a_lost_signal_and_ends_what_was_active() -> None:
    camera = Camera()
    camera.show(6, still)
    camera.now += 20
    (first, *rest) = camera.show(3, still)
    assert camera.changes == [("signal_lost", "started"), ("signal_lost", "ended")]
    started, ended = camera.told
    assert (started.since_ms, started.at_ms, ended.at_ms) == (5800, 8800, 26_000)
    assert started.measured == {"lost_s": 20.2}
    assert (first.interrupted, first.suspended) == ("signal_lost", None)
    assert {verdict.interrupted for verdict in rest} == {None}


def test_each_of_two_gaps_is_told() -> None:
    camera = Camera()
    camera.show(4, still)
    for _ in range(2):
        camera.now += 10
        (back,) = camera.show(0.2, still)
        assert back.interrupted == "signal_lost"
    assert camera.changes == [("signal_lost", "started"), ("signal_lost", "ended")] * 2


def test_a_stream_of_few_pictures_is_not_lost() -> None:
    camera = Camera()
    camera.show(300, still, fps=0.1)
    assert camera.changes == []


def test_short_gaps_are_not_lost() -> None:
    camera = Camera()
    for _ in range(6):
        camera.show(3, still)
        camera.now += 2.5
    assert camera.changes == []


def test_a_clock_that_begins_again_or_leaps_is_told() -> None:
    camera = Camera()
    camera.show(3, still)
    again = camera.show(4, still, restarted=True)
    assert camera.changes == [("clock_jump", "started"), ("clock_jump", "ended")]
    assert (again[0].interrupted, again[0].suspended) == ("clock_jump", None)
    camera.now += 86_400
    leap = camera.show(4, still)
    assert camera.changes[2:] == [("clock_jump", "started"), ("clock_jump", "ended")]
    assert camera.told[2].measured["jump_s"] > 86_400
    assert leap[0].interrupted == "clock_jump"


def test_a_moved_view_is_told_and_not_judged() -> None:
    camera = Camera()
    camera.show(5, still)
    away = camera.show(6, lambda at_ms, _: shot(PLACE, at_ms, shift=(0.09, 0)))
    (started,) = camera.told
    assert (started.kind, started.measured["moved_share"] > 0.08) == ("view_moved", True)
    assert started.threshold == {"moved_share": 0.05}
    assert away[-1].suspended == "view_lost"
    assert away[-1].motion is None


def test_a_hand_is_no_moved_view_and_the_view_is_there_when_it_goes() -> None:
    camera = Camera()
    camera.show(5, still)
    camera.show(20, hand)
    camera.show(6, still)
    assert camera.changes == [("covered", "started"), ("covered", "ended")]


def test_what_lasts_ends_with_the_run() -> None:
    camera = Camera()
    camera.show(3, still)
    camera.show(5, dark)
    (ended,) = camera.health.finish("stopped")
    assert (ended.kind, ended.change, ended.reason, ended.at_ms) == ("too_dark", "ended", "stopped", 7800)
    assert camera.health.finish("stopped") == []
    camera = Camera()
    camera.show(3, still)
    told = camera.health.lost("signal_lost")
    assert [(one.kind, one.change, one.reason) for one in told] == [
        ("signal_lost", "started", None),
        ("signal_lost", "ended", "signal_lost"),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_each_check_can_be_left_out(kind: str) -> None:
    camera = Camera(**{kind: {"enabled": False}})
    camera.show(7, still)
    camera.show(5, dark)
    camera.show(5, glare)
    camera.show(5, hand)
    camera.show(14, lambda at_ms, _: shot(PLACE, 5))
    camera.now += 10
    camera.show(5, lambda at_ms, _: shot(PLACE, at_ms, shift=(0.1, 0)), restarted=True)
    camera.now += 20
    camera.show(14, still)
    camera.show(20, defocused)
    assert {incident.kind for incident in camera.told} == set(KINDS) - {kind}


def test_thresholds_are_those_of_the_settings() -> None:
    camera = Camera(too_dark={"after": 1, "level": 5}, covered={"enabled": False})
    camera.show(4, dark)
    assert camera.changes == []
    camera = Camera(too_dark={"after": 1})
    camera.show(4, dark)
    assert camera.told[0].at_ms == 1000


@pytest.mark.parametrize(
    "wrong",
    [
        {"too_dark": {"share": 1.5}},
        {"view_moved": {"tolerance": 0}},
        {"fog": {}},
        {"frozen": {"after": "soon"}},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Health.model_validate(wrong)


def test_an_incident_has_the_keys_of_an_event_and_an_id_of_its_own() -> None:
    from beffroi import Engine

    scene = {
        "view": "gate/day", "aspect": 1.0, "classes": ["person"],
        "zones": {"all": [[0, 0], [1, 0], [1, 1], [0, 1]]},
        "rules": [{"name": "inside", "type": "intrusion", "zone": "all"}],
    }  # fmt: skip
    engine = Engine(json.dumps(scene))
    box = np.array([[0.5, 0.2, 0.7, 0.6]], np.float32)
    events = []
    for at_ms in range(0, 3000, 200):
        events += engine.step(at_ms, box, np.array([0.9], np.float32), np.array([0], np.uint16)).events

    def incidents() -> list[Incident]:
        camera = Camera(rules=("too_dark",))
        camera.show(4, dark)
        camera.show(3, still)
        camera.show(4, dark)
        return camera.told

    first, _ended, second = incidents()
    assert list(json.loads(first.to_json())) == list(json.loads(events[0].to_json()))
    assert [one.to_json() for one in incidents()] == [one.to_json() for one in (first, _ended, second)]
    assert first.id != second.id
    plain = first.as_json()
    assert (plain["rule"], plain["type"]) == ("camera too_dark", "too_dark")
    assert plain["definition_hash"] == second.as_json()["definition_hash"]
    other = Camera(too_dark={"after": 2})
    other.show(4, dark)
    assert other.told[0].as_json()["definition_hash"] != plain["definition_hash"]
    assert set(TOPICS) < set(KINDS)


def test_masks_are_neither_dark_nor_still_nor_covers() -> None:
    """Nine tenths of the picture are masked: only the rest is judged."""
    masks = [[[0.1, 0], [1, 0], [1, 1], [0.1, 1]]]

    def masked(at_ms: int, _passed: float) -> np.ndarray:
        picture = shot(PLACE, at_ms)
        picture[:, SIZE[0] // 10 :] = 0
        return picture

    camera = Camera(masks=masks)
    camera.show(14, masked)
    assert camera.changes == []
    camera.show(5, dark)
    assert camera.changes == [("too_dark", "started")]


def test_a_picture_that_is_all_mask_says_nothing() -> None:
    camera = Camera(masks=[[[0, 0], [1, 0], [1, 1], [0, 1]]])
    camera.show(14, lambda at_ms, _: np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
    assert camera.changes == []
