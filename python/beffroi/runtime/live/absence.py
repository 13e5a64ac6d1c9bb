"""Whether a camera is silent: told while it lasts, not only once the next picture comes."""

from __future__ import annotations

from collections import deque
from statistics import median

USUAL = 9
"""Intervals between pictures of which the median is the usual one."""
TIMES = 3
"""Usual intervals without a picture before a camera can be called silent: key pictures come seldom."""
SELDOM_S = 12.0
"""How long the second picture is waited for, before anybody knows what is usual: cameras of which only key
pictures are decoded give one in up to 10 s. Longer tells late of a camera that breaks at once."""


class Absence:
    """Watches the clock between two pictures. Times are seconds of a clock that only goes on.

    One thread says what it heard, one at a time asks.

    Parameters
    ----------
    after_s
        How long no picture may come.
    now_s
        When the watch begins: a camera that never comes is silent too.
    """

    def __init__(self, after_s: float, now_s: float) -> None:
        self._after_s, self._last_s, self._begun_s = after_s, now_s, now_s
        self._intervals: deque[float] = deque(maxlen=USUAL)
        self._came = False
        self.lasts = False
        """Whether the camera is silent."""

    @property
    def threshold_s(self) -> float:
        """How long no picture may come, as pictures usually do."""
        intervals = list(self._intervals)
        if not intervals:
            return max(self._after_s, SELDOM_S) if self._came else self._after_s
        return max(self._after_s, TIMES * median(intervals))

    def silent_s(self, now_s: float) -> float:
        """How long there has been no picture."""
        return now_s - self._last_s

    def begins(self, now_s: float) -> bool:
        """Whether the camera has just fallen silent: true once for each absence."""
        if self.lasts or self.silent_s(now_s) < self.threshold_s:
            return False
        self.lasts, self._begun_s = True, now_s
        return True

    def heard(self, now_s: float) -> None:
        """A picture arrived; told by the thread that reads, whether or not anybody looks at it."""
        passed_s, self._last_s = now_s - self._last_s, now_s
        # What a camera took to connect is no interval between pictures.
        if self._came and not self.lasts:
            self._intervals.append(passed_s)
        self._came = True

    def over(self) -> bool:
        """Whether a picture has ended the absence: true once for each."""
        if not self.lasts or self._last_s <= self._begun_s:
            return False
        self.lasts = False
        return True
