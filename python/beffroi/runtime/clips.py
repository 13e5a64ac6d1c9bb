"""The clips of one view's alerts: what is asked of the evidence thread when an alert starts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beffroi.evidence.clip import shown_path

if TYPE_CHECKING:
    from beffroi._core import Event
    from beffroi.config.site import Evidence
    from beffroi.evidence.clip import Clips
    from beffroi.evidence.ring import Ring
    from beffroi.evidence.sightings import Sightings
    from beffroi.frame import Detections
    from beffroi.runtime.snapshots import RunFolder

log = logging.getLogger(__name__)

SLACK_MS = 1000
"""How far the clocks of two streams of one camera may be apart, each known by when its pictures arrive."""


@dataclass(frozen=True, slots=True)
class CameraClips:
    """What all views of one camera share.

    Parameters
    ----------
    clips
        The thread that writes them.
    ring, seen
        The camera's last pictures as they came, and what was found in those that were analysed.
    settings
        How long clips are, and whether they are blurred.
    original
        False where a view of the camera has masks.
    apart
        Whether evidence is cut from another stream than the one that is analysed.
    """

    clips: Clips
    ring: Ring
    seen: Sightings
    settings: Evidence
    original: bool
    apart: bool

    def of(
        self, runs: RunFolder, labels: Sequence[str], masks: Sequence[Sequence[Sequence[float]]]
    ) -> ViewClips:
        """The clips of a run of a view whose detector has these labels."""
        return ViewClips(self, runs, tuple(labels), tuple(masks))


@dataclass(frozen=True, slots=True)
class ViewClips:
    """Clips of one view."""

    camera: CameraClips
    runs: RunFolder
    labels: tuple[str, ...]
    masks: tuple[Sequence[Sequence[float]], ...]

    def saw(self, at_ms: int, found: Detections) -> None:
        """What an analysed picture showed: known before anybody is blurred."""
        self.camera.seen.add(at_ms, found, self.labels, self.masks)

    def want(self, run: int, event: Event) -> str | None:
        """Ask for the clip of a starting alert; its path below the site's folder, None if there will be none.

        The file is not there yet: it is written once what follows the alert has been seen.
        """
        camera = self.camera
        try:
            place = self.runs.of(run) / f"{event.id}.mp4"
        except OSError as error:
            log.warning("rule %s: the alert has no clip: %s", event.rule, error)
            return None
        path = self.runs.site / place
        from_ms = event.at_ms - camera.settings.before_ms
        wanted = camera.clips.want(
            camera.ring,
            path,
            from_ms,
            event.at_ms + camera.settings.after_ms,
            camera.seen,
            at_ms=event.at_ms,
            masks=self.masks,
            original=camera.original,
            slack_ms=SLACK_MS if camera.apart else 0,
        )
        return str(shown_path(place, blur=camera.settings.blur)) if wanted else None
