"""Alerts against a setting, drawn as a traffic engineer draws a curve. SVG, without anything to install."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from beffroi.backtest.sweep import Row, Sweep
from beffroi.backtest.values import Setting
from beffroi.errors import BeffroiError

WIDTH, HEIGHT = 860, 480
LEFT, RIGHT, TOP, BOTTOM = 70, 200, 56, 64

# Told apart without colour too: each line has its own dashes and marks.
_LINES = (
    ("alerts", "all alerts", "#1f2937", "", "circle"),
    ("confirmed", "confirmed, kept", "#15803d", "", "square"),
    ("false", "false, kept", "#b91c1c", "7 4", "cross"),
    ("cannot_tell", "cannot tell, kept", "#6b7280", "2 4", "circle"),
)


def draw(path: Path, swept: Sweep) -> None:
    """Write the curve as ``.svg``, or as a page ``.html``.

    Raises
    ------
    BeffroiError
        If the suffix is another, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in {".svg", ".html"}:
        raise BeffroiError(f"{path}: a plot is written as .svg or .html")
    image = svg(swept)
    if suffix == ".html":
        title = escape(_title(swept))
        image = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>{image}</html>\n'
    try:
        path.write_text(image, encoding="utf-8")
    except OSError as error:
        raise BeffroiError(f"{path}: cannot be written: {error.strerror or error}") from error


def svg(swept: Sweep) -> str:
    """The curve as the text of an SVG."""
    rows = [row for row in swept.rows if row.refused is None]
    numbers = [row.trial.number for row in swept.rows]
    low, high = min(numbers), max(numbers)
    most = max([*(row.alerts for row in rows), *(max(row.kept.values()) for row in rows), 1])
    step = _round_step(most / 5)
    top = step * math.ceil(most / step)

    def x(number: float) -> float:
        share = (number - low) / (high - low) if high > low else 0.5
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(count: float) -> float:
        return round(HEIGHT - BOTTOM - count / top * (HEIGHT - TOP - BOTTOM), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="sans-serif" font-size="13" fill="#1f2937">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 26, _title(swept), size=16),
        _text(LEFT, 44, _under(swept), colour="#6b7280"),
    ]
    for i in range(round(top / step) + 1):
        at = y(i * step)
        parts.append(f'<path d="M{LEFT} {at}H{WIDTH - RIGHT}" stroke="#e5e7eb"/>')
        parts.append(_text(LEFT - 8, at + 4, f"{i * step:g}", anchor="end"))
    for number in _ticks(numbers):
        parts.append(f'<path d="M{x(number)} {y(0)}v5" stroke="#1f2937"/>')
        parts.append(_text(x(number), y(0) + 20, f"{number:g}", anchor="middle"))
    parts.append(f'<path d="M{LEFT} {TOP}V{y(0)}H{WIDTH - RIGHT}" stroke="#1f2937" fill="none"/>')
    unit = f" [{swept.setting.unit}]" if swept.setting.unit else ""
    parts.append(
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, f"{swept.setting.key}{unit}", anchor="middle")
    )
    parts.append(_text(18, (TOP + HEIGHT - BOTTOM) / 2, "alerts", anchor="middle", turn=True))
    for row in swept.rows:
        if row.refused is not None:
            at, first = x(row.trial.number), row.trial.number == low
            anchor = "start" if first else "middle"
            parts.append(_text(at + 4 * first, y(0) - 6, "refused", anchor=anchor, colour="#b45309"))
    now = _number(swept)
    if now is not None and low <= now <= high:
        parts.append(f'<path d="M{x(now)} {TOP}V{y(0)}" stroke="#2563eb" stroke-dasharray="3 3"/>')
        parts.append(_text(x(now) + 5, TOP + 12, f"now: {swept.present}", colour="#2563eb"))
    shown = [line for line in _LINES if line[0] in {"alerts", "confirmed", "false"} or _any(rows, line[0])]
    for i, (name, label, colour, dashes, mark) in enumerate(shown):
        points = [(x(row.trial.number), y(_count(row, name))) for row in rows]
        way = " ".join(f"{a},{b}" for a, b in points)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>')
        parts += [_mark(a, b, mark, colour) for a, b in points]
        at = TOP + 14 + 24 * i
        parts.append(f'<path d="M{WIDTH - RIGHT + 20} {at}h28" stroke="{colour}" stroke-width="2"{dashed}/>')
        parts.append(_mark(WIDTH - RIGHT + 34, at, mark, colour))
        parts.append(_text(WIDTH - RIGHT + 56, at + 4, label))
    return "\n".join([*parts, "</svg>\n"])


def _count(row: Row, name: str) -> int:
    return row.alerts if name == "alerts" else row.kept[name]


def _any(rows: Sequence[Row], name: str) -> bool:
    return any(_count(row, name) for row in rows)


def _title(swept: Sweep) -> str:
    names = sorted({rule for _, rule in swept.rules})
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}: alerts against {swept.setting.key}"


def _under(swept: Sweep) -> str:
    cameras = len({camera for camera, _ in swept.rules})
    days = f"{swept.days:.3g} camera-day{'' if swept.days == 1 else 's'}"
    return f"{cameras} camera{'' if cameras == 1 else 's'}, {days} of recordings"


def _number(swept: Sweep) -> float | None:
    """The present value on the axis; None where it has another unit."""
    if not isinstance(swept.present, str | int | float):
        return None
    try:
        (trial,) = Setting.parse(f"{swept.setting.key}={swept.present}").trials
        unit = Setting.parse(f"{swept.setting.key}={swept.present}").unit
    except (BeffroiError, ValueError):
        return None
    return trial.number if unit == swept.setting.unit else None


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5, 10, ...: counts are whole."""
    if rough <= 1:
        return 1
    power = float(10 ** math.floor(math.log10(rough)))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= rough)


def _ticks(numbers: Sequence[float]) -> list[float]:
    every = math.ceil(len(numbers) / 12)
    return sorted(numbers)[::every]


def _mark(x: float, y: float, kind: str, colour: str) -> str:
    if kind == "square":
        return f'<rect x="{round(x - 3.5, 1)}" y="{round(y - 3.5, 1)}" width="7" height="7" fill="{colour}"/>'
    if kind == "cross":
        way = f"M{round(x - 4, 1)} {round(y - 4, 1)}l8 8m0 -8l-8 8"
        return f'<path d="{way}" stroke="{colour}" stroke-width="2"/>'
    return f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>'


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    colour: str = "#1f2937",
    size: int = 13,
    turn: bool = False,
) -> str:
    turned = f' transform="rotate(-90 {x} {y})"' if turn else ""
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}" font-size="{size}"{turned}>'
        f"{escape(text)}</text>"
    )
