"""Runs one peer in its own interpreter, pinned to one core, and prints its CPU time per picture as JSON.

Called by the runner: ``python -m benches.peers.measure MODULE SCENES.npz WATCHED.json LIMIT OBJECTS...``.
Needs numpy and what the peer needs, nothing of beffroi.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

WARM_UP = 50
# However slow a peer is, one picture alone says nothing.
FEWEST = 10
RATE = 10
SIZE = (1920, 1080)


def pictures(scenes: Any, objects: str) -> list[tuple[Any, ...]]:
    """The pictures of one scene, as (at_ms, xyxy relative, score, class_id)."""
    columns = [scenes[f"{objects}/{name}"] for name in ("xyxy", "score", "class_id")]
    return [
        (int(at), *(column[a:b].copy() for column in columns))
        for at, (a, b) in zip(scenes[f"{objects}/at_ms"], pairwise(scenes[f"{objects}/offsets"]), strict=True)
    ]


def cost_us(prepared: list[tuple[Any, ...]], step: Callable[..., Any], limit_s: float) -> list[float]:
    """Process CPU time per picture in microseconds once warmed up, and of how many pictures.

    After the limit no more pictures are taken, and half of it is as long as warming up may take.
    """
    taken = 0

    def go(until: int, seconds: float) -> int:
        nonlocal taken
        begin = time.process_time_ns()
        first = taken
        while taken < until:
            step(*prepared[taken])
            taken += 1
            if time.process_time_ns() - begin > seconds * 1e9 and taken - first >= FEWEST:
                break
        return time.process_time_ns() - begin

    go(min(WARM_UP, len(prepared) - FEWEST), limit_s / 2)
    before = taken
    spent = go(len(prepared), limit_s)
    return [spent / 1000 / (taken - before), taken - before]


def main() -> None:
    """Measure and print."""
    module, scenes_path, watched_path, limit, *sizes = sys.argv[1:]
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    peer = importlib.import_module(f"benches.peers.{module}")
    scenes = np.load(scenes_path)
    watched = json.loads(Path(watched_path).read_text(encoding="utf-8"))
    watches = getattr(peer, "Watch", None)
    result: dict[str, Any] = {
        "versions": {name: version(name) for name in peer.PACKAGES},
        "tracker": {title: {} for title in peer.TRACKERS},
        "rules": {},
        "totals": {},
    }
    scale = np.tile(SIZE, 2).astype(np.float32)
    for objects in sizes:
        scene = pictures(scenes, objects)
        for title, make in peer.TRACKERS.items():
            tracker = make(RATE, SIZE)
            prepared = [tracker.prepare(xyxy * scale, score, kind) for _, xyxy, score, kind in scene]
            result["tracker"][title][objects] = cost_us(prepared, tracker.update, float(limit))
        if watches is not None:
            watch = watches(watched)
            prepared = [watch.prepare(*picture) for picture in scene]
            result["rules"][objects] = cost_us(prepared, watch.step, float(limit))
            result["totals"][objects] = watch.totals()
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
