"""Media time of a live stream: what the camera counts, against when it arrived."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
from beffroi.sources._rtsp_clock import JUMP_MS, SLEW, MediaClock, WallClock
from hypothesis import given
from hypothesis import strategies as st

START = 1_790_000_000_000.0
"""When the tests begin, in milliseconds since 1970."""

Sent = tuple[float, float]
"""The camera's count, and when it arrived, both in milliseconds since the beginning."""


def play(sent: Iterable[Sent], clock: MediaClock | None = None, ahead: float | None = None) -> list[int]:
    """Media time since the beginning; the camera's own clock is `ahead` of ours, or says nothing."""
    clock = clock or MediaClock()
    return [
        round(clock.stamp(pts, START + arrival, None if ahead is None else START + pts + ahead) - START)
        for pts, arrival in sent
    ]


def steady(seconds: float, step: float = 40.0, delay: float = 80.0) -> list[Sent]:
    return [(at, at + delay) for at in np.arange(0, seconds * 1000, step).tolist()]


def test_without_reports_it_counts_from_the_first_arrival() -> None:
    assert play(steady(10)) == [80 + 40 * index for index in range(250)]


def test_the_cameras_own_clock_says_when_it_was_taken() -> None:
    clock = MediaClock()
    assert play(steady(10), clock, ahead=3) == [3 + 40 * index for index in range(250)]
    assert clock.camera_clock
    assert clock.restarts == 0


@pytest.mark.parametrize("ahead", [-3_600_000.0, 3_600_000.0, -START, 1500.0])
def test_a_camera_whose_clock_is_not_set_is_not_believed(ahead: float) -> None:
    clock = MediaClock()
    assert play(steady(10), clock, ahead) == [80 + 40 * index for index in range(250)]
    assert not clock.camera_clock


def test_a_report_that_comes_later_is_approached_slowly() -> None:
    clock = MediaClock()
    sent = steady(120)
    times = play(sent[:250], clock) + play(sent[250:], clock, ahead=0)
    assert clock.restarts == 0
    assert times[249] == 249 * 40 + 80
    assert abs(times[-1] - sent[-1][0]) < 2
    assert all(40 * (1 - SLEW) - 1 <= later - at <= 41 for at, later in pairwise(times))


def test_a_leap_of_the_count_takes_the_cameras_time_with_it() -> None:
    """Until the next report it seems to live in the future, by less than would make its clock wrong."""
    before, after = steady(10), [(pts + 1200, arrival) for pts, arrival in steady(20)[250:]]
    clock = MediaClock()
    times = play(before + after[:125], clock, ahead=0)
    assert clock.restarts == 1
    assert all(at <= arrival for at, (_, arrival) in zip(times, before + after, strict=False))
    times += play(after[125:], clock, ahead=-1200)
    assert (clock.restarts, clock.camera_clock) == (1, True)
    assert all(35 <= later - at <= 120 for at, later in pairwise(times))


def test_a_large_difference_is_worked_off_at_two_percent() -> None:
    clock = MediaClock()
    sent = steady(100, delay=900)
    times = play(sent[:250], clock) + play(sent[250:], clock, ahead=0)
    assert clock.restarts == 0
    steps = [later - at for at, later in pairwise(times[260:])]
    assert min(steps) == 39
    assert 40 * 0.98 - 0.02 <= np.mean(steps[:250]) <= 40 * 0.98 + 0.02


def test_the_first_packet_has_no_time_stamp() -> None:
    clock = MediaClock()
    assert clock.stamp(None, START, START - 90) == START - 90
    assert clock.stamp(40.0, START + 40, START - 50) == START - 50
    clock.begin()
    assert clock.stamp(None, START + 80) == START + 80
    assert clock.stamp(40.0, START + 120) == START + 120


def test_a_stored_burst_at_the_beginning_does_not_move_the_clock_ahead() -> None:
    """Servers send what they had since the last key picture, two seconds here, and then what is now."""
    burst = [(at, 2000.0 + at / 1000) for at in np.arange(0, 2000, 40.0).tolist()]
    live = [(at, at + 10.0) for at in np.arange(2000, 12_000, 40.0).tolist()]
    clock = MediaClock()
    times = play(burst + live, clock)
    assert clock.restarts == 0
    assert times[-250:] == [round(arrival) for _, arrival in live]


@pytest.mark.parametrize("leap", [-5000.0, 5000.0, 1500.0, -1500.0, 86_400_000.0])
def test_a_leap_of_the_count_is_counted_and_time_goes_on(leap: float) -> None:
    before = steady(10)
    after = [(pts + leap, arrival) for pts, arrival in steady(20)[250:]]
    clock = MediaClock()
    times = play(before + after, clock)
    assert clock.restarts == 1
    assert times == [80 + 40 * index for index in range(500)]


def test_a_delay_of_the_network_moves_nothing() -> None:
    """For three seconds nothing arrives, then all at once."""
    sent = [(pts, max(arrival, 13_000.0) if pts >= 10_000 else arrival) for pts, arrival in steady(30)]
    clock = MediaClock()
    assert play(sent, clock) == [80 + 40 * index for index in range(750)]
    assert clock.restarts == 0


def test_pictures_lost_on_the_way_are_no_leap() -> None:
    sent = [(pts, arrival) for pts, arrival in steady(30) if not 10_000 <= pts < 12_900]
    clock = MediaClock()
    assert play(sent, clock) == [round(arrival) for _, arrival in sent]
    assert clock.restarts == 0


def test_a_camera_that_counts_at_the_wrong_speed_is_anchored_again_and_again() -> None:
    """It sends 12.5 pictures a second and counts 40 ms for each."""
    sent = [(40.0 * index, 80.0 * index) for index in range(2000)]
    clock = MediaClock()
    times = play(sent, clock)
    assert clock.restarts > 1
    assert all(later > at for at, later in pairwise(times))
    assert max(abs(at - arrival) for at, (_, arrival) in zip(times, sent, strict=True)) < 12_000


@pytest.mark.parametrize("drift", [-0.01, -0.0001, 0.0001, 0.01])
def test_drift_is_followed(drift: float) -> None:
    sent = [(at * (1 + drift), at + 80) for at in np.arange(0, 300_000, 40.0).tolist()]
    clock = MediaClock()
    times = play(sent, clock)
    assert clock.restarts == 0
    assert max(abs(at - arrival) for at, (_, arrival) in zip(times, sent, strict=True)) < 500


def test_a_new_connection_goes_on_from_now() -> None:
    clock = MediaClock()
    before = play(steady(10), clock)
    clock.begin()
    after = play([(pts + 777_777.0, arrival + 15_000) for pts, arrival in steady(10)], clock)
    assert after[0] == 15_080 > before[-1]
    assert clock.restarts == 0


@given(
    st.lists(st.floats(0, 900), min_size=2, max_size=400),
    st.floats(20, 500),
    st.none() | st.floats(-90, 90),
)
def test_jitter_invents_no_leap_and_bends_time_by_no_more_than_allowed(
    late: list[float], step: float, ahead: float | None
) -> None:
    """Whatever the network delays by less than a second: no restart, and after settling hardly a bend."""
    arrivals = np.maximum.accumulate([index * step + each for index, each in enumerate(late)]).tolist()
    clock = MediaClock()
    sent = [(index * step, arrival) for index, arrival in enumerate(arrivals)]
    times = play(sent, clock, ahead)
    assert clock.restarts == 0
    for (at, (_, arrival)), (after, (_, later)) in pairwise(zip(times, sent, strict=True)):
        if arrival - arrivals[0] > 2000:
            assert abs(after - at - step) <= SLEW * min(later - arrival, JUMP_MS) + 1
    # Never older than the worst delay; never in the future by more than the least delay while it settled,
    # which nobody could know to be one, or by what the camera's own clock says.
    least = min(arrival - pts for pts, arrival in sent if arrival - arrivals[0] < 2000)
    for at, (_, arrival) in zip(times, sent, strict=True):
        assert arrival - 901 - 90 <= at <= arrival + 91 + least


@given(
    st.lists(st.tuples(st.floats(-1e5, 1e5), st.floats(0, 5000)), min_size=1, max_size=200),
    st.none() | st.floats(-5000, 5000),
)
def test_whatever_the_camera_counts_time_stays_near_arrival(
    steps: list[tuple[float, float]], ahead: float | None
) -> None:
    """Any count, any pauses: no picture is from the future, and each leap is named."""
    clock = MediaClock()
    pts = arrival = 0.0
    for forward, pause in steps:
        pts, arrival = pts + forward, arrival + pause
        taken = None if ahead is None else START + arrival + ahead
        at = clock.stamp(pts, START + arrival, taken) - START
        assert arrival - 22_000 <= at <= arrival + 3 * JUMP_MS
        assert clock.now(START + arrival) - START <= arrival + 3 * JUMP_MS


def test_the_machines_clock_is_followed_forwards_only() -> None:
    wall, monotonic = [1000.0], [5.0]
    clock = WallClock(lambda: wall[0], lambda: monotonic[0])
    assert clock.now_ms() == 1_000_000
    wall[0], monotonic[0] = 9_000_000.0, 6.0
    assert clock.now_ms() == 9_000_000_000
    wall[0], monotonic[0] = 5000.0, 7.0
    assert clock.now_ms() == 9_000_001_000
