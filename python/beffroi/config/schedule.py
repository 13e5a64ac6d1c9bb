"""Named times of the week, as rules name them. What they mean is the core's: `rust/schedule.rs`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from beffroi.components import Settings

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d|24:00"
_SUN = r"(?:sunrise|sunset)(?:[+-]\d{1,3}min)?"
_HOURS = re.compile(rf"(?:{_CLOCK}|{_SUN}) ?- ?(?:{_CLOCK}|{_SUN})")


def _hours(text: str) -> str:
    if not _HOURS.fullmatch(text):
        message = 'should be hours such as "08:00-19:30" or "sunset+30min - sunrise"'
        raise PydanticCustomError("hours", "{message}", {"message": message})
    return text


class Schedule(Settings):
    """Times of the week, in the site's time zone."""

    days: tuple[Day, ...] = Field(
        default=("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
        min_length=1,
        description="Days on which it begins.",
    )
    hours: tuple[Annotated[str, AfterValidator(_hours)], ...] = Field(
        default=("00:00-24:00",),
        min_length=1,
        description='Hours of these days, such as "08:00-19:30"; past midnight "22:00-06:00"; by the sun '
        '"sunset+30min - sunrise".',
    )
    holidays: tuple[date, ...] = Field(default=(), description="Dates on which it does not hold.")


@dataclass(frozen=True, slots=True)
class Calendar:
    """The schedules of a site and where it lies: what rules with hours need where media time is wall time."""

    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    position: tuple[float, float] | None = None

    def scene(self) -> dict[str, Any]:
        """Its part of a scene."""
        drawn: dict[str, Any] = {
            "schedules": {name: each.model_dump(mode="json") for name, each in self.schedules.items()}
        }
        if self.position is not None:
            drawn["position"] = list(self.position)
        return drawn
