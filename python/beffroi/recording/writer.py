"""Writes recordings, picture by picture."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, cast

import numpy as np
from numpy.typing import NDArray

from beffroi.errors import MissingDependency, RecordingError
from beffroi.frame import Detections
from beffroi.recording.content import VERSION, Header

SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet")

# Pictures per row group of a Parquet file, and per flush of a text file.
GROUP = 512


class RecordingWriter:
    """A recording under way. Used by one thread; as a context manager it closes, or abandons on an error.

    Raises
    ------
    RecordingError
        If the suffix is not one that is written, or the file cannot be made.
    """

    def __init__(self, path: Path, header: Header) -> None:
        suffix = suffix_of(path)
        if suffix not in SUFFIXES:
            kinds = ", ".join(SUFFIXES)
            raise RecordingError(f"{path}: recordings are written with one of the suffixes {kinds}")
        self.path = path
        self.draft = path.with_name(path.name.removesuffix(suffix) + ".part" + suffix)
        self._labels = len(header.labels)
        self._last: int | None = None
        self._open = True
        try:
            self._format: _Format = (
                _Parquet(self.draft, header) if suffix == ".parquet" else _Lines(self.draft, header)
            )
        except OSError as error:
            raise RecordingError(f"{self.draft}: cannot be written: {error.strerror or error}") from error

    def write(self, at_ms: int, detections: Detections) -> None:
        """Add the boxes of the picture at `at_ms`.

        Raises
        ------
        RecordingError
            If the time is not after the last one, or a box could not be replayed: not finite, or of a class
            without a label. Nothing is written then.
        """
        if not self._open:
            raise RecordingError(f"{self.path}: is closed")
        if self._last is not None and at_ms <= self._last:
            raise RecordingError(f"{self.path}: picture at {at_ms} ms comes after the one at {self._last} ms")
        if not (np.isfinite(detections.xyxy).all() and np.isfinite(detections.score).all()):
            raise RecordingError(f"{self.path}: picture at {at_ms} ms has a box or score that is not finite")
        if (detections.class_id >= self._labels).any():
            raise RecordingError(
                f"{self.path}: picture at {at_ms} ms has class {int(detections.class_id.max())}, "
                f"but there are {self._labels} labels"
            )
        try:
            self._format.write(at_ms, detections)
        except OSError as error:
            raise RecordingError(f"{self.draft}: cannot be written: {error.strerror or error}") from error
        self._last = at_ms

    def close(self) -> None:
        """Finish the file and give it its name; harmless when repeated."""
        if self._finish():
            self.draft.replace(self.path)

    def abandon(self) -> None:
        """Stop without taking the name: what was written stays, readable, as `draft`; an empty one goes."""
        if self._finish() and self._last is None:
            self.draft.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def _finish(self) -> bool:
        if not self._open:
            return False
        self._open = False
        try:
            self._format.close()
        except OSError as error:
            raise RecordingError(f"{self.draft}: cannot be written: {error.strerror or error}") from error
        return True


def suffix_of(path: Path) -> str:
    """The suffix that decides the format: ``.jsonl.gz`` counts as one."""
    name = path.name.lower()
    return ".jsonl.gz" if name.endswith(".jsonl.gz") else path.suffix.lower()


class _Format(Protocol):
    def write(self, at_ms: int, detections: Detections) -> None: ...
    def close(self) -> None: ...


class _Lines:
    """JSON lines, compressed if the suffix says so."""

    def __init__(self, path: Path, header: Header) -> None:
        # No time and no name in the compressed file: the same recording gives the same bytes.
        raw = path.open("wb")
        self._raw = raw
        self._file: io.BufferedIOBase = (
            gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if path.name.lower().endswith(".gz") else raw
        )
        self._since_flush = 0
        self._line({"beffroi": "recording", "version": VERSION, **header.model_dump(mode="json")})

    def write(self, at_ms: int, detections: Detections) -> None:
        columns = np.column_stack([detections.xyxy, detections.score])
        rows = zip(shortest(columns), detections.class_id.tolist(), strict=True)
        line: dict[str, Any] = {"at_ms": at_ms, "boxes": [[*numbers, kind] for numbers, kind in rows]}
        if detections.signals:
            line["signals"] = dict(detections.signals)
        self._line(line)
        self._since_flush += 1
        if self._since_flush >= GROUP:
            self._since_flush = 0
            self._file.flush()

    def close(self) -> None:
        try:
            self._file.close()
        finally:
            self._raw.close()

    def _line(self, value: Mapping[str, Any]) -> None:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        self._file.write(text.encode() + b"\n")


class _Parquet:
    """One row per picture, in groups."""

    def __init__(self, path: Path, header: Header) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError as error:
            raise MissingDependency("a recording in Parquet", "pyarrow", str(error)) from error
        fields = {
            "at_ms": pa.int64(),
            "xyxy": pa.list_(pa.float32()),
            "score": pa.list_(pa.float32()),
            "class_id": pa.list_(pa.uint16()),
            "signals": pa.map_(pa.string(), pa.string()),
        }
        about = {"version": VERSION, **header.model_dump(mode="json")}
        schema = pa.schema(fields, metadata={"beffroi": json.dumps(about, ensure_ascii=False)})
        self._table: Any = partial(pa.table, schema=schema)
        self._columns: dict[str, list[Any]] = {name: [] for name in fields}
        self._file: Any = pq.ParquetWriter(path, schema, compression="zstd")

    def write(self, at_ms: int, detections: Detections) -> None:
        signals = list(detections.signals.items()) or None
        row = (at_ms, detections.xyxy.ravel(), detections.score, detections.class_id, signals)
        for column, value in zip(self._columns.values(), row, strict=True):
            column.append(value.copy() if isinstance(value, np.ndarray) else value)
        if len(self._columns["at_ms"]) >= GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        if self._columns["at_ms"]:
            self._file.write_table(self._table(self._columns))
            for column in self._columns.values():
                column.clear()


def shortest(values: NDArray[np.float32]) -> list[list[float]]:
    """Float32 values as the floats with the fewest digits that become the same float32 again."""
    exact = values.ravel()
    short = np.array([float(str(value)) for value in exact], np.float64)
    # Through float64 the shortest digits of a float32 could in theory round to its neighbour.
    short = np.where(short.astype(np.float32) == exact, short, exact.astype(np.float64))
    rows: Any = short.reshape(values.shape).tolist()
    return cast("list[list[float]]", rows)
