"""Who is on the square: people, cyclists and vehicles, each with a size, a look and a path."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, sin
from typing import Final

import numpy as np
from numpy.typing import NDArray

from beffroi.simulate.path import Path

# The labels of COCO, as the detectors that beffroi runs give them: a class_id is an index into this.
COCO: Final[tuple[str, ...]] = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
    "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard",
    "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase",
    "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip

# Width, length and height in metres: across the heading, along it, upwards.
SIZES: Final[dict[str, tuple[float, float, float]]] = {
    "person": (0.52, 0.34, 1.74),
    "bicycle": (0.5, 1.75, 1.05),
    "car": (1.8, 4.3, 1.5),
    "truck": (2.2, 6.4, 2.7),
    "bus": (2.5, 10.5, 3.0),
    "motorcycle": (0.8, 2.1, 1.25),
}
VEHICLES: Final = ("car", "truck", "bus", "motorcycle")


@dataclass(frozen=True, slots=True, eq=False)
class Agent:
    """One thing that moves on the square and that a detector gives one box.

    Attributes
    ----------
    name
        Unique in the scenario.
    label
        Its class, one of `SIZES`.
    path
        Where it is when.
    intent
        What it does, in a word, for people who read the truth.
    size
        Width, length, height in metres.
    look
        Number from which its colours follow.
    rides
        Name of the bicycle or motorcycle that this person rides; such a person is lifted onto it.
    """

    name: str
    label: str
    path: Path
    intent: str
    size: tuple[float, float, float]
    look: int = 0
    rides: str | None = None

    @property
    def class_id(self) -> int:
        return COCO.index(self.label)

    def corners(self, t: float) -> NDArray[np.float64] | None:
        """Corners of its upright cuboid at `t` seconds, metres, shape (8, 3); None when it is not there.

        The first four are on the ground: front left, front right, rear right, rear left; the others above
        them.
        """
        place = self.path.at(t)
        return None if place is None else cuboid(*place, self.size)


def cuboid(x: float, y: float, heading: float, size: tuple[float, float, float]) -> NDArray[np.float64]:
    """Corners of an upright cuboid that stands on (x, y), in the order of `Agent.corners`, shape (8, 3)."""
    width, length, height = size
    along = np.array([cos(heading), sin(heading)]) * length / 2
    left = np.array([-sin(heading), cos(heading)]) * width / 2
    base = np.array([x, y]) + np.array([along + left, along - left, -along - left, -along + left])
    floor = np.concatenate([base, np.zeros((4, 1))], axis=1)
    return np.concatenate([floor, floor + np.array([0.0, 0.0, height])])
