"""Boxes on their way from a model to a frame: suppression of duplicates, selection of classes, order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beffroi.frame import Detections
from beffroi.manifest import Manifest

# Two people are hardly ever this close in a picture (MOT17's ground truth: under 1 % of people above 0.6,
# none above 0.7); a detector's second box on the same person mostly is.
SAME = 0.6

# Boxes from different views of the same picture differ more: people above 0.5 are 1 to 2 %.
SAME_ACROSS = 0.5

# An unsure box that lies this much inside a sure one of its kind is a part: a wheel, a torso.
INSIDE = 0.85

# What stands in streets and looks a little like a person or a vehicle. A model that names it rather so is
# right; its other names for what is no vehicle (a car seen from above is a "cell phone") mean nothing.
FURNITURE = ("bench", "fire hydrant", "parking meter", "potted plant", "stop sign", "traffic light")

# Keeps the share of an empty box at 0.
TINY = np.float32(1e-12)

# Classes that a model confuses: one box on one thing, whatever it is called. Trains, boats and aeroplanes
# stand here so that a tram takes its weaker "bus" with it before unwanted classes are left out.
ALIKE = (
    ("bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"),
    ("backpack", "handbag", "suitcase"),
)


@dataclass(frozen=True, slots=True)
class Boxes:
    """What a model says about a picture: xyxy f32 (n, 4) relative, score f32 (n,), label i64 (n,)."""

    xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    label: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.score)

    def where(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> Boxes:
        """The rows that `keep` selects, as a mask or in its order."""
        return Boxes(self.xyxy[keep], self.score[keep], self.label[keep])


def joined(parts: Sequence[Boxes]) -> Boxes:
    """All boxes of `parts`, which is not empty."""
    return Boxes(
        np.concatenate([part.xyxy for part in parts]),
        np.concatenate([part.score for part in parts]),
        np.concatenate([part.label for part in parts]),
    )


class Selection:
    """What leaves a detector: the classes that are used, one box per thing, scores that mean the same.

    Scores are stretched so that the model's own ``sure`` becomes 0.5: trackers and rules then need no
    threshold of their own for each model.
    """

    def __init__(self, manifest: Manifest, classes: Sequence[str], keep: float) -> None:
        known = manifest.output.labels
        self.labels = tuple(name for name in known if name in set(classes))
        self.keep = keep
        self._sure = manifest.score.sure
        self._class_id = np.full(len(known), -1, np.int64)
        for number, name in enumerate(self.labels):
            self._class_id[known.index(name)] = number
        self._furniture = np.isin(known, FURNITURE)
        group = {name: index for index, alike in enumerate(ALIKE) for name in alike}
        self._group = np.array(
            [group.get(name, len(ALIKE) + index) for index, name in enumerate(known)], np.int32
        )

    def distinct(self, boxes: Boxes, same: float = SAME) -> Boxes:
        """Strongest first, without what is below ``keep``, second boxes on one thing, and parts of things."""
        known = (boxes.label >= 0) & (boxes.label < len(self._group))
        boxes = boxes.where(known & (boxes.score >= self.keep))
        if not len(boxes):
            return boxes
        corner, far = boxes.xyxy[:, :2], boxes.xyxy[:, 2:]
        # Takes arrays, though its stub asks for lists.
        suppress: Any = cv2.dnn.NMSBoxesBatched
        sides = np.concatenate([corner, far - corner], axis=1)
        kept = np.asarray(suppress(sides, boxes.score, self.group(boxes), 0.0, same), np.int64)
        boxes = boxes.where(kept[np.argsort(-boxes.score[kept], kind="stable")])
        sure = self.sure(boxes)
        unsure, whole = boxes.where(~sure), boxes.where(sure)
        alike = self.group(unsure)[:, None] == self.group(whole)[None]
        part = ((inside(unsure.xyxy, whole.xyxy) >= INSIDE) & alike).any(axis=1)
        # Sorted by score, so the sure ones come first.
        return boxes.where(np.concatenate([np.ones(len(whole), bool), ~part]))

    def wanted(self, boxes: Boxes) -> Boxes:
        """Those of the classes that are used, except unsure ones that are rather furniture of the street."""
        used = self._class_id[boxes.label] >= 0
        furniture = boxes.where(~used & self._furniture[boxes.label])
        better = furniture.score[None] > boxes.score[:, None]
        rather = (better & (overlap(boxes.xyxy, furniture.xyxy) >= SAME_ACROSS)).any(axis=1)
        return boxes.where(used & (self.sure(boxes) | ~rather))

    def group(self, boxes: Boxes) -> NDArray[np.int32]:
        """Number of the group of classes that each box belongs to, shape (n,)."""
        return self._group[boxes.label]

    def sure(self, boxes: Boxes) -> NDArray[np.bool_]:
        """Whether each box is good enough to begin with a new subject, shape (n,)."""
        return boxes.score >= self._sure

    def detections(self, boxes: Boxes) -> Detections:
        """As a frame's detections: inside the picture, strongest first."""
        xyxy = np.clip(boxes.xyxy, 0.0, 1.0)
        solid = (xyxy[:, 2] > xyxy[:, 0]) & (xyxy[:, 3] > xyxy[:, 1])
        boxes, xyxy = boxes.where(solid), xyxy[solid]
        score = np.interp(boxes.score, (0.0, self._sure, 1.0), (0.0, 0.5, 1.0))
        return Detections(
            np.ascontiguousarray(xyxy, np.float32),
            score.astype(np.float32),
            self._class_id[boxes.label].astype(np.uint16),
        )


def overlap(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of every box of `a` with every box of `b`: (n, 4), (m, 4) -> (n, m)."""
    shared = _shared(a, b)
    return np.asarray(shared / np.maximum(_area(a)[:, None] + _area(b)[None] - shared, TINY), np.float32)


def inside(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of every box of `a` that lies in every box of `b`: (n, 4), (m, 4) -> (n, m)."""
    return np.asarray(_shared(a, b) / np.maximum(_area(a)[:, None], TINY), np.float32)


def _shared(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    sides = np.maximum(sides, np.float32(0))
    return np.asarray(sides[:, :, 0] * sides[:, :, 1], np.float32)


def _area(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), np.float32)
