"""Who was seen where over the last seconds, and what is to be blurred between two looks.

Detectors look at some pictures, miss people in some of these, and clips show all of them. So boxes are linked
over time, with the future known: from look to look a box covers where it was before and after, also over
looks at which it was missed, and a while before its first and after its last.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beffroi.evidence.redact import LOWER_HALF, OPEN_VEHICLES, PERSON, VEHICLES
from beffroi.frame import Detections

Points = Sequence[Sequence[float]]
Boxes = NDArray[np.float64]

# So long a look holds for pictures before and after it: after that anybody may have come. Longer shows more
# of a camera that is looked at rarely, shorter hides more.
KNOWN_MS = 1500
# So long a box stays that is no longer found, or not found yet: detectors miss whole people for a few looks.
HOLD_MS = 500
# How far a box may go from one look to the next to be taken for the same, in its own sizes: a slip, and so
# much per second (somebody running is 6 widths a second, a car at 50 km/h 4 lengths). Too far joins two into
# one broad blur; too near leaves what is fast bare between two looks.
SLIP, SIZES_PER_S = 0.5, 6.0
# What the score of a box counts for between two looks; the lower, the wider it is blurred.
BETWEEN = 0.5


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one analysed picture showed: boxes (n, 4) relative to it, scores, and names.

    ``people`` says whether whoever looked knows people at all: else somebody may be anywhere.
    """

    at_ms: int
    xyxy: Boxes
    score: NDArray[np.float64]
    names: tuple[str, ...]
    people: bool
    masks: tuple[Points, ...] = ()


@dataclass(frozen=True, slots=True)
class Cover:
    """What to hide in one picture."""

    xyxy: Boxes
    score: NDArray[np.float64]
    names: tuple[str, ...]
    masks: tuple[Points, ...]


class Sightings:
    """The last `seconds` of what was found by one camera. One thread writes, another may read."""

    def __init__(self, seconds: float) -> None:
        self._longest_ms = round(seconds * 1000)
        self._lock = threading.Lock()
        self._kept: deque[Sighting] = deque()

    def add(self, at_ms: int, found: Detections, labels: Sequence[str], masks: Sequence[Points] = ()) -> None:
        """What an analysed picture showed; to be called for every one, also where nobody was found.

        Parameters
        ----------
        at_ms
            Media time, after that of the call before.
        found, labels
            Its boxes, and what their class ids mean. Labels without ``person`` are those of a detector that
            does not look for people: its pictures are hidden whole.
        masks
            Areas of the view in sight that nobody may look into.
        """
        names = tuple(labels[kind] for kind in found.class_id.tolist())
        sighting = Sighting(
            at_ms,
            found.xyxy.astype(np.float64),
            found.score.astype(np.float64),
            names,
            PERSON in labels,
            tuple(masks),
        )
        with self._lock:
            if self._kept and at_ms <= self._kept[-1].at_ms:
                self._kept.clear()  # Media time began anew.
            self._kept.append(sighting)
            while self._kept[0].at_ms < at_ms - self._longest_ms:
                self._kept.popleft()

    @property
    def newest_ms(self) -> int | None:
        """Media time of the latest analysed picture; None before the first."""
        with self._lock:
            return self._kept[-1].at_ms if self._kept else None

    def between(self, from_ms: int, to_ms: int) -> list[Sighting]:
        """What was seen in a span and just before and after it, in order."""
        with self._lock:
            kept = list(self._kept)
        return [each for each in kept if from_ms - KNOWN_MS <= each.at_ms <= to_ms + KNOWN_MS]


class Hidden:
    """Says for any moment of a clip what is to be hidden, from what was seen over all of it.

    Parameters
    ----------
    sightings
        In order.
    slack_ms
        How far the times of pictures may be off those of the sightings: pictures from another stream of a
        camera than the one that was looked at come earlier or later. All that a box covers so long before
        and after is hidden.
    """

    def __init__(self, sightings: Sequence[Sighting], slack_ms: int = 0) -> None:
        self._sightings = [each for each in sightings if each.people]
        self._slack_ms = slack_ms
        self._times = [each.at_ms for each in self._sightings]
        self._paths = _paths(self._sightings)

    def at(self, at_ms: float) -> Cover | None:
        """What to hide in the picture of `at_ms`; None if nothing is known of it: then hide all."""
        first, last = _around(self._times, at_ms - self._slack_ms, at_ms + self._slack_ms)
        near = self._sightings[max(0, first) : last + 1]
        if not any(abs(each.at_ms - at_ms) <= KNOWN_MS for each in near):
            return None
        looks = {each.at_ms for each in near}
        covers = [cover for path in self._paths if (cover := path.at(at_ms, self._slack_ms, looks))]
        masks = tuple(dict.fromkeys(mask for each in near for mask in map(_frozen, each.masks)))
        return Cover(
            np.array([box for box, _, _ in covers], np.float64).reshape(-1, 4),
            np.array([score for _, score, _ in covers], np.float64),
            tuple(name for _, _, name in covers),
            masks,
        )


@dataclass(slots=True)
class _Path:
    """One person or vehicle over the looks at which it was found."""

    family: str
    times: list[int]
    boxes: list[Boxes]
    scores: list[float]
    names: list[str]

    def at(self, at_ms: float, slack_ms: int, looks: set[int]) -> tuple[Boxes, float, str] | None:
        """Box, score and name for a moment with its slack, between the `looks` around; None if not there."""
        first, last = _around(self.times, at_ms - slack_ms, at_ms + slack_ms)
        if first == last:
            return self.boxes[first], self.scores[first], self.names[first]
        if first < 0 and last == 0:
            return self._held(0, at_ms, slack_ms, looks)
        if first == len(self.times) - 1:
            return self._held(first, at_ms, slack_ms, looks)
        part = slice(max(0, first), last + 1)
        # Of several names one that is blurred whole: of a car only the lower half is.
        name = max(self.names[part], key=_blurred_whole)
        return _hull(self.boxes[part], name), BETWEEN * min(self.scores[part]), name

    def _held(
        self, end: int, at_ms: float, slack_ms: int, looks: set[int]
    ) -> tuple[Boxes, float, str] | None:
        if abs(self.times[end] - at_ms) > HOLD_MS + slack_ms and self.times[end] not in looks:
            return None
        return self.boxes[end], 0.0, self.names[end]


def _around(times: Sequence[int], from_ms: float, to_ms: float) -> tuple[int, int]:
    """The last time not after `from_ms` (or -1), the first not before `to_ms` (or how many there are)."""
    return bisect_right(times, from_ms) - 1, bisect_left(times, to_ms)


def _hull(boxes: Sequence[Boxes], name: str) -> Boxes:
    """The box of which that part is blurred which holds the blurred parts of all."""
    corners = np.stack(boxes)
    hull = np.concatenate([corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)])
    if not _blurred_whole(name):
        top = float((corners[:, 1] + LOWER_HALF * (corners[:, 3] - corners[:, 1])).min())
        hull[1] = (top - LOWER_HALF * hull[3]) / (1 - LOWER_HALF)
    return hull


def _blurred_whole(name: str) -> bool:
    return name == PERSON or name in OPEN_VEHICLES


def _paths(sightings: Sequence[Sighting]) -> list[_Path]:
    """Link boxes of the same family from look to look, the nearest first."""
    done: list[_Path] = []
    live: list[_Path] = []
    for sighting in sightings:
        done += [path for path in live if sighting.at_ms - path.times[-1] > KNOWN_MS]
        live = [path for path in live if sighting.at_ms - path.times[-1] <= KNOWN_MS]
        free = [index for index, name in enumerate(sighting.names) if _family(name)]
        pairs = sorted(
            (distance, which, index)
            for which, path in enumerate(live)
            for index in free
            if path.family == _family(sighting.names[index])
            and (distance := _distance(path.boxes[-1], sighting.xyxy[index]))
            <= SLIP + SIZES_PER_S * (sighting.at_ms - path.times[-1]) / 1000
        )
        taken: set[int] = set()
        extended: set[int] = set()
        for _, which, index in pairs:
            if which not in extended and index not in taken:
                extended.add(which)
                taken.add(index)
                _extend(live[which], sighting, index)
        for index in free:
            if index not in taken:
                live.append(_Path(_family(sighting.names[index]), [], [], [], []))
                _extend(live[-1], sighting, index)
    return done + live


def _extend(path: _Path, sighting: Sighting, index: int) -> None:
    path.times.append(sighting.at_ms)
    path.boxes.append(sighting.xyxy[index])
    path.scores.append(float(sighting.score[index]))
    path.names.append(sighting.names[index])


def _family(name: str) -> str:
    """Of what is blurred: people and vehicles are never one; detectors confuse kinds of vehicles."""
    return PERSON if name == PERSON else "vehicle" if name in VEHICLES else ""


def _distance(one: Boxes, two: Boxes) -> float:
    """From middle to middle, in widths and heights of the larger."""
    size = np.maximum(np.maximum(one[2:] - one[:2], two[2:] - two[:2]), 1e-6)
    away = (one[:2] + one[2:] - two[:2] - two[2:]) / 2 / size
    return float(np.hypot(*away))


def _frozen(points: Points) -> Points:
    return tuple(tuple(point) for point in points)
