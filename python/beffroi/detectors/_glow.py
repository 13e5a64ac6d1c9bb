"""What shines in the picture of a head or a lamp, and in which colour."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Map = NDArray[np.float32]

COLOURS = ("red", "amber", "green")
# Hues of OpenCV (0..180). Night cameras show red lamps as pink and purple, and green ones have blue in them
# by their standard (EN 12368); the sky begins at 105. Between red and amber is the hue of a red rim of amber.
HUES = {"red": ((0, 9), (148, 180)), "amber": ((11, 37),), "green": ((42, 102),)}

# A lamp shines this much more than the middle of its zone: brightness times colour, both 0..1. Lower reads a
# head in haze and low sun, and reads leaves and housings as lamps until they are known.
SHINES = 0.1
# The strongest colour must be this much stronger than the next, or nothing is said.
CLEARER = 1.7
# Red and amber together: both so strong, and so far apart as shares of the zone's longer side.
TOGETHER, APART = 0.45, 0.12
# Darker pixels have no colour worth the name.
DARKEST = 70
# A lamp's size when spots are looked for, as a share of the zone's longer side: single pixels are noise.
SPOT = 0.05
# How fast a colour is learnt that shows while another lamp is lit, in seconds.
LEARNS_S = 8.0

# By day a hidden head is known by its looks: correlation with what is usual there.
ALIKE = 0.35
# Spread of brightness below which looks say nothing (night, fog).
PLAIN = 8.0


@dataclass(slots=True)
class _Usual:
    """What a zone usually shows: brightness, and each colour while that lamp is dark."""

    light: Map
    unlit: dict[str, Map]
    known_s: float = 0.0


class Glow:
    """The colours of one head over time."""

    def __init__(self) -> None:
        self._usual: _Usual | None = None

    def look(self, part: Picture, inside: Mask, since_ms: int) -> str:
        """What the head shows: a colour, ``red_amber``, ``off`` or ``unknown``."""
        glows, light = _glows(part, inside)
        usual = self._usual
        if usual is None or usual.light.shape != light.shape:
            usual = self._usual = _Usual(light.copy(), {c: np.zeros_like(light) for c in COLOURS})
        spots = {colour: _spot(glows[colour] - usual.unlit[colour], inside) for colour in COLOURS}
        state = _state(spots, max(part.shape[:2]))
        if state in {"off", "unknown"}:
            return "unknown" if self._hidden(usual, light, inside) else state
        self._learn(usual, glows, light, state, since_ms / 1000)
        return state

    def _hidden(self, usual: _Usual, light: Map, inside: Mask) -> bool:
        if usual.known_s < LEARNS_S:
            return False
        now, then = light[inside], usual.light[inside]
        if now.std() < PLAIN or then.std() < PLAIN:
            return False
        return float(np.corrcoef(now, then)[0, 1]) < ALIKE

    def _learn(self, usual: _Usual, glows: dict[str, Map], light: Map, state: str, since_s: float) -> None:
        weight = np.float32(1 - np.exp(-since_s / LEARNS_S))
        usual.light += (light - usual.light) * weight
        usual.known_s += since_s
        for colour, unlit in usual.unlit.items():
            if colour not in state:
                usual.unlit[colour] = unlit + (glows[colour] - unlit) * weight


class Brightness:
    """How bright one lamp is over time."""

    # A lamp that is lit is nearly as bright as can be, and stands out from what is around it (levels of 255).
    BRIGHT, OUT = 190.0, 50.0
    # A dark lamp stands out no more than this.
    DARK = 25.0
    # Once both states were seen, the middle between them decides, if they are this far apart.
    KNOWN = 40.0
    FOLLOWS_S = 30.0

    def __init__(self) -> None:
        self._lit: float | None = None
        self._dark: float | None = None

    def look(self, part: Picture, inside: Mask, since_ms: int) -> str:
        """``on``, ``off`` or ``unknown``."""
        light = part.max(axis=2).astype(np.float32)
        size = _odd(SPOT * max(part.shape[:2]))
        spot = float(cv2.GaussianBlur(light, (size, size), 0)[inside].max())
        out = spot - float(np.median(light[inside]))
        state = self._told(spot, out)
        weight = 1 - float(np.exp(-since_ms / 1000 / self.FOLLOWS_S))
        if state == "on":
            self._lit = spot if self._lit is None else self._lit + (spot - self._lit) * weight
        elif state == "off":
            self._dark = spot if self._dark is None else self._dark + (spot - self._dark) * weight
        return state

    def _told(self, spot: float, out: float) -> str:
        if self._lit is not None and self._dark is not None and self._lit - self._dark >= self.KNOWN:
            place = (spot - self._dark) / (self._lit - self._dark)
            return "on" if place > 0.6 else "off" if place < 0.4 else "unknown"
        if spot >= self.BRIGHT and out >= self.OUT:
            return "on"
        return "off" if out <= self.DARK or spot < self.BRIGHT / 2 else "unknown"


def _glows(part: Picture, inside: Mask) -> tuple[dict[str, Map], Map]:
    """Per colour how much each pixel shines in it, 0..1; and its brightness, levels."""
    hsv = cv2.cvtColor(part, cv2.COLOR_BGR2HSV)
    hue, light = hsv[:, :, 0], hsv[:, :, 2].astype(np.float32)
    colour = (part.max(axis=2) - part.min(axis=2)).astype(np.float32)
    shine = np.where((light >= DARKEST) & inside, light * colour / 65025, 0).astype(np.float32)
    glows: dict[str, Map] = {}
    for name, ranges in HUES.items():
        within = np.zeros(hue.shape, bool)
        for low, high in ranges:
            within |= (hue >= low) & (hue <= high)
        glows[name] = np.asarray(np.where(within, shine, 0), np.float32)
    return glows, light


def _spot(glow: Map, inside: Mask) -> tuple[float, tuple[int, int]]:
    """How much the strongest spot shines above the zone's middle, and where it is."""
    size = _odd(2 * SPOT * max(glow.shape))
    blurred = cv2.GaussianBlur(np.maximum(glow, 0), (size, size), 0)
    blurred[~inside] = 0
    row, column = np.unravel_index(int(blurred.argmax()), blurred.shape)
    return float(blurred[row, column] - np.median(blurred[inside])), (int(row), int(column))


def _state(spots: dict[str, tuple[float, tuple[int, int]]], side: int) -> str:
    order = sorted(COLOURS, key=lambda colour: -spots[colour][0])
    best, second = order[0], order[1]
    strength = spots[best][0]
    if strength < SHINES:
        return "off"
    if {best, second} == {"red", "amber"} and spots[second][0] >= max(SHINES, TOGETHER * strength):
        (y1, x1), (y2, x2) = spots["red"][1], spots["amber"][1]
        if np.hypot(y1 - y2, x1 - x2) >= APART * side:
            return "red_amber"
    if strength >= CLEARER * spots[second][0]:
        return best
    return "unknown"


def _odd(size: float) -> int:
    return max(3, round(size) | 1)
