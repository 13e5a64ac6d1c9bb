"""The loop of one camera: picture, health, boxes, events, store, sinks; one thread, nothing queued."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from beffroi.errors import BeffroiError, SourceError
from beffroi.runtime.alert import Circumstances, alert
from beffroi.runtime.report import CameraReport
from beffroi.runtime.timers import Coverage, StageTimers
from beffroi.store import Aggregate, BacklogFull, Change, RunFacts, RunOutcome
from beffroi.views.incident import KINDS

if TYPE_CHECKING:
    from beffroi._core import Engine, Event, Step
    from beffroi.components import Detector, Source
    from beffroi.frame import Detections, Frame
    from beffroi.metrics import Metrics
    from beffroi.runtime.delivery import Delivery
    from beffroi.runtime.health import Looking
    from beffroi.runtime.snapshots import Snapshots
    from beffroi.runtime.watchers import Watcher
    from beffroi.store import Keeper
    from beffroi.views.incident import Incident

log = logging.getLogger(__name__)

OnEvent: TypeAlias = Callable[[dict[str, Any]], None]
"""Called with each alert once it is committed, or kept until the disk is back, from its camera's thread; not
with those in the shadow."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called after each picture: the camera, its media time in milliseconds, the number of pictures so far."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One camera, ready to run."""

    facts: RunFacts
    seen: Circumstances
    source: Source
    detector: Detector
    engine: Engine
    masks: Sequence[Sequence[Sequence[float]]]
    fps: float
    snapshots: Snapshots | None = None
    watchers: tuple[Watcher, ...] = ()
    health: Looking | None = None


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where everything goes, shared by all cameras of a run."""

    store: Keeper
    delivery: Delivery
    metrics: Metrics
    measuring: frozenset[str]
    on_event: OnEvent = lambda _alert: None
    progress: Progress = lambda _camera, _at_ms, _frames: None


class CameraLoop:
    """Runs one camera to its end; whatever happens, what is active ends with a reason."""

    def __init__(self, watched: Watched, outlets: Outlets) -> None:
        self._watched, self._outlets = watched, outlets
        name = watched.facts.camera
        self._timed = StageTimers(name, outlets.metrics)
        self._coverage = Coverage(name, outlets.metrics, watched.fps)
        self._started: Counter[str] = Counter()
        self._shadowed: Counter[str] = Counter()
        self._ailments: Counter[str] = Counter()
        self._judging = False
        self._totals: dict[str, dict[str, float]] = {}
        self._snapshots: dict[str, str | None] = {}
        self._counted: dict[int, tuple[int, int]] = {}
        self._run = 0

    def run(self, stop: threading.Event) -> CameraReport:
        """Analyse until the stream ends or `stop` is set. Raises nothing: the report says what went wrong."""
        facts, outlets = self._watched.facts, self._outlets
        outlets.metrics.detector(facts.camera, facts.model, facts.provider)
        report = CameraReport(facts.camera, facts.view, facts.model, facts.provider)
        try:
            self._run = outlets.store.begin(facts)
            for frame in self._frames(stop):
                self._analyse(frame)
            report.outcome = "stopped" if stop.is_set() else "end_of_stream"
        except SourceError as error:
            report.outcome, report.error = "signal_lost", str(error)
        except Exception as error:
            report.outcome, report.error = "analysis_failed", self._said(error)
        try:
            self._end(report.outcome)
        except Exception as error:
            report.error = report.error or self._said(error)
            report.outcome = "analysis_failed"
        self._close(report)
        self._fill(report)
        return report

    def _frames(self, stop: threading.Event) -> Iterator[Frame]:
        from beffroi.evidence.redact import apply_masks

        frames = iter(self._watched.source.frames())
        while not stop.is_set():
            with self._timed("decode"):
                frame = next(frames, None)
                if frame is None:
                    return
                masked = apply_masks(frame.image, self._watched.masks)
                frame = frame if masked is frame.image else replace(frame, image=masked)
            yield frame

    def _analyse(self, frame: Frame) -> None:
        watched = self._watched
        sees, motion = self._look(frame)
        self._coverage.add(frame.at_ms, judged=sees)
        if not sees:
            self._outlets.progress(watched.facts.camera, frame.at_ms, self._coverage.frames)
            return
        self._judging = True
        with self._timed("detect"):
            (found,) = watched.detector.detect([frame])
        with self._timed("core"):
            signals = found.signals or None
            step = watched.engine.step(frame.at_ms, found.xyxy, found.score, found.class_id, signals, motion)
        with self._timed("store"):
            self._keep([self._change(event, (frame, found, step)) for event in step.events])
            if step.stats is not None:
                self._count(step.stats)
        with self._timed("render"):
            for watcher in watched.watchers:
                watcher.watch(frame, found, step, motion)
        self._outlets.progress(watched.facts.camera, frame.at_ms, self._coverage.frames)

    def _look(self, frame: Frame) -> tuple[bool, Sequence[float] | None]:
        """Whether the camera sees its view in this picture, and how the camera moved before it."""
        health = self._watched.health
        if health is None:
            return True, None
        with self._timed("health"):
            verdict = health.look(frame)
        if verdict.interrupted is not None and self._coverage.to_ms is not None:
            self._pause(self._coverage.to_ms, verdict.interrupted)
        if verdict.suspended is not None:
            self._pause(frame.at_ms, verdict.suspended)
        with self._timed("store"):
            self._keep([self._ailment(incident) for incident in verdict.incidents])
        return verdict.suspended is None, verdict.motion

    def _pause(self, at_ms: int, reason: str) -> None:
        """Nothing is judged from `at_ms` on: what is active ends, and no track is remembered."""
        if not self._judging:
            return
        self._judging = False
        with self._timed("core"):
            events = self._watched.engine.finish(at_ms, reason)
        with self._timed("store"):
            self._keep([self._change(event, None) for event in events])
        for watcher in self._watched.watchers:
            watcher.pause(at_ms, reason)

    def _keep(self, changes: Sequence[Change]) -> None:
        """Commit `changes`, then tell everyone."""
        if not changes:
            return
        outlets = self._outlets
        try:
            outlets.store.commit(self._run, changes, outlets.delivery.names)
        except BacklogFull:
            # Said and counted where it was refused. A camera that ended here would lose all that follows.
            return
        for change in changes:
            self._tell(change)
        outlets.delivery.nudge()

    def _change(self, event: Event, seen: tuple[Frame, Detections, Step] | None) -> Change:
        snapshots, known = self._watched.snapshots, self._snapshots
        if event.change == "started" and snapshots is not None and seen is not None:
            known[event.id] = snapshots.save(self._run, event, *seen)
        snapshot = known.pop(event.id, None) if event.change == "ended" else known.get(event.id)
        measurement = event.type in self._outlets.measuring
        return Change(event.to_json(), alert(event, self._watched.seen, snapshot), measurement)

    def _ailment(self, incident: Incident) -> Change:
        return Change(incident.to_json(), alert(incident, self._watched.seen, None))

    def _tell(self, change: Change) -> None:
        told = dict(change.alert)
        rule, own = told["rule"], told["type"] in KINDS
        if change.measurement:
            self._totals[rule] = told["measured"]
        elif told["shadow"]:
            self._shadowed[rule] += told["change"] == "started"
            return
        elif told["change"] == "started":
            (self._ailments if own else self._started)[rule] += 1
            self._outlets.metrics.alert(told["camera"], rule, told["type"])
        if own:
            for watcher in self._watched.watchers:
                watcher.note(told)
        self._outlets.on_event(told)

    def _count(self, stats: dict[str, Any]) -> None:
        """Keep a minute of statistics and the quarter that ends with it, with what was analysed meanwhile."""
        coverage, store, view = self._coverage, self._outlets.store, self._watched.facts.view
        now = (coverage.analysed_ms, coverage.not_analysed_ms)
        stats = dict(stats)
        periods = (
            [(1, stats)] if (quarter := stats.pop("quarter", None)) is None else [(1, stats), (15, quarter)]
        )
        for minutes, body in periods:
            before = self._counted.get(minutes, (0, 0))
            with suppress(BacklogFull):
                store.aggregate(
                    self._run, view, minutes, Aggregate(body, now[0] - before[0], now[1] - before[1])
                )
            self._counted[minutes] = now

    def _end(self, outcome: str) -> None:
        """End what is active. The last moment known is that of the last picture."""
        coverage, health = self._coverage, self._watched.health
        if coverage.to_ms is not None and self._judging:
            with self._timed("core"):
                events = self._watched.engine.finish(coverage.to_ms, outcome)
            with self._timed("store"):
                self._keep([self._change(event, None) for event in events])
                if (running := self._watched.engine.running(coverage.to_ms)) is not None:
                    self._count(running)
        if health is not None and self._run:
            with self._timed("store"):
                self._keep([self._ailment(incident) for incident in health.end(outcome)])
        if self._run:
            self._outlets.store.finish(
                self._run,
                RunOutcome(
                    coverage.from_ms,
                    coverage.to_ms,
                    coverage.analysed_ms,
                    coverage.not_analysed_ms,
                    coverage.frames,
                    dropped=0,
                    outcome=outcome,
                ),
            )

    def _close(self, report: CameraReport) -> None:
        """Close what belongs to this camera alone, each whatever the others do."""
        closes = [watcher.close for watcher in self._watched.watchers]
        for close in (*closes, self._watched.source.close):
            try:
                close()
            except Exception as error:
                report.error = report.error or self._said(error)

    def _fill(self, report: CameraReport) -> None:
        coverage = self._coverage
        for name in ("frames", "from_ms", "to_ms", "analysed_ms", "not_analysed_ms"):
            setattr(report, name, getattr(coverage, name))
        report.alerts = dict(self._started)
        report.shadow = dict(self._shadowed)
        report.health = dict(self._ailments)
        report.totals = self._totals
        report.stages = self._timed.seconds

    def _said(self, error: Exception) -> str:
        """Our own errors speak for themselves; anything else is a defect, and its trace goes to the log."""
        if isinstance(error, BeffroiError):
            return str(error)
        log.error("%s: unexpected error", self._watched.facts.camera, exc_info=error)
        return f"unexpected error, see the log: {type(error).__name__}: {error}"
