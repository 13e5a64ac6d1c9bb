"""Runs the trackers of one peer in its own interpreter over sequences.

Called by `quality`: ``python -m benches.peers.follow MODULE SEQUENCES.npz ROWS.npz``. Needs numpy and what
the peer needs, nothing of beffroi.
"""

import importlib
import json
import sys
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import numpy as np


def rows(tracker: Any, boxes: Any, score: Any, offsets: Any) -> Any:
    """Rows of MOTChallenge results, float64 (n, 7): frame, track, left, top, width, height, score."""
    numbers: dict[int, int] = {}
    taken = [np.empty((0, 7))]
    for frame, (begin, end) in enumerate(pairwise(offsets.tolist()), 1):
        class_id = np.zeros(end - begin, np.uint16)
        ids, xyxy, found = tracker.update(*tracker.prepare(boxes[begin:end], score[begin:end], class_id))
        # Some ids do not fit a float64.
        ids = [numbers.setdefault(track, len(numbers) + 1) for track in ids.tolist()]
        if ids:
            size = xyxy[:, 2:] - xyxy[:, :2]
            taken.append(np.column_stack([np.full(len(ids), frame), ids, xyxy[:, :2], size, found]))
    return np.concatenate(taken)


def main() -> None:
    """Run, write the rows, and print versions and settings."""
    module, sequences_path, rows_path = sys.argv[1:]
    peer = importlib.import_module(f"benches.peers.{module}")
    sequences = np.load(sequences_path)
    result = {}
    for title, tracker in peer.TRACKERS.items():
        for name in sequences["names"].tolist():
            rate, width, height = sequences[f"{name}/kind"].tolist()
            columns = (sequences[f"{name}/{column}"] for column in ("xyxy", "score", "offsets"))
            result[f"{title}/{name}"] = rows(tracker(rate, (int(width), int(height))), *columns)
    np.savez(rows_path, **result)
    settings = {title: tracker.SETTINGS for title, tracker in peer.TRACKERS.items()}
    json.dump({"versions": {name: version(name) for name in peer.PACKAGES}, "settings": settings}, sys.stdout)


if __name__ == "__main__":
    main()
