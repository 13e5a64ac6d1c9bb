"""trackers (Roboflow) with supervision's PolygonZone and LineZone."""

from typing import Any

from .supervised import Zones

NAME = "trackers + supervision zones"
INSTALL = ["trackers>=2", "supervision"]
PACKAGES = ["trackers", "supervision", "numpy"]


class Peer:
    """The tracker alone, or with zones, timers and lines."""

    def __init__(self, watched: dict[str, Any], *, rules: bool) -> None:
        import supervision as sv
        from trackers import ByteTrackTracker

        self.detections = sv.Detections
        self.tracker = ByteTrackTracker(frame_rate=10)
        self.zones = Zones(watched)
        self.rules = rules

    def prepare(self, at_ms: int, xyxy: Any, score: Any, class_id: Any) -> tuple[Any, ...]:
        """Pixels."""
        return at_ms, xyxy * self.zones.scale, score, class_id.astype(int)

    def step(self, at_ms: int, xyxy: Any, score: Any, class_id: Any) -> None:
        """One picture."""
        tracked = self.tracker.update(self.detections(xyxy=xyxy, confidence=score, class_id=class_id))
        if self.rules:
            # Detections without a track come along with the id -1.
            self.zones.step(at_ms, tracked[tracked.tracker_id >= 0])

    def totals(self) -> dict[str, int]:
        """What was found, to see that all do the same work."""
        return self.zones.totals()
