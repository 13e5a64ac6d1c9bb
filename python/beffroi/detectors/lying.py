"""Somebody who lies, by a second opinion: a model looks at people whose outline is broad.

# What it sees
A posture of this moment: the rule `fall` judges the form and the movement of boxes, and where that is not
sure enough, a detection model with a label such as `lying` or `fallen` can be asked about each person that
the object detector found broader than people who stand. What it agrees to is a box `lying`, and `fall` with
`verified: true` waits for one. In a site file:

    also: [{ type: lying, model: lying.onnx }]

# What it cannot see
Whom the object detector does not find. It sees no joints, no face and no one's identity; whether somebody
fell, sleeps or suns themselves is for the rule.

# Settings
`model`: an .onnx detection model with its manifest beside it (see models/README.md). `broad`: people whose
box is at least so many times as wide as high are asked about; less asks about more people and costs more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from beffroi.components import BuildContext, DetectorConfig, Finding
from beffroi.errors import ModelError
from beffroi.frame import Detections, Frame

if TYPE_CHECKING:
    from beffroi.detectors._verify import Verifier

LABELS: tuple[str, ...] = ("lying",)
PEOPLE = ("person", "pedestrian", "people", "human")


class LyingConfig(DetectorConfig):
    """Asks a model whether people with a broad outline lie."""

    type: Literal["lying"]
    model: str = Field(
        min_length=1,
        description="Detection model (.onnx) that knows `lying` or `fallen`.",
    )
    broad: float = Field(
        0.7,
        gt=0,
        le=5,
        description="Least width of a box in its heights to be asked about.",
    )
    most: int = Field(
        4, ge=1, le=100, description="Most people asked about in a picture, the broadest first."
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where the model runs.")
    threads: int = Field(1, ge=0, le=64, description="Processor threads; 0 means up to 4.")

    def findings(self, context: BuildContext) -> Iterable[Finding]:
        """A model that is not there, or has no such label."""
        from beffroi.detectors._verify import LYING, manifest_of

        try:
            manifest_of(context.path(self.model), LYING)
        except ModelError as error:
            yield (("model",), str(error))

    def known_labels(self, context: BuildContext) -> tuple[str, ...]:  # noqa: ARG002 - the same everywhere
        """`lying`."""
        return LABELS

    def build(self, context: BuildContext) -> Lying:
        """Load the model; raises `ModelError`."""
        from beffroi.detectors._verify import LYING, Verifier

        verifier = Verifier(context.path(self.model), LYING, self.device, self.threads)
        return Lying(self, verifier, context.labels)


class Lying:
    """Looks at the people that were found before it."""

    labels = LABELS
    name = "lying"
    provider = "CPUExecutionProvider"

    def __init__(self, config: LyingConfig, verifier: Verifier, before: Sequence[str]) -> None:
        self._config, self._verifier = config, verifier
        self._people = [index for index, label in enumerate(before) if label.lower() in PEOPLE]
        self.version = verifier.version

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """The boxes of people who lie, with the scores that the object detector gave them."""
        return [self._look(frame) for frame in frames]

    def close(self) -> None:
        """Nothing to close."""

    def _look(self, frame: Frame) -> Detections:
        found = frame.detections
        if found is None or not len(found):
            return Detections.empty()
        height, width = frame.image.shape[:2]
        sides = (found.xyxy[:, 2:] - found.xyxy[:, :2]) * (width, height)
        ratio = sides[:, 0] / np.maximum(sides[:, 1], 1e-6)
        asked = np.isin(found.class_id, self._people) & (ratio >= self._config.broad)
        rows = [
            row
            for row in sorted(np.flatnonzero(asked), key=lambda row: -ratio[row])[: self._config.most]
            if self._agrees(frame, found.xyxy[row])
        ]
        return Detections(
            np.ascontiguousarray(found.xyxy[rows].reshape(-1, 4)),
            found.score[rows],
            np.zeros(len(rows), np.uint16),
        )

    def _agrees(self, frame: Frame, xyxy: NDArray[np.float32]) -> bool:
        x1, y1, x2, y2 = (float(v) for v in xyxy)
        return self._verifier.agrees(frame.image, (x1, y1, x2, y2), "lying")
