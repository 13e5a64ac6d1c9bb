"""From what may burn in one look to what is reported: found again and again at its place."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from beffroi.detectors._fire_region import Box, Region


@dataclass(slots=True)
class Place:
    """Where something was found, and in which looks."""

    region: Region
    found_ms: deque[int] = field(default_factory=deque)
    sure: bool = False
    verdicts: deque[bool] = field(default_factory=deque)
    """What a verifier said of it."""


class Memory:
    """Places of one kind; sure when found in `share` of the looks of `over_ms`, at least `least` times."""

    def __init__(self, over_ms: int, share: float, least: int, hold_ms: int) -> None:
        self.places: list[Place] = []
        self._over_ms, self._share, self._least, self._hold_ms = over_ms, share, least, hold_ms
        self._looks: deque[int] = deque()

    def look(self, at_ms: int, regions: Sequence[Region]) -> None:
        """Take in what was found at `at_ms`, in increasing order."""
        if self._looks and not 0 < at_ms - self._looks[-1] <= self._over_ms * 4:
            self._looks.clear()
            self.places.clear()
        self._looks.append(at_ms)
        # A slow camera: the time grows until it holds `least` looks, and one to spare.
        while len(self._looks) > self._least + 1 and at_ms - self._looks[0] > self._over_ms:
            self._looks.popleft()
        free = list(self.places)
        for region in regions:
            near = [place for place in free if _touch(place.region.box, region.box)]
            if near:
                place = max(near, key=lambda place: len(place.found_ms))
                free.remove(place)
                place.region = region
            else:
                place = Place(region)
                self.places.append(place)
            place.found_ms.append(at_ms)
        self._forget(at_ms)

    def confirmed(self) -> list[Place]:
        """The places that are sure now, strongest first."""
        return sorted((place for place in self.places if place.sure), key=lambda place: -place.region.score)

    def _forget(self, at_ms: int) -> None:
        since = self._looks[0]
        for place in self.places:
            while place.found_ms and place.found_ms[0] < since:
                place.found_ms.popleft()
            found = len(place.found_ms)
            if found >= self._least and found >= self._share * len(self._looks):
                place.sure = True
        self.places = [
            place
            for place in self.places
            if place.found_ms and (not place.sure or at_ms - place.found_ms[-1] <= self._hold_ms)
        ]


def _touch(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
