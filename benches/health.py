"""What judging a camera costs: health and view guard together.

``python -m benches.health`` prints for each situation the milliseconds a picture of 640 x 360, 5 a second:
median and mean of CPU time of one thread, the best of several runs.
"""

import argparse
import time
from collections.abc import Callable
from statistics import mean, median

import cv2
import numpy as np
from beffroi.config.health import Health
from beffroi.views.health import watching
from beffroi.views.look import Eye

SIZE = (640, 360)
FPS = 5
Picture = np.ndarray
Situation = Callable[[Picture, float], Picture]


def street() -> Picture:
    """A drawn place, a third larger than the picture."""
    random = np.random.default_rng(1)
    width, height = SIZE[0] * 4 // 3, SIZE[1] * 4 // 3
    coarse = random.normal(115, 40, (height // 10, width // 10, 3)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def cut(place: Picture, x: float, y: float) -> Picture:
    """The part of the place that is seen when the camera looks at (x, y), in pixels."""
    view = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
    return np.asarray(cv2.warpAffine(place, view, SIZE, flags=cv2.INTER_LINEAR), np.float32)


def traffic(place: Picture, at: float) -> Picture:
    """A fixed camera; six lorries."""
    seen = cut(place, 60, 40)
    for lorry in range(6):
        left = int(at * (60 + 15 * lorry) + 110 * lorry) % (SIZE[0] - 90)
        seen[40 + 50 * lorry : 85 + 50 * lorry, left : left + 90] = (40 * lorry, 120, 200 - 30 * lorry)
    return seen


SITUATIONS: dict[str, Situation] = {
    "a fixed camera, traffic": traffic,
    "a shaking mast": lambda place, at: cut(place, 60 + 12 * np.sin(7 * at), 40 + 6 * np.cos(5 * at)),
    "a view that has moved": lambda place, at: cut(place, 60 if at < 20 else 130, 40),
}


def costs_ms(situation: Situation, seconds: float) -> list[float]:
    """What each picture costs, from the first on."""
    random = np.random.default_rng(2)
    noise = [random.normal(0, 3, (*SIZE[::-1], 3)).astype(np.float32) for _ in range(5)]
    place, health = street(), watching(Health(), "bench/view", Eye(SIZE))
    costs = []
    for index in range(round(seconds * FPS)):
        seen = situation(place, index / FPS) + noise[index % 5]
        picture = np.clip(seen, 0, 255).astype(np.uint8)
        begin = time.thread_time_ns()
        health.judge(round(index * 1000 / FPS), picture)
        costs.append((time.thread_time_ns() - begin) / 1e6)
    return costs


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print(f"{'health and view guard':30}{'median ms':>12}{'mean ms':>12}")
    for name, situation in SITUATIONS.items():
        runs = [costs_ms(situation, 40) for _ in range(options.runs)]
        print(f"{name:30}{min(map(median, runs)):>12.2f}{min(map(mean, runs)):>12.2f}")


if __name__ == "__main__":
    main()
