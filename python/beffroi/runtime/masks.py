"""Areas that nobody may look into: zeroed before detection, recording and view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from beffroi.frame import Frame


class Masks:
    """Polygons of one view, in relative coordinates."""

    def __init__(self, polygons: Sequence[Sequence[Sequence[float]]]) -> None:
        self._polygons = [np.asarray(polygon, np.float64) for polygon in polygons]

    def zero(self, frame: Frame) -> Frame:
        """`frame` with black in every mask; the frame itself where there is none.

        The border belongs to the mask, whole pixels: what is half covered is not shown.
        """
        if not self._polygons:
            return frame
        import cv2

        image = frame.image.copy()
        height, width = image.shape[:2]
        pixels = [np.round(polygon * (width, height) - 0.5).astype(np.int32) for polygon in self._polygons]
        for polygon in pixels:
            cv2.fillPoly(image, [polygon], (0, 0, 0))
        return replace(frame, image=image)
