"""Where flame-coloured light flickers: a few seconds of one camera's small pictures.

A flame's brightness goes up and down without order, some ten times a second, so two looks a sixth of a second
or more apart tell nothing of each other: whatever the camera's rate, about every second look turns back
(Toreyin et al. 2006 count such crossings). What passes through the picture makes a pixel turn back once or
twice; a lamp, a sunset or an orange van at rest do not make it turn at all.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from beffroi.detectors._fire_colour import flame_coloured

Mask = NDArray[np.uint8]

# Looks nearer than this to the last one are skipped: they show the same flame. Media time.
LEAST_GAP_MS = 150
# What is judged: longer is surer and slower. A slow camera's window grows until it holds LOOKS.
WINDOW_MS = 2000
LOOKS = 8
LONGEST_MS = 5000
# Enough to judge a fire that was there when the camera began.
FEWEST = 6
# A gap after which the looks before tell nothing of those after.
BROKEN_MS = 3000

# Green tells most: a flame's red is at the top all the time, its blue at the bottom. Smaller sees weak
# flames, and the noise and the compression of a cheap camera.
CHANGE = 16
# Share of the looks in which a pixel must have turned back. By chance a flame does in two of three.
TURNS = 0.3
# Share of the looks in which it must be flame-coloured, and unlike what it usually shows.
LIT = 0.2
# How fast what a pixel usually shows follows it, in levels a second (Manzanera & Richefeu 2007): the middle
# of a flame, the colour of a floor whoever walks over it.
FOLLOWS = 10.0

_CROSS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Look:
    """One small picture as it is remembered."""

    at_ms: int
    green: Mask
    lit: Mask
    """Flame-coloured."""
    live: Mask
    """Flame-coloured, and not as usual."""
    turned: Mask


class Flicker:
    """The last looks of one camera, and sums over them."""

    def __init__(self) -> None:
        self.looks: deque[Look] = deque()
        self._usual: NDArray[np.float32] | None = None
        # The last clear change of each pixel, and whether that was in the last look.
        self._before: NDArray[np.int16] | None = None
        self._fresh: NDArray[np.bool_] | bool = False

    def due(self, at_ms: int) -> bool:
        """Whether a picture at `at_ms` is far enough from the last look."""
        return not self.looks or not 0 <= at_ms - self.looks[-1].at_ms < LEAST_GAP_MS

    def look(self, at_ms: int, image: Mask) -> None:
        """Take in a small BGR picture."""
        green = np.ascontiguousarray(image[:, :, 1])
        last = self.looks[-1] if self.looks else None
        if last is not None and (not 0 < at_ms - last.at_ms <= BROKEN_MS or last.green.shape != green.shape):
            self._forget()
            last = None
        lit = flame_coloured(image)
        if last is None or self._usual is None or self._before is None:
            self._usual = green.astype(np.float32)
            self._before, self._fresh = np.zeros(green.shape, np.int16), False
            nothing = np.zeros_like(lit)
            self._keep(Look(at_ms, green, lit, nothing, nothing))
            return
        # Clouds and the camera's own gain change everything at once: that much is no flicker.
        shift = float(np.median(green[::4, ::4].astype(np.int16) - last.green[::4, ::4]))
        change = _beyond(green, _brighter(last.green, shift))
        np.add(self._usual, shift, out=self._usual)
        usual = np.clip(self._usual, 0, 255).astype(np.uint8)
        live = lit & (np.abs(_beyond(green, usual)) > CHANGE)
        clear = np.abs(change) > CHANGE
        before = self._before
        turned = (clear & (before != 0) & ((change ^ before) < 0)).astype(np.uint8)
        # A single quiet look between two changes does not end a flicker, two do.
        self._before = np.where(clear, change, np.where(self._fresh, before, 0))
        self._fresh = clear
        step = FOLLOWS * (at_ms - last.at_ms) / 1000
        self._usual += np.clip(green - self._usual, -step, step)
        self._keep(Look(at_ms, green, lit, live.astype(np.uint8), turned))

    def judged(self) -> tuple[Mask, Mask] | None:
        """Two masks: where flame-coloured light flickers, and where flame comes and goes at all.

        None until that can be told.
        """
        if len(self.looks) < FEWEST or self.looks[-1].at_ms - self.looks[0].at_ms < WINDOW_MS / 2:
            return None
        count = len(self.looks)
        comes = _sum([look.live for look in self.looks]) >= LIT * count
        turns = _sum([look.turned for look in self.looks]) >= TURNS * count
        return np.asarray(turns & comes, np.uint8), np.asarray(comes, np.uint8)

    def _keep(self, look: Look) -> None:
        self.looks.append(look)
        while len(self.looks) > 1:
            age = look.at_ms - self.looks[0].at_ms
            if age > LONGEST_MS or (age > WINDOW_MS and len(self.looks) > LOOKS):
                self.looks.popleft()
            else:
                return

    def _forget(self) -> None:
        self.looks.clear()
        self._usual = self._before = None


def _sum(masks: list[Mask]) -> Mask:
    total = masks[0].copy()
    for mask in masks[1:]:
        total += mask
    return total


def _brighter(green: Mask, by: float) -> Mask:
    if by == 0:
        return green
    return np.asarray(
        cv2.convertScaleAbs(green, alpha=1, beta=by)
        if by > 0
        else cv2.subtract(green, np.full_like(green, round(-by))),
        np.uint8,
    )


def _beyond(green: Mask, other: Mask) -> NDArray[np.int16]:
    """How far a pixel is above or below all that `other` shows next to it.

    So that a mast that shakes by one pixel of the small picture changes nothing.
    """
    above = cv2.subtract(green, cv2.dilate(other, _CROSS))
    below = cv2.subtract(cv2.erode(other, _CROSS), green)
    return np.asarray(above.astype(np.int16) - below, np.int16)
