"""Blurs people and vehicles, and blackens areas that nobody may look into.

Blurring throws information away before it smooths: a box is averaged down to a few cells, so that no filter
brings a face or a plate back. A detector that is unsure of its box gets a wider one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Image = NDArray[np.uint8]

PERSON = "person"
VEHICLES = frozenset({"bicycle", "car", "motorcycle", "bus", "truck", "train", "van"})

# Cells across a box. A standing person's face is then two or three cells, a face that fills its box still
# too few to be known.
CELLS = 6
# No cell is smaller than this share of the picture's height, so that small boxes do not keep their few
# pixels.
SMALLEST_CELL = 1 / 100
# By how much a box grows on each side, as a share of its own size, at the scores 0 (unsure) and 1 (sure).
WIDEN_PERSON = (0.5, 0.12)
WIDEN_VEHICLE = (0.25, 0.08)
# A vehicle's plates and occupants from this share of its height downwards; all of it if it is a bicycle.
LOWER_HALF = 0.5
OPEN_VEHICLES = frozenset({"bicycle", "motorcycle"})


def blur(
    image: Image,
    xyxy: ArrayLike,
    labels: Sequence[str],
    score: ArrayLike | None = None,
    *,
    widen: float = 1.0,
) -> Image:
    """A copy of `image` in which nobody of the boxes can be recognised.

    Parameters
    ----------
    image
        uint8, shape (h, w, 3); stays as it is.
    xyxy
        Boxes relative to the picture, shape (n, 4).
    labels
        What each box shows, n names: a person is blurred whole, of a vehicle the lower half, riders and their
        vehicles whole; anything else is left.
    score
        Shape (n,), 0..1: the lower, the wider. Without it boxes are taken to be unsure.
    widen
        Factor on the widening; 0 blurs the boxes as they are.
    """
    copy = image.copy()
    boxes = np.asarray(xyxy, np.float64).reshape(-1, 4)
    scores = np.zeros(len(boxes)) if score is None else np.asarray(score, np.float64)
    for box, label, sure in zip(boxes, labels, scores, strict=True):
        margins = WIDEN_PERSON if label == PERSON else WIDEN_VEHICLE
        area = _area(box, label, widen * float(np.interp(sure, (0, 1), margins)))
        if area is not None:
            _coarsen(copy, area, CELLS, cv2.INTER_LINEAR)
    return copy


def pixelate_all(image: Image, cells: int = 24) -> Image:
    """A copy that shows only where something is light or dark: for pictures whose detection failed.

    `cells` is the number of cells across the picture.
    """
    copy = image.copy()
    _coarsen(copy, (0.0, 0.0, 1.0, 1.0), cells, cv2.INTER_NEAREST)
    return copy


def apply_masks(image: Image, polygons: Iterable[Sequence[Sequence[float]]]) -> Image:
    """`image` with black in every polygon (relative vertices), border included; the image itself without any.

    To be called before detection, recording and view: what is masked was never seen.
    """
    outlines = [np.asarray(polygon, np.float64).reshape(-1, 2) for polygon in polygons]
    if not outlines:
        return image
    height, width = image.shape[:2]
    copy = image.copy()
    # Sixteenths of a pixel; a pixel's middle is half a pixel from its corner.
    points = [np.round((outline * (width, height) - 0.5) * 16).astype(np.int32) for outline in outlines]
    for point in points:
        cv2.fillPoly(copy, [point], (0, 0, 0), lineType=cv2.LINE_8, shift=4)
        # What is half covered is not shown.
        cv2.polylines(copy, [point], True, (0, 0, 0), thickness=2, lineType=cv2.LINE_8, shift=4)
    return copy


def _area(box: NDArray[np.float64], label: str, margin: float) -> tuple[float, float, float, float] | None:
    """The part of the picture to blur for a box, relative; None if the box shows nobody."""
    x1, y1, x2, y2 = box.tolist()
    width, height = x2 - x1, y2 - y1
    if label in VEHICLES and label not in OPEN_VEHICLES:
        y1 += LOWER_HALF * height
    elif label != PERSON and label not in OPEN_VEHICLES:
        return None
    return x1 - margin * width, y1 - margin * height, x2 + margin * width, y2 + margin * height


def _coarsen(image: Image, area: tuple[float, float, float, float], cells: int, enlarge: int) -> None:
    """Average `area` of `image` down to `cells` across its width and spread it again, in place."""
    rows, columns = image.shape[:2]
    left, right = max(0, int(area[0] * columns)), min(columns, int(np.ceil(area[2] * columns)))
    top, bottom = max(0, int(area[1] * rows)), min(rows, int(np.ceil(area[3] * rows)))
    width, height = right - left, bottom - top
    if width <= 0 or height <= 0:
        return
    cell = max(width / cells, SMALLEST_CELL * rows)
    grid = max(1, round(width / cell)), max(1, round(height / cell))
    part = image[top:bottom, left:right]
    coarse = cv2.resize(part, grid, interpolation=cv2.INTER_AREA)
    part[:] = cv2.resize(coarse, (width, height), interpolation=enlarge)
