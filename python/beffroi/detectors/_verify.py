"""Asks a model about a place before it is reported: does it burn, does somebody lie there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from beffroi.detectors._session import load
from beffroi.errors import ModelError
from beffroi.manifest import Manifest, read_manifest

if TYPE_CHECKING:
    from beffroi.detectors._session import Device

Box: TypeAlias = tuple[float, float, float, float]
Words: TypeAlias = Mapping[str, tuple[str, ...]]
"""By kind, the labels of a model that mean it, in lower case."""

# The model is shown the place with this much around it, in sides of the place, and never less than this share
# of the picture: a flame without its surroundings looks like many things.
AROUND = 0.5
LEAST_SIDE = 0.15

BURNING: Words = {"fire": ("fire", "flame"), "smoke": ("smoke",)}
LYING: Words = {
    "lying": ("lying", "fallen", "lying person", "fallen person", "person lying", "person fallen")
}


class Verifier:
    """A detection model that has a label for one of the kinds in `words` at least.

    Raises
    ------
    ModelError
        If the model or its manifest cannot be used, or it has a label for none.
    """

    def __init__(self, path: Path, words: Words, device: Device, threads: int) -> None:
        from beffroi.detectors._decoders import Preparation

        self._manifest = manifest_of(path, words)
        self._session = load(path, self._manifest, device, threads)
        self._preparation = Preparation(self._manifest)
        self.version = self._manifest.sha256[:12]
        labels = self._manifest.output.labels
        self._wanted = {
            kind: [i for i, label in enumerate(labels) if _plain(label) in meant]
            for kind, meant in words.items()
        }

    def knows(self, kind: str) -> bool:
        """Whether it has a label for that kind; if not, it is not asked."""
        return bool(self._wanted[kind])

    def agrees(self, image: NDArray[np.uint8], box: Box, kind: str) -> bool:
        """Whether the model is sure to see that kind in the picture (BGR) around `box`."""
        crop = _around(image, box)
        (boxes,) = self._session.run(self._preparation.tensor([crop]), [self._preparation.extent(crop)])
        wanted = np.isin(boxes.label, self._wanted[kind])
        return bool((boxes.score[wanted] >= self._manifest.score.sure).any())


def manifest_of(path: Path, words: Words) -> Manifest:
    """The manifest beside a verifier; raises `ModelError` if there is none, or it has none of the labels."""
    for needed in (path, path.with_suffix(".toml")):
        if not needed.is_file():
            what = "model" if needed == path else "manifest for the model (see models/README.md)"
            raise ModelError(f"there is no {what} at {needed}")
    manifest = read_manifest(path.with_suffix(".toml"))
    meant = [word for some in words.values() for word in some]
    if not any(_plain(label) in meant for label in manifest.output.labels):
        known = ", ".join(manifest.output.labels)
        raise ModelError(f"{path}: has no label `{'`, `'.join(meant)}`; it knows: {known}")
    return manifest


def _plain(label: str) -> str:
    return label.lower().replace("_", " ").strip()


def _around(image: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    x1, y1, x2, y2 = box
    half_x = max((x2 - x1) * (0.5 + AROUND), LEAST_SIDE / 2)
    half_y = max((y2 - y1) * (0.5 + AROUND), LEAST_SIDE / 2)
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    left, right = max(0, int((x - half_x) * width)), min(width, int(np.ceil((x + half_x) * width)))
    top, bottom = max(0, int((y - half_y) * height)), min(height, int(np.ceil((y + half_y) * height)))
    return np.ascontiguousarray(image[top:bottom, left:right])
