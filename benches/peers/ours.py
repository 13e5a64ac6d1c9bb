"""beffroi: one call a picture."""

import json
from typing import Any

NAME = "beffroi"
INSTALL: list[str] = []
PACKAGES: list[str] = []


class Peer:
    """`Engine.step` with ten loitering rules and five line crossings, or with none."""

    def __init__(self, watched: dict[str, Any], *, rules: bool) -> None:
        from beffroi import Engine

        kept = watched if rules else {k: watched[k] for k in ("view", "aspect", "classes")}
        self.engine = Engine(json.dumps(kept))
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
