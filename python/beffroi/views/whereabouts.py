"""From where single pictures lie to whether the view has moved: the middle of a swing, for long enough."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from beffroi.views.reference import Affine

OUTVOTED = 0.5
"""Share of a period's pictures that must fit nowhere for the view to be lost."""
SETTLED = 0.9
"""Share of a period's pictures that must show the view for it to be back."""
NEARER = 0.8
"""Of the tolerance, within which the middle must lie for the view to be back: hysteresis."""
LEAST = 3
"""Pictures that decide at least, however rarely they come: one can be a bus."""


@dataclass(frozen=True, slots=True)
class _Seen:
    at_ms: int
    pose: Affine | None


class Whereabouts:
    """Remembers where the last pictures lay.

    Parameters
    ----------
    distance
        Of a pose from home, as a share of the picture's width.
    tolerance
        Farthest distance that is still the view.
    after_ms, settle_ms
        How long it must be elsewhere to have moved, and back to be back.

    Attributes
    ----------
    moved
        Whether the view is not the view.
    since_ms
        Media time since when, while `moved`.
    """

    def __init__(
        self, distance: Callable[[Affine], float], tolerance: float, after_ms: int, settle_ms: int
    ) -> None:
        self._distance, self._tolerance = distance, tolerance
        self._after_ms, self._settle_ms = after_ms, settle_ms
        self._seen: deque[_Seen] = deque()
        self.moved = False
        self.since_ms = 0

    def forget(self) -> None:
        """Time was lost, or home lies elsewhere; whether the view has moved stays as it was."""
        self._seen.clear()

    def reset(self) -> None:
        """Begin anew, with the view where it should be."""
        self.forget()
        self.moved, self.since_ms = False, 0

    def note(self, at_ms: int, pose: Affine | None) -> None:
        """A picture lay at `pose`, or showed something else (None)."""
        seen = self._seen
        seen.append(_Seen(at_ms, pose))
        longest = max(self._after_ms, self._settle_ms)
        while len(seen) > LEAST and seen[1].at_ms <= at_ms - longest:
            seen.popleft()
        if self.moved:
            if self._back(at_ms):
                self.moved = False
                self.forget()
        elif self._gone(at_ms):
            self.moved = True

    def _gone(self, at_ms: int) -> bool:
        period = self._period(at_ms, self._after_ms)
        poses = [seen.pose for seen in period if seen.pose is not None]
        if not period or (len(period) - len(poses) <= OUTVOTED * len(period) and not self._far(poses, 1.0)):
            return False
        away = [seen.at_ms for seen in period if seen.pose is None or self._far([seen.pose], 1.0)]
        self.since_ms = away[0] if away else at_ms
        return True

    def _back(self, at_ms: int) -> bool:
        period = self._period(at_ms, self._settle_ms)
        poses = [seen.pose for seen in period if seen.pose is not None]
        near = sum(1 for pose in poses if not self._far([pose], 1.0))
        return bool(period) and near >= SETTLED * len(period) and not self._far(poses, NEARER)

    def _period(self, at_ms: int, length_ms: int) -> list[_Seen]:
        """What was seen in the last `length_ms`; nothing if not all of that time was watched."""
        if len(self._seen) < LEAST or self._seen[0].at_ms > at_ms - length_ms:
            return []
        within = [seen for seen in self._seen if seen.at_ms > at_ms - length_ms]
        return within if len(within) >= LEAST else list(self._seen)[-LEAST:]

    def _far(self, poses: Sequence[Affine], share: float) -> bool:
        """Whether the middle of `poses`, the median of each number, lies beyond `share` of the tolerance."""
        if not poses:
            return False
        middle = np.asarray(np.median(np.stack(poses), axis=0), np.float64)
        return self._distance(middle) > share * self._tolerance
