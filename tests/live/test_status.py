"""Rates and latencies are those of the last seconds, and what a status says can be written as JSON."""

from __future__ import annotations

import json

from beffroi.runtime.live.status import WINDOW_S, CameraStatus, Pulse
from hypothesis import given
from hypothesis import strategies as st


class Clock:
    def __init__(self) -> None:
        self.now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


@given(st.integers(1, 25), st.integers(12, 40))
def test_a_steady_rate_is_told_and_forgotten(fps: int, seconds: int) -> None:
    clock = Clock()
    pulse = Pulse(clock)
    for _ in range(fps * seconds):
        clock.now_s += 1 / fps
        pulse.analysed_one(40)
    assert abs(pulse.fps() - fps) <= 0.11
    assert pulse.analysed == fps * seconds
    assert pulse.latency_ms() == 40
    clock.now_s += WINDOW_S + 0.1
    assert pulse.fps() == 0
    assert pulse.latency_ms() is None
    assert pulse.analysed == fps * seconds


def test_the_rate_of_the_first_seconds_is_not_divided_by_ten() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    for _ in range(10):
        clock.now_s += 0.2
        pulse.analysed_one(1)
    assert abs(pulse.fps() - 5) < 1e-6


def test_latency_is_that_of_all_but_one_in_twenty() -> None:
    pulse = Pulse(Clock())
    for latency in [*range(1, 101)]:
        pulse.analysed_one(latency)
    assert pulse.latency_ms() == 96
    assert pulse.latency_ms(0.5) == 51


def test_dropped_pictures_are_counted_over_the_window() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    rates = []
    for second in range(30):
        clock.now_s += 1
        rates.append(pulse.dropped_fps(3 * second))
    assert abs(rates[-1] - 3) < 0.4
    for _ in range(12):
        clock.now_s += 1
        rate = pulse.dropped_fps(87)
    assert rate == 0


def test_a_status_is_plain_values() -> None:
    status = CameraStatus("gate", "day", "silent", "why", 5, 4.9, 0.1, None, 3, 100, 2, 1)
    assert json.loads(json.dumps(status.as_json()))["latency_ms"] is None
