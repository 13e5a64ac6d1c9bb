"""trackforge: trackers in Rust that take and give lists of tuples."""

from typing import Any

import numpy as np

NAME = "trackforge"
INSTALL = ["trackforge", "numpy"]
PACKAGES = ["trackforge"]


class Tracker:
    """One of its trackers; it has no frame rate, a lost track lives for 30 pictures."""

    SETTINGS = "defaults"
    TRACKER = ""
    LOWEST = 0.0

    def __init__(self, rate: float, size: tuple[int, int]) -> None:
        import trackforge

        self.tracker = getattr(trackforge, self.TRACKER)()

    def prepare(self, xyxy: Any, score: Any, class_id: Any) -> tuple[Any, ...]:
        """Boxes as corner and size."""
        kept = score >= self.LOWEST
        ltwh = np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)
        return ltwh[kept], score[kept], class_id[kept]

    def update(self, ltwh: Any, score: Any, class_id: Any) -> tuple[Any, Any, Any]:
        """Tracks seen in this picture; arrays become lists on the way in, and lists arrays on the way out."""
        found = list(zip(ltwh.tolist(), score.tolist(), class_id.tolist(), strict=True))
        tracks = [track for track in self.tracker.update(found) if track[4] is not None]
        boxes = np.array([track[1] for track in tracks], np.float64).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        return np.array([track[0] for track in tracks], np.int64), boxes, np.array([t[2] for t in tracks])


class ByteTrack(Tracker):
    """ByteTrack."""

    SETTINGS = "defaults (high 0.5)"
    TRACKER = "BYTETRACK"


class OCSort(Tracker):
    """OC-SORT, which has no threshold."""

    SETTINGS = "scores of 0.5 and more"
    TRACKER = "OCSORT"
    LOWEST = 0.5


TRACKERS = {"trackforge ByteTrack": ByteTrack, "trackforge OC-SORT": OCSort}
