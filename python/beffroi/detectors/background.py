"""What was not there before, and what has gone."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from beffroi.components import BuildContext, DetectorConfig, Finding
from beffroi.errors import ModelError

if TYPE_CHECKING:
    from beffroi.detectors._background.detector import BackgroundDetector

Name = Annotated[str, Field(min_length=1)]


class BackgroundConfig(DetectorConfig):
    """Finds what the empty scene is without, and what it has lost."""

    type: Literal["background"]
    zones: tuple[Name, ...] | None = Field(
        None, min_length=1, description="Zones of the view in which to look. Default: the whole picture."
    )
    still_for: float = Field(
        3.0, ge=0.5, le=60, description="Seconds that something must stay put before it is reported."
    )
    warm_up: float = Field(
        8.0, ge=0.5, le=600, description="Seconds that a place must look the same before it is known."
    )
    missing_for: float = Field(
        300.0, ge=0, description="Seconds that what has gone is reported; then it is forgotten. 0: never reported."
    )
    moving: bool = Field(False, description="Reports also what moves and is not explained.")
    min_size: float = Field(
        0.04, gt=0, le=0.5, description="Smallest width and height, relative to the height of the picture."
    )
    cells: int = Field(160, ge=80, le=480, description="Cells across the picture in which it is looked at.")
    threshold: float = Field(0.4, gt=0, lt=1, description="Boxes with a lower score are dropped.")

    def findings(self, context: BuildContext) -> Iterable[Finding]:
        """Zones that the view does not have."""
        for index, name in enumerate(self.zones or ()):
            if name not in context.zones:
                yield (("zones", index), _unknown_zone(name, context))

    def known_labels(self, context: BuildContext) -> tuple[str, ...]:  # noqa: ARG002 - the same everywhere
        """Always the same three."""
        return ("still_object", "missing_object", "moving_object")

    def build(self, context: BuildContext) -> BackgroundDetector:
        """Read the saved scene, if there is one; raises `ModelError` for a zone that the view does not have."""
        for name in self.zones or ():
            if name not in context.zones:
                raise ModelError(_unknown_zone(name, context))
        # Imported here: OpenCV takes half a second that reading a site file must not.
        from beffroi.detectors._background.detector import BackgroundDetector

        return BackgroundDetector(self, context)


def _unknown_zone(name: str, context: BuildContext) -> str:
    near = get_close_matches(name, context.zones, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"the view has no zone {name!r}; {hint}it has: {', '.join(context.zones) or 'none'}"
