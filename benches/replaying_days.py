"""Days of boxes of a street for measuring replay: who comes, how long, and what a detector makes of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from beffroi.frame import Detections
from beffroi.recording import Header, RecordingWriter
from numpy.typing import NDArray

FPS = 5
STEP_MS = 1000 // FPS
DAY_S = 86_400
SIZE = (1920, 1080)
LABELS = ("person", "bicycle", "car")
# Seconds in the picture: most pass, some stay. A sixth of them are cars, which are quicker unless they stop.
PASSING_S, STAYING_S = (8.0, 40.0), (60.0, 900.0)
STAYING, CARS = 0.04, 0.17
MEAN_BOXES = 5.0
MISSES, NOISE, GHOSTS = 0.05, 0.03, 0.05

Boxes = tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32], NDArray[np.uint16]]


def traffic(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much goes on at a second of the day, 1 on average: hardly anything at four, most at eighteen."""
    hour = seconds / 3600
    shape = 0.15 + np.exp(-((hour - 8.5) ** 2) / 4) + 1.4 * np.exp(-((hour - 18) ** 2) / 12)
    every = np.arange(0, 24, 0.1)
    mean = np.mean(0.15 + np.exp(-((every - 8.5) ** 2) / 4) + 1.4 * np.exp(-((every - 18) ** 2) / 12))
    return np.asarray(shape / mean)


def stretches(seed: int, hours: float, *, each_s: int = 900) -> Iterator[Boxes]:
    """A camera's boxes by quarters of an hour: picture of the stretch, xyxy, score, class; pictures in order.

    Who is there at the end of a stretch goes on in the next one.
    """
    rng = np.random.default_rng(seed)
    mean_s = (1 - STAYING) * np.mean(PASSING_S) + STAYING * np.mean(STAYING_S)
    share = (1 - MISSES) * (1 + GHOSTS)
    arrivals = MEAN_BOXES / share / mean_s
    visits = np.empty((0, 7))
    frames = each_s * FPS
    for begin in range(0, int(hours * 3600), each_s):
        n = rng.poisson(arrivals * traffic(np.array([begin + each_s / 2]))[0] * each_s)
        visits = np.concatenate([visits, _visits(rng, n, begin, each_s)])
        times = begin + np.arange(frames) / FPS
        yield _seen(rng, visits, times)
        visits = visits[visits[:, 1] > times[-1]]


def _visits(rng: np.random.Generator, n: int, begin: float, each_s: float) -> NDArray[np.float64]:
    """From, until, x and y at each end, whether it is a car."""
    car, stays = rng.random(n) < CARS, rng.random(n) < STAYING
    lasts = np.where(stays, rng.uniform(*STAYING_S, n), rng.uniform(*PASSING_S, n) / np.where(car, 2, 1))
    since = begin + rng.uniform(0, each_s, n)
    y = rng.uniform(0.35, 0.95, n)
    east = rng.random(n) < 0.5
    x, until_x = np.where(east, 1.02, -0.02), np.where(east, -0.02, 1.02)
    # Who stays walks to a place in the picture and stands there: the way is short against the time.
    until_x = np.where(stays, x + (until_x - x) * rng.uniform(0.2, 0.8, n), until_x)
    until_y = np.clip(y + rng.normal(0, 0.05, n), 0.35, 0.95)
    return np.column_stack([since, since + lasts, x, y, until_x, until_y, car])


def _seen(rng: np.random.Generator, visits: NDArray[np.float64], times: NDArray[np.float64]) -> Boxes:
    rows: list[tuple[NDArray[Any], ...]] = []
    for since, until, x, y, until_x, until_y, car in visits:
        first, last = np.searchsorted(times, [since, until])
        at = np.arange(first, last)
        # A way takes forty seconds at most: what is left of the time one stands.
        share = np.clip((times[at] - since) / min(until - since, PASSING_S[1]), 0, 1)
        foot_x, foot_y = x + (until_x - x) * share, y + (until_y - y) * share
        height = 0.22 * foot_y
        width = height * (1.1 if car else 0.25)
        boxes = np.column_stack([foot_x - width / 2, foot_y - height, foot_x + width / 2, foot_y])
        spread = np.column_stack([width, height, width, height])
        boxes += rng.normal(0, NOISE, boxes.shape) * spread
        score = np.clip(rng.normal(0.8, 0.08, len(at)), 0.3, 1)
        seen = rng.random(len(at)) >= MISSES
        rows.append((at[seen], boxes[seen], score[seen], np.full(seen.sum(), 2 if car else 0)))
    ghosts = rng.poisson(GHOSTS * sum(len(at) for at, *_ in rows))
    tall = rng.uniform(0.05, 0.2, ghosts)
    left, top = rng.uniform(0, 0.9, ghosts), rng.uniform(0.2, 0.75, ghosts)
    ghost = np.column_stack([left, top, left + 0.3 * tall, top + tall])
    at = rng.integers(0, len(times), ghosts)
    rows.append((at, ghost, rng.uniform(0.2, 0.6, ghosts), rng.choice([0, 2], ghosts)))
    at, boxes, score, kind = (np.concatenate(column) for column in zip(*rows, strict=True))
    order = np.lexsort((-score, at))
    return (
        at[order].astype(np.int64),
        boxes[order].astype(np.float32),
        score[order].astype(np.float32),
        kind[order].astype(np.uint16),
    )


def record(path: Path, camera: str, seed: int, hours: float) -> tuple[int, int]:
    """Write a camera's day as `beffroi run --record` does, picture by picture; returns pictures and boxes."""
    header = Header(labels=LABELS, camera=camera, view="day", width=SIZE[0], height=SIZE[1], fps=FPS)
    pictures = boxes = 0
    with RecordingWriter(path, header) as writer:
        for at, xyxy, score, class_id in stretches(seed, hours):
            frames = 900 * FPS
            ends = np.searchsorted(at, np.arange(frames + 1)).tolist()
            for i in range(frames):
                a, b = ends[i], ends[i + 1]
                writer.write(pictures * STEP_MS, Detections(xyxy[a:b], score[a:b], class_id[a:b]))
                pictures += 1
            boxes += len(at)
    return pictures, boxes
