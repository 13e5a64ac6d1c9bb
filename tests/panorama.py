"""A dome over a drawn town: it turns along a panorama, and its pictures blur while it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from beffroi.frame import Frame
from beffroi.views.presets import Where
from scenes import SIZE, grain, town

EXPOSURE_S = 0.04
PRESETS = {"a": ("1", 60), "b": ("2", 700), "c": ("3", 1240)}
"""Views, their presets, and where in the panorama they look: its left edge in pixels."""
NIGHT = {"a": 0.5, "b": 0.35, "c": 0.6}


@cache
def street(seed: int = 5) -> np.ndarray:
    """The panorama, 1600 x 240."""
    return town(seed, (1600, 240))


def picture(
    left: float, speed: float = 0.0, moment: int = 0, gain: float = 1.0, *, mono: bool = False
) -> np.ndarray:
    """What the dome sees at a place, turning at so many pixels a second."""
    shift = np.array([[1.0, 0.0, -left], [0.0, 1.0, -30.0]])
    seen = cv2.warpAffine(street(), shift, SIZE, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    blur = round(abs(speed) * EXPOSURE_S)
    if blur > 1:
        seen = cv2.blur(seen, (blur, 1))
    if mono:
        seen = cv2.cvtColor(cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    noisy = seen.astype(np.float32) * gain + 2.0 * grain(moment % 17)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Leg:
    """The dome turns to `left` in `move_s` seconds, and stays for `stay_s`; `preset` is None by hand."""

    preset: str | None
    left: float
    move_s: float
    stay_s: float


def to(view: str, move_s: float, stay_s: float) -> Leg:
    """A leg to the preset of a view."""
    preset, left = PRESETS[view]
    return Leg(preset, left, move_s, stay_s)


@dataclass(frozen=True)
class Tour:
    """Where a dome is at any time, and what it says of it."""

    legs: Sequence[Leg]

    @property
    def seconds(self) -> float:
        return sum(leg.move_s + leg.stay_s for leg in self.legs)

    def at(self, second: float) -> tuple[float, float]:
        """Where it looks, and how fast it turns in pixels a second."""
        begins, before = 0.0, self.legs[0].left
        for leg in self.legs:
            if second < begins + leg.move_s:
                done = max(0.0, (second - begins) / leg.move_s)
                # It speeds up and slows down.
                eased = done * done * (3 - 2 * done)
                speed = (leg.left - before) * 6 * done * (1 - done) / leg.move_s
                return before + (leg.left - before) * eased, speed
            if second < begins + leg.move_s + leg.stay_s:
                return leg.left, 0.0
            begins, before = begins + leg.move_s + leg.stay_s, leg.left
        return before, 0.0

    def shows(self, second: float, within: float) -> str | None:
        """The view that is in sight, if it lies within so many pixels of its place."""
        left, _ = self.at(second)
        return next((view for view, (_, there) in PRESETS.items() if abs(left - there) <= within), None)

    def words(self) -> Iterator[tuple[float, str | None, bool]]:
        """From when on it is where: second, preset, moving."""
        begins = 0.0
        for leg in self.legs:
            if leg.move_s > 0:
                yield begins, None, True
            yield begins + leg.move_s, leg.preset, False
            begins += leg.move_s + leg.stay_s

    def where(self, second: float, late: Sequence[float]) -> Where:
        """What it says at a second, if its n-th word comes late by the n-th of `late`, over and over."""
        said = Where(None, True, 0.0, "poll")
        last = -10.0
        for number, (begins, preset, moving) in enumerate(self.words()):
            # Words do not overtake each other.
            last = max(last, begins + late[number % len(late)])
            if last > second:
                break
            said = Where(preset, moving, second - last, "poll")
        return said

    def frames(self, fps: float, gain: float = 1.0) -> Iterator[tuple[float, Frame]]:
        """Pictures with their second."""
        for number in range(round(self.seconds * fps)):
            second = number / fps
            left, speed = self.at(second)
            yield second, Frame(round(second * 1000), picture(left, speed, number, gain))
