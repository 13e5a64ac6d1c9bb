"""supervision's LineZone on recorded walkers: run by `benches.counting` in an environment that has it.

``python -m benches.counting_supervision RECORDINGS.npz`` prints, for each recording, the totals with the ids
of ByteTrack and with the true ones, at thresholds of 1 and 3 pictures.
"""

import json
import sys
import warnings
from typing import Any

import numpy as np

from .counting_walkers import ASPECT, LINE, Recording

HEIGHT = 1080
THRESHOLDS = (1, 3)


def totals(recording: Recording, fps: float, *, tracked: bool) -> dict[str, int]:
    """Crossings by threshold."""
    import supervision as sv

    size = np.array([ASPECT * HEIGHT, HEIGHT])
    start, end = (sv.Point(*point) for point in LINE * size)
    lines = {
        threshold: sv.LineZone(
            start=start,
            end=end,
            triggering_anchors=[sv.Position.BOTTOM_CENTER],
            minimum_crossing_threshold=threshold,
        )
        for threshold in THRESHOLDS
    }
    tracker = sv.ByteTrack(frame_rate=round(fps)) if tracked else None
    for begin, stop in zip(recording.offsets[:-1], recording.offsets[1:], strict=True):
        n = int(stop - begin)
        found: Any = sv.Detections(
            xyxy=recording.xyxy[begin:stop] * np.tile(size, 2).astype(np.float32),
            confidence=np.full(n, 0.9, np.float32),
            class_id=np.zeros(n, int),
        )
        if tracker is None:
            found.tracker_id = recording.walker[begin:stop]
        else:
            found = tracker.update_with_detections(found)
        for line in lines.values():
            line.trigger(found)
    return {str(threshold): int(line.in_count + line.out_count) for threshold, line in lines.items()}


def main() -> None:
    """The command."""
    warnings.simplefilter("ignore")
    file = np.load(sys.argv[1])
    counted = {}
    for name in sorted({key.split("/")[0] for key in file.files}):
        recording = Recording(*(file[f"{name}/{column}"] for column in Recording._fields))
        fps = float(name.split()[1])
        counted[name] = {
            kind: totals(recording, fps, tracked=kind == "bytetrack") for kind in ("bytetrack", "true ids")
        }
    import supervision as sv

    print(json.dumps({"version": sv.__version__, "counted": counted}))


if __name__ == "__main__":
    main()
