"""A folder for clips, and cameras that were looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from beffroi.evidence.clip import Clips, Written
from beffroi.evidence.disk import Disk
from beffroi.evidence.ring import Ring
from beffroi.evidence.sightings import Sightings
from beffroi.frame import Detections
from streams import BEGINS_MS

TIMES = range(0, 6000, 40)
# 2 to 25 pictures a second, and a gap.
UNEVEN = [*range(0, 1000, 40), *range(1000, 3000, 500), *range(3000, 4000, 110), *range(5200, 7000, 40)]
PERSON = (0.4, 0.3, 0.6, 0.9)
MASK = ((0.0, 0.5), (0.2, 0.5), (0.2, 1.0), (0.0, 1.0))


def boxes(*xyxy: Sequence[float], score: float = 0.9) -> Detections:
    n = len(xyxy)
    array = np.array(xyxy, np.float32).reshape(n, 4)
    return Detections(array, np.full(n, score, np.float32), np.zeros(n, np.uint16))


def seen(times: Sequence[int], *xyxy: Sequence[float], masks: Sequence[Any] = ()) -> Sightings:
    """A camera that was looked at at `times` (ms since the beginning), the same people at each."""
    sightings = Sightings(60)
    for at_ms in times:
        sightings.add(BEGINS_MS + at_ms, boxes(*xyxy), ("person",), masks)
    return sightings


def detail(image: np.ndarray, box: Sequence[float]) -> float:
    """Difference between neighbouring pixels in a box: the fine detail that is left."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (round(v * s) for v, s in zip(box, (width, height) * 2, strict=True))
    return float(np.abs(np.diff(image[y1:y2, x1:x2].astype(float), axis=1)).mean())


class Desk:
    """A folder, what is written into it, and clips that are closed in the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "gate" / "run-1"
        self.disk = Disk(folder, keep_days=30, most_gb=1, least_free_gb=0)
        self.written: list[Written] = []
        self.asked = 0

    def clips(self, **settings: Any) -> Clips:
        return Clips(self.disk, written=self.written.append, **settings)

    def path(self) -> Path:
        self.asked += 1
        return self.folder / f"{self.asked:032x}.mp4"

    def clip(
        self,
        ring: Ring,
        from_ms: int,
        to_ms: int,
        sightings: Sightings | None = None,
        *,
        at_ms: int = 0,
        masks: Sequence[Any] = (),
        **settings: Any,
    ) -> Written:
        """One clip of a span, in ms since the beginning."""
        clips = self.clips(**settings)
        sightings = seen(range(0, 10_000, 200)) if sightings is None else sightings
        span = BEGINS_MS + from_ms, BEGINS_MS + to_ms
        assert clips.want(ring, self.path(), *span, sightings, at_ms=BEGINS_MS + at_ms, masks=masks)
        assert clips.close(60), clips.counts
        assert clips.counts.written == 1, clips.counts
        return self.written[-1]

    def files(self) -> list[str]:
        """Everything there is, drafts too."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)
