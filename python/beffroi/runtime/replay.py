"""Recorded detections through the engine: the same decisions as live, byte for byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beffroi._core import __version__
from beffroi.errors import RecordingError
from beffroi.runtime.alert import Circumstances, alert, measurements, moment
from beffroi.runtime.compose import chosen, engine, mistake, only_view

if TYPE_CHECKING:
    from rich.table import Table

    from beffroi._core import Engine, Event
    from beffroi.config.site import Site
    from beffroi.recording import Header, Recording


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a recording gave: `lines` as the engine wrote them, `events` as sinks would get them.

    `events` holds every change, those of measuring rules too, and the recording's notes; snapshots are null.
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
        started = (event for event in self.events if event.get("change") == "started" and "rule" in event)
        return dict(Counter(event["rule"] for event in started))

    @property
    def totals(self) -> dict[str, dict[str, float]]:
        """The last measured values of each measuring rule."""
        measuring = measurements()
        return {event["rule"]: event["measured"] for event in self.events if event.get("type") in measuring}

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
            since = f"{event['since_ms'] / 1000:g} s" if "since_ms" in event else ""
            at = event.get("at") or moment(event["at_ms"], dated=False)
            rule, change, reason = (str(event.get(name) or "") for name in ("rule", "change", "reason"))
            table.add_row(at, rule, change, since, reason)
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
    shown = shown_to(recording, site, camera=camera, view=view)
    header = shown.header
    running, _scene = engine(site, shown.camera, shown.view, header.labels, shown.size, dated=header.dated)
    played = Playing()
    for part in shown.parts:
        played.play(running, part)
    events = played.finished(running)
    seen = Circumstances(
        site.name, shown.camera, shown.view, True, header.dated, header.model or "", __version__
    )
    return ReplayReport(
        camera=shown.camera,
        view=shown.view,
        model=seen.model,
        frames=played.frames,
        from_ms=played.from_ms,
        to_ms=played.to_ms,
        lines=tuple(event.to_json() for event in events),
        events=tuple(_in_time([alert(event, seen, None) for event in events], played.notes)),
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """A recording, and the view of a site that it is shown to."""

    header: Header
    parts: Iterator[Recording]
    camera: str
    view: str
    size: tuple[int, int]


def shown_to(
    recording: Recording | Path, site: Site, *, camera: str | None = None, view: str | None = None
) -> Shown:
    """Find the view for a recording; parameters and errors as those of `replay`."""
    header, parts = _opened(recording)
    name = _camera(site, camera, header.camera)
    views = site.cameras[name].views
    looked_at = only_view(site, name, views, view or (header.view if header.view in views else None))
    if not header.width or not header.height:
        raise RecordingError("the recording does not say how large its pictures were; geometry needs that")
    return Shown(header, parts, name, looked_at, (header.width, header.height))


class Playing:
    """What one engine has been shown of a recording, part by part."""

    def __init__(self) -> None:
        self.frames = 0
        self.from_ms: int | None = None
        self.to_ms: int | None = None
        self.events: list[Event] = []
        self.notes: list[dict[str, Any]] = []
        self._ended = True

    def play(self, engine: Engine, part: Recording) -> None:
        """Show the next part; raises `InputError` for one that cannot be replayed."""
        self.events += engine.replay(**part.replay_args())
        self.notes += part.notes
        last = None
        if len(part):
            last = int(part.at_ms[-1])
            self.from_ms = int(part.at_ms[0]) if self.from_ms is None else self.from_ms
            self.to_ms, self.frames, self._ended = last, self.frames + len(part), False
        if part.pauses and (last is None or part.pauses[-1][0] >= last):
            self._ended = True

    def finished(self, engine: Engine) -> list[Event]:
        """All events, those of the end too, unless the recording ended with a pause."""
        if not self._ended and self.to_ms is not None:
            self.events += engine.finish(self.to_ms, "end_of_stream")
            self._ended = True
        return self.events


def _in_time(events: list[dict[str, Any]], notes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Both by time; at the same time what the engine told comes first."""
    return sorted([*events, *notes], key=lambda event: event["at_ms"]) if notes else events


def _opened(recording: Recording | Path) -> tuple[Header, Iterator[Recording]]:
    if isinstance(recording, Path):
        from beffroi.recording import read_parts

        return read_parts(recording)
    return recording.header, iter([recording])


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
