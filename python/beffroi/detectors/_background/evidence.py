"""What a piece of the picture that has changed for good is: something new, something gone, or light.

*New or gone*: the rim of a new thing is a step in the picture and none in the reference; that of a thing that
has gone is a step in the reference and none in the picture (Y. Tian, R. Feris, A. Hampapur, "Real-time
detection of abandoned and removed objects in complex environments", 2008; J. Connell et al. before them).

*Light*: a shadow or a patch of light changes brightness by one factor and hardly the colour (T. Horprasert,
D. Harwood, L. S. Davis, "A statistical approach for real-time robust background subtraction and shadow
detection", 1999), so the fine texture of the ground shows through. A thing brings its own texture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from beffroi.detectors._background.grid import Mask, Planes

# The texture of the ground is that of the reference if they correlate this much ...
TEXTURE = 0.6
# ... which can only be said of ground that has any: this much is above what is left of the noise.
ROUGH = 0.012
# The change of a thing varies at least that much (logarithmic): it has folds, a lit and a dark side.
UNEVEN = 0.1
# Light leaves the strength of the texture as it is (logarithmic), up to this factor.
UNLIKE = 2.5
# Light changes the colour by no more than this (logarithmic): sunlight against skylight reaches about 0.12.
TINT = 0.12
# A shadow in sunlight is at most this much darker. What is darker is black by itself.
DARKEST = 0.9
# A contrast of 0.5 (a factor of 1.65) is as good as any.
STRONG = 0.5
_NEAR = np.ones((3, 3), np.uint8)
MARGIN = 4


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for what, each 0..1 but `gone`."""

    contrast: float
    """How much the piece differs from the reference."""
    edge: float
    """-1: the rim was a step before and is none now (gone); 1: the other way round (new)."""
    light: float
    """How well a change of light explains it."""
    calm: float
    """Share of the ground around it that looks as it did: a thing stands alone, light on leaves does not."""
    compact: float
    """How much of its box the piece fills, and how round it is."""


def weigh(cells: Mask, candidate: Planes, reference: Planes, known: Mask, differs: Mask) -> Evidence:
    """Judge one piece.

    Parameters
    ----------
    cells
        The piece, with a margin of `MARGIN` cells around it where the picture has them.
    candidate, reference, known, differs
        The same part of the scene: what it shows now, what it showed, where that is known, and where it is
        not what is seen now.
    """
    piece = cells.astype(np.uint8)
    change = candidate - reference
    inner = cells & (cv2.erode(piece, _NEAR, borderType=cv2.BORDER_REPLICATE) > 0)
    if np.count_nonzero(inner) < 6:
        inner = cells
    apart = np.abs(change).max(axis=0)
    contrast = float(np.median(apart[inner]))
    return Evidence(
        contrast=min(1.0, contrast / STRONG),
        edge=_edge(piece, candidate, reference, known),
        light=_light(inner, change, candidate, reference),
        calm=_calm(piece, known, differs),
        compact=_compact(piece),
    )


def _edge(piece: np.ndarray, candidate: Planes, reference: Planes, known: Mask) -> float:
    """Compare the step across the rim now with that before; the ground beside is the reference's.

    Only what is close to the rim counts, because a stripe of the ground that runs on below a thing is no rim.
    """
    # The cells at the rim itself are half the one, half the other.
    near = cv2.dilate(piece, _NEAR) > 0
    around = (cv2.dilate(piece, np.ones((7, 7), np.uint8)) > 0) & ~near & known
    rim = (piece > 0) & (cv2.erode(piece, _NEAR, borderValue=0) == 0)
    weight = _sum(around.astype(np.float32))
    rim &= weight > 0.5
    if not rim.any():
        return 0.0
    now = before = np.zeros(piece.shape, np.float32)
    for plane in range(3):
        ground = _sum(np.where(around, reference[plane], np.float32(0))) / np.maximum(weight, 0.5)
        now = np.maximum(now, np.abs(candidate[plane] - ground))
        before = np.maximum(before, np.abs(reference[plane] - ground))
    step_now, step_before = float(now[rim].mean()), float(before[rim].mean())
    return (step_now - step_before) / (step_now + step_before + 0.02)


def _sum(plane: np.ndarray) -> np.ndarray:
    return cv2.boxFilter(plane, -1, (7, 7), normalize=False, borderType=cv2.BORDER_CONSTANT)


def _light(inner: Mask, change: Planes, candidate: Planes, reference: Planes) -> float:
    """How well one factor of brightness explains the change."""
    grey = change.mean(axis=0)
    tint = float(np.median(np.abs(change - grey).max(axis=0)[inner]))
    factor = float(np.median(grey[inner]))
    if tint > 2 * TINT or factor < -DARKEST:
        return 0.0
    colour = min(1.0, max(0.0, 2 - tint / TINT))
    now, before = (_fine(planes.mean(axis=0), inner)[inner] for planes in (candidate, reference))
    rough = float(before.std())
    ratio = float(now.std()) / max(rough, 1e-6)
    if rough < ROUGH:
        # On flat ground only light is as even as that and leaves the colour quite as it was.
        even = 1 - float(grey[inner].std()) / UNEVEN
        return float(min(1.0, max(0.0, 2 - 2 * tint / TINT)) * max(0.0, even))
    if not 1 / UNLIKE < ratio < UNLIKE:
        return 0.0
    likeness = float((now * before).mean() / (now.std() * rough))
    # Few cells correlate by chance.
    likeness -= 1 / math.sqrt(now.size)
    return colour * min(1.0, max(0.0, (likeness - TEXTURE / 2) / (TEXTURE / 2)))


def _fine(plane: np.ndarray, inner: Mask) -> np.ndarray:
    """What is left of a plane without its coarse shape, which light has as well as ground."""
    weight = inner.astype(np.float32)
    share = cv2.blur(weight, (5, 5), borderType=cv2.BORDER_CONSTANT)
    coarse = cv2.blur(plane * weight, (5, 5), borderType=cv2.BORDER_CONSTANT)
    return plane - coarse / np.maximum(share, 1 / 25)


def _calm(piece: np.ndarray, known: Mask, differs: Mask) -> float:
    near = cv2.dilate(piece, _NEAR) > 0
    around = (cv2.dilate(piece, np.ones((7, 7), np.uint8)) > 0) & ~near & known
    count = int(np.count_nonzero(around))
    return 1 - np.count_nonzero(around & differs) / count if count else 0.0


def _compact(piece: np.ndarray) -> float:
    contours, _ = cv2.findContours(piece, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = cv2.convexHull(max(contours, key=cv2.contourArea))
    filled = np.zeros_like(piece)
    cv2.fillConvexPoly(filled, hull, 1)
    _, _, width, height = (int(value) for value in cv2.boundingRect(hull))
    solid = int(np.count_nonzero(piece)) / max(1, int(np.count_nonzero(filled)))
    slim = min(width / height, height / width)
    return solid * min(1.0, 0.4 + 2 * slim)
