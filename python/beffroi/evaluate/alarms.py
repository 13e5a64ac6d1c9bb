"""Alerts against the truth: the whole pipeline over clips, scored in the manner of i-LIDS.

Each clip runs once, with all of its cases as rules of one engine, so that they share pictures and boxes.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beffroi._core import __version__
from beffroi.errors import SiteError, SourceError
from beffroi.evaluate import truth as truths
from beffroi.evaluate.score import Score, score, total
from beffroi.evaluate.truth import Case, Clip, TruthError
from beffroi.evaluate.watch import Incident, Seen, Watch

if TYPE_CHECKING:
    from rich.table import Table

Progress = Callable[[str, int, int], None]
"""Called after each picture: the clip, its media time in milliseconds, the number of pictures so far."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case, judged. `counted` is the total of a case that wants a ``count``, None otherwise.

    `to_ms` is the media time of the clip's last picture.
    """

    clip: Clip
    case: Case
    incidents: tuple[Incident, ...]
    counted: int | None
    score: Score
    to_ms: int

    def as_json(self) -> dict[str, Any]:
        """As an entry of ``clips``; alerts in seconds."""
        plain = {
            "file": self.clip.name,
            "case": self.case.name,
            "alerts": [incident.started_ms / 1000 for incident in self.incidents],
            "tp": self.score.tp,
            "fp": self.score.fp,
            "fn": self.score.fn,
            "type": self.case.kind,
        }
        return plain if self.counted is None else {**plain, "total": self.counted}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A case that was not judged, and why."""

    clip: Clip
    case: Case
    reason: str

    def as_json(self) -> dict[str, Any]:
        """As an entry of ``skipped``."""
        return {
            "file": self.clip.name,
            "case": self.case.name,
            "type": self.case.kind,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class AlarmReport:
    """What an evaluation found; `alpha` weighs recall against precision in F1."""

    alpha: float
    results: tuple[CaseResult, ...]
    skipped: tuple[Skipped, ...]
    machine: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Every case was judged, and passed."""
        return not self.skipped and all(result.score.passed for result in self.results)

    @property
    def behaviours(self) -> dict[str, Score]:
        """Scores by kind of rule, in alphabetical order."""
        kinds = sorted({result.case.kind for result in self.results})
        return {
            kind: total(result.score for result in self.results if result.case.kind == kind) for kind in kinds
        }

    @property
    def overall(self) -> Score:
        """All cases together."""
        return total(result.score for result in self.results)

    def as_json(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {
            "alpha": self.alpha,
            "overall": self.overall.as_json(self.alpha),
            "behaviours": {kind: one.as_json(self.alpha) for kind, one in self.behaviours.items()},
            "clips": [result.as_json() for result in self.results],
            "skipped": [one.as_json() for one in self.skipped],
            "machine": self.machine,
        }

    def tables(self) -> list[Table]:
        """Cases, behaviours, and what was skipped, for a terminal."""
        return [self._cases(), self._behaviours(), *([self._skipped()] if self.skipped else [])]

    def _cases(self) -> Table:
        from rich.table import Table

        table = Table(*("clip", "case", "rule", "alerts (s)", "tp", "fp", "fn", ""), title_justify="left")
        for result in self.results:
            one = result.score
            said = ", ".join(f"{incident.started_ms / 1000:.1f}" for incident in result.incidents)
            table.add_row(
                result.clip.name,
                result.case.name,
                result.case.kind,
                said if result.counted is None else f"counted {result.counted}",
                *(str(number) for number in (one.tp, one.fp, one.fn)),
                "passed" if one.passed else "failed",
            )
        return table

    def _behaviours(self) -> Table:
        from rich.table import Table

        names = (
            "behaviour",
            "tp",
            "fp",
            "fn",
            "recall",
            "precision",
            f"F1 (α = {self.alpha:g})",
            "delay (s)",
        )
        table = Table(*names, title_justify="left")
        for kind, one in [*self.behaviours.items(), ("all", self.overall)]:
            plain = one.as_json(self.alpha)
            table.add_row(
                kind,
                *(str(plain[name]) for name in ("tp", "fp", "fn")),
                *(_figure(plain[name], 3) for name in ("recall", "precision", "f1")),
                _figure(plain["delay_s"], 1),
            )
        return table

    def _skipped(self) -> Table:
        from rich.table import Table

        table = Table("clip", "case", "rule", "not judged, because", title_justify="left")
        for one in self.skipped:
            table.add_row(one.clip.name, one.case.name, one.case.kind, one.reason)
        return table


def evaluate(
    truth: Path,
    *,
    alpha: float = 1.0,
    clips: Sequence[str] | None = None,
    model: str | None = None,
    actev: Path | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> AlarmReport:
    """Run the pipeline over the clips of a truth file and score its alerts.

    A case whose kind of rule does not exist, whose rule is refused, or whose clip cannot be read to its end
    is not judged: it is listed as skipped, with the reason.

    Parameters
    ----------
    truth
        The truth file; clips are found beside it.
    alpha
        Weight of recall in F1 = (α+1)·R·P / (R + α·P).
    clips
        Parts of the names of the clips to run, in any case; all by default.
    model
        Detector model instead of the package's default.
    actev
        Folder to write NIST ActEV JSON to.
    cache
        Folder in which boxes are kept between runs over the same clips with the same detector; a run that
        finds its boxes there detects nothing. None, the default, detects anew.
    progress
        See `Progress`.

    Raises
    ------
    TruthError
        If the truth file cannot be used, or a clip is not there.
    BeffroiError
        If the detector cannot be built.
    """
    chosen = truths.select(truths.load(truth), list(clips) if clips else None, truth)
    report = judge(chosen, truth.parent, alpha=alpha, model=model, cache=cache, progress=progress)
    if actev is not None:
        from beffroi.evaluate.actev import write

        write(actev, report, truth.parent)
    return report


def judge(
    clips: Sequence[Clip],
    folder: Path,
    *,
    alpha: float = 1.0,
    model: str | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> AlarmReport:
    """As `evaluate`, over clips from anywhere, such as a simulation; their files are found in `folder`."""
    for clip in clips:
        if clip.file is not None and clip.case and not (folder / clip.file).is_file():
            raise TruthError(f"the clip {clip.name} is not there: {folder / clip.file}")
    watch = Watch(folder, model, cache)
    results: list[CaseResult] = []
    skipped: list[Skipped] = []
    for clip in clips:
        reasons = {case.name: watch.unfit(clip, case) for case in clip.case}
        runnable = [case for case in clip.case if reasons[case.name] is None]
        if runnable:
            try:
                seen = watch.run(clip, runnable, _of_clip(progress, clip))
            except (SourceError, SiteError) as error:
                reasons |= {case.name: str(error) for case in runnable}
            else:
                results += [_judged(clip, case, seen) for case in runnable]
        skipped += [Skipped(clip, case, why) for case in clip.case if (why := reasons[case.name])]
    return AlarmReport(alpha, tuple(results), tuple(skipped), _machine(watch))


def _judged(clip: Clip, case: Case, seen: Seen) -> CaseResult:
    incidents = seen.of(case)
    counted = None if case.count is None else seen.totals.get(case.name, 0)
    starts = [incident.started_ms / 1000 for incident in incidents]
    return CaseResult(clip, case, incidents, counted, score(case, starts, counted or 0), seen.to_ms)


def _of_clip(progress: Progress | None, clip: Clip) -> Progress | None:
    if progress is None:
        return None
    return lambda _camera, at_ms, frames: progress(clip.name, at_ms, frames)


def _machine(watch: Watch) -> dict[str, Any]:
    """What a figure depends on, without the machine's name."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "engine": __version__,
        "models": watch.models,
    }


def _figure(value: float | None, digits: int) -> str:
    return "not measured" if value is None else f"{value:.{digits}f}"
