"""Reads recordings, and says where one is broken."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from beffroi.errors import MissingDependency, RecordingError
from beffroi.frame import NO_SIGNALS, Detections
from beffroi.recording.content import VERSION, Header, Recording, assembled
from beffroi.recording.mot import read_mot
from beffroi.recording.writer import suffix_of

READABLE = (".jsonl", ".jsonl.gz", ".parquet", ".txt")

_SIGNALS = TypeAdapter(dict[str, str])


def read_recording(
    path: Path, *, fps: float | None = None, size: tuple[int, int] | None = None, label: str = "person"
) -> Recording:
    """A recording from a file; the suffix decides the format.

    MOTChallenge detections (``.txt``, lines of ``frame,id,x,y,w,h,score``) do not say how many pictures a
    second there are, nor how large they are. That is taken from ``seqinfo.ini`` beside the file or one
    folder up.

    Parameters
    ----------
    path
        ``.jsonl``, ``.jsonl.gz``, ``.parquet`` or ``.txt``.
    fps, size, label
        Only for MOTChallenge: pictures per second, (width, height) in pixels, and what the boxes show.

    Raises
    ------
    RecordingError
        With the file, the line and what is wrong there.
    """
    suffix = suffix_of(path)
    if suffix not in READABLE:
        raise RecordingError(f"{path}: is no recording; expected a file with {', '.join(READABLE)}")
    if not path.is_file():
        raise RecordingError(f"{path}: there is no such file")
    try:
        if suffix == ".txt":
            return read_mot(path, fps, size, label)
        return _read_parquet(path) if suffix == ".parquet" else _read_lines(path, suffix == ".jsonl.gz")
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror or error}") from error


def read_header(path: Path) -> Header:
    """Only the header of a recording that beffroi wrote, without reading its boxes.

    Raises
    ------
    RecordingError
        If there is no such recording.
    """
    suffix = suffix_of(path)
    if suffix not in {".jsonl", ".jsonl.gz"}:
        return read_recording(path).header
    if not path.is_file():
        raise RecordingError(f"{path}: there is no such file")
    try:
        with gzip.open(path) if suffix == ".jsonl.gz" else path.open("rb") as file:
            number, first = next(_lines(path, file), (1, None))
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror or error}") from error
    return _header(f"{path}:{number}", first)


def _read_lines(path: Path, compressed: bool) -> Recording:
    with gzip.open(path) if compressed else path.open("rb") as file:
        lines = _lines(path, file)
        number, first = next(lines, (1, None))
        header = _header(f"{path}:{number}", first)
        pictures: list[tuple[int, Detections]] = []
        for number, value in lines:
            at_ms, found = _picture(f"{path}:{number}", value, len(header.labels))
            if pictures and at_ms <= pictures[-1][0]:
                before = pictures[-1][0]
                raise RecordingError(
                    f"{path}:{number}: {at_ms} ms is not after the {before} ms of the line before"
                )
            pictures.append((at_ms, found))
    return assembled(header, pictures)


def _lines(path: Path, file: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    """Line number from 1 and value of every line."""
    number = 0
    try:
        for line in file:
            number += 1
            try:
                value = json.loads(line)
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                if not line.endswith(b"\n"):
                    raise _cut_off(path, number) from error
                raise RecordingError(f"{path}:{number}: is not JSON: {error}") from error
            yield number, value
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        if number == 0:
            raise RecordingError(f"{path}: is not compressed with gzip, or cut off: {error}") from error
        raise _cut_off(path, number + 1) from error


def _cut_off(path: Path, number: int) -> RecordingError:
    return RecordingError(
        f"{path}:{number}: the line is cut off; the {max(0, number - 2)} pictures before it are whole"
    )


def _header(place: str, value: Any) -> Header:
    if not isinstance(value, dict) or value.pop("beffroi", None) != "recording":
        raise RecordingError(f'{place}: is no recording: expected {{"beffroi": "recording", ...}}')
    return _checked_header(place, value)


def _checked_header(place: str, value: dict[str, Any]) -> Header:
    version = value.pop("version", None)
    if version != VERSION:
        raise RecordingError(f"{place}: has version {version!r}; this beffroi reads version {VERSION}")
    try:
        return Header.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise RecordingError(f"{place}: header: {name}: {first['msg']}") from error


def _picture(place: str, value: Any, labels: int) -> tuple[int, Detections]:
    if not isinstance(value, dict) or not {"at_ms", "boxes"} <= set(value) <= {"at_ms", "boxes", "signals"}:
        raise RecordingError(f'{place}: expected {{"at_ms": ..., "boxes": [...]}}, perhaps with "signals"')
    at_ms, boxes = value["at_ms"], value["boxes"]
    if not isinstance(at_ms, int) or isinstance(at_ms, bool) or abs(at_ms) >= 2**63:
        raise RecordingError(f"{place}: at_ms is {at_ms!r}, expected a whole number of milliseconds")
    try:
        rows = np.array(boxes, np.float64).reshape(-1, 6) if boxes else np.empty((0, 6))
    except (ValueError, TypeError, OverflowError) as error:
        raise RecordingError(f"{place}: boxes: expected rows of x1, y1, x2, y2, score, class_id") from error
    return at_ms, _detections(place, rows, _signals(place, value.get("signals")), labels)


def _detections(place: str, rows: Any, signals: Any, labels: int) -> Detections:
    # Judged as float32: the digits of its largest value lie above it.
    with np.errstate(over="ignore"):
        numbers = rows[:, :5].astype(np.float32)
    if not np.isfinite(numbers).all() or not np.isfinite(rows).all():
        raise RecordingError(f"{place}: boxes: holds a number that is not finite")
    kinds = rows[:, 5]
    if (kinds != np.floor(kinds)).any() or (kinds < 0).any() or (kinds >= labels).any():
        raise RecordingError(f"{place}: boxes: a class_id is not a whole number from 0 to {labels - 1}")
    return Detections(
        np.ascontiguousarray(numbers[:, :4]),
        np.ascontiguousarray(numbers[:, 4]),
        kinds.astype(np.uint16),
        signals,
    )


def _signals(place: str, value: Any) -> Any:
    try:
        return _SIGNALS.validate_python(value, strict=True) if value else NO_SIGNALS
    except ValidationError as error:
        raise RecordingError(f"{place}: signals: expected names with texts") from error


def _read_parquet(path: Path) -> Recording:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingDependency("a recording in Parquet", "pyarrow", str(error)) from error
    try:
        table = pq.read_table(path)
    except pa.ArrowException as error:
        raise RecordingError(f"{path}: is no Parquet file, or cut off: {error}") from error
    about = (table.schema.metadata or {}).get(b"beffroi")
    if about is None or table.column_names != ["at_ms", "xyxy", "score", "class_id", "signals"]:
        raise RecordingError(f"{path}: is a Parquet file, but no recording")
    header = _checked_header(str(path), json.loads(about))
    pictures: list[tuple[int, Detections]] = []
    for number, row in enumerate(table.to_pylist(), 1):
        place = f"{path}: row {number}"
        boxes = np.array(row["xyxy"], np.float64).reshape(-1, 4)
        rows = np.column_stack([boxes, row["score"], row["class_id"]])
        found = _detections(place, rows, _signals(place, dict(row["signals"] or ())), len(header.labels))
        if pictures and row["at_ms"] <= pictures[-1][0]:
            raise RecordingError(f"{place}: time {row['at_ms']} ms is not after that of the row before")
        pictures.append((row["at_ms"], found))
    return assembled(header, pictures)
