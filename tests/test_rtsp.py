"""RTSP cameras through the door that the runtime uses: what they show, and when it was."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise

import pytest
from beffroi.serving.media import Clip
from live import Kept, Watching, source, watching
from rtsp import RtspServer, number
from rtsp.clips import SIZE, shapes
from rtsp.watching import OTHER_SIZE

LENGTH_MS = 4000
LARGE, PLAIN, H265, B_PICTURES = "/cam1", "/cam2", "/cam3", "/cam4"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspServer]:
    """All show four seconds in a loop, 25 pictures a second, one in a second a key picture."""
    folder = tmp_path_factory.mktemp("clips")
    clips = [
        shapes(folder / "large.mp4", size=OTHER_SIZE),
        shapes(folder / "plain.mp4"),
        shapes(folder / "h265.mp4", codec="h265"),
        shapes(folder / "b.mp4", b_frames=2),
    ]
    with RtspServer(*(Clip.read(clip) for clip in clips)) as running:
        yield running


def off(server: RtspServer, seen: Watching) -> list[float | None]:
    """By how many milliseconds each picture's time differs from when the camera took what it shows.

    Of a stream that goes on since the server began: the picture's number says when that was; None if it
    cannot be read.
    """
    found: list[float | None] = []
    for frame in seen.frames:
        shown = number(frame.image)
        if shown is None:
            found.append(None)
            continue
        late = (frame.at_ms - server.began_ms - 40 * shown + LENGTH_MS / 2) % LENGTH_MS - LENGTH_MS / 2
        found.append(late)
    return found


def test_plays_at_the_asked_rate_with_the_time_of_day(server: RtspServer) -> None:
    with watching(server.url(PLAIN, join="key")) as seen:
        assert (seen.source.size, seen.source.status.state) == (None, "connecting")
        seen.until_frames(9)
        status, counts, now_ms = seen.source.status, seen.source.counts, seen.source.now_ms()
    assert all(200 <= step <= 280 for step in seen.steps[1:])
    # The camera's own clock: what the number in the picture says, to the millisecond or two.
    assert all(late is not None and abs(late) <= 3 for late in off(server, seen))
    assert seen.times[-1] <= now_ms <= time.time() * 1000
    assert all(frame.image.shape == (SIZE[1], SIZE[0], 3) for frame in seen.frames)
    assert (status.state, status.size, status.codec) == ("playing", SIZE, "h264")
    assert (status.detail, status.reconnects) == ("", 0)
    assert status.rate == pytest.approx(25, rel=0.01)
    assert counts.decoded >= 45
    assert (counts.restarts, counts.damaged, counts.disordered, counts.skipped) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("camera", "settings", "wishes"),
    [
        (H265, {}, {}),
        (PLAIN, {"transport": "udp"}, {}),
        (PLAIN, {}, {"audio": True}),
        (PLAIN, {}, {"parameters": "band"}),
        (PLAIN, {}, {"parameters": "sdp"}),
        (PLAIN, {}, {"join": "any"}),
    ],
)
def test_kinds_of_cameras(
    server: RtspServer, camera: str, settings: dict[str, object], wishes: dict[str, str | bool]
) -> None:
    with watching(server.url(camera, **{"join": "key", **wishes}), 10, **settings) as seen:
        seen.until_frames(5)
        codec = seen.source.status.codec
    assert codec == ("hevc" if camera == H265 else "h264")
    assert all(80 <= step <= 120 for step in seen.steps[1:])
    assert all(late is not None and abs(late) <= 3 for late in off(server, seen))


@pytest.mark.parametrize("wishes", [{"reports": 0}, {"clock": 3600}])
def test_a_camera_without_a_credible_clock_has_the_time_of_arrival(
    server: RtspServer, wishes: dict[str, float]
) -> None:
    with watching(server.url(PLAIN, join="key", **wishes), None) as seen:
        seen.until_frames(54)
    # FFmpeg gives a picture when the next one begins: after 40 ms, and what the machine needs.
    settled = [late for late in off(server, seen)[50:] if late is not None]
    assert len(settled) >= 4
    assert all(35 <= late <= 150 for late in settled)
    assert max(settled) - min(settled) <= 10
    assert seen.source.counts.restarts == 0


def test_pictures_that_refer_to_later_ones_come_in_the_order_they_are_shown(server: RtspServer) -> None:
    with watching(server.url(B_PICTURES, join="key"), None) as seen:
        seen.source.tap = kept = Kept()
        seen.until_frames(25)
    assert all(35 <= step <= 45 for step in seen.steps[1:])
    assert all(late is not None and abs(late) <= 3 for late in off(server, seen))
    assert [at for at, _ in kept.packets] != sorted(at for at, _ in kept.packets)
    assert seen.source.counts.disordered == 0


def test_a_leap_of_the_stream_is_counted_and_time_goes_on(server: RtspServer) -> None:
    with watching(server.url(PLAIN, leap=-30.0, leap_at=2.3), None) as seen:
        seen.until(lambda: seen.source.counts.restarts == 1)
        seen.until_frames(10)
    assert all(0 < step <= 120 for step in seen.steps)
    assert abs(seen.times[-1] - time.time() * 1000) < 1000
    assert seen.source.status.reconnects == 0


def test_delays_of_the_network_are_no_leaps(server: RtspServer) -> None:
    with watching(server.url(PLAIN, join="key", reports=0, bursts=0.6), None) as seen:
        seen.until_frames(40)
    assert seen.source.counts.restarts == 0
    # All but those from before it was known what the least delay is.
    assert all(35 <= step <= 45 for step in seen.steps[-10:])


def test_another_size_in_flight(server: RtspServer) -> None:
    with watching(server.url(LARGE, switch=1)) as seen:
        seen.until(lambda: seen.source.status.size == SIZE)
        seen.until_frames(2)
    sizes = [(frame.image.shape[1], frame.image.shape[0]) for frame in seen.frames]
    assert sizes == sorted(sizes, reverse=True)
    assert {OTHER_SIZE, SIZE} == set(sizes)
    assert seen.source.status.reconnects == 0
    assert all(number(frame.image) is not None for frame in seen.frames)


def test_packets_lost_on_the_way_leave_pictures_out(server: RtspServer) -> None:
    """Nothing rests on a damaged key picture. That a small picture is lost whole, FFmpeg does not notice."""
    with watching(server.url(PLAIN, join="key", loss=0.06), None, transport="udp") as seen:
        seen.until(lambda: len(seen.frames) > 20 and seen.source.counts.damaged > 10)
    readable = [number(frame.image) is not None for frame in seen.frames]
    assert readable.count(True) > 0.7 * len(readable)
    assert all(abs(late) <= 3 for late in off(server, seen) if late is not None)
    assert seen.source.counts.restarts == 0


def test_the_tap_is_given_every_packet(server: RtspServer) -> None:
    with watching(server.url(PLAIN), 2, decode="keyframes") as seen:
        seen.source.tap = kept = Kept()
        seen.until(lambda: len(kept.packets) >= 40)
    assert kept.streams == [SIZE]
    assert all(38 <= after - at <= 42 for (at, _), (after, _) in pairwise(kept.packets))
    keys = [at for at, key in kept.packets if key]
    assert 2 <= seen.source.counts.decoded <= len(keys) <= 3
    assert seen.times == keys[: len(seen.frames)]


def test_a_tap_that_breaks_harms_nobody(server: RtspServer, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Kept):
        def add(self, packet: object, at_ms: int) -> None:
            raise OSError("no space left")

    with watching(server.url(PLAIN)) as seen:
        seen.source.tap = Broken()
        seen.until_frames(4)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "gate: rtsp: packets cannot be kept for evidence"
    ]


def test_evidence_from_a_second_stream(server: RtspServer) -> None:
    """The stream for evidence breaks, comes again, and stalls; analysis does not notice."""
    evidence = server.url(LARGE, join="key", drop=1)
    with watching(server.url(PLAIN, join="key"), evidence_url=evidence) as seen:
        seen.source.tap = kept = Kept()
        seen.until(lambda: len(kept.streams) >= 2 and len(kept.packets) > 20)
        server.stall(LARGE)
        seen.until_frames(4)
        server.resume(LARGE)
        assert (seen.source.status.state, seen.source.status.reconnects) == ("playing", 0)
    assert set(kept.streams) == {OTHER_SIZE}
    assert all(frame.image.shape == (SIZE[1], SIZE[0], 3) for frame in seen.frames)
    assert all(200 <= step <= 280 for step in seen.steps[1:])
    # One time for both streams: their pictures were taken at the same moments.
    assert all(abs((at - server.began_ms + 20) % 40 - 20) <= 3 for at, _ in kept.packets)


def test_a_slow_consumer_gets_the_present(server: RtspServer) -> None:
    """Somebody who takes 0.3 s for each picture, at 25 a second: what has become old is left out."""
    behind = []
    with closing(source(server.url(PLAIN), None)) as camera:
        began = time.monotonic()
        for frame in camera.frames():
            behind.append(camera.now_ms() - frame.at_ms)
            if time.monotonic() - began > 3:
                break
            time.sleep(0.3)
    assert camera.counts.skipped > 20
    assert max(behind) < 3500
