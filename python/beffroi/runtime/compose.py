"""From the settings of a camera to the parts that run it."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beffroi._core import ConfigError, Engine, __version__
from beffroi.config.beside import MissingDetectorError
from beffroi.config.view import TIMES
from beffroi.errors import Problem, SiteError
from beffroi.runtime.alert import Circumstances
from beffroi.runtime.health import looking
from beffroi.runtime.judge import Watched
from beffroi.runtime.snapshots import RunFolder, Snapshots
from beffroi.runtime.watchers import Sight, Watcher, watchers
from beffroi.sources._dated import Dated
from beffroi.store import RunFacts

if TYPE_CHECKING:
    from beffroi.components import BuildContext, Detector, Source, SourceConfig
    from beffroi.config.site import Camera, Site
    from beffroi.config.view import View
    from beffroi.runtime.clips import CameraClips
    from beffroi.runtime.detectors import Detectors
    from beffroi.runtime.health import Looking

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for beside the site file; `pace` replaces the pace of sources that have one."""

    render: Path | None = None
    blur: bool = True
    record: Path | None = None
    pace: str | None = None

    def of(self, camera: str, *, alone: bool) -> Wishes:
        """The same for one camera: with several cameras, files carry the name of theirs."""
        if alone:
            return self
        return Wishes(_named(self.render, camera), self.blur, _named(self.record, camera), self.pace)


def _named(path: Path | None, camera: str) -> Path | None:
    if path is None:
        return None
    first, dot, rest = path.name.partition(".")
    return path.with_name(f"{first}-{camera}{dot}{rest}")


def chosen(site: Site, cameras: Sequence[str] | None) -> dict[str, Camera]:
    """The cameras of these names, all of them for None; raises `SiteError` for a name that is not there."""
    if cameras is None:
        return dict(site.cameras)
    for name in cameras:
        if name not in site.cameras:
            known = ", ".join(site.cameras)
            raise mistake(site, "cameras", f"there is no camera {name!r}; there are {known}")
    return {name: site.cameras[name] for name in cameras}


def only_view(site: Site, camera: str, views: Mapping[str, View], wanted: str | None = None) -> str:
    """The view to run: the `wanted` one, or the only one; raises `SiteError` if that leaves a choice."""
    place, known = f"cameras.{camera}.views", ", ".join(views)
    if wanted is not None:
        if wanted not in views:
            raise mistake(site, place, f"there is no view {wanted!r}; there are {known}")
        return wanted
    if len(views) > 1:
        raise mistake(
            site,
            place,
            f"several views ({known}) cannot run yet: nothing tells which one is in sight; leave one",
        )
    return next(iter(views))


def mistake(site: Site, place: str, message: str) -> SiteError:
    """A mistake in the use of a site that its file alone could not show."""
    return SiteError([Problem(str(site.path), None, None, place, message)])


def site_hash(site: Site) -> str:
    """SHA-256 of the whole configuration, 64 hex digits."""
    text = json.dumps(site.model_dump(mode="json", by_alias=True), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def engine(
    site: Site, camera: str, view: str, labels: Sequence[str], size: tuple[int, int], *, dated: bool
) -> tuple[Engine, dict[str, Any]]:
    """The engine of one view for pictures of `size` (width, height), and the scene that it runs.

    `dated` says that media time is wall clock time, milliseconds since 1970 in UTC: without it schedules mean
    nothing, and rules run at all hours.

    Raises
    ------
    SiteError
        If it cannot run; with the place in the site file.
    """
    settings = site.cameras[camera].views[view]
    calendar = site.calendar if dated else None
    scene = settings.scene(camera, view, labels, size[0] / size[1], site.timezone, calendar=calendar)
    if not dated:
        _warn_of_schedules(camera, settings)
    try:
        return Engine(json.dumps(scene)), scene
    except ConfigError as error:
        place = f"cameras.{camera}.views.{view}.{error.path}".rstrip(".")
        raise mistake(site, place, error.message) from error


def compose(site: Site, name: str, detectors: Detectors, wishes: Wishes) -> tuple[Watched, Source]:
    """Open and build everything of one recording; what was opened is closed again if something fails.

    Raises
    ------
    BeffroiError
        If a part cannot be built; the text says which camera.
    """
    camera = site.cameras[name]
    view = only_view(site, name, camera.views)
    context = site.context(name)
    with ExitStack() as opened:
        detector = detector_of(site, name, view, detectors, context)
        source = _paced(camera.source, wishes.pace).build(context, camera.detect.fps)
        begins_ms = camera.source.begins_ms(site.timezone)
        if begins_ms is not None:
            source = Dated(source, begins_ms)
        opened.callback(source.close)
        watched = fit(
            site, name, view, detector, source.size,
            dated=camera.source.live or begins_ms is not None,
            wishes=wishes,
            health=looking(camera, view, source.size, source, context),
        )  # fmt: skip
        opened.pop_all()
        return watched, source


def detector_of(site: Site, name: str, view: str, detectors: Detectors, context: BuildContext) -> Detector:
    """What looks for things in a view; raises what building it raises."""
    camera = site.cameras[name]
    try:
        return detectors.build_for(camera.views[view], camera.detect, context)
    except MissingDetectorError as error:
        raise mistake(site, f"cameras.{name}.views.{view}.{error.path}", error.message) from error


def fit(
    site: Site,
    name: str,
    view: str,
    detector: Detector,
    size: tuple[int, int],
    *,
    dated: bool,
    wishes: Wishes,
    health: Looking | None = None,
    clips: CameraClips | None = None,
) -> Watched:
    """A view of a camera, ready to be judged in pictures of `size` (width, height).

    Raises
    ------
    BeffroiError
        If its engine cannot be built, or a file that was wished for not be written.
    """
    camera = site.cameras[name]
    settings, evaluation = camera.views[view], site.is_evaluation(name)
    masks = list(settings.masks.values())
    runs = RunFolder(site.folder, Path(site.evidence.folder).expanduser() / name)
    running, scene = engine(site, name, view, detector.labels, size, dated=dated)
    model = f"{detector.name} {detector.version}".strip()
    facts = RunFacts(
        site.name, site_hash(site), name, view, model, detector.provider, __version__, evaluation
    )
    shown = Path(str(getattr(camera.source, "path", camera.source.type))).name
    sight = Sight(facts, detector.labels, running, scene, size, camera.detect.fps, shown, dated)
    looking_on: list[Watcher] = []
    with ExitStack() as opened:
        for watcher in watchers(wishes, sight):
            opened.callback(watcher.discard)
            looking_on.append(watcher)
        opened.pop_all()
    return Watched(
        facts=facts,
        seen=Circumstances(site.name, name, view, evaluation, dated, model, __version__),
        detector=detector,
        engine=running,
        masks=masks,
        fps=camera.detect.fps,
        snapshots=Snapshots(runs, settings, detector.labels, blur=site.evidence.blur)
        if site.evidence.snapshots
        else None,
        clips=None if clips is None else clips.of(runs, detector.labels, masks),
        watchers=tuple(looking_on),
        health=health,
    )


def _paced(source: SourceConfig, pace: str | None) -> SourceConfig:
    if pace is None or "pace" not in type(source).model_fields:
        return source
    return type(source).model_validate({**source.model_dump(), "pace": pace})


def _warn_of_schedules(camera: str, view: View) -> None:
    for rule in view.rules:
        for key in TIMES:
            if key in rule:
                what = "runs all the time" if key == "schedule" else "has one severity"
                log.warning(
                    "%s: rule %s %s: a recording has no time of day unless its source says when it `begins`",
                    camera,
                    rule.get("name"),
                    what,
                )
