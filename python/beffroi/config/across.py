"""Mistakes that only show across the parts of a site: names that mean nothing, rules that nothing allows."""

import difflib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from beffroi._core import ConfigError, check
from beffroi.components import (
    BuildContext,
    Component,
    DetectorConfig,
    PtzConfig,
    SinkConfig,
    SourceConfig,
)
from beffroi.config.beside import MissingDetectorError, context_beside, labels_beside
from beffroi.config.document import Document, Location
from beffroi.config.health import Health
from beffroi.config.judge import ASPECT, Judged, judge, kinds, located
from beffroi.config.schedule import Calendar, Schedule
from beffroi.config.sights import Sights
from beffroi.config.site import Authorisation, Camera, Evidence, Header
from beffroi.config.view import View
from beffroi.errors import BeffroiError, MissingDependency, Problem

_Model = TypeVar("_Model", bound=BaseModel)
_Part = TypeVar("_Part", bound=Component)


@dataclass
class Findings:
    """What was found so far.

    ``out_of_date`` holds the rules whose authorisation does not hold on the day of the examination: a run
    refuses them, a check warns.
    """

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    out_of_date: list[Problem] = field(default_factory=list)
    rules: list[Judged] = field(default_factory=list)


class Across:
    """Everything that goes beyond the shape of single values.

    It works on the parts that have the right shape, so that a slip in one camera hides nothing in the others.
    """

    def __init__(self, document: Document, folder: Path, found: Findings, today: date | None) -> None:
        self.document = document
        self.folder = folder
        self.found = found
        raw = document.value
        header = _attempt(Header, raw.get("site"))
        self.timezone = header.timezone if header else "UTC"
        self.mode = header.mode if header else "evaluation"
        self.today = today or datetime.now(ZoneInfo(self.timezone)).date()
        self.cameras: Mapping[str, Any] = _mapping(raw.get("cameras"))
        self.calendar = self._calendar(_mapping(raw.get("schedules")), header.position if header else None)
        acts = raw.get("authorisations") or []
        self.authorisations = [_attempt(Authorisation, act) for act in acts] if isinstance(acts, list) else []

    def everything(self) -> None:
        """Judge the whole file."""
        self._judge_authorisations()
        for name, settings in _mapping(self.document.value.get("sinks")).items():
            self._component(SinkConfig, settings, ("sinks", name), "")
        for name, camera in self.cameras.items():
            if isinstance(camera, dict):
                self._camera(name, camera)
        self._originals()

    def _calendar(self, written: Mapping[str, Any], position: tuple[float, float] | None) -> Calendar:
        """The schedules that can be kept; what is wrong with the others is said."""
        good = {}
        for name, settings in written.items():
            schedule = _attempt(Schedule, settings)
            if schedule is None:
                continue
            scene = {"timezone": self.timezone, **Calendar({name: schedule}, position).scene()}
            try:
                check(json.dumps(scene))
            except ConfigError as error:
                self._complain(located(error.path, scene), error.message)
                continue
            good[name] = schedule
        return Calendar(good, position)

    def _complain(self, location: Location, message: str, *, key: bool = False) -> None:
        if self.document.readable(location):
            self.found.problems.append(self.document.problem(location, message, key=key))

    def _judge_authorisations(self) -> None:
        seen: set[str] = set()
        for index, act in enumerate(self.authorisations):
            if act is None:
                continue
            here: Location = ("authorisations", index)
            if act.id in seen:
                self._complain((*here, "id"), f"another authorisation is named `{act.id}` already")
            seen.add(act.id)
            for each, camera in enumerate(act.cameras):
                if camera not in self.cameras:
                    message = f"no camera is named `{camera}`; {_choice(camera, self.cameras)}"
                    self._complain((*here, "cameras", each), message)
            for each, kind in enumerate(act.behaviours):
                if kind not in kinds():
                    message = f"`{kind}` is no kind of rule; {_choice(kind, kinds())}"
                    self._complain((*here, "behaviours", each), message)

    def _camera(self, name: str, camera: Mapping[str, Any]) -> None:
        here: Location = ("cameras", name)
        source = self._component(SourceConfig, camera.get("source"), (*here, "source"), name)
        detect = self._component(DetectorConfig, camera.get("detect"), (*here, "detect"), name)
        if camera.get("ptz") is not None:
            self._component(PtzConfig, camera["ptz"], (*here, "ptz"), name)
        self._in_sight(here, name, camera, source)
        for view_name, settings in _mapping(camera.get("views")).items():
            there = (*here, "views", view_name)
            view = _attempt(View, settings)
            if view is None:
                continue
            self._view(there, name, view_name, view, detect)
            for index, rule in enumerate(view.rules):
                live = self.mode == "live" and source is not None and source.live
                self._rule((*there, "rules", index), name, rule, live=live)

    def _in_sight(
        self, here: Location, name: str, camera: Mapping[str, Any], source: SourceConfig | None
    ) -> None:
        """Judge how it is known which view a camera shows."""
        views = {view: _attempt(View, settings) for view, settings in _mapping(camera.get("views")).items()}
        health = _attempt(Health, camera.get("health", {})) or Health()
        learnt = self.folder / Path(str(self.document.value.get("learnt", "learnt"))).expanduser() / name
        sights = Sights(
            views={str(view): settings for view, settings in views.items() if settings is not None},
            asked=camera.get("ptz") is not None,
            live=source is None or source.live,
            guarded=health.enabled and health.view_moved.enabled,
            known=lambda view: any((learnt / "views" / view).glob("reference-*.png")),
        )
        for inner, message in sights.problems():
            self._complain((*here, *inner), message, key=inner[-1] != "preset")
        if self.document.readable(here):
            for inner, message in sights.warnings():
                self.found.warnings.append(self.document.problem((*here, *inner), message, key=True))

    def _component(
        self, family: type[_Part], settings: object, location: Location, camera: str
    ) -> _Part | None:
        with suppress(ValidationError, MissingDependency):
            part = family.parse(settings)
            for inner, message in part.findings(BuildContext(camera=camera, folder=self.folder)):
                self._complain(location + inner, message)
            return part
        return None

    def _view(
        self, location: Location, camera: str, name: str, view: View, detect: DetectorConfig | None
    ) -> None:
        if view.reference is not None:
            path = self.folder / Path(view.reference).expanduser()
            if not path.is_file():
                self._complain((*location, "reference"), f"there is no file {path}")
        labels = self._labels((*location[:2], "detect"), camera, detect)
        labels = self._labels_beside(location, camera, view, detect, labels)
        if view.masks:
            masks = view.model_copy(update={"zones": view.masks, "lines": {}, "routes": {}, "rules": ()})
            scene = masks.scene(camera, name, None, ASPECT, self.timezone)
            judged = judge(self.document, location, scene, zones="masks")
            self.found.problems += judged.problems
        scene = view.scene(camera, name, labels, ASPECT, self.timezone, calendar=self.calendar)
        judged = judge(self.document, location, scene)
        self.found.problems += judged.problems
        self.found.warnings += judged.warnings
        self.found.rules += [
            Judged(camera, name, rule["name"], rule["type"], rule["definition"], rule["definition_hash"])
            for rule in judged.rules
        ]

    def _labels(
        self, location: Location, camera: str, detect: DetectorConfig | None
    ) -> tuple[str, ...] | None:
        """The labels that rules may use; None (those of COCO) where only the loaded detector knows."""
        if detect is None:
            return None
        try:
            known = detect.known_labels(BuildContext(camera=camera, folder=self.folder))
        except BeffroiError as error:
            self._complain(location, str(error))
            return None
        return known or getattr(detect, "classes", None)

    def _labels_beside(
        self,
        location: Location,
        camera: str,
        view: View,
        detect: DetectorConfig | None,
        labels: tuple[str, ...] | None,
    ) -> tuple[str, ...] | None:
        """Judge the detectors that look beside the camera's own; gives the labels of all of them."""
        if detect is None:
            return labels
        context = context_beside(BuildContext(camera=camera, folder=self.folder), view, labels or ())
        for index, config in enumerate(view.also):
            for inner, message in config.findings(context):
                self._complain((*location, "also", index, *inner), message)
        try:
            return labels_beside(view, detect, labels, context)
        except MissingDetectorError as error:
            scene = {"rules": [dict(rule) for rule in view.rules]}
            self._complain(location + located(error.path, scene), error.message)
        except BeffroiError as error:
            self._complain((*location, "also"), str(error))
        return labels

    def _rule(self, location: Location, camera: str, rule: Mapping[str, Any], *, live: bool) -> None:
        if rule.get("enabled") is False:
            return
        if live:
            self._authorised((*location, "authorisation"), camera, rule)

    def _originals(self) -> None:
        """Masks cannot be laid over what a camera sent without encoding it anew."""
        evidence = _attempt(Evidence, self.document.value.get("evidence") or {})
        if evidence is None or not (evidence.clips and evidence.originals):
            return
        for name, camera in self.cameras.items():
            settings = _attempt(Camera, camera)
            if settings is None or not settings.source.live:
                continue
            for view in (view for view, drawn in settings.views.items() if drawn.masks):
                place = ("cameras", name, "views", view, "masks")
                message = "no originals of clips are kept of a camera with masks, whatever `evidence` says"
                self.found.warnings.append(self.document.problem(place, message, key=True))

    def _authorised(self, location: Location, camera: str, rule: Mapping[str, Any]) -> None:
        name = rule.get("authorisation")
        known = [act.id for act in self.authorisations if act is not None]
        if name is None:
            message = "is missing: in `mode: live` every rule over a live camera names its authorisation"
            self._complain(location, message)
            return
        act = next((act for act in self.authorisations if act is not None and act.id == name), None)
        if act is None:
            if None not in self.authorisations:
                message = f"no authorisation is named `{name}`; {_choice(str(name), known)}"
                self._complain(location, message)
        elif rule.get("type") in kinds() and (refusal := act.refusal(camera, rule["type"])):
            self._complain(location, refusal)
        elif late := act.out_of_date(self.today):
            self.found.out_of_date.append(self.document.problem(location, late))


def _attempt(model: type[_Model], value: object) -> _Model | None:
    """The value as a model; None if it is not one, which is reported elsewhere."""
    with suppress(ValidationError):
        return model.model_validate(value)
    return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _choice(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"there are: {', '.join(names)}" if names else "there are none"
