"""Traffic lights and lamps in a drawn zone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from beffroi.components import BuildContext, DetectorConfig
from beffroi.errors import ConfigError
from beffroi.frame import Detections, Frame
from beffroi.video import VideoFile
from pydantic import ValidationError

CLIPS = Path(__file__).parents[2] / "shared/assets/clips"
ZONE = ((0.40, 0.30), (0.60, 0.30), (0.60, 0.70), (0.40, 0.70))
LAMPS = {"red": (40, 40, 235), "amber": (30, 170, 250), "green": (150, 220, 40)}
PLACES = {"red": 0.2, "amber": 0.5, "green": 0.8}


def reader(zone: Any = ZONE, **settings: Any) -> Any:
    context = BuildContext("gate", Path(), labels=("person", "truck"), zones={"head": zone})
    settings = {"type": "light", "name": "head", "zone": "head", **settings}
    return DetectorConfig.parse(settings).build(context)


def head(lit: tuple[str, ...], *, scene: str = "day", wide: int = 20, seed: int = 0) -> np.ndarray:
    """A picture of a head of three, `wide` pixels across, that fills the zone of a fitting picture."""
    rng = np.random.default_rng(seed)
    tall = wide * 5 // 2
    width, height = wide * 5, tall * 5 // 2
    ground = {"day": (190, 160, 130), "night": (25, 20, 20), "leaves": (45, 110, 60)}[scene]
    big = np.full((height * 4, width * 4, 3), ground, np.uint8)
    x, y = width * 2, int(height * 4 * 0.3)
    if scene != "night":
        cv2.rectangle(big, (x - wide * 2, y), (x + wide * 2, y + tall * 4), (30, 30, 30), -1)
    for name, place in PLACES.items():
        colour = LAMPS[name] if name in lit else tuple(value // 6 for value in LAMPS[name])
        cv2.circle(big, (x, y + int(place * tall * 4)), int(wide * 0.9), colour, -1)
    if scene == "night":
        glow = np.zeros(big.shape, np.float32)
        for name in lit:
            cv2.circle(glow, (x, y + int(PLACES[name] * tall * 4)), int(wide * 1.1), LAMPS[name], -1)
        big = np.clip(big + 1.2 * cv2.GaussianBlur(glow, (0, 0), wide), 0, 255).astype(np.uint8)
        for name in lit:
            cv2.circle(big, (x, y + int(PLACES[name] * tall * 4)), int(wide * 0.7), (250, 250, 255), -1)
    image = cv2.resize(big, (width, height), interpolation=cv2.INTER_AREA)
    return np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)


def shown(looks: Any, image: np.ndarray, begins: int, lasts: int = 1000, fps: float = 5) -> str:
    state = ""
    for at_ms in np.arange(begins, begins + lasts, 1000 / fps):
        state = looks.detect([Frame(int(at_ms), image)])[0].signals["head"]
    return state


@pytest.mark.parametrize("scene", ["day", "night", "leaves"])
@pytest.mark.parametrize("wide", [6, 12, 30])
@pytest.mark.parametrize("lit", [("red",), ("amber",), ("green",)], ids=lambda lit: lit[0])
def test_each_lamp_by_day_and_night(scene: str, wide: int, lit: tuple[str, ...]) -> None:
    assert shown(reader(), head(lit, scene=scene, wide=wide), 0) == lit[0]


@pytest.mark.parametrize("fps", [2, 5, 12, 25])
def test_a_cycle(fps: float) -> None:
    looks, told = reader(), []
    for index, lit in enumerate([("green",), ("amber",), ("red",), ("red", "amber"), ("green",)]):
        told.append(shown(looks, head(lit, seed=index), index * 2000, 2000, fps))
    assert told == ["green", "amber", "red", "red_amber", "green"]


def test_a_reflection_of_one_look_is_not_believed() -> None:
    looks = reader()
    assert shown(looks, head(("green",)), 0) == "green"
    assert shown(looks, head(("red",)), 1000, 200) == "green"
    assert shown(looks, head(("green",)), 1200) == "green"


def test_blurred_and_lying() -> None:
    assert shown(reader(), cv2.GaussianBlur(head(("red",)), (0, 0), 3), 0) == "red"
    lying = cv2.rotate(head(("green",)), cv2.ROTATE_90_CLOCKWISE)
    zone = [(y, x) for x, y in ZONE]
    assert shown(reader(zone), lying, 0) == "green"


def test_dark_is_off_after_two_seconds() -> None:
    looks = reader()
    assert shown(looks, head(("red",)), 0) == "red"
    assert shown(looks, head(()), 1000, 1000) == "red"
    assert shown(looks, head(()), 2000, 2000) == "off"


def test_amber_that_flashes_is_not_a_cycle() -> None:
    looks, told = reader(), []
    for at_ms in range(0, 6000, 200):
        lit = ("amber",) if at_ms % 1000 < 600 else ()
        told.append(looks.detect([Frame(at_ms, head(lit))])[0].signals["head"])
    assert told[-5:] == ["flashing"] * 5
    assert "red" not in told
    assert shown(looks, head(("red",)), 6000) == "red"


def test_a_truck_in_front_hides_it() -> None:
    looks = reader()
    image = head(("red",))
    box = np.array([[0.3, 0.2, 0.7, 0.9]], np.float32)
    truck = Detections(box, np.array([0.9], np.float32), np.array([1], np.uint16))
    states = [looks.detect([Frame(at, image, truck)])[0].signals["head"] for at in range(0, 1000, 200)]
    assert set(states) == {"unknown"}


def test_sun_on_the_glass_is_learnt_while_another_lamp_is_lit() -> None:
    looks = reader()
    image = head(("red",))
    height, width = image.shape[:2]
    cv2.circle(image, (width // 2, int(height * 0.62)), 4, (120, 190, 110), -1)
    assert shown(looks, image, 0, 30_000) == "red"


def test_too_small_says_nothing() -> None:
    assert shown(reader(), head(("red",), wide=60)[::60, ::60], 0) == "unknown"


def test_a_lamp_on_and_off() -> None:
    rng = np.random.default_rng(1)
    dark = rng.integers(20, 45, (90, 160, 3), dtype=np.uint8)
    lit = dark.copy()
    cv2.circle(lit, (80, 45), 6, (200, 240, 255), -1)
    looks = reader(kind="lamp")
    told = [shown(looks, image, index * 2000, 2000) for index, image in enumerate([dark, lit, dark, lit])]
    assert told == ["off", "on", "off", "on"]


def test_mistakes_are_named() -> None:
    settings = DetectorConfig.parse({"type": "light", "name": "head", "zone": "haed"})
    context = BuildContext("gate", Path(), zones={"head": ZONE})
    ((place, message),) = settings.findings(context)
    assert place == ("zone",)
    assert "no zone `haed`" in message
    assert "head" in message
    with pytest.raises(ConfigError, match="no zone `haed`"):
        settings.build(context)
    outside = BuildContext("gate", Path(), zones={"haed": [(1.2, 0.1), (1.5, 0.1), (1.5, 0.4)]})
    assert "outside the picture" in next(iter(settings.findings(outside)))[1]
    with pytest.raises(ValidationError, match="longer than 10s"):
        DetectorConfig.parse({"type": "light", "name": "a", "zone": "a", "steady": "1min"})


@pytest.mark.assets
def test_the_crossing_at_night() -> None:
    path = CLIPS / "red-light-night.mp4"
    if not path.is_file():
        pytest.skip(f"the sample clip {path} is not there")
    looks = reader(((0.660, 0.10), (0.700, 0.10), (0.700, 0.21), (0.660, 0.21)))
    video, due, told = VideoFile(path), 0, []
    for at_ms, picture in video.pictures():
        if at_ms > 5000:
            break
        if at_ms >= due:
            due += 200
            told.append((at_ms, looks.detect([Frame(at_ms, video.image(picture))])[0].signals["head"]))
    assert {state for at, state in told if 600 <= at <= 2500} == {"amber"}
    assert {state for at, state in told if at >= 3200} == {"red"}
    assert {state for at, state in told} <= {"unknown", "amber", "red"}
