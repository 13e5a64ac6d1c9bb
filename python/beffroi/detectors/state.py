"""Which of some named states a place is in, from reference pictures: a bin empty or overflowing, a gate open.

`references` gives a few pictures of each state, best by day and by night, in sun and in rain. A picture of
the camera's own shape (width to height) is taken for a full picture and cut at the zone as it is drawn; any
other for a picture of what the zone encloses. With `full: true` or `full: false` that is said instead of
guessed.

# What it sees
It compares the directions of edges (histograms of oriented gradients, Dalal & Triggs 2005), which
keep through most changes of light, and coarse colour, which helps where shape does not. A picture is in the
state of the nearest reference; with four or more pictures of every state, a small logistic regression is
tried beside that, and whichever names more references rightly when each is left out in turn is used, and
said in the log with how often it was right. More references, and more different ones, are the way to a
better answer.

`unknown`: when a look is further from all references than references are from each other (another thing
stands there), when two states are about equally near, when a person or vehicle covers part of the zone, and
when fewer than `at_least` of the last `of` looks agree. It looks at nothing but its zone, every `every`.

# What it cannot see
A state that looks alike from where the camera is, what is too small (16 x 16 pixels at
least), and anything at night without light.

# Settings
`votes.of`, `votes.at_least`: more looks make it slower and calmer; with the defaults a state is
told after four looks. `every`: how often it looks; more often is faster and costs more. `reach`: how much
further than the references are from each other a look may be and still count; larger answers more often,
and answers also for what is neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from beffroi.components import BuildContext, DetectorConfig, Finding, Settings
from beffroi.detectors._span import Span, milliseconds

if TYPE_CHECKING:
    from beffroi.detectors._state import StateDetector

UNKNOWN = "unknown"

Name = Annotated[str, Field(min_length=1)]


class Votes(Settings):
    """How many looks must agree."""

    of: int = Field(5, ge=1, le=100, description="Looks that are counted.")
    at_least: int = Field(4, ge=1, le=100, description="So many of them must say the same.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.at_least > self.of:
            raise ValueError(f"at_least ({self.at_least}) is more than of ({self.of}): nothing could be told")
        if 2 * self.at_least <= self.of:
            raise ValueError(
                f"at_least ({self.at_least}) is not more than half of {self.of}: two states could win"
            )
        return self


class StateConfig(DetectorConfig):
    """Tells which named state a zone is in, by reference pictures."""

    type: Literal["state"]
    name: Name = Field(description="Name of the signal.")
    zone: Name = Field(description="Zone of the view that shows it.")
    references: dict[Name, tuple[Name, ...]] = Field(
        description="Pictures of each state, relative to the folder of the site file."
    )
    votes: Votes = Field(Votes(of=5, at_least=4), description="How many looks must agree.")
    every: Span = Field("2s", description="Time between two looks.")
    full: bool | None = Field(
        None, description="Whether references are full pictures of the camera. Default: by their shape."
    )
    reach: float = Field(1.6, ge=1, le=10, description="How unlike the references a look may be.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if len(self.references) < 2:
            raise ValueError("references: needs at least two states, such as { empty: [...], full: [...] }")
        for state, files in self.references.items():
            if state == UNKNOWN:
                raise ValueError(
                    f"references: no state may be named `{UNKNOWN}`: that is said when none is sure"
                )
            if not files:
                raise ValueError(f"references.{state}: needs at least one picture")
        if milliseconds(self.every) > 3_600_000:
            raise ValueError(f"every ({self.every}) is longer than an hour")
        return self

    def findings(self, context: BuildContext) -> Iterable[Finding]:
        """A zone that the view does not have, references that are not there."""
        from beffroi.detectors._region import zone_findings

        yield from zone_findings(context.zones, self.zone)
        for state, files in self.references.items():
            for index, file in enumerate(files):
                if not context.path(file).is_file():
                    yield (("references", state, index), f"there is no picture at {context.path(file)}")

    def known_labels(self, context: BuildContext) -> tuple[str, ...]:  # noqa: ARG002 - it has no boxes
        """None: it gives a signal, no boxes."""
        return ()

    def build(self, context: BuildContext) -> StateDetector:
        """Learn the references; raises `ConfigError` if the zone or a picture cannot be used."""
        from beffroi.detectors._state import StateDetector

        return StateDetector(self, context)
