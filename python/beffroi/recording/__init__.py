"""Recorded detections: what a detector saw, kept so that every decision over it can be made again.

Formats, by suffix
------------------
``.jsonl``, ``.jsonl.gz``
    One line of JSON for the header (``{"beffroi": "recording", "version": 2, "camera": ..., "labels":
    [...]}``), then one per picture: ``{"at_ms": 200, "boxes": [[x1, y1, x2, y2, score, class_id], ...]}``
    and ``signals`` and ``motion`` where there are any. Numbers are the shortest that give back the very same
    float32. Between them ``{"at_ms": 200, "pause": "view_lost"}`` where the engine was told to end what was
    active, and ``{"note": {"at_ms": 200, ...}}`` for an incident that did not come from it.
``.boxes``
    Columns of numbers in chunks with checksums, see `beffroi.recording.columns`: about as large as compressed
    lines, and read a hundred times as fast. For days of recordings.
``.parquet``
    One row per picture with list columns; the header is the schema's metadata. Needs the extra ``parquet``.
``.txt``
    MOTChallenge detections, only read: see `beffroi.recording.read_recording`.

While it is written a recording is called ``NAME.part.SUFFIX``; it gets its name when it is closed. If writing
is abandoned the part stays and reads like any recording. So it does after a crash, to the last picture that
is whole (``.boxes`` loses 512 pictures at most, Parquet everything).
"""

from __future__ import annotations

from beffroi.recording.content import Header, Recording
from beffroi.recording.reader import read_header, read_parts, read_recording
from beffroi.recording.writer import RecordingWriter

__all__ = ["Header", "Recording", "RecordingWriter", "read_header", "read_parts", "read_recording"]
