"""What every form of a recording is held to when it is read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from beffroi.errors import RecordingError
from beffroi.frame import NO_SIGNALS, Detections
from beffroi.recording.content import READ, Affine, Header

_SIGNALS = TypeAdapter(dict[str, str])


class Order:
    """Pictures come one after another; a pause comes at the time of the picture before it, or later."""

    def __init__(self) -> None:
        self._picture: int | None = None
        self._pause: int | None = None

    def picture(self, place: str, at_ms: int) -> None:
        """Refuses a picture that does not come after everything before it."""
        self.pictures(place, at_ms, at_ms)

    def pictures(self, place: str, first_ms: int, last_ms: int) -> None:
        """The same for pictures that are in order among themselves."""
        if self._picture is not None and first_ms <= self._picture:
            raise RecordingError(
                f"{place}: picture at {first_ms} ms comes after the one at {self._picture} ms"
            )
        if self._pause is not None and first_ms <= self._pause:
            raise RecordingError(f"{place}: picture at {first_ms} ms comes after a pause at {self._pause} ms")
        self._picture = last_ms

    def pause(self, place: str, at_ms: int) -> None:
        """Refuses a pause that lies before something that came before it."""
        known = [time for time in (self._picture, self._pause) if time is not None]
        if known and at_ms < max(known):
            raise RecordingError(f"{place}: pause at {at_ms} ms comes after what was at {max(known)} ms")
        self._pause = at_ms


def header_of(place: str, value: dict[str, Any]) -> Header:
    """The header; raises `RecordingError` for another version or a field that is wrong."""
    version = value.pop("version", None)
    if version not in READ or isinstance(version, bool):
        known = " and ".join(str(number) for number in READ)
        raise RecordingError(f"{place}: has version {version!r}; this beffroi reads versions {known}")
    try:
        return Header.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise RecordingError(f"{place}: header: {name}: {first['msg']}") from error


def time_of(place: str, at_ms: object) -> int:
    """A whole number of milliseconds."""
    if not isinstance(at_ms, int) or isinstance(at_ms, bool) or abs(at_ms) >= 2**63:
        raise RecordingError(f"{place}: at_ms is {at_ms!r}, expected a whole number of milliseconds")
    return at_ms


def boxes_of(place: str, rows: NDArray[np.float64], signals: Any, labels: int) -> Detections:
    """Rows of x1, y1, x2, y2, score, class_id."""
    # Judged as float32: the digits of its largest value lie above it.
    with np.errstate(over="ignore"):
        numbers = rows[:, :5].astype(np.float32)
    kinds = rows[:, 5]
    check_boxes(place, numbers, rows, kinds, labels)
    return Detections(
        np.ascontiguousarray(numbers[:, :4]),
        np.ascontiguousarray(numbers[:, 4]),
        kinds.astype(np.uint16),
        signals_of(place, signals),
    )


def check_boxes(
    place: str, numbers: NDArray[Any], more: NDArray[Any], kinds: NDArray[Any], labels: int
) -> None:
    """Refuses numbers that are not finite, and classes without a label."""
    if not np.isfinite(numbers).all() or not np.isfinite(more).all():
        raise RecordingError(f"{place}: boxes: holds a number that is not finite")
    if (kinds != np.floor(kinds)).any() or (kinds < 0).any() or (kinds >= labels).any():
        raise RecordingError(f"{place}: boxes: a class_id is not a whole number from 0 to {labels - 1}")


def signals_of(place: str, value: Any) -> Any:
    """Names with texts."""
    try:
        return _SIGNALS.validate_python(value, strict=True) if value else NO_SIGNALS
    except ValidationError as error:
        raise RecordingError(f"{place}: signals: expected names with texts") from error


def motion_of(place: str, value: Any) -> Affine | None:
    """Six finite numbers, or None."""
    if value is None:
        return None
    try:
        a, b, tx, c, d, ty = (float(number) for number in value)
    except (ValueError, TypeError, OverflowError):
        a = np.nan
    if not np.isfinite(a) or not np.isfinite([b, tx, c, d, ty]).all():
        raise RecordingError(f"{place}: motion: expected six finite numbers a, b, tx, c, d, ty")
    return a, b, tx, c, d, ty


def pause_of(place: str, at_ms: object, reason: object) -> tuple[int, str]:
    """Time and reason of a pause."""
    if not isinstance(reason, str) or not reason:
        raise RecordingError(f"{place}: pause: expected its reason as a text")
    return time_of(place, at_ms), reason


def note_of(place: str, value: object) -> dict[str, Any]:
    """A mapping with a time."""
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise RecordingError(f"{place}: note: expected a mapping with at_ms")
    time_of(f"{place}: note", value.get("at_ms"))
    return value
