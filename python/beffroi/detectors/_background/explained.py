"""Where the object detector saw people, animals and vehicles, also while it misses them for a moment.

A box that stops being found has either moved on (then it overlaps a box of the next picture) or was missed in
its place. One that was missed is believed to be there still, for a time that grows with how long it was seen,
and as long as the pixels do not say that whoever stood there has gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beffroi.detectors._background.grid import Grid, Mask
from beffroi.frame import Detections

# The labels of COCO for what moves by itself, or is moved as a whole. What one carries is not among them.
EXPLAINED = frozenset(
    {"person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"}
    | {"bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"}
)

# A box seen once may be a mistake and is not believed; one seen for a while is believed to be there for this
# many times as long. More covers a detector that hardly sees, and hides what is left behind for longer.
BELIEVED = 3.0
LEAST_S = 2.0
MOST_S = 300.0
# Boxes of two pictures that overlap this much (of their union) are the same thing.
SAME = 0.2
# Whoever was believed to be there is gone if less than this of what differed in the box still does.
UNCOVERED = 0.5
UNCOVERED_S = 0.5
# Where so little of a box differs from the reference, the pixels cannot say that it is gone.
VISIBLE = 0.15
# A box is drawn a little larger: feet and a shadow stand out, relative to its width and height.
RIM = 0.06


@dataclass(slots=True)
class Seen:
    """A thing that was explained: where it was last found, and for how long it had been found."""

    box: NDArray[np.float32]
    cells: tuple[slice, slice]
    found_s: float = 0.0
    missed_s: float = 0.0
    uncovered_s: float = 0.0
    covered: float = 0.0
    """Share of the box that differed from the reference when it was last found."""


class Explained:
    """The things that are explained in the pictures of one camera."""

    def __init__(self, grid: Grid, labels: Sequence[str]) -> None:
        self._grid = grid
        self._ids = np.array([i for i, label in enumerate(labels) if label in EXPLAINED], np.uint16)
        self.seen: list[Seen] = []

    def look(self, found: Detections | None, seconds: float) -> Mask:
        """The cells that are explained in this picture, by what was found in it and what is believed."""
        boxes = np.empty((0, 4), np.float32)
        if found is not None and len(found):
            boxes = found.xyxy[np.isin(found.class_id, self._ids)]
        self._follow(boxes, seconds)
        hidden = np.zeros(self._grid.shape, bool)
        for seen in self.seen:
            hidden[seen.cells] = True
        return hidden

    def check(self, differs: Mask, known: Mask, seconds: float) -> None:
        """Compare with the pixels: who has gone from a place that looks like the scene again is forgotten.

        Parameters
        ----------
        differs
            Cells that do not look like the reference, explained or not.
        known
            Cells that have a reference.
        """
        kept = []
        for seen in self.seen:
            area = int(np.count_nonzero(known[seen.cells]))
            share = np.count_nonzero(differs[seen.cells]) / area if area else 0.0
            if seen.missed_s == 0:
                seen.covered, seen.uncovered_s = share, 0.0
            elif seen.covered > VISIBLE and share < UNCOVERED * seen.covered:
                seen.uncovered_s += seconds
            else:
                seen.uncovered_s = 0.0
            # A place without a reference cannot be compared: there a memory is short.
            most = MOST_S if area and seen.covered > VISIBLE else LEAST_S
            believed = min(most, max(LEAST_S, BELIEVED * seen.found_s)) if seen.found_s > 0 else 0.0
            if seen.missed_s <= believed and seen.uncovered_s < UNCOVERED_S:
                kept.append(seen)
        self.seen = kept

    def _follow(self, boxes: NDArray[np.float32], seconds: float) -> None:
        """Pair the boxes of this picture with those before, the most alike first."""
        before = self.seen
        overlap = _overlap(np.array([seen.box for seen in before], np.float32).reshape(-1, 4), boxes)
        pairs: dict[int, Seen] = {}
        free = set(range(len(before)))
        for flat in np.argsort(-overlap, axis=None, kind="stable"):
            one, other = divmod(int(flat), overlap.shape[1])
            if overlap[one, other] < SAME:
                break
            if one in free and other not in pairs:
                free.discard(one)
                pairs[other] = before[one]
        now = []
        for i, box in enumerate(boxes):
            cells = self._grid.cells(_rimmed(box))
            seen = pairs.get(i)
            if seen is None:
                seen = Seen(box, cells)
            else:
                seen.box, seen.cells = box, cells
                seen.found_s += seconds
                seen.missed_s = 0.0
            now.append(seen)
        for index in sorted(free):
            before[index].missed_s += seconds
            now.append(before[index])
        self.seen = now


def _rimmed(box: NDArray[np.float32]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(value) for value in box)
    across, down = RIM * (right - left), RIM * (bottom - top)
    return left - across, top - down, right + across, bottom + down


def _overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of every pair of boxes, shape (len(one), len(other))."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    area = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (one, other)]
    together = area[0][:, None] + area[1][None, :] - shared
    overlap: NDArray[np.float32] = shared / np.maximum(together, 1e-9)
    return overlap
