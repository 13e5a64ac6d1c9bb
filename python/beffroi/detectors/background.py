"""What was not there before, and what has gone: for things that no object detector has a name for.

A dumped mattress, a bin bag, a rucksack, a fallen branch: whatever has come to stay is a `still_object`;
a piece of the scene that is no longer there is a `missing_object`; what moves and is nobody that the object
detector found is a `moving_object` (only with `moving: true`). In a site file, beside the object
detector:

    also: [{ type: background, zones: [kerb] }]

# What it sees
The picture is reduced to `cells` columns. Each cell keeps what the empty scene looks like there and
what it shows instead, for how long. What has been the same for `still_for` seconds is put together to
pieces, and each piece is weighed: is it only brighter or darker, with the ground's texture showing
through (light, shadow: becomes part of the scene), was its rim an edge before and is none now (gone) or
the other way round (new)? The score, 0..1, is the geometric mean of contrast, edge and compactness, and
less where the surroundings change too, keep changing, or where light would explain it. A thing is
reported as long as it is there, also behind those who pass, and no longer a second after it was taken.

# Who is left out
People, animals and vehicles in `frame.detections`, also while they stand for long, while the object
detector misses them for a while, and what they uncover when they leave. Bags are not left out. Without an
object detector before it, somebody who stands still for `still_for` is a still object.

# What it cannot see
- What was there before the place was known, and what is put down where somebody explained stands all the
  time (before a parked car that the detector finds): such places are never learnt.
- Things of the ground's own colour, things smaller than `min_size` and, on even ground, an evenly grey
  thing: that is what a shadow looks like. A sharp patch of light on a shining floor may be taken for one.
- A thing among leaves in the wind scores low; a camera that turns makes it learn the scene anew, and what
  lay there then is part of the scene.

# Settings
- `zones`:
  Where to look, by the view's names. Fewer places to be mistaken about, and cheaper.
- `still_for`:
  Shorter reports sooner, and more people who stand for a moment and were not found.
- `warm_up`:
  A place is known when it has looked the same for so long, not counting who is explained; others who
  pass cost half of their time. Longer learns nobody who waits there, but sees nothing until then.
- `missing_for`:
  How long what has gone is missed; then the scene is without it. 0 reports nothing as missing.
- `min_size`:
  Smaller sees smaller things, and more specks.
- `cells`:
  More see smaller things and need more time: twice as many four times.
- `threshold`:
  Lower sees fainter things and more mistakes.

The learnt scene is kept in `BuildContext.state`: after a restart it knows at once, also what was left
while it was off. It holds no place where somebody explained stood, and nothing of what was only passing. If
it is no longer what the camera shows, that is said in the log and it is learnt anew.
"""

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
        300.0,
        ge=0,
        description="Seconds that what has gone is reported; then it is forgotten. 0: never reported.",
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
        """Nothing is read before the first picture; raises `ModelError` for a zone that is not the view's."""
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
