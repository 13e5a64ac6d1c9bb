"""The ring holds whole groups of pictures, never more than its bounds, and outlives its streams."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from beffroi.evidence.coded import Stretch
from beffroi.evidence.remux import decoder_of, in_order
from beffroi.evidence.ring import REORDER_MS, Ring
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streams import BEGINS_MS, encoded, packets, play

TIMES = range(0, 4000, 40)


def spans(stretches: list[Stretch]) -> list[tuple[int, int]]:
    """First and last picture of each stretch, in ms since the beginning."""
    times = [sorted(picture.at_ms - BEGINS_MS for picture in each.pictures) for each in stretches]
    return [(each[0], each[-1]) for each in times]


def count(stretch: Stretch) -> int:
    """How many pictures a decoder makes of a stretch."""
    decoder = decoder_of(stretch.coding)
    wanted = [*(picture.packet() for picture in in_order(stretch)[0]), None]
    return sum(len(decoder.decode(packet)) for packet in wanted)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoded(tmp_path_factory.mktemp("films") / "plain.ts", TIMES)


@pytest.fixture(scope="module")
def stream(film: Path) -> Iterator[Any]:
    with packets(film) as (stream, _):
        yield stream


def test_a_cut_begins_at_the_last_key_picture_before_and_ends_after(film: Path) -> None:
    ring = Ring(60, 10**7)
    play(ring, film)
    [stretch] = ring.cut(BEGINS_MS + 1000, BEGINS_MS + 2010)
    assert spans([stretch]) == [(800, 2040)], "key pictures are 400 ms apart, pictures 40 ms"
    assert stretch.pictures[0].key
    assert spans(ring.cut(BEGINS_MS - 5000, BEGINS_MS + 90_000)) == [(0, 3960)]
    assert ring.cut(BEGINS_MS + 9000, BEGINS_MS + 9500) == []
    assert Ring(60, 10**7).cut(0, 1) == []


def test_pictures_outlive_their_stream(film: Path) -> None:
    ring = Ring(60, 10**7)
    play(ring, film)
    gc.collect()
    [stretch] = ring.cut(BEGINS_MS, BEGINS_MS + 3960)
    assert count(stretch) == len(TIMES)


def test_everything_shown_before_a_moment_has_come(tmp_path: Path) -> None:
    ring = Ring(60, 10**7)
    moment = BEGINS_MS + 1500
    with packets(encoded(tmp_path / "b.ts", TIMES, b_pictures=3)) as (stream, found):
        ring.opened(stream)
        come = 0
        for packet, at_ms in found:
            assert not ring.holds(moment) or come == len([at for _, at in found if at <= 1500])
            ring.add(packet, BEGINS_MS + at_ms)
            come += at_ms <= 1500
    assert ring.holds(moment)
    assert not ring.holds(BEGINS_MS + 4000 - REORDER_MS)
    ring.end()
    assert ring.holds(BEGINS_MS + 10**6)


step = st.tuples(st.integers(1, 700), st.booleans(), st.integers(1, 600))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=st.lists(step, max_size=60), seconds=st.sampled_from([0.5, 2.0]))
def test_it_never_holds_more_than_its_bounds(stream: Any, steps: list, seconds: float) -> None:
    ring = Ring(seconds, 1500)
    ring.opened(stream)
    at_ms = BEGINS_MS
    for gap, key, size in steps:
        at_ms += gap
        packet = av.Packet(b"\xff" * size)
        packet.pts, packet.time_base, packet.is_keyframe = at_ms, Fraction(1, 1000), key
        ring.add(packet, at_ms)
        kept = [picture for each in ring.cut(0, at_ms) for picture in each.pictures]
        assert ring.size == sum(map(len, kept)) <= 1500
        assert ring.span_ms == (at_ms - kept[0].at_ms if kept else 0) <= seconds * 1000
        assert all(each.pictures[0].key for each in ring.cut(0, at_ms))


def test_what_is_kept_is_the_latest(film: Path) -> None:
    ring = Ring(1.0, 10**7)
    play(ring, film)
    assert spans(ring.cut(0, BEGINS_MS + 4000)) == [(3200, 3960)]


def test_a_group_that_is_too_long_is_let_go_and_counted(
    tmp_path: Path, film: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ring = Ring(1.0, 10**7)
    play(ring, encoded(tmp_path / "long.ts", TIMES, group=50))
    assert ring.cut(0, BEGINS_MS + 4000) == []
    assert ring.lost == 2
    assert [record.message for record in caplog.records] == [
        "evidence: more than 1 s or 10 MB between two key pictures; clips will have gaps"
    ]
    play(ring, film, BEGINS_MS + 4000)
    assert spans(ring.cut(0, BEGINS_MS + 8000)) == [(7200, 7960)]


def test_a_connection_that_comes_back_goes_on_in_the_same_stretch(film: Path) -> None:
    ring = Ring(60, 10**7)
    play(ring, film)
    play(ring, film, BEGINS_MS + 10_000)
    [stretch] = ring.cut(BEGINS_MS, BEGINS_MS + 20_000)
    assert spans([stretch]) == [(0, 13_960)]
    assert count(stretch) == 2 * len(TIMES)


@pytest.mark.parametrize("reopen", [True, False])
def test_another_resolution_begins_another_stretch(tmp_path: Path, film: Path, reopen: bool) -> None:
    ring = Ring(60, 10**7)
    play(ring, film)
    play(ring, encoded(tmp_path / "small.ts", TIMES, size=(96, 64)), BEGINS_MS + 4000, reopen=reopen)
    stretches = ring.cut(BEGINS_MS, BEGINS_MS + 9000)
    assert spans(stretches) == [(0, 3960), (4000, 7960)]
    assert [count(stretch) for stretch in stretches] == [len(TIMES)] * 2


def test_nothing_is_kept_before_a_key_picture(film: Path) -> None:
    ring = Ring(60, 10**7)
    with packets(film) as (stream, found):
        ring.opened(stream)
        for packet, at_ms in found[3:]:
            ring.add(packet, BEGINS_MS + at_ms)
    assert spans(ring.cut(0, BEGINS_MS + 9000)) == [(400, 3960)]


def test_media_time_that_goes_back_begins_anew(film: Path) -> None:
    ring = Ring(10, 10**7)
    play(ring, film, BEGINS_MS + 10**6)
    play(ring, film)
    assert spans(ring.cut(0, BEGINS_MS + 10**7)) == [(0, 3960)]


def test_a_codec_that_no_mp4_holds_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    if "libvpx" not in av.codecs_available:
        pytest.skip("this FFmpeg cannot encode VP8")
    ring = Ring(10, 10**7)
    play(ring, encoded(tmp_path / "v.mkv", range(0, 400, 40), codec="libvpx"))
    assert ring.cut(0, BEGINS_MS + 9000) == []
    assert "video in vp8 cannot be kept in MP4" in caplog.text


def test_one_writes_and_another_reads(film: Path) -> None:
    ring, over, faults = Ring(2.0, 10**7), threading.Event(), []

    def read() -> None:
        while not over.is_set():
            for stretch in ring.cut(0, BEGINS_MS + 10**9):
                times = [picture.at_ms for picture in stretch.pictures]
                if not stretch.pictures[0].key or times != sorted(times):
                    faults.append(times)

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(10):
        play(ring, film, BEGINS_MS + 4000 * turn)
    over.set()
    reader.join()
    assert faults == []
