"""norfair: a tracker in Python that takes and gives objects."""

from typing import Any

import numpy as np

NAME = "norfair"
INSTALL = ["norfair", "numpy"]
PACKAGES = ["norfair", "numpy"]


class Tracker:
    """Boxes by IoU, as its examples have them; it has no threshold and no frame rate."""

    SETTINGS = "IoU distance 0.7, as in its examples; scores of 0.5 and more"

    def __init__(self, rate: float, size: tuple[int, int]) -> None:
        import norfair

        self.detection = norfair.Detection
        self.tracker = norfair.Tracker(distance_function="iou", distance_threshold=0.7)

    def prepare(self, xyxy: Any, score: Any, class_id: Any) -> tuple[Any, ...]:
        """Each box as its two corners."""
        kept = score >= 0.5
        return xyxy[kept].astype(np.float64).reshape(-1, 2, 2), score[kept].astype(np.float64)

    def update(self, corners: Any, score: Any) -> tuple[Any, Any, Any]:
        """Tracks seen in this picture: it gives coasting ones too, which cost it more than they bring."""
        found = [
            self.detection(points=points, scores=np.array([s, s]))
            for points, s in zip(corners, score, strict=True)
        ]
        fresh = {id(detection) for detection in found}
        tracks = [t for t in self.tracker.update(detections=found) if id(t.last_detection) in fresh]
        boxes = np.array([track.estimate.reshape(4) for track in tracks], np.float64).reshape(-1, 4)
        ids = np.array([track.id for track in tracks], np.int64)
        return ids, boxes, np.array([track.last_detection.scores[0] for track in tracks])


TRACKERS = {"norfair": Tracker}
