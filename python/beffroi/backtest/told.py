"""Incidents that somebody was told of: from a replay, from a store, or from lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from beffroi.errors import BeffroiError
from beffroi.runtime.alert import measurements

STORES = (".db", ".sqlite", ".sqlite3")


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident; times in media milliseconds, `ended_ms` None where the end is not known.

    `row` is the incident's number in the store, None if it is not from one.
    """

    camera: str
    rule: str
    id: str
    since_ms: int
    started_ms: int
    ended_ms: int | None = None
    row: int | None = None

    @property
    def until_ms(self) -> int:
        """The last moment that is known of it."""
        return self.started_ms if self.ended_ms is None else max(self.ended_ms, self.started_ms)


def incidents(alerts: Iterable[Mapping[str, Any]], camera: str | None = None) -> list[Incident]:
    """The incidents among alerts as sinks get them; totals of measuring rules are none.

    `camera` is whose an alert is that does not say it, such as a note of a recording.
    """
    measuring = measurements()
    found: dict[tuple[str, str, int], Incident] = {}
    latest: dict[tuple[str, str], tuple[str, str, int]] = {}
    for alert in alerts:
        if alert.get("type") in measuring or "rule" not in alert or "id" not in alert:
            continue
        name = str(alert.get("camera") or camera or "")
        key = (name, str(alert["id"]))
        at_ms, change = int(alert["at_ms"]), alert.get("change")
        if change == "started":
            # Two runs over one film give the same ids: each start is one incident.
            latest[key] = (*key, at_ms)
            since = int(alert.get("since_ms", at_ms))
            found[*key, at_ms] = Incident(name, str(alert["rule"]), key[1], since, at_ms)
        elif change == "ended" and key in latest:
            begun = found[latest[key]]
            found[latest[key]] = replace(begun, ended_ms=at_ms)
    return sorted(found.values(), key=lambda each: (each.started_ms, each.rule, each.id))


def told(path: Path) -> list[Incident]:
    """What was told then, by a store (``.db``) or a file of alerts (``.jsonl``) that a sink wrote.

    Where two runs of the store saw the same media time of a view, the later run counts.

    Raises
    ------
    BeffroiError
        If the file is not there, or is neither.
    """
    if not path.is_file():
        raise BeffroiError(f"{path}: there is no such file")
    return _of_store(path) if path.suffix.lower() in STORES else _of_lines(path)


def _of_lines(path: Path) -> list[Incident]:
    alerts: list[Mapping[str, Any]] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BeffroiError(f"{path}: cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        place = f"{path}:{number}"
        try:
            alert = json.loads(line)
        except ValueError as error:
            raise BeffroiError(f"{place}: is not JSON: {error}") from error
        needed = {"camera", "rule", "id", "change", "at_ms"}
        if not isinstance(alert, dict) or not needed <= set(alert) or not isinstance(alert["at_ms"], int):
            raise BeffroiError(f"{place}: is no alert: expected {', '.join(sorted(needed))} among its keys")
        alerts.append(alert)
    return incidents(alerts)


def _of_store(path: Path) -> list[Incident]:
    from beffroi.store import Store, queries

    taken: dict[tuple[str, str], list[tuple[int, int]]] = {}
    found: list[Incident] = []
    with Store(path) as store:
        runs, rows = queries.runs(store), queries.alerts(store)
    of_run: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        of_run.setdefault(row["run"], []).append(row)
    for run in reversed(runs):
        alerts = of_run.get(run["id"], [])
        times = [row["started_ms"] for row in alerts] + [row["at_ms"] for row in alerts]
        times += [time for time in (run["from_ms"], run["to_ms"]) if time is not None]
        if not times:
            continue
        seen = taken.setdefault((run["camera"], run["view"]), [])
        found += [
            Incident(
                row["camera"],
                row["rule"],
                row["incident"],
                int(row["body"].get("since_ms", row["started_ms"])),
                row["started_ms"],
                row["ended_ms"],
                row["id"],
            )
            for row in alerts
            if not any(begin <= row["started_ms"] <= end for begin, end in seen)
        ]
        seen.append((min(times), max(times)))
    return sorted(found, key=lambda each: (each.started_ms, each.rule, each.id))
