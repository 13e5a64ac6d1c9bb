"""All live cameras of a run: started, looked after, made anew when the site file changes, stopped."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beffroi.runtime.camera import said
from beffroi.runtime.live.analysts import Analysts
from beffroi.runtime.live.authority import refused
from beffroi.runtime.live.camera import LiveCamera
from beffroi.runtime.live.plan import Plan
from beffroi.runtime.report import CameraReport

if TYPE_CHECKING:
    from beffroi.config.site import Site
    from beffroi.evidence.clip import Clips
    from beffroi.runtime.compose import Wishes
    from beffroi.runtime.judge import Outlets
    from beffroi.runtime.live.status import CameraStatus

log = logging.getLogger(__name__)

BEHIND = 0.9
"""Share of the asked rate below which a camera is behind."""
BEHIND_S = 30.0
"""How long it must be behind before it is said."""
LAGGING_EVERY_S = 1.0
"""How often each camera's rate is looked at: it is that of ten seconds, and costs sorting their latencies."""
DAY_EVERY_S = 30.0
"""How often is looked whether authorisations still hold."""
RETRY_S = 60.0
"""How often a camera that could not be made is tried again."""
REPORT_EVERY_S = 60.0
"""How often the state of every camera is logged."""


class Fleet:
    """The live cameras. `start`, `tick`, `reload` and `stop` are for one thread.

    Parameters
    ----------
    site
        What runs.
    names
        The live cameras to run; None for every one of the site, also after it changes.
    outlets, clips, wishes
        As for each camera.
    analysts
        Number of threads that analyse; as many as there are processors by default.
    clock
        Seconds that only go on.
    """

    def __init__(
        self,
        site: Site,
        names: Collection[str] | None,
        outlets: Outlets,
        clips: Clips | None,
        wishes: Callable[[str], Wishes],
        *,
        analysts: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._site, self._names, self._outlets, self._clips = site, names, outlets, clips
        self._wishes, self._clock = wishes, clock
        self._cameras: dict[str, LiveCamera] = {}
        self._refused: dict[str, dict[tuple[str, str], str]] = {}
        self._missing: dict[str, tuple[float, str]] = {}
        self._reports: dict[str, CameraReport] = {}
        self._behind: dict[str, float] = {}
        self._day_s = self._told_s = self._lagging_s = clock()
        self._number = analysts or processors()
        self._analysts = Analysts(lambda: list(self._cameras.values()), self._number)

    def start(self) -> None:
        """Start every camera. One that cannot be made is said, and tried again.

        Raises
        ------
        BeffroiError
            If none can be made: the first one's reason.
        """
        errors = [error for name in self._wanted(self._site) if (error := self._begin(name)) is not None]
        if not self._cameras and errors:
            raise errors[0]

    @property
    def errors(self) -> dict[str, str]:
        """Why cameras do not run, by name."""
        return {name: reason for name, (_, reason) in self._missing.items()}

    def statuses(self) -> list[CameraStatus]:
        """How each camera is doing, in the order of the site."""
        return [self._cameras[name].status() for name in self._wanted(self._site) if name in self._cameras]

    def tick(self) -> None:
        """Look at the clock: silent cameras, cameras behind, days that end authorisations."""
        now_s = self._clock()
        for camera in list(self._cameras.values()):
            if camera.turn.acquire(blocking=False):
                try:
                    camera.tick()
                except Exception as error:
                    camera.fail(error)
                finally:
                    camera.turn.release()
        if now_s >= self._lagging_s:
            self._lagging_s = now_s + LAGGING_EVERY_S
            for camera in list(self._cameras.values()):
                self._lagging(camera, now_s)
        for name, (again_s, _) in list(self._missing.items()):
            if now_s >= again_s:
                self._begin(name)
        if now_s - self._day_s >= DAY_EVERY_S:
            self._day_s = now_s
            self._authorisations()
        if now_s - self._told_s >= REPORT_EVERY_S:
            self._told_s = now_s
            for status in self.statuses():
                log.info("camera %s: %s", status.camera, status.state, extra={"status": status.as_json()})

    def reload(self, site: Site) -> list[str]:
        """Go on with another site: only cameras that it changes are made anew. Gives their names."""
        before, self._site = self._site, site
        for part in ("sinks", "store"):
            if getattr(before, part) != getattr(site, part):
                log.warning(
                    "the site file has changed: `%s` takes effect when beffroi is started again", part
                )
        wanted = self._wanted(site)
        gone = [name for name in self._cameras if name not in wanted]
        changed = [name for name in wanted if name in self._cameras and _differs(before, site, name)]
        for name in (*gone, *changed):
            self._close(name, "reloaded")
        for name in [name for name in self._missing if name not in wanted]:
            del self._missing[name]
        fresh = [name for name in wanted if name not in self._cameras]
        for name in fresh:
            self._begin(name)
        return sorted({*gone, *changed, *fresh})

    def stop(self, within_s: float) -> dict[str, CameraReport]:
        """End everything; gives a report on each camera that ran."""
        until = self._clock() + within_s
        self._analysts.stop(max(0.5, within_s / 2))
        cameras, self._cameras = list(self._cameras.values()), {}
        # All at once: each may wait for its connection.
        with ThreadPoolExecutor(max(1, len(cameras)), thread_name_prefix="closing") as pool:
            for report in pool.map(lambda camera: camera.close("stopped"), cameras):
                self._reports[report.camera] = _joined(self._reports.get(report.camera), report)
        for name, (_, reason) in self._missing.items():
            self._reports.setdefault(name, CameraReport(name, outcome="not_started", error=reason))
        if self._clock() > until + 1.0:
            log.warning("the cameras took %.1f s longer to stop than they should", self._clock() - until)
        return self._reports

    def _wanted(self, site: Site) -> list[str]:
        return [
            name
            for name, camera in site.cameras.items()
            if camera.source.live and (self._names is None or name in self._names)
        ]

    def _begin(self, name: str) -> Exception | None:
        self._missing.pop(name, None)
        today = self._today()
        self._refused[name] = refused(self._site, name, today)
        try:
            wishes = self._wishes(name)
            plan = Plan(self._site, name, self._clips, wishes, analysts=self._number, today=today)
            try:
                camera = LiveCamera(plan, self._outlets, self._analysts.nudge, self._clock)
            except Exception:
                plan.close()
                raise
        # Parts may come from anyone: whatever they raise is their camera's alone.
        except Exception as error:
            reason = said(name, error)
            log.error("%s: %s", name, reason)
            self._missing[name] = (self._clock() + RETRY_S, reason)
            return error
        self._cameras[name] = camera
        return None

    def _close(self, name: str, outcome: str) -> None:
        report = self._cameras.pop(name).close(outcome)
        self._reports[name] = _joined(self._reports.get(name), report)

    def _today(self) -> date:
        return datetime.now(ZoneInfo(self._site.timezone)).date()

    def _authorisations(self) -> None:
        """Make cameras anew whose rules an authorisation has begun or ceased to cover."""
        today = self._today()
        for name in [*self._cameras, *self._missing]:
            if refused(self._site, name, today) != self._refused.get(name):
                log.warning("%s: what its authorisations cover has changed; its rules are made anew", name)
                if name in self._cameras:
                    self._close(name, "reloaded")
                self._begin(name)

    def _lagging(self, camera: LiveCamera, now_s: float) -> None:
        """Say once that a camera is analysed less often than asked, and once that it no longer is."""
        status = camera.status()
        name = camera.name
        self._outlets.metrics.rate(name, status.asked_fps, status.analysed_fps, status.dropped)
        slow = status.state == "watching" and status.dropped_fps > (1 - BEHIND) * status.asked_fps
        if not slow:
            since_s = self._behind.pop(name, None)
            if since_s is not None and now_s - since_s >= BEHIND_S:
                log.warning("%s: is analysed as often as asked again", name)
            return
        since_s = self._behind.setdefault(name, now_s)
        if since_s <= now_s - BEHIND_S < since_s + 1:
            log.warning(
                "%s: %.1f of %g pictures a second are analysed: this machine does not keep up; ask for fewer "
                "(`fps`), a smaller model, or fewer cameras",
                name,
                status.analysed_fps,
                status.asked_fps,
            )


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _differs(before: Site, after: Site, name: str) -> bool:
    """Whether anything that a camera is made of is another."""
    if before.cameras.get(name) != after.cameras.get(name):
        return True
    shared = ("site", "evidence", "schedules", "learnt")
    if any(getattr(before, part) != getattr(after, part) for part in shared):
        return True
    return _acts(before, name) != _acts(after, name)


def _acts(site: Site, name: str) -> list[object]:
    return [act for act in site.authorisations if name in act.cameras]


def _joined(before: CameraReport | None, now: CameraReport) -> CameraReport:
    """Two reports on one camera that was made anew in between."""
    if before is None:
        return now
    for part in ("frames", "analysed_ms", "not_analysed_ms", "dropped"):
        setattr(now, part, getattr(before, part) + getattr(now, part))
    now.from_ms = before.from_ms if before.from_ms is not None else now.from_ms
    for part in ("alerts", "shadow", "health"):
        counts = getattr(now, part)
        for rule, count in getattr(before, part).items():
            counts[rule] = counts.get(rule, 0) + count
    now.totals = before.totals | now.totals
    return now
