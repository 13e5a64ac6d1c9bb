"""What a source gives and a detector answers: one picture with its media time, and the boxes found in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from beffroi.errors import InputError

NO_SIGNALS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Detections:
    """Boxes of one picture as columns of equal length n; empty columns are ``(0, 4)`` and ``(0,)``.

    Attributes
    ----------
    xyxy
        float32, shape (n, 4): x1, y1, x2, y2 relative to the picture, C-contiguous.
    score
        float32, shape (n,), 0..1.
    class_id
        uint16, shape (n,): index into the detector's ``labels``.
    signals
        Named states that are not boxes, such as ``{"light-3": "red"}``.

    Raises
    ------
    InputError
        Wrong type, dtype or shape. Values are not looked at: the engine does that once, for all callers.
    """

    xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    class_id: NDArray[np.uint16]
    signals: Mapping[str, str] = field(default_factory=lambda: NO_SIGNALS)

    def __post_init__(self) -> None:
        n = len(self.score) if isinstance(self.score, np.ndarray) and self.score.ndim else 0
        _require("xyxy", self.xyxy, np.float32, (n, 4))
        _require("score", self.score, np.float32, (n,))
        _require("class_id", self.class_id, np.uint16, (n,))
        if not self.xyxy.flags.c_contiguous:
            raise InputError("detections.xyxy is not C-contiguous; pass it through numpy.ascontiguousarray")

    def __len__(self) -> int:
        return len(self.score)

    @classmethod
    def empty(cls) -> Detections:
        """No boxes and no signals."""
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.uint16))


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a source.

    Attributes
    ----------
    at_ms
        Media time in milliseconds, from the start of the source.
    image
        uint8, shape (height, width, 3), BGR. Read-only by convention: whoever paints on it copies it first.
    detections
        Boxes that came with the picture (a simulation knows its own); None from a camera.
    """

    at_ms: int
    image: NDArray[np.uint8]
    detections: Detections | None = None


def _require(name: str, array: object, dtype: type[np.generic], shape: tuple[int, ...]) -> None:
    if not isinstance(array, np.ndarray):
        raise InputError(f"detections.{name} is {type(array).__name__}, expected a numpy array")
    if array.dtype != dtype or array.shape != shape:
        raise InputError(
            f"detections.{name} is {array.dtype}{list(array.shape)}, expected {np.dtype(dtype)}{list(shape)}"
        )
