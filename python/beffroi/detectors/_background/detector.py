"""The detector itself: pictures in, boxes of what was not there before out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from beffroi.components import BuildContext
from beffroi.detectors._background.evidence import DARKEST, STRONG, TINT
from beffroi.detectors._background.explained import Explained
from beffroi.detectors._background.grid import Grid, Mask
from beffroi.detectors._background.scene import Scene
from beffroi.detectors._background.store import Store
from beffroi.detectors._background.things import Things
from beffroi.frame import Detections, Frame

if TYPE_CHECKING:
    from beffroi.detectors.background import BackgroundConfig

log = logging.getLogger(__name__)

LABELS = ("still_object", "missing_object", "moving_object")
STILL, MISSING, MOVING = range(3)

# If the scene is dropped so soon after it was read, it is the saved one that does not fit.
CHECK_S = 10.0
# Media time between two savings: what a power cut may cost.
SAVE_S = 300.0

Box = tuple[tuple[float, float, float, float], float, int]


class BackgroundDetector:
    """Finds what the scene was without. Keeps much between pictures: one for each camera."""

    name = "background"
    version = "1"
    provider = "CPU"

    def __init__(self, config: BackgroundConfig, context: BuildContext) -> None:
        # One picture is too little work to share between threads, and other cameras run beside this one.
        cv2.setNumThreads(1)
        self.labels: tuple[str, ...] = LABELS
        self._config, self._context = config, context
        self._at_ms: int | None = None
        self._watch: _Watch | None = None

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Take in the pictures, in order, and give the boxes for each."""
        return [self._detect(frame) for frame in frames]

    def close(self) -> None:
        """Save the scene."""
        if self._watch is not None:
            self._watch.save()

    def _detect(self, frame: Frame) -> Detections:
        height, width = frame.image.shape[:2]
        if self._watch is None or self._watch.grid.size != (width, height):
            self._watch = _Watch(self._config, self._context, (width, height))
        seconds = 0.0 if self._at_ms is None else (frame.at_ms - self._at_ms) / 1000
        self._at_ms = frame.at_ms
        return _columns(self._watch.look(frame, max(0.0, seconds)))


class _Watch:
    """All that belongs to one size of picture."""

    def __init__(self, config: BackgroundConfig, context: BuildContext, size: tuple[int, int]) -> None:
        zones = [context.zones[name] for name in config.zones or ()]
        self._config, self._camera = config, context.camera or "camera"
        self.grid = Grid(size, config.cells, zones)
        self._smallest = max(2.0, config.min_size * self.grid.rows_of_picture)
        self._scene = Scene(self.grid.inside, config.warm_up, config.still_for)
        self._things = Things(self._scene, self._smallest, config.missing_for)
        self._explained = Explained(self.grid, context.labels)
        self._unsaved_s = 0.0
        self._check_s = 0.0
        self._store = None
        if context.state is not None:
            about = config.model_dump_json(include={"cells", "zones"})
            self._store = Store(context.state, context.camera, f"{size[0]}x{size[1]} {about} {zones}")
            if self._store.load(self._scene):
                self._check_s = CHECK_S

    def look(self, frame: Frame, seconds: float) -> list[Box]:
        """The boxes of one picture; seconds are those since the picture before."""
        scene = self._scene
        hidden = self._explained.look(frame.detections, seconds)
        scene.look(self.grid.planes(frame.image), seconds, hidden)
        self._explained.check(scene.known & ~scene.like, scene.known, seconds)
        self._turn()
        self._check_s = max(0.0, self._check_s - seconds)
        self._things.look(seconds, hidden, self._explained.seen)
        self._unsaved_s += seconds
        if self._unsaved_s >= SAVE_S:
            self.save()
        boxes = self._still()
        if self._config.moving and not scene.doubtful:
            boxes += self._moving()
        return boxes

    def save(self) -> None:
        """Write down the scene, if it may be written down and anything of it is known."""
        self._unsaved_s = 0.0
        if self._store is not None and self._scene.known.any() and not self._scene.doubtful:
            self._store.save(self._scene)

    def _turn(self) -> None:
        """Begin anew if the picture is no longer one of the scene."""
        turned = self._scene.turned()
        if turned == "light":
            log.info("camera %s: background: the light has changed; the scene is relit", self._camera)
            self._things.relight()
        elif turned == "scene":
            why = (
                "the saved scene is not what it shows" if self._check_s else "most of the picture has changed"
            )
            log.warning("camera %s: background: %s; the scene is learnt anew", self._camera, why)
            self._scene.forget()
            self._things.clear()

    def _still(self) -> list[Box]:
        return [
            (self.grid.box(thing.cells), thing.score, STILL if thing.kind == "new" else MISSING)
            for thing in self._things.all
            if thing.score >= self._config.threshold
        ]

    def _moving(self) -> list[Box]:
        scene = self._scene
        moving = scene.differs & scene.inside & (scene.votes < scene.still_for) & ~self._shaded()
        for thing in self._things.all:
            moving[thing.place] &= ~thing.shape
        joined = cv2.morphologyEx(moving.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
        boxes: list[Box] = []
        for index in range(1, count):
            left, top, width, height, area = (int(value) for value in stats[index])
            if min(width, height) < self._smallest:
                continue
            place = (slice(top, top + height), slice(left, left + width))
            shape = labels[place] == index
            apart = np.abs(scene.now[:, place[0], place[1]] - scene.reference[:, place[0], place[1]]).max(
                axis=0
            )[shape]
            score = min(1.0, float(np.median(apart)) / STRONG) * (0.5 + 0.5 * area / (width * height))
            if score >= self._config.threshold:
                cells = (left, top, left + width, top + height)
                boxes.append((self.grid.box(cells), score, MOVING))
        return boxes

    def _shaded(self) -> Mask:
        """Cells that are the reference in less light: what moves with a thing and is not of it."""
        change = self._scene.now - self._scene.reference
        grey = change.mean(axis=0)
        tint = np.abs(change - grey).max(axis=0)
        shaded: Mask = (grey < 0) & (grey > -DARKEST / 2) & (tint < TINT)
        return shaded


def _columns(boxes: list[Box]) -> Detections:
    if not boxes:
        return Detections.empty()
    return Detections(
        np.array([box for box, _, _ in boxes], np.float32),
        np.array([score for _, score, _ in boxes], np.float32),
        np.array([kind for _, _, kind in boxes], np.uint16),
    )
