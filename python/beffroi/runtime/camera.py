"""The loop of one recording: picture, health, boxes, events, store, sinks; one thread, nothing left out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from beffroi.conceal import conceal
from beffroi.errors import BeffroiError, SourceError
from beffroi.runtime.judge import Judge, OnEvent, Outlets, Progress, Watched
from beffroi.runtime.report import CameraReport
from beffroi.runtime.timers import StageTimers

if TYPE_CHECKING:
    from beffroi.components import Source
    from beffroi.frame import Frame

__all__ = ["CameraLoop", "OnEvent", "Outlets", "Progress", "Watched", "said"]

log = logging.getLogger(__name__)


class CameraLoop:
    """Runs one camera to its end; whatever happens, what is active ends with a reason."""

    def __init__(self, watched: Watched, source: Source, outlets: Outlets) -> None:
        self._watched, self._source, self._outlets = watched, source, outlets
        self._timed = StageTimers(watched.facts.camera, outlets.metrics)
        self._judge = Judge(watched, outlets, self._timed)

    def run(self, stop: threading.Event) -> CameraReport:
        """Analyse until the stream ends or `stop` is set. Raises nothing: the report says what went wrong."""
        facts, outlets, judge = self._watched.facts, self._outlets, self._judge
        outlets.metrics.detector(facts.camera, facts.model, facts.provider)
        report = CameraReport(facts.camera, facts.view, facts.model, facts.provider)
        try:
            judge.begin()
            for frame in self._frames(stop):
                self._analyse(frame)
            report.outcome = "stopped" if stop.is_set() else "end_of_stream"
        except SourceError as error:
            report.outcome, report.error = "signal_lost", str(error)
        except Exception as error:
            report.outcome, report.error = "analysis_failed", said(facts.camera, error)
        try:
            judge.end(report.outcome)
        except Exception as error:
            report.error = report.error or said(facts.camera, error)
            report.outcome = "analysis_failed"
        self._close(report)
        judge.fill(report)
        return report

    def _frames(self, stop: threading.Event) -> Iterator[Frame]:
        from beffroi.evidence.redact import apply_masks

        frames = iter(self._source.frames())
        while not stop.is_set():
            with self._timed("decode"):
                frame = next(frames, None)
                if frame is None:
                    return
                masked = apply_masks(frame.image, self._watched.masks)
                frame = frame if masked is frame.image else replace(frame, image=masked)
            yield frame

    def _analyse(self, frame: Frame) -> None:
        watched, judge = self._watched, self._judge
        sees, motion = self._look(frame)
        judge.coverage.add(frame.at_ms, judged=sees)
        if sees:
            with self._timed("detect"):
                (found,) = watched.detector.detect([frame])
            judge.see(frame, found, motion)
        self._outlets.progress(watched.facts.camera, frame.at_ms, judge.coverage.frames)

    def _look(self, frame: Frame) -> tuple[bool, Sequence[float] | None]:
        """Whether the camera sees its view in this picture, and how the camera moved before it."""
        health, judge = self._watched.health, self._judge
        if health is None:
            return True, None
        with self._timed("health"):
            verdict = health.look(frame)
        if verdict.interrupted is not None and judge.coverage.to_ms is not None:
            judge.pause(judge.coverage.to_ms, verdict.interrupted)
        if verdict.suspended is not None:
            judge.pause(frame.at_ms, verdict.suspended)
        judge.tell(verdict.incidents)
        return verdict.suspended is None, verdict.motion

    def _close(self, report: CameraReport) -> None:
        """Close what belongs to this camera alone, each whatever the others do."""
        closes = [watcher.close for watcher in self._watched.watchers]
        for close in (*closes, self._source.close):
            try:
                close()
            except Exception as error:
                report.error = report.error or said(report.camera, error)


def said(camera: str, error: Exception) -> str:
    """Our own errors speak for themselves; anything else is a defect, and its trace goes to the log."""
    if isinstance(error, BeffroiError):
        return conceal(str(error))
    log.error("%s: unexpected error", camera, exc_info=error)
    # Others wrote this text. It goes on into statuses and reports, and not every one of them is printed as
    # text, which conceals secrets.
    return conceal(f"unexpected error, see the log: {type(error).__name__}: {error}")
