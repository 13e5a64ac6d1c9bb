"""What a recording holds, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from beffroi.components import Settings
from beffroi.frame import NO_SIGNALS, Detections

VERSION = 1


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
    """

    header: Header
    at_ms: NDArray[np.int64]
    offsets: NDArray[np.int64]
    xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    class_id: NDArray[np.uint16]
    signals: list[Mapping[str, str] | None]

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

    def replay_args(self) -> dict[str, Any]:
        """The arguments of `Engine.replay`, by name."""
        signals = self.signals if any(self.signals) else None
        columns = ("at_ms", "offsets", "xyxy", "score", "class_id")
        return {**{name: getattr(self, name) for name in columns}, "signals": signals}


def assembled(header: Header, pictures: list[tuple[int, Detections]]) -> Recording:
    """A recording of `pictures`, whose times increase."""
    boxes = [found for _, found in pictures] or [Detections.empty()]
    counts = [len(found) for _, found in pictures]
    return Recording(
        header,
        np.array([at for at, _ in pictures], np.int64),
        np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64),
        np.concatenate([found.xyxy for found in boxes]),
        np.concatenate([found.score for found in boxes]),
        np.concatenate([found.class_id for found in boxes]),
        [found.signals or None for _, found in pictures],
    )
