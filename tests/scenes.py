"""Painted places for tests of camera health: a town without people, and what a camera does to it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import cv2
import numpy as np

SIZE = (320, 180)


def town(seed: int, size: tuple[int, int] = (480, 320)) -> np.ndarray:
    """Walls, windows, kerbs: rectangles of many sizes, more of them than a picture shows."""
    rng = np.random.default_rng(seed)
    width, height = size
    place = np.full((height, width, 3), 110, np.uint8)
    for reach in (120, 60, 30, 15):
        for _ in range(20 * 120 // reach):
            x, y = int(rng.integers(-20, width)), int(rng.integers(-20, height))
            w, h = (int(v) for v in rng.integers(reach // 3, reach, 2))
            shade = int(rng.integers(40, 210))
            colour = [int(np.clip(shade + d, 0, 255)) for d in rng.integers(-20, 20, 3)]
            cv2.rectangle(place, (x, y), (x + w, y + h), colour, -1)
    return cv2.GaussianBlur(place, (3, 3), 0)


def shot(
    place: np.ndarray,
    moment: int = 0,
    *,
    shift: tuple[float, float] = (0.0, 0.0),
    zoom: float = 1.0,
    turn: float = 0.0,
    gain: float = 1.0,
    offset: float = 0.0,
    noise: float = 2.0,
) -> np.ndarray:
    """A picture of `place`, moved by `shift` (shares of the picture's width), zoomed and turned (degrees)."""
    width, height = SIZE
    middle = ((width - 1) / 2, (height - 1) / 2)
    view = cv2.getRotationMatrix2D(middle, turn, zoom)
    view[:, 2] += np.array(shift) * width
    left, top = (place.shape[1] - width) / 2, (place.shape[0] - height) / 2
    view[:, 2] -= view[:, :2] @ (left, top)
    picture = cv2.warpAffine(place, view, SIZE, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    seen = picture.astype(np.float32) * gain + offset
    if noise:
        seen += noise * grain(moment % 17)
    return np.clip(np.round(seen), 0, 255).astype(np.uint8)


@cache
def grain(number: int) -> np.ndarray:
    """One of a few fields of noise, the same for all colours: quick, and as hard to see through as any."""
    return np.random.default_rng(number).normal(0, 1, (SIZE[1], SIZE[0], 1)).astype(np.float32)


def times(seconds: float, fps: float = 5.0, begin: float = 0.0) -> Iterator[tuple[int, float]]:
    """Media times in ms from `begin` on, each with its seconds since then."""
    for number in range(round(seconds * fps)):
        yield round((begin + number / fps) * 1000), number / fps


def lorries(picture: np.ndarray, at: float, share: float, seed: int = 9) -> np.ndarray:
    """`share` of the picture hidden by textured boxes that drive to the right, one behind the other."""
    width, height = SIZE
    side = town(seed)[: int(height * share), :width].copy()
    rolled = np.roll(side, int(at * width / 4), axis=1)
    out = picture.copy()
    out[height - rolled.shape[0] :] = rolled
    return out
