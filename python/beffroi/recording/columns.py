"""Recordings as columns of numbers in chunks: for days of boxes.

The file
--------
``BEFFROI BOXES 2`` and a line feed, then blocks. A block begins with 24 bytes, little endian: its kind (four
letters), how many bytes of text and how many bytes of numbers follow (uint32, uint64), the CRC-32 of both
together, and the CRC-32 of the 20 bytes before. The text is JSON.

``HEAD``
    First, once: the header, with ``version``.
``PART``
    Some pictures, and what was between them. Text: ``pictures`` f and ``boxes`` n; ``motion``, whether there
    is any; ``signals``, pairs of picture and mapping; ``pauses``; ``notes``. Numbers, one column after
    another: ``at_ms`` int64 (f,), ``motion`` float64 (f, 6) if there is any, boxes of each picture uint32
    (f,), ``xyxy`` float32 (n, 4), ``score`` float32 (n,), ``class_id`` uint16 (n,).
``DONE``
    Last, once: the number of all pictures. A file without it was cut off, or is still being written.

Blocks are only ever appended, so a crash takes the last chunk at most. Nothing is compressed: the low digits
of measured coordinates are noise, which zlib makes a fifth smaller and several times slower to read.
numpy alone reads it; Parquet would, at a similar size, ask every camera's machine for pyarrow.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import DTypeLike, NDArray

from beffroi.errors import RecordingError
from beffroi.frame import Detections
from beffroi.recording import checks
from beffroi.recording.content import VERSION, Affine, Growing, Header, Recording
from beffroi.recording.draft import cut_off

MAGIC = b"BEFFROI BOXES 2\n"

PICTURES = 512
"""Pictures in a chunk: what a crash may take (two minutes at five a second), against work for each chunk."""

MOST_BYTES = 1 << 30
"""A block beyond this is a mistake: a chunk holds tens of kilobytes, a few megabytes in a dense crowd."""

_HEAD = struct.Struct("<4sIQI")
_CHECK = struct.Struct("<I")


class Columns:
    """Chunks of columns under way."""

    def __init__(self, path: Path, header: Header) -> None:
        self._header = header
        self._growing = Growing()
        self._pictures = 0
        self._file = path.open("wb")
        self._file.write(MAGIC)
        self._block(b"HEAD", {"version": VERSION, **header.model_dump(mode="json")}, b"")

    def write(self, at_ms: int, detections: Detections, motion: Affine | None, /) -> None:
        """Add a picture."""
        # A detector may use its arrays again.
        xyxy, score, class_id = detections.xyxy.copy(), detections.score.copy(), detections.class_id.copy()
        self._growing.write(at_ms, Detections(xyxy, score, class_id, dict(detections.signals)), motion)
        if len(self._growing) == PICTURES:
            self._flush()

    def pause(self, at_ms: int, reason: str, /) -> None:
        """Add a pause."""
        self._growing.pause(at_ms, reason)

    def note(self, event: dict[str, Any], /) -> None:
        """Add a note."""
        self._growing.note(event)

    def close(self) -> None:
        """Finish the file."""
        try:
            self._flush()
            self._block(b"DONE", {"pictures": self._pictures}, b"")
        finally:
            self._file.close()

    def _flush(self) -> None:
        if not self._growing:
            return
        part = self._growing.take(self._header)
        self._pictures += len(part)
        text = {
            "pictures": len(part),
            "boxes": len(part.score),
            "motion": part.motion is not None,
            "signals": [[i, dict(state)] for i, state in enumerate(part.signals) if state],
            "pauses": part.pauses,
            "notes": part.notes,
        }
        columns: list[tuple[NDArray[Any], DTypeLike]] = [
            (part.at_ms, "<i8"),
            (np.empty(0) if part.motion is None else part.motion, "<f8"),
            (np.diff(part.offsets), "<u4"),
            (part.xyxy, "<f4"),
            (part.score, "<f4"),
            (part.class_id, "<u2"),
        ]
        self._block(b"PART", text, b"".join(column.astype(kind).tobytes() for column, kind in columns))

    def _block(self, kind: bytes, value: Any, data: bytes) -> None:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        head = _HEAD.pack(kind, len(text), len(data), crc32(data, crc32(text)))
        self._file.write(head + _CHECK.pack(crc32(head)) + text + data)
        self._file.flush()


class _Block(NamedTuple):
    number: int
    kind: bytes
    text: Any
    data: bytes


def header(path: Path) -> Header:
    """The first block."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            begin = MAGIC.decode().strip()
            raise RecordingError(f"{path}: is no recording: it does not begin with {begin!r}")
        try:
            block = next(_blocks(path, file), None)
        except _CutOffError:
            block = None
    if block is None or block.kind != b"HEAD" or not isinstance(block.text, dict):
        raise RecordingError(f"{path}: is no recording: its header is cut off or missing")
    return checks.header_of(str(path), block.text)


def parts(path: Path, header: Header) -> Iterator[Recording]:
    """The chunks, one by one."""
    order, pictures, done = checks.Order(), 0, False
    try:
        with path.open("rb") as file:
            file.seek(len(MAGIC))
            for block in _blocks(path, file):
                place = f"{path}: chunk {block.number}"
                if done:
                    raise RecordingError(f"{place}: comes after the end of the recording")
                if block.kind == b"PART":
                    part = _part(place, block, header)
                    _in_order(place, part, order)
                    pictures += len(part)
                    yield part
                elif block.kind == b"DONE":
                    done = True
                    if block.text != {"pictures": pictures}:
                        message = f"the recording ends after {pictures} pictures, and says {block.text}"
                        raise RecordingError(f"{place}: {message}: a chunk is missing")
                elif block.number:
                    raise RecordingError(f"{place}: this beffroi does not know its kind {block.kind!r}")
    except _CutOffError as error:
        cut_off(path, f" chunk {error.number} is cut off", pictures)
    else:
        if not done:
            cut_off(path, " the end is missing", pictures)


class _CutOffError(Exception):
    """The file ends within a block."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def _blocks(path: Path, file: BinaryIO) -> Iterator[_Block]:
    """Block by block, checksums tested; the header is number 0."""
    number = 0
    while head := file.read(_HEAD.size + _CHECK.size):
        place = f"{path}: chunk {number}"
        if len(head) < _HEAD.size + _CHECK.size:
            raise _CutOffError(number)
        kind, text_bytes, data_bytes, check = _HEAD.unpack_from(head)
        if _CHECK.unpack_from(head, _HEAD.size) != (crc32(head[: _HEAD.size]),):
            raise RecordingError(f"{place}: is broken: the checksum of its beginning does not fit")
        if text_bytes + data_bytes > MOST_BYTES:
            raise RecordingError(f"{place}: is broken: it claims {text_bytes + data_bytes} bytes")
        text, data = file.read(text_bytes), file.read(data_bytes)
        if len(text) + len(data) < text_bytes + data_bytes:
            raise _CutOffError(number)
        if crc32(data, crc32(text)) != check:
            raise RecordingError(f"{place}: is broken: its checksum does not fit")
        try:
            value = json.loads(text)
        except ValueError as error:
            raise RecordingError(f"{place}: is broken: its text is not JSON: {error}") from error
        yield _Block(number, kind, value, data)
        number += 1


def _part(place: str, block: _Block, header: Header) -> Recording:
    text = block.text
    names = {"pictures", "boxes", "motion", "signals", "pauses", "notes"}
    if not isinstance(text, dict) or set(text) != names:
        raise RecordingError(f"{place}: expected {', '.join(sorted(names))}")
    f, n, moving = text["pictures"], text["boxes"], text["motion"]
    if not (_count(f) and _count(n) and isinstance(moving, bool)):
        raise RecordingError(f"{place}: pictures and boxes must be numbers from 0, motion true or false")
    size = f * (8 + 48 * moving + 4) + n * (16 + 4 + 2)
    if len(block.data) != size:
        raise RecordingError(f"{place}: holds {len(block.data)} bytes of columns, expected {size}")
    at = 0

    def column(kind: str, count: int) -> NDArray[Any]:
        nonlocal at
        found = np.frombuffer(block.data, kind, count, at)
        at += found.nbytes
        return found.astype(found.dtype.newbyteorder("="), copy=False)

    at_ms = column("<i8", f)
    motion = column("<f8", 6 * f).reshape(f, 6) if moving else None
    offsets = np.zeros(f + 1, np.int64)
    np.cumsum(column("<u4", f), out=offsets[1:])
    if offsets[-1] != n:
        raise RecordingError(f"{place}: its pictures have {offsets[-1]} boxes, expected {n}")
    xyxy, score, class_id = column("<f4", 4 * n).reshape(n, 4), column("<f4", n), column("<u2", n)
    checks.check_boxes(place, xyxy, score, class_id, len(header.labels))
    if motion is not None:
        finite = np.isfinite(motion)
        if not (finite.all(axis=1) | np.isnan(motion).all(axis=1)).all():
            raise RecordingError(f"{place}: motion: expected six finite numbers a picture, or NaN in all six")
    pauses, notes = text["pauses"], text["notes"]
    if not isinstance(pauses, list) or not all(isinstance(p, list) and len(p) == 2 for p in pauses):
        raise RecordingError(f"{place}: pauses: expected pairs of time and reason")
    if not isinstance(notes, list):
        raise RecordingError(f"{place}: notes: expected a list")
    return Recording(
        header,
        at_ms,
        offsets,
        xyxy,
        score,
        class_id,
        _signals(place, text["signals"], f),
        motion,
        [checks.pause_of(place, *pause) for pause in pauses],
        [checks.note_of(place, event) for event in notes],
    )


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_BYTES


def _signals(place: str, pairs: Any, pictures: int) -> list[Any]:
    signals: list[Any] = [None] * pictures
    if not isinstance(pairs, list):
        raise RecordingError(f"{place}: signals: expected pairs of picture and mapping")
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and _count(pair[0]) and pair[0] < pictures):
            raise RecordingError(f"{place}: signals: expected pairs of picture and mapping")
        signals[pair[0]] = checks.signals_of(place, pair[1])
    return signals


def _in_order(place: str, part: Recording, order: checks.Order) -> None:
    times = part.at_ms
    if (np.diff(times) <= 0).any():
        i = int(np.argmax(np.diff(times) <= 0))
        raise RecordingError(f"{place}: picture at {times[i + 1]} ms comes after the one at {times[i]} ms")
    # Between two pauses all pictures are checked at once.
    begin = 0
    for at_ms, _ in part.pauses:
        end = max(begin, int(times.searchsorted(at_ms, "right")))
        if end > begin:
            order.pictures(place, int(times[begin]), int(times[end - 1]))
        order.pause(place, at_ms)
        begin = end
    if begin < len(times):
        order.pictures(place, int(times[begin]), int(times[-1]))
