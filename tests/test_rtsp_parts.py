"""The parts of an RTSP source that need no camera: waiting, leaving out, measuring."""

from __future__ import annotations

import pytest
from beffroi.sources._rtsp_backoff import FIRST_S, MOST_S, PLAYED_S, REFUSED_S, Backoff
from beffroi.sources._rtsp_pace import LATE_S, PATIENCE_S, Pace


def waits(backoff: Backoff, count: int) -> list[float]:
    return [backoff.wait_s() for _ in range(count)]


def test_waits_double_up_to_half_a_minute() -> None:
    steps = [FIRST_S * 2**index for index in range(6)] + [MOST_S] * 4
    assert all(step / 2 <= wait <= step for wait, step in zip(waits(Backoff("gate"), 10), steps, strict=True))


def test_cameras_lost_at_one_moment_come_back_one_by_one() -> None:
    cameras = [waits(Backoff(f"camera-{index}"), 8) for index in range(89)]
    # The longest wait is spread over 15 s: no second sees more than a fair share twice over.
    seconds = [int(sum(each)) for each in cameras]
    assert max(seconds.count(second) for second in set(seconds)) <= 12
    assert cameras[0] == waits(Backoff("camera-0"), 8)


def test_having_played_makes_the_next_wait_short() -> None:
    backoff = Backoff("gate")
    waits(backoff, 8)
    backoff.played(PLAYED_S / 2)
    assert backoff.wait_s() >= MOST_S / 2
    backoff.played(PLAYED_S)
    assert backoff.wait_s() <= FIRST_S


def test_who_refuses_is_asked_seldom() -> None:
    backoff = Backoff("gate")
    assert all(REFUSED_S[0] <= backoff.wait_s(refused=True) <= REFUSED_S[1] for _ in range(100))
    assert backoff.wait_s() <= FIRST_S


def decoded(packets: list[tuple[float, float, bool]], pace: Pace | None = None) -> list[int]:
    """Which of (came, taken, key), both in seconds, are decoded."""
    pace = pace or Pace()
    return [
        index
        for index, (came, taken, key) in enumerate(packets)
        if pace.decodes(taken - came, taken, key=key, gap=False)
    ]


def test_nothing_is_decoded_before_the_first_key_picture_however_late_that_is() -> None:
    packets = [(0.04 * index, 9 + 0.01 * index, index in {3, 50}) for index in range(20)]
    pace = Pace()
    assert decoded(packets, pace) == list(range(3, 20))
    assert pace.skipped == 0


def test_a_burst_of_the_network_or_a_pause_is_caught_up_with() -> None:
    """What waited two seconds is decoded in half a second."""
    packets = [(0.04 * index, max(0.04 * index, 2 + 0.01 * index), index == 0) for index in range(100)]
    assert decoded(packets) == list(range(100))


@pytest.mark.parametrize("slower", [1.2, 2.0, 8.0])
def test_who_cannot_keep_up_loses_pictures_and_not_time(slower: float) -> None:
    """Decoding takes so much longer than the time between pictures; every second one is a key picture."""
    pace, now, behind, taken = Pace(), 0.0, 0.0, 0
    for index in range(2500):
        came = index * 0.04
        now = max(now, came)
        if pace.decodes(now - came, now, key=index % 25 == 0, gap=False):
            taken += 1
            behind = max(behind, now - came)
            now += 0.04 * slower
    assert LATE_S < behind <= LATE_S + PATIENCE_S + 0.04 * slower
    assert pace.skipped + taken == 2500
    assert taken > 0.6 * 2500 / slower


def test_after_a_gap_only_a_key_picture_helps() -> None:
    pace = Pace()
    assert pace.decodes(0, 0, key=True, gap=False)
    assert not pace.decodes(0, 1, key=False, gap=True)
    assert not pace.decodes(0, 2, key=False, gap=False)
    assert pace.decodes(0, 3, key=True, gap=False)
    assert pace.skipped == 2
