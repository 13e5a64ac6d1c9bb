"""Flickering places, and what else must be true of one before it is called fire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from beffroi.detectors._fire_flicker import Flicker, Look, Mask

# Flickering pixels of the small picture, of which a side is 320, that make a fire: about 0.01 % of a picture.
# Fewer finds a smaller fire, and glints on water, leaves and wet paint.
SIZE = 8
# Spread of the brightness inside (standard deviation, levels of 255): a flame goes from dark red to white,
# a lit floor, a lamp and a vest are of one brightness.
TEXTURE = 14.0
# Parts of one fire nearer than this, in pixels of the small picture, are one.
NEAR = 9

# A lamp that goes out in at least this share of the looks, and always comes back to the same place and shape,
# blinks: beacons, turn signals, amber lights.
OUT_SHARE = 0.15
OUT_AREA = 0.2
SAME_PLACE = 0.08
SAME_SHAPE = 0.88
# Looks this near to the brightest or the darkest, as a share of the way between, are bright or dark; a lamp's
# bright looks differ by less than this, in levels at each pixel, a flame's by twice as much.
SPLIT, SAME_LIGHT = 0.35, 14.0

# Of a vehicle's box: more flicker than this is no lamp of it.
VEHICLE_SHARE = 0.04
# A box explains what it covered in this share of the looks.
COVERED = 0.5

_NEAR = np.ones((NEAR, NEAR), np.uint8)
_RIM = np.ones((5, 5), np.uint8)

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Region:
    """A place that may burn. `box` is x1, y1, x2, y2 relative to the picture; 0.5 in `score` is sure."""

    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class Covered:
    """Boxes, in pixels of the small picture, that explained colour in one look."""

    people: NDArray[np.int64]
    vehicles: NDArray[np.int64]


def burning(flicker: Flicker, covered: Sequence[Covered]) -> list[Region]:
    """The regions of the last look that flicker like fire, best first."""
    judged = flicker.judged()
    if judged is None:
        return []
    alive, comes = judged
    if cv2.countNonZero(alive) < SIZE:
        return []
    alive = _unexplained(alive, covered)
    if cv2.countNonZero(alive) < SIZE:
        return []
    near = cv2.dilate(alive | comes, _NEAR)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(near, connectivity=4)
    sizes = np.bincount(labels[alive > 0], minlength=count)
    turned = np.stack([look.turned for look in flicker.looks]).mean(axis=0)
    regions = []
    for index in np.flatnonzero(sizes[1:] >= SIZE) + 1:
        x, y, width, height, _ = (int(value) for value in stats[index])
        part = np.s_[y : y + height, x : x + width]
        own = labels[part] == index
        flickers = np.asarray((alive[part] > 0) & own, np.uint8)
        rim = np.asarray(cv2.dilate(flickers, _RIM), np.uint8)
        looks = [_cut(look, part, rim) for look in flicker.looks]
        texture = _texture(looks)
        if texture < TEXTURE or _blinks([lit for _, lit in looks]) or _repeats(looks, rim):
            continue
        turns = float(turned[part][flickers > 0].mean())
        size = int(sizes[index])
        score = float(np.cbrt(size / (size + SIZE) * texture / (texture + TEXTURE) * min(1.0, turns / 0.6)))
        seen = np.asarray(own & ((alive | comes)[part] > 0), np.uint8)
        left, top, wide, high = cv2.boundingRect(seen)
        rows, columns = alive.shape
        box = (
            (x + left) / columns,
            (y + top) / rows,
            (x + left + wide) / columns,
            (y + top + high) / rows,
        )
        regions.append(Region(box, score))
    return sorted(regions, key=lambda region: -region.score)


def _cut(look: Look, part: tuple[slice, slice], rim: Mask) -> tuple[Mask, Mask]:
    return look.green[part], look.lit[part] & rim


def _texture(looks: Sequence[tuple[Mask, Mask]]) -> float:
    """Mean spread of the brightness inside the lit part."""
    spreads = [float(green[lit > 0].std()) for green, lit in looks if cv2.countNonZero(lit) > 3]
    return float(np.mean(spreads)) if spreads else 0.0


def _blinks(lit: Sequence[Mask]) -> bool:
    """Whether it goes out and comes back as it was."""
    areas = np.array([cv2.countNonZero(mask) for mask in lit])
    out = areas < OUT_AREA * areas.max()
    on = [mask > 0 for mask, dark in zip(lit, out, strict=True) if not dark]
    if out.mean() < OUT_SHARE or len(on) < 2:
        return False
    centres = np.array([np.argwhere(mask).mean(axis=0) for mask in on])
    wander = np.hypot(*(centres - centres.mean(axis=0)).T).mean() / np.sqrt(areas[~out].mean())
    common = [(a & b).sum() / min(a.sum(), b.sum()) for a, b in pairwise(on)]
    return bool(wander < SAME_PLACE and np.mean(common) > SAME_SHAPE)


def _repeats(looks: Sequence[tuple[Mask, Mask]], rim: Mask) -> bool:
    """Whether each time that it is bright it is so in the same places: a lamp, whatever its colour."""
    inside = np.stack([green[rim > 0] for green, _ in looks]).astype(np.float32)
    mean = inside.mean(axis=1)
    low, high = float(mean.min()), float(mean.max())
    bright = inside[mean > high - SPLIT * (high - low)]
    dark = float((mean < low + SPLIT * (high - low)).mean())
    if dark < OUT_SHARE or len(bright) < 3:
        return False
    return float(np.abs(np.diff(bright, axis=0)).mean()) < SAME_LIGHT


def _unexplained(alive: Mask, covered: Sequence[Covered]) -> Mask:
    """Without the flicker that people and vehicles explain."""
    people = np.zeros(alive.shape, np.uint8)
    vehicles = np.zeros(alive.shape, np.uint8)
    for look in covered:
        people += _painted(look.people, alive.shape)
        boxes = [
            box
            for box in look.vehicles
            if cv2.countNonZero(alive[box[1] : box[3], box[0] : box[2]])
            <= VEHICLE_SHARE * (box[2] - box[0]) * (box[3] - box[1])
        ]
        vehicles += _painted(np.array(boxes, np.int64).reshape(-1, 4), alive.shape)
    least = max(1, round(COVERED * len(covered)))
    return np.asarray(alive & (people < least) & (vehicles < least), np.uint8)


def _painted(boxes: NDArray[np.int64], shape: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, np.uint8)
    for x1, y1, x2, y2 in boxes:
        mask[max(0, y1) : y2, max(0, x1) : x2] = 1
    return mask
