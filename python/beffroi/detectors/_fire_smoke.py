"""Where something grey spreads that veils what was seen before: smoke, by squares of one camera's pictures.

Smoke takes the edges and the colour from what is behind it, has no sharp outline of its own, moves without
leaving its place, and grows (Toreyin et al. 2005; Yuan 2008). A person or a van brings edges of its own, a
shadow keeps the edges in proportion to the light, fog and a camera that loses its focus veil everything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from beffroi.detectors._fire_region import Covered, Region

# Side of a square in pixels of the small picture: 40 squares across the picture.
SQUARE = 8
# How fast a square's usual brightness and contrast follow it, in levels a second: slower than smoke that is
# found late, faster than the sun moves a shadow. Contrast: as a share of itself. Faster while a camera is
# new.
FOLLOWS = 0.3
CONTRAST_FOLLOWS = 0.01
# What is at rest for all of OVER_MS is what the square shows from now on, after some seconds: smoke never
# rests.
RESTS_S = 4.0
HURRY, HURRY_MS = 6.0, 5_000
# Looks from which the usual look is known.
LEARN_MS = 2000

# A square is veiled when its contrast, in proportion to its light, falls to this share of the usual.
VEILED = 0.6
# Contrast below which there is nothing to veil (levels of 255 in a square of middle light).
TEXTURED = 2.5
# How far its brightness moves at least, in levels: less is noise and thin haze.
CHANGED = 7.0
# Mean distance between the highest and the lowest channel above which it is coloured and so no smoke.
GREY = 34.0
# As bright as this is glare.
GLARE = 245.0

# A veil is judged over this time, and must lie on a square in so many of the looks.
OVER_MS = 3000
OFTEN = 0.6
# Smoke moves: within STIR_MS the brightness of its squares changes by more than noise, in levels.
STIRS, STIR_MS = 1.2, 600
# Fine detail of the change from look to look, in levels, in proportion to the change itself: a body that
# moves has an outline. Allowed in so many of the looks.
SHARP, SHARP_FLOOR = 0.45, 1.2
SHARP_OFTEN = 0.2
# Noise of a camera is taken for no more than this, in levels: a moving picture is no noise.
NOISIEST = 3.0
# Squares that make a cloud: about 0.7 % of the picture.
SIZE = 6
# Share of the squares that changed, in and around a cloud, that are veiled: the outline of a body is not.
SOFT = 0.6
# How much of the picture a cloud may cover; more is fog, breath on the glass, or a camera out of focus.
WHOLE = 0.7
# A cloud is this much larger than OVER_MS ago, at some time in the last GREW_MS.
GROWTH = 1.5
GREW_MS = 15000
BROKEN_MS = 3000
# Share of all squares with outlines in what changed: the camera moves.
MOVED = 0.4

Grid = NDArray[np.float32]
Squares = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Look:
    at_ms: int
    veiled: Squares
    light: Grid
    stir: Grid
    sharp: Squares


@dataclass(slots=True)
class _Usual:
    light: Grid
    contrast: Grid
    since_ms: int


class Smoke:
    """The last seconds of one camera, in squares."""

    def __init__(self) -> None:
        self._usual: _Usual | None = None
        self._looks: deque[_Look] = deque()
        self._light: Grid | None = None
        self._grey: NDArray[np.uint8] | None = None
        self._areas: deque[tuple[int, int]] = deque()
        self._grew_ms: int | None = None
        self._last_ms: int | None = None

    def look(self, at_ms: int, image: NDArray[np.uint8], covered: Covered | None) -> list[Region]:
        """Clouds of smoke in the small BGR picture at `at_ms`, best first."""
        light, contrast, colour, grey = _squares(image)
        before, self._grey = self._grey, grey
        usual = self._usual
        last_ms = at_ms if self._last_ms is None else self._last_ms
        self._last_ms = at_ms
        if (
            usual is None
            or self._light is None
            or before is None
            or usual.light.shape != light.shape
            or at_ms < last_ms
        ):
            self._begin(at_ms, light, contrast)
            return []
        if at_ms - last_ms > BROKEN_MS:
            self._looks.clear()
            self._light = light
        shift = float(np.median(light - usual.light))
        gain = float(np.median(contrast + 1.0) / np.median(usual.contrast + 1.0))
        changed = np.abs(light - usual.light - shift) > CHANGED
        textured = usual.contrast > TEXTURED
        veil = (contrast < VEILED * min(gain, 1.0) * usual.contrast) & textured
        veiled = veil & changed & (colour < GREY) & (light < GLARE)
        if covered is not None:
            veiled &= ~_covered(covered, veiled.shape)
        drift = np.abs(_steady(light - self._light))
        self._light = light
        then = next((each.light for each in self._looks if at_ms - each.at_ms <= STIR_MS), light)
        stir = np.abs(_steady(light - then))
        self._looks.append(_Look(at_ms, veiled, light, stir, _sharp(grey, before, drift)))
        while at_ms - self._looks[0].at_ms > OVER_MS:
            self._looks.popleft()
        # In steps of one size, not in proportion: what stands there for some seconds leaves no trace.
        step_s = max(0, at_ms - last_ms) / 1000 * (HURRY if at_ms - usual.since_ms < HURRY_MS else 1.0)
        light_step, contrast_step = FOLLOWS * step_s, CONTRAST_FOLLOWS * (usual.contrast + 1) * step_s
        rest = np.max([each.stir for each in self._looks], axis=0) < STIRS
        if at_ms - self._looks[0].at_ms >= OVER_MS * 0.6:
            weight = np.where(rest, np.float32(1 - np.exp(-max(0, at_ms - last_ms) / 1000 / RESTS_S)), 0)
            usual.light += (light - shift - usual.light) * weight
            usual.contrast += (contrast - usual.contrast) * weight
        usual.light += np.clip(light - shift - usual.light, -light_step, light_step)
        usual.contrast += np.clip(contrast - usual.contrast, -contrast_step, contrast_step)
        if float(self._looks[-1].sharp.mean()) > MOVED:
            self._looks.clear()
            return []
        learnt = at_ms - usual.since_ms >= LEARN_MS
        return self._clouds(at_ms, changed & textured, textured) if learnt else []

    def _clouds(self, at_ms: int, changed: Squares, textured: Squares) -> list[Region]:
        looks = self._looks
        if len(looks) < 4 or looks[-1].at_ms - looks[0].at_ms < OVER_MS * 0.6:
            return []
        often = np.mean([look.veiled for look in looks], axis=0)
        stirs = np.median([look.stir for look in looks], axis=0)
        sharp = np.mean([look.sharp for look in looks], axis=0) > SHARP_OFTEN
        lately = np.max([look.stir for look in list(looks)[-max(2, len(looks) // 3) :]], axis=0)
        cloud = (often >= OFTEN) & (lately >= STIRS) & (stirs >= STIRS) & ~sharp
        if cloud.sum() > WHOLE * max(1, textured.sum()):
            return []
        count, labels, stats, _ = cv2.connectedComponentsWithStats(cloud.astype(np.uint8))
        large = [index for index in range(1, count) if stats[index, cv2.CC_STAT_AREA] >= SIZE]
        self._note(at_ms, int(sum(stats[index, cv2.CC_STAT_AREA] for index in large)))
        if self._grew_ms is None or at_ms - self._grew_ms > GREW_MS:
            return []
        found = []
        rows, columns = cloud.shape
        for index in large:
            x, y, width, height, size = (int(value) for value in stats[index])
            around = cv2.dilate((labels == index).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            touched = around & changed
            soft = float(((often[touched] >= OFTEN / 2) & ~sharp[touched]).mean()) if touched.any() else 0.0
            if soft < SOFT:
                continue
            stir = float(stirs[labels == index].mean())
            score = float(np.cbrt(size / (size + SIZE) * min(1.0, 0.5 * soft / SOFT) * stir / (stir + STIRS)))
            box = (x / columns, y / rows, (x + width) / columns, (y + height) / rows)
            found.append(Region(box, score))
        return sorted(found, key=lambda region: -region.score)

    def _note(self, at_ms: int, area: int) -> None:
        """Remember when the clouds were seen to grow."""
        self._areas.append((at_ms, area))
        while at_ms - self._areas[0][0] > OVER_MS:
            self._areas.popleft()
        if area >= SIZE and area >= GROWTH * self._areas[0][1]:
            self._grew_ms = at_ms

    def _begin(self, at_ms: int, light: Grid, contrast: Grid) -> None:
        self._usual = _Usual(light.copy(), contrast.copy(), at_ms)
        self._light = light
        self._looks.clear()
        self._areas.clear()
        self._grew_ms = None


def _squares(image: NDArray[np.uint8]) -> tuple[Grid, Grid, Grid, NDArray[np.uint8]]:
    """Of each square: mean brightness, contrast in proportion to the light, and how coloured it is."""
    rows, columns = image.shape[:2]
    size = (max(1, columns // SQUARE), max(1, rows // SQUARE))
    half = cv2.resize(image, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(half, cv2.COLOR_BGR2GRAY)
    light = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    fine = cv2.absdiff(grey, cv2.blur(grey, (5, 5)))
    contrast = cv2.resize(fine.astype(np.float32), size, interpolation=cv2.INTER_AREA) * (128 / (light + 32))
    mean = cv2.resize(half, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    colour = mean.max(axis=2) - mean.min(axis=2)
    return light, np.asarray(contrast, np.float32), np.asarray(colour, np.float32), np.asarray(grey, np.uint8)


def _steady(change: Grid) -> Grid:
    """Without what changed everywhere."""
    return np.asarray(change - np.median(change), np.float32)


def _sharp(grey: NDArray[np.uint8], before: NDArray[np.uint8], stir: Grid) -> Squares:
    """Squares in which what changed has outlines."""
    change = grey.astype(np.float32) - before
    fine = np.abs(change - cv2.blur(change, (5, 5)))
    rows, columns = stir.shape
    mean = cv2.resize(fine, (columns, rows), interpolation=cv2.INTER_AREA)
    # The quietest squares are at rest: what changes in them is the camera's noise, unless all of it moves.
    noise = float(np.clip(1.8 * np.percentile(mean, 20), SHARP_FLOOR, NOISIEST))
    return np.asarray(mean > np.maximum(noise, SHARP * stir), bool)


def _covered(covered: Covered, shape: tuple[int, ...]) -> Squares:
    mask = np.zeros(shape, bool)
    boxes: Sequence[NDArray[np.int64]] = (covered.people, covered.vehicles)
    for x1, y1, x2, y2 in np.concatenate(boxes):
        mask[max(0, y1 // SQUARE) : y2 // SQUARE + 1, max(0, x1 // SQUARE) : x2 // SQUARE + 1] = True
    return mask
