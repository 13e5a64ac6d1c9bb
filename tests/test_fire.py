"""Fire and smoke: what burns is found, what only looks like it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from beffroi.components import BuildContext, DetectorConfig
from beffroi.errors import ModelError
from beffroi.frame import Detections, Frame
from beffroi.video import VideoFile
from pydantic import ValidationError
from toymodel import detr_answers, toy_model

CLIPS = Path(__file__).parents[2] / "shared/assets/clips"
SIZE = (320, 180)

Painter = Callable[[np.ndarray, int, np.random.Generator], None]


def detector(folder: Path = Path(), **settings: Any) -> Any:
    context = BuildContext("gate", folder, labels=("person", "car"))
    return DetectorConfig.parse({"type": "fire", **settings}).build(context)


def film(paint: Painter, *, fps: float = 5, seconds: float = 8, boxes: Any = None) -> Iterator[Frame]:
    """A grey street with noise, and what `paint` adds at each time."""
    rng = np.random.default_rng(3)
    street = cv2.resize(rng.integers(40, 100, (45, 80, 3), dtype=np.uint8), SIZE)
    for at_ms in np.arange(0, seconds * 1000, 1000 / fps).round().astype(int):
        image = street.copy()
        paint(image, int(at_ms), rng)
        noisy = np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)
        yield Frame(int(at_ms), noisy, boxes)


def flame(image: np.ndarray, at_ms: int, rng: np.random.Generator) -> None:
    """Tongues with a yellow inside, another shape in every picture."""
    for _ in range(5):
        x, height = 160 + int(rng.normal(0, 5)), int(rng.uniform(8, 30))
        cv2.ellipse(image, (x, 120 - height // 2), (5, height // 2), 0, 0, 360, (40, 150, 250), -1)
        cv2.ellipse(image, (x, 120 - height // 4), (3, height // 3), 0, 0, 360, (150, 235, 255), -1)


def lamp(image: np.ndarray, level: float = 1.0) -> None:
    glow = np.zeros(image.shape, np.float32)
    cv2.circle(glow, (160, 90), 8, (40, 150, 255), -1)
    cv2.circle(glow, (160, 90), 3, (200, 240, 255), -1)
    image[:] = np.clip(image + level * (glow + cv2.GaussianBlur(glow, (0, 0), 5)), 0, 255).astype(np.uint8)


def steady_lamp(image: np.ndarray, at_ms: int, rng: np.random.Generator) -> None:
    lamp(image)


def amber_blinks(image: np.ndarray, at_ms: int, rng: np.random.Generator) -> None:
    lamp(image, float(at_ms // 340 % 2))


def beacon(image: np.ndarray, at_ms: int, rng: np.random.Generator) -> None:
    lamp(image, max(0.0, float(np.cos(2 * np.pi * at_ms / 900))) ** 3)


def orange_van(image: np.ndarray, at_ms: int, rng: np.random.Generator) -> None:
    x = at_ms // 25 - 40
    cv2.rectangle(image, (x, 80), (x + 50, 110), (30, 120, 240), -1)
    cv2.rectangle(image, (x + 30, 84), (x + 44, 94), (200, 230, 255), -1)


def brightness(image: np.ndarray, at_ms: int, rng: np.random.Generator) -> None:
    """A sunset that clouds and the camera's gain make brighter and darker."""
    image[20:60] = (60, 150, 230)
    image[:] = np.clip(image * (1 + 0.15 * (-1) ** (at_ms // 200)), 0, 255).astype(np.uint8)


def shaking(image: np.ndarray, at_ms: int, rng: np.random.Generator) -> None:
    dx, dy = rng.integers(-1, 2, 2)
    cv2.rectangle(image, (100 + dx, 60 + dy), (160 + dx, 110 + dy), (40, 140, 250), -1)


def found(frames: Iterator[Frame], **settings: Any) -> dict[str, list[int]]:
    looks = detector(**settings)
    times: dict[str, list[int]] = {"fire": [], "smoke": []}
    for frame in frames:
        (seen,) = looks.detect([frame])
        for kind in {looks.labels[index] for index in seen.class_id}:
            times[kind].append(frame.at_ms)
    return times


@pytest.mark.parametrize("fps", [2, 5, 12, 25])
def test_a_flame_is_found_from_the_first_picture_on(fps: float) -> None:
    times = found(film(flame, fps=fps), kinds=["fire"])["fire"]
    assert times
    assert times[0] <= (5000 if fps == 2 else 3000)
    assert times[-1] >= 7000


def test_its_box_is_where_it_burns() -> None:
    looks = detector(kinds=["fire"])
    last = [looks.detect([frame])[0] for frame in film(flame)][-1]
    x1, y1, x2, y2 = last.xyxy[0] * (*SIZE, *SIZE)
    assert 135 < x1 < 160 < x2 < 185
    assert 80 < y1 < 115 < y2 < 130
    assert last.score[0] >= 0.5


@pytest.mark.parametrize("fps", [2, 5, 12])
@pytest.mark.parametrize(
    "paint", [steady_lamp, amber_blinks, beacon, orange_van, brightness, shaking], ids=lambda p: p.__name__
)
def test_what_looks_like_flame_and_is_none(paint: Painter, fps: float) -> None:
    assert found(film(paint, fps=fps)) == {"fire": [], "smoke": []}


def boxes(kind: int, box: tuple[float, float, float, float]) -> Detections:
    return Detections(np.array([box], np.float32), np.array([0.9], np.float32), np.array([kind], np.uint16))


def test_people_explain_what_flickers_inside_them_but_not_beyond() -> None:
    around, part = (0.35, 0.3, 0.65, 0.8), (0.35, 0.62, 0.65, 0.8)
    assert found(film(flame, boxes=boxes(0, around)))["fire"] == []
    assert found(film(flame, boxes=boxes(0, part)))["fire"]


def test_a_vehicle_that_burns_is_found() -> None:
    tight = (0.45, 0.5, 0.55, 0.68)
    assert found(film(flame, boxes=boxes(1, tight)))["fire"]


def smoke(image: np.ndarray, at_ms: int, rng: np.random.Generator) -> None:
    if at_ms < 8000:
        return
    veil = np.zeros(image.shape[:2], np.float32)
    for born in range(8000, at_ms, 250):
        age = (at_ms - born) / 1000
        puff = np.zeros_like(veil)
        x, y = 150 + 8 * age + 6 * np.sin(born), 150 - 14 * age
        cv2.circle(puff, (int(x), int(y)), int(6 + 6 * age), 1.0, -1)
        veil = 1 - (1 - veil) * (1 - puff * 0.3 * max(0.0, 1 - age / 8))
    veil = cv2.GaussianBlur(veil, (0, 0), 4)[:, :, None]
    image[:] = (image * (1 - veil) + 180 * veil).astype(np.uint8)


@pytest.mark.parametrize("fps", [2, 5])
def test_smoke_is_found_after_it_began(fps: float) -> None:
    times = found(film(smoke, fps=fps, seconds=20))
    assert times["fire"] == []
    assert times["smoke"]
    assert 8000 < times["smoke"][0] < 18000


def fog(image: np.ndarray, at_ms: int, rng: np.random.Generator) -> None:
    veil = min(0.8, max(0, at_ms - 6000) / 8000)
    image[:] = (image * (1 - veil) + 170 * veil).astype(np.uint8)


def shadow(image: np.ndarray, at_ms: int, rng: np.random.Generator) -> None:
    edge = max(0, (at_ms - 6000) // 60)
    image[:, :edge] = (image[:, :edge] * 0.6).astype(np.uint8)


@pytest.mark.parametrize("paint", [fog, shadow], ids=lambda p: p.__name__)
def test_fog_and_shadow_are_no_smoke(paint: Painter) -> None:
    assert found(film(paint, seconds=20))["smoke"] == []


def verifier(folder: Path, label: int, score: float) -> str:
    answers = detr_answers([(0.2, 0.2, 0.8, 0.8, score, label)])
    return toy_model(folder, answers, labels=("lamp", "fire"), classes=("fire",)).name


@pytest.mark.parametrize(("label", "score", "agrees"), [(1, 0.9, True), (1, 0.3, False), (0, 0.9, False)])
def test_a_verifier_must_agree(tmp_path: Path, label: int, score: float, agrees: bool) -> None:
    looks = detector(tmp_path, verifier=verifier(tmp_path, label, score), kinds=["fire"])
    seen = [len(looks.detect([frame])[0]) for frame in film(flame)]
    assert bool(sum(seen)) is agrees
    plain = [len(answer) for frame in film(flame) for answer in [detector_once(frame)]]
    if agrees:
        # Two of three must agree: it comes later than without one.
        assert next(i for i, n in enumerate(seen) if n) > next(i for i, n in enumerate(plain) if n)


_PLAIN: dict[str, Any] = {}


def detector_once(frame: Frame) -> Detections:
    if frame.at_ms == 0:
        _PLAIN["looks"] = detector(kinds=["fire"])
    return _PLAIN["looks"].detect([frame])[0]


def test_a_verifier_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    settings = DetectorConfig.parse({"type": "fire", "verifier": "none.onnx"})
    (((place,), message),) = settings.findings(BuildContext("gate", tmp_path))
    assert place == "verifier"
    assert "there is no model at" in message
    toy_model(tmp_path, detr_answers([(0, 0, 1, 1, 0.9, 0)]))
    with pytest.raises(ModelError, match="has no label `fire`"):
        detector(tmp_path, verifier="toy.onnx")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"agree": 4, "of": 3}, "could never be reached"),
        ({"after": "1"}, "is no length of time"),
        ({"after": 2}, "has no unit"),
        ({"after": "5min"}, "between 400ms and 1min"),
        ({"kinds": []}, "at least 1"),
        ({"kinds": ["ember"]}, "fire"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DetectorConfig.parse({"type": "fire", **settings})


def test_uneven_pictures_and_a_clock_that_goes_back() -> None:
    looks = detector(kinds=["fire"])
    frames = list(film(flame, fps=25, seconds=4))
    for frame in frames[::7] + frames[3::5] + frames[:1] * 2:
        looks.detect([frame])
    assert any(len(looks.detect([frame])[0]) for frame in film(flame))


def clip(name: str, begins: float, ends: float, fps: float = 5) -> Iterator[Frame]:
    path = CLIPS / name
    if not path.is_file():
        pytest.skip(f"the sample clip {path} is not there")
    video, due = VideoFile(path), begins * 1000
    if begins > 2:
        video.seek(round(begins * 1000))
    for at_ms, picture in video.pictures():
        if at_ms > ends * 1000:
            break
        if at_ms >= due - 1:
            due = max(due + 1000 / fps, at_ms)
            yield Frame(at_ms, video.image(picture))
    video.close()


@pytest.mark.assets
def test_the_ignition_at_the_filling_station() -> None:
    times = found(clip("fire-start.mp4", 12, 22), kinds=["fire"])["fire"]
    assert 16_000 <= times[0] <= 20_000
    assert len([at for at in times if at >= 18_000]) >= 0.8 * 4 * 5


@pytest.mark.assets
def test_the_house_that_burns_from_the_first_picture() -> None:
    times = found(clip("fire-model-house.mp4", 0, 12), kinds=["fire"])["fire"]
    assert times
    assert times[0] <= 6000


@pytest.mark.assets
@pytest.mark.parametrize(
    ("name", "ends"), [("red-light-night.mp4", 4), ("thrown-bag.mp4", 4.2), ("street.mp4", 9)]
)
def test_streets_do_not_burn(name: str, ends: float) -> None:
    assert found(clip(name, 0, ends)) == {"fire": [], "smoke": []}
