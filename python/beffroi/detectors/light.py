"""What a traffic light or a lamp shows, inside a drawn zone: a signal with the detector's name.

Draw the zone closely around one head, or around several that always show the same; then the rule `red_light`
and others read the signal. `kind: traffic` gives `red`, `amber`, `red_amber`, `green`, `flashing`, `off` or
`unknown`; `kind: lamp` gives `on`, `off` or `unknown`.

# What it sees
The place in the zone that shines most in the colour of one of the lamps: bright and
coloured, or burnt out to white with a coloured rim, as lamps look at night. Red may be as purple as night
cameras show it, green as blue as signals are. What the zone shows in a colour while another lamp is lit (a
yellow housing, leaves behind, sun on the glass) is remembered and taken off.

`flashing` is a name of its own: a light that flashes amber tells nobody to stop, and is out of order or
switched off for the night; whoever waits for `red` must not see it as part of a cycle, and whoever looks
after the lights wants to be told. It is said after amber came back twice; before that it is `amber`.

`unknown`: until a state has lasted for `steady`; when a vehicle or a person is in front; when two lamps
shine that do not belong together; when the zone is smaller than 5 x 5 pixels; and when the head is hidden,
as far as that can be seen by day. `off` is said after two seconds without light, as no head is dark for so
long.

# What it cannot see
Which of two heads in one zone shows what, arrows from discs, and lamps that the camera
shows as plain white without any coloured rim. At 2 pictures a second a flashing light may look steady.

# Settings
`steady`: a new state must last so long; shorter is faster and trusts reflections. 0.3 s is a
tenth of an amber phase. `kind`, `zone`, `name`: see above.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from beffroi.components import BuildContext, DetectorConfig, Finding
from beffroi.detectors._span import Span, milliseconds

if TYPE_CHECKING:
    from beffroi.detectors._light import LightDetector


class LightConfig(DetectorConfig):
    """Reads a traffic light or a lamp in a zone."""

    type: Literal["light"]
    name: str = Field(min_length=1, description="Name of the signal.")
    zone: str = Field(min_length=1, description="Zone of the view around the head, or several that agree.")
    kind: Literal["traffic", "lamp"] = Field("traffic", description="A traffic light, or a lamp.")
    steady: Span = Field("0.3s", description="How long a state must last before it is believed.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if milliseconds(self.steady) > 10_000:
            raise ValueError(f"steady ({self.steady}) is longer than 10s: phases of a light would be missed")
        return self

    def findings(self, context: BuildContext) -> Iterable[Finding]:
        """A zone that the view does not have, or outside the picture."""
        from beffroi.detectors._region import zone_findings

        return zone_findings(context.zones, self.zone)

    def known_labels(self, context: BuildContext) -> tuple[str, ...]:  # noqa: ARG002 - it has no boxes
        """None: it gives a signal, no boxes."""
        return ()

    def build(self, context: BuildContext) -> LightDetector:
        """Begin to look; raises `ConfigError` if the view has no such zone."""
        from beffroi.detectors._light import LightDetector

        return LightDetector(self, context)
