"""Analysts are fair: the camera that was served longest ago comes first, whatever another one does."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from beffroi.frame import Detections, Frame
from beffroi.runtime.live.analysts import Analysts
from beffroi.runtime.mailbox import Mailbox
from parts import until

IMAGE = np.zeros((2, 2, 3), np.uint8)
SLOW_S = 0.004


class Lens:
    """What analysts see of a live camera; its pictures come faster than anybody can look."""

    def __init__(self, name: str, detector: Any, fault: str = "", batch: int = 1) -> None:
        self.name, self.detector, self.batch, self._fault = name, detector, batch, fault
        self.mailbox = Mailbox(lambda: None)
        self.turn, self.served_s = threading.Lock(), 0.0
        self.seen: list[int] = []
        self.failed: list[str] = []
        self.at_once = self.most_at_once = 0

    def look(self, frame: Frame) -> Any:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self._fault == "look":
            self.at_once -= 1
            raise ZeroDivisionError("look")
        return SimpleNamespace(camera=self, frame=frame, detector=self.detector)

    def see(self, work: Any, found: Detections, seconds: float, cpu_s: float) -> None:
        self.at_once -= 1
        if self._fault == "see":
            raise ZeroDivisionError("see")
        self.seen.append(work.frame.at_ms)

    def fail(self, error: Exception) -> None:
        self.at_once = 0
        self.failed.append(f"{type(error).__name__}: {error}")


class Slow:
    """Takes its time; raises for the cameras of `bad`."""

    def __init__(self, *, raises: bool = False) -> None:
        self._raises = raises

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        time.sleep(SLOW_S)
        if self._raises:
            raise ValueError("a defect")
        return [Detections.empty() for _ in frames]


def work(lenses: Sequence[Lens], seconds: float, number: int) -> None:
    """Let analysts work on pictures that never stop coming."""
    analysts, at_ms = Analysts(lambda: list(lenses), number), 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        at_ms += 1
        for lens in lenses:
            lens.mailbox.put(Frame(at_ms, IMAGE))
        analysts.nudge()
        time.sleep(0.001)
    assert analysts.stop(5)


@pytest.mark.parametrize("number", [1, 2, 4])
def test_ten_cameras_get_equal_shares_of_a_slow_detector(number: int) -> None:
    lenses = [Lens(f"camera {index}", Slow()) for index in range(10)]
    work(lenses, 1.0, number)
    shares = [len(lens.seen) for lens in lenses]
    assert min(shares) > 1
    # Nobody is ahead by more than the round that is going on; of several analysts a busy machine may keep one
    # waiting in the middle of a picture for some rounds of the others.
    assert max(shares) - min(shares) <= (2 if number == 1 else 2 + max(shares) // 4), shares
    for lens in lenses:
        assert lens.seen == sorted(set(lens.seen))
        assert lens.most_at_once == 1


@pytest.mark.parametrize("fault", ["look", "detect", "see"])
def test_a_camera_that_raises_costs_the_others_nothing_but_its_turn(fault: str) -> None:
    lenses = [Lens(f"camera {index}", Slow()) for index in range(5)]
    bad = Lens("bad", Slow(raises=fault == "detect"), fault)
    work([bad, *lenses], 0.8, 2)
    shares = [len(lens.seen) for lens in lenses]
    assert min(shares) > 1
    assert max(shares) - min(shares) <= 2 + max(shares) // 4, shares
    assert bad.seen == []
    assert len(bad.failed) > 1
    assert set(bad.failed) == {"ValueError: a defect" if fault == "detect" else f"ZeroDivisionError: {fault}"}
    assert all(lens.failed == [] for lens in lenses)


def test_a_camera_that_cannot_even_fail_does_not_end_an_analyst(caplog: pytest.LogCaptureFixture) -> None:
    good, bad = Lens("good", Slow()), Lens("bad", Slow(), "see")
    bad.fail = lambda error: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    work([bad, good], 0.4, 1)
    assert len(good.seen) > 1
    assert bad.turn.acquire(blocking=False)
    assert "an analyst failed; it goes on" in caplog.text


def test_a_camera_that_is_held_is_passed_over_and_served_afterwards() -> None:
    held, free = Lens("held", Slow()), Lens("free", Slow())
    analysts = Analysts(lambda: [held, free], 1)
    with held.turn:
        held.mailbox.put(Frame(1, IMAGE))
        free.mailbox.put(Frame(1, IMAGE))
        analysts.nudge()
        assert until(lambda: free.seen == [1])
        assert held.seen == []
    assert until(lambda: held.seen == [1], 2)
    assert analysts.stop(5)


class Batches:
    """A detector that looks at several cameras in one go, and breaks if `bad` is among them."""

    batch = 4
    sizes: list[int]

    def __init__(self, *, bad: bool = False) -> None:
        self.bad = bad

    def runs_with(self, other: Any) -> bool:
        return isinstance(other, Batches)

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        if self.bad:
            raise ValueError("a defect")
        return [Detections.empty() for _ in frames]

    @classmethod
    def together(cls, detectors: Sequence[Batches], frames: Sequence[Frame]) -> list[Detections]:
        cls.sizes.append(len(frames))
        time.sleep(SLOW_S)
        if any(each.bad for each in detectors):
            raise ValueError("a defect somewhere")
        return [Detections.empty() for _ in frames]


def test_one_bad_picture_of_a_batch_is_its_cameras_alone() -> None:
    Batches.sizes = []
    lenses = [Lens(f"camera {index}", Batches(), batch=4) for index in range(5)]
    bad = Lens("bad", Batches(bad=True), batch=4)
    work([bad, *lenses], 0.5, 1)
    assert max(Batches.sizes) == 4
    shares = [len(lens.seen) for lens in lenses]
    assert min(shares) > 1
    assert max(shares) - min(shares) <= 2, shares
    assert bad.seen == []
    assert set(bad.failed) == {"ValueError: a defect"}
    assert all(lens.failed == [] for lens in lenses)
