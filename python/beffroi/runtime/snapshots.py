"""The pictures that are kept with starting alerts, blurred."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from beffroi.errors import BeffroiError
from beffroi.frame import Detections, Frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beffroi._core import Event, Step
    from beffroi.config.view import View

log = logging.getLogger(__name__)


class RunFolder:
    """The folder of one run of one view, made when something is to be kept there.

    Recordings shown to one view can give the same incident twice, so each run has its own.

    Parameters
    ----------
    site
        Folder of the site, where the paths in alerts start.
    place
        Folder of the camera, below it.
    """

    def __init__(self, site: Path, place: Path) -> None:
        self.site, self._place = site, place
        self._own: Path | None = None

    def of(self, run: int) -> Path:
        """The folder, below that of the site; raises `OSError` if it cannot be made."""
        number, name = 1, f"run-{abs(run)}"
        while self._own is None:
            try:
                (self.site / self._place / name).mkdir(parents=True)
            except FileExistsError:
                # Another store counts its runs from 1 as well.
                number += 1
                name = f"run-{abs(run)}-{number}"
            else:
                self._own = self._place / name
        return self._own


class Snapshots:
    """Keeps pictures of one run of one view.

    Parameters
    ----------
    runs
        Where this run's evidence is.
    view
        Where zones and lines are drawn.
    labels
        What a class id means.
    blur
        Blur people and vehicles.
    """

    def __init__(self, runs: RunFolder, view: View, labels: Sequence[str], *, blur: bool) -> None:
        self._runs, self._view = runs, view
        self._labels, self._blur = labels, blur

    def save(self, run: int, event: Event, frame: Frame, found: Detections, step: Step) -> str | None:
        """Keep the picture of a starting alert; returns its path, None if it could not be written.

        An alert is worth more than its picture: a failure is logged and the alert goes out without.
        """
        from beffroi.evidence.snapshot import write_snapshot

        seen = everybody(found, step) if self._blur else Detections.empty()
        zone = event.zone or ""
        try:
            own = self._runs.of(run)
            path = write_snapshot(
                self._runs.site / own,
                frame.image,
                event.id,
                detections=seen,
                labels=self._labels,
                zone=self._view.zones.get(zone),
                line=self._view.lines.get(zone) or self._view.routes.get(zone),
                box=event.box,
            )
        except (BeffroiError, OSError) as error:
            log.warning("rule %s: the alert has no picture: %s", event.rule, error)
            return None
        return str(own / path.name)


def everybody(found: Detections, step: Step) -> Detections:
    """What the detector found, and what the tracker knows to be there although it was missed."""
    tracks = step.tracks
    missed = tracks.det < 0
    return Detections(
        np.ascontiguousarray(np.concatenate([found.xyxy, tracks.xyxy[missed]])),
        np.concatenate([found.score, tracks.score[missed]]),
        np.concatenate([found.class_id, tracks.class_id[missed]]),
    )
