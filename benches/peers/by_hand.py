"""visiontrack-cpp (a C++ ByteTrack) with prepared shapely zones and vectorised numpy lines and timers.

What a careful engineer would assemble: no loop over tracks or zones in Python, state in arrays indexed by
track id.
"""

from typing import Any, ClassVar

import numpy as np

NAME = "visiontrack-cpp + shapely + numpy"
INSTALL = ["visiontrack-cpp", "shapely", "numpy"]
PACKAGES = ["visiontrack-cpp", "shapely", "numpy"]
HEIGHT = 1080


class Tracker:
    """visiontrack-cpp's ByteTrack; it has no frame rate, a lost track lives for 30 pictures."""

    SETTINGS = "defaults (high 0.5)"
    OPTIONS: ClassVar[dict[str, Any]] = {}

    def __init__(self, rate: float, size: tuple[int, int]) -> None:
        import visiontrack_cpp

        self.tracker = visiontrack_cpp.ByteTracker(visiontrack_cpp.TrackerConfig(**self.OPTIONS))

    def prepare(self, xyxy: Any, score: Any, class_id: Any) -> tuple[Any, ...]:
        """The types that the tracker takes without a copy."""
        return xyxy.astype(np.float64), score.astype(np.float64), class_id.astype(np.int64)

    def update(self, xyxy: Any, score: Any, class_id: Any) -> tuple[Any, Any, Any]:
        """Tracks seen in this picture."""
        return self.tracker.update(xyxy, score, class_id)[:3]


class FastTracker(Tracker):
    """Its fastest settings; without gating it also loses fewer tracks in a synthetic crowd."""

    SETTINGS = "lapjv, no gating"
    OPTIONS: ClassVar[dict[str, Any]] = {"use_lapjv": True, "use_mahalanobis_gating": False}


FAST = "visiontrack-cpp ByteTrack, fastest"
TRACKERS = {"visiontrack-cpp ByteTrack": Tracker, FAST: FastTracker}


class Watch:
    """The fastest tracker with zones, dwell timers and line counts."""

    def __init__(self, watched: dict[str, Any]) -> None:
        import shapely

        self.contains = shapely.contains_xy
        self.size = np.array([watched["aspect"] * HEIGHT, HEIGHT])
        self.tracker = FastTracker(10, (int(self.size[0]), int(self.size[1]))).tracker
        self.zones = shapely.polygons([np.array(zone) * self.size for zone in watched["zones"].values()])
        shapely.prepare(self.zones)
        self.columns = self.zones[:, None]
        ends = np.array(list(watched["lines"].values())) * self.size
        self.start, self.along = ends[:, 0], ends[:, 1] - ends[:, 0]
        # The side of a point is a linear function of it: one small matrix product for all lines and feet.
        self.normal = np.stack([-self.along[:, 1], self.along[:, 0]], axis=1)
        self.offset = -(self.normal * self.start).sum(axis=1, keepdims=True)
        capacity = 4096
        self.since = np.full((len(self.zones), capacity), np.nan)
        self.reported = np.zeros((len(self.zones), capacity), bool)
        self.last = np.full((capacity, 2), np.nan)
        self.side = np.full((len(ends), capacity), np.nan)
        self.dwells = 0
        self.counts = np.zeros((len(ends), 2), int)
        self.highest = 0

    def prepare(self, at_ms: int, xyxy: Any, score: Any, class_id: Any) -> tuple[Any, ...]:
        """Pixels, in the types that the tracker takes without a copy."""
        pixels = xyxy.astype(np.float64) * np.tile(self.size, 2)
        return at_ms, pixels, score.astype(np.float64), class_id.astype(np.int64)

    def step(self, at_ms: int, xyxy: Any, score: Any, class_id: Any) -> None:
        """One picture."""
        ids, boxes, _, _ = self.tracker.update(xyxy, score, class_id)
        if not len(ids):
            return
        self.highest = max(self.highest, int(ids.max()))
        while self.highest >= self.since.shape[1]:
            self.since = np.concatenate([self.since, np.full_like(self.since, np.nan)], axis=1)
            self.reported = np.concatenate([self.reported, np.zeros_like(self.reported)], axis=1)
            self.last = np.concatenate([self.last, np.full_like(self.last, np.nan)])
            self.side = np.concatenate([self.side, np.full_like(self.side, np.nan)], axis=1)
        x, y = (boxes[:, 0] + boxes[:, 2]) * 0.5, boxes[:, 3]
        self._dwell(at_ms, ids, x, y)
        self._cross(ids, np.stack([x, y], axis=1))

    def _dwell(self, at_ms: int, ids: Any, x: Any, y: Any) -> None:
        inside = self.contains(self.columns, x, y)
        since = self.since[:, ids]
        since = np.where(inside, np.where(np.isnan(since), at_ms, since), np.nan)
        self.since[:, ids] = since
        held = at_ms - since >= 5000
        new = held & ~self.reported[:, ids]
        self.reported[:, ids] = held
        self.dwells += int(np.count_nonzero(new))

    def _cross(self, ids: Any, feet: Any) -> None:
        side = self.normal @ feet.T + self.offset
        # NaN of a new track makes the product NaN, which is not negative.
        lines, rows = np.nonzero(self.side[:, ids] * side < 0)
        if len(lines):
            before, now = self.last[ids[rows]], feet[rows]
            move, start, end = now - before, self.start[lines], self.start[lines] + self.along[lines]
            start_side = move[:, 0] * (start - before)[:, 1] - move[:, 1] * (start - before)[:, 0]
            end_side = move[:, 0] * (end - before)[:, 1] - move[:, 1] * (end - before)[:, 0]
            hit = (start_side < 0) != (end_side < 0)
            np.add.at(self.counts, (lines[hit], (side[lines, rows][hit] < 0).astype(int)), 1)
        self.last[ids] = feet
        self.side[:, ids] = side

    def totals(self) -> dict[str, int]:
        """What was found, to see that all do the same work."""
        return {"dwells": self.dwells, "crossings": int(self.counts.sum()), "tracks": self.highest}
