"""A mailbox holds the latest picture, or what the network delivers at once, and accounts for each of them."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from beffroi.frame import Frame
from beffroi.runtime import mailbox
from beffroi.runtime.mailbox import SUDDEN, Mailbox
from hypothesis import given
from hypothesis import strategies as st

IMAGE = np.zeros((2, 2, 3), np.uint8)
STEP_MS = 200
LEAST_MS = round(SUDDEN * STEP_MS)
GAPS_MS = st.integers(0, 3 * STEP_MS).filter(lambda gap: gap != LEAST_MS)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def taken(box: Mailbox) -> list[int]:
    return [frame.at_ms for frame in iter(box.take, None)]


@given(st.lists(st.one_of(st.just("take"), GAPS_MS), max_size=60))
def test_the_latest_wins_unless_it_was_held_back(steps: list[str | int]) -> None:
    """Each number is a picture, so many milliseconds of arrival after the one before it."""
    clock, told = Clock(), []
    box = Mailbox(lambda: told.append(clock.now_s), clock)
    waiting: list[int] = []
    at_ms = gone = 0
    since_s = 0.0
    for step in steps:
        if isinstance(step, str):
            frame = box.take()
            assert (None if frame is None else frame.at_ms) == (waiting.pop(0) if waiting else None)
            gone += frame is not None
        else:
            clock.now_s += step / 1000
            at_ms += STEP_MS
            since_s = since_s if waiting else clock.now_s
            # The first picture of all was held back by nobody.
            kept = waiting if at_ms > STEP_MS and step < LEAST_MS else []
            waiting = [*kept, at_ms]
            box.put(Frame(at_ms, IMAGE))
        assert box.since == (since_s if waiting else None)
        assert at_ms // STEP_MS == gone + box.dropped + len(waiting)
    assert len(told) == at_ms // STEP_MS


@pytest.mark.parametrize("fps", [2, 5, 25])
def test_a_slow_machine_sees_the_latest_and_no_latency_grows(fps: int) -> None:
    """Pictures arrive as they were taken, give or take some unrest of the network, and nobody takes them."""
    clock = Clock()
    box, unrest = Mailbox(lambda: None, clock), np.random.default_rng(fps)
    for number in range(200):
        clock.now_s = (number + 0.2 * unrest.random()) / fps
        box.put(Frame(round(1000 * number / fps), IMAGE))
    assert taken(box) == [round(1000 * 199 / fps)]
    assert box.dropped == 199


def test_what_was_held_back_for_two_seconds_is_all_seen() -> None:
    clock = Clock()
    box = Mailbox(lambda: None, clock)
    for burst in range(3):
        clock.now_s = 2.0 * burst
        for number in range(10):
            clock.now_s += 0.001
            box.put(Frame(2000 * burst + STEP_MS * number, IMAGE))
        assert taken(box) == [2000 * burst + STEP_MS * number for number in range(10)]
    assert box.dropped == 0


def test_the_next_burst_replaces_what_nobody_had_time_for() -> None:
    clock = Clock()
    box = Mailbox(lambda: None, clock)
    for number in range(10):
        box.put(Frame(STEP_MS * number, IMAGE))
    box.take()
    clock.now_s = 2.0
    box.put(Frame(STEP_MS * 10, IMAGE))
    assert taken(box) == [STEP_MS * 10]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MOST_BYTES", 5 * IMAGE.nbytes)
    box = Mailbox(lambda: None, Clock())
    for number in range(100):
        box.put(Frame(STEP_MS * number, IMAGE))
    assert taken(box) == [STEP_MS * number for number in range(95, 100)]
    assert box.dropped == 95


def test_a_picture_larger_than_that_is_taken_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MOST_BYTES", 1)
    box = Mailbox(lambda: None, Clock())
    box.put(Frame(0, IMAGE))
    box.put(Frame(STEP_MS, IMAGE))
    assert taken(box) == [STEP_MS]


def test_times_only_grow_while_one_puts_and_others_take() -> None:
    number, seen = 3000, [[], [], []]
    box, over = Mailbox(lambda: None), threading.Event()

    def take(mine: list[int]) -> None:
        while not over.is_set() or box.since is not None:
            frame = box.take()
            if frame is not None:
                mine.append(frame.at_ms)

    takers = [threading.Thread(target=take, args=(mine,)) for mine in seen]
    for taker in takers:
        taker.start()
    for at_ms in range(1, number + 1):
        box.put(Frame(at_ms, IMAGE))
    over.set()
    for taker in takers:
        taker.join()
    together = sorted(at_ms for one in seen for at_ms in one)
    assert all(one == sorted(one) for one in seen)
    assert len(set(together)) == len(together) == number - box.dropped
    assert together[-1] == number
