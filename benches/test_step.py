"""The seam under pytest-benchmark: `Engine.step` and `Engine.replay` with arrays, and beside a busy thread.

``pytest benches/test_step.py``; see also ``cargo bench`` for the core without Python.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from beffroi import Engine
from beffroi.crowd import crowd, unwatched, watched

SCENES = {"tracker": unwatched, "rules": watched}


@pytest.mark.parametrize("objects", [10, 50, 100])
@pytest.mark.parametrize("scene", SCENES)
def test_step(benchmark: Any, scene: str, objects: int) -> None:
    """300 pictures, one after another; divide by 300 for one step."""
    pictures = crowd(objects, 300, seed=objects).pictures()
    text = json.dumps(SCENES[scene]())

    def run(engine: Engine) -> None:
        for picture in pictures:
            engine.step(*picture)

    benchmark.pedantic(run, setup=lambda: ((Engine(text),), {}), rounds=10, warmup_rounds=1)
    benchmark.extra_info["pictures"] = len(pictures)


@pytest.mark.parametrize("objects", [10, 50, 100])
def test_replay(benchmark: Any, objects: int) -> None:
    """The same 300 pictures as one recording."""
    recording = crowd(objects, 300, seed=objects)
    text = json.dumps(watched())
    benchmark.pedantic(
        lambda engine: engine.replay(*recording),
        setup=lambda: ((Engine(text),), {}),
        rounds=10,
        warmup_rounds=1,
    )
    benchmark.extra_info["pictures"] = len(recording.at_ms)


def test_step_beside_a_busy_thread(benchmark: Any) -> None:
    """A step keeps the GIL: hardly any of its calls is late because another thread computes.

    Released around calls of tens of microseconds, the GIL would come back a millisecond or more late in 4 to
    62 % of them. What is late here are the calls before which the interpreter itself changed threads.
    """
    pictures = crowd(50, 2000, seed=50).pictures()
    engine = Engine(json.dumps(watched()))
    late = 0

    def run() -> None:
        nonlocal late
        for picture in pictures:
            begin = time.perf_counter_ns()
            engine.step(*picture)
            late += time.perf_counter_ns() - begin > 1_000_000

    with busy():
        benchmark.pedantic(run, rounds=1)
    share = late / len(pictures)
    benchmark.extra_info["late_share"] = share
    assert share < 0.03


@contextmanager
def busy() -> Iterator[None]:
    """A thread that computes in Python and never waits."""
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            sum(range(100))

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
