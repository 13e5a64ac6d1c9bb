"""The part of a picture inside a drawn zone, and what covers it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from beffroi.components import Finding
from beffroi.errors import ConfigError
from beffroi.frame import Detections

Corners = Sequence[tuple[float, float]]


def zone_of(zones: Mapping[str, Corners], name: str, kind: str) -> Corners:
    """The corners of a zone; raises `ConfigError` if the view has none of that name."""
    if name not in zones:
        raise ConfigError(f"the detector {kind}: {_missing(zones, name)}")
    return zones[name]


def zone_findings(zones: Mapping[str, Corners], name: str) -> Iterable[Finding]:
    """What is wrong with a zone that a detector looks at, if anything."""
    if name not in zones:
        yield (("zone",), _missing(zones, name))
        return
    low, high = np.min(zones[name], axis=0), np.max(zones[name], axis=0)
    if (high <= 0).any() or (low >= 1).any():
        yield (("zone",), f"the zone `{name}` lies outside the picture")


def _missing(zones: Mapping[str, Corners], name: str) -> str:
    known = ", ".join(sorted(zones)) or "none"
    return (
        f"the view has no zone `{name}`: draw it around what is to be looked at; zones of the view: {known}"
    )


class DrawnRegion:
    """Cuts a zone out of pictures of any size."""

    def __init__(self, corners: Corners) -> None:
        self.corners = np.clip(np.asarray(corners, np.float64), 0, 1)
        self._size: tuple[int, int] | None = None
        self._part: tuple[slice, slice] = (slice(0), slice(0))
        self._mask: NDArray[np.uint8] = np.zeros((0, 0), np.uint8)

    def cut(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The pixels around the zone, not a copy, and a mask of equal size: 255 inside. Both may be empty."""
        height, width = image.shape[:2]
        if self._size != (width, height):
            self._size = (width, height)
            points = self.corners * (width, height)
            x1, y1 = (int(value) for value in np.floor(points.min(axis=0)))
            x2, y2 = (int(value) for value in np.ceil(points.max(axis=0)))
            x2, y2 = min(width, x2), min(height, y2)
            self._part = (slice(y1, y2), slice(x1, x2))
            self._mask = np.zeros((max(0, y2 - y1), max(0, x2 - x1)), np.uint8)
            if self._mask.size:
                cv2.fillPoly(self._mask, [np.rint(points - (x1, y1)).astype(np.int32)], 255)
        return image[self._part], self._mask

    def mask(self, columns: int, rows: int) -> NDArray[np.uint8]:
        """255 inside the zone in a picture of only the box around it."""
        low, high = self.corners.min(axis=0), self.corners.max(axis=0)
        points = (self.corners - low) / np.maximum(high - low, 1e-9) * (columns, rows)
        mask = np.zeros((rows, columns), np.uint8)
        cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 255)
        return mask

    def covered(self, found: Detections | None, classes: NDArray[np.int64]) -> float:
        """Share of the box around the zone that boxes of these classes cover, 0..1 (the largest counts)."""
        if found is None or not len(found) or not len(classes):
            return 0.0
        boxes = found.xyxy[np.isin(found.class_id, classes)]
        if not len(boxes):
            return 0.0
        low, high = self.corners.min(axis=0), self.corners.max(axis=0)
        inside = np.minimum(boxes[:, 2:], high) - np.maximum(boxes[:, :2], low)
        area = float(np.prod(np.maximum(high - low, 1e-9)))
        return float((np.maximum(inside, 0).prod(axis=1) / area).max())


COVERING = frozenset({"person", "bicycle", "car", "motorcycle", "bus", "train", "truck"})
"""Labels of what may stand in front of a region."""


def covering(labels: Sequence[str]) -> NDArray[np.int64]:
    """Class ids of what may stand in front of a region."""
    return np.array([index for index, label in enumerate(labels) if label in COVERING], np.int64)
