"""pyxtrackers: the authors' own Python trackers, compiled with Cython and tested to be equal to them."""

from typing import Any

import numpy as np

NAME = "pyxtrackers"
INSTALL = ["pyxtrackers", "numpy"]
PACKAGES = ["pyxtrackers", "numpy"]


class Tracker:
    """One of its trackers; they take boxes with their scores and give boxes with their ids."""

    SETTINGS = "defaults"
    LOWEST = 0.0

    def __init__(self, rate: float, size: tuple[int, int]) -> None:
        self.tracker = self.make(rate)

    def make(self, rate: float) -> Any:
        """The library's tracker."""
        raise NotImplementedError

    def prepare(self, xyxy: Any, score: Any, class_id: Any) -> tuple[Any, ...]:
        """One table of corners and scores."""
        kept = score >= self.LOWEST
        return (np.ascontiguousarray(np.column_stack([xyxy[kept], score[kept]]), np.float64),)

    def update(self, detections: Any) -> tuple[Any, Any, Any]:
        """Tracks seen in this picture; it gives no scores."""
        tracks = self.tracker.update(detections)
        return tracks[:, 4].astype(np.int64), tracks[:, :4], np.ones(len(tracks))


class ByteTrack(Tracker):
    """ByteTrack (Zhang et al., ECCV 2022), told the frame rate."""

    SETTINGS = "defaults (high 0.5), frame rate"

    def make(self, rate: float) -> Any:
        """The library's tracker."""
        from pyxtrackers import BYTETracker

        # It counts in whole pictures: 30 of them at 30 a second.
        return BYTETracker(frame_rate=round(rate))


class OCSort(Tracker):
    """OC-SORT (Cao et al., CVPR 2023)."""

    SETTINGS = "high 0.5"

    def make(self, rate: float) -> Any:
        """The library's tracker."""
        from pyxtrackers import OCSort

        return OCSort(det_thresh=0.5)


class Sort(Tracker):
    """SORT (Bewley et al., ICIP 2016), which has no threshold."""

    SETTINGS = "the paper's: max age 1, min hits 3, IoU 0.3; scores of 0.5 and more"
    LOWEST = 0.5

    def make(self, rate: float) -> Any:
        """The library's tracker."""
        from pyxtrackers import Sort

        return Sort(max_age=1, min_hits=3, iou_threshold=0.3)


TRACKERS = {"pyxtrackers ByteTrack": ByteTrack, "pyxtrackers OC-SORT": OCSort, "SORT (Bewley 2016)": Sort}
