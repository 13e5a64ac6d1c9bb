"""The running side of `onnx`: pictures through the model, whole and in parts, to boxes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from beffroi.detectors._boxes import SAME_ACROSS, Boxes, Selection, joined
from beffroi.detectors._decoders import Preparation
from beffroi.detectors._session import load
from beffroi.detectors._tiles import TILES, TileChoice, crop, doubtful, news, placed
from beffroi.frame import Detections, Frame
from beffroi.manifest import Manifest

if TYPE_CHECKING:
    from beffroi.detectors.onnx import OnnxConfig


class OnnxDetector:
    """One model, and what it remembers of one camera if tiles are chosen automatically."""

    def __init__(self, path: Path, manifest: Manifest, config: OnnxConfig) -> None:
        self._session = load(path, manifest, config.device, config.threads)
        self._preparation = Preparation(manifest)
        keep = manifest.score.keep if config.threshold is None else config.threshold
        self._selection = Selection(manifest, config.classes or manifest.classes, keep)
        self._tiles = list(range(len(TILES))) if config.tiles == "2x2" else []
        self._choice = TileChoice() if config.tiles == "auto" else None
        self.labels = self._selection.labels
        self.name = manifest.name
        self.version = manifest.sha256[:12]
        self.provider = self._session.provider

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Boxes of each picture: inside it, strongest first, one per thing."""
        fulls = [self._selection.distinct(boxes) for boxes in self._run([frame.image for frame in frames])]
        return [self._looked_closer(frame, full) for frame, full in zip(frames, fulls, strict=True)]

    def close(self) -> None:
        """Nothing to close: the model is freed with its last detector."""

    def _looked_closer(self, frame: Frame, full: Boxes) -> Detections:
        """What was found in the whole picture, with what its tiles add."""
        tiles = self._tiles
        if self._choice is not None:
            tiles = self._choice.tiles(frame.at_ms, doubtful(self._selection, full))
        if tiles:
            views = [crop(frame.image, tile) for tile in tiles]
            inside = self._run([image for image, _ in views])
            parts = [full]
            for tile, (_, corners), boxes in zip(tiles, views, inside, strict=True):
                part = self._selection.distinct(placed(boxes, corners))
                if self._choice is not None and news(self._selection, part, full):
                    self._choice.found(tile, frame.at_ms)
                parts.append(part)
            full = self._selection.distinct(joined(parts), SAME_ACROSS)
        return self._selection.detections(self._selection.wanted(full))

    def _run(self, images: Sequence[NDArray[np.uint8]]) -> list[Boxes]:
        extents = [self._preparation.extent(image) for image in images]
        return self._session.run(self._preparation.tensor(images), extents)
