"""An alert: one event of the engine or incident of the camera itself, and what it was seen with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from beffroi._core import catalogue

if TYPE_CHECKING:
    from beffroi._core import Event
    from beffroi.views.incident import Incident


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What every alert of one view shares.

    `evaluation` marks everything that does not show a place as it is now, or is not meant to be acted on;
    `dated` says that media time is wall clock time, milliseconds since 1970 in UTC.
    """

    site: str
    camera: str
    view: str
    evaluation: bool
    dated: bool
    model: str
    engine: str


DATED_MS = 631_152_000_000
"""Media time from here on (1990) is wall clock time; what lies before it is time since a recording began."""


def measurements() -> frozenset[str]:
    """Rule kinds whose events are totals, not alerts."""
    return frozenset(entry["kind"] for entry in catalogue() if entry.get("measurement"))


def alert(
    event: Event | Incident, seen: Circumstances, snapshot: str | None, clip: str | None = None
) -> dict[str, Any]:
    """The event's own keys in their own order, followed by its circumstances."""
    return {
        **json.loads(event.to_json()),
        "site": seen.site,
        "camera": seen.camera,
        "view": seen.view,
        "evaluation": seen.evaluation,
        "at": moment(event.at_ms, dated=seen.dated),
        "model": seen.model,
        "engine": seen.engine,
        "snapshot": snapshot,
        "clip": clip,
    }


def moment(at_ms: int, *, dated: bool) -> str:
    """ISO 8601: a moment in UTC, or the time since the start of a recording that has no date.

    >>> moment(12_400, dated=False)
    'PT12.4S'
    >>> moment(1_780_000_000_040, dated=True)
    '2026-05-28T20:26:40.040Z'
    """
    if dated:
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    seconds, rest = divmod(at_ms, 1000)
    digits = f"{seconds}.{rest:03d}".rstrip("0").rstrip(".")
    return f"PT{digits}S"
