"""Alerts as NIST ActEV JSON, for the public ActEV scorer (protocol ``ActEV_SDL_V2``).

Four files: what the pipeline said (``activities.json``), what the truth file says in the same form
(``reference.json``), and the scorer's two indexes (``file-index.json``, ``activity-index.json``). Only cases
with windows are written: the format has no form for a total or for "at least so many".

An activity lasts from the moment its condition held until its end; its alert frame is where the alert
started. Frames count from 1 at the clip's own rate. The engine decides and grades nothing, so every
``presenceConf`` is 1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beffroi.errors import StoreError
from beffroi.evaluate.truth import Clip

if TYPE_CHECKING:
    from beffroi.evaluate.alarms import AlarmReport, CaseResult

MILLISECONDS = 1000.0
"""Frame rate of what is no file: its frames are milliseconds."""


def write(folder: Path, report: AlarmReport, clips: Path) -> None:
    """Write the four files into `folder`, made if it is not there; `clips` is where the clips are.

    Raises
    ------
    StoreError
        If they cannot be written.
    """
    windowed = [result for result in report.results if result.case.alerts is not None]
    rates = {result.clip.name: _rate(result.clip, clips) for result in windowed}
    files = {
        "activities.json": _activities(windowed, rates),
        "reference.json": _reference(windowed, rates),
        "file-index.json": _file_index(windowed, rates),
        "activity-index.json": {kind: {} for kind in sorted({result.case.kind for result in windowed})},
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error


def _activities(results: Iterable[CaseResult], rates: dict[str, float]) -> dict[str, Any]:
    activities: list[dict[str, Any]] = []
    for result in results:
        for incident in result.incidents:
            ended = incident.started_ms if incident.ended_ms is None else incident.ended_ms
            rate = rates[result.clip.name]
            activities.append(
                {
                    **_instance(result, len(activities) + 1, (incident.since_ms, ended), rate),
                    "presenceConf": 1.0,
                    "alertFrame": _frame(incident.started_ms, rate),
                }
            )
    return {"filesProcessed": [_name(clip) for clip in rates], "activities": activities}


def _reference(results: Iterable[CaseResult], rates: dict[str, float]) -> dict[str, Any]:
    activities: list[dict[str, Any]] = []
    for result in results:
        for opens, closes in result.case.alerts or ():
            window = (round(opens * 1000), round(closes * 1000))
            activities.append(_instance(result, len(activities) + 1, window, rates[result.clip.name]))
    return {"filesProcessed": [_name(clip) for clip in rates], "activities": activities}


def _instance(result: CaseResult, number: int, window: tuple[int, int], rate: float) -> dict[str, Any]:
    first, last = (_frame(at_ms, rate) for at_ms in window)
    # The frame that is marked 0 is the first one after it; an instance has one frame at least.
    localization = {str(first): 1, str(max(last, first + 1)): 0}
    return {
        "activity": result.case.kind,
        "activityID": number,
        "localization": {_name(result.clip.name): localization},
    }


def _file_index(results: Iterable[CaseResult], rates: dict[str, float]) -> dict[str, Any]:
    lengths = {result.clip.name: result.to_ms for result in results}
    return {
        _name(clip): {"framerate": rate, "selected": {"1": 1, str(_frame(lengths[clip], rate) + 1): 0}}
        for clip, rate in rates.items()
    }


def _frame(at_ms: int, rate: float) -> int:
    return round(at_ms * rate / 1000) + 1


def _rate(clip: Clip, clips: Path) -> float:
    if clip.file is None:
        return MILLISECONDS
    from beffroi.video import VideoFile

    video = VideoFile(clips / clip.file)
    try:
        return video.rate or MILLISECONDS
    finally:
        video.close()


def _name(clip: str) -> str:
    """As the scorer's schema has file names: letters, digits, ``_``, ``-`` and ``.``."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", clip)
