"""From pictures to a model's input, and from its output to boxes: one function per kind of model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beffroi.detectors._boxes import Boxes
from beffroi.manifest import Manifest

# Colour of the part of a letterbox that holds no picture, as in YOLOX's training.
GREY = 114

Array = NDArray[Any]
Outputs = Mapping[str, Array]
Extents = Sequence[tuple[int, int]]
"""Width and height that each picture takes up in the input."""


class Preparation:
    """Makes input tensors, float32 (n, 3, height, width). Keeps its buffers; used by one thread at a time."""

    def __init__(self, manifest: Manifest) -> None:
        self._width, self._height = manifest.input.size
        self._letterbox = manifest.input.fit == "letterbox"
        self._channels = (0, 1, 2) if manifest.input.colour == "bgr" else (2, 1, 0)
        self._scale = np.float32(manifest.input.highest / 255)
        self._canvas = np.full((self._height, self._width, 3), GREY, np.uint8)
        self._planes = [np.empty((self._height, self._width), np.uint8) for _ in range(3)]
        self._tensor = np.empty((1, 3, self._height, self._width), np.float32)

    def tensor(self, images: Sequence[NDArray[np.uint8]], rows: int = 0) -> NDArray[np.float32]:
        """The pictures as one tensor, of at least `rows` rows; its memory is used again by the next call."""
        rows = max(rows, len(images))
        if len(self._tensor) < rows:
            self._tensor = np.zeros((rows, *self._tensor.shape[1:]), np.float32)
        for row, image in zip(self._tensor, images, strict=False):
            self._fit(image)
            # Plane by plane: three times as fast as reading every third byte of the picture.
            cv2.split(self._canvas, self._planes)
            for target, channel in zip(row, self._channels, strict=True):
                np.multiply(self._planes[channel], self._scale, out=target)
        return self._tensor[:rows]

    def extent(self, image: NDArray[np.uint8]) -> tuple[int, int]:
        """Width and height that `image` takes up in the input."""
        if not self._letterbox:
            return self._width, self._height
        height, width = image.shape[:2]
        ratio = min(self._width / width, self._height / height)
        return max(1, int(width * ratio)), max(1, int(height * ratio))

    def _fit(self, image: NDArray[np.uint8]) -> None:
        width, height = self.extent(image)
        cv2.resize(image, (width, height), dst=self._canvas[:height, :width], interpolation=cv2.INTER_LINEAR)
        self._canvas[height:] = GREY
        self._canvas[:height, width:] = GREY


def detr_inputs(tensor: NDArray[np.float32]) -> dict[str, Array]:
    """Inputs of a DEIM or RT-DETR export. A picture of size 1 x 1 makes it answer in relative coordinates."""
    return {"images": tensor, "orig_target_sizes": np.ones((len(tensor), 2), np.int64)}


def detr(outputs: Outputs, _extents: Extents, _manifest: Manifest) -> list[Boxes]:
    """Labels (n, q), boxes (n, q, 4) relative, scores (n, q): complete, but with duplicates."""
    return [
        Boxes(np.asarray(xyxy, np.float32), np.asarray(score, np.float32), np.asarray(label, np.int64))
        for label, xyxy, score in zip(outputs["labels"], outputs["boxes"], outputs["scores"], strict=True)
    ]


def yolox_inputs(tensor: NDArray[np.float32]) -> dict[str, Array]:
    """Input of a YOLOX export without its decoding layer."""
    return {"images": tensor}


def yolox(outputs: Outputs, extents: Extents, manifest: Manifest) -> list[Boxes]:
    """Grid (n, cells, 5 + classes): centre from the cell, log of the size, score, class scores."""
    cell, stride = _cells(manifest.input.size)
    floor = manifest.score.keep / 4
    found = []
    for grid, extent in zip(outputs["output"], extents, strict=True):
        likely = grid[:, 4] >= floor
        rows, at, step = grid[likely], cell[likely], stride[likely]
        label = rows[:, 5:].argmax(axis=1)
        score = rows[:, 4] * rows[np.arange(len(rows)), 5 + label]
        centre, half = (rows[:, :2] + at) * step, np.exp(rows[:, 2:4]) * step / 2
        xyxy = np.concatenate([centre - half, centre + half], axis=1) / np.array(extent * 2, np.float32)
        found.append(Boxes(xyxy.astype(np.float32), score.astype(np.float32), label.astype(np.int64)))
    return found


def _cells(size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Column and row (n, 2), and stride (n, 1), of every cell of the three grids."""
    cells, strides = [], []
    for stride in (8, 16, 32):
        y, x = np.mgrid[: size[1] // stride, : size[0] // stride]
        cells.append(np.stack([x, y], axis=-1).reshape(-1, 2))
        strides.append(np.full((x.size, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


Inputs = Callable[[NDArray[np.float32]], dict[str, Array]]
Decode = Callable[[Outputs, Extents, Manifest], list[Boxes]]

DECODERS: Mapping[str, tuple[Inputs, Decode]] = {"detr": (detr_inputs, detr), "yolox": (yolox_inputs, yolox)}
