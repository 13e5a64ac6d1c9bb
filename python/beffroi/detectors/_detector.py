"""The running side of `onnx`: pictures through the model, whole and in parts, to boxes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from beffroi.detectors._boxes import Selection, joined
from beffroi.detectors._decoders import Preparation
from beffroi.detectors._session import load
from beffroi.detectors._tiles import TILES, WHOLE, TileChoice, crop, news, placed
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
        self._tiles = tuple(range(len(TILES))) if config.tiles == "2x2" else ()
        self._choice = TileChoice() if config.tiles == "auto" else None
        self.labels = self._selection.labels
        self.name = manifest.name
        self.version = manifest.sha256[:12]
        self.provider = self._session.provider

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Boxes of each picture: inside it, strongest first, one per thing."""
        if self._choice is None:
            return [found for found, _ in self._look(frames, self._tiles)]
        answer = []
        for frame in frames:
            tiles = self._choice.tiles(frame.at_ms)
            [(found, telling)] = self._look([frame], tiles)
            for tile in telling:
                self._choice.found(tile, frame.at_ms)
            answer.append(found)
        return answer

    def close(self) -> None:
        """Nothing to close: the model is freed with its last detector."""

    def _look(self, frames: Sequence[Frame], tiles: Sequence[int]) -> list[tuple[Detections, list[int]]]:
        """Boxes of each picture, and those of `tiles` that showed more than the whole picture."""
        views = [(frame.image, WHOLE) for frame in frames]
        views += [crop(frame.image, tile) for frame in frames for tile in tiles]
        images = [image for image, _ in views]
        extents = [self._preparation.extent(image) for image in images]
        boxes = self._session.run(self._preparation.tensor(images), extents)
        closer = iter(zip(boxes[len(frames) :], views[len(frames) :], strict=True))
        answer = []
        for full in map(self._selection.distinct, boxes[: len(frames)]):
            parts, telling = [full], []
            for tile in tiles:
                inside, (_, corners) = next(closer)
                part = self._selection.distinct(placed(inside, corners))
                if news(self._selection, part, full):
                    telling.append(tile)
                parts.append(part)
            found = self._selection.distinct(joined(parts)) if len(parts) > 1 else full
            answer.append((self._selection.detections(self._selection.wanted(found)), telling))
        return answer
