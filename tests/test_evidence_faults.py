"""Clips wait, are too many, meet full disks and ends of runs: nothing hangs and nothing is left behind."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from beffroi.errors import InputError
from beffroi.evidence import clip as clip_module
from beffroi.evidence import draft
from beffroi.evidence.clip import Clips, Written
from beffroi.evidence.disk import Disk
from beffroi.evidence.ring import Ring
from beffroi.evidence.sightings import Sightings
from evidence_desk import TIMES, Desk, boxes, seen, until
from streams import BEGINS_MS, encoded, packets, play


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


def test_nothing_at_all(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    clips = desk.clips()
    assert clips.want(Ring(60, 10**7), desk.path(), 0, 1000, Sightings(60))
    assert clips.close(10)
    assert clips.counts.missed == 1
    assert desk.files() == []
    assert "the camera sent no picture to make a clip of" in caplog.text


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
            time.sleep(0.2)
            between()

        return real(*args, between=wait, **settings)

    monkeypatch.setattr(clip_module, "write", slow)
    clips = desk.clips()
    for _ in range(3):
        clips.want(ring, desk.path(), BEGINS_MS, BEGINS_MS + 5900, seen([0, 5900]))
    begin = time.monotonic()
    assert not clips.close(1.0)
    # To the end it would be more than half a minute: three clips of 60 pictures.
    assert time.monotonic() - begin < 15
    until(lambda: clips.counts.given_up == 3)
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


def test_whoever_is_told_may_fail(ring: Ring, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_written: Written) -> None:
        raise RuntimeError("no")

    clips = Clips(desk.disk, written=fail)
    for _ in range(2):
        clips.want(ring, desk.path(), BEGINS_MS + 1000, BEGINS_MS + 1500, seen([2000]))
    assert clips.close(60)
    assert clips.counts.written == 2
    assert "nobody could be told of the clip" in caplog.text
