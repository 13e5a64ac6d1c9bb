"""What one measurement says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from beffroi.metrics import STAGES

P95_MS = 1000
"""Longest time from a picture to its analysis committed, and to its alert, for 95 of 100."""
LEAST_RATE = 0.9
"""Share of the asked rate that every camera must be analysed at."""
SETTLE_S = 60
"""How long memory grows by design: every camera keeps its last pictures for clips, as they came."""
OVERHEAD = 0.15
"""Most that everything may cost beside decoding and detecting alone, as a share of these."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles in milliseconds."""

    count: int
    p50: float
    p90: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """Of values; None without any."""
        if not len(values):
            return None
        return cls(
            len(values), *(round(float(np.percentile(values, share)), 1) for share in (50, 90, 95, 99))
        )


@dataclass(frozen=True, slots=True)
class Alone:
    """Processor seconds a second that the same pictures cost with nothing beside: decoded, looked at.

    `image` is what it costs to make arrays of those that are analysed; it counts as overhead.
    """

    decode: float
    detect: float
    image: float

    @classmethod
    def of(
        cls, costs: Mapping[str, Mapping[str, float]], clips: Sequence[Path], sent: float, figures: Figures
    ) -> Alone:
        """From the cost of one picture of each clip, for as many as each camera decoded and looked at."""
        own = [costs[str(clip)] for clip in clips]
        looked, rates = list(figures.looked_fps.values()), list(figures.analysed_fps.values())
        return cls(
            decode=sum(cost["decode"] * sent for cost in own),
            detect=sum(cost["detect"] * rate for cost, rate in zip(own, looked, strict=True)),
            image=sum(cost["image"] * rate for cost, rate in zip(own, rates, strict=True)),
        )

    @property
    def whole(self) -> float:
        """What no watching can do without."""
        return self.decode + self.detect


@dataclass(frozen=True, slots=True)
class Figures:
    """One measurement of a number of cameras. Costs are processor seconds per second.

    Attributes
    ----------
    looked_fps
        Of the pictures analysed, those that the model looked at.
    dropped
        Share of pictures that were to be analysed and were replaced by later ones.
    parts
        Processor time by what is done; the sum is `cost`.
    served
        That of the server, which is not in `cost`.
    memory_mb, slope_mb_h
        Memory in use at the beginning, at the end and at most, and its trend by least squares.
    drift_ms
        95th percentile of the latency in the last fifth of the time, less that in the first.
    """

    cameras: int
    seconds: float
    models: tuple[str, ...]
    asked_fps: float
    analysed_fps: dict[str, float]
    looked_fps: dict[str, float]
    dropped: float
    analysis: Spread | None
    alerts: Spread | None
    worst_p95_ms: float
    cost: float
    parts: dict[str, float]
    served: float
    memory_mb: tuple[float, float, float]
    slope_mb_h: float
    drift_ms: float
    threads: tuple[int, int]
    files: tuple[int, int]
    store_kb: tuple[float, float]
    clips: int
    errors: tuple[str, ...] = ()
    alone: Alone | None = None
    states: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, counted: Mapping[str, Any], cameras: int, fps: float, served: float) -> Figures:
        """From what `running` wrote."""
        begin, end = counted["begin"], counted["end"]
        passed = end["at_s"] - begin["at_s"]

        def rates(what: str) -> dict[str, float]:
            return {
                name: ((now[what] or 0) - (begin["cameras"].get(name, {}).get(what) or 0)) / passed
                for name, now in end["cameras"].items()
            }

        analysed = rates("analysed")
        gated = all(now["looked"] is not None for now in end["cameras"].values())
        dropped = sum(rates("dropped").values())
        found = {name: [late for _, late in each] for name, each in counted["latency_ms"].items()}
        every = sorted(pair for each in counted["latency_ms"].values() for pair in each)
        fifth = len(every) // 5
        first, last = [late for _, late in every[:fifth]], [late for _, late in every[-fifth:]]
        memory = counted["memory"]
        most = max([begin["rss"], end["rss"], *(used for _, used in memory)])
        return cls(
            cameras=cameras,
            seconds=round(passed, 1),
            models=tuple(counted["models"]),
            asked_fps=fps,
            analysed_fps=analysed,
            looked_fps=rates("looked") if gated else analysed,
            dropped=dropped / max(1e-9, dropped + sum(analysed.values())),
            analysis=Spread.of([late for _, late in every]),
            alerts=Spread.of(counted["alert_ms"]),
            worst_p95_ms=max((float(np.percentile(each, 95)) for each in found.values()), default=0.0),
            cost=(end["cpu_s"] - begin["cpu_s"]) / passed,
            parts=_parts(begin, end, passed),
            served=served,
            memory_mb=(begin["rss"] / 1e6, end["rss"] / 1e6, most / 1e6),
            slope_mb_h=_slope(memory) * 3600 / 1e6,
            drift_ms=float(np.percentile(last, 95) - np.percentile(first, 95)) if fifth else 0.0,
            threads=(begin["threads"], end["threads"]),
            files=(begin["files"], end["files"]),
            store_kb=(begin["store"] / 1e3, end["store"] / 1e3),
            clips=counted["clips"],
            errors=tuple(counted["errors"]),
            states={name: now["state"] for name, now in end["cameras"].items()},
        )

    @property
    def keeps_up(self) -> bool:
        """Whether the rule holds: no picture and no alert is late, no camera is analysed too seldom."""
        return not self.shortcomings

    @property
    def shortcomings(self) -> list[str]:
        """Where the rule does not hold."""
        found = []
        if self.analysis is None or self.analysis.p95 >= P95_MS:
            found.append("analysis is late")
        if self.alerts is not None and self.alerts.p95 >= P95_MS:
            found.append("alerts are late")
        slow = [name for name, rate in self.analysed_fps.items() if rate < LEAST_RATE * self.asked_fps]
        if slow or len(self.analysed_fps) < self.cameras:
            found.append(f"analysed too seldom: {', '.join(slow) or 'a camera that does not run'}")
        return found

    @property
    def overhead(self) -> float | None:
        """What everything costs beside decoding and detecting alone, as a share of these."""
        return None if self.alone is None else self.cost / self.alone.whole - 1

    def verdict(self) -> str:
        """In a line."""
        rates = list(self.analysed_fps.values())
        late = "no picture" if self.analysis is None else f"p95 {self.analysis.p95:.0f} ms"
        said = "keeps up" if self.keeps_up else "; ".join(self.shortcomings)
        return (
            f"{late}, least rate {min(rates, default=0.0):.2f} a second, {self.cost:.2f} processors: {said}"
        )


def _parts(begin: Mapping[str, Any], end: Mapping[str, Any], passed: float) -> dict[str, float]:
    """Processor time by thread, that of analysts by stage."""
    spent = {
        name: (used - begin["threads_s"].get(name, 0.0)) / passed for name, used in end["threads_s"].items()
    }
    stages = {stage: (end["stages_s"][stage] - begin["stages_s"][stage]) / passed for stage in STAGES}
    analysts = spent.pop("analysts", 0.0)
    parts = {
        "decode (and make arrays)": spent.pop("decoding", 0.0),
        "read the network, keep the last pictures": spent.pop("reading", 0.0),
        "health": stages["health"],
        "detect": stages["detect"],
        "detect, the model's own threads, and encoders'": spent.pop("libraries", 0.0),
        "core": stages["core"],
        "evidence: pictures": stages["evidence"],
        "evidence: clips": spent.pop("clips", 0.0),
        "store: commit": stages["store"],
        "store and sinks: threads": spent.pop("store and sinks", 0.0),
        "analysts, the rest": analysts - sum(stages.values()),
        "look after cameras": spent.pop("looking after", 0.0),
    }
    parts["threads that ended meanwhile"] = (end["cpu_s"] - begin["cpu_s"]) / passed - sum(parts.values())
    return parts


def _slope(samples: Sequence[Sequence[float]]) -> float:
    """Trend per second, by least squares; once what is kept of the last minute is full, if it came so far."""
    settled = [sample for sample in samples if sample[0] >= samples[0][0] + SETTLE_S]
    samples = settled if len(settled) >= SETTLE_S else samples
    if len(samples) < 3:
        return 0.0
    at, value = np.asarray(samples, np.float64).T
    at = at - at.mean()
    return float((at * (value - value.mean())).sum() / (at * at).sum())
