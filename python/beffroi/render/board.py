"""What is going on in a view, as somebody who looks at it wants to see it: alerts, trails, timers, counts.

Reads steps of the engine and draws nothing; times are media milliseconds.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from beffroi._core import catalogue

if TYPE_CHECKING:
    from beffroi._core import Event, Step

TRAIL_MS: Final = 4000
"""How far back a trail reaches."""
LINGER_MS: Final = 4000
"""How long the place of an ended alert stays marked."""
KEPT: Final = 40
"""Ended alerts that are remembered."""
UNITS: Final = {
    "s": "s",
    "m": "m",
    "kmh": "km/h",
    "ms": "m/s",
    "deg": "°",
    "body": "body sizes",
    "bodyps": "body sizes/s",
    "m2": "/m²",
    "percent": "%",
}

Timer = tuple[str, int, int, bool]
"""Rule, subject id (0 for a group or place), since when, whether it has started: from `Engine.timers`."""


@dataclass(slots=True)
class Shown:
    """One alert on the board."""

    id: str
    rule: str
    type: str
    severity: str
    zone: str | None
    subjects: dict[int, str]
    measured: dict[str, float]
    threshold: dict[str, float]
    since_ms: int
    started_ms: int
    ended_ms: int | None = None

    @property
    def active(self) -> bool:
        """Whether it has not ended."""
        return self.ended_ms is None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A condition that holds and has a while to go: `held_ms` of `after_ms`."""

    rule: str
    zone: str | None
    subject: int
    held_ms: int
    after_ms: int


@dataclass(slots=True)
class Board:
    """Keeps what the last steps said.

    Parameters
    ----------
    scene
        The scene that the engine runs: its rules say thresholds and places.
    """

    scene: Mapping[str, Any]
    at_ms: int = 0
    alerts: list[Shown] = field(default_factory=list)
    trails: dict[int, deque[tuple[int, float, float]]] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    held: dict[int, int] = field(default_factory=dict)
    """Milliseconds since when the condition of an active alert holds, by subject."""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """Crossings by line and direction."""

    def see(
        self,
        at_ms: int,
        step: Step,
        timers: Iterable[Timer] = (),
        counts: Mapping[str, Mapping[str, Mapping[str, int]]] | None = None,
    ) -> None:
        """Take in one step; `timers` is `Engine.timers`, `counts` is ``lines`` of `Engine.stats`."""
        self.at_ms = at_ms
        for event in step.events:
            self._tell(event)
        ended = [a for a in self.alerts if not a.active]
        self.alerts = ended[-KEPT:] + [a for a in self.alerts if a.active]
        self._follow(step)
        self._time(timers)
        if counts is not None:
            self.counts = {
                rule["line"]: _summed(counts.get(rule["line"], {}), setting(rule, "classes"))
                for rule in self._counting()
            }

    def fresh(self, alert: Shown) -> bool:
        """Whether it is active, or ended a moment ago."""
        return alert.ended_ms is None or self.at_ms - alert.ended_ms <= LINGER_MS

    def active_zones(self) -> dict[str, str]:
        """Severity of the worst active alert by name of zone, line or route."""
        order = ("info", "warning", "critical")
        worst: dict[str, str] = {}
        for alert in self.alerts:
            if alert.active and alert.zone:
                worst[alert.zone] = max(worst.get(alert.zone, "info"), alert.severity, key=order.index)
        return worst

    def active_subjects(self) -> dict[int, Shown]:
        """The alert of each subject that takes part in an active one, the latest if there are several."""
        return {subject: alert for alert in self.alerts if alert.active for subject in alert.subjects}

    def _tell(self, event: Event) -> None:
        """Start, update or end an alert; an event that never started is a measurement."""
        known = next((a for a in self.alerts if a.id == event.id), None)
        if event.change == "started":
            text = json.loads(event.to_json())
            if text["shadow"]:
                return
            subjects = {int(s["id"]): str(s["class"]) for s in text["subjects"]}
            self.alerts.append(
                Shown(
                    event.id, event.rule, event.type, text["severity"], event.zone, subjects,
                    dict(event.measured), dict(event.threshold), event.since_ms, event.at_ms,
                )
            )  # fmt: skip
            if _kinds()[event.type]["momentary"]:
                self.alerts[-1].ended_ms = event.at_ms
        elif known is None:
            if event.zone in self.scene.get("lines", {}):
                self.counts[event.zone or ""] = {
                    way: int(event.measured[way])
                    for way in ("left_to_right", "right_to_left")
                    if way in event.measured
                }
        else:
            known.measured = dict(event.measured)
            if event.change == "ended":
                known.ended_ms = event.at_ms
            else:
                text = json.loads(event.to_json())
                known.subjects = {int(s["id"]): str(s["class"]) for s in text["subjects"]}

    def _counting(self) -> list[Mapping[str, Any]]:
        """Rules that count at a line."""
        rules: Sequence[Mapping[str, Any]] = self.scene.get("rules", ())
        return [rule for rule in rules if _kinds()[rule["type"]]["measurement"] and rule.get("line")]

    def _follow(self, step: Step) -> None:
        alive, tracks = set(), step.tracks
        labels = self.scene.get("classes") or ()
        for i in range(len(tracks)):
            subject = int(tracks.subject[i])
            alive.add(subject)
            if tracks.det[i] < 0:
                continue
            x1, y1, x2, y2 = (float(v) for v in tracks.xyxy[i])
            on_foot = not labels or labels[int(tracks.class_id[i])] == "person"
            x, y = (x1 + x2) / 2, y2 if on_foot else y2 - 0.25 * (y2 - y1)
            trail = self.trails.setdefault(subject, deque())
            if trail:
                # A box trembles; a trail that does too says nothing more.
                x, y = 0.5 * (x + trail[-1][1]), 0.5 * (y + trail[-1][2])
            trail.append((self.at_ms, x, y))
        for subject, trail in list(self.trails.items()):
            while trail and self.at_ms - trail[0][0] > TRAIL_MS:
                trail.popleft()
            if subject not in alive or not trail:
                del self.trails[subject]

    def _time(self, timers: Iterable[Timer]) -> None:
        rules = {rule["name"]: rule for rule in self.scene.get("rules", ())}
        self.waiting, self.held = [], {}
        for name, subject, since, started in timers:
            rule = rules[name]
            if started:
                self.held[subject] = max(self.held.get(subject, 0), self.at_ms - since)
            elif (after := milliseconds(setting(rule, "after"))) >= 1500:
                place = rule.get("zone") or rule.get("line") or rule.get("route")
                self.waiting.append(Waiting(name, place, subject, self.at_ms - since, after))


@cache
def _kinds() -> dict[str, dict[str, Any]]:
    return {entry["kind"]: entry for entry in catalogue()}


def setting(rule: Mapping[str, Any], name: str) -> Any:
    """A setting of a rule: what it says, or what holds for its kind when it says nothing."""
    if rule.get(name) is not None:
        return rule[name]
    return _kinds()[rule["type"]]["schema"]["properties"].get(name, {}).get("default")


def milliseconds(span: str | None) -> int:
    """A time as rules write it (``500ms``, ``12s``, ``1h 30min``) in milliseconds; 0 for None."""
    factors = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
    parts = re.findall(r"([0-9.]+)\s*(ms|s|min|h|d)", span or "")
    return round(sum(float(number) * factors[unit] for number, unit in parts))


def said(measured: Mapping[str, float], threshold: Mapping[str, float]) -> list[str]:
    """What was measured beside its threshold, in words: ``held 12.4 s, threshold 12 s``."""
    lines = []
    for name, value in measured.items():
        word, _, suffix = name.rpartition("_")
        unit = UNITS.get(suffix)
        label = (word if unit and word else name).replace("_", " ")
        tail = f" {unit}" if unit else ""
        line = f"{label} {_number(value)}{tail}"
        if name in threshold:
            line += f", threshold {_number(threshold[name])}{tail}"
        lines.append(line)
    return lines


def clock(ms: int) -> str:
    """Media time as people read it: ``1:02:03`` or ``02:03``."""
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes:02d}:{seconds:02d}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if abs(value) < 1000 else f"{value:.0f}"


def _summed(classes: Mapping[str, Mapping[str, int]], wanted: Sequence[str] | None) -> dict[str, int]:
    ways = {"left_to_right": 0, "right_to_left": 0}
    for label, directions in classes.items():
        if wanted is None or label in wanted:
            for way in ways:
                ways[way] += int(directions.get(way, 0))
    return ways


def who(subjects: Mapping[int, str], most: int = 3) -> str:
    """Who takes part, from labels by subject id: ``person 12``, or ``5 people`` beyond `most`."""
    if len(subjects) <= most:
        return ", ".join(f"{label} {subject}" for subject, label in subjects.items())
    labels = set(subjects.values())
    what = "people" if labels == {"person"} else f"{labels.pop()}s" if len(labels) == 1 else "subjects"
    return f"{len(subjects)} {what}"
