"""One small grey look at each analysed picture, shared by everything that judges the camera.

The look is a grid of about 144 blocks of 10 x 10 pixels, whatever the size of the picture: a lorry or a lamp
changes some blocks, a moved or blinded camera nearly all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

BLOCK = 10
"""Side of a block in pixels of the look."""
ACROSS = 12
"""Blocks along each side of a square picture: finer finds smaller covers and costs more."""
CONTRAST = 3.0
"""Grey levels of spread inside a block from which it shows structure: above averaged sensor noise."""
DETAIL_WIDTH = 640
"""Sharpness is judged at the scale at which detectors look: what is finer they do not see either."""
FULL_WIDTH = 1280
"""Pictures this wide or wider lose whole rows and columns first, for speed: every second, third, ..."""
MONO = 1.5
"""Mean difference between colours, in grey levels, below which a camera gives no colour: its night mode. Grey
asphalt by day differs by three and more."""
SAMPLES = 160
"""Columns of single pixels kept for comparing pictures exactly, where averages would hide the noise."""

Grey = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Look:
    """What one picture looks like.

    Attributes
    ----------
    at_ms
        Media time of the picture.
    grey
        float32, shape (rows * `BLOCK`, columns * `BLOCK`), 0..255.
    mean, spread
        float32, shape (rows, columns): mean and standard deviation of each block.
    mono
        Whether the picture has no colour, as a camera's night mode gives it.
    samples
        uint8: single pixels of the picture's green, spread over it; masked places left out.
    """

    at_ms: int
    grey: Grey
    mean: Grey
    spread: Grey
    mono: bool
    samples: NDArray[np.uint8]


class Eye:
    """Reduces the pictures of one view.

    Parameters
    ----------
    size
        Width and height of the pictures in pixels.
    masks
        Polygons with relative corners: nothing in a block that a mask touches is judged, because masks are
        black and still.

    Attributes
    ----------
    kept
        bool, shape (rows, columns): the blocks that are judged.
    """

    def __init__(self, size: tuple[int, int], masks: Sequence[Sequence[Sequence[float]]] = ()) -> None:
        self.masks = masks
        aspect = size[0] / size[1]
        self.columns = max(4, round(ACROSS * aspect**0.5))
        self.rows = max(4, round(ACROSS / aspect**0.5))
        self.width, self.height = self.columns * BLOCK, self.rows * BLOCK
        covered = np.zeros((self.height, self.width), np.uint8)
        for mask in masks:
            corners = np.asarray(mask, np.float64).reshape(-1, 2) * (self.width, self.height)
            points = [np.round(corners).astype(np.int32)]
            cv2.fillPoly(covered, points, 255)
            cv2.polylines(covered, points, True, 255, thickness=3)
        self.kept: NDArray[np.bool_] = block_means(covered.astype(np.float32)) <= 0
        step = max(1, size[0] // SAMPLES)
        self._step = (slice(step // 2, None, step), slice(step // 2, None, step))
        seen = cv2.resize(covered, size, interpolation=cv2.INTER_NEAREST)[self._step] == 0
        self._sampled: NDArray[np.bool_] | None = None if seen.all() else seen
        wide = min(size[0], DETAIL_WIDTH)
        self._detail_size = (wide, max(1, round(wide / aspect)))
        thin = 1 if size[0] < FULL_WIDTH else size[0] // DETAIL_WIDTH
        self._thinned = None if thin == 1 else (size[0] // thin, size[1] // thin)
        self._full: tuple[int, NDArray[np.uint8]] | None = None

    @property
    def blocks(self) -> int:
        """How many blocks are judged."""
        return int(np.count_nonzero(self.kept))

    def look(self, at_ms: int, image: NDArray[np.uint8]) -> Look:
        """Reduce a picture: uint8, shape (height, width, 3), BGR, masks already black."""
        thinned = image
        if self._thinned is not None:
            thinned = np.asarray(cv2.resize(image, self._thinned, interpolation=cv2.INTER_NEAREST), np.uint8)
        full = np.asarray(cv2.cvtColor(thinned, cv2.COLOR_BGR2GRAY), np.uint8)
        self._full = (at_ms, full)
        small = cv2.resize(full, (self.width, self.height), interpolation=cv2.INTER_AREA)
        grey = small.astype(np.float32)
        mean = block_means(grey)
        spread = np.sqrt(np.maximum(block_means(grey * grey) - mean * mean, 0.0))
        # Green is never a view into a plane of padding, and its sensor pixels are the most numerous.
        samples = image[:, :, 1][self._step]
        kept = samples.copy() if self._sampled is None else samples[self._sampled]
        return Look(at_ms, grey, mean, spread, _colour(image[self._step][::4, ::4]) < MONO, kept)

    def detail(self, look: Look) -> Grey:
        """How much fine detail each block of the latest look holds, in grey levels, shape (rows, columns).

        The mean absolute difference to the blurred picture: a Laplacian measure of focus in the sense of
        Pertuz, Puig and Garcia, "Analysis of focus measure operators" (2013).
        """
        if self._full is None or self._full[0] != look.at_ms:
            raise ValueError(f"the look at {look.at_ms} ms is not the latest one")
        grey = cv2.resize(self._full[1], self._detail_size, interpolation=cv2.INTER_AREA)
        fine = cv2.absdiff(grey, cv2.GaussianBlur(grey, (5, 5), 0)).astype(np.float32)
        return np.asarray(
            cv2.resize(fine, (self.columns, self.rows), interpolation=cv2.INTER_AREA), np.float32
        )


def _colour(pixels: NDArray[np.uint8]) -> float:
    """Mean difference of blue and red to green; black pixels (masks) have none and count for none."""
    values = pixels.reshape(-1, 3).astype(np.int16)
    values = values[values.any(axis=1)]
    return float(np.abs(values[:, ::2] - values[:, 1:2]).mean()) if len(values) else 0.0


def block_means(grey: Grey) -> Grey:
    """The mean of each block of a look, shape (rows, columns)."""
    rows, columns = grey.shape[0] // BLOCK, grey.shape[1] // BLOCK
    return np.asarray(cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def flattened(grey: Grey) -> NDArray[np.uint8]:
    """A look without its light: each pixel in local standard deviations from its local mean.

    Shadows, exposure and headlights change light over areas; edges stay. Noise below `CONTRAST` stays small.
    """
    deviation = grey - cv2.blur(grey, (BLOCK - 1, BLOCK - 1))
    local = cv2.sqrt(cv2.blur(deviation * deviation, (BLOCK - 1, BLOCK - 1)))
    # Three standard deviations on either side fill the range of a byte.
    return np.asarray(cv2.convertScaleAbs(deviation / (local + CONTRAST) + 3.0, alpha=42.0), np.uint8)
