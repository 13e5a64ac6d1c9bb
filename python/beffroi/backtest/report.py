"""A comparison or a sweep for people: tables and lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from beffroi.backtest.match import Comparison
from beffroi.backtest.play import DAY_MS, Played, total_ms
from beffroi.backtest.sweep import Sweep
from beffroi.backtest.told import Incident
from beffroi.backtest.verdicts import KINDS, Verdicts
from beffroi.runtime.alert import DATED_MS, moment

if TYPE_CHECKING:
    from rich.table import Table


def lines(comparison: Comparison, verdicts: Verdicts) -> Iterator[str]:
    """One line for every incident: ``-`` would have vanished, ``+`` would have been raised, ``=`` stays."""
    told: list[tuple[Incident, str, tuple[Incident, ...]]] = [
        *((each, "-", (each,)) for each in comparison.vanished),
        *((each, "+", (each,)) for each in comparison.raised),
        *((now, "=", (before, now)) for before, now in comparison.stays),
    ]
    for incident, mark, forms in sorted(told, key=lambda each: (each[0].started_ms, each[0].camera, each[1])):
        said = verdicts.of(*forms)
        words = "" if said is None else f" [{said.verdict}{': ' if said.cause else ''}{said.cause}]"
        at = moment(incident.started_ms, dated=incident.started_ms >= DATED_MS)
        yield f"{mark} {at} {incident.camera} {incident.rule} {incident.id}{words}"


def table(comparison: Comparison, verdicts: Verdicts) -> Table:
    """A row for each rule, and one for all: counts, and for stays and vanished what people said of them."""
    from rich.table import Table

    shown = Table(title="what these rules would have told", title_justify="left")
    for name in ("camera", "rule"):
        shown.add_column(name)
    for name in ("before", "now", "stays", "vanish", "raised"):
        shown.add_column(name, justify="right")
    for name in ("stays", "vanish"):
        shown.add_column(f"{name}: confirmed / false / cannot tell / unreviewed")
    rules = comparison.rules
    for camera, rule in rules:
        shown.add_row(camera, rule, *_cells(comparison.of_rule(camera, rule), verdicts))
    if len(rules) > 1:
        shown.add_section()
        shown.add_row("all", "", *_cells(comparison, verdicts))
    return shown


def as_json(comparison: Comparison, verdicts: Verdicts, played: Sequence[Played]) -> dict[str, Any]:
    """Everything as plain values."""
    return {
        "recordings": [
            {
                "file": str(each.recording),
                "camera": each.report.camera,
                "view": each.report.view,
                "frames": each.report.frames,
                "from_ms": each.report.from_ms,
                "to_ms": each.report.to_ms,
            }
            for each in played
        ],
        "camera_days": total_ms(played) / DAY_MS,
        "rules": [
            {"camera": camera, "rule": rule, **_counts(comparison.of_rule(camera, rule), verdicts)}
            for camera, rule in comparison.rules
        ],
        **_counts(comparison, verdicts),
        "incidents": {
            "stays": [
                {"before": asdict(before), "now": asdict(now), "verdict": _said(verdicts, before, now)}
                for before, now in comparison.stays
            ],
            "vanished": [
                {"before": asdict(each), "verdict": _said(verdicts, each)} for each in comparison.vanished
            ],
            "raised": [{"now": asdict(each), "verdict": _said(verdicts, each)} for each in comparison.raised],
        },
    }


def sweep_table(swept: Sweep) -> Table:
    """A row for each value; a value that a rule refuses says why."""
    from rich.table import Table

    names = ", ".join(sorted({rule for _, rule in swept.rules}))
    present = "" if swept.present is None else f", now {swept.present}"
    title = f"{swept.setting.key} of {names}{present}; before: {swept.before} alerts"
    shown = Table(title=title, title_justify="left")
    for name in ("value", "alerts", "per camera-day", "raised", "vanish"):
        shown.add_column(name, justify="right")
    for kind in KINDS:
        shown.add_column(f"{kind.replace('_', ' ')} kept", justify="right")
    shown.add_column("")
    for row in swept.rows:
        if row.refused is not None:
            shown.add_row(str(row.trial.value), *[""] * 8, f"refused: {row.refused}")
            continue
        per_day = f"{row.alerts / swept.days:.1f}" if swept.days else ""
        found = row.comparison
        counts = [str(len(found.raised)), str(len(found.vanished))]
        kept = [f"{row.kept[kind]} of {row.kept[kind] + row.lost[kind]}" for kind in KINDS]
        shown.add_row(str(row.trial.value), str(row.alerts), per_day, *counts, *kept, "")
    return shown


def _counts(comparison: Comparison, verdicts: Verdicts) -> dict[str, Any]:
    return {
        "before": len(comparison.stays) + len(comparison.vanished),
        "now": len(comparison.stays) + len(comparison.raised),
        "stays": verdicts.count(comparison.stays),
        "vanished": verdicts.count([(each,) for each in comparison.vanished]),
        "raised": verdicts.count([(each,) for each in comparison.raised]),
    }


def _cells(comparison: Comparison, verdicts: Verdicts) -> list[str]:
    counts = _counts(comparison, verdicts)
    sums = [str(sum(counts[name].values())) for name in ("stays", "vanished", "raised")]
    said = [_row_of(counts[name]) for name in ("stays", "vanished")]
    return [str(counts["before"]), str(counts["now"]), *sums, *said]


def _row_of(counts: Mapping[str, int]) -> str:
    return " / ".join(str(counts[kind]) for kind in KINDS)


def _said(verdicts: Verdicts, *forms: Incident) -> str | None:
    said = verdicts.of(*forms)
    return None if said is None else said.verdict
