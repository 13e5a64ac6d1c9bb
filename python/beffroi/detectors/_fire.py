"""The running side of `fire`: one camera's pictures, made small, to boxes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from beffroi.components import BuildContext
from beffroi.detectors._fire_flicker import Flicker
from beffroi.detectors._fire_memory import Memory, Place
from beffroi.detectors._fire_region import Covered, Region, burning
from beffroi.detectors._fire_smoke import Smoke
from beffroi.detectors._span import milliseconds
from beffroi.detectors._verify import BURNING, Verifier
from beffroi.frame import Detections, Frame

if TYPE_CHECKING:
    from beffroi.detectors.fire import FireConfig

Kind: TypeAlias = Literal["fire", "smoke"]

# The longer side of the picture that is looked at. Larger sees smaller flames and costs its square.
SIDE = 320

# A flame must be found in this share of the looks of `after`, and at least so often: with few looks a second,
# both together take longer. A place is kept as long as gusts and smoke hide a flame, by HOLD_MS.
FLAME_SHARE, FLAME_LEAST, FLAME_HOLD_MS = 0.6, 4, 1500
# Smoke drifts and thins: longer, both.
SMOKE_OVER_MS, SMOKE_SHARE, SMOKE_LEAST, SMOKE_HOLD_MS = 2000, 0.6, 4, 2500

PEOPLE = frozenset({"person"})
VEHICLES = frozenset({"bicycle", "car", "motorcycle", "bus", "train", "truck"})


class FireDetector:
    """Looks for flames and smoke in the pictures of one camera."""

    name = "fire"
    provider = "CPU"

    def __init__(self, config: FireConfig, context: BuildContext) -> None:
        self._kinds: tuple[Kind, ...] = tuple(dict.fromkeys(config.kinds))
        self.labels: tuple[str, ...] = self._kinds
        self.version = "1"
        self._threshold = config.threshold
        self._agree, self._of = config.agree, config.of
        self._verifier: Verifier | None = None
        if config.verifier is not None:
            self._verifier = Verifier(context.path(config.verifier), BURNING, config.device, config.threads)
            self.version = f"1 {self._verifier.version}"
        labels = context.labels
        self._people = np.array([i for i, label in enumerate(labels) if label in PEOPLE], np.int64)
        self._vehicles = np.array([i for i, label in enumerate(labels) if label in VEHICLES], np.int64)
        self._flicker = Flicker()
        self._smoke = Smoke()
        self._covered: deque[Covered] = deque()
        after = milliseconds(config.after)
        self._memories: dict[Kind, Memory] = {
            "fire": Memory(after, FLAME_SHARE, FLAME_LEAST, FLAME_HOLD_MS),
            "smoke": Memory(max(after, SMOKE_OVER_MS), SMOKE_SHARE, SMOKE_LEAST, SMOKE_HOLD_MS),
        }
        self._answer = Detections.empty()

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Boxes of what burns and smokes in each picture; time must increase from picture to picture."""
        return [self._look(frame) for frame in frames]

    def close(self) -> None:
        """Nothing to close."""

    def _look(self, frame: Frame) -> Detections:
        if not self._flicker.due(frame.at_ms):
            return self._answer
        small = _small(frame.image)
        covered = self._covering(frame.detections, small)
        self._flicker.look(frame.at_ms, small)
        self._covered.append(covered)
        while len(self._covered) > len(self._flicker.looks):
            self._covered.popleft()
        found: list[tuple[Kind, Place]] = []
        for kind in self._kinds:
            if kind == "fire":
                found += self._judged("fire", frame, burning(self._flicker, self._covered))
            else:
                found += self._judged("smoke", frame, self._smoke.look(frame.at_ms, small, covered))
        self._answer = self._boxes(found)
        return self._answer

    def _judged(self, kind: Kind, frame: Frame, regions: Sequence[Region]) -> list[tuple[Kind, Place]]:
        memory = self._memories[kind]
        memory.look(frame.at_ms, [region for region in regions if region.score >= self._threshold])
        return [(kind, place) for place in memory.confirmed() if self._verified(kind, frame, place)]

    def _verified(self, kind: Kind, frame: Frame, place: Place) -> bool:
        if self._verifier is None or not self._verifier.knows(kind):
            return True
        place.verdicts.append(self._verifier.agrees(frame.image, place.region.box, kind))
        while len(place.verdicts) > self._of:
            place.verdicts.popleft()
        return sum(place.verdicts) >= self._agree

    def _covering(self, detections: Detections | None, small: NDArray[np.uint8]) -> Covered:
        none = np.empty((0, 4), np.int64)
        if detections is None or not len(detections):
            return Covered(none, none)
        rows, columns = small.shape[:2]
        size = np.array([columns, rows] * 2, np.float32)
        pixels = np.rint(np.clip(detections.xyxy, 0, 1) * size).astype(np.int64)
        return Covered(
            pixels[np.isin(detections.class_id, self._people)],
            pixels[np.isin(detections.class_id, self._vehicles)],
        )

    def _boxes(self, found: Sequence[tuple[Kind, Place]]) -> Detections:
        if not found:
            return Detections.empty()
        return Detections(
            np.array([place.region.box for _, place in found], np.float32),
            np.array([place.region.score for _, place in found], np.float32),
            np.array([self._kinds.index(kind) for kind, _ in found], np.uint16),
        )


def _small(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with its longer side at SIDE, if it is larger."""
    # Rows and columns of a large picture are left out first: averaging all of it would cost most of the time.
    step = max(1, max(image.shape[:2]) // (2 * SIDE))
    thin = image[::step, ::step]
    height, width = thin.shape[:2]
    ratio = SIDE / max(height, width)
    if ratio >= 1:
        return np.ascontiguousarray(thin)
    size = (max(16, round(width * ratio)), max(16, round(height * ratio)))
    return np.asarray(cv2.resize(thin, size, interpolation=cv2.INTER_AREA), np.uint8)
