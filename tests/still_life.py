"""A drawn place for tests of what looks at pixels: ground with texture, noise, light, and things in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from beffroi.components import BuildContext, Detector, DetectorConfig
from beffroi.frame import Detections, Frame

Box = tuple[float, float, float, float]
Paint = Callable[[float, np.ndarray], None]
"""Changes the picture (float32, in place) of a second."""
Find = Callable[[float], Sequence[tuple[str, Box]]]
"""What an object detector finds at a second."""

FOUND = ("person", "car", "backpack")
SIZE = (320, 180)
BAG: Box = (0.40, 0.55, 0.47, 0.68)


class Place:
    """Pictures of one place, always the same ones.

    Parameters
    ----------
    size
        Width and height in pixels.
    noise
        Standard deviation of the sensor, of 255.
    """

    def __init__(self, size: tuple[int, int] = SIZE, noise: float = 2.5, seed: int = 1) -> None:
        width, height = size
        self.size = size
        random = np.random.default_rng(seed)
        ground = np.zeros((height, width, 3), np.float32)
        # Texture of several sizes: slabs, patches, grit.
        for cells, strength in ((6, 25.0), (24, 12.0), (90, 6.0), (width // 2, 8.0)):
            coarse = random.normal(0, strength, (cells * height // width + 1, cells, 1)).astype(np.float32)
            ground += cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)[..., None]
        self.ground = np.clip(ground + np.array([105, 115, 120], np.float32), 30, 220)
        self._noise = [random.normal(0, noise, ground.shape).astype(np.float32) for _ in range(7)]

    def picture(self, second: float, paints: Sequence[Paint] = ()) -> np.ndarray:
        """The place at a second."""
        image = self.ground.copy()
        for paint in paints:
            paint(second, image)
        image += self._noise[round(second * 1000) % len(self._noise)]
        return np.clip(image, 0, 255).astype(np.uint8)


def thing(box: Box, since: float, until: float = 1e9, colour: Sequence[float] = (40, 35, 60)) -> Paint:
    """A plain thing with a few stripes, from a second until another."""

    def paint(second: float, image: np.ndarray) -> None:
        if since <= second < until:
            part = _part(image, box)
            part[:] = colour
            part[::5] += 25

    return paint


def passer(start: float, seconds: float, y: float = 0.35, colour: Sequence[float] = (20, 30, 160)) -> Paint:
    """Somebody who walks from left to right."""

    def paint(second: float, image: np.ndarray) -> None:
        if start <= second < start + seconds:
            part = _part(image, walker(second, start, seconds, y))
            part[:] = colour

    return paint


def walker(second: float, start: float, seconds: float, y: float = 0.35) -> Box:
    """Where `passer` is."""
    x = (second - start) / seconds * 0.92
    return (x, y, x + 0.06, y + 0.35)


def light(factor: Callable[[float], float | np.ndarray]) -> Paint:
    """Brighter or darker by a factor of the second: one number, or one for each pixel (height, width, 1)."""

    def paint(second: float, image: np.ndarray) -> None:
        image *= factor(second)

    return paint


def patch(size: tuple[int, int], box: Box, factor: float, soft: float = 0.01) -> np.ndarray:
    """Light that is `factor` inside a box and 1 outside, with a soft border; shape (height, width, 1)."""
    field = np.ones((size[1], size[0]), np.float32)
    _part(field, box)[:] = factor
    return cv2.GaussianBlur(field, (0, 0), max(0.3, soft * size[0]))[..., None]


def shaken(pixels: float) -> Paint:
    """The camera shakes by so many pixels about its place."""

    def paint(second: float, image: np.ndarray) -> None:
        turn = np.random.default_rng(round(second * 1000))
        across, down = turn.uniform(-pixels, pixels, 2)
        moved = np.array([[1, 0, across], [0, 1, down]])
        image[:] = cv2.warpAffine(
            image, moved, (image.shape[1], image.shape[0]), borderMode=cv2.BORDER_REPLICATE
        )

    return paint


def build(
    state: Path | None = None,
    zones: dict[str, Sequence[tuple[float, float]]] | None = None,
    **settings: object,
) -> Detector:
    """A `background` detector with a short warm-up."""
    settings = {"warm_up": 5, **settings} | ({"zones": list(zones)} if zones else {})
    config = DetectorConfig.parse({"type": "background", **settings})
    context = BuildContext("square", Path(), labels=FOUND, zones=zones or {}, state=state)
    return config.build(context)


class Seen:
    """What was reported while a film ran."""

    def __init__(self, detector: Detector) -> None:
        self.labels = detector.labels
        self.rows: list[tuple[float, str, Box, float]] = []
        self.last = 0.0

    def of(self, label: str, since: float = 0, until: float = 1e9) -> list[tuple[float, Box]]:
        """Seconds and boxes of a label."""
        return [(at, box) for at, name, box, _ in self.rows if name == label and since <= at < until]

    def on(self, box: Box, label: str = "still_object") -> list[float]:
        """The seconds at which a box of the label lay on `box`."""
        return [at for at, each in self.of(label) if overlap(each, box) > 0.4]

    def __bool__(self) -> bool:
        return bool(self.rows)

    def __repr__(self) -> str:
        return "\n".join(
            f"{at:.2f} {name} {np.round(box, 2)} {score:.2f}" for at, name, box, score in self.rows
        )


def show(
    detector: Detector,
    place: Place,
    until: float,
    *paints: Paint,
    fps: float = 5,
    since: float = 0,
    find: Find | None = None,
) -> Seen:
    """Show a film of `place` from one second until another."""
    seen = Seen(detector)
    for index in range(round(since * fps), round(until * fps)):
        second = index / fps
        found = _found(find(second)) if find else None
        [boxes] = detector.detect([Frame(round(second * 1000), place.picture(second, paints), found)])
        seen.rows += [
            (second, detector.labels[kind], tuple(box.tolist()), float(score))
            for box, kind, score in zip(boxes.xyxy, boxes.class_id, boxes.score, strict=True)
        ]
        seen.last = second
    return seen


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    across = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    down = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return across * down / (areas - across * down)


def _found(things: Sequence[tuple[str, Box]]) -> Detections:
    return Detections(
        np.array([box for _, box in things], np.float32).reshape(-1, 4),
        np.full(len(things), 0.8, np.float32),
        np.array([FOUND.index(label) for label, _ in things], np.uint16),
    )


def _part(image: np.ndarray, box: Box) -> np.ndarray:
    height, width = image.shape[:2]
    return image[
        round(box[1] * height) : round(box[3] * height), round(box[0] * width) : round(box[2] * width)
    ]
