"""A mailbox holds the latest picture, counts what it replaced, and never two."""

from __future__ import annotations

import threading

import numpy as np
from beffroi.frame import Frame
from beffroi.runtime.mailbox import Mailbox
from hypothesis import given
from hypothesis import strategies as st

IMAGE = np.zeros((2, 2, 3), np.uint8)


@given(st.lists(st.sampled_from(["put", "take", "wait"]), max_size=60))
def test_the_latest_wins_and_every_picture_is_accounted_for(steps: list[str]) -> None:
    now, told = 0.0, 0

    def news() -> None:
        nonlocal told
        told += 1

    box = Mailbox(news, lambda: now)
    put = taken = 0
    waiting: int | None = None
    since = 0.0
    for step in steps:
        if step == "wait":
            now += 1
        elif step == "put":
            put += 1
            since = now if waiting is None else since
            waiting = put
            box.put(Frame(put, IMAGE))
        else:
            frame = box.take()
            assert (None if frame is None else frame.at_ms) == waiting
            taken += frame is not None
            waiting = None
        assert box.since == (None if waiting is None else since)
        assert put == taken + box.dropped + (waiting is not None)
    assert told == put


def test_times_only_grow_while_one_puts_and_others_take() -> None:
    number, last = 3000, [0, 0, 0]
    box, over, seen = Mailbox(lambda: None), threading.Event(), [[] for _ in last]

    def take(which: int) -> None:
        while not over.is_set() or box.since is not None:
            frame = box.take()
            if frame is not None:
                seen[which].append(frame.at_ms)

    takers = [threading.Thread(target=take, args=(which,)) for which in range(len(last))]
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
