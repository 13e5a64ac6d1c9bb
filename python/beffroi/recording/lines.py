"""Recordings as lines of JSON: for people and for every other program."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from beffroi.errors import RecordingError
from beffroi.frame import Detections
from beffroi.recording import checks
from beffroi.recording.content import VERSION, Affine, Growing, Header, Recording
from beffroi.recording.draft import cut_off

FLUSH = 512
"""Pictures until what was written is handed to the system."""

PART = 4096
"""Pictures that are read at once: what is held in memory, against work for each part."""


class Lines:
    """JSON lines under way, compressed if the suffix says so."""

    def __init__(self, path: Path, header: Header) -> None:
        # No time and no name in the compressed file: the same recording gives the same bytes.
        raw = path.open("wb")
        self._raw = raw
        self._file: io.BufferedIOBase = (
            gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if path.name.lower().endswith(".gz") else raw
        )
        self._since_flush = 0
        self._line({"beffroi": "recording", "version": VERSION, **header.model_dump(mode="json")})

    def write(self, at_ms: int, detections: Detections, motion: Affine | None, /) -> None:
        """Add a picture."""
        columns = np.column_stack([detections.xyxy, detections.score])
        rows = zip(shortest(columns), detections.class_id.tolist(), strict=True)
        line: dict[str, Any] = {"at_ms": at_ms, "boxes": [[*numbers, kind] for numbers, kind in rows]}
        if detections.signals:
            line["signals"] = dict(detections.signals)
        if motion is not None:
            line["motion"] = motion
        self._line(line)
        self._since_flush += 1
        if self._since_flush >= FLUSH:
            self._since_flush = 0
            self._file.flush()

    def pause(self, at_ms: int, reason: str, /) -> None:
        """Add a pause."""
        self._line({"at_ms": at_ms, "pause": reason})

    def note(self, event: dict[str, Any], /) -> None:
        """Add a note."""
        self._line({"note": event})

    def close(self) -> None:
        """Finish the file."""
        try:
            self._file.close()
        finally:
            self._raw.close()

    def _line(self, value: Mapping[str, Any]) -> None:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        self._file.write(text.encode() + b"\n")


def shortest(values: NDArray[np.float32]) -> list[list[float]]:
    """Float32 values as the floats with the fewest digits that become the same float32 again."""
    exact = values.ravel()
    short = np.array([float(str(value)) for value in exact], np.float64)
    # Through float64 the shortest digits of a float32 could in theory round to its neighbour.
    short = np.where(short.astype(np.float32) == exact, short, exact.astype(np.float64))
    rows: Any = short.reshape(values.shape).tolist()
    return cast("list[list[float]]", rows)


def header(path: Path) -> Header:
    """The first line."""
    try:
        with _opened(path) as file:
            number, value = next(_values(path, file), (1, None))
    except _CutOffError as error:
        raise RecordingError(f"{path}:{error.line}: the header is cut off") from error
    place = f"{path}:{number}"
    if not isinstance(value, dict) or value.pop("beffroi", None) != "recording":
        raise RecordingError(f'{place}: is no recording: expected {{"beffroi": "recording", ...}}')
    return checks.header_of(place, value)


def parts(path: Path, header: Header) -> Iterator[Recording]:
    """All other lines."""
    order, growing, pictures = checks.Order(), Growing(), 0
    labels = len(header.labels)
    try:
        with _opened(path) as file:
            values = _values(path, file)
            next(values)
            for number, value in values:
                _add(growing, order, f"{path}:{number}", value, labels)
                pictures += isinstance(value, dict) and "boxes" in value
                if len(growing) == PART:
                    yield growing.take(header)
    except _CutOffError as error:
        cut_off(path, f"{error.line}: the line is cut off", pictures)
    if growing:
        yield growing.take(header)


class _CutOffError(Exception):
    """The file ends within a line."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


def _opened(path: Path) -> io.BufferedIOBase:
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")


def _values(path: Path, file: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    """Line number from 1 and value of every line."""
    number = 0
    try:
        for line in file:
            number += 1
            try:
                value = json.loads(line)
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                if not line.endswith(b"\n"):
                    raise _CutOffError(number) from error
                raise RecordingError(f"{path}:{number}: is not JSON: {error}") from error
            yield number, value
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        if number == 0:
            raise RecordingError(f"{path}: is not compressed with gzip, or cut off: {error}") from error
        raise _CutOffError(number + 1) from error


def _add(growing: Growing, order: checks.Order, place: str, value: Any, labels: int) -> None:
    """A picture, a pause or a note; raises `RecordingError`."""
    names = set(value) if isinstance(value, dict) else set()
    if {"at_ms", "boxes"} <= names <= {"at_ms", "boxes", "signals", "motion"}:
        at_ms = checks.time_of(place, value["at_ms"])
        boxes = value["boxes"]
        try:
            rows = np.array(boxes, np.float64).reshape(-1, 6) if boxes else np.empty((0, 6))
        except (ValueError, TypeError, OverflowError) as error:
            raise RecordingError(
                f"{place}: boxes: expected rows of x1, y1, x2, y2, score, class_id"
            ) from error
        found = checks.boxes_of(place, rows, value.get("signals"), labels)
        motion = checks.motion_of(place, value.get("motion"))
        order.picture(place, at_ms)
        growing.write(at_ms, found, motion)
    elif names == {"at_ms", "pause"}:
        at_ms, reason = checks.pause_of(place, value["at_ms"], value["pause"])
        order.pause(place, at_ms)
        growing.pause(at_ms, reason)
    elif names == {"note"}:
        growing.note(checks.note_of(place, value["note"]))
    else:
        raise RecordingError(
            f'{place}: expected {{"at_ms": ..., "boxes": [...]}}, perhaps with "signals" and "motion"; or '
            '{"at_ms": ..., "pause": "why"}; or {"note": {...}}'
        )
