"""Clips of alerts: they play, show their span at its times, and show nobody who may not be shown."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from beffroi import assets
from beffroi.errors import AssetError, InputError
from beffroi.evidence import clip as clip_module
from beffroi.evidence import draft
from beffroi.evidence.clip import Clips, Written, shown_path
from beffroi.evidence.disk import Disk
from beffroi.evidence.ring import Ring
from beffroi.evidence.sightings import Sightings
from beffroi.frame import Detections
from streams import BEGINS_MS, decoded, encoded, number, packets, play

TIMES = range(0, 6000, 40)
# 2 to 25 pictures a second, and a gap.
UNEVEN = [*range(0, 1000, 40), *range(1000, 3000, 500), *range(3000, 4000, 110), *range(5200, 7000, 40)]
PERSON = (0.4, 0.3, 0.6, 0.9)
MASK = ((0.0, 0.5), (0.2, 0.5), (0.2, 1.0), (0.0, 1.0))


def boxes(*xyxy: Sequence[float], score: float = 0.9) -> Detections:
    n = len(xyxy)
    array = np.array(xyxy, np.float32).reshape(n, 4)
    return Detections(array, np.full(n, score, np.float32), np.zeros(n, np.uint16))


def seen(times: Sequence[int], *xyxy: Sequence[float], masks: Sequence[Any] = ()) -> Sightings:
    """A camera that was looked at at `times` (ms since the beginning), the same people at each."""
    sightings = Sightings(60)
    for at_ms in times:
        sightings.add(BEGINS_MS + at_ms, boxes(*xyxy), ("person",), masks)
    return sightings


def detail(image: np.ndarray, box: Sequence[float]) -> float:
    """Difference between neighbouring pixels in a box: the fine detail that is left."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (round(v * s) for v, s in zip(box, (width, height) * 2, strict=True))
    return float(np.abs(np.diff(image[y1:y2, x1:x2].astype(float), axis=1)).mean())


class Desk:
    """A folder, what is written into it, and clips that are closed in the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "gate" / "run-1"
        self.disk = Disk(folder, keep_days=30, most_gb=1, least_free_gb=0)
        self.written: list[Written] = []
        self.asked = 0

    def clips(self, **settings: Any) -> Clips:
        return Clips(self.disk, written=self.written.append, **settings)

    def path(self) -> Path:
        self.asked += 1
        return self.folder / f"{self.asked:032x}.mp4"

    def clip(
        self,
        ring: Ring,
        from_ms: int,
        to_ms: int,
        sightings: Sightings | None = None,
        *,
        at_ms: int = 0,
        masks: Sequence[Any] = (),
        **settings: Any,
    ) -> Written:
        """One clip of a span, in ms since the beginning."""
        clips = self.clips(**settings)
        sightings = seen(range(0, 10_000, 200)) if sightings is None else sightings
        span = BEGINS_MS + from_ms, BEGINS_MS + to_ms
        assert clips.want(ring, self.path(), *span, sightings, at_ms=BEGINS_MS + at_ms, masks=masks)
        assert clips.close(60), clips.counts
        assert clips.counts.written == 1, clips.counts
        return self.written[-1]

    def files(self) -> list[str]:
        """Everything there is, drafts too."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "evidence")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoded(tmp_path_factory.mktemp("films") / "plain.ts", TIMES)


@pytest.fixture
def ring(film: Path) -> Ring:
    ring = Ring(60, 10**7)
    play(ring, film)
    return ring


KINDS = {
    "h264": ("h.ts", {}),
    "h264 from a file": ("h.mp4", {}),
    "b pictures": ("b.ts", {"b_pictures": 3}),
    "b pictures from a file": ("b.mp4", {"b_pictures": 3}),
    "h265": ("x.ts", {"codec": "libx265", "b_pictures": 2}),
    "mjpeg": ("m.mp4", {"codec": "mjpeg"}),
}


@pytest.mark.parametrize("times", [TIMES, UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_original_shows_each_picture_at_its_time(
    tmp_path: Path, desk: Desk, kind: str, times: Sequence[int]
) -> None:
    name, options = KINDS[kind]
    if options.get("codec", "libx264") not in av.codecs_available:
        pytest.skip(f"this FFmpeg cannot encode {kind}")
    ring = Ring(60, 10**7)
    play(ring, encoded(tmp_path / name, times, **options))
    written = desk.clip(ring, 1500, 4000, originals=True)
    assert written.original is not None
    with packets(written.original) as (_, found):
        assert found[0][0].is_keyframe
        assert [packet.dts for packet, _ in found] == sorted({packet.dts for packet, _ in found})
    shown = decoded(written.original)
    first = number(shown[0][1])
    # Each picture is as long after the first as the camera took it, to a millisecond.
    for at_ms, image in shown:
        assert abs((at_ms - shown[0][0]) - (times[number(image)] - times[first])) <= 1
    numbers = [number(image) for _, image in shown]
    assert numbers == list(range(first, first + len(numbers))), "none is missing or twice"
    assert times[first] <= 1500
    assert times[numbers[-1]] >= 4000


def test_a_source_that_counts_packets_as_they_come(tmp_path: Path, desk: Desk) -> None:
    # Its times are in the order of decoding: only the stamps say in which order pictures are shown.
    ring = Ring(60, 10**7)
    with packets(encoded(tmp_path / "b.ts", TIMES, b_pictures=3)) as (stream, found):
        ring.opened(stream)
        for index, (packet, _) in enumerate(found):
            ring.add(packet, BEGINS_MS + 40 * index)
    written = desk.clip(ring, 1000, 3000, originals=True)
    assert written.original is not None
    numbers = [number(image) for _, image in decoded(written.original)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_the_rendition_shows_the_span_in_fewer_pictures(ring: Ring, desk: Desk) -> None:
    written = desk.clip(ring, 1500, 4000)
    assert written.original is None
    assert desk.files() == [f"{1:032x}.blurred.mp4"]
    shown = decoded(written.shown)
    times = [TIMES[number(image)] for _, image in shown]
    assert [at_ms for at_ms, _ in shown] == [at_ms - times[0] for at_ms in times]
    assert 1500 <= times[0] < 1600
    assert 3900 < times[-1] <= 4000
    assert 24 <= len(times) <= 26, "ten a second"
    assert written.rendered is not None
    assert written.rendered.begins_ms == BEGINS_MS + times[0]
    assert (written.rendered.pictures, written.rendered.hidden) == (len(times), 0)


def test_large_pictures_become_smaller(tmp_path: Path, desk: Desk) -> None:
    ring = Ring(60, 10**7)
    play(ring, encoded(tmp_path / "large.ts", range(0, 800, 40), size=(1280, 718)))
    _, image = decoded(desk.clip(ring, 0, 700).shown)[0]
    assert image.shape == (538, 960, 3)


def test_people_lose_their_detail_and_the_place_keeps_it(ring: Ring, desk: Desk) -> None:
    bare = decoded(desk.clip(ring, 1500, 4000, seen(range(0, 6000, 200))).shown)
    hidden = decoded(desk.clip(ring, 1500, 4000, seen(range(0, 6000, 200), PERSON)).shown)
    aside = (0.0, 0.3, 0.2, 0.9)
    for (_, before), (_, after) in zip(bare, hidden, strict=True):
        assert detail(after, PERSON) < 0.15 * detail(before, PERSON)
        assert detail(after, aside) > 0.8 * detail(before, aside)


def test_somebody_who_is_missed_for_a_second_stays_hidden(ring: Ring, desk: Desk) -> None:
    sightings = Sightings(60)
    for at_ms in range(0, 6000, 200):
        found = boxes() if 2000 <= at_ms < 3000 else boxes(PERSON)
        sightings.add(BEGINS_MS + at_ms, found, ("person",))
    for _, image in decoded(desk.clip(ring, 1500, 4000, sightings).shown):
        assert detail(image, PERSON) < 5


def test_between_two_looks_all_of_the_way_is_hidden(ring: Ring, desk: Desk) -> None:
    sightings = Sightings(60)
    for at_ms in range(0, 6000, 400):
        left = at_ms / 6000 * 0.8
        sightings.add(BEGINS_MS + at_ms, boxes((left, 0.3, left + 0.1, 0.9)), ("person",))
    for _, image in decoded(desk.clip(ring, 1500, 4000, sightings).shown):
        left = TIMES[number(image)] / 6000 * 0.8
        assert detail(image, (left, 0.3, left + 0.1, 0.9)) < 5


def test_pictures_that_nobody_looked_at_are_hidden_whole(ring: Ring, desk: Desk) -> None:
    written = desk.clip(ring, 0, 5900, seen([0, 500, 1000, 5000, 5900]))
    everywhere = (0.0, 0.2, 1.0, 1.0)
    for _, image in decoded(written.shown):
        if detail(image, everywhere) > 10:
            at_ms = TIMES[number(image)]
            assert at_ms <= 2500 or at_ms >= 3500
    assert written.rendered is not None
    assert 9 <= written.rendered.hidden <= 11
    blind = desk.clip(ring, 0, 5900, Sightings(60))
    assert blind.rendered is not None
    assert blind.rendered.hidden == blind.rendered.pictures


@pytest.mark.parametrize("where", ["view", "sighting"])
@pytest.mark.parametrize("blur", [True, False])
def test_masks_are_black_and_no_original_is_kept(ring: Ring, desk: Desk, blur: bool, where: str) -> None:
    masks, own = ([MASK], ()) if where == "view" else ((), [MASK])
    sightings = seen(range(0, 6000, 200), PERSON, masks=own)
    written = desk.clip(ring, 1500, 4000, sightings, masks=masks, blur=blur, originals=True)
    assert written.original is None
    assert desk.files() == [written.shown.name]
    for _, image in decoded(written.shown):
        height, width = image.shape[:2]
        assert image[height * 6 // 10 :, : width * 17 // 100].max() < 30
        assert (detail(image, PERSON) < 5) == blur


def test_no_original_of_a_dome_that_has_masks_elsewhere(ring: Ring, desk: Desk) -> None:
    clips = desk.clips(originals=True)
    clips.want(ring, desk.path(), BEGINS_MS, BEGINS_MS + 1000, seen([0]), original=False)
    assert clips.close(60)
    assert desk.files() == [f"{1:032x}.blurred.mp4"]


def test_a_mask_stays_black_where_nobody_looked(ring: Ring, desk: Desk) -> None:
    for _, image in decoded(desk.clip(ring, 1500, 4000, Sightings(60), masks=[MASK]).shown):
        height, width = image.shape[:2]
        assert image[height * 6 // 10 :, : width * 17 // 100].max() < 30


def test_originals_are_for_the_owner_alone(ring: Ring, desk: Desk) -> None:
    written = desk.clip(ring, 1500, 4000, originals=True)
    assert desk.files() == [f"{1:032x}.blurred.mp4", f"originals/{1:032x}.mp4"]
    assert written.original is not None
    assert written.original.stat().st_mode & 0o777 == 0o600
    assert written.original.parent.stat().st_mode & 0o777 == 0o700


def test_without_blur_the_clip_is_what_the_camera_sent(ring: Ring, desk: Desk) -> None:
    written = desk.clip(ring, 1500, 4000, seen([0], PERSON), blur=False)
    assert desk.files() == [f"{1:032x}.mp4"]
    assert all(detail(image, PERSON) > 10 for _, image in decoded(written.shown))


def test_a_connection_that_broke_within_the_clip(film: Path, ring: Ring, desk: Desk) -> None:
    play(ring, film, BEGINS_MS + 8000)
    sightings = seen(range(0, 14_000, 200))
    written = desk.clip(ring, 4000, 10_000, sightings, at_ms=5000, originals=True)
    assert written.notes == ()
    assert written.original is not None
    for path in (written.original, written.shown):
        shown = decoded(path)
        taken = [TIMES[number(image)] for _, image in shown]
        again = taken.index(min(taken))
        gap = shown[again][0] - shown[again - 1][0]
        assert abs(gap - (8000 + taken[again] - taken[again - 1])) <= 1, "the time without pictures stays"
        assert taken[again - 1] >= 5900
        assert taken[-1] >= 1900


def test_a_resolution_that_changed_within_the_clip(
    tmp_path: Path, ring: Ring, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    other = encoded(tmp_path / "other.ts", TIMES, size=(96, 96), first=500)
    play(ring, other, BEGINS_MS + 6000, reopen=False)
    sightings = seen(range(0, 12_000, 200), PERSON)
    written = desk.clip(ring, 4000, 8000, sightings, at_ms=5000, originals=True)
    assert written.original is not None
    assert {number(image) for _, image in decoded(written.original)} <= set(range(100, 150))
    assert "the camera's stream changed within the clip" in caplog.text
    # The rendition shows both, in the size of the first, with people hidden in both.
    shown = decoded(written.shown)
    assert shown[-1][0] > 3800
    assert {image.shape for _, image in shown} == {(112, 192, 3)}
    sides = 96 * 112 // 96, (192 - 112) // 2
    inner = shown[-1][1][:, sides[1] : sides[1] + sides[0]]
    assert shown[-1][1][:, : sides[1] - 4].max() < 30
    assert detail(inner, PERSON) < 5 < 10 < detail(inner, (0.05, 0.3, 0.25, 0.9))
    after = desk.clip(ring, 4000, 8000, sightings, at_ms=6500, originals=True)
    assert after.original is not None
    assert decoded(after.original)[0][1].shape == (96, 96, 3)


def test_a_camera_that_broke_off_gives_what_there_is(
    ring: Ring, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    ring.end()
    written = desk.clip(ring, 3000, 9000)
    assert [TIMES[number(image)] for _, image in decoded(written.shown)][-1] >= 5900
    assert "ends 3.0 s early: no more came" in caplog.text
    written = desk.clip(ring, -3000, 1000)
    assert "begins 3.0 s late: no key picture before is kept" in caplog.text
    assert number(decoded(written.shown)[0][1]) == 0


def test_nothing_at_all(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    clips = desk.clips()
    assert clips.want(Ring(60, 10**7), desk.path(), 0, 1000, Sightings(60))
    assert clips.close(10)
    assert clips.counts.missed == 1
    assert desk.files() == []
    assert "the camera sent no picture to make a clip of" in caplog.text


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_it_waits_for_pictures_and_for_boxes(film: Path, desk: Desk) -> None:
    ring, sightings, clips = Ring(60, 10**7), seen([0, 1000]), desk.clips()
    with packets(film) as (stream, found):
        ring.opened(stream)
        for packet, at_ms in found[:50]:
            ring.add(packet, BEGINS_MS + at_ms)
        clips.want(ring, desk.path(), BEGINS_MS + 1000, BEGINS_MS + 3000, sightings)
        time.sleep(0.6)
        assert (clips.waiting, clips.counts.written) == (1, 0), "the pictures have not come"
        for packet, at_ms in found[50:]:
            ring.add(packet, BEGINS_MS + at_ms)
        time.sleep(0.6)
        assert (clips.waiting, clips.counts.written) == (1, 0), "the boxes have not come"
        sightings.add(BEGINS_MS + 3000, boxes(), ("person",))
        until(lambda: clips.counts.written == 1)
    assert clips.close(10)


def test_it_does_not_wait_for_ever(ring: Ring, desk: Desk) -> None:
    now = [0.0]
    clips = desk.clips(clock=lambda: now[0])
    clips.want(ring, desk.path(), BEGINS_MS + 1000, BEGINS_MS + 9000, seen([0, 1000]))
    time.sleep(0.6)
    assert clips.counts.written == 0
    now[0] = 4.0 + clip_module.PATIENCE_S
    until(lambda: clips.counts.written == 1)
    assert clips.counts.partial == 1
    assert clips.close(10)


def test_overload_is_said_and_never_blocks(
    ring: Ring, desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(clip_module, "MOST_WAITING", 3)
    held, go_on = threading.Event(), threading.Event()

    def hold(_written: Written) -> None:
        held.set()
        go_on.wait(60)

    clips = Clips(desk.disk, written=hold)
    span = BEGINS_MS + 1000, BEGINS_MS + 1500
    assert clips.want(ring, desk.path(), *span, seen([2000]))
    assert held.wait(60)
    taken = [clips.want(ring, desk.path(), *span, seen([2000])) for _ in range(6)]
    assert taken == [True] * 3 + [False] * 3
    assert clips.counts.overloaded == 3
    assert caplog.text.count("more alerts than clips can be written for") == 1
    go_on.set()
    assert clips.close(60)
    assert clips.counts.written == 4


def test_clips_that_wait_take_only_so_much_memory(
    ring: Ring, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_module, "MOST_BYTES", 1)
    clips = desk.clips(clock=lambda: 0.0)
    for _ in range(3):
        clips.want(ring, desk.path(), BEGINS_MS + 1000, BEGINS_MS + 1500, Sightings(60))
    assert clips.close(60)
    assert (clips.counts.written, clips.counts.overloaded) == (1, 2)


def test_a_run_that_ends_gives_up_in_time(ring: Ring, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = clip_module.write

    def slow(*args: Any, between: Callable[[], None], **settings: Any) -> Written:
        def wait() -> None:
            time.sleep(0.05)
            between()

        return real(*args, between=wait, **settings)

    monkeypatch.setattr(clip_module, "write", slow)
    clips = desk.clips()
    for _ in range(3):
        clips.want(ring, desk.path(), BEGINS_MS, BEGINS_MS + 5900, seen([0, 5900]))
    begin = time.monotonic()
    assert not clips.close(1.0)
    assert time.monotonic() - begin < 1.5
    assert clips.counts.given_up == 3
    assert desk.files() == []
    assert not clips.want(ring, desk.path(), BEGINS_MS, BEGINS_MS + 5900, seen([0]))


@pytest.mark.parametrize("originals", [True, False])
@pytest.mark.parametrize("where", ["write", "fsync"])
def test_a_disk_that_fills_up_leaves_nothing_behind(
    ring: Ring, desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    where: str, originals: bool,
) -> None:  # fmt: skip
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    class Full:
        """A file of which a kilobyte can be written."""

        def __init__(self, file: Any) -> None:
            self._file, self.left = file, 1000

        def write(self, data: bytes) -> int:
            self.left -= len(data)
            if self.left < 0:
                full()
            return int(self._file.write(data))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

    clips = desk.clips(originals=originals)
    real = os.fdopen
    with monkeypatch.context() as broken:
        if where == "fsync":
            broken.setattr(draft.os, "fsync", full)
        else:
            broken.setattr(draft.os, "fdopen", lambda *args: Full(real(*args)))
        for _ in range(2):
            clips.want(ring, desk.path(), BEGINS_MS, BEGINS_MS + 5000, seen([0, 5900]))
        until(lambda: clips.counts.failed == 2)
    assert desk.files() == []
    assert caplog.text.count("the alert has no clip: ") == 1, "it is said once"
    assert "No space left on device" in caplog.text
    clips.want(ring, desk.path(), BEGINS_MS, BEGINS_MS + 5000, seen([0, 5900]))
    assert clips.close(60)
    assert clips.counts.written == 1


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"cannot mount a small disk: {error}")
    if done.returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_real_disk_that_fills_up(ring: Ring, tiny: Path) -> None:
    desk = Desk(tiny)
    clips = desk.clips(originals=True)
    clips.want(ring, desk.path(), BEGINS_MS, BEGINS_MS + 5000, seen([0, 5900]))
    until(lambda: clips.counts.failed == 1)
    assert desk.files() == []
    clips.want(ring, desk.path(), BEGINS_MS + 100, BEGINS_MS + 300, seen([0, 5900]))
    assert clips.close(60)
    assert clips.counts.written == 1


def test_too_little_that_is_free_stops_clips_and_they_come_back(
    ring: Ring, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    free = [10**8]
    desk.disk = Disk(
        desk.folder.parent.parent, keep_days=1, most_gb=1, least_free_gb=1, free=lambda _: free[0]
    )
    clips = desk.clips()
    for _ in range(2):
        clips.want(ring, desk.path(), BEGINS_MS, BEGINS_MS + 500, seen([0, 5900]))
    until(lambda: clips.counts.no_room == 2)
    assert desk.disk.full
    assert caplog.text.count("only 0.10 GB are free") == 1
    free[0] = 2 * 10**9
    clips.want(ring, desk.path(), BEGINS_MS, BEGINS_MS + 500, seen([0, 5900]))
    assert clips.close(60)
    assert (clips.counts.written, desk.disk.full) == (1, False)


def test_a_clip_that_cannot_be_decoded_is_said_and_the_next_one_written(
    film: Path, ring: Ring, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Ring(60, 10**7)
    with packets(film) as (stream, found):
        broken.opened(stream)
        for packet, at_ms in found:
            noise = av.Packet(b"\xff" * 500)
            noise.pts, noise.time_base, noise.is_keyframe = packet.pts, packet.time_base, packet.is_keyframe
            broken.add(noise, BEGINS_MS + at_ms)
    clips = desk.clips(originals=True)
    clips.want(broken, desk.path(), BEGINS_MS, BEGINS_MS + 1000, seen([0]))
    clips.want(ring, desk.path(), BEGINS_MS, BEGINS_MS + 1000, seen([0]))
    assert clips.close(60)
    assert (clips.counts.failed, clips.counts.written) == (1, 1)
    assert "no picture of the clip can be decoded" in caplog.text
    assert desk.files() == [f"{2:032x}.blurred.mp4", f"originals/{2:032x}.mp4"]


def test_what_cannot_be_asked_for(ring: Ring, desk: Desk) -> None:
    clips = desk.clips()
    with pytest.raises(InputError, match="cannot be the name of a clip"):
        clips.want(ring, desk.folder / "../passwd.mp4", 0, 1000, Sightings(1))
    with pytest.raises(InputError, match="is empty"):
        clips.want(ring, desk.path(), 1000, 1000, Sightings(1))
    assert clips.close(10)


def test_the_cameras_come_first(desk: Desk) -> None:
    clips = desk.clips()
    own = clips._thread.native_id
    assert own is not None
    others = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    until(lambda: os.getpriority(os.PRIO_PROCESS, own) == min(19, others + clip_module.NICENESS))
    assert clips.close(10)


def test_the_same_pictures_give_the_same_bytes(ring: Ring, desk: Desk) -> None:
    sightings = seen(range(0, 6000, 200), PERSON)
    one, two = (desk.clip(ring, 1500, 4000, sightings, originals=True) for _ in range(2))
    assert one.shown.read_bytes() == two.shown.read_bytes()
    assert one.original is not None
    assert two.original is not None
    assert one.original.read_bytes() == two.original.read_bytes()


def test_whoever_is_told_may_fail(ring: Ring, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_written: Written) -> None:
        raise RuntimeError("no")

    clips = Clips(desk.disk, written=fail)
    for _ in range(2):
        clips.want(ring, desk.path(), BEGINS_MS + 1000, BEGINS_MS + 1500, seen([2000]))
    assert clips.close(60)
    assert clips.counts.written == 2
    assert "nobody could be told of the clip" in caplog.text


def test_names() -> None:
    assert shown_path(Path("a/b.mp4"), blur=True) == Path("a/b.blurred.mp4")
    assert shown_path(Path("a/b.mp4"), blur=False) == Path("a/b.mp4")


@pytest.mark.assets
@pytest.mark.parametrize("name", ["plaza", "junction", "street", "tilting-camera"])
def test_real_streams(desk: Desk, name: str) -> None:
    try:
        path = assets.locate(f"clips/{name}.mp4", download=False)
    except AssetError as error:
        pytest.skip(str(error))
    ring = Ring(60, 64 * 10**6)
    play(ring, path)
    written = desk.clip(ring, 4000, 7000, seen(range(0, 9000, 200), PERSON), originals=True)
    assert written.original is not None
    with packets(path) as (_, all_of_it):
        taken = sorted(at_ms for _, at_ms in all_of_it)
    with packets(written.original) as (_, found):
        assert found[0][0].is_keyframe
    shown = [at_ms for at_ms, _ in decoded(written.original)]
    begins = next(each.pictures[0].at_ms for each in ring.cut(BEGINS_MS + 4000, BEGINS_MS + 7000)) - BEGINS_MS
    expected = [at_ms for at_ms in taken if begins <= at_ms <= begins + shown[-1] - shown[0] + 1]
    assert len(shown) == len(expected)
    assert all(
        abs(own - shown[0] - (at_ms - begins)) <= 1 for own, at_ms in zip(shown, expected, strict=True)
    )
    assert begins <= 4000
    assert expected[-1] >= 7000
    assert written.rendered is not None
    assert written.rendered.hidden == 0
    assert abs(written.rendered.ends_ms - written.rendered.begins_ms - 3000) < 200
