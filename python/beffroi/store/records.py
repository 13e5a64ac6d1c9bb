"""What is handed to the store, and what it hands out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is about to run on one view."""

    site: str
    site_hash: str
    camera: str
    view: str
    model: str
    provider: str
    engine: str
    evaluation: bool


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run of one view ended; times in media milliseconds, None where no picture was analysed."""

    from_ms: int | None
    to_ms: int | None
    analysed_ms: int
    not_analysed_ms: int
    frames: int
    dropped: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one incident: the engine's text and the alert made of it.

    `alert` holds at least ``id, rule, type, change, at_ms, since_ms, severity, measured`` and ``camera, view,
    evaluation, snapshot``. A `measurement` is kept under ``counts`` and not among the alerts.
    """

    event: str
    alert: Mapping[str, Any]
    measurement: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A period of statistics as `Step.stats` gives it, and how much of that time was analysed."""

    body: Mapping[str, Any]
    analysed_ms: int
    not_analysed_ms: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An alert that a sink has not confirmed yet.

    `delivery_id` is what a receiver tells repeats by: the same for every attempt, after any restart and for
    every sink, and different for everything else, in any other store too.
    """

    seq: int
    attempts: int
    alert: Mapping[str, Any]
    delivery_id: str
