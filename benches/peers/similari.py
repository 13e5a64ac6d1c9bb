"""similari: SORT in Rust that takes and gives objects."""

from typing import Any

import numpy as np

NAME = "similari"
INSTALL = ["similari-trackers-rs", "numpy"]
PACKAGES = ["similari-trackers-rs"]


class Tracker:
    """SORT by IoU, which has no threshold; its track ids are random numbers of 64 bits.

    Observed boxes are shown, which are nearer to the truth than its predicted ones.
    """

    SETTINGS = "IoU 0.3, kept for 30 pictures as others do, one shard; scores of 0.5 and more"

    def __init__(self, rate: float, size: tuple[int, int]) -> None:
        import similari

        self.box = similari.BoundingBox.new_with_confidence
        overlap = similari.PositionalMetricType.iou(0.3)
        self.tracker = similari.Sort(shards=1, max_idle_epochs=30, method=overlap)

    def prepare(self, xyxy: Any, score: Any, class_id: Any) -> tuple[Any, ...]:
        """Boxes as corner and size."""
        kept = score >= 0.5
        ltwh = np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)
        return (np.column_stack([ltwh, score])[kept],)

    def update(self, detections: Any) -> tuple[Any, Any, Any]:
        """Tracks seen in this picture; arrays become objects on the way in, objects arrays on the way out."""
        found = [(self.box(*values).as_xyaah(), None) for values in detections.tolist()]
        tracks = self.tracker.predict(found)
        boxes = [track.observed_bbox.as_ltwh() for track in tracks]
        values = np.array([(b.left, b.top, b.width, b.height) for b in boxes], np.float64).reshape(-1, 4)
        values[:, 2:] += values[:, :2]
        ids = np.array([track.id for track in tracks], np.uint64)
        return ids, values, np.array([track.observed_bbox.confidence for track in tracks])


TRACKERS = {"similari SORT": Tracker}
