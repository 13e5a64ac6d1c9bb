"""Who is on the square: people, cyclists and vehicles, each with a size, a look and a path."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, sin
from typing import Final

import numpy as np
from numpy.typing import NDArray

from beffroi.simulate.path import Path
from beffroi.simulate.pose import Poses, pose_at, posed

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

# What detectors beside that of COCO give: a background model, and one for flames.
BEYOND: Final = ("still_object", "missing_object", "fire", "smoke")
LABELS: Final = COCO + BEYOND

# Width, length and height in metres: across the heading, along it, upwards.
SIZES: Final[dict[str, tuple[float, float, float]]] = {
    "person": (0.52, 0.34, 1.74),
    "bicycle": (0.5, 1.75, 1.05),
    "car": (1.8, 4.3, 1.5),
    "truck": (2.2, 6.4, 2.7),
    "bus": (2.5, 10.5, 3.0),
    "motorcycle": (0.8, 2.1, 1.25),
    "backpack": (0.4, 0.3, 0.52),
    "suitcase": (0.48, 0.3, 0.7),
    "handbag": (0.4, 0.2, 0.34),
    "bench": (1.7, 0.6, 0.85),
    "rubbish": (0.85, 0.7, 0.75),
    "cup": (0.1, 0.1, 0.14),
    "fire": (0.9, 0.9, 1.0),
    "smoke": (1.6, 1.6, 2.4),
}
VEHICLES: Final = ("car", "truck", "bus", "motorcycle")
BAGS: Final = ("backpack", "suitcase", "handbag")


@dataclass(frozen=True, slots=True, eq=False)
class Agent:
    """One thing that moves on the square and that a detector gives one box.

    Attributes
    ----------
    name
        Unique in the scenario.
    label
        Its class, one of `SIZES` or of `BEYOND`. No detector has a word for ``rubbish``: it has no box but
        its `echo_of`.
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
    poses
        How it stands when; upright if left out.
    owner
        Name of the agent who brought this thing.
    echo_of
        Name of the agent whose standing (or absence) a background model reports with this box.
    clarity
        How well a detector sees it, 0..1: its chance of a box in a frame in plain sight; its score follows.
    """

    name: str
    label: str
    path: Path
    intent: str
    size: tuple[float, float, float]
    look: int = 0
    rides: str | None = None
    poses: Poses = ()
    owner: str | None = None
    echo_of: str | None = None
    clarity: float = 1.0

    @property
    def class_id(self) -> int:
        """Index into `LABELS`."""
        return LABELS.index(self.label)

    def corners(self, t: float) -> NDArray[np.float64] | None:
        """Corners of its cuboid at `t` seconds, metres, shape (8, 3); None when it is not there.

        Of an upright one the first four are on the ground: front left, front right, rear right, rear left;
        the others above them.
        """
        place = self.path.at(t)
        if place is None:
            return None
        if not self.poses:
            return cuboid(*place, self.size)
        pose = pose_at(self.poses, t)
        width, length, height = self.size
        size = (width * pose.wide, length * pose.long, height * pose.tall)
        return posed(cuboid(*place, size), place[:2], pose)


def cuboid(x: float, y: float, heading: float, size: tuple[float, float, float]) -> NDArray[np.float64]:
    """Corners of an upright cuboid that stands on (x, y), in the order of `Agent.corners`, shape (8, 3)."""
    width, length, height = size
    along = np.array([cos(heading), sin(heading)]) * length / 2
    left = np.array([-sin(heading), cos(heading)]) * width / 2
    base = np.array([x, y]) + np.array([along + left, along - left, -along - left, -along + left])
    floor = np.concatenate([base, np.zeros((4, 1))], axis=1)
    return np.concatenate([floor, floor + np.array([0.0, 0.0, height])])
