"""supervision's own ByteTrack with its PolygonZone and LineZone; later versions have no tracker."""

from typing import Any

from .supervised import Zones

NAME = "supervision 0.26 (ByteTrack + zones)"
INSTALL = ["supervision==0.26.*"]
PACKAGES = ["supervision", "numpy"]


class Tracker:
    """ByteTrack, told the frame rate."""

    SETTINGS = "activation 0.5, frame rate"

    def __init__(self, rate: float, size: tuple[int, int]) -> None:
        import supervision as sv

        self.detections = sv.Detections
        self.tracker = sv.ByteTrack(frame_rate=rate, track_activation_threshold=0.5)

    def prepare(self, xyxy: Any, score: Any, class_id: Any) -> tuple[Any, ...]:
        """Class numbers as it takes them."""
        return xyxy, score, class_id.astype(int)

    def update(self, xyxy: Any, score: Any, class_id: Any) -> tuple[Any, Any, Any]:
        """Tracks seen in this picture."""
        detections = self.detections(xyxy=xyxy, confidence=score, class_id=class_id)
        tracked = self.tracker.update_with_detections(detections)
        return tracked.tracker_id, tracked.xyxy, tracked.confidence


TRACKERS = {"supervision ByteTrack": Tracker}


class Watch:
    """ByteTrack with zones, timers and lines."""

    def __init__(self, watched: dict[str, Any]) -> None:
        import supervision as sv

        self.detections = sv.Detections
        self.tracker = sv.ByteTrack(frame_rate=10)
        self.zones = Zones(watched)

    def prepare(self, at_ms: int, xyxy: Any, score: Any, class_id: Any) -> tuple[Any, ...]:
        """Pixels."""
        return at_ms, xyxy * self.zones.scale, score, class_id.astype(int)

    def step(self, at_ms: int, xyxy: Any, score: Any, class_id: Any) -> None:
        """One picture."""
        detections = self.detections(xyxy=xyxy, confidence=score, class_id=class_id)
        tracked = self.tracker.update_with_detections(detections)
        self.zones.step(at_ms, tracked)

    def totals(self) -> dict[str, int]:
        """What was found, to see that all do the same work."""
        return self.zones.totals()
