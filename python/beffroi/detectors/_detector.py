"""The running side of `onnx`: pictures through the model, whole and in parts, to boxes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from beffroi.detectors._boxes import SAME_ACROSS, Boxes, Selection, joined
from beffroi.detectors._decoders import Preparation
from beffroi.detectors._session import CPU, load
from beffroi.detectors._tiles import TILES, TileChoice, crop, doubtful, news, placed
from beffroi.errors import InputError
from beffroi.frame import Detections, Frame
from beffroi.manifest import Manifest

if TYPE_CHECKING:
    from beffroi.detectors.onnx import OnnxConfig

Image = NDArray[np.uint8]


class OnnxDetector:
    """One model, and what it remembers of one camera if tiles are chosen automatically.

    The model itself is loaded once for all cameras, and runs for several of them at a time: on a processor
    side by side, on a GPU in batches (`together`). What belongs to a camera is small.

    Attributes
    ----------
    batch
        The most pictures that are worth giving to one call of `together`: 1 on a processor.
    gated
        Whether a `Gate` belongs before it, by its settings and where it runs.
    """

    def __init__(self, path: Path, manifest: Manifest, config: OnnxConfig) -> None:
        self._session = load(path, manifest, config.device, config.threads)
        self._preparation = Preparation(manifest)
        keep = manifest.score.keep if config.threshold is None else config.threshold
        self._selection = Selection(manifest, config.classes or manifest.classes, keep)
        self._tiles = list(range(len(TILES))) if config.tiles == "2x2" else []
        self._choice = TileChoice(config.most_tiles) if config.tiles == "auto" else None
        self.labels = self._selection.labels
        self.name = manifest.name
        self.version = manifest.sha256[:12]
        self.provider = self._session.provider
        self.batch = self._session.batch
        self.gated = config.gate == "on" or (config.gate == "auto" and self.provider == CPU)

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Boxes of each picture of one camera: inside it, strongest first, one per thing."""
        raw = self._run([frame.image for frame in frames])
        # One after the other: what it learns from one picture decides the tiles of the next.
        return [
            found
            for frame, boxes in zip(frames, raw, strict=True)
            for found in _looked_closer([self], [frame], [boxes])
        ]

    def runs_with(self, other: object) -> bool:
        """Whether the two may share a call of `together`: they have the same model on the same device."""
        return isinstance(other, OnnxDetector) and other._session is self._session

    @staticmethod
    def together(detectors: Sequence[OnnxDetector], frames: Sequence[Frame]) -> list[Detections]:
        """Boxes of the pictures of several cameras, one per camera: the same as each detector's own.

        The model sees all of them in one batch, and all their tiles in another.

        Parameters
        ----------
        detectors
            The detector of each picture's camera. Each `runs_with` the others, and none is in use meanwhile.
        frames
            As many pictures.

        Raises
        ------
        InputError
            If there are not as many pictures as detectors, one stands there twice, or these have not the
            same model.
        """
        if len(detectors) != len(frames) or len({id(each) for each in detectors}) != len(detectors):
            raise InputError(
                f"{len(frames)} pictures for {len(detectors)} detectors: give one for each camera"
            )
        if not all(detectors[0].runs_with(each) for each in detectors):
            raise InputError("detectors with different models, devices or threads cannot run together")
        if not frames:
            return []
        return _looked_closer(detectors, frames, detectors[0]._run([frame.image for frame in frames]))

    def close(self) -> None:
        """Nothing to close: the model is freed with its last detector."""

    def _parts(self, frame: Frame, full: Boxes) -> list[int]:
        """The tiles to look at, where `full` was found in the whole picture."""
        if self._choice is None:
            return self._tiles
        return self._choice.tiles(frame.at_ms, doubtful(self._selection, full))

    def _with_part(self, frame: Frame, tile: int, part: Boxes, full: Boxes) -> Boxes:
        """What was found in a tile, without second boxes; remembers whether the tile paid."""
        part = self._selection.distinct(part)
        if self._choice is not None and news(self._selection, part, full):
            self._choice.found(tile, frame.at_ms)
        return part

    def _finished(self, full: Boxes, parts: Sequence[Boxes]) -> Detections:
        if parts:
            full = self._selection.distinct(joined([full, *parts]), SAME_ACROSS)
        return self._selection.detections(self._selection.wanted(full))

    def _run(self, images: Sequence[Image]) -> list[Boxes]:
        if not images:
            return []
        extents = [self._preparation.extent(image) for image in images]
        return self._session.run(self._preparation.tensor(images, self._session.room(len(images))), extents)


def _looked_closer(
    detectors: Sequence[OnnxDetector], frames: Sequence[Frame], raw: Sequence[Boxes]
) -> list[Detections]:
    """What was found in each whole picture, with what its tiles add; one picture per detector."""
    fulls = [each._selection.distinct(boxes) for each, boxes in zip(detectors, raw, strict=True)]
    rows = list(zip(detectors, frames, fulls, strict=True))
    wanted = [
        (row, tile) for row, (each, frame, full) in enumerate(rows) for tile in each._parts(frame, full)
    ]
    views = [crop(frames[row].image, tile) for row, tile in wanted]
    inside = detectors[0]._run([image for image, _ in views])
    parts: list[list[Boxes]] = [[] for _ in rows]
    for (row, tile), (_, corners), boxes in zip(wanted, views, inside, strict=True):
        each, frame, full = rows[row]
        parts[row].append(each._with_part(frame, tile, placed(boxes, corners), full))
    return [each._finished(full, part) for (each, _, full), part in zip(rows, parts, strict=True)]
