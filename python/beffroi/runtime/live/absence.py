"""Whether a camera is silent: told while it lasts, not only once the next picture comes."""

from __future__ import annotations

from collections import deque
from statistics import median

USUAL = 9
"""Intervals between pictures of which the median is the usual one."""
TIMES = 3
"""Usual intervals without a picture before a camera can be called silent: key pictures come seldom."""


class Absence:
    """Watches the clock between two pictures. Times are seconds of a clock that only goes on.

    Parameters
    ----------
    after_s
        How long no picture may come.
    now_s
        When the watch begins: a camera that never comes is silent too.
    """

    def __init__(self, after_s: float, now_s: float) -> None:
        self._after_s, self._last_s = after_s, now_s
        self._intervals: deque[float] = deque(maxlen=USUAL)
        self.lasts = False
        """Whether the camera is silent."""

    @property
    def threshold_s(self) -> float:
        """How long no picture may come, as pictures usually do."""
        usual = median(self._intervals) if self._intervals else 0.0
        return max(self._after_s, TIMES * usual)

    def silent_s(self, now_s: float) -> float:
        """How long there has been no picture."""
        return now_s - self._last_s

    def begins(self, now_s: float) -> bool:
        """Whether the camera has just fallen silent: true once for each absence."""
        if self.lasts or self.silent_s(now_s) < self.threshold_s:
            return False
        self.lasts = True
        return True

    def came(self, now_s: float) -> bool:
        """A picture came; whether that ends an absence."""
        over, self.lasts = self.lasts, False
        if not over:
            self._intervals.append(now_s - self._last_s)
        self._last_s = now_s
        return over
