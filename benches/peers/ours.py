"""beffroi: one call a picture."""

import json
from typing import Any

import numpy as np

NAME = "beffroi"
INSTALL: list[str] = []
PACKAGES: list[str] = []


class Tracker:
    """`Engine.step` without zones and rules."""

    SETTINGS = "defaults"

    def __init__(self, rate: float, size: tuple[int, int]) -> None:
        from beffroi import Engine

        self.engine = Engine(
            json.dumps({"classes": ["person", "bicycle", "car"], "aspect": size[0] / size[1]})
        )
        self.scale = np.tile(size, 2)
        self.rate = rate
        self.picture = 0

    def prepare(self, xyxy: Any, score: Any, class_id: Any) -> tuple[Any, ...]:
        """Boxes relative to the picture, and media time."""
        self.picture += 1
        at_ms = round(1000 * (self.picture - 1) / self.rate)
        boxes = np.ascontiguousarray(xyxy / self.scale, np.float32)
        return at_ms, boxes, score.astype(np.float32), class_id.astype(np.uint16)

    def update(self, at_ms: int, xyxy: Any, score: Any, class_id: Any) -> tuple[Any, Any, Any]:
        """Tracks, coasting ones among them."""
        tracks = self.engine.step(at_ms, xyxy, score, class_id).tracks
        return tracks.id, tracks.xyxy, tracks.score


TRACKERS = {"beffroi": Tracker}


class Watch:
    """`Engine.step` with ten loitering rules and five line crossings."""

    def __init__(self, watched: dict[str, Any]) -> None:
        from beffroi import Engine

        self.engine = Engine(json.dumps(watched))
        self.counted = {"dwells": 0, "crossings": 0, "tracks": 0}

    def prepare(self, *picture: Any) -> tuple[Any, ...]:
        """Relative boxes are what the engine takes."""
        return picture

    def step(self, at_ms: int, xyxy: Any, score: Any, class_id: Any) -> None:
        """One picture."""
        step = self.engine.step(at_ms, xyxy, score, class_id)
        ids = step.tracks.id
        if len(ids):
            self.counted["tracks"] = max(self.counted["tracks"], int(ids.max()))
        for event in step.events:
            if event.change == "started":
                self.counted["dwells" if event.type == "loitering" else "crossings"] += 1

    def totals(self) -> dict[str, int]:
        """What was found, to see that all do the same work."""
        return self.counted
