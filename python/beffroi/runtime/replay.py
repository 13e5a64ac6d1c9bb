"""Recorded detections through the engine: the same decisions as live, byte for byte."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beffroi._core import __version__
from beffroi.errors import RecordingError
from beffroi.runtime.alert import Circumstances, alert, measurements
from beffroi.runtime.compose import chosen, engine, mistake, only_view

if TYPE_CHECKING:
    from rich.table import Table

    from beffroi.config.site import Site
    from beffroi.recording import Recording


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a recording gave: `lines` as the engine wrote them, `events` as sinks would get them.

    `events` holds every change, those of measuring rules too; snapshots are null.
    """

    camera: str
    view: str
    model: str
    frames: int
    from_ms: int | None
    to_ms: int | None
    lines: tuple[str, ...]
    events: tuple[dict[str, Any], ...]

    @property
    def alerts(self) -> dict[str, int]:
        """How many incidents each rule started."""
        return dict(Counter(event["rule"] for event in self.events if event["change"] == "started"))

    @property
    def totals(self) -> dict[str, dict[str, float]]:
        """The last measured values of each measuring rule."""
        measuring = measurements()
        return {event["rule"]: event["measured"] for event in self.events if event["type"] in measuring}

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "camera": self.camera,
            "view": self.view,
            "model": self.model,
            "frames": self.frames,
            "from_ms": self.from_ms,
            "to_ms": self.to_ms,
            "alerts": self.alerts,
            "totals": self.totals,
            "events": list(self.events),
        }

    def table(self) -> Table:
        """A table for a terminal."""
        from rich.table import Table

        table = Table(title=f"{self.camera}/{self.view}, {self.frames} pictures", title_justify="left")
        for name in ("at", "rule", "change", "since", "reason"):
            table.add_column(name)
        for event in self.events:
            since = f"{event['since_ms'] / 1000:g} s"
            table.add_row(event["at"], event["rule"], event["change"], since, event.get("reason") or "")
        return table


def replay(
    recording: Recording | Path, site: Site, *, camera: str | None = None, view: str | None = None
) -> ReplayReport:
    """Send a recording through the engine of one view.

    Parameters
    ----------
    recording
        What `beffroi.recording.read_recording` gave, or the file for it.
    site
        Whose rules are run.
    camera, view
        Which view; by default the ones that the recording names, if the site has them, or the only ones.

    Raises
    ------
    RecordingError
        If the recording cannot be read, or lacks the size of its pictures.
    SiteError
        If the site has no such view, or cannot run with these labels.
    """
    if isinstance(recording, Path):
        from beffroi.recording import read_recording

        recording = read_recording(recording)
    header = recording.header
    name = _camera(site, camera, header.camera)
    views = site.cameras[name].views
    looked_at = only_view(site, name, views, view or (header.view if header.view in views else None))
    if not header.width or not header.height:
        raise RecordingError("the recording does not say how large its pictures were; geometry needs that")
    size = (header.width, header.height)
    running, _scene = engine(site, name, looked_at, header.labels, size, dated=header.dated)
    events = running.replay(**recording.replay_args())
    frames = len(recording.at_ms)
    if frames:
        events += running.finish(int(recording.at_ms[-1]), "end_of_stream")
    seen = Circumstances(site.name, name, looked_at, True, header.dated, header.model or "", __version__)
    return ReplayReport(
        camera=name,
        view=looked_at,
        model=seen.model,
        frames=frames,
        from_ms=int(recording.at_ms[0]) if frames else None,
        to_ms=int(recording.at_ms[-1]) if frames else None,
        lines=tuple(event.to_json() for event in events),
        events=tuple(alert(event, seen, None) for event in events),
    )


def _camera(site: Site, wanted: str | None, recorded: str | None) -> str:
    if wanted is not None:
        (name,) = chosen(site, [wanted])
        return name
    if recorded in site.cameras:
        return recorded
    if len(site.cameras) == 1:
        return next(iter(site.cameras))
    known = ", ".join(site.cameras)
    raise mistake(site, "cameras", f"the recording is of {recorded!r}; name one of the cameras {known}")
