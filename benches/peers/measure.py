"""Runs one peer in its own interpreter, pinned to one core, and prints its CPU time per picture as JSON.

Called by the runner: ``python -m benches.peers.measure MODULE SCENES.npz WATCHED.json OBJECTS...``.
Needs numpy and what the peer needs, nothing of beffroi.
"""

import importlib
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

WARM_UP = 50


def pictures(scenes: Any, objects: str) -> list[tuple[Any, ...]]:
    """The pictures of one scene, as (at_ms, xyxy relative, score, class_id)."""
    offsets = scenes[f"{objects}/offsets"]
    at_ms, *columns = (scenes[f"{objects}/{name}"] for name in ("at_ms", "xyxy", "score", "class_id"))
    return [
        (int(at), *(column[a:b].copy() for column in columns))
        for at, a, b in zip(at_ms, offsets[:-1], offsets[1:], strict=True)
    ]


def cost_us(peer: Any, scene: list[tuple[Any, ...]]) -> float:
    """Process CPU time per picture in microseconds, arrays in and arrays out, once warmed up."""
    prepared = [peer.prepare(*picture) for picture in scene]
    for arguments in prepared[:WARM_UP]:
        peer.step(*arguments)
    begin = time.process_time_ns()
    for arguments in prepared[WARM_UP:]:
        peer.step(*arguments)
    return (time.process_time_ns() - begin) / 1000 / (len(prepared) - WARM_UP)


def main() -> None:
    """Measure and print."""
    module, scenes_path, watched_path, *sizes = sys.argv[1:]
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    peer = importlib.import_module(f"benches.peers.{module}")
    scenes = np.load(scenes_path)
    watched = json.loads(Path(watched_path).read_text(encoding="utf-8"))
    result: dict[str, Any] = {
        "versions": {name: version(name) for name in peer.PACKAGES},
        "tracker": {},
        "rules": {},
        "totals": {},
    }
    for objects in sizes:
        scene = pictures(scenes, objects)
        result["tracker"][objects] = cost_us(peer.Peer(watched, rules=False), scene)
        with_rules = peer.Peer(watched, rules=True)
        result["rules"][objects] = cost_us(with_rules, scene)
        result["totals"][objects] = with_rules.totals()
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
