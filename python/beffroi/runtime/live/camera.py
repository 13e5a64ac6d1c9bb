"""One live camera: its reader fills a mailbox, analysts empty it, and whatever fails is made anew."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from beffroi.runtime.camera import said
from beffroi.runtime.judge import Judge, Outlets
from beffroi.runtime.live.absence import Absence
from beffroi.runtime.live.gaze import Gaze
from beffroi.runtime.live.status import CameraStatus, Pulse
from beffroi.runtime.mailbox import Mailbox
from beffroi.runtime.report import CameraReport
from beffroi.runtime.timers import StageTimers
from beffroi.views.incident import Incident, Origin

if TYPE_CHECKING:
    from beffroi.components import Detector, Ptz, Source
    from beffroi.frame import Detections, Frame
    from beffroi.runtime.live.plan import Plan

log = logging.getLogger(__name__)

GUESS = (1280, 720)
"""Size of pictures until there is one: what happens before the first picture belongs to a view as well."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
"""Pauses before a camera whose analysis failed, or whose source gave up, is tried again."""
CLOSE_S = 1.0
"""How long a camera that is closed waits for the picture that is being analysed. A detector that hangs must
not keep the others from ending in order; longer takes from the time to write and send what waits."""


@dataclass(frozen=True, slots=True)
class Work:
    """A picture that is to be judged, masks already black."""

    camera: LiveCamera
    judge: Judge
    frame: Frame
    motion: Sequence[float] | None

    @property
    def detector(self) -> Detector:
        """What looks for things in it."""
        return self.judge.watched.detector


class LiveCamera:
    """A camera that runs until it is closed. `look`, `see`, `tick` and `fail` never run at the same time.

    Parameters
    ----------
    plan
        What it is made of.
    outlets
        Where everything goes.
    news
        Called by the reader when a picture waits.
    clock
        Seconds that only go on.

    Raises
    ------
    BeffroiError
        If its source, detectors or dome cannot be made.
    """

    def __init__(
        self,
        plan: Plan,
        outlets: Outlets,
        news: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.plan = plan.name, plan
        self.mailbox = Mailbox(news, clock)
        self.turn = threading.Lock()
        """Held by whoever works on the camera."""
        self.served_s = 0.0
        """When an analyst last took a picture, for fairness."""
        self._outlets, self._clock = outlets, clock
        self._timed = StageTimers(plan.name, outlets.metrics)
        self._pulse = Pulse(clock)
        self._closed = threading.Event()
        self._over = False
        self._judges: dict[str, Judge] = {}
        self._report = CameraReport(plan.name, ", ".join(plan.camera.views))
        self._alerts = self._dropped = 0
        self._size: tuple[int, int] | None = None
        self._gaze: Gaze | None = None
        self._view = ""
        self._blind = ""
        self._failed, self._retry_s, self._pause_s = "", 0.0, FIRST_PAUSE_S
        self._ailing: tuple[Judge, Incident] | None = None
        self._last_ms = 0
        self._source: Source = plan.source()
        self._ptz: Ptz | None = plan.ptz()
        settings = plan.camera.health.signal_lost
        enabled = settings.enabled and plan.camera.health.enabled
        self._absence = Absence(settings.after, clock()) if enabled else None
        self._origin = Origin.of(f"{plan.name}/{plan.first}", plan.camera.health, plan.rules)
        self._reader = threading.Thread(target=self._read, name=f"camera {plan.name}", daemon=True)
        self._reader.start()

    @property
    def batch(self) -> int:
        """How many pictures its detector likes to be given at a time, those of other cameras included."""
        return self.plan.batch

    def look(self, frame: Frame) -> Work | None:
        """Decide whether a picture is to be judged, and by which view's rules; None if it is not."""
        if self._over or self._clock() < self._retry_s or frame.at_ms <= self._last_ms:
            return None
        height, width = frame.image.shape[:2]
        if (width, height) != self._size or self._gaze is None:
            # A run that knew no picture ends as what it was.
            self._fit((width, height), "signal_lost" if self._size is None else "resolution_changed")
        gaze = self._gaze
        if gaze is None:
            return None
        self._came(frame.at_ms)
        self._last_ms = frame.at_ms
        with self._timed("health"):
            view, verdict = gaze.look(frame, max(0.0, (self._now_ms() - frame.at_ms) / 1000))
        self._blind = "" if verdict.suspended is None else verdict.suspended
        for name, judge in self._judges.items():
            before = judge.coverage.to_ms
            if verdict.interrupted is not None and before is not None:
                judge.pause(before, verdict.interrupted)
            if name != view and (view is not None or verdict.suspended is not None):
                judge.pause(frame.at_ms, verdict.suspended or "view_lost")
            judge.coverage.add(frame.at_ms, judged=name == view)
        self._tell(verdict.incidents)
        self._view = view or ""
        if view is None:
            # Its analysis has begun anew; that nothing is to be found now is not its fault.
            self._failed = ""
            return None
        return Work(self, self._begun(self._judges[view]), gaze.masked(view, frame), verdict.motion)

    def see(self, work: Work, found: Detections, seconds: float, cpu_s: float = 0.0) -> None:
        """Judge a picture in which `found` was found, in so many seconds, `cpu_s` of them on a processor."""
        if self._over:
            # It took so long that nobody waited for it.
            self._end("stopped")
            return
        self._timed.add("detect", seconds, cpu_s)
        changes = work.judge.see(work.frame, found, work.motion)
        latency_ms = self._now_ms() - work.frame.at_ms
        self._pulse.analysed_one(latency_ms)
        for event, _change in changes:
            if event.change == "started":
                self._outlets.metrics.latency(self.name, latency_ms / 1000)
        self._outlets.progress(self.name, work.frame.at_ms, self._pulse.analysed)
        self._failed, self._pause_s = "", FIRST_PAUSE_S

    def fail(self, error: Exception) -> None:
        """Something is wrong with the analysis: end what is active, and begin anew after a pause."""
        self._failed = said(self.name, error)
        log.error("%s: %s; its analysis begins anew in %g s", self.name, self._failed, self._pause_s)
        self._retry_s = self._clock() + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        try:
            self._end("analysis_failed")
        except Exception as further:
            # Whoever calls this looks after other cameras too.
            log.error("%s: what was active could not be ended: %s", self.name, said(self.name, further))

    def tick(self) -> None:
        """Look at the clock: a camera that is silent cannot say so."""
        absence, now_s = self._absence, self._clock()
        if absence is None or not absence.begins(now_s):
            return
        at_ms = self._now_ms()
        silent_ms = round(1000 * absence.silent_s(now_s))
        for judge in self._judges.values():
            if judge.coverage.to_ms is not None:
                judge.pause(judge.coverage.to_ms, "signal_lost")
        measured = {"lost_s": silent_ms / 1000}
        threshold = {"lost_s": round(absence.threshold_s, 3)}
        incident = Incident(
            self._origin, "signal_lost", "started", at_ms, at_ms - silent_ms, measured, threshold
        )
        if not self._judges:
            self._make_judges(self._size or GUESS)
        judge = self._begun(self._judges[self.plan.first])
        if judge.coverage.to_ms is None:
            judge.coverage.add(at_ms - silent_ms, judged=False)
        self._ailing = (judge, incident)
        judge.tell([incident])

    def status(self) -> CameraStatus:
        """How it is doing; for any thread."""
        state, detail, reconnects = self._state()
        dropped = self.mailbox.dropped
        return CameraStatus(
            camera=self.name,
            view=self._view,
            state=state,
            detail=detail,
            asked_fps=self.plan.camera.detect.fps,
            analysed_fps=round(self._pulse.fps(), 2),
            dropped_fps=round(self._pulse.dropped_fps(dropped), 2),
            latency_ms=self._pulse.latency_ms(),
            alerts=self._alerts + sum(judge.alerts for judge in list(self._judges.values())),
            analysed=self._pulse.analysed,
            dropped=dropped,
            reconnects=reconnects,
            looked=self.plan.looked,
        )

    def close(self, outcome: str = "stopped") -> CameraReport:
        """Stop reading, end what is active with `outcome`, and say what was found. Raises nothing."""
        self._closed.set()
        for part in (self._source, self._ptz):
            if part is not None:
                with suppress(Exception):
                    part.close()
        self._reader.join(2.0)
        report = self._report
        report.outcome = outcome
        if self.turn.acquire(timeout=CLOSE_S):
            try:
                self._end(outcome)
            except Exception as error:
                report.error = said(self.name, error)
            finally:
                self._over = True
                self.turn.release()
            try:
                self.plan.close()
            except Exception as error:
                report.error = report.error or said(self.name, error)
        else:
            # Ended by the analyst once it comes back, or else by the next run.
            self._over = True
            report.error = f"its detector has not answered for {CLOSE_S:g} s"
            log.error("%s: %s; what was active has not ended", self.name, report.error)
        report.dropped = self.mailbox.dropped
        return report

    def _read(self) -> None:
        """The reader: from the source into the mailbox, until closed."""
        pause_s = FIRST_PAUSE_S
        while not self._closed.is_set():
            spent_s = time.thread_time()
            try:
                for frame in self._source.frames():
                    # What this thread worked, not what it waited for pictures.
                    spent_s, before_s = time.thread_time(), spent_s
                    self._timed.add("decode", spent_s - before_s)
                    pause_s = FIRST_PAUSE_S
                    if self._absence is not None:
                        self._absence.heard(self._clock())
                    self.mailbox.put(frame)
                    if self._closed.is_set():
                        return
                reason = "its source ended"
            except Exception as error:
                reason = said(self.name, error)
            if self._closed.wait(0):
                return
            log.error("%s: %s; it is opened again in %g s", self.name, reason, pause_s)
            self._closed.wait(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            with suppress(Exception):
                self._source.close()
            self._reopen()

    def _reopen(self) -> None:
        while not self._closed.is_set():
            try:
                source = self.plan.source()
            # A source may come from anyone; a reader that ended would leave its camera silent for good.
            except Exception as error:
                log.error("%s: %s", self.name, said(self.name, error))
                self._closed.wait(LONGEST_PAUSE_S)
                continue
            with self.turn:
                if self._over:
                    source.close()
                    return
                self._source = source
                # What judges pictures asks their source about its clock, which may be another now.
                self._last_ms = 0
                try:
                    self._end("source_restarted")
                except Exception as error:
                    log.error("%s: what was active could not be ended: %s", self.name, said(self.name, error))
            return

    def _fit(self, size: tuple[int, int], reason: str) -> None:
        """Make everything that depends on the size of the pictures."""
        self._end(reason)
        where = None if self._ptz is None else self._ptz.where
        self._gaze = Gaze(self.plan.camera, size, self._source, self.plan.context, where)
        self._make_judges(size)
        self._size = size

    def _make_judges(self, size: tuple[int, int]) -> None:
        self._judges = {
            view: Judge(self.plan.fit(view, size), self._outlets, self._timed)
            for view in self.plan.camera.views
        }
        for judge in self._judges.values():
            facts = judge.watched.facts
            self._outlets.metrics.detector(self.name, facts.model, facts.provider)

    def _came(self, at_ms: int) -> None:
        """A picture came: silence is over."""
        absence = self._absence
        if absence is None or not absence.over() or self._ailing is None:
            return
        (judge, begun), self._ailing = self._ailing, None
        judge.tell([_end_of(begun, at_ms, "cleared")])

    def _end(self, outcome: str) -> None:
        """End every incident, and the runs of all views."""
        gaze, self._gaze = self._gaze, None
        judges, self._judges = list(self._judges.values()), {}
        closing = outcome in {"stopped", "reloaded"}
        if closing and self._ailing is not None:
            (judge, begun), self._ailing = self._ailing, None
            judge.tell([_end_of(begun, self._now_ms(), outcome)])
        if self._absence is not None and self._absence.lasts and judges and judges[0].run:
            judges[0].coverage.add(self._now_ms(), judged=False)
        if gaze is not None and judges:
            self._tell(gaze.end(outcome), {judge.watched.facts.view: judge for judge in judges})
        dropped, self._dropped = self.mailbox.dropped - self._dropped, self.mailbox.dropped
        with ExitStack() as ending:
            # Whatever one of them meets, the others end too.
            for judge in reversed(judges):
                for watcher in judge.watched.watchers:
                    ending.callback(watcher.close)
                ending.callback(self._ended, judge, outcome, dropped if judge is judges[0] else 0)

    def _ended(self, judge: Judge, outcome: str, dropped: int) -> None:
        """End the run of a view. Its numbers stay, what it held goes: there may be months of this."""
        facts, report = judge.watched.facts, self._report
        try:
            judge.end(outcome, dropped=dropped)
        finally:
            report.model, report.provider = facts.model, facts.provider
            judge.fill(report)
            self._alerts += judge.alerts

    def _tell(self, incidents: Sequence[Incident], judges: Mapping[str, Judge] | None = None) -> None:
        """Tell incidents of the camera itself, each in the run of the view that it names."""
        judges = self._judges if judges is None else judges
        for incident in incidents:
            view = incident.origin.view.partition("/")[2]
            self._begun(judges.get(view) or next(iter(judges.values()))).tell([incident])

    def _begun(self, judge: Judge) -> Judge:
        if not judge.run:
            judge.begin()
        return judge

    def _now_ms(self) -> int:
        now: Any = getattr(self._source, "now_ms", None)
        return round(time.time() * 1000) if now is None else int(now())

    def _state(self) -> tuple[str, str, int]:
        source: Any = getattr(self._source, "status", None)
        reconnects = getattr(source, "reconnects", 0)
        state, detail = getattr(source, "state", "playing"), getattr(source, "detail", "")
        gaze = self._gaze
        aim = "" if gaze is None else gaze.state
        if self._failed:
            told = ("failed", self._failed)
        elif state != "playing":
            told = ({"lost": "silent", "stalled": "silent"}.get(state, state), detail)
        elif self._absence is not None and self._absence.lasts:
            told = ("silent", detail)
        elif self._view:
            told = ("watching", aim)
        elif gaze is None or not (self._blind or aim):
            # Its first picture is being looked at.
            told = ("connecting", detail)
        elif aim and self._blind in {"", "view_lost"}:
            told = ("moving", aim)
        else:
            told = ("blind", self._blind)
        return (*told, reconnects)


def _end_of(begun: Incident, at_ms: int, reason: str) -> Incident:
    """The end of a silence; not before its start, whatever clocks did meanwhile."""
    at_ms = max(at_ms, begun.at_ms)
    measured = {"lost_s": (at_ms - begun.since_ms) / 1000}
    return replace(begun, change="ended", at_ms=at_ms, measured=measured, reason=reason)
