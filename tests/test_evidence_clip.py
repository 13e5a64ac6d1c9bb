"""Clips of alerts: they play, and show their span at its times."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import pytest
from beffroi import assets
from beffroi.errors import AssetError
from beffroi.evidence.clip import shown_path
from beffroi.evidence.ring import Ring
from evidence_desk import PERSON, TIMES, UNEVEN, Desk, detail, seen
from streams import BEGINS_MS, decoded, encoded, number, packets, play


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


def test_the_same_pictures_give_the_same_bytes(ring: Ring, desk: Desk) -> None:
    sightings = seen(range(0, 6000, 200), PERSON)
    one, two = (desk.clip(ring, 1500, 4000, sightings, originals=True) for _ in range(2))
    assert one.shown.read_bytes() == two.shown.read_bytes()
    assert one.original is not None
    assert two.original is not None
    assert one.original.read_bytes() == two.original.read_bytes()


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
