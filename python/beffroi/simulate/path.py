"""Where an agent is when: a path through time, and the journey that lays one out leg by leg.

A path is a function of media time alone. Frame rate, noise and lost frames never change what happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, hypot, pi, sqrt

import numpy as np
from numpy.typing import NDArray

Place = tuple[float, float]
STEP_S = 0.1  # spacing of the samples of a path; positions between them are linear


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Positions on the ground over time; nowhere before the first sample and after the last.

    Attributes
    ----------
    t
        Seconds, shape (k,), increasing.
    xy
        Metres, shape (k, 2).
    heading
        Radians from +x towards +y, continuous (not wrapped), shape (k,): where the agent looks, which is
        against its movement when it reverses.
    """

    t: NDArray[np.float64]
    xy: NDArray[np.float64]
    heading: NDArray[np.float64]

    @property
    def begins(self) -> float:
        return float(self.t[0])

    @property
    def ends(self) -> float:
        return float(self.t[-1])

    def at(self, t: float) -> tuple[float, float, float] | None:
        """x, y and heading at `t` seconds, None when the agent is not there."""
        if not self.begins <= t <= self.ends:
            return None
        x, y = self.positions(np.array([t]))[0]
        return float(x), float(y), float(np.interp(t, self.t, self.heading))

    def positions(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Metres at the times `t`, shape (n, 2); NaN where the agent is not there."""
        return np.stack([np.interp(t, self.t, self.xy[:, i], np.nan, np.nan) for i in (0, 1)], axis=-1)


class Journey:
    """Lays out a path leg by leg: ``Journey(2.0, (0, 9)).walk([(5, 9)], 1.4).stand(10).path()``.

    Parameters
    ----------
    at
        Seconds when the agent appears.
    place
        Where, in metres.
    speed
        Speed at which it appears, m/s: a car that comes from outside the picture is already rolling.
    """

    def __init__(self, at: float, place: Place, speed: float = 0.0) -> None:
        self._t = [at]
        self._xy = [place]
        self._heading: list[float | None] = [None]
        self._speed = speed

    @property
    def now(self) -> float:
        """Seconds at the end of what is laid out so far."""
        return self._t[-1]

    @property
    def place(self) -> Place:
        """Metres at the end of what is laid out so far."""
        return self._xy[-1]

    def walk(self, places: Sequence[Place], speed: float) -> Journey:
        """Straight from place to place at one speed: people turn on the spot."""
        for place in places:
            x, y = self.place
            heading = atan2(place[1] - y, place[0] - x)
            start, length = self.now, hypot(place[0] - x, place[1] - y)
            steps = max(1, round(length / speed / STEP_S))
            for i in range(1, steps + 1):
                share = i / steps
                point = (x + share * (place[0] - x), y + share * (place[1] - y))
                self._add(start + share * length / speed, point, heading)
        self._speed = 0.0
        return self

    def stand(
        self, seconds: float, rng: np.random.Generator | None = None, facing: float | None = None
    ) -> Journey:
        """Stay for `seconds`; with `rng`, shift from foot to foot every second or two."""
        heading = facing if facing is not None else self._heading[-1]
        x, y = self.place
        end = self.now + seconds
        while rng is not None and self.now + 2.4 < end:
            dx, dy = rng.uniform(-0.08, 0.08, 2)
            self._add(self.now + float(rng.uniform(0.8, 2.2)), (x + float(dx), y + float(dy)), heading)
        self._add(end, (x, y), heading)
        self._speed = 0.0
        return self

    def drive(
        self,
        places: Sequence[Place],
        cruise: float,
        *,
        arrive: float | None = None,
        accelerate: float = 1.8,
        brake: float = 2.2,
        reverse: bool = False,
    ) -> Journey:
        """Along a smooth curve through `places`, from the present speed to `cruise` and on to `arrive` (m/s).

        `arrive` is `cruise` if left out; accelerations are in m/s². A vehicle whose way is too short to brake
        to `arrive` brakes harder. With `reverse` it looks against its movement.
        """
        curve = _smooth([self.place, *places])
        lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
        end = cruise if arrive is None else min(arrive, cruise)
        times, way = _drive(float(lengths[-1]), (self._speed, cruise, end), accelerate, brake)
        points = np.stack([np.interp(way, lengths, curve[:, i]) for i in (0, 1)], axis=-1)
        ahead = np.stack([np.interp(way + 0.3, lengths, curve[:, i]) for i in (0, 1)], axis=-1)
        behind = np.stack([np.interp(way - 0.3, lengths, curve[:, i]) for i in (0, 1)], axis=-1)
        dx, dy = (ahead - behind).T
        heading = np.arctan2(dy, dx) + (pi if reverse else 0.0)
        start = self.now
        for t, point, h in zip(times[1:], points[1:], heading[1:], strict=True):
            self._add(start + float(t), (float(point[0]), float(point[1])), float(h))
        self._speed = end
        return self

    def path(self) -> Path:
        """What has been laid out.

        Raises
        ------
        ValueError
            If the journey has no leg.
        """
        if len(self._t) < 2:
            raise ValueError("a journey without a leg is no path")
        first = next((h for h in self._heading if h is not None), 0.0)
        heading = [first if h is None else h for h in self._heading]
        return Path(np.array(self._t), np.array(self._xy, np.float64), np.unwrap(np.array(heading)))

    def _add(self, t: float, place: Place, heading: float | None) -> None:
        if t > self.now:
            self._t.append(t)
            self._xy.append(place)
            self._heading.append(heading)


def _smooth(places: Sequence[Place]) -> NDArray[np.float64]:
    """A Catmull-Rom curve through the places (centripetal: no loops), a point every quarter of a metre."""
    points = np.array(places, np.float64)
    if len(points) == 2:
        return points
    padded = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    pieces = [points[:1]]
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        knots = np.cumsum(
            [0.0, *(max(sqrt(hypot(*(b - a))), 1e-6) for a, b in ((p0, p1), (p1, p2), (p2, p3)))]
        )
        k0, k1, k2, k3 = knots
        n = max(2, int(hypot(*(p2 - p1)) / 0.25))
        k = np.linspace(k1, k2, n + 1)[1:, None]
        a1 = (k1 - k) / (k1 - k0) * p0 + (k - k0) / (k1 - k0) * p1
        a2 = (k2 - k) / (k2 - k1) * p1 + (k - k1) / (k2 - k1) * p2
        a3 = (k3 - k) / (k3 - k2) * p2 + (k - k2) / (k3 - k2) * p3
        b1 = (k2 - k) / (k2 - k0) * a1 + (k - k0) / (k2 - k0) * a2
        b2 = (k3 - k) / (k3 - k1) * a2 + (k - k1) / (k3 - k1) * a3
        pieces.append((k2 - k) / (k2 - k1) * b1 + (k - k1) / (k2 - k1) * b2)
    return np.concatenate(pieces)


def _drive(
    length: float, speeds: tuple[float, float, float], accelerate: float, brake: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times and distances driven, about every `STEP_S`; `speeds` are those of the start, the way, the end."""
    start, cruise, end = speeds
    way = np.linspace(0.0, length, max(2, int(length / 0.05)) + 1)
    # The fastest that the start allows where it is, and the fastest from which the end can be kept.
    if start <= cruise:
        ahead = np.minimum(cruise, np.sqrt(start**2 + 2 * accelerate * way))
    else:
        ahead = np.sqrt(np.maximum(cruise**2, start**2 - 2 * brake * way))
    speed = np.minimum(ahead, np.sqrt(end**2 + 2 * brake * (length - way)))
    # Exact where the acceleration is constant between two points, also from and to a standstill.
    steps = 2 * np.diff(way) / np.maximum(speed[1:] + speed[:-1], 1e-3)
    times = np.concatenate([[0.0], np.cumsum(steps)])
    even = np.linspace(0.0, times[-1], max(1, round(float(times[-1]) / STEP_S)) + 1)
    return even, np.interp(even, times, way)
