"""Plots as SVG text: nothing to load, legible in print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#999999", "#000000")
"""Okabe and Ito (2008): told apart by the colour-blind too."""

WIDTH, HEIGHT = 900, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 28, 34

Series = Mapping[str, Sequence[float | None]]


def _step(most: float) -> float:
    """A round distance of grid lines, four to nine of them."""
    size = 10.0 ** (len(str(int(most))) - 1) if most >= 1 else 0.1
    return next((size * by for by in (0.2, 0.5, 1.0) if most / (size * by) <= 6), size * 2)


def _frame(labels: Sequence[str], most: float, unit: str, inner: str, names: Sequence[str]) -> str:
    step, grid, parts = _step(most), [], []
    value = 0.0
    while value <= most * 1.0001:
        y = _y(value, most)
        grid.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="r">{value:g}</text>')
        value = round(value + step, 6)
    every = max(1, -(-len(labels) // 12))
    for i in range(0, len(labels), every):
        x = _x(i + 0.5, len(labels))
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 14}" class="m">{escape(labels[i])}</text>')
    x = float(LEFT)
    for i, name in enumerate(names):
        parts.append(f'<rect x="{x:.0f}" y="6" width="10" height="10" fill="{COLOURS[i % len(COLOURS)]}"/>')
        parts.append(f'<text x="{x + 14:.0f}" y="15">{escape(name)}</text>')
        x += 30 + 7.2 * len(name)
    parts.append(f'<text x="{WIDTH - RIGHT}" y="15" class="r">{escape(unit)}</text>')
    drawn = "".join([*grid, inner, *parts])
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{drawn}</svg>'


def _x(i: float, n: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * i / max(n, 1)


def _y(value: float, most: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / most


def bars(labels: Sequence[str], series: Series, unit: str) -> str:
    """Stacked bars, one stack for each label."""
    stacks = [sum(values[i] or 0 for values in series.values()) for i in range(len(labels))]
    most = max([*stacks, 1.0])
    wide, parts = 0.8 * (WIDTH - LEFT - RIGHT) / max(len(labels), 1), []
    for i in range(len(labels)):
        below = 0.0
        for k, values in enumerate(series.values()):
            number = values[i] or 0.0
            if number > 0:
                top = _y(below + number, most)
                high = _y(below, most) - top
                x = _x(i + 0.1, len(labels))
                colour = COLOURS[k % len(COLOURS)]
                parts.append(
                    f'<rect x="{x:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{high:.1f}" '
                    f'fill="{colour}"/>'
                )
            below += number
    return _frame(labels, most, unit, "".join(parts), list(series))


def curves(labels: Sequence[str], series: Series, unit: str) -> str:
    """A curve for each series; None is a gap."""
    most = max([value for values in series.values() for value in values if value is not None] + [1.0])
    parts = []
    for k, values in enumerate(series.values()):
        colour, pieces, pen = COLOURS[k % len(COLOURS)], [], "M"
        for i, value in enumerate(values):
            if value is None:
                pen = "M"
                continue
            x, y = _x(i + 0.5, len(labels)), _y(value, most)
            pieces.append(f"{pen}{x:.1f} {y:.1f}")
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>')
            pen = "L"
        parts.append(f'<path d="{" ".join(pieces)}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
    return _frame(labels, most, unit, "".join(parts), list(series))


def heat(
    columns: int,
    rows: int,
    seconds: Sequence[float],
    shapes: Mapping[str, Sequence[Sequence[float]]],
) -> str:
    """Presence by cell, darker where it was longer, under the outlines of what is drawn on the view."""
    most = max([*seconds, 0.1])
    wide, high = WIDTH / columns, WIDTH / columns
    parts = [
        f'<rect x="{i % columns * wide:.1f}" y="{i // columns * high:.1f}" width="{wide:.1f}" '
        f'height="{high:.1f}" fill="#d55e00" fill-opacity="{(value / most) ** 0.5:.2f}"/>'
        for i, value in enumerate(seconds)
        if value > 0
    ]
    for name, points in shapes.items():
        places = [(x * WIDTH, y * high * rows) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        kind = "polygon" if len(places) > 2 else "polyline"
        parts.append(f'<{kind} points="{path}" class="shape"/>')
        parts.append(f'<text x="{places[0][0] + 4:.0f}" y="{places[0][1] - 4:.0f}">{escape(name)}</text>')
    return f'<svg viewBox="0 0 {WIDTH} {high * rows:.0f}" class="heat" role="img">{"".join(parts)}</svg>'
