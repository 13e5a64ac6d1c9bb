"""Video files and folders of pictures, through the door that a camera uses."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from beffroi.components import SourceConfig
from beffroi.errors import SourceError
from beffroi.frame import Frame
from beffroi.sources.file import Selection
from films import SIZE, context, film, left_edge, picture
from hypothesis import given
from hypothesis import strategies as st


def read(path: Path, fps: float | None = None, **settings: object) -> list[Frame]:
    source = SourceConfig.parse({"type": "file", "path": str(path), **settings}).build(
        context(path.parent), fps
    )
    try:
        return list(source.frames())
    finally:
        source.close()


def times(frames: list[Frame]) -> list[int]:
    return [frame.at_ms for frame in frames]


def test_every_picture_at_its_time(tmp_path: Path) -> None:
    frames = read(film(tmp_path / "a.mp4"))
    assert times(frames) == [40 * index for index in range(50)]
    assert all(frame.image.shape == (120, 160, 3) and frame.image.dtype == np.uint8 for frame in frames)
    assert all(abs(left_edge(frame.image) - 2 * index) <= 2 for index, frame in enumerate(frames))


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_containers_start_at_zero(tmp_path: Path, suffix: str) -> None:
    frames = read(film(tmp_path / f"a.{suffix}", 30))
    assert times(frames)[:3] == [0, 40, 80]
    assert len(frames) == 30


def test_analysis_rate_is_met_without_drift(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 300, fps=29.97)
    frames = read(path, fps=5)
    assert len(frames) == 50
    wanted = [200 * index for index in range(50)]
    assert max(abs(at - due) for at, due in zip(times(frames), wanted, strict=True)) <= 17


def test_only_analysed_pictures_are_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from beffroi.video import VideoFile

    converted = []
    image = VideoFile.image
    monkeypatch.setattr(VideoFile, "image", lambda self, frame: converted.append(1) or image(self, frame))
    assert len(read(film(tmp_path / "a.mp4", 50), fps=5)) == len(converted) == 10


def test_variable_frame_rate(tmp_path: Path) -> None:
    stamps = [*range(0, 1000, 40), *range(1000, 5000, 500), *range(5000, 6000, 20)]
    path = film(tmp_path / "a.mp4", times_ms=stamps)
    assert times(read(path)) == stamps
    chosen = times(read(path, fps=5))
    # 5 in the first second, every one of the slow part, 5 in the last second and the one nearest to its end.
    assert len([at for at in chosen if at < 1000]) == 5
    assert [at for at in chosen if 1000 <= at < 5000] == list(range(1000, 5000, 500))
    assert len([at for at in chosen if at >= 5000]) == 6


@given(
    steps=st.lists(st.integers(1, 400), min_size=1, max_size=200),
    fps=st.floats(0.5, 60),
    rate=st.none() | st.floats(1, 120),
)
def test_selection_takes_at_most_one_of_each_period_and_misses_none(
    steps: list[int], fps: float, rate: float | None
) -> None:
    selection = Selection(fps, rate)
    stamps = np.concatenate([[0], np.cumsum(steps)]).tolist()
    chosen = [at for at in stamps if selection.wants(at)]
    assert chosen[0] == 0
    assert len(chosen) <= stamps[-1] * fps / 1000 + 2
    # Between two pictures that are left out there is never more than a period.
    for before, after in pairwise(stamps):
        last = max(at for at in chosen if at <= after)
        assert after - last < 2 * 1000 / fps + (after - before) + 1


def test_turned_upright(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 3, rotation=90)
    source = SourceConfig.parse({"type": "file", "path": str(path)}).build(context(tmp_path), None)
    assert source.size == (SIZE[1], SIZE[0])
    first = next(iter(source.frames()))
    source.close()
    assert first.image.shape == (160, 120, 3)
    # Turned by 90 degrees counter-clockwise, the square of the top left corner is at the bottom left.
    assert first.image[145:155, 12:28].mean() > 200
    assert first.image[5:15, 12:28].mean() < 120


def test_sound_is_left_alone(tmp_path: Path) -> None:
    assert len(read(film(tmp_path / "a.mp4", 20, sound=True))) == 20


def test_start_and_end_keep_the_time_of_the_file(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 100)
    frames = read(path, start=1.0, end=2.0)
    assert times(frames) == list(range(1000, 2000, 40))
    assert abs(left_edge(frames[0].image) - 50) <= 2


def test_truncated_film_gives_what_is_readable_and_then_says_where(tmp_path: Path) -> None:
    whole = film(tmp_path / "a.mp4", 100, options={"movflags": "faststart"})
    data = whole.read_bytes()
    part = tmp_path / "part.mp4"
    part.write_bytes(data[: len(data) // 2])
    source = SourceConfig.parse({"type": "file", "path": str(part)}).build(context(tmp_path), None)
    seen: list[Frame] = []
    with pytest.raises(SourceError, match=r"part\.mp4: cut off at [12]\.\d s: it holds \d+ of 100 pictures"):
        seen.extend(source.frames())
    assert 30 <= len(seen) < 70
    assert times(seen) == [40 * index for index in range(len(seen))]


def test_truncated_matroska_is_noticed_by_its_length(tmp_path: Path) -> None:
    data = film(tmp_path / "a.mkv", 150).read_bytes()
    part = tmp_path / "part.mkv"
    part.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match=r"part\.mkv: cut off at \d\.\d s: it announces 6\.0 s"):
        read(part)


def test_damage_inside_is_skipped_and_counted(tmp_path: Path) -> None:
    data = bytearray(film(tmp_path / "a.ts", 100).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    path = tmp_path / "damaged.ts"
    path.write_bytes(data)
    frames = read(path)
    assert 50 < len(frames) <= 100
    assert times(frames) == sorted(set(times(frames)))
    assert times(frames)[-1] == 3960


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.mp4", None, "there is no such file"),
        ("empty.mp4", b"", "is not a video, or was cut off before its index was written"),
        ("text.mp4", b"just text, no film", "is not a video"),
    ],
)
def test_what_is_no_video(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=rf"{name}: {message}"):
        read(tmp_path / name)


def test_index_cut_off(tmp_path: Path) -> None:
    data = film(tmp_path / "a.mp4").read_bytes()
    (tmp_path / "b.mp4").write_bytes(data[: len(data) - 500])
    with pytest.raises(SourceError, match="cut off before its index was written"):
        read(tmp_path / "b.mp4")


def test_folder_picture_and_sound_are_told_apart(tmp_path: Path) -> None:
    import wave

    with pytest.raises(SourceError, match="type: images"):
        read(tmp_path)
    cv2.imwrite(str(tmp_path / "a.png"), picture(0))
    with pytest.raises(SourceError, match="is a picture, not a video"):
        read(tmp_path / "a.png")
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(1600))
    with pytest.raises(SourceError, match="holds no video stream, only audio"):
        read(tmp_path / "a.wav")


def test_settings_that_make_no_sense(tmp_path: Path) -> None:
    config = SourceConfig.parse({"type": "file", "path": "nowhere.mp4"})
    assert [place for place, _ in config.findings(context(tmp_path))] == [("path",)]
    with pytest.raises(ValueError, match="is not after start"):
        SourceConfig.parse({"type": "file", "path": "a.mp4", "start": 5, "end": 5})


def test_pace_real_waits_and_stops_at_once(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 100, fps=5)
    source = SourceConfig.parse({"type": "file", "path": str(path), "pace": "real"}).build(
        context(tmp_path), None
    )
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.extend(frame.at_ms for frame in source.frames()))
    thread.start()
    time.sleep(0.5)
    source.close()
    thread.join(10)
    assert not thread.is_alive()
    # 20 s of film: how many pictures came in half a second depends on the machine; all of them never do.
    assert len(seen) < 50


def test_close_closes_the_file(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4")
    source = SourceConfig.parse({"type": "file", "path": str(path)}).build(context(tmp_path), None)
    frames = source.frames()
    next(frames)
    source.close()
    source.close()
    assert list(frames) == []
    opened = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert path not in opened


def images(folder: Path, fps: float | None = None, **settings: object) -> list[Frame]:
    config = SourceConfig.parse({"type": "images", "path": str(folder), "fps": 10, **settings})
    return list(config.build(context(folder.parent), fps).frames())


def test_pictures_in_natural_order(tmp_path: Path) -> None:
    for index in (0, 1, 2, 10, 11):
        cv2.imwrite(str(tmp_path / f"shot{index}.png"), picture(index))
    (tmp_path / "notes.txt").write_text("not a picture")
    frames = images(tmp_path)
    assert times(frames) == [0, 100, 200, 300, 400]
    assert [round(left_edge(frame.image) / 2) for frame in frames] == [0, 1, 2, 10, 11]
    assert times(images(tmp_path, fps=5)) == [0, 200, 400]
    assert len(images(tmp_path / "shot1*.png")) == 3


def test_pictures_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no pictures here"):
        images(tmp_path)
    cv2.imwrite(str(tmp_path / "a1.png"), picture(0))
    (tmp_path / "a2.png").write_bytes(b"no picture")
    with pytest.raises(SourceError, match=r"a2\.png: is not a picture"):
        images(tmp_path)
    cv2.imwrite(str(tmp_path / "a2.png"), picture(0, (80, 60)))
    with pytest.raises(SourceError, match=r"a2\.png: is 80 x 60, but the first picture is 160 x 120"):
        images(tmp_path)
