"""A recording whose date is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beffroi.components import Source
    from beffroi.frame import Frame


class Dated:
    """The pictures of `source` at wall clock time: `begins_ms`, since 1970 in UTC, is its 0 ms."""

    def __init__(self, source: Source, begins_ms: int) -> None:
        self.size = source.size
        self.counts = getattr(source, "counts", None)
        self._source, self._begins_ms = source, begins_ms

    def frames(self) -> Iterator[Frame]:
        """As `Source.frames`."""
        for frame in self._source.frames():
            yield replace(frame, at_ms=frame.at_ms + self._begins_ms)

    def close(self) -> None:
        """As `Source.close`."""
        self._source.close()
