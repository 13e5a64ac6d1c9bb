"""What people said of alerts: from a store or a table, found again for an incident."""

from __future__ import annotations

import csv
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from beffroi.backtest.match import NEAR_MS
from beffroi.backtest.told import STORES, Incident
from beffroi.errors import BeffroiError
from beffroi.store.verdicts import VERDICTS

log = logging.getLogger(__name__)

UNREVIEWED = "unreviewed"
KINDS = (*VERDICTS, UNREVIEWED)

_COLUMNS = {"incident", "camera", "rule", "time", "verdict", "cause", "by", "at"}


@dataclass(frozen=True, slots=True)
class Said:
    """One verdict: of the incident with this id, or of the incident of this rule at this time."""

    verdict: str
    cause: str = ""
    incident: str = ""
    row: int | None = None
    camera: str = ""
    rule: str = ""
    time_ms: int | None = None
    place: str = ""


class Verdicts:
    """All verdicts that are known; of two on one incident the later one counts."""

    def __init__(self, said: Iterable[Said] = ()) -> None:
        self._by_row: dict[int, Said] = {}
        self._by_id: dict[tuple[str, str], Said] = {}
        self._by_time: list[Said] = []
        for each in said:
            if each.row is not None:
                self._by_row[each.row] = each
            if each.incident:
                self._by_id[each.camera, each.incident] = each
            else:
                self._by_time.append(each)

    def about(self, incidents: Sequence[Incident]) -> Verdicts:
        """The same, each verdict on a rule and a time now on the incident that it means.

        That is the one of `incidents` that lies there, or begins nearest of several. A verdict that means
        none is warned of, and counts nowhere.
        """
        found = Verdicts()
        found._by_row = dict(self._by_row)
        found._by_id = dict(self._by_id)
        for said in self._by_time:
            time = said.time_ms or 0
            there = [each for each in incidents if _within(said, each)]
            meant = min(
                there, key=lambda each: (abs(each.started_ms - time), each.camera, each.id), default=None
            )
            if meant is None:
                log.warning("%s: no alert of %s lies at that time: it counts nowhere", said.place, said.rule)
            else:
                found._by_id[meant.camera, meant.id] = said
        return found

    def of(self, *incidents: Incident) -> Said | None:
        """The verdict on an incident, known under any of these forms."""
        for incident in incidents:
            found = None if incident.row is None else self._by_row.get(incident.row)
            for camera in (incident.camera, ""):
                found = found or self._by_id.get((camera, incident.id))
            if found is not None:
                return found
        return None

    def count(self, incidents: Iterable[Sequence[Incident]]) -> dict[str, int]:
        """How many of each kind, in the order of `KINDS`."""
        counts = dict.fromkeys(KINDS, 0)
        for forms in incidents:
            said = self.of(*forms)
            counts[UNREVIEWED if said is None else said.verdict] += 1
        return counts


def read_verdicts(path: Path) -> Verdicts:
    """Verdicts from a store (``.db``) or a table (``.csv``).

    A table has the columns ``verdict`` (confirmed, false or cannot_tell) and either ``incident`` (its id) or
    ``rule`` and ``time``; and may have ``camera``, ``cause``, ``by`` and ``at``. A time is written as alerts
    have it (``PT12.4S``, ``2026-05-28T20:26:40Z``), as ``[hours:]minutes:seconds``, or in milliseconds.

    Raises
    ------
    BeffroiError
        With the line and what is wrong there.
    """
    if not path.is_file():
        raise BeffroiError(f"{path}: there is no such file")
    if path.suffix.lower() in STORES:
        from beffroi.store import Store
        from beffroi.store.verdicts import latest

        with Store(path) as store:
            rows = latest(store)
        return Verdicts(
            Said(row["verdict"], row["cause"] or "", row["incident"], row["alert"], row["camera"])
            for row in rows
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            unknown = set(table.fieldnames or ()) - _COLUMNS
            if "verdict" not in (table.fieldnames or ()) or unknown:
                wrong = f"does not know {', '.join(sorted(unknown))}; " if unknown else ""
                names = "verdict, and incident or rule and time; perhaps camera, cause, by, at"
                raise BeffroiError(f"{path}:1: {wrong}expected the columns {names}")
            return Verdicts(_said(f"{path}:{table.line_num}", row) for row in table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BeffroiError(f"{path}: cannot be read: {error}") from error


def _said(place: str, row: dict[str, Any]) -> Said:
    values = {name: (row.get(name) or "").strip() for name in _COLUMNS}
    verdict = values["verdict"].lower().replace(" ", "_")
    if verdict not in VERDICTS:
        raise BeffroiError(f"{place}: verdict {values['verdict']!r}: expected {', '.join(VERDICTS)}")
    if not values["incident"] and not (values["rule"] and values["time"]):
        raise BeffroiError(f"{place}: expected an incident, or a rule and a time")
    time_ms = _time(place, values["time"]) if values["time"] else None
    return Said(
        verdict, values["cause"], values["incident"], None, values["camera"], values["rule"], time_ms, place
    )


def _time(place: str, text: str) -> int:
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if duration := re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?", text):
        hours, minutes, seconds = (float(part or 0) for part in duration.groups())
        return round((hours * 3600 + minutes * 60 + seconds) * 1000)
    if clock := re.fullmatch(r"(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)", text):
        hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return round((hours * 3600 + minutes * 60 + seconds) * 1000)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        wanted = "PT12.4S, 2026-05-28T20:26:40Z, 1:02:03 or milliseconds"
        raise BeffroiError(f"{place}: time {text!r}: expected {wanted}") from error
    if moment.tzinfo is None:
        raise BeffroiError(f"{place}: time {text!r} does not say its zone: write Z or +02:00 behind it")
    return round(moment.timestamp() * 1000)


def _within(said: Said, incident: Incident) -> bool:
    mine = said.rule == incident.rule and said.camera in {"", incident.camera}
    return mine and incident.since_ms - NEAR_MS <= (said.time_ms or 0) <= incident.until_ms + NEAR_MS
