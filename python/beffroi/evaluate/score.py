"""Scoring of alerts against a case of the truth file, with the definitions of i-LIDS.

A true positive is the first alert within a window that has none yet; every other alert is a false positive;
a window left without one is a false negative. Times are seconds of media time, ends of windows included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from beffroi.evaluate.truth import Case


@dataclass(frozen=True, slots=True)
class Score:
    """True and false positives, false negatives, and the delay of every true positive in its window."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    delays: tuple[float, ...] = field(default=())

    def __add__(self, other: Score) -> Score:
        return Score(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.delays + other.delays)

    @property
    def passed(self) -> bool:
        """Everything that was wanted, and nothing else."""
        return self.fp == 0 and self.fn == 0

    @property
    def recall(self) -> float | None:
        """Share of what was wanted that was found; None if nothing was wanted."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def precision(self) -> float | None:
        """Share of the alerts that were right; None if there was none."""
        return _share(self.tp, self.tp + self.fp)

    def f1(self, alpha: float) -> float | None:
        """(α+1)·R·P / (R + α·P) in a form that holds for R = P = 0; None if nothing was wanted nor said."""
        return _share((alpha + 1) * self.tp, (alpha + 1) * self.tp + alpha * self.fn + self.fp)

    def as_json(self, alpha: float) -> dict[str, Any]:
        """As `beffroi evaluate alarms --json` prints it; ``delay_s`` is the median."""
        return {
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
            "recall": self.recall,
            "precision": self.precision,
            "f1": self.f1(alpha),
            "delay_s": median(self.delays) if self.delays else None,
        }


def total(scores: Iterable[Score]) -> Score:
    """All of `scores` together."""
    return sum(scores, start=Score())


def score(case: Case, alerts: Sequence[float], counted: int) -> Score:
    """Judge one case.

    Parameters
    ----------
    case
        What was wanted.
    alerts
        When alerts started, in seconds.
    counted
        The final total of a measuring rule, for a case with ``count``.
    """
    if case.alerts is not None:
        return _in_windows(case.alerts, sorted(alerts))
    if case.at_least is not None:
        good = sum(1 for at in alerts if at >= case.earliest)
        found = min(good, case.at_least)
        return Score(found, len(alerts) - good, case.at_least - found)
    # A total is one decision, right or wrong: single objects cannot be told apart in it.
    wanted = case.count or 0
    if abs(counted - wanted) <= case.tolerance:
        return Score(tp=1)
    return Score(fp=1) if counted > wanted else Score(fn=1)


def _in_windows(windows: Sequence[tuple[float, float]], alerts: Sequence[float]) -> Score:
    """Windows may overlap: an alert takes the open one that closes first, so that the most are found."""
    waiting = sorted(windows, key=lambda window: (window[1], window[0]))
    delays = []
    for at in alerts:
        window = next((w for w in waiting if w[0] <= at <= w[1]), None)
        if window is not None:
            waiting.remove(window)
            delays.append(at - window[0])
    return Score(len(delays), len(alerts) - len(delays), len(waiting), tuple(delays))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
