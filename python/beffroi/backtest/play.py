"""Recordings through the rules of a site, several at once: the core works without the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from beffroi.backtest.told import Incident, incidents
from beffroi.errors import BeffroiError

if TYPE_CHECKING:
    from beffroi.config.site import Site
    from beffroi.runtime.replay import ReplayReport

DAY_MS = 86_400_000

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Played:
    """What the rules told of one recording."""

    recording: Path
    report: ReplayReport

    @property
    def incidents(self) -> list[Incident]:
        """Its incidents, and those of its notes."""
        return incidents(self.report.events, self.report.camera)

    @property
    def span_ms(self) -> int:
        """Media time from the first to the last picture."""
        return (self.report.to_ms or 0) - (self.report.from_ms or 0)

    def covers(self, incident: Incident) -> bool:
        """Whether an incident that was told elsewhere is of this camera and time."""
        report = self.report
        if report.from_ms is None or report.to_ms is None or incident.camera != report.camera:
            return False
        return report.from_ms <= incident.started_ms <= report.to_ms


def chosen_recordings(paths: Sequence[Path]) -> list[Path]:
    """The recordings that these files and folders are or hold, by name; drafts in folders are left out.

    Raises
    ------
    BeffroiError
        If a folder holds none.
    """
    from beffroi.recording.draft import is_draft, suffix_of
    from beffroi.recording.forms import FORMS

    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(
            each
            for each in path.iterdir()
            if each.is_file() and suffix_of(each) in FORMS and not is_draft(each)
        )
        if not inside:
            kinds = ", ".join(FORMS)
            raise BeffroiError(f"{path}: holds no finished recording ({kinds})")
        found += inside
    return list(dict.fromkeys(found))


def play(
    recordings: Sequence[Path], site: Site, *, camera: str | None = None, view: str | None = None
) -> list[Played]:
    """Every recording through the rules of its view, on as many cores as there are.

    Memory holds a few thousand pictures of each recording under way, and the events.

    Raises
    ------
    BeffroiError
        As `beffroi.runtime.replay.replay`.
    """
    from beffroi.runtime.replay import replay

    return at_once(lambda path: Played(path, replay(path, site, camera=camera, view=view)), recordings)


def at_once(work: Callable[[T], U], each: Iterable[T]) -> list[U]:
    """What `work` gives for each, in order, on all cores; the first error ends it."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0)) or 1) as pool:
        running = [pool.submit(work, one) for one in each]
        try:
            return [future.result() for future in running]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def total_ms(played: Iterable[Played]) -> int:
    """Media time of all recordings."""
    return sum(each.span_ms for each in played)
