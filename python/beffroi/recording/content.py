"""What a recording holds, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from beffroi.components import Settings
from beffroi.frame import NO_SIGNALS, Detections

VERSION = 2
"""Version that is written. Version 1 knew no motion, pauses and notes, and is read all the same."""

READ = (1, 2)

Affine: TypeAlias = tuple[float, float, float, float, float, float]
"""Motion of the camera since the picture before, as `beffroi.Engine.step` takes it: a, b, tx, c, d, ty."""


class Header(Settings):
    """Where recorded boxes come from."""

    labels: tuple[str, ...] = Field(max_length=65_536)
    """What a class id means."""
    camera: str = ""
    view: str = ""
    width: int | None = Field(None, gt=0)
    """Size of the pictures in pixels: the aspect is needed to replay. None if it is not known."""
    height: int | None = Field(None, gt=0)
    fps: float | None = Field(None, gt=0)
    """Pictures analysed per second; None if it is not known."""
    model: str = ""
    """Name and version of the detector."""
    dated: bool = False
    """Whether times are wall clock times, milliseconds since 1970 in UTC."""
    source: str = ""
    """What was looked at, such as the name of a video file."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Recorded detections as columns.

    Attributes
    ----------
    header
        See `Header`.
    at_ms
        int64, shape (f,): media time of each picture, increasing.
    offsets
        int64, shape (f + 1,): picture i has the boxes ``offsets[i]:offsets[i + 1]``.
    xyxy, score, class_id
        Boxes of all pictures one after another: float32 (n, 4) relative, float32 (n,), uint16 (n,).
    signals
        One mapping per picture; None where it had none.
    motion
        float64, shape (f, 6): what `beffroi.Engine.step` was told of the camera's motion, NaN where that
        was nothing; None if that is so everywhere.
    pauses
        Time and reason of each call of `beffroi.Engine.finish` with which the same engine went on, in order.
    notes
        Incidents that the engine did not tell of, such as a blind camera: mappings with ``at_ms``.
    """

    header: Header
    at_ms: NDArray[np.int64]
    offsets: NDArray[np.int64]
    xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    class_id: NDArray[np.uint16]
    signals: list[Mapping[str, str] | None]
    motion: NDArray[np.float64] | None = None
    pauses: list[tuple[int, str]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.at_ms)

    def detections(self, index: int) -> Detections:
        """The boxes of picture `index`."""
        rows = slice(self.offsets[index], self.offsets[index + 1])
        signals = self.signals[index]
        return Detections(
            self.xyxy[rows], self.score[rows], self.class_id[rows], NO_SIGNALS if signals is None else signals
        )

    def pictures(self) -> Iterator[tuple[int, Detections]]:
        """Media time and boxes of every picture, in order."""
        for index, at_ms in enumerate(self.at_ms.tolist()):
            yield at_ms, self.detections(index)

    def motion_of(self, index: int) -> Affine | None:
        """What was known of the camera's motion before picture `index`."""
        if self.motion is None or np.isnan(self.motion[index]).all():
            return None
        a, b, tx, c, d, ty = self.motion[index].tolist()
        return a, b, tx, c, d, ty

    def replay_args(self) -> dict[str, Any]:
        """The arguments of `beffroi.Engine.replay`, by name."""
        columns = ("at_ms", "offsets", "xyxy", "score", "class_id", "motion")
        return {
            **{name: getattr(self, name) for name in columns},
            "signals": self.signals if any(self.signals) else None,
            "pauses": self.pauses or None,
        }


class Growing:
    """A recording, or a part of one, that grows picture by picture; nothing is checked."""

    def __init__(self) -> None:
        self._at: list[int] = []
        self._found: list[Detections] = []
        self._motion: list[Affine | None] = []
        self._pauses: list[tuple[int, str]] = []
        self._notes: list[dict[str, Any]] = []

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self._at)

    def __bool__(self) -> bool:
        return bool(self._at or self._pauses or self._notes)

    def write(self, at_ms: int, found: Detections, motion: Affine | None = None) -> None:
        """Add a picture; its arrays are kept as they are."""
        self._at.append(at_ms)
        self._found.append(found)
        self._motion.append(motion)

    def pause(self, at_ms: int, reason: str) -> None:
        """Add a pause."""
        self._pauses.append((at_ms, reason))

    def note(self, event: dict[str, Any]) -> None:
        """Add a note."""
        self._notes.append(event)

    def take(self, header: Header) -> Recording:
        """What has grown since the last time, as columns."""
        boxes = self._found or [Detections.empty()]
        counts = [len(found) for found in self._found]
        motion = None
        if any(row is not None for row in self._motion):
            none = (np.nan,) * 6
            motion = np.array([none if row is None else row for row in self._motion], np.float64)
        taken = Recording(
            header,
            np.array(self._at, np.int64),
            np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64),
            np.concatenate([found.xyxy for found in boxes]),
            np.concatenate([found.score for found in boxes]),
            np.concatenate([found.class_id for found in boxes]),
            [found.signals or None for found in self._found],
            motion,
            self._pauses,
            self._notes,
        )
        Growing.__init__(self)
        return taken


def joined(header: Header, parts: Sequence[Recording]) -> Recording:
    """The parts of a recording as one."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Growing().take(header)
    counts = np.concatenate([np.diff(part.offsets) for part in parts])
    motion = None
    if any(part.motion is not None for part in parts):
        rows = [np.full((len(p), 6), np.nan) if p.motion is None else p.motion for p in parts]
        motion = np.concatenate(rows)
    return Recording(
        header,
        np.concatenate([part.at_ms for part in parts]),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.concatenate([part.xyxy for part in parts]),
        np.concatenate([part.score for part in parts]),
        np.concatenate([part.class_id for part in parts]),
        [state for part in parts for state in part.signals],
        motion,
        [pause for part in parts for pause in part.pauses],
        [note for part in parts for note in part.notes],
    )
