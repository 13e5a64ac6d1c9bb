"""Fire and smoke, from the pictures alone: flames that flicker, grey that spreads.

# What it sees
A flame that is about 0.01 % of the picture or larger (some 8 of 320 x 180 pixels), by day and
by night, also one that burns from the first picture on, and one with a burnt-out white heart. All of these
must agree, over time: the colour of flame, brightness that goes up and down without order, not as usual for
that spot, uneven inside, not always the same shape when it comes back, found again and again at its place.
Smoke, if it hides something that was seen before, moves, has no outline, and grows.

# What it does not report
Lamps, signs, a low sun, lit windows, orange walls and vans: nothing flickers.
Traffic lights, beacons and turn signals: they come back in the same shape. Headlights, vests and clothes
that pass: they make a spot turn once or twice. What people do inside their own outline, where the object
detector finds them. Fog and a lens out of focus: they are everywhere. Shadows: they keep the edges in
proportion.

# What it cannot see
Fire behind something; embers and flames that do not move; a still candle; fire in a
picture without colour (infrared at night): for this there is no colour to judge. Smoke in front of a smooth
wall or the sky, thin haze, smoke that was there when the camera began, and smoke in the pictures of a
camera that moves. What it can mistake for fire: orange light on moving water or behind moving leaves, and a
film of a fire on a screen; for smoke: steam that stands for seconds, and a long exhaust plume. A `verifier`
helps against these.

# Settings
`kinds`: fire, smoke, or both; looking for one costs half as much. `threshold`: places with a lower
score are dropped; 0.5 is sure, lower finds a small fire sooner and more that is none. `after`: for how long a
flame must be found again and again before it is reported; shorter is faster, and trusts a single gust.
`verifier`: an .onnx detection model with its manifest beside it (see models/README.md) and a label `fire`,
`flame` or `smoke`; it is shown what is around a place, and must agree in `agree` of the last `of` looks.

Cost: it looks at a picture of at most 320 pixels a side, at most six or seven times a second; between two
looks the last answer stands. At less than 2 pictures a second flames cannot be told from things that pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from beffroi.components import BuildContext, DetectorConfig, Finding
from beffroi.detectors._span import Span, milliseconds
from beffroi.errors import BeffroiError

if TYPE_CHECKING:
    from beffroi.detectors._fire import FireDetector

Kind = Literal["fire", "smoke"]


class FireConfig(DetectorConfig):
    """Finds flames and smoke by how they look and move."""

    type: Literal["fire"]
    kinds: tuple[Kind, ...] = Field(("fire", "smoke"), min_length=1, description="What to look for.")
    threshold: float = Field(
        0.5, gt=0, lt=1, description="Places with a lower score are dropped; 0.5 is sure."
    )
    after: Span = Field(
        "1.2s", description="For how long a flame must be found again and again; smoke takes longer anyway."
    )
    verifier: str | None = Field(
        None, min_length=1, description="An .onnx model, its manifest beside it, that must agree."
    )
    agree: int = Field(
        2, ge=1, le=50, description="In so many of the last `of` looks the verifier must agree."
    )
    of: int = Field(3, ge=1, le=50, description="How many of the verifier's last looks count.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where the verifier runs.")
    threads: int = Field(1, ge=0, le=64, description="Processor threads of the verifier; 0 means up to 4.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.agree > self.of:
            raise ValueError(f"agree ({self.agree}) is more than of ({self.of}): it could never be reached")
        if not 400 <= milliseconds(self.after) <= 60_000:
            raise ValueError(f"after ({self.after}) should be between 400ms and 1min")
        return self

    def findings(self, context: BuildContext) -> Iterable[Finding]:
        """A verifier that is not there, or knows neither fire nor smoke."""
        if self.verifier is None:
            return
        from beffroi.detectors._verify import BURNING, manifest_of

        try:
            manifest_of(context.path(self.verifier), BURNING)
        except BeffroiError as error:
            yield (("verifier",), str(error))

    def known_labels(self, context: BuildContext) -> tuple[str, ...]:  # noqa: ARG002 - the same everywhere
        """Fire, smoke, or both."""
        return tuple(dict.fromkeys(self.kinds))

    def build(self, context: BuildContext) -> FireDetector:
        """Begin to look; raises `ModelError` if the verifier cannot be used."""
        from beffroi.detectors._fire import FireDetector

        return FireDetector(self, context)
