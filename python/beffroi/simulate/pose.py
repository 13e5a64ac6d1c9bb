"""How a body stands: upright, bent, seated, lying; and how it goes from one to the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from math import cos, pi, sin
from typing import Final

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Pose:
    """A body's attitude, as a change of its upright cuboid.

    Attributes
    ----------
    tilt
        Radians from upright: a quarter turn lies on the ground. The feet stay where they are.
    towards
        Where it tilts to: radians on the ground, from +x towards +y.
    wide, long, tall
        Factors on the cuboid's width, length and height, before it tilts.
    """

    tilt: float = 0.0
    towards: float = 0.0
    wide: float = 1.0
    long: float = 1.0
    tall: float = 1.0

    def between(self, other: Pose, share: float) -> Pose:
        """The pose `share` (0..1) of the way to `other`."""
        return Pose(
            *((1 - share) * getattr(self, f.name) + share * getattr(other, f.name) for f in fields(Pose))
        )


UPRIGHT: Final = Pose()
# Bent to the ground and seated, measured on a person 1.74 m tall: 1.1 m and 1.3 m high, 0.8 and 0.65 m deep.
BENT: Final = Pose(wide=1.1, long=2.35, tall=0.63)
SEATED: Final = Pose(wide=1.05, long=1.9, tall=0.75)

Poses = tuple[tuple[float, Pose], ...]
"""Moments in seconds, increasing, each with its pose; in between the body moves evenly."""


def lying(towards: float) -> Pose:
    """Flat on the ground, the head in the direction `towards` (radians) from the feet."""
    return Pose(tilt=pi / 2, towards=towards)


def pose_at(poses: Sequence[tuple[float, Pose]], t: float) -> Pose:
    """The pose at `t` seconds: the first before the first moment, the last after the last; else upright."""
    if not poses:
        return UPRIGHT
    if t <= poses[0][0]:
        return poses[0][1]
    for (begin, before), (end, after) in pairwise(poses):
        if t < end:
            return before.between(after, (t - begin) / (end - begin))
    return poses[-1][1]


def posed(corners: NDArray[np.float64], foot: tuple[float, float], pose: Pose) -> NDArray[np.float64]:
    """Corners (8, 3) of a cuboid on `foot`, tilted as a stiff body, its lowest point on the ground."""
    if pose.tilt == 0.0:
        return corners
    along = np.array([cos(pose.towards), sin(pose.towards)])
    level = corners[:, :2] - np.array(foot)
    ahead, up = level @ along, corners[:, 2]
    c, s = cos(pose.tilt), sin(pose.tilt)
    turned = np.concatenate(
        [corners[:, :2] + ((ahead * c + up * s) - ahead)[:, None] * along, (up * c - ahead * s)[:, None]],
        axis=1,
    )
    turned[:, 2] -= turned[:, 2].min()
    return turned
