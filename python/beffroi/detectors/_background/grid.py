"""The cells in which the background is modelled, and how a picture becomes brightness in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float32]
"""Logarithmic brightness, shape (3, rows, columns): blue, green, red."""
Mask = NDArray[np.bool_]
"""Shape (rows, columns)."""

# Added before the logarithm is taken: the step from 0 to 1 of 255 is noise, not a doubling. More of it
# makes dark places blunter, less of it makes them noisier.
FLOOR = 16.0

# Brightness is logarithmic, so that a change of light by a factor is a sum, the same for bright and dark.
_LOGARITHM = np.log(np.arange(256, dtype=np.float32) + FLOOR).astype(np.float32)

# Beside the zones, relative to the picture: what lies there tells the light apart from the things.
_MARGIN = 0.1


class Grid:
    """Square cells over the picture, or over the part of it that the zones need.

    Parameters
    ----------
    size
        Width and height of the picture in pixels.
    columns
        Cells across the whole picture.
    zones
        Polygons, relative to the picture; none means the whole picture.
    """

    def __init__(
        self, size: tuple[int, int], columns: int, zones: Sequence[Sequence[Sequence[float]]]
    ) -> None:
        width, height = size
        columns = min(columns, width)
        rows = max(1, min(height, round(columns * height / width)))
        self.size = size
        self.rows_of_picture = rows
        left, top, right, bottom = _bounds(zones)
        self._left, self._top = int(left * columns), int(top * rows)
        right_cell, bottom_cell = int(np.ceil(right * columns)), int(np.ceil(bottom * rows))
        self.shape = (bottom_cell - self._top, right_cell - self._left)
        self._cell = (1 / columns, 1 / rows)
        self._pixels = (
            slice(round(self._top * height / rows), round(bottom_cell * height / rows)),
            slice(round(self._left * width / columns), round(right_cell * width / columns)),
        )
        self.inside = self._cover(zones, columns, rows)
        """Cells in which is looked for something; the others only tell how the light changes."""

    def planes(self, image: NDArray[np.uint8]) -> Planes:
        """The logarithmic brightness of a picture (height, width, 3; BGR) in the cells."""
        part = image[self._pixels]
        rows, columns = self.shape
        # The mean of all pixels of a cell costs as much as all the rest in a large picture: of what is
        # much finer than the cells, every nth row and column will do.
        step = min(part.shape[0] // (rows * 4), part.shape[1] // (columns * 4))
        if step > 1:
            part = part[::step, ::step]
        small = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(_LOGARITHM[small].transpose(2, 0, 1))

    def box(self, cells: tuple[int, int, int, int]) -> tuple[float, float, float, float]:
        """Left, top, right and bottom cell (the last two exclusive), relative to the picture."""
        left, top, right, bottom = cells
        across, down = self._cell
        return (
            (left + self._left) * across,
            (top + self._top) * down,
            min(1.0, (right + self._left) * across),
            min(1.0, (bottom + self._top) * down),
        )

    def cells(self, box: Iterable[float]) -> tuple[slice, slice]:
        """The rows and columns that a box (relative to the picture) touches; empty where it is elsewhere."""
        left, top, right, bottom = (float(value) for value in box)
        across, down = self._cell
        rows, columns = self.shape
        return (
            _within(int(top / down) - self._top, int(np.ceil(bottom / down)) - self._top, rows),
            _within(int(left / across) - self._left, int(np.ceil(right / across)) - self._left, columns),
        )

    def _cover(self, zones: Sequence[Sequence[Sequence[float]]], columns: int, rows: int) -> Mask:
        if not zones:
            return np.ones(self.shape, bool)
        drawn = np.zeros(self.shape, np.uint8)
        for zone in zones:
            corners = np.array(zone, np.float64) * (columns, rows) - (self._left, self._top)
            cv2.fillPoly(drawn, [np.round(corners - 0.5).astype(np.int32)], 1)
        return drawn > 0


def _bounds(zones: Sequence[Sequence[Sequence[float]]]) -> tuple[float, float, float, float]:
    if not zones:
        return 0.0, 0.0, 1.0, 1.0
    corners = np.concatenate([np.array(zone, np.float64) for zone in zones])
    low, high = corners.min(axis=0) - _MARGIN, corners.max(axis=0) + _MARGIN
    return max(0.0, low[0]), max(0.0, low[1]), min(1.0, high[0]), min(1.0, high[1])


def _within(begin: int, end: int, length: int) -> slice:
    begin = max(0, min(begin, length))
    return slice(begin, max(begin, min(end, length)))
