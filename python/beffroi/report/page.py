"""One HTML page of statistics: nothing is loaded from elsewhere, and it prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from beffroi.errors import StoreError
from beffroi.report import plots
from beffroi.report.words import WORDS
from beffroi.runtime.alert import DATED_MS

Period: TypeAlias = Mapping[str, Any]
Shapes: TypeAlias = Mapping[tuple[str, str], Mapping[str, Sequence[Sequence[float]]]]
"""By camera and view: what is drawn there, by name, relative to the picture."""

WAYS = ("left_to_right", "right_to_left")
STYLE = """
body{font:15px/1.45 system-ui,sans-serif;color:#111;max-width:960px;margin:2em auto;padding:0 1em}
h1{font-size:1.6em;margin-bottom:.2em}h2{margin-top:2em;border-bottom:2px solid #111}h3{margin:1.4em 0 .3em}
svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif}.r{text-anchor:end}.m{text-anchor:middle}
.grid{stroke:#ddd}.shape{fill:none;stroke:#111;stroke-width:1.5}.heat{border:1px solid #999;max-width:640px}
table{border-collapse:collapse}td,th{border:1px solid #999;padding:.25em .6em;text-align:right}
th{background:#f2f2f2}.note{color:#444;font-size:.92em}
@media print{body{margin:0;max-width:none}section{break-inside:avoid}h2{break-after:avoid}
svg,td{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""


def write_report(
    path: Path,
    periods: Iterable[Period],
    *,
    name: str,
    language: str = "en",
    timezone: str = "UTC",
    shapes: Shapes | None = None,
) -> None:
    """Write the page of what `beffroi.store.queries.aggregates` gives.

    Parameters
    ----------
    periods
        Periods of one length, ordered by camera, view and time.
    name
        Of the site.
    language
        ``fr`` or ``en``.
    timezone
        In which times are shown.
    shapes
        What is drawn on each view, for the heat map.

    Raises
    ------
    StoreError
        If there are no periods, or the file cannot be written.
    """
    known = list(periods)
    if not known:
        raise StoreError(f"{name}: the store holds no statistics; run the site for a minute at least")
    page = _Page(language, timezone, shapes or {})
    text = page.whole(name, known)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror or error}") from error


class _Page:
    def __init__(self, language: str, timezone: str, shapes: Shapes) -> None:
        self._language, self._say = language, WORDS[language]
        self._zone_name, self._zone, self._shapes = timezone, ZoneInfo(timezone), shapes

    def whole(self, name: str, periods: Sequence[Period]) -> str:
        say, parts = self._say, []
        if any(period["evaluation"] for period in periods):
            parts.append(f"<p><strong>{say['evaluation']}</strong></p>")
        minutes = periods[0]["minutes"]
        about = say["period"].format(minutes=minutes, zone=self._zone_name)
        parts.append(f'<p class="note">{escape(about)} {say["small"]}</p>')
        for (camera, view), group in groupby(periods, key=lambda p: (p["camera"], p["view"])):
            parts.append(f"<h2>{escape(camera)} / {escape(view)}</h2>")
            parts += self._view(list(group), self._shapes.get((camera, view), {}))
        title = f"{say['title']}: {escape(name)}"
        return (
            f'<!doctype html><html lang="{self._language}"><meta charset="utf-8"><title>{title}</title>'
            f"<style>{STYLE}</style><body><h1>{title}</h1>{''.join(parts)}</body></html>\n"
        )

    def _view(self, periods: list[Period], shapes: Mapping[str, Sequence[Sequence[float]]]) -> list[str]:
        labels = self._labels(periods)
        bodies = [period["body"] for period in periods]
        return [
            *self._coverage(labels, periods),
            *self._flow(labels, bodies),
            *self._speeds(labels, bodies),
            *self._curves(labels, bodies, "zones", "occupancy", {"mean": ("mean",), "peak": ("peak",)}),
            *self._queues(labels, bodies),
            *self._journeys(bodies),
            *self._heat(bodies, shapes),
        ]

    def _labels(self, periods: Sequence[Period]) -> list[str]:
        if any(period["from_ms"] < DATED_MS for period in periods):
            minutes = [period["from_ms"] // 60_000 for period in periods]
            return [f"+{each // 60:02d}:{each % 60:02d}" for each in minutes]
        times = [datetime.fromtimestamp(p["from_ms"] / 1000, UTC).astimezone(self._zone) for p in periods]
        days = {time.date() for time in times}
        return [f"{time:%H:%M}" if len(days) == 1 else f"{time:%d.%m. %H:%M}" for time in times]

    def _section(self, title: str, *parts: str) -> str:
        return f"<section><h3>{escape(title)}</h3>{''.join(parts)}</section>"

    def _coverage(self, labels: list[str], periods: list[Period]) -> list[str]:
        say = self._say
        series = {
            say[name]: [period[f"{name}_ms"] / 60_000 for period in periods]
            for name in ("analysed", "not_analysed")
        }
        return [self._section(say["coverage"], plots.bars(labels, series, "min"))]

    def _flow(self, labels: list[str], bodies: list[Any]) -> list[str]:
        say, sections = self._say, []
        for line in _names(bodies, "lines"):
            classes = sorted({label for body in bodies for label in body["lines"].get(line, {})})
            for way in WAYS:
                series = {
                    label: [body["lines"].get(line, {}).get(label, {}).get(way, 0) for body in bodies]
                    for label in classes
                }
                title = f"{say['flow']} {line}, {say[way]}: {sum(map(sum, series.values()))}"
                sections.append(self._section(title, plots.bars(labels, series, say["per"])))
        return sections

    def _speeds(self, labels: list[str], bodies: list[Any]) -> list[str]:
        say, sections = self._say, []
        lines = _names([body.get("speeds", {}) for body in bodies], "lines")
        zones = _names([body.get("speeds", {}) for body in bodies], "zones")
        for place, picks in [
            *((f"{line}, {say[way]}", ("lines", line, way)) for line in lines for way in WAYS),
            *((zone, ("zones", zone)) for zone in zones),
        ]:
            found = [_inside(body.get("speeds", {}), picks) for body in bodies]
            if not any(found):
                continue
            series = {
                say[word]: [speed and speed[key] for speed in found]
                for word, key in (("mean", "mean_kmh"), ("v85", "v85_kmh"))
            }
            sections.append(
                self._section(
                    f"{say['speed']} {place}",
                    plots.curves(labels, series, "km/h"),
                    f"<p>{escape(say['histogram'])}</p>",
                    _histogram([speed for speed in found if speed]),
                )
            )
        if sections:
            sections.append(f'<p class="note">{say["sanction"]}</p>')
        return sections

    def _curves(
        self,
        labels: list[str],
        bodies: list[Any],
        family: str,
        title: str,
        series: Mapping[str, Sequence[str]],
    ) -> list[str]:
        say = self._say
        return [
            self._section(
                f"{say[title]} {name}",
                plots.curves(
                    labels,
                    {
                        say[word]: [_inside(body, (family, name, *keys)) for body in bodies]
                        for word, keys in series.items()
                    },
                    "",
                ),
            )
            for name in _names(bodies, family)
        ]

    def _queues(self, labels: list[str], bodies: list[Any]) -> list[str]:
        say, sections = self._say, []
        for name in _names(bodies, "queues"):
            drawn = []
            for measure in ("vehicles", "waited_s", "length_m"):
                series = {
                    say[key]: [_inside(body, ("queues", name, measure, key)) for body in bodies]
                    for key in ("mean", "max")
                }
                if any(value is not None for values in series.values() for value in values):
                    drawn.append(plots.curves(labels, series, say[measure]))
            sections.append(self._section(f"{say['queue']} {name}", *drawn))
        return sections

    def _journeys(self, bodies: list[Any]) -> list[str]:
        """A table of everybody, darker where more went."""
        sums: dict[tuple[str, str], int] = {}
        for body in bodies:
            for origin, to in body.get("journeys", {}).items():
                for end, groups in to.items():
                    sums[origin, end] = sums.get((origin, end), 0) + sum(groups.values())
        if not sums:
            return []
        most = max(sums.values())
        names = sorted({name for pair in sums for name in pair})
        head = "".join(f"<th>{escape(name)}</th>" for name in names)

        def cell(number: int) -> str:
            shade = f"rgba(0,114,178,{0.7 * number / most:.2f})"
            return f'<td style="background:{shade}">{number}</td>'

        lines = "".join(
            f"<tr><th>{escape(origin)}</th>{''.join(cell(sums.get((origin, end), 0)) for end in names)}</tr>"
            for origin in names
        )
        table = f"<table><tr><th>{escape(self._say['from_to'])}</th>{head}</tr>{lines}</table>"
        return [self._section(self._say["journeys"], table)]

    def _heat(self, bodies: list[Any], shapes: Mapping[str, Sequence[Sequence[float]]]) -> list[str]:
        maps = [body["heat"] for body in bodies if "heat" in body]
        sections = []
        for group in ("people", "cycles", "vehicles"):
            known = [each["seconds"][group] for each in maps if group in each["seconds"]]
            if not known:
                continue
            seconds = [sum(cell) for cell in zip(*known, strict=True)]
            word = self._say["vehicles_group" if group == "vehicles" else group]
            title = f"{self._say['heat']}: {word}, {sum(seconds) / 60:.1f} min"
            picture = plots.heat(maps[0]["columns"], maps[0]["rows"], seconds, shapes)
            sections.append(self._section(title, picture))
        return sections


def _names(bodies: Iterable[Mapping[str, Any]], family: str) -> list[str]:
    return sorted({name for body in bodies for name in body.get(family, {})})


def _inside(value: Any, keys: Sequence[str]) -> Any:
    """What lies under these keys; None if nothing does."""
    for key in keys:
        value = value.get(key) if value is not None else None
    return value


def _histogram(speeds: Sequence[Mapping[str, Any]]) -> str:
    """Bars over the bins of several periods."""
    wide = speeds[0]["bin_kmh"]
    first = min(speed["first_bin"] for speed in speeds)
    last = max(speed["first_bin"] + len(speed["bins"]) for speed in speeds)
    counts = [0] * (last - first)
    for speed in speeds:
        for i, number in enumerate(speed["bins"], speed["first_bin"] - first):
            counts[i] += number
    label: Callable[[int], str] = lambda i: f"{(first + i) * wide:g}"  # noqa: E731 - one line is all it is
    return plots.bars([label(i) for i in range(len(counts))], {"n": counts}, "km/h")
