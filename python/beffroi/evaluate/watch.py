"""One clip through the whole pipeline, all of its cases at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from beffroi import runtime
from beffroi._core import ConfigError, __version__, catalogue, check
from beffroi.components import BuildContext, DetectorConfig
from beffroi.config.beside import MissingDetectorError, labels_beside
from beffroi.config.site import Site
from beffroi.config.view import View
from beffroi.detectors.onnx import DEFAULT_MODEL
from beffroi.errors import SourceError
from beffroi.evaluate.truth import Case, Clip, TruthError
from beffroi.manifest import shipped
from beffroi.simulate.agent import COCO
from beffroi.store import Store
from beffroi.views.incident import KINDS

if TYPE_CHECKING:
    from beffroi.runtime.camera import Progress

CAMERA, VIEW = "clip", "view"
ASPECT = 16 / 9
"""Stands in for the picture's own, which is known only once a clip is open, when rules are looked at."""


@dataclass(slots=True)
class Incident:
    """One alert; milliseconds of media time. `ended_ms` is None only while it lasts."""

    id: str
    since_ms: int
    started_ms: int
    ended_ms: int | None = None


@dataclass(slots=True)
class Seen:
    """What the rules of one clip said, by name of the case, and its camera's health by kind."""

    incidents: dict[str, list[Incident]] = field(default_factory=dict)
    health: dict[str, list[Incident]] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    to_ms: int = 0

    def of(self, case: Case) -> tuple[Incident, ...]:
        """The incidents that a case is about."""
        found = self.health.get(case.kind) if case.kind in KINDS else self.incidents.get(case.name)
        return tuple(found or ())


class Watch:
    """Runs clips with one detector.

    Parameters
    ----------
    folder
        Where clips are.
    model
        Detector model; None for the package's default.
    cache
        Folder for boxes; None to find them anew each time.
    """

    def __init__(self, folder: Path, model: str | None, cache: Path | None) -> None:
        self._folder, self._cache = folder, cache
        self._detect = {"type": "onnx"} if model is None else {"type": "onnx", "model": model}
        self.models: dict[str, str] = {}
        """Models that were used, and where they ran."""

    def unfit(self, clip: Clip, case: Case) -> str | None:
        """Why a case cannot run; None if it can."""
        if case.kind in KINDS:
            return _unfit_for_health(case)
        if case.kind not in {entry["kind"] for entry in catalogue()}:
            return "there is no such kind of rule yet"
        view = self._view(clip, [case])
        try:
            detect = DetectorConfig.parse(clip.detect or self._detect)
            context = BuildContext(CAMERA, self._folder)
            labels = labels_beside(view, detect, detect.known_labels(context) or COCO, context)
            check(json.dumps(view.scene(CAMERA, VIEW, labels, ASPECT, "UTC")))
        except (ConfigError, MissingDetectorError) as error:
            return f"the rule is refused: {error}"
        return None

    def run(self, clip: Clip, cases: Sequence[Case], progress: Progress | None) -> Seen:
        """Watch `clip` to its end.

        Raises
        ------
        SourceError
            If the clip cannot be read to its end.
        BeffroiError
            If the detector cannot be built, or the rules cannot run.
        """
        site = self._site(clip, cases, self._detector(clip, cases, progress))
        seen = Seen()
        with Store() as store:
            report = runtime.run(
                site, store=store, on_event=lambda alert: _note(seen, alert), progress=progress
            )
        if report.interrupted:
            raise KeyboardInterrupt
        (camera,) = report.cameras
        kept = camera.provider == "recording"
        self.models[camera.model] = "kept boxes" if kept else camera.provider
        if camera.error is not None:
            raise SourceError(f"{clip.name}: {camera.error}")
        seen.totals = {rule: _total(measured) for rule, measured in camera.totals.items()}
        seen.to_ms = camera.to_ms or 0
        return seen

    def _detector(self, clip: Clip, cases: Sequence[Case], progress: Progress | None) -> dict[str, Any]:
        """What finds the boxes: the clip's own detector, or the one under evaluation."""
        if clip.detect is not None:
            return clip.detect
        site = self._site(clip, cases, self._detect)
        kept = self._kept(clip, site)
        if kept is None:
            return self._detect
        if not kept.is_file():
            self._keep(kept, site, progress)
        # Only the object detector is kept: what else looks at the pictures is cheap, and looks anew.
        return {"type": "recorded", "path": str(kept.absolute()), "whole": False}

    def _keep(self, kept: Path, site: Site, progress: Progress | None) -> None:
        """Write what the object detector finds in a clip to `kept`."""
        from beffroi.evidence.redact import apply_masks
        from beffroi.recording import Header, RecordingWriter

        camera, context = site.cameras[CAMERA], site.context(CAMERA)
        with closing(camera.source.build(context, camera.detect.fps)) as source:
            detector = camera.detect.build(context)
            width, height = source.size
            header = Header(
                labels=detector.labels,
                width=width,
                height=height,
                fps=camera.detect.fps,
                model=f"{detector.name} {detector.version}".strip(),
            )
            draft = kept.with_name(f"draft-{kept.name}")
            with closing(RecordingWriter(draft, header)) as writer:
                for count, frame in enumerate(source.frames(), start=1):
                    masked = apply_masks(frame.image, list(camera.views[VIEW].masks.values()))
                    (found,) = detector.detect([replace(frame, image=masked)])
                    writer.write(frame.at_ms, found)
                    if progress is not None:
                        progress(CAMERA, frame.at_ms, count)
            draft.replace(kept)

    def _site(self, clip: Clip, cases: Sequence[Case], detect: Mapping[str, Any]) -> Site:
        source = clip.source if clip.source is not None else {"type": "file", "path": clip.file}
        settings = {
            "site": {"name": "evaluation", "timezone": "UTC", "mode": "evaluation"},
            "cameras": {CAMERA: {"source": source, "detect": detect, "views": {VIEW: _drawn(clip, cases)}}},
            "evidence": {"snapshots": False},
        }
        try:
            return Site.model_validate(settings).with_path(self._folder / "truth.toml")
        except ValidationError as error:
            raise TruthError(f"{clip.name}: {_first(error)}") from None

    def _view(self, clip: Clip, cases: Sequence[Case]) -> View:
        try:
            return View.model_validate(_drawn(clip, cases))
        except ValidationError as error:
            raise TruthError(f"{clip.name}: {_first(error)}") from None

    def _kept(self, clip: Clip, site: Site) -> Path | None:
        """Where the boxes of this clip, this detector and these masks are kept."""
        if self._cache is None or clip.file is None or clip.detect is not None:
            return None
        camera = site.cameras[CAMERA]
        key = {
            "engine": __version__,
            "clip": _sha256(self._folder / clip.file),
            "weights": self._weights(),
            # Every picture's boxes are kept: a gate does not change them.
            "detect": camera.detect.model_dump(mode="json", exclude={"gate"}),
            "masks": camera.views[VIEW].masks,
        }
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        self._cache.mkdir(parents=True, exist_ok=True)
        return self._cache / f"boxes-{digest[:32]}.jsonl.gz"

    def _weights(self) -> str:
        """SHA-256 of the detector's weights: from the manifest of a model that beffroi knows."""
        model = self._detect.get("model", DEFAULT_MODEL)
        known = shipped().get(model)
        return _sha256(self._folder / model) if known is None else known.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _drawn(clip: Clip, cases: Sequence[Case]) -> dict[str, Any]:
    return {
        "ground": clip.ground,
        "zones": clip.zones,
        "lines": clip.lines,
        "routes": clip.routes,
        "masks": clip.masks,
        "rules": [{**case.rule, "name": case.name} for case in cases if case.kind not in KINDS],
    }


def _unfit_for_health(case: Case) -> str | None:
    own = sorted(set(case.rule) - {"type"})
    if own:
        return f"camera health is watched everywhere and takes no {', '.join(own)} here"
    return "camera health counts nothing" if case.count is not None else None


def _note(seen: Seen, alert: dict[str, Any]) -> None:
    kind = alert["type"]
    of_rule = (
        seen.health.setdefault(kind, []) if kind in KINDS else seen.incidents.setdefault(alert["rule"], [])
    )
    if alert["change"] == "started":
        of_rule.append(Incident(alert["id"], alert["since_ms"], alert["at_ms"]))
    elif alert["change"] == "ended":
        # A measuring rule ends without having started: it has no incident here.
        for incident in of_rule:
            if incident.id == alert["id"]:
                incident.ended_ms = alert["at_ms"]


def _total(measured: dict[str, float]) -> int:
    return round(measured.get("total", 0))


def _first(error: ValidationError) -> str:
    part = error.errors()[0]
    return f"{'.'.join(str(step) for step in part['loc'])}: {part['msg']}"
