"""What one camera has analysed, and where the time went."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from beffroi.metrics import STAGES, Metrics

GAP_MS = 1000
"""Media time between two pictures that nobody can call watched, at any analysis rate above 3 per second."""


class StageTimers:
    """Sums the seconds that one camera spends in each of `STAGES`, and passes them on to the metrics."""

    def __init__(self, camera: str, metrics: Metrics, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._camera, self._metrics, self._clock = camera, metrics, clock

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        begun, used = self._clock(), time.thread_time()
        try:
            yield
        finally:
            self.add(stage, self._clock() - begun, time.thread_time() - used)

    def add(self, stage: str, spent: float, cpu_s: float = 0.0) -> None:
        """So many seconds more were spent in a stage, and so many of them by this thread's processor."""
        self.seconds[stage] += spent
        self._metrics.stage(self._camera, stage, spent, max(0.0, cpu_s))


class Coverage:
    """Which media time was analysed: the time between two pictures, unless the gap is too long to be watched.

    Parameters
    ----------
    fps
        The analysis rate that was asked for.
    """

    def __init__(self, camera: str, metrics: Metrics, fps: float) -> None:
        self.frames = 0
        self.from_ms: int | None = None
        self.to_ms: int | None = None
        self.analysed_ms = 0
        self.not_analysed_ms = 0
        self._longest = max(GAP_MS, round(3000 / fps))
        self._camera, self._metrics = camera, metrics

    def add(self, at_ms: int, *, judged: bool = True) -> None:
        """A picture of `at_ms` came, and was `judged` unless the camera saw nothing."""
        if judged:
            self._metrics.frame(self._camera)
            self.frames += 1
        if self.to_ms is None:
            self.from_ms = at_ms
        else:
            passed = at_ms - self.to_ms
            analysed = judged and passed <= self._longest
            self._metrics.media(self._camera, passed, analysed=analysed)
            if analysed:
                self.analysed_ms += passed
            else:
                self.not_analysed_ms += passed
        self.to_ms = at_ms
