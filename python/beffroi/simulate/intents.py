"""What agents do: one function each, from a moment and a few places to a path."""

from __future__ import annotations

from collections.abc import Sequence
from math import atan2, pi

import numpy as np

from beffroi.simulate.layout import AWAY, FAR_LANE, NEAR_LANE, Place
from beffroi.simulate.path import Journey, Path

Rng = np.random.Generator


def pace(rng: Rng) -> float:
    """A walker's speed, m/s."""
    return float(np.clip(rng.normal(1.35, 0.12), 1.05, 1.7))


# On foot.


def walk(rng: Rng, at: float, places: Sequence[Place], speed: float | None = None) -> Path:
    """Walk from the first place to the last."""
    return Journey(at, places[0]).walk(places[1:], speed or pace(rng)).path()


def run(rng: Rng, at: float, places: Sequence[Place]) -> Path:
    """Run from the first place to the last."""
    return Journey(at, places[0]).walk(places[1:], float(rng.uniform(4.2, 5.5))).path()


def stay(
    rng: Rng,
    at: float,
    *,
    come: Sequence[Place],
    spots: Sequence[Place],
    seconds: float,
    go: Sequence[Place],
) -> Path:
    """Come, spend `seconds` in all at the spots (the way between them included), go."""
    journey = Journey(at, come[0]).walk([*come[1:], spots[0]], pace(rng))
    begin = journey.now
    share = seconds / len(spots)
    for i, spot in enumerate(spots):
        if i:
            journey.walk([spot], 0.9)
        journey.stand(max(0.5, begin + (i + 1) * share - journey.now), rng)
    return journey.walk(go, pace(rng)).path()


def gather(
    rng: Rng,
    at: float,
    *,
    centre: Place,
    people: int,
    together: tuple[float, float],
    doors: Sequence[Place],
) -> list[Path]:
    """Some people meet around `centre`, all there from about ``together[0]`` to ``together[1]`` seconds.

    They come from `doors` in turn, and go back there. `at` is when the first may appear.
    """
    paths = []
    for i in range(people):
        angle = 2 * pi * (i + float(rng.uniform(-0.15, 0.15))) / people
        radius = float(rng.uniform(0.75, 0.95))
        spot = (centre[0] + radius * float(np.cos(angle)), centre[1] + radius * float(np.sin(angle)))
        door = doors[i % len(doors)]
        speed = pace(rng)
        way = float(np.hypot(spot[0] - door[0], spot[1] - door[1])) / speed
        arrive = together[0] - float(rng.uniform(0.0, 2.5))
        journey = Journey(max(at, arrive - way), door).walk([spot], speed)
        facing = atan2(centre[1] - spot[1], centre[0] - spot[0])
        journey.stand(together[1] + float(rng.uniform(0, 1.5)) - journey.now, rng, facing)
        paths.append(journey.walk([doors[(i + 1) % len(doors)]], pace(rng)).path())
    return paths


def file_past(rng: Rng, at: float, places: Sequence[Place], people: int, spacing: float = 1.1) -> list[Path]:
    """A queue of people walks past, one behind the other: close together, and not a gathering."""
    speed = pace(rng)
    paths = []
    for i in range(people):
        aside = float(rng.uniform(-0.15, 0.15))
        shifted = [(x, y + aside) for x, y in places]
        paths.append(Journey(at + i * spacing / speed, shifted[0]).walk(shifted[1:], speed).path())
    return paths


def dither(
    rng: Rng, at: float, *, come: Sequence[Place], step: Place, times: int, go: Sequence[Place]
) -> Path:
    """Come to the last of `come`, sway by `step` to and fro `times` times, go."""
    x, y = come[-1]
    journey = Journey(at, come[0]).walk(come[1:], pace(rng))
    for _ in range(times):
        share = float(rng.uniform(0.8, 1.0))
        journey.walk([(x + share * step[0], y + share * step[1])], 0.5).stand(float(rng.uniform(0.4, 1.2)))
        journey.walk([(x, y)], 0.5).stand(float(rng.uniform(0.4, 1.2)))
    return journey.walk(go, pace(rng)).path()


# On wheels.


def ride(rng: Rng, at: float, places: Sequence[Place]) -> Path:
    """Cycle through the places."""
    speed = float(rng.uniform(3.6, 4.8))
    return Journey(at, places[0], speed).drive(places[1:], speed).path()


def drive_through(at: float, *, east: bool, speed: float = 9.0) -> Path:
    """Along the lane that leads east (or west), out of sight to out of sight."""
    start, end, lane = (-AWAY, AWAY, NEAR_LANE) if east else (AWAY, -AWAY, FAR_LANE)
    return Journey(at, (start, lane), speed).drive([(end, lane)], speed).path()


def drive_wrong_way(at: float, speed: float = 7.0) -> Path:
    """East in the lane that leads west."""
    return Journey(at, (-AWAY, FAR_LANE), speed).drive([(AWAY, FAR_LANE)], speed).path()


def stop(
    at: float, *, east: bool, x: float, seconds: float, y: float | None = None, speed: float = 8.5
) -> Path:
    """Drive along a lane to `x`, stand there for `seconds` (pulled over to `y` if given), drive on."""
    start, end, lane = (-AWAY, AWAY, NEAR_LANE) if east else (AWAY, -AWAY, FAR_LANE)
    journey = Journey(at, (start, lane), speed)
    ahead = 1.0 if east else -1.0
    if y is None:
        journey.drive([(x, lane)], speed, arrive=0.0).stand(seconds)
        return journey.drive([(end, lane)], speed).path()
    pull = [(x - ahead * 9.0, lane), (x - ahead * 4.5, (lane + y) / 2), (x - ahead * 1.2, y), (x, y)]
    journey.drive(pull, speed, arrive=0.0).stand(seconds)
    leave = [(x + ahead * 1.5, y), (x + ahead * 5.5, (lane + y) / 2), (x + ahead * 10.0, lane), (end, lane)]
    return journey.drive(leave, speed).path()


def wait_at_light(at: float, x: float, green: float, rank: int, speed: float = 8.0) -> Path:
    """Stop at `x` in the near lane until `green`; the `rank`-th in the queue starts that much later."""
    journey = Journey(at, (-AWAY, NEAR_LANE), speed).drive([(x, NEAR_LANE)], speed, arrive=0.0)
    journey.stand(max(1.0, green + 1.0 + 1.3 * rank - journey.now))
    return journey.drive([(AWAY, NEAR_LANE)], speed).path()


def reverse_into_bay(at: float, bay: float, seconds: float) -> Path:
    """West past the bay, back into it, and stay: a few metres against the traffic."""
    journey = Journey(at, (AWAY, FAR_LANE), 7.0)
    journey.drive([(bay - 3.6, FAR_LANE - 0.3)], 7.0, arrive=0.0, brake=2.5).stand(1.5)
    way = [
        (bay - 1.4, FAR_LANE + 0.2),
        (bay - 0.3, FAR_LANE + 1.7),
        (bay, FAR_LANE + 3.6),
        (bay, FAR_LANE + 4.3),
    ]
    return journey.drive(way, 1.6, arrive=0.0, accelerate=0.8, brake=0.8, reverse=True).stand(seconds).path()


def leave_bay(at: float, bay: float, seconds: float) -> Path:
    """Stand in the bay for `seconds`, then drive off to the west."""
    journey = Journey(at, (bay, FAR_LANE + 4.3)).stand(seconds, facing=-pi / 2)
    way = [(bay, FAR_LANE + 3.0), (bay - 0.7, FAR_LANE + 1.2), (bay - 3.0, FAR_LANE), (-AWAY, FAR_LANE)]
    return journey.drive(way, 7.0).path()
