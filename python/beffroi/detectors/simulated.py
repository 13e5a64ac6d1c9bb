"""The detector of the simulated square: passes on the boxes that its pictures carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from beffroi.components import BuildContext, DetectorConfig
from beffroi.errors import ModelError
from beffroi.frame import Detections, Frame
from beffroi.simulate.agent import LABELS


class SimulatedDetectorConfig(DetectorConfig):
    """Belongs to `source: { type: simulated }`, whose weather decides how well it sees."""

    type: Literal["simulated"]

    def gives_all(self) -> bool:
        """The square knows every thing and every light in it."""
        return True

    def known_labels(self, context: BuildContext) -> tuple[str, ...]:  # noqa: ARG002 - the same everywhere
        """The 80 labels of COCO, and those of a background model and a flame detector."""
        return LABELS

    def build(self, context: BuildContext) -> PassedOn:  # noqa: ARG002 - nothing to load
        """Nothing to load."""
        return PassedOn()


class PassedOn:
    """Answers with the boxes that came with the pictures."""

    labels = LABELS
    name = "simulated"
    version = ""
    provider = "none"

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """The boxes of each picture.

        Raises
        ------
        ModelError
            If a picture carries none: it is not from the simulated square.
        """
        found = [frame.detections for frame in frames if frame.detections is not None]
        if len(found) < len(frames):
            raise ModelError(
                "the detector `simulated` sees only what `source: { type: simulated }` shows; "
                "for other sources use `detect: { type: onnx }`"
            )
        return found

    def close(self) -> None:
        """Nothing to close."""
