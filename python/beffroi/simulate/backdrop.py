"""The square without anybody on it: paving, lawn, terrace, road, markings, house fronts."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import cv2
import numpy as np

from beffroi.simulate import layout
from beffroi.simulate.camera import Camera
from beffroi.simulate.canvas import Canvas, Colour, Image, shade
from beffroi.simulate.scenarios.occupancy import SEATS

PAVING: Final[Colour] = (170, 183, 192)
PAVEMENT: Final[Colour] = (150, 158, 164)
ASPHALT: Final[Colour] = (92, 88, 86)
MARKING: Final[Colour] = (214, 218, 220)
YELLOW: Final[Colour] = (84, 186, 226)
GRASS: Final[Colour] = (92, 148, 112)
KERBSTONE: Final[Colour] = (186, 192, 196)
WOOD: Final[Colour] = (96, 128, 160)
FACADES: Final[tuple[Colour, ...]] = (
    (168, 196, 222), (190, 208, 214), (150, 178, 212), (196, 200, 190), (158, 188, 230), (180, 190, 206),
)  # fmt: skip
AWNINGS: Final[tuple[Colour, ...]] = ((92, 84, 160), (120, 132, 70), (150, 112, 72), (80, 120, 190))
WIDE: Final = 45.0
Span = tuple[float, float]
SUN: Final = (-0.75, -0.66)
"""Where the light comes from, seen from above: from the left, behind the camera."""


def paint(camera: Camera, size: tuple[int, int], seed: int) -> Image:
    """The empty square, `size` (width, height) in pixels; `seed` decides house fronts and grain."""
    rng = np.random.default_rng([seed, 19])
    image = np.full((size[1], size[0], 3), (226, 208, 190), np.uint8)
    canvas = Canvas(camera, image)
    _square(canvas)
    _road(canvas)
    _fronts(canvas, rng)
    _terrace(canvas)
    grain = rng.normal(0, 3.0, (size[1], size[0], 1)).astype(np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 0.8)[..., None] * 2.0
    grained: Image = np.clip(image + grain, 0, 255).astype(np.uint8)
    return grained


def _band(
    canvas: Canvas, near: float, far: float, colour: Colour, x: tuple[float, float] = (-WIDE, WIDE)
) -> None:
    canvas.ground([(x[0], near), (x[1], near), (x[1], far), (x[0], far)], colour)


def _stripe(canvas: Canvas, start: layout.Place, end: layout.Place, width: float, colour: Colour) -> None:
    """A painted line on the ground, with perspective."""
    (ax, ay), (bx, by) = start, end
    length = float(np.hypot(bx - ax, by - ay))
    nx, ny = -(by - ay) / length * width / 2, (bx - ax) / length * width / 2
    canvas.ground([(ax + nx, ay + ny), (bx + nx, by + ny), (bx - nx, by - ny), (ax - nx, ay - ny)], colour)


def _square(canvas: Canvas) -> None:
    _band(canvas, 0.0, layout.SQUARE_EDGE, PAVING)
    joint = shade(PAVING, 0.94)
    for x in np.arange(-16, 16.1, 2.0):
        _stripe(canvas, (float(x), 4.0), (float(x), layout.SQUARE_EDGE), 0.05, joint)
    for y in np.arange(5.0, layout.SQUARE_EDGE, 2.0):
        _stripe(canvas, (-WIDE, float(y)), (WIDE, float(y)), 0.05, joint)
    lawn = layout.ZONES["lawn"]
    middle = np.mean(lawn, axis=0)
    rim = [tuple(middle + (np.array(p) - middle) * 1.04) for p in lawn]
    canvas.ground([(float(x), float(y)) for x, y in rim], shade(KERBSTONE, 0.92))
    canvas.ground(lawn, GRASS)
    for i, y in enumerate(np.arange(13.2, 17.3, 0.55)):
        if i % 2:
            near, far = y, min(y + 0.55, 17.4)
            left = [np.interp(v, (13.0, 17.4), (-8.2, -9.2)) for v in (near, far)]
            strip = [(left[0], near), (-3.0, near), (-3.0, far), (left[1], far)]
            canvas.ground([(float(p), float(q)) for p, q in strip], shade(GRASS, 1.05))
    # The cash point: a mat of darker stone with a small terminal.
    canvas.ground(layout.ZONES["cash-point"], shade(PAVING, 0.96))
    _box(canvas, (-6.2, 11.7), (0.8, 0.6), (0.0, 1.7), (150, 108, 70))
    _wall(canvas, (-6.45, -5.95), (0.95, 1.4), 11.39, (214, 196, 150))
    _wall(canvas, (-6.4, -6.0), (0.72, 0.8), 11.39, (60, 52, 44))


def _road(canvas: Canvas) -> None:
    _band(canvas, layout.SQUARE_EDGE, layout.KERB, PAVEMENT)
    _stripe(canvas, (-WIDE, layout.SQUARE_EDGE), (WIDE, layout.SQUARE_EDGE), 0.18, shade(KERBSTONE, 0.9))
    _band(canvas, layout.KERB, layout.FAR_KERB, ASPHALT)
    _band(canvas, layout.FAR_KERB, layout.FRONTS, PAVEMENT)
    left, right = layout.LAY_BY_ENDS
    bay = [
        (left + 1.2, layout.SQUARE_EDGE),
        (right - 1.2, layout.SQUARE_EDGE),
        (right + 0.6, layout.KERB + 0.05),
    ]
    canvas.ground([*bay, (left - 0.6, layout.KERB + 0.05)], shade(ASPHALT, 1.06))
    for a, b in pairwise(np.linspace(left + 1.4, right - 1.4, 9)):
        k = round((a - left) / (b - a))
        edge = (layout.SQUARE_EDGE + 0.35, layout.KERB - 0.35)
        _stripe(canvas, (float(a), edge[k % 2]), (float(b), edge[1 - k % 2]), 0.12, YELLOW)
    _stripe(canvas, (-WIDE, layout.KERB), (left - 0.6, layout.KERB), 0.16, KERBSTONE)
    _stripe(canvas, (right + 0.6, layout.KERB), (WIDE, layout.KERB), 0.16, KERBSTONE)
    _stripe(canvas, (-WIDE, layout.FAR_KERB), (layout.BAYS[0], layout.FAR_KERB), 0.16, KERBSTONE)
    zebra_from, zebra_to = layout.ZEBRA
    for x in np.arange(-WIDE, WIDE, 3.0):
        if not zebra_from - 3.2 < x < zebra_to + 1.0:
            _stripe(canvas, (float(x), layout.MEDIAN), (float(x) + 1.5, layout.MEDIAN), 0.12, MARKING)
    for y in np.arange(layout.KERB + 0.3, layout.FAR_KERB - 0.4, 1.0):
        _band(canvas, float(y), float(y) + 0.5, MARKING, layout.ZEBRA)
    _stripe(
        canvas, (layout.STOP_LINE, layout.KERB + 0.2), (layout.STOP_LINE, layout.MEDIAN - 0.2), 0.35, MARKING
    )
    far = layout.FAR_KERB + 5.0
    _band(canvas, layout.FAR_KERB, far, shade(ASPHALT, 1.08), (layout.BAYS[0], layout.BAYS[-1]))
    for x in layout.BAYS:
        _stripe(canvas, (x, layout.FAR_KERB + 0.1), (x, far), 0.12, MARKING)
    for place, way in ((-10.5, 1.0), (3.0, 1.0), (-3.0, -1.0), (-12.0, -1.0)):
        _arrow(canvas, place, layout.NEAR_LANE if way > 0 else layout.FAR_LANE, way)


def _arrow(canvas: Canvas, x: float, y: float, way: float) -> None:
    _stripe(canvas, (x - way * 1.1, y), (x + way * 0.3, y), 0.16, shade(MARKING, 0.9))
    head = [(x + way * 0.2, y - 0.4), (x + way * 1.1, y), (x + way * 0.2, y + 0.4)]
    canvas.ground(head, shade(MARKING, 0.9))


def _fronts(canvas: Canvas, rng: np.random.Generator) -> None:
    """A row of houses with shops; a stone tower among them."""
    y, x, i = layout.FRONTS, -WIDE, 0
    while x < WIDE:
        width = float(rng.uniform(5.0, 8.0))
        colour = FACADES[i % len(FACADES)]
        _wall(canvas, (x, x + width), (0.0, 11.0), y, colour)
        awning = AWNINGS[int(rng.integers(len(AWNINGS)))]
        door = x + width * float(rng.uniform(0.2, 0.7))
        _wall(canvas, (x + 0.5, x + width - 0.5), (0.5, 2.5), y, (112, 98, 84))
        _wall(canvas, (door, door + 1.0), (0.0, 2.5), y, shade(awning, 0.7))
        lip = np.array(
            [
                (x + 0.3, y, 3.0),
                (x + width - 0.3, y, 3.0),
                (x + width - 0.3, y - 1.0, 2.5),
                (x + 0.3, y - 1.0, 2.5),
            ]
        )
        canvas.face(lip, awning)
        for w in np.arange(x + 0.8, x + width - 1.4, 1.9):
            for z in (3.9, 7.0):
                _wall(canvas, (float(w) - 0.1, float(w) + 1.1), (z - 0.1, z + 1.8), y, shade(colour, 1.12))
                _wall(canvas, (float(w), float(w) + 1.0), (z, z + 1.7), y, (126, 112, 98))
        x += width
        i += 1
    # The belfry, half a metre before its neighbours.
    stone = (178, 196, 206)
    _wall(canvas, (-2.6, 2.6), (0.0, 14.0), y - 0.5, stone)
    for z in np.arange(0.0, 8.0, 0.7):
        _wall(canvas, (-2.6, 2.6), (float(z), float(z) + 0.05), y - 0.5, shade(stone, 0.92))
    arch = [(1.1 * np.cos(a), y - 0.5, 1.9 + 1.1 * np.sin(a)) for a in np.linspace(0, np.pi, 16)]
    canvas.face(np.array([(1.1, y - 0.5, 0.0), *arch, (-1.1, y - 0.5, 0.0)]), (84, 92, 104))
    for px in (-1.5, 1.0):
        _wall(canvas, (px, px + 0.5), (3.9, 5.4), y - 0.5, (110, 104, 100))
    shadow = [(-WIDE, y), (WIDE, y), (WIDE, y - 0.9), (-WIDE, y - 0.9)]
    canvas.ground(shadow, shade(PAVEMENT, 0.85))


def _wall(canvas: Canvas, x: Span, z: Span, y: float, colour: Colour) -> None:
    """An upright rectangle across the camera's view, from x to x and z to z."""
    (x0, x1), (z0, z1) = x, z
    canvas.face(np.array([(x0, y, z0), (x1, y, z0), (x1, y, z1), (x0, y, z1)]), colour)


def _terrace(canvas: Canvas) -> None:
    corners = layout.ZONES["terrace"]
    canvas.ground(corners, shade(WOOD, 1.18))
    for y in np.arange(13.8, 17.8, 0.4):
        right = float(np.interp(y, (13.4, 17.8), (8.4, 9.6)))
        _stripe(canvas, (3.2, float(y)), (right, float(y)), 0.03, shade(WOOD, 1.05))
    for x, y in sorted(SEATS, key=lambda seat: -seat[1]):
        foot = np.array([(x + 0.75, y + 0.1, 0.0), (x + 0.75, y + 0.1, 0.7)])
        canvas.stroke(foot, (70, 70, 72), 0.07)
        angles = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        top = np.stack(
            [x + 0.75 + 0.4 * np.cos(angles), y + 0.1 + 0.4 * np.sin(angles), np.full(20, 0.72)], axis=-1
        )
        canvas.face(top, (222, 228, 232))
    for x in np.arange(3.5, 8.2, 1.55):
        _box(canvas, (float(x) + 0.5, 13.25), (1.0, 0.3), (0.0, 0.4), (104, 110, 116))
        _box(canvas, (float(x) + 0.5, 13.25), (0.95, 0.24), (0.4, 0.62), (84, 132, 96))


def _box(canvas: Canvas, place: layout.Place, size: tuple[float, float], z: Span, colour: Colour) -> None:
    (x, y), (w, d), (low, high) = place, (size[0] / 2, size[1] / 2), z
    base = [(x - w, y + d), (x + w, y + d), (x + w, y - d), (x - w, y - d)]
    floor = np.array([(*p, low) for p in base])
    canvas.solid(floor, np.array([(*p, high) for p in base]), colour, SUN)
