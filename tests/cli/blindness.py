"""A detector that finds nothing, so that videos can be run without a model.

Not in `conftest`: annotations are looked up in the module of the class, and several have that name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from beffroi.components import BuildContext, DetectorConfig
from beffroi.frame import Detections, Frame


def register() -> None:
    """Let site files ask for `type: blind`, until it is taken out of ``DetectorConfig.types``."""

    class Blind(DetectorConfig):
        type: Literal["blind"]

        def build(self, context: BuildContext) -> BlindDetector:
            return BlindDetector()


class BlindDetector:
    labels: tuple[str, ...] = ("person",)
    name, version, provider = "blind", "1", "none"

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [Detections.empty() for _ in frames]

    def close(self) -> None:
        pass
