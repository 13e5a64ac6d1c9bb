"""Recordings: what is written is what is read, bit for bit, and what is broken is named with its line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from beffroi.errors import InputError, RecordingError
from beffroi.frame import Detections
from beffroi.recording import Header, RecordingWriter, read_header, read_recording
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

LABELS = ("person", "car", "vélo")
HEADER = Header(labels=LABELS, camera="gate", view="day", width=640, height=480, fps=5, model="m 1")
SUFFIXES = (".jsonl", ".jsonl.gz", ".boxes", ".parquet")


def boxes(count: int, signals: dict[str, str] | None = None) -> Detections:
    xyxy = np.linspace(0, 1, 4 * count, dtype=np.float32).reshape(count, 4)
    score, kind = np.full(count, 0.1, np.float32), np.arange(count, dtype=np.uint16) % 3
    return Detections(xyxy, score, kind, signals or {})


def write(path: Path, pictures: list[tuple[int, Detections]], header: Header = HEADER) -> Path:
    with RecordingWriter(path, header) as writer:
        for at_ms, found in pictures:
            writer.write(at_ms, found)
    return path


floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def detections(draw: st.DrawFn) -> Detections:
    count = draw(st.integers(0, 5))
    return Detections(
        draw(npst.arrays(np.float32, (count, 4), elements=floats)),
        draw(npst.arrays(np.float32, (count,), elements=floats)),
        draw(npst.arrays(np.uint16, (count,), elements=st.integers(0, 2))),
        draw(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2)),
    )


numbers = st.floats(allow_nan=False, allow_infinity=False)
plain = st.none() | st.integers(-(2**53), 2**53) | numbers | st.text(max_size=5)


@st.composite
def pictures_and_more(draw: st.DrawFn) -> list[tuple[str, tuple[Any, ...]]]:
    """Calls of a writer, in an order that it takes."""
    calls: list[tuple[str, tuple[Any, ...]]] = []
    at_ms = draw(st.integers(-(2**40), 2**40))
    for kind in draw(st.lists(st.sampled_from(["write", "write", "write", "pause", "note"]), max_size=8)):
        if kind == "write":
            at_ms += draw(st.integers(1, 5000))
            motion = draw(st.none() | st.tuples(*[numbers] * 6))
            calls.append((kind, (at_ms, draw(detections()), motion)))
        elif kind == "pause":
            at_ms += draw(st.integers(0, 5000))
            calls.append((kind, (at_ms, draw(st.text(min_size=1, max_size=5)))))
        else:
            told = draw(st.dictionaries(st.text(max_size=5), plain, max_size=2))
            calls.append((kind, ({**told, "at_ms": draw(st.integers(-(2**40), 2**40))},)))
    return calls


@settings(max_examples=80, deadline=None)
@given(calls=pictures_and_more(), suffix=st.sampled_from(SUFFIXES), camera=st.text(max_size=10))
def test_read_gives_what_was_written_bit_for_bit(
    calls: list[tuple[str, tuple[Any, ...]]], suffix: str, camera: str
) -> None:
    header = HEADER.model_copy(update={"camera": camera})
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        with RecordingWriter(path, header) as writer:
            for name, arguments in calls:
                getattr(writer, name)(*arguments)
        recording = read_recording(path)
        assert read_header(path) == recording.header == header
    written = [arguments for name, arguments in calls if name == "write"]
    assert recording.at_ms.tolist() == [at for at, *_ in written]
    for (_, before, _), (_, after) in zip(written, recording.pictures(), strict=True):
        assert after.xyxy.tobytes() == before.xyxy.tobytes()
        assert after.score.tobytes() == before.score.tobytes()
        assert after.class_id.tobytes() == before.class_id.tobytes()
        assert dict(after.signals) == dict(before.signals)
    assert [recording.motion_of(i) for i in range(len(recording))] == [motion for *_, motion in written]
    assert recording.pauses == [arguments for name, arguments in calls if name == "pause"]
    assert recording.notes == [arguments[0] for name, arguments in calls if name == "note"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_same_boxes_give_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    pictures = [(200 * index, boxes(index % 4)) for index in range(600)]
    first, second = (write(tmp_path / f"{name}{suffix}", pictures) for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    assert len(read_recording(first)) == 600


def test_recordings_of_the_first_version_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(lines('{"at_ms":0,"boxes":[[0,0,1,1,0.5,0]],"signals":{"a":"b"}}'))
    recording = read_recording(path)
    assert (len(recording), recording.motion, recording.pauses, recording.notes) == (1, None, [], [])


def test_lines_are_for_people_too(tmp_path: Path) -> None:
    found = Detections(
        np.array([[0.1, 0.2, 0.3, 0.4]], np.float32), np.array([0.9], np.float32), np.array([2], np.uint16)
    )
    lines = write(tmp_path / "a.jsonl", [(200, found)]).read_text("utf-8").splitlines()
    assert json.loads(lines[0])["labels"] == list(LABELS)
    assert lines[1] == '{"at_ms":200,"boxes":[[0.1,0.2,0.3,0.4,0.9,2]]}'


def test_arguments_of_the_engine(tmp_path: Path) -> None:
    recording = read_recording(write(tmp_path / "a.jsonl", [(0, boxes(2)), (200, boxes(0)), (400, boxes(1))]))
    arguments = recording.replay_args()
    assert arguments["offsets"].tolist() == [0, 2, 2, 3]
    assert arguments["at_ms"].dtype == np.int64
    assert arguments["xyxy"].shape == (3, 4)
    assert arguments["signals"] is None
    lit = read_recording(write(tmp_path / "b.jsonl", [(0, boxes(1)), (1, boxes(1, {"light": "red"}))]))
    assert lit.replay_args()["signals"] == [None, {"light": "red"}]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_name_is_taken_when_it_is_whole(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    writer = RecordingWriter(path, HEADER)
    writer.write(0, boxes(3))
    assert not path.exists()
    writer.close()
    writer.close()
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_abandoned_recording_keeps_what_is_whole(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    before = write(path, [(0, boxes(1))]).read_bytes()
    with pytest.raises(InputError), RecordingWriter(path, HEADER) as writer:
        write_one_and_break(writer)
    assert path.read_bytes() == before
    part = read_recording(tmp_path / f"a.part{suffix}")
    assert len(part) == 1
    assert len(part.xyxy) == 3


def test_an_abandoned_recording_without_pictures_leaves_nothing(tmp_path: Path) -> None:
    RecordingWriter(tmp_path / "a.jsonl", HEADER).abandon()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".txt", ".csv", ""])
def test_only_known_suffixes_are_written(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(RecordingError, match=r"\.jsonl"):
        RecordingWriter(tmp_path / f"a{suffix}", HEADER)


def test_what_could_not_be_replayed_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    bad = boxes(1)
    with RecordingWriter(path, HEADER) as writer:
        writer.write(100, boxes(2))
        with pytest.raises(RecordingError, match="comes after the one at 100 ms"):
            writer.write(100, boxes(1))
        with pytest.raises(RecordingError, match="not finite"):
            writer.write(200, Detections(bad.xyxy * np.float32("nan"), bad.score, bad.class_id))
        with pytest.raises(RecordingError, match="class 3, but there are 3 labels"):
            writer.write(200, Detections(bad.xyxy, bad.score, bad.class_id + np.uint16(3)))
        with pytest.raises(RecordingError, match="motion: expected six finite numbers"):
            writer.write(200, boxes(1), [1, 0, 0, 0, 1])
        with pytest.raises(RecordingError, match="pause at 99 ms comes after what was at 100 ms"):
            writer.pause(99, "view_lost")
        with pytest.raises(RecordingError, match="expected its reason"):
            writer.pause(100, "")
        writer.pause(300, "view_lost")
        with pytest.raises(RecordingError, match="picture at 300 ms comes after a pause at 300 ms"):
            writer.write(300, boxes(1))
        with pytest.raises(RecordingError, match="note: at_ms is None"):
            writer.note({"rule": "blind"})
        with pytest.raises(RecordingError, match="note: Object of type"):
            writer.note({"at_ms": 1, "rule": np.float32(1)})
    assert len(read_recording(path)) == 1
    with pytest.raises(RecordingError, match="is closed"):
        writer.write(300, boxes(1))


def test_nowhere_to_write(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be written"):
        RecordingWriter(tmp_path / "no" / "folder" / "a.jsonl", HEADER)


def write_one_and_break(writer: RecordingWriter) -> None:
    writer.write(0, boxes(3))
    raise InputError("the detector broke")


FIRST = '{"beffroi":"recording","version":1,"labels":["person"]}'


def lines(*more: str) -> str:
    return "\n".join([FIRST, *more, ""])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "1: is no recording"),
        ('{"labels":["person"]}', "1: is no recording"),
        ('{"beffroi":"recording","version":3,"labels":[]}', "1: has version 3; this beffroi reads"),
        ('{"beffroi":"recording","version":1}', "1: header: labels: Field required"),
        ('{"beffroi":"recording","version":1,"labels":[],"colour":1}', "1: header: colour: Extra"),
        (lines('{"at_ms":0,"boxes":[]}', "nonsense"), "3: is not JSON"),
        (lines('{"at_ms":0,"boxes":[]}') + '{"at_ms":9,"box', "3: the line is cut off; the 1 pictures"),
        (
            lines('{"at_ms":0,"boxes":[]}', '{"at_ms":0,"boxes":[]}'),
            "3: picture at 0 ms comes after the one at 0 ms",
        ),
        (lines('{"at_ms":0.5,"boxes":[]}'), "2: at_ms is 0.5"),
        (lines('{"at_ms":0}'), "2: expected"),
        (lines('{"at_ms":0,"boxes":[],"colour":1}'), "2: expected"),
        (lines('{"at_ms":0,"boxes":[[1,2,3]]}'), "2: boxes: expected rows"),
        (lines('{"at_ms":0,"boxes":[["a",0,0,0,0,0]]}'), "2: boxes: expected rows"),
        (lines('{"at_ms":0,"boxes":[[0,0,1,1,NaN,0]]}'), "2: boxes: holds a number that is not finite"),
        (lines('{"at_ms":0,"boxes":[[0,0,1e39,1,0,0]]}'), "2: boxes: holds a number that is not finite"),
        (lines('{"at_ms":0,"boxes":[[0,0,1,1,0.5,1]]}'), "2: boxes: a class_id is not a whole number"),
        (lines('{"at_ms":0,"boxes":[[0,0,1,1,0.5,0.5]]}'), "2: boxes: a class_id is not a whole number"),
        (lines('{"at_ms":0,"boxes":[],"signals":{"a":1}}'), "2: signals: expected names with texts"),
        (lines('{"at_ms":0,"boxes":[],"motion":[1,0,0,0,1]}'), "2: motion: expected six finite numbers"),
        (lines('{"at_ms":0,"boxes":[],"motion":[1,0,0,0,1,NaN]}'), "2: motion: expected six finite numbers"),
        (lines('{"at_ms":9,"boxes":[]}', '{"at_ms":8,"pause":"a"}'), "3: pause at 8 ms comes after what was"),
        (
            lines('{"at_ms":9,"pause":"a"}', '{"at_ms":9,"boxes":[]}'),
            "3: picture at 9 ms comes after a pause",
        ),
        (lines('{"at_ms":9,"pause":7}'), "2: pause: expected its reason"),
        (lines('{"note":{"a":1}}'), "2: note: at_ms is None"),
        (lines('{"note":3}'), "2: note: expected a mapping"),
    ],
)
def test_what_is_broken_is_named_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(content, "utf-8")
    with pytest.raises(RecordingError) as caught:
        read_recording(path)
    assert f"{path}:{message}" in str(caught.value)


def test_broken_compression(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl.gz", [(200 * index, boxes(3)) for index in range(2000)])
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(RecordingError, match=r"gz:\d+: the line is cut off; the \d+ pictures before it"):
        read_recording(path)
    path.write_text("not compressed")
    with pytest.raises(RecordingError, match="is not compressed with gzip"):
        read_recording(path)
    path.write_bytes(gzip.compress(b""))
    with pytest.raises(RecordingError, match="is no recording"):
        read_recording(path)


def test_broken_parquet(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", [(0, boxes(3))])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RecordingError, match="is no Parquet file, or cut off"):
        read_recording(path)


def test_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no such file"):
        read_recording(tmp_path / "a.jsonl")
    with pytest.raises(RecordingError, match="there is no such file"):
        read_header(tmp_path / "a.jsonl")
    with pytest.raises(RecordingError, match=r"is no recording; expected a file with \.jsonl"):
        read_recording(tmp_path / "a.avi")


MOT = "3,-1,10,20,30,40,0.9\n1,-1,0,0,64,48,55\n1,-1,64,48,64,48,-0.5,-1,-1\n"


def test_motchallenge_with_its_sequence_file(tmp_path: Path) -> None:
    (tmp_path / "det").mkdir()
    (tmp_path / "det" / "det.txt").write_text(MOT)
    (tmp_path / "seqinfo.ini").write_text(
        "[Sequence]\nname=a\nframeRate=10\nseqLength=5\nimWidth=640\nimHeight=480\n"
    )
    recording = read_recording(tmp_path / "det" / "det.txt")
    assert recording.at_ms.tolist() == [0, 100, 200, 300, 400]
    assert recording.offsets.tolist() == [0, 2, 2, 3, 3, 3]
    assert recording.header.labels == ("person",)
    assert (recording.header.width, recording.header.height, recording.header.fps) == (640, 480, 10)
    np.testing.assert_allclose(recording.xyxy[0], [0, 0, 0.1, 0.1])
    np.testing.assert_allclose(recording.score, [1, 0, 0.9])


def test_motchallenge_with_arguments(tmp_path: Path) -> None:
    path = tmp_path / "det.txt"
    path.write_text(MOT)
    with pytest.raises(RecordingError, match="do not say their frame rate and picture size"):
        read_recording(path)
    recording = read_recording(path, fps=30, size=(640, 480), label="car")
    assert recording.at_ms.tolist() == [0, 33, 67]
    assert recording.header.labels == ("car",)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,-1,a,0,10,10,1", "det.txt:2: could not convert"),
        ("1,-1,0,0,10", "det.txt:2: 5 numbers; expected"),
        ("0,-1,0,0,10,10,1", "det.txt:2: frame 0; expected"),
        ("1e12,-1,0,0,10,10,1", "det.txt:2: frame"),
        ("1,-1,0,0,nan,10,1", "det.txt:2: 7 numbers; expected"),
        ("1,-1,0,0,-3,10,1", "det.txt:2: a box of -3 x 10 pixels"),
    ],
)
def test_motchallenge_mistakes(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "det.txt"
    path.write_text(f"1,-1,0,0,10,10,1\n{line}\n")
    with pytest.raises(RecordingError) as caught:
        read_recording(path, fps=30, size=(640, 480))
    assert message in str(caught.value)
