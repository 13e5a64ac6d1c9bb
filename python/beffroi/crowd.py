"""A synthetic crowd for measuring speed: boxes as a detector gives them, the same bytes for the same seed.

Walkers and cars move about a square and turn now and then; the detector misses some, jitters, loses who
stands behind somebody else, and sees things that are not there. For judging behaviour use the simulator;
this is for load.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LABELS = ("person", "bicycle", "car")
ASPECT = 16 / 9
DWELL_MS = 5000


class Crowd(NamedTuple):
    """A recording: the arguments of `Engine.replay`; picture i has the rows ``offsets[i]:offsets[i + 1]``."""

    at_ms: NDArray[np.int64]
    offsets: NDArray[np.int64]
    xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    class_id: NDArray[np.uint16]

    def pictures(
        self,
    ) -> list[tuple[int, NDArray[np.float32], NDArray[np.float32], NDArray[np.uint16]]]:
        """The arguments of `Engine.step`, picture by picture."""
        rows = [slice(a, b) for a, b in zip(self.offsets[:-1], self.offsets[1:], strict=True)]
        return [
            (int(at), self.xyxy[row].copy(), self.score[row].copy(), self.class_id[row].copy())
            for at, row in zip(self.at_ms, rows, strict=True)
        ]


def crowd(
    objects: int,
    pictures: int,
    *,
    seed: int = 0,
    fps: float = 10,
    misses: float = 0.05,
    noise: float = 0.03,
    false_positives: float = 0.05,
    stay: float | None = None,
) -> Crowd:
    """Move `objects` about for a number of pictures and detect them.

    Parameters
    ----------
    misses
        Share of objects that are not detected in a picture, besides those that are hidden.
    noise
        Standard deviation of each box edge, as a share of the box's size.
    false_positives
        Mean number of boxes without an object in a picture, as a share of `objects`.
    stay
        Mean seconds until an object goes and another one comes in at an edge of the picture; None if all
        stay.
    """
    rng = np.random.default_rng(seed)
    # Smaller when many, so that the picture stays as full as a busy square is and not fuller.
    size = min(0.25, 1.2 / np.sqrt(objects))
    foot = np.column_stack([rng.uniform(0, ASPECT, objects), rng.uniform(0.3, 1.0, objects)])
    heading = rng.uniform(0, 2 * np.pi, objects)
    car = rng.random(objects) < 0.2
    pace = np.where(car, 2.5, 0.8) * rng.uniform(0.6, 1.4, objects)
    columns: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []
    for _ in range(pictures):
        height = size * (0.3 + foot[:, 1])
        heading += rng.normal(0, 0.6 / np.sqrt(fps), objects)
        foot = foot + (np.column_stack([np.cos(heading), 0.5 * np.sin(heading)]).T * pace * height / fps).T
        if stay is not None:
            for i in np.flatnonzero(rng.random(objects) < 1 / (stay * fps)):
                east = rng.random() < 0.5
                foot[i] = ASPECT if east else 0.0, rng.uniform(0.3, 1.0)
                heading[i] = rng.uniform(-0.5, 0.5) + np.pi * east
                car[i] = rng.random() < 0.2
                pace[i] = (2.5 if car[i] else 0.8) * rng.uniform(0.6, 1.4)
        beyond = (foot < (0, 0.3)) | (foot > (ASPECT, 1.0))
        foot = np.clip(foot, (0, 0.3), (ASPECT, 1.0))
        heading = np.where(beyond.any(axis=1), heading + np.pi / 2, heading)
        width = height * np.where(car, 1.6, 0.4)
        exact = np.column_stack(
            [foot[:, 0] - width / 2, foot[:, 1] - height, foot[:, 0] + width / 2, foot[:, 1]]
        )
        columns.append(_detect(rng, exact, car, misses=misses, noise=noise, ghosts=false_positives))
    offsets = np.concatenate([[0], np.cumsum([len(score) for _, score, _ in columns])]).astype(np.int64)
    return Crowd(
        at_ms=np.round(np.arange(pictures) * 1000 / fps).astype(np.int64),
        offsets=offsets,
        xyxy=np.concatenate([xyxy for xyxy, _, _ in columns]).astype(np.float32),
        score=np.concatenate([score for _, score, _ in columns]).astype(np.float32),
        class_id=np.concatenate([class_id for _, _, class_id in columns]).astype(np.uint16),
    )


def _detect(
    rng: np.random.Generator,
    exact: NDArray[np.float64],
    car: NDArray[np.bool_],
    *,
    misses: float,
    noise: float,
    ghosts: float,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    n = len(exact)
    covered = _covered(exact)
    seen = (rng.random(n) >= misses) & (covered < 0.6)
    spread = np.tile(exact[:, 2:] - exact[:, :2], 2)
    boxes = (exact + rng.normal(0, noise, (n, 4)) * spread)[seen]
    score = (np.clip(rng.normal(0.8, 0.08, n), 0.3, 1.0) * (1 - 0.7 * covered))[seen]
    more = rng.poisson(ghosts * n)
    tall = rng.uniform(0.2, 0.8, more) * (exact[:, 3] - exact[:, 1]).max()
    left, top = rng.uniform(0, ASPECT - 0.1, more), rng.uniform(0.1, 0.9, more)
    boxes = np.concatenate([boxes, np.column_stack([left, top, left + 0.5 * tall, top + tall])])
    score = np.concatenate([score, rng.uniform(0.2, 0.6, more)])
    class_id = np.concatenate([np.where(car, 2, 0)[seen], rng.choice([0, 2], more)])
    order = np.argsort(-score, kind="stable")
    return boxes[order] / (ASPECT, 1, ASPECT, 1), score[order], class_id[order]


def _covered(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest share of each box that one box nearer to the camera (lower in the picture) hides."""
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    nearer = boxes[None, :, 3] > boxes[:, None, 3]
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    hidden: NDArray[np.float64] = np.where(nearer, common, 0.0).max(axis=1) / area
    return hidden


def watched(labels: Sequence[str] = LABELS) -> dict[str, Any]:
    """Ten zones of six corners, each with a dwell timer of five seconds, and five lines, for `Engine`."""
    zones = {}
    for i in range(10):
        column, row = i % 5, i // 5
        x, y = 0.02 + 0.195 * column, 0.32 + 0.33 * row
        # An arrow head: one corner points inwards.
        corners = [(0, 0.02), (0.08, 0), (0.17, 0.03), (0.13, 0.15), (0.18, 0.3), (0.01, 0.28)]
        zones[f"zone-{i}"] = [[round(x + dx, 4), round(y + dy, 4)] for dx, dy in corners]
    lines = {
        "west": [[0.25, 0.3], [0.27, 1.0]],
        "middle": [[0.5, 0.3], [0.49, 1.0]],
        "east": [[0.75, 0.3], [0.76, 1.0]],
        "far": [[0.0, 0.5], [1.0, 0.52]],
        "near": [[1.0, 0.8], [0.0, 0.78]],
    }
    everything = list(labels)
    rules: list[dict[str, Any]] = [
        {
            "name": f"dwell-{name}",
            "type": "loitering",
            "zone": name,
            "after": f"{DWELL_MS}ms",
            "classes": everything,
        }
        for name in zones
    ]
    rules += [
        {"name": f"cross-{name}", "type": "line_crossing", "line": name, "classes": everything}
        for name in lines
    ]
    return {
        "view": "bench",
        "aspect": ASPECT,
        "classes": everything,
        "zones": zones,
        "lines": lines,
        "rules": rules,
    }


def unwatched(labels: Sequence[str] = LABELS) -> dict[str, Any]:
    """The same view without zones, lines and rules: what is left is the tracker."""
    return {"view": "bench", "aspect": ASPECT, "classes": list(labels)}
