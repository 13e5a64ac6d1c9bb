"""Recordings as Parquet: for tools that analyse tables. Needs pyarrow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from beffroi.errors import MissingDependency, RecordingError
from beffroi.frame import Detections
from beffroi.recording import checks
from beffroi.recording.content import VERSION, Affine, Growing, Header, Recording

GROUP = 512
"""Pictures per row group."""

COLUMNS = ("at_ms", "xyxy", "score", "class_id", "signals", "motion")


class Parquet:
    """One row per picture, in groups. Pauses and notes are few, and stand in the metadata of the file."""

    def __init__(self, path: Path, header: Header) -> None:
        pa, pq = _arrow()
        fields = {
            "at_ms": pa.int64(),
            "xyxy": pa.list_(pa.float32()),
            "score": pa.list_(pa.float32()),
            "class_id": pa.list_(pa.uint16()),
            "signals": pa.map_(pa.string(), pa.string()),
            "motion": pa.list_(pa.float64()),
        }
        about = {"version": VERSION, **header.model_dump(mode="json")}
        schema = pa.schema(fields, metadata={"beffroi": json.dumps(about, ensure_ascii=False)})
        self._table: Any = partial(pa.table, schema=schema)
        self._columns: dict[str, list[Any]] = {name: [] for name in fields}
        self._file: Any = pq.ParquetWriter(path, schema, compression="zstd")
        self._pauses: list[tuple[int, str]] = []
        self._notes: list[dict[str, Any]] = []

    def write(self, at_ms: int, detections: Detections, motion: Affine | None, /) -> None:
        """Add a picture."""
        signals = list(detections.signals.items()) or None
        row = (at_ms, detections.xyxy.ravel(), detections.score, detections.class_id, signals, motion)
        for column, value in zip(self._columns.values(), row, strict=True):
            column.append(value.copy() if isinstance(value, np.ndarray) else value)
        if len(self._columns["at_ms"]) >= GROUP:
            self._flush()

    def pause(self, at_ms: int, reason: str, /) -> None:
        """Add a pause."""
        self._pauses.append((at_ms, reason))

    def note(self, event: dict[str, Any], /) -> None:
        """Add a note."""
        self._notes.append(event)

    def close(self) -> None:
        """Finish the file."""
        self._flush()
        more = {"pauses": self._pauses, "notes": self._notes}
        told = {f"beffroi.{name}": json.dumps(entries) for name, entries in more.items() if entries}
        if told:
            self._file.add_key_value_metadata(told)
        self._file.close()

    def _flush(self) -> None:
        if self._columns["at_ms"]:
            self._file.write_table(self._table(self._columns))
            for column in self._columns.values():
                column.clear()


def header(path: Path) -> Header:
    """The metadata of the schema."""
    about, _ = _opened(path)
    return about


def parts(path: Path, header: Header) -> Iterator[Recording]:
    """Some row groups at once; pauses and notes with the last."""
    pa, _ = _arrow()
    _, file = _opened(path)
    order, growing, number = checks.Order(), Growing(), 0
    more = [_listed(path, file, name) for name in ("pauses", "notes")]
    pauses = [checks.pause_of(f"{path}: pause {i}", *entry) for i, entry in enumerate(more[0])]
    try:
        for batch in file.iter_batches(4096):
            for row in batch.to_pylist():
                number += 1
                place = f"{path}: row {number}"
                boxes = np.array(row["xyxy"], np.float64).reshape(-1, 4)
                rows = np.column_stack([boxes, row["score"], row["class_id"]])
                found = checks.boxes_of(place, rows, dict(row["signals"] or ()), len(header.labels))
                motion = checks.motion_of(place, row.get("motion"))
                while pauses and pauses[0][0] < row["at_ms"]:
                    order.pause(place, pauses[0][0])
                    growing.pause(*pauses.pop(0))
                order.picture(place, row["at_ms"])
                growing.write(row["at_ms"], found, motion)
            yield growing.take(header)
    except pa.ArrowException as error:
        raise RecordingError(f"{path}: row {number + 1}: is broken: {error}") from error
    for pause in pauses:
        order.pause(str(path), pause[0])
        growing.pause(*pause)
    for i, event in enumerate(more[1]):
        growing.note(checks.note_of(f"{path}: note {i}", event))
    if growing:
        yield growing.take(header)


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingDependency("a recording in Parquet", "pyarrow", str(error)) from error
    return pa, pq


def _opened(path: Path) -> tuple[Header, Any]:
    pa, pq = _arrow()
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowException as error:
        raise RecordingError(f"{path}: is no Parquet file, or cut off: {error}") from error
    about = (file.schema_arrow.metadata or {}).get(b"beffroi")
    # Version 1 had no motion.
    if about is None or tuple(file.schema_arrow.names) not in {COLUMNS, COLUMNS[:-1]}:
        raise RecordingError(f"{path}: is a Parquet file, but no recording")
    return checks.header_of(str(path), json.loads(about)), file


def _listed(path: Path, file: Any, name: str) -> list[Any]:
    text = (file.metadata.metadata or {}).get(f"beffroi.{name}".encode())
    found: Any = [] if text is None else json.loads(text)
    if not isinstance(found, list):
        raise RecordingError(f"{path}: {name}: expected a list")
    return found
