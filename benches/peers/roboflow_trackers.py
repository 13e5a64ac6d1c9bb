"""trackers (Roboflow) with supervision's PolygonZone and LineZone."""

from typing import Any, ClassVar

from .supervised import Zones

NAME = "trackers + supervision zones"
INSTALL = ["trackers>=2", "supervision"]
PACKAGES = ["trackers", "supervision", "numpy"]


class Tracker:
    """One of its trackers, told the frame rate; detections without a track come along with the id -1."""

    SETTINGS = "high 0.5, frame rate"
    TRACKER = ""
    OPTIONS: ClassVar[dict[str, Any]] = {}

    def __init__(self, rate: float, size: tuple[int, int]) -> None:
        import supervision
        import trackers

        self.detections = supervision.Detections
        self.tracker = getattr(trackers, self.TRACKER)(frame_rate=rate, **self.OPTIONS)

    def prepare(self, xyxy: Any, score: Any, class_id: Any) -> tuple[Any, ...]:
        """Class numbers as it takes them."""
        return xyxy, score, class_id.astype(int)

    def update(self, xyxy: Any, score: Any, class_id: Any) -> tuple[Any, Any, Any]:
        """Tracks seen in this picture."""
        tracked = self.tracker.update(self.detections(xyxy=xyxy, confidence=score, class_id=class_id))
        sure = tracked.tracker_id >= 0
        return tracked.tracker_id[sure], tracked.xyxy[sure], tracked.confidence[sure]


class ByteTrack(Tracker):
    """ByteTrack."""

    TRACKER = "ByteTrackTracker"
    OPTIONS: ClassVar[dict[str, Any]] = {"high_conf_det_threshold": 0.5}


class OCSort(Tracker):
    """OC-SORT."""

    TRACKER = "OCSORTTracker"
    OPTIONS: ClassVar[dict[str, Any]] = {"high_conf_det_threshold": 0.5}


class Sort(Tracker):
    """SORT with a longer memory than the paper's."""

    SETTINGS = "activation 0.5, frame rate"
    TRACKER = "SORTTracker"
    OPTIONS: ClassVar[dict[str, Any]] = {"track_activation_threshold": 0.5}


TRACKERS = {"trackers ByteTrack": ByteTrack, "trackers OC-SORT": OCSort, "trackers SORT": Sort}


class Watch:
    """ByteTrack with zones, timers and lines."""

    def __init__(self, watched: dict[str, Any]) -> None:
        import supervision as sv
        from trackers import ByteTrackTracker

        self.detections = sv.Detections
        self.tracker = ByteTrackTracker(frame_rate=10)
        self.zones = Zones(watched)

    def prepare(self, at_ms: int, xyxy: Any, score: Any, class_id: Any) -> tuple[Any, ...]:
        """Pixels."""
        return at_ms, xyxy * self.zones.scale, score, class_id.astype(int)

    def step(self, at_ms: int, xyxy: Any, score: Any, class_id: Any) -> None:
        """One picture."""
        tracked = self.tracker.update(self.detections(xyxy=xyxy, confidence=score, class_id=class_id))
        self.zones.step(at_ms, tracked[tracked.tracker_id >= 0])

    def totals(self) -> dict[str, int]:
        """What was found, to see that all do the same work."""
        return self.zones.totals()
