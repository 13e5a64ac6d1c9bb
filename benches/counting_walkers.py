"""Walkers about a line, whose true crossings are counted exactly, and boxes with white noise.

Without `beffroi`: the peers' environments import this too.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ASPECT = 16 / 9
WALKERS = 50
CROSSINGS = 104
"""True crossings of every crowd."""
LINE = np.array([[0.2, 0.58], [0.8, 0.62]])
"""From left to right in the picture, relative coordinates."""
PLANS = {0: 10, 1: 9, 2: 12, 3: 10, 4: 5, 5: 3, 6: 1}
"""How many walkers cross how often. Who never does walks along the line, turns back or goes round it."""

Path = NDArray[np.float64]
"""Corners: seconds, and the feet in view units (x in picture heights)."""


class Recording(NamedTuple):
    """Boxes picture by picture, as in `beffroi.Engine.replay`, with the true walker of every box."""

    at_ms: NDArray[np.int64]
    offsets: NDArray[np.int64]
    xyxy: NDArray[np.float32]
    walker: NDArray[np.int64]


def tall(y: float | NDArray[np.float64]) -> Any:
    """Height of somebody whose feet are at `y`, picture heights: the ground rises towards the horizon."""
    return 0.02 + 0.2 * y


def paths(seed: int) -> list[Path]:
    """One path for every walker; together they cross the line `CROSSINGS` times."""
    rng = np.random.default_rng(seed)
    plans = np.repeat(list(PLANS), list(PLANS.values()))
    return [_path(rng, int(crossings)) for crossings in plans]


def _path(rng: np.random.Generator, crossings: int) -> Path:
    first, last = LINE * (ASPECT, 1)
    along = last - first
    across = np.array([0.0, 1.0])
    body = float(tall(0.6))
    begin = float(rng.uniform(0, 90))
    side = rng.choice([-1, 1])
    share = float(rng.uniform(0.15, 0.85))
    pace = float(rng.uniform(0.4, 0.9)) * body
    corners: list[tuple[float, float, float]] = []

    def go(share: float, off: float, stay: float = 0.0) -> None:
        """Walk to `off` body heights beside the line, at a share of its length."""
        to = first + along * share + across * off * body
        at = begin
        if corners:
            at = corners[-1][0] + float(np.hypot(*(to - corners[-1][1:]))) / pace
        corners.append((at, *to))
        if stay:
            corners.append((at + stay, *to))

    def outside() -> float:
        """Beyond the left or the right border of the picture, as a share of the line."""
        return float(rng.choice([-0.45, 1.45]))

    go(outside(), -side * rng.uniform(1.0, 1.6))
    go(share, -side * rng.uniform(1.0, 1.6))
    if crossings == 0:
        kind = rng.integers(3)
        if kind == 0:  # along the line, a short step beside it
            off = -side * rng.uniform(0.15, 0.3)
            go(share, off)
            go(share + rng.choice([-0.3, 0.3]) * rng.uniform(0.3, 1), off)
        elif kind == 1:  # to the line, waits before it, turns back
            go(share, -side * rng.uniform(0.12, 0.2), stay=rng.uniform(2, 15))
        else:  # round its end
            share = 1 + rng.uniform(0.6, 1.0) * body / float(np.hypot(*along))
            go(share, -side * 0.8)
            go(share, side * 0.8)
            share, side = 0.8, -side
        side = -side
        go(share, side * rng.uniform(0.8, 1.2))
    for _ in range(crossings):
        step = share + rng.uniform(-0.08, 0.08)
        if rng.random() < 0.3:  # stops on it
            go(step, side * rng.uniform(-0.05, 0.05), stay=rng.uniform(1, 12))
        go(step, side * rng.uniform(0.6, 1.3), stay=rng.uniform(0, 2))
        share, side = float(np.clip(step, 0.15, 0.85)), -side
    if crossings:
        side = -side
    go(outside(), side * rng.uniform(1.0, 1.6))
    return np.array(corners)


def crossings(path: Path) -> int:
    """How often the path crosses the line: orientations of the corners, no sampling."""
    first, last = LINE * (ASPECT, 1)

    def turn(a: NDArray[Any], b: NDArray[Any], c: NDArray[Any]) -> NDArray[Any]:
        u, v = b - a, c - a
        crossed: NDArray[Any] = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0] > 0
        return crossed

    a, b = path[:-1, 1:], path[1:, 1:]
    met = (turn(first, last, a) != turn(first, last, b)) & (turn(a, b, first) != turn(a, b, last))
    return int(met.sum())


def record(walks: list[Path], fps: float, noise: float, seed: int) -> Recording:
    """Boxes of all walkers; every edge trembles by `noise` of the box's size, anew in every picture."""
    rng = np.random.default_rng([seed, round(fps), round(1000 * noise)])
    seconds = np.arange(0, max(walk[-1, 0] for walk in walks) + 8, 1 / fps)
    offsets, boxes, walkers = [0], [], []
    for at in seconds:
        there = [i for i, walk in enumerate(walks) if walk[0, 0] <= at <= walk[-1, 0]]
        feet = np.array([[np.interp(at, walks[i][:, 0], walks[i][:, k]) for k in (1, 2)] for i in there])
        feet = feet.reshape(-1, 2)
        height = tall(feet[:, 1])
        width = 0.4 * height
        exact = np.column_stack(
            [feet[:, 0] - width / 2, feet[:, 1] - height, feet[:, 0] + width / 2, feet[:, 1]]
        )
        size = np.column_stack([width, height, width, height])
        found = (exact + rng.normal(0, noise, exact.shape) * size) / (ASPECT, 1, ASPECT, 1)
        # The picture cuts them off; of whom less than a third is left, the detector sees nothing.
        cut = np.clip(found, 0, 1)
        seen = cut[:, 2] - cut[:, 0] > (found[:, 2] - found[:, 0]) / 3
        boxes.append(cut[seen])
        walkers += [i for i, s in zip(there, seen, strict=True) if s]
        offsets.append(offsets[-1] + int(seen.sum()))
    return Recording(
        np.round(1000 * seconds).astype(np.int64),
        np.array(offsets, np.int64),
        np.concatenate(boxes).astype(np.float32),
        np.array(walkers, np.int64),
    )
