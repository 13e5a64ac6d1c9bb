"""How a live camera is doing, for people and for programs."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

WINDOW_S = 10.0
"""Rates and latencies are those of so long."""


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One camera at one moment.

    Attributes
    ----------
    state
        ``connecting``, ``watching``, ``moving`` (a dome between its views), ``blind`` (the picture cannot be
        judged), ``silent`` (no picture comes), ``refused`` or ``failed``; `detail` says more.
    asked_fps, analysed_fps, dropped_fps
        Pictures a second that the site asks for, that were analysed, and that were replaced by later ones
        before anybody could.
    latency_ms
        From the time of a picture to its analysis committed, the 95th percentile; None without any.
    alerts
        Incidents that rules started since the camera was started.
    looked
        Of the pictures analysed, how many the model looked at; in the others the gate saw no change. None
        without a gate.
    """

    camera: str
    view: str
    state: str
    detail: str
    asked_fps: float
    analysed_fps: float
    dropped_fps: float
    latency_ms: int | None
    alerts: int
    analysed: int
    dropped: int
    reconnects: int
    looked: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


class Pulse:
    """Rates and latencies of the last seconds. Any thread may ask, one at a time may tell."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._lock = threading.Lock()
        self._seen: deque[tuple[float, float]] = deque()
        self._dropped: deque[tuple[float, int]] = deque()
        self.analysed = 0

    def analysed_one(self, latency_ms: float) -> None:
        """A picture was analysed so long after its time."""
        with self._lock:
            self._seen.append((self._clock(), latency_ms))
            self.analysed += 1
            self._forget()

    def fps(self) -> float:
        """Pictures analysed per second."""
        with self._lock:
            self._forget()
            return len(self._seen) / self._span()

    def dropped_fps(self, dropped: int) -> float:
        """Pictures dropped per second, where `dropped` is how many were so far."""
        with self._lock:
            self._dropped.append((self._clock(), dropped))
            self._forget()
            return (dropped - self._dropped[0][1]) / self._span()

    def latency_ms(self, share: float = 0.95) -> int | None:
        """The latency that so large a share of pictures stays under."""
        with self._lock:
            self._forget()
            ordered = sorted(latency for _, latency in self._seen)
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))]) if ordered else None

    def _span(self) -> float:
        return max(1.0, min(WINDOW_S, self._clock() - self._began))

    def _forget(self) -> None:
        since = self._clock() - WINDOW_S
        while self._seen and self._seen[0][0] < since:
            self._seen.popleft()
        while len(self._dropped) > 1 and self._dropped[0][0] < since:
            self._dropped.popleft()
