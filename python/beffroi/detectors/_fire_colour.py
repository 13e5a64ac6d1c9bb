"""The colour of flames: what in a picture may be flame, looked up by colour alone.

A logistic model over brightness and colour, learnt from pictures of fire and of streets by
`benches/fire_colour.py`, which prints its coefficients and how well the colour alone tells the two apart
(badly: half of all streets hold something orange). It only chooses where `_fire_flicker` looks.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

# What `benches/fire_colour.py` printed for the fire set and the still pictures of streets.
COEFFICIENTS = (-2.056, -9.620, 54.916, -8.495, 7.170, -0.346, -5.423, 12.377, -2.866, 0.685)

# A flame gives light: its red is near the top of what the camera can show. Lower finds fire behind smoke and
# glass, and lets in brick, wood and skin.
LEAST_RED = 176
# The heart of a flame is too bright for its colour: white or pale yellow, but next to flame.
CORE_RED, CORE_GREEN = 232, 200
# How far from flame-coloured pixels its heart reaches, in pixels of the small picture.
HEART = 9

FLAME, CORE = 1, 2

_BITS = 5  # of each channel: 32 steps are finer than a camera's compression keeps colours
_SHIFT = 8 - _BITS
_KERNEL = np.ones((HEART, HEART), np.uint8)


def features(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Of BGR pixels (n, 3): 1, Y, Cr, Cb about their middle, and all their products: (n, 10)."""
    b, g, r = (pixels[:, channel].astype(np.float64) / 255 for channel in range(3))
    y = 0.299 * r + 0.587 * g + 0.114 * b
    cr, cb = 0.713 * (r - y), 0.564 * (b - y)
    one = np.ones_like(y)
    return np.stack([one, y, cr, cb, y * y, cr * cr, cb * cb, y * cr, y * cb, cr * cb], axis=1)


def likelihood(
    pixels: NDArray[np.uint8], coefficients: NDArray[np.float64] | tuple[float, ...] = COEFFICIENTS
) -> NDArray[np.float64]:
    """How much each BGR pixel (n, 3) looks like flame, 0..1."""
    return np.asarray(1 / (1 + np.exp(-np.clip(features(pixels) @ np.asarray(coefficients), -30, 30))))


def flame_coloured(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """1 where a BGR picture (height, width, 3) may show flame by its colour, 0 elsewhere: (height, width)."""
    coarse = image >> _SHIFT
    index = coarse[:, :, 0].astype(np.uint16)
    for channel in (1, 2):
        index <<= _BITS
        index |= coarse[:, :, channel]
    kind = _table().take(index)
    flame = np.asarray(kind == FLAME, np.uint8)
    if not flame.any():
        return flame
    heart = (kind == CORE) & (cv2.dilate(flame, _KERNEL) > 0)
    return np.asarray(flame | heart, np.uint8)


@cache
def _table() -> NDArray[np.uint8]:
    """FLAME, CORE or 0 by blue, green and red in steps."""
    steps = (np.arange(1 << _BITS, dtype=np.uint8) << _SHIFT) + (1 << (_SHIFT - 1))
    b, g, r = (axis.ravel() for axis in np.meshgrid(steps, steps, steps, indexing="ij"))
    # Chen, Wu & Chiou (2004): red is above green, and green above blue; lamps behind red glass are not.
    flame = (likelihood(np.stack([b, g, r], axis=1)) > 0.5) & (r >= LEAST_RED) & (r > g) & (g >= b)
    core = (r >= CORE_RED) & (g >= CORE_GREEN) & ~flame
    return np.asarray(flame * FLAME + core * CORE, np.uint8)
