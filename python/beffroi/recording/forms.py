"""The forms of a recording, by suffix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from beffroi.frame import Detections
from beffroi.recording import columns, lines, parquet
from beffroi.recording.content import Affine, Header, Recording


class Writing(Protocol):
    """A file that is being written; what comes was checked. Raises `OSError`."""

    def write(self, at_ms: int, detections: Detections, motion: Affine | None, /) -> None:
        """Add a picture."""

    def pause(self, at_ms: int, reason: str, /) -> None:
        """Add a pause."""

    def note(self, event: dict[str, Any], /) -> None:
        """Add a note."""

    def close(self) -> None:
        """Finish the file."""


class Opens(Protocol):
    """Begins a file."""

    def __call__(self, path: Path, header: Header, /) -> Writing: ...


class ReadsHeader(Protocol):
    """Reads the header of a file."""

    def __call__(self, path: Path, /) -> Header: ...


class ReadsParts(Protocol):
    """Reads a file part by part, a few thousand pictures at most in each."""

    def __call__(self, path: Path, header: Header, /) -> Iterator[Recording]: ...


@dataclass(frozen=True, slots=True)
class Form:
    """How one form is written and read."""

    open: Opens
    header: ReadsHeader
    parts: ReadsParts


_LINES = Form(lines.Lines, lines.header, lines.parts)

FORMS = {
    ".jsonl": _LINES,
    ".jsonl.gz": _LINES,
    ".boxes": Form(columns.Columns, columns.header, columns.parts),
    ".parquet": Form(parquet.Parquet, parquet.header, parquet.parts),
}
"""The forms that are written and read."""
