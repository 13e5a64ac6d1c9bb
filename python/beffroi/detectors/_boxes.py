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

# Two people are hardly ever this close in a picture (MOT17's ground truth: under 1 % above 0.6, none above
# 0.7); a detector's second box on the same person mostly is.
SAME = 0.6

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
        group = {name: index for index, alike in enumerate(ALIKE) for name in alike}
        self._group = np.array(
            [group.get(name, len(ALIKE) + index) for index, name in enumerate(known)], np.int32
        )

    def distinct(self, boxes: Boxes) -> Boxes:
        """Strongest first, without boxes below ``keep`` and without second boxes on the same thing."""
        known = (boxes.label >= 0) & (boxes.label < len(self._group))
        boxes = boxes.where(known & (boxes.score >= self.keep))
        if not len(boxes):
            return boxes
        corner, far = boxes.xyxy[:, :2], boxes.xyxy[:, 2:]
        # Takes arrays, though its stub asks for lists.
        suppress: Any = cv2.dnn.NMSBoxesBatched
        sides = np.concatenate([corner, far - corner], axis=1)
        kept = np.asarray(suppress(sides, boxes.score, self._group[boxes.label], 0.0, SAME), np.int64)
        return boxes.where(kept[np.argsort(-boxes.score[kept], kind="stable")])

    def wanted(self, boxes: Boxes) -> Boxes:
        """Those of the classes that are used."""
        return boxes.where(self._class_id[boxes.label] >= 0)

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
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    shared = np.prod(np.maximum(sides, 0), axis=2)
    areas = np.prod(a[:, 2:] - a[:, :2], axis=1)[:, None] + np.prod(b[:, 2:] - b[:, :2], axis=1)[None]
    share: NDArray[np.float32] = shared / np.maximum(areas - shared, 1e-12)
    return share
