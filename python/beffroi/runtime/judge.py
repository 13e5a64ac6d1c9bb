"""What becomes of the pictures of one view: events, committed and told, and minutes that were not judged."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from beffroi.runtime.alert import Circumstances, alert
from beffroi.runtime.snapshots import everybody
from beffroi.runtime.timers import Coverage, StageTimers
from beffroi.store import Aggregate, BacklogFull, Change, RunFacts, RunOutcome
from beffroi.views.incident import KINDS

if TYPE_CHECKING:
    from beffroi._core import Engine, Event, Step
    from beffroi.components import Detector
    from beffroi.frame import Detections, Frame
    from beffroi.metrics import Metrics
    from beffroi.runtime.clips import ViewClips
    from beffroi.runtime.delivery import Delivery
    from beffroi.runtime.health import Looking
    from beffroi.runtime.report import CameraReport
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

Seen: TypeAlias = "tuple[Frame, Detections, Step]"
"""A picture with what was found in it and what the engine made of that."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One view of a camera, ready to be judged; `health` watches a camera that has one view only."""

    facts: RunFacts
    seen: Circumstances
    detector: Detector
    engine: Engine
    masks: Sequence[Sequence[Sequence[float]]]
    fps: float
    snapshots: Snapshots | None = None
    clips: ViewClips | None = None
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


class Judge:
    """Judges one view from its first picture to the end of its run. Used by one thread at a time.

    Parameters
    ----------
    watched
        The view.
    outlets
        Where everything goes.
    timed
        Where the camera's time goes; its own if left out.
    """

    def __init__(self, watched: Watched, outlets: Outlets, timed: StageTimers | None = None) -> None:
        self.watched = watched
        self.run = 0
        """Number of its run in the store; 0 until it begins."""
        self.judging = False
        """Whether anything was judged since the last pause."""
        self.alerts = 0
        """Incidents that rules started."""
        self._outlets = outlets
        self._timed = timed or StageTimers(watched.facts.camera, outlets.metrics)
        self.coverage = Coverage(watched.facts.camera, outlets.metrics, watched.fps)
        self._started: Counter[str] = Counter()
        self._shadowed: Counter[str] = Counter()
        self._ailments: Counter[str] = Counter()
        self._totals: dict[str, dict[str, float]] = {}
        self._snapshots: dict[str, str | None] = {}
        self._clips: dict[str, str | None] = {}
        self._counted: dict[int, tuple[int, int]] = {}

    def begin(self) -> None:
        """Note in the store that the view starts to run."""
        self.run = self._outlets.store.begin(self.watched.facts)

    def see(
        self, frame: Frame, found: Detections, motion: Sequence[float] | None
    ) -> list[tuple[Event, Change]]:
        """Judge one picture, masks already black, in which `found` was found; gives what was committed."""
        watched = self.watched
        self.judging = True
        with self._timed("core"):
            signals = found.signals or None
            step = watched.engine.step(frame.at_ms, found.xyxy, found.score, found.class_id, signals, motion)
        if watched.clips is not None:
            watched.clips.saw(frame.at_ms, everybody(found, step))
        with self._timed("evidence"):
            changes = [self._change(event, (frame, found, step)) for event in step.events]
        with self._timed("store"):
            self.keep(changes)
            if step.stats is not None:
                self._count(step.stats)
        with self._timed("render"):
            for watcher in watched.watchers:
                watcher.watch(frame, found, step, motion)
        return list(zip(step.events, changes, strict=True))

    def pause(self, at_ms: int, reason: str) -> None:
        """Nothing is judged from `at_ms` on: what is active ends, and no track is remembered."""
        if not self.judging:
            return
        self.judging = False
        with self._timed("core"):
            events = self.watched.engine.finish(at_ms, reason)
        with self._timed("store"):
            self.keep([self._change(event, None) for event in events])
        for watcher in self.watched.watchers:
            watcher.pause(at_ms, reason)

    def tell(self, incidents: Sequence[Incident]) -> None:
        """Commit and tell incidents of the camera itself."""
        with self._timed("store"):
            self.keep([Change(one.to_json(), alert(one, self.watched.seen, None, None)) for one in incidents])

    def keep(self, changes: Sequence[Change]) -> None:
        """Commit `changes`, then tell everyone."""
        if not changes:
            return
        outlets = self._outlets
        try:
            outlets.store.commit(self.run, changes, outlets.delivery.names)
        except BacklogFull:
            # Said and counted where it was refused. A camera that ended here would lose all that follows.
            return
        for change in changes:
            self._tell(change)
        outlets.delivery.nudge()

    def end(self, outcome: str, dropped: int = 0) -> None:
        """End what is active, with the last picture, and the run."""
        coverage = self.coverage
        if coverage.to_ms is not None and self.judging:
            self.judging = False
            with self._timed("core"):
                events = self.watched.engine.finish(coverage.to_ms, outcome)
            with self._timed("store"):
                self.keep([self._change(event, None) for event in events])
                if (running := self.watched.engine.running(coverage.to_ms)) is not None:
                    self._count(running)
        if self.watched.health is not None and self.run:
            self.tell(self.watched.health.end(outcome))
        if self.run:
            self._outlets.store.finish(
                self.run,
                RunOutcome(
                    coverage.from_ms,
                    coverage.to_ms,
                    coverage.analysed_ms,
                    coverage.not_analysed_ms,
                    coverage.frames,
                    dropped=dropped,
                    outcome=outcome,
                ),
            )

    def fill(self, report: CameraReport) -> None:
        """Add to a report what this view gave."""
        coverage = self.coverage
        report.frames += coverage.frames
        report.from_ms = _either(min, report.from_ms, coverage.from_ms)
        report.to_ms = _either(max, report.to_ms, coverage.to_ms)
        report.analysed_ms += coverage.analysed_ms
        report.not_analysed_ms += coverage.not_analysed_ms
        for counts, own in (
            (report.alerts, self._started),
            (report.shadow, self._shadowed),
            (report.health, self._ailments),
        ):
            for name, count in own.items():
                counts[name] = counts.get(name, 0) + count
        report.totals |= self._totals
        report.stages = self._timed.seconds

    def _change(self, event: Event, seen: Seen | None) -> Change:
        watched = self.watched
        if event.change == "started" and seen is not None:
            if watched.snapshots is not None:
                self._snapshots[event.id] = watched.snapshots.save(self.run, event, *seen)
            if watched.clips is not None and not json.loads(event.to_json())["shadow"]:
                self._clips[event.id] = watched.clips.want(self.run, event)
        over = event.change == "ended"
        snapshot, clip = (
            kept.pop(event.id, None) if over else kept.get(event.id)
            for kept in (self._snapshots, self._clips)
        )
        measurement = event.type in self._outlets.measuring
        return Change(event.to_json(), alert(event, watched.seen, snapshot, clip), measurement)

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
            self.alerts += not own
            self._outlets.metrics.alert(told["camera"], rule, told["type"])
        if own:
            for watcher in self.watched.watchers:
                watcher.note(told)
        self._outlets.on_event(told)

    def _count(self, stats: dict[str, Any]) -> None:
        """Keep a minute of statistics and the quarter that ends with it, with what was analysed meanwhile."""
        coverage, store, view = self.coverage, self._outlets.store, self.watched.facts.view
        now = (coverage.analysed_ms, coverage.not_analysed_ms)
        stats = dict(stats)
        quarter = stats.pop("quarter", None)
        periods = [(1, stats)] if quarter is None else [(1, stats), (15, quarter)]
        for minutes, body in periods:
            before = self._counted.get(minutes, (0, 0))
            period = Aggregate(body, now[0] - before[0], now[1] - before[1])
            with suppress(BacklogFull):
                store.aggregate(self.run, view, minutes, period)
            self._counted[minutes] = now


def _either(which: Callable[[int, int], int], one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return which(one, other)
