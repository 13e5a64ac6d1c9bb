"""Perfect association: every detection gets the identity of the person or thing that it shows.

Picture by picture, detections of any score and counted truth are paired at an overlap (IoU) of 0.5 or
more: as many pairs as possible, among those the best overlaps, by the Hungarian method. A detection of
nobody is left out, as a perfect tracker would. What is missing to 100 is then the detector's: what it missed,
and how it drew its boxes.
"""

from typing import Any

import numpy as np
from beffroi.evaluate.sequence import Sequence
from beffroi.evaluate.tracking import pictures

OVERLAP = 0.5
PEDESTRIAN = 1


def overlaps(a: Any, b: Any) -> Any:
    """IoU of each of `a` (n, 4) with each of `b` (m, 4), boxes as corners: (n, m)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    area_a, area_b = ((box[:, 2:] - box[:, :2]).prod(axis=1) for box in (a, b))
    return common / np.maximum(area_a[:, None] + area_b[None, :] - common, 1e-9)


def associate(sequence: Sequence) -> Any:
    """Rows as `beffroi.evaluate.tracking.judge` takes them, float64 (n, 7)."""
    from scipy.optimize import linear_sum_assignment

    counted = sequence.truth[:, 6] != 0
    if sequence.classed:
        counted &= sequence.truth[:, 7] == PEDESTRIAN
    truth = sequence.truth[counted]
    taken = [np.empty((0, 7))]
    for frame, (xyxy, score) in enumerate(pictures(sequence), 1):
        here = truth[truth[:, 0] == frame]
        shared = overlaps(xyxy, np.concatenate([here[:, 2:4], here[:, 2:4] + here[:, 4:6]], axis=1))
        # A pair above the threshold is worth more than any number of better overlaps: pairs first.
        rows, columns = linear_sum_assignment(np.where(shared >= OVERLAP, 1000 + shared, 0), maximize=True)
        kept = shared[rows, columns] >= OVERLAP
        rows, columns = rows[kept], columns[kept]
        size = xyxy[rows, 2:] - xyxy[rows, :2]
        frames = np.full(len(rows), frame)
        taken.append(np.column_stack([frames, here[columns, 1], xyxy[rows, :2], size, score[rows]]))
    return np.concatenate(taken)
