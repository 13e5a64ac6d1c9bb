"""What a run found, said to people and to programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(slots=True)
class CameraReport:
    """One camera's run; times in milliseconds of media time.

    `outcome` is ``end_of_stream``, ``stopped``, ``signal_lost`` or ``analysis_failed``; `error` says why for
    the latter two. `alerts` counts the incidents that rules started, `shadow` those of rules that run in the
    shadow, `health` those of the camera itself, by name. `totals` holds the last measured values of each
    measuring rule.
    """

    camera: str
    view: str = ""
    model: str = ""
    provider: str = ""
    frames: int = 0
    dropped: int = 0
    from_ms: int | None = None
    to_ms: int | None = None
    analysed_ms: int = 0
    not_analysed_ms: int = 0
    alerts: dict[str, int] = field(default_factory=dict)
    shadow: dict[str, int] = field(default_factory=dict)
    health: dict[str, int] = field(default_factory=dict)
    totals: dict[str, dict[str, float]] = field(default_factory=dict)
    stages: dict[str, float] = field(default_factory=dict)
    outcome: str = "end_of_stream"
    error: str | None = None

    def lines(self) -> Iterator[str]:
        """How many alerts each rule gave."""
        yield from (f"{rule}: {count}" for rule, count in self.alerts.items())
        yield from (f"{rule}: {count} (shadow)" for rule, count in self.shadow.items())

    def as_json(self) -> dict[str, Any]:
        """Plain values; seconds are rounded to milliseconds."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {**plain, "stages": {stage: round(spent, 3) for stage, spent in self.stages.items()}}


@dataclass(frozen=True, slots=True)
class RunReport:
    """A whole run.

    By sink, `undelivered` counts the alerts that still wait in the store, `parked` those that it refused for
    good. `lost` counts changes that could not be written: the disk of the store stayed in trouble.
    """

    site: str
    evaluation: bool
    cameras: tuple[CameraReport, ...]
    wall_s: float
    interrupted: bool = False
    undelivered: dict[str, int] = field(default_factory=dict)
    parked: dict[str, int] = field(default_factory=dict)
    lost: int = 0

    @property
    def ok(self) -> bool:
        """Every camera was analysed until its end or until someone stopped it, and every alert delivered."""
        mislaid = self.undelivered or self.parked or self.lost
        return not mislaid and all(camera.error is None for camera in self.cameras)

    @property
    def errors(self) -> list[str]:
        """What went wrong, a line each."""
        lost = [f"{camera.camera}: {camera.error}" for camera in self.cameras if camera.error is not None]
        lost += [
            f"sink {name}: {count} alerts could not be delivered; they wait in the store"
            for name, count in self.undelivered.items()
        ]
        lost += [
            f"sink {name}: refused {count} alerts for good; `beffroi outbox` lists them and tries again"
            for name, count in self.parked.items()
        ]
        if self.lost:
            lost.append(f"{self.lost} changes are lost: the store could not be written; the log names them")
        return lost

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "site": self.site,
            "evaluation": self.evaluation,
            "ok": self.ok,
            "interrupted": self.interrupted,
            "wall_s": round(self.wall_s, 3),
            "undelivered": self.undelivered,
            "parked": self.parked,
            "lost": self.lost,
            "cameras": [camera.as_json() for camera in self.cameras],
        }

    def table(self) -> Table:
        """A table for a terminal."""
        from rich.table import Table

        mark = " (evaluation)" if self.evaluation else ""
        table = Table(title=f"{self.site}{mark}, {self.wall_s:.1f} s", title_justify="left")
        for name in ("camera", "analysed", "not analysed", "frames", "health", "alerts", "totals", "ended"):
            table.add_column(name)
        for camera in self.cameras:
            table.add_row(
                camera.camera,
                f"{camera.analysed_ms / 1000:.1f} s",
                f"{camera.not_analysed_ms / 1000:.1f} s",
                str(camera.frames),
                _counts(camera.health) or "good",
                "\n".join(camera.lines()) or "none",
                "\n".join(f"{rule}: {_values(total)}" for rule, total in camera.totals.items()),
                camera.error or camera.outcome.replace("_", " "),
            )
        return table


def _counts(incidents: dict[str, int]) -> str:
    return "\n".join(f"{name}: {count}" for name, count in incidents.items())


def _values(measured: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in measured.items())
