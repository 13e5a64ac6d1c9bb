"""What was measured, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from beffroi.bench import machine
from beffroi.capacity.figures import LEAST_RATE, OVERHEAD, P95_MS, Figures

if TYPE_CHECKING:
    from rich.table import Table

    from beffroi.capacity.measure import Wanted

TOWN = 89
"""Cameras of the town that the arithmetic is done for."""


@dataclass(frozen=True, slots=True)
class CapacityReport:
    """A measurement, and what follows from it.

    Attributes
    ----------
    most
        The largest number of cameras that keeps up; None where a number was given.
    tried
        What each number that was measured gave.
    """

    machine: str
    wanted: dict[str, Any]
    figures: Figures
    most: int | None
    tried: dict[int, str]

    @classmethod
    def of(cls, wanted: Wanted, figures: Figures, most: int | None, tried: dict[int, str]) -> CapacityReport:
        """Of what was asked for and measured."""
        asked = {
            "fps": wanted.fps,
            "size": list(wanted.size),
            "seconds": wanted.seconds,
            "detect": wanted.detector(),
        }
        return cls(machine(), asked, figures, most, tried)

    @property
    def per_camera(self) -> float:
        """Processor seconds a second that a camera costs."""
        return self.figures.cost / self.figures.cameras

    @property
    def filled(self) -> float:
        """How much of this machine's processors may be in use while it keeps up: what was in use here."""
        return self.figures.cost / (_cores() or 1)

    def town(self, cameras: int = TOWN) -> int:
        """How many processors like these so many cameras need, filled as far as these were."""
        return ceil(cameras * self.per_camera / min(1.0, max(self.filled, 0.1)))

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        plain = asdict(self)
        plain["figures"]["overhead"] = self.figures.overhead
        plain["keeps_up"] = self.figures.keeps_up
        plain["shortcomings"] = self.figures.shortcomings
        plain["per_camera"] = self.per_camera
        plain["processors_for_89"] = self.town()
        return plain

    def table(self) -> Table:
        """A table for a terminal."""
        from rich.table import Table

        figures = self.figures
        table = Table(
            title="\n".join([self.machine, ", ".join(figures.models), self._heading()]),
            title_justify="left",
            caption="\n".join(self._notes()),
            caption_justify="left",
            min_width=90,
            show_header=False,
        )
        for name, value in self._rows():
            if not name:
                table.add_section()
            else:
                table.add_row(name, value)
        return table

    def _heading(self) -> str:
        width, height = self.wanted["size"]
        figures = self.figures
        return f"{figures.cameras} cameras of {width} x {height} over RTSP, {figures.seconds:g} s"

    def _rows(self) -> list[tuple[str, str]]:
        figures = self.figures
        rates, looked = list(figures.analysed_fps.values()), list(figures.looked_fps.values())
        rows = [
            ("pictures analysed a second: asked", f"{figures.asked_fps:g}"),
            ("  least of a camera / mean", f"{min(rates):.2f} / {sum(rates) / len(rates):.2f}"),
            ("  of these, the model looked at", f"{sum(looked) / max(1e-9, sum(rates)):.0%}"),
            ("dropped for later ones", f"{figures.dropped:.2%}"),
        ]
        for what, spread in (("analysis", figures.analysis), ("alert", figures.alerts)):
            told = "none"
            if spread is not None:
                told = f"{spread.p50:.0f} / {spread.p90:.0f} / {spread.p95:.0f} / {spread.p99:.0f} ms"
                told += f" of {spread.count}"
            rows.append((f"picture to {what} committed: p50 / p90 / p95 / p99", told))
        rows += [("  the camera with the most: p95", f"{figures.worst_p95_ms:.0f} ms"), ("", "")]
        rows += [(f"processors: {part}", f"{cost:.3f}") for part, cost in figures.parts.items()]
        rows += [
            ("processors, all together", f"{figures.cost:.3f}"),
            ("the server of clips, not counted", f"{figures.served:.3f}"),
            ("", ""),
        ]
        if figures.alone is not None and figures.overhead is not None:
            alone = figures.alone
            rows += [
                ("alone: decoding", f"{alone.decode:.3f}"),
                ("alone: detecting", f"{alone.detect:.3f}"),
                ("alone: making arrays (counts as overhead)", f"{alone.image:.3f}"),
                (f"overhead (at most {OVERHEAD:.0%})", f"{figures.overhead:.1%}"),
                ("", ""),
            ]
        begin, end, most = figures.memory_mb
        rows += [
            ("memory: begin / end / most", f"{begin:.0f} / {end:.0f} / {most:.0f} MB"),
            ("memory: trend", f"{figures.slope_mb_h:+.1f} MB/h"),
            ("latency p95: last fifth less first", f"{figures.drift_ms:+.0f} ms"),
            ("threads / files, begin and end", f"{figures.threads} / {figures.files}"),
            ("store: begin / end", f"{figures.store_kb[0]:.0f} / {figures.store_kb[1]:.0f} kB"),
            ("clips of evidence", str(figures.clips)),
        ]
        return rows

    def _notes(self) -> list[str]:
        figures = self.figures
        said = "keeps up" if figures.keeps_up else "does not keep up: " + "; ".join(figures.shortcomings)
        notes = [f"{said} (p95 under {P95_MS} ms, no camera under {LEAST_RATE:.0%} of the asked rate)"]
        if self.most is not None:
            notes.append(f"the largest number of cameras that keeps up: {self.most}")
        notes += [f"  {number}: {told}" for number, told in sorted(self.tried.items())]
        notes.append(
            f"{TOWN} cameras: {TOWN} x {self.per_camera:.3f} processors each = "
            f"{TOWN * self.per_camera:.1f}, filled to {min(1.0, self.filled):.0%} as here: {self.town()}"
        )
        return notes + [f"error: {error}" for error in figures.errors]


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
