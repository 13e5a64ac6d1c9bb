"""Recordings in chunks: no damage goes unnoticed, and a crash takes the last chunk at most."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import numpy as np
import pytest
from beffroi.errors import RecordingError
from beffroi.frame import Detections
from beffroi.recording import Header, RecordingWriter, read_parts, read_recording
from beffroi.recording.columns import MAGIC, PICTURES
from hypothesis import given, settings
from hypothesis import strategies as st

HEADER = Header(labels=("person", "car"), camera="gate", width=640, height=480)


def boxes(count: int) -> Detections:
    xyxy = np.linspace(0, 1, 4 * count, dtype=np.float32).reshape(count, 4)
    return Detections(xyxy, np.full(count, 0.5, np.float32), np.arange(count, dtype=np.uint16) % 2)


def write(path: Path, pictures: int) -> Path:
    with RecordingWriter(path, HEADER) as writer:
        for number in range(pictures):
            motion = (1.0, 0.0, 0.1, 0.0, 1.0, 0.0) if number == 3 else None
            writer.write(200 * number, boxes(number % 4), motion)
        writer.pause(200 * pictures, "view_lost")
        writer.note({"at_ms": 0, "rule": "blind"})
    return path


with TemporaryDirectory() as folder:
    WHOLE = write(Path(folder) / "a.boxes", PICTURES + 20).read_bytes()


def read(content: bytes, name: str = "a.boxes") -> int:
    """How many pictures are read."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return len(read_recording(path))


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7))
def test_every_changed_bit_is_noticed(place: int, bit: int) -> None:
    changed = bytearray(WHOLE)
    changed[place] ^= 1 << bit
    with pytest.raises(RecordingError, match=r"is no recording|chunk \d+"):
        read(bytes(changed))


@settings(max_examples=100, deadline=None)
@given(end=st.integers(0, len(WHOLE) - 1))
def test_a_shorter_file_is_noticed_and_a_draft_is_read_as_far_as_it_is_whole(end: int) -> None:
    with pytest.raises(RecordingError, match=r"is no recording|cut off|the end is missing"):
        read(WHOLE[:end])
    if end < WHOLE.index(b"PART"):
        with pytest.raises(RecordingError, match=r"is no recording|its header is cut off"):
            read(WHOLE[:end], "a.part.boxes")
    else:
        first, second = WHOLE.index(b"PART", WHOLE.index(b"PART") + 4), WHOLE.index(b"DONE")
        assert read(WHOLE[:end], "a.part.boxes") == PICTURES * (end >= first) + 20 * (end >= second)


def test_where_it_is_cut_off(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.boxes"
    path.write_bytes(WHOLE[:-60])
    with pytest.raises(RecordingError, match=rf"chunk 2 is cut off; the {PICTURES} pictures before"):
        read_recording(path)
    draft = path.rename(tmp_path / "a.part.boxes")
    with caplog.at_level(logging.WARNING):
        assert len(read_recording(draft)) == PICTURES
    assert f"chunk 2 is cut off; the {PICTURES} pictures" in caplog.text


def block(kind: bytes, text: object, data: bytes = b"") -> bytes:
    plain = json.dumps(text).encode()
    head = kind + len(plain).to_bytes(4, "little") + len(data).to_bytes(8, "little")
    head += crc32(data, crc32(plain)).to_bytes(4, "little")
    return head + crc32(head).to_bytes(4, "little") + plain + data


HEAD = MAGIC + block(b"HEAD", {"version": 2, "labels": ["person"]})
PART = {"pictures": 0, "boxes": 0, "motion": False, "signals": [], "pauses": [], "notes": []}


def picture(at_ms: int, *, kind: int = 0, score: float = 0.5, count: int = 1) -> bytes:
    columns = [np.array([at_ms], "<i8"), np.array([count], "<u4"), np.array([0, 0, 1, 1, score], "<f4")]
    return b"".join(column.tobytes() for column in [*columns, np.array([kind], "<u2")])


ONE = {**PART, "pictures": 1, "boxes": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no recording: it does not begin with 'BEFFROI BOXES 2'"),
        (MAGIC, "its header is cut off or missing"),
        (MAGIC + block(b"DONE", {}), "its header is cut off or missing"),
        (MAGIC + block(b"HEAD", []), "its header is cut off or missing"),
        (MAGIC + block(b"HEAD", {"version": 9}), "has version 9; this beffroi reads versions 1 and 2"),
        (MAGIC + block(b"HEAD", {"version": 2}), "header: labels: Field required"),
        (HEAD, "a.boxes: the end is missing; the 0 pictures before it are whole"),
        (HEAD + block(b"FOOD", 3), "chunk 1: this beffroi does not know its kind b'FOOD'"),
        (HEAD + block(b"DONE", {"pictures": 1}), "chunk 1: the recording ends after 0 pictures"),
        (HEAD + block(b"DONE", {"pictures": 0}) + block(b"PART", PART), "chunk 2: comes after the end"),
        (HEAD + block(b"PART", [])[:-1] + b"!", "chunk 1: is broken: its checksum does not fit"),
        (HEAD + block(b"PART", []), "chunk 1: expected boxes, motion, notes"),
        (HEAD + block(b"PART", {**PART, "pictures": -1}), "chunk 1: pictures and boxes must be numbers"),
        (HEAD + block(b"PART", {**PART, "pictures": 1}), "chunk 1: holds 0 bytes of columns, expected 12"),
        (HEAD + block(b"PART", {**PART, "signals": [[0, {}]]}), "chunk 1: signals: expected pairs"),
        (HEAD + block(b"PART", {**PART, "signals": 3}), "chunk 1: signals: expected pairs"),
        (HEAD + block(b"PART", {**PART, "pauses": [3]}), "chunk 1: pauses: expected pairs"),
        (HEAD + block(b"PART", {**PART, "pauses": [[0, ""]]}), "chunk 1: pause: expected its reason"),
        (
            HEAD + block(b"PART", {**PART, "pauses": [[9, "a"], [8, "a"]]}),
            "chunk 1: pause at 8 ms comes",
        ),
        (HEAD + block(b"PART", {**PART, "notes": 3}), "chunk 1: notes: expected a list"),
        (HEAD + block(b"PART", {**PART, "notes": [3]}), "chunk 1: note: expected a mapping"),
        (HEAD + block(b"PART", ONE, picture(0, kind=1)), "chunk 1: boxes: a class_id is not"),
        (HEAD + block(b"PART", ONE, picture(0, score=np.inf)), "chunk 1: boxes: holds a number that is not"),
        (HEAD + block(b"PART", ONE, picture(0, count=2)), "chunk 1: its pictures have 2 boxes, expected 1"),
        (HEAD + 2 * block(b"PART", ONE, picture(7)), "chunk 2: picture at 7 ms comes after the one at 7 ms"),
        (
            HEAD + block(b"PART", {**PART, "pauses": [[9, "a"]]}) + block(b"PART", ONE, picture(9)),
            "chunk 2: picture at 9 ms comes after a pause at 9 ms",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_chunk(content: bytes, message: str) -> None:
    with pytest.raises(RecordingError) as caught:
        read(content)
    assert message in str(caught.value)


KILLED = """
import os, signal, sys
from pathlib import Path
from test_recording_columns import HEADER, boxes
from beffroi.recording import RecordingWriter
writer = RecordingWriter(Path(sys.argv[1]), HEADER)
for number in range(int(sys.argv[2])):
    writer.write(200 * number, boxes(2))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("suffix", [".boxes", ".jsonl", ".jsonl.gz"])
def test_a_crash_takes_the_last_chunk_at_most(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    pictures = 2 * PICTURES + 100
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", KILLED, path, str(pictures)]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    assert not path.exists()
    draft = read_recording(tmp_path / f"a.part{suffix}")
    assert pictures - PICTURES <= len(draft) <= pictures
    assert draft.at_ms.tolist() == [200 * number for number in range(len(draft))]


def test_parts_are_small(tmp_path: Path) -> None:
    parts = list(read_parts(write(tmp_path / "a.boxes", 3 * PICTURES))[1])
    assert [len(part) for part in parts] == [PICTURES, PICTURES, PICTURES, 0]
    assert parts[-1].pauses == [(200 * 3 * PICTURES, "view_lost")]
