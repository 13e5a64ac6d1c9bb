"""How well each behaviour is found as the weather gets worse: F1 per level, as a table and a drawing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from beffroi.errors import StoreError
from beffroi.evaluate.simulated import SimulatedReport

if TYPE_CHECKING:
    from rich.table import Table

WIDTH, HEIGHT, LEFT, TOP, LEGEND = 560, 320, 40, 16, 180
COLOURS: Final = (
    "#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e",
    "#9498a0",
)  # fmt: skip
DASHES: Final = ("none", "6 3", "2 3")


@dataclass(frozen=True, slots=True)
class Curve:
    """Reports over the same scenes in one weather after the other, the best first."""

    reports: tuple[SimulatedReport, ...]

    @property
    def kinds(self) -> list[str]:
        """Every kind that was judged in some weather."""
        return sorted({kind for report in self.reports for kind in report.behaviours})

    def f1(self, kind: str) -> list[float | None]:
        """F1 of a kind in each weather; None where nothing was wanted nor said."""
        return [
            one.f1(report.alpha) if (one := report.behaviours.get(kind)) is not None else None
            for report in self.reports
        ]

    def as_json(self) -> dict[str, Any]:
        """What ``--curve --json`` prints."""
        return {
            "weather": [report.weather for report in self.reports],
            "f1": {kind: self.f1(kind) for kind in self.kinds},
            "reports": [report.as_json() for report in self.reports],
        }

    def tables(self) -> list[Table]:
        """F1 per behaviour and weather, for a terminal."""
        from rich.table import Table

        title = f"F1 over {self.reports[0].scenes} scenes each, seed {self.reports[0].seed}"
        table = Table(
            "behaviour", *(report.weather for report in self.reports), title=title, title_justify="left"
        )
        for kind in self.kinds:
            table.add_row(kind, *("not measured" if v is None else f"{v:.3f}" for v in self.f1(kind)))
        return [table, *self.reports[0].tables()[1:]]

    def draw(self, path: Path) -> None:
        """Write the curve as SVG.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        try:
            path.write_text(self.svg(), encoding="utf-8")
        except OSError as error:
            raise StoreError(f"{path}: cannot be written: {error.strerror}") from error

    def svg(self) -> str:
        """The curve as a drawing: a line per behaviour, weather to the right, F1 upwards."""
        levels, kinds = len(self.reports), self.kinds
        right, bottom = WIDTH - LEGEND, HEIGHT - 40
        xs = [LEFT + (right - LEFT) * i / max(1, levels - 1) for i in range(levels)]
        tall = max(HEIGHT, TOP + 15 * len(kinds) + 10)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {tall}" font-family="sans-serif" '
            'font-size="11"><rect width="100%" height="100%" fill="white"/>'
        ]
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            y = bottom - (bottom - TOP) * share
            parts.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#ddd"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share:g}</text>')
        for x, report in zip(xs, self.reports, strict=True):
            name = escape(report.weather)
            parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{name}</text>')
        for i, kind in enumerate(kinds):
            look = f'stroke="{COLOURS[i % len(COLOURS)]}" stroke-dasharray="{DASHES[i // len(COLOURS) % 3]}"'
            points = [
                f"{x:.1f},{bottom - (bottom - TOP) * v:.1f}"
                for x, v in zip(xs, self.f1(kind), strict=True)
                if v is not None
            ]
            y = TOP + 15 * i
            parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke-width="1.8" {look}/>')
            parts.append(f'<path d="M{right + 16} {y}h18" stroke-width="1.8" {look}/>')
            parts.append(f'<text x="{right + 40}" y="{y + 4}">{escape(kind)}</text>')
        return "".join([*parts, "</svg>\n"])
