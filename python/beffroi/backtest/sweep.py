"""One setting of a rule, value by value: what each would have told.

All values are tried in one pass. A rule neither sees nor disturbs another, and the tracker does not know the
rules: so the engine runs a copy of the rule for each value, and a sweep costs little more than one replay.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beffroi._core import ConfigError, Engine, catalogue, check
from beffroi.backtest.match import Comparison, compare
from beffroi.backtest.play import DAY_MS, at_once
from beffroi.backtest.told import Incident, incidents
from beffroi.backtest.values import Setting, Trial
from beffroi.backtest.verdicts import KINDS, Verdicts
from beffroi.errors import BeffroiError
from beffroi.runtime.replay import Playing, Shown, shown_to

if TYPE_CHECKING:
    from beffroi.config.site import Site

_AS_IT_IS = -1


@dataclass(frozen=True, slots=True)
class Row:
    """What one value would have told, or why a rule refused it.

    `kept` and `lost` count what was told before, and would or would not be told again, by verdict.
    """

    trial: Trial
    refused: str | None
    alerts: int
    comparison: Comparison
    kept: Mapping[str, int]
    lost: Mapping[str, int]

    def as_json(self, days: float) -> dict[str, Any]:
        """Plain values."""
        if self.refused is not None:
            return {"value": self.trial.value, "refused": self.refused}
        return {
            "value": self.trial.value,
            "alerts": self.alerts,
            "alerts_per_camera_day": self.alerts / days if days else None,
            "stays": len(self.comparison.stays),
            "raised": len(self.comparison.raised),
            "vanished": len(self.comparison.vanished),
            "kept": dict(self.kept),
            "lost": dict(self.lost),
        }


@dataclass(frozen=True, slots=True)
class Sweep:
    """All values of one setting; `present` is what holds in the site now, None where rules differ."""

    setting: Setting
    rules: tuple[tuple[str, str], ...]
    present: Any
    before: int
    days: float
    rows: tuple[Row, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "setting": self.setting.key,
            "rules": [{"camera": camera, "rule": rule} for camera, rule in self.rules],
            "present": self.present,
            "before": self.before,
            "camera_days": self.days,
            "values": [row.as_json(self.days) for row in self.rows],
        }


@dataclass(frozen=True, slots=True)
class _Swept:
    """What one recording gave: incidents of each trial, and of the rules as they are."""

    shown: Shown
    rules: tuple[Mapping[str, Any], ...]
    of_trial: Mapping[int, list[Incident]]
    refused: Mapping[int, str]
    from_ms: int
    to_ms: int


def sweep(
    recordings: Sequence[Path],
    site: Site,
    setting: Setting,
    *,
    before: Sequence[Incident] | None = None,
    verdicts: Verdicts | None = None,
    renamed: Mapping[str, str] | None = None,
    camera: str | None = None,
    view: str | None = None,
) -> Sweep:
    """Try every value of `setting` on the recordings.

    Parameters
    ----------
    before
        What was told then; what the rules tell as they are now if left out.
    verdicts
        What people said of it.
    renamed
        Present name of each rule that was called otherwise before.

    Raises
    ------
    BeffroiError
        If no rule has this setting, or a recording cannot be played. A value that a rule refuses is no error.
    """
    swept = at_once(lambda path: _play(path, site, setting, camera, view), recordings)
    rules = sorted({(each.shown.camera, str(rule["name"])) for each in swept for rule in each.rules})
    if not rules:
        raise BeffroiError(_no_such(site, setting, swept))
    if before is None:
        told = [incident for each in swept for incident in each.of_trial.get(_AS_IT_IS, [])]
    else:
        names = renamed or {}
        called = [replace(each, rule=names.get(each.rule, each.rule)) for each in before]
        told = [each for each in called if (each.camera, each.rule) in rules and _covered(swept, each)]
    verdicts = (verdicts or Verdicts()).about(told)
    rows = tuple(_row(i, trial, swept, told, verdicts) for i, trial in enumerate(setting.trials))
    values = {json.dumps(_present(rule, setting.key)) for each in swept for rule in each.rules}
    present = json.loads(values.pop()) if len(values) == 1 else None
    days = sum(each.to_ms - each.from_ms for each in swept) / DAY_MS
    return Sweep(setting, tuple(rules), present, len(told), days, rows)


def _row(
    number: int, trial: Trial, swept: Sequence[_Swept], told: Sequence[Incident], verdicts: Verdicts
) -> Row:
    refused = next((each.refused[number] for each in swept if number in each.refused), None)
    if refused is not None:
        nothing = dict.fromkeys(KINDS, 0)
        return Row(trial, refused, 0, Comparison((), (), ()), nothing, nothing)
    now = [incident for each in swept for incident in each.of_trial.get(number, [])]
    found = compare(told, now)
    return Row(
        trial,
        None,
        len(now),
        found,
        verdicts.count(found.stays),
        verdicts.count([(each,) for each in found.vanished]),
    )


def _play(path: Path, site: Site, setting: Setting, camera: str | None, view: str | None) -> _Swept:
    shown = shown_to(path, site, camera=camera, view=view)
    settings = site.cameras[shown.camera].views[shown.view]
    width, height = shown.size
    calendar = site.calendar if shown.header.dated else None
    labels, aspect = shown.header.labels, width / height
    scene = settings.scene(shown.camera, shown.view, labels, aspect, site.timezone, calendar=calendar)
    rules = tuple(rule for rule in scene["rules"] if _has(setting, rule))
    # The rules as they are keep their names, and so their incidents' ids, by which verdicts know them.
    mark = "#"
    while any(str(rule["name"]).startswith(mark) for rule in rules):
        mark += "#"
    copies: list[dict[str, Any]] = []
    meant: dict[str, tuple[str, int]] = {}
    refused: dict[int, str] = {}
    for rule in rules:
        for number, trial in enumerate((*setting.trials, None)):
            changed = dict(rule) if trial is None else {**rule, "enabled": True, setting.key: trial.value}
            try:
                check(json.dumps({**scene, "rules": [changed]}))
            except ConfigError as error:
                if trial is None:
                    raise
                place = ".".join([str(rule["name"]), *error.path.split(".")[1:]])
                refused.setdefault(number, f"{place}: {error.message}")
                continue
            name = rule["name"] if trial is None else f"{mark}{len(copies)}"
            copies.append({**changed, "name": name})
            meant[name] = (rule["name"], _AS_IT_IS if trial is None else number)
    of_trial: dict[int, list[Incident]] = {}
    playing = Playing()
    engine = Engine(json.dumps({**scene, "rules": copies}))
    for part in shown.parts:
        playing.play(engine, part)
    for incident in incidents((json.loads(e.to_json()) for e in playing.finished(engine)), shown.camera):
        name, number = meant[incident.rule]
        of_trial.setdefault(number, []).append(replace(incident, rule=name))
    return _Swept(shown, rules, of_trial, refused, playing.from_ms or 0, playing.to_ms or 0)


def _has(setting: Setting, rule: Mapping[str, Any]) -> bool:
    """Whether a rule is meant: named, or running and of a kind that knows the setting."""
    if setting.rule is not None:
        return rule.get("name") == setting.rule
    return bool(rule.get("enabled", True)) and setting.key in _settings(str(rule.get("type")))


def _settings(kind: str) -> Mapping[str, Mapping[str, Any]]:
    """The settings of a kind that alerts, with their schemas."""
    for entry in catalogue():
        if entry["kind"] == kind and not entry["measurement"]:
            properties: Mapping[str, Mapping[str, Any]] = entry["schema"]["properties"]
            return properties
    return {}


def _present(rule: Mapping[str, Any], key: str) -> Any:
    return rule.get(key, _settings(str(rule.get("type"))).get(key, {}).get("default"))


def _no_such(site: Site, setting: Setting, swept: Sequence[_Swept]) -> str:
    cameras = sorted({each.shown.camera for each in swept})
    known = sorted(
        {
            str(rule.get("name"))
            for each in swept
            for rule in site.cameras[each.shown.camera].views[each.shown.view].rules
        }
    )
    where = f"{site.path}: on {', '.join(cameras)}"
    if setting.rule is not None:
        return f"{where} there is no rule {setting.rule!r}; there are {', '.join(known)}"
    return f"{where} no rule has the setting {setting.key!r}; the rules are {', '.join(known)}"


def _covered(swept: Sequence[_Swept], incident: Incident) -> bool:
    return any(
        each.shown.camera == incident.camera and each.from_ms <= incident.started_ms <= each.to_ms
        for each in swept
    )
