"""What one live camera is made of, by the site file; made anew when the file changes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beffroi.runtime.clips import CameraClips
from beffroi.runtime.compose import Wishes, detector_of, fit, mistake
from beffroi.runtime.detectors import Detectors
from beffroi.runtime.live.authority import permitted, refused

if TYPE_CHECKING:
    from beffroi.components import BuildContext, Detector, Ptz, Source
    from beffroi.config.site import Camera, Site
    from beffroi.evidence.clip import Clips
    from beffroi.runtime.judge import Watched

log = logging.getLogger(__name__)

LOOKS_S = 30.0
"""How much longer than a clip what was found is remembered: as long as its pictures are waited for."""


class Plan:
    """Makes the parts of a camera.

    Parameters
    ----------
    site, name
        The camera.
    clips
        Who writes clips; None writes none.
    wishes
        What was asked for beside the site file.
    analysts
        How many threads share the processors with this camera's.
    today
        The day on which authorisations must hold; by default that of the site's time zone.

    Raises
    ------
    BeffroiError
        If a detector cannot be made.
    """

    def __init__(
        self,
        site: Site,
        name: str,
        clips: Clips | None,
        wishes: Wishes,
        *,
        analysts: int = 1,
        today: date | None = None,
    ) -> None:
        self.name, self._wishes = name, wishes
        self.refused = refused(site, name, today or datetime.now(ZoneInfo(site.timezone)).date())
        for (view, rule), reason in self.refused.items():
            log.error("%s: rule %s of view %s does not run: %s", name, rule, view, reason)
        self.site = _without(site, name, self.refused)
        self.camera: Camera = self.site.cameras[name]
        self.first = next(iter(self.camera.views))
        self.context: BuildContext = replace(site.context(name), analysts=analysts)
        self._clips = self._camera_clips(clips)
        self._detectors: dict[str, Detector] = {}
        self._built: list[Detectors] = []
        for view in self.camera.views:
            # Each view has its own: what a detector remembers of one place means nothing in another.
            built = Detectors()
            self._built.append(built)
            self._detectors[view] = detector_of(self.site, name, view, built, self._context_of(view))

    @property
    def rules(self) -> list[str]:
        """Names of the camera's rules."""
        return [str(rule.get("name")) for view in self.camera.views.values() for rule in view.rules]

    @property
    def batch(self) -> int:
        """How many pictures the first view's detector likes to be given at a time."""
        return int(getattr(self._detectors[self.first], "batch", 1))

    @property
    def looked(self) -> int | None:
        """How many pictures the models of its views looked at; None where no gate keeps any back."""
        counts = [getattr(detector, "looked", None) for detector in self._detectors.values()]
        known = [count for count in counts if count is not None]
        return sum(known) if known else None

    def source(self) -> Source:
        """Its pictures; raises `SourceError` if they cannot be asked for."""
        source = self.camera.source.build(self.context, self.camera.detect.fps)
        if self._clips is not None and hasattr(source, "tap"):
            source.tap = self._clips.ring
        return source

    def ptz(self) -> Ptz | None:
        """What tells where its dome looks."""
        return None if self.camera.ptz is None else self.camera.ptz.build(self.context)

    def fit(self, view: str, size: tuple[int, int]) -> Watched:
        """A view, ready to be judged in pictures of `size`."""
        return fit(
            self.site,
            self.name,
            view,
            self._detectors[view],
            size,
            dated=True,
            wishes=self._wishes,
            clips=self._clips,
        )

    def close(self) -> None:
        """Let the detectors go; clips that still wait for pictures are cut from what there is."""
        if self._clips is not None:
            self._clips.ring.end()
        for built in self._built:
            built.close()

    def _context_of(self, view: str) -> BuildContext:
        if len(self.camera.views) == 1 or self.context.state is None:
            return self.context
        return replace(self.context, state=self.context.state / "of" / view)

    def _camera_clips(self, clips: Clips | None) -> CameraClips | None:
        if clips is None:
            return None
        from beffroi.evidence.clip import ring_seconds
        from beffroi.evidence.ring import Ring
        from beffroi.evidence.sightings import Sightings

        evidence = self.site.evidence
        before_s, after_s = evidence.before_ms / 1000, evidence.after_ms / 1000
        return CameraClips(
            clips,
            Ring(ring_seconds(before_s, after_s)),
            Sightings(before_s + after_s + LOOKS_S),
            evidence,
            original=not any(view.masks for view in self.camera.views.values()),
            apart=getattr(self.camera.source, "evidence_url", None) is not None,
        )


def _without(site: Site, name: str, refusals: Mapping[tuple[str, str], str]) -> Site:
    """The site without the rules of a camera that may not run."""
    if not refusals:
        return site
    camera = site.cameras[name]
    views = {view: permitted(settings, view, refusals) for view, settings in camera.views.items()}
    if not any(view.rules for view in views.values()):
        raise mistake(site, f"cameras.{name}", f"no rule may run: {next(iter(refusals.values()))}")
    cameras = {**site.cameras, name: camera.model_copy(update={"views": views})}
    return site.model_copy(update={"cameras": cameras})
