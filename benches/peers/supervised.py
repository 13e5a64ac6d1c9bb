"""What the peers with supervision's zones have in common: PolygonZone, LineZone, timers by track id."""

from typing import Any

import numpy as np

HEIGHT = 1080


class Zones:
    """Ten zones with dwell timers (as in supervision's own time-in-zone example) and five lines."""

    def __init__(self, watched: dict[str, Any]) -> None:
        import supervision as sv

        size = np.array([watched["aspect"] * HEIGHT, HEIGHT])
        self.scale = np.tile(size, 2).astype(np.float32)
        feet = [sv.Position.BOTTOM_CENTER]
        self.zones = [
            sv.PolygonZone(polygon=(np.array(zone) * size).astype(int), triggering_anchors=feet)
            for zone in watched["zones"].values()
        ]
        self.lines = [
            sv.LineZone(start=sv.Point(*start), end=sv.Point(*end), triggering_anchors=feet)
            for start, end in (np.array(line) * size for line in watched["lines"].values())
        ]
        self.since: list[dict[int, int]] = [{} for _ in self.zones]
        self.reported: list[set[int]] = [set() for _ in self.zones]
        self.dwells = 0
        self.highest = 0

    def step(self, at_ms: int, tracked: Any) -> None:
        """One picture's tracks."""
        for zone, since, reported in zip(self.zones, self.since, self.reported, strict=True):
            present = tracked.tracker_id[zone.trigger(tracked)].tolist()
            for track in present:
                entered = since.setdefault(track, at_ms)
                if at_ms - entered >= 5000 and track not in reported:
                    reported.add(track)
                    self.dwells += 1
        for line in self.lines:
            line.trigger(tracked)
        if len(tracked):
            self.highest = max(self.highest, int(tracked.tracker_id.max()))

    def totals(self) -> dict[str, int]:
        """What was found, to see that all do the same work."""
        crossings = sum(line.in_count + line.out_count for line in self.lines)
        return {"dwells": self.dwells, "crossings": int(crossings), "tracks": self.highest}
