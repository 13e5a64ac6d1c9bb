"""Writes recordings, picture by picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from beffroi.errors import RecordingError
from beffroi.frame import Detections
from beffroi.recording import checks
from beffroi.recording.content import Header, Recording
from beffroi.recording.draft import draft_of, suffix_of
from beffroi.recording.forms import FORMS


class RecordingWriter:
    """A recording under way. Used by one thread; as a context manager it closes, or abandons on an error.

    Raises
    ------
    RecordingError
        If the suffix is not one that is written, or the file cannot be made.
    """

    def __init__(self, path: Path, header: Header) -> None:
        suffix = suffix_of(path)
        if suffix not in FORMS:
            kinds = ", ".join(FORMS)
            raise RecordingError(f"{path}: recordings are written with one of the suffixes {kinds}")
        self.path = path
        self.draft = draft_of(path)
        self._labels = len(header.labels)
        self._order = checks.Order()
        self._open, self._empty = True, True
        try:
            self._file = FORMS[suffix].open(self.draft, header)
        except OSError as error:
            raise RecordingError(f"{self.draft}: cannot be written: {error.strerror or error}") from error

    def write(self, at_ms: int, detections: Detections, motion: Sequence[float] | None = None) -> None:
        """Add the boxes of the picture at `at_ms`, and the `motion` that `beffroi.Engine.step` was told.

        Raises
        ------
        RecordingError
            If the time is not after the last one, a box could not be replayed (not finite, or of a class
            without a label), or `motion` is not six finite numbers. Nothing is written then.
        """
        place = f"{self._place}: picture at {at_ms} ms"
        if not (np.isfinite(detections.xyxy).all() and np.isfinite(detections.score).all()):
            raise RecordingError(f"{place} has a box or score that is not finite")
        if (detections.class_id >= self._labels).any():
            raise RecordingError(
                f"{place} has class {int(detections.class_id.max())}, but there are {self._labels} labels"
            )
        moved = checks.motion_of(place, motion)
        self._order.picture(self._place, checks.time_of(self._place, at_ms))
        self._put(lambda: self._file.write(at_ms, detections, moved))

    def pause(self, at_ms: int, reason: str) -> None:
        """Note that ``engine.finish(at_ms, reason)`` was called; the next picture goes on with that engine.

        Raises
        ------
        RecordingError
            If the time lies before the last picture or pause, or `reason` is empty. Nothing is written then.
        """
        at_ms, reason = checks.pause_of(self._place, at_ms, reason)
        self._order.pause(self._place, at_ms)
        self._put(lambda: self._file.pause(at_ms, reason))

    def note(self, event: Mapping[str, Any]) -> None:
        """Keep an incident that the engine did not tell of, such as a blind camera.

        A replay passes it on among its events, by its ``at_ms``; notes may come in any order.

        Raises
        ------
        RecordingError
            If it has no ``at_ms``, or cannot be written as JSON. Nothing is written then.
        """
        try:
            plain = json.loads(json.dumps(dict(event), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise RecordingError(f"{self._place}: note: {error}") from error
        kept = checks.note_of(self._place, plain)
        self._put(lambda: self._file.note(kept))

    def extend(self, part: Recording) -> None:
        """Add a recording, or the next part of one: pictures, pauses and notes.

        Raises
        ------
        RecordingError
            As `write`, `pause` and `note`; what came before the mistake is written.
        """
        pauses = list(part.pauses)
        for index, (at_ms, found) in enumerate(part.pictures()):
            while pauses and pauses[0][0] < at_ms:
                self.pause(*pauses.pop(0))
            self.write(at_ms, found, part.motion_of(index))
        for pause in pauses:
            self.pause(*pause)
        for event in part.notes:
            self.note(event)

    def close(self) -> None:
        """Finish the file and give it its name; harmless when repeated."""
        if self._finish():
            self.draft.replace(self.path)

    def abandon(self) -> None:
        """Stop without taking the name: what was written stays, readable, as `draft`; an empty one goes."""
        if self._finish() and self._empty:
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

    @property
    def _place(self) -> str:
        """The file, for messages; refuses when it is closed."""
        if not self._open:
            raise RecordingError(f"{self.path}: is closed")
        return str(self.path)

    def _put(self, put: Callable[[], None]) -> None:
        try:
            put()
        except OSError as error:
            raise RecordingError(f"{self.draft}: cannot be written: {error.strerror or error}") from error
        self._empty = False

    def _finish(self) -> bool:
        if not self._open:
            return False
        self._open = False
        try:
            self._file.close()
        except OSError as error:
            raise RecordingError(f"{self.draft}: cannot be written: {error.strerror or error}") from error
        return True
