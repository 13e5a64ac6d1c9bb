"""Things on the square that are nobody: bags, rubbish, benches, flames and smoke, each drawn in a moment."""

from __future__ import annotations

from math import cos, sin
from typing import Final

import numpy as np

from beffroi.simulate.agent import BEYOND, Agent, cuboid
from beffroi.simulate.backdrop import SUN
from beffroi.simulate.canvas import Canvas, Colour, Points, shade
from beffroi.simulate.pose import pose_at

LEATHER: Final[tuple[Colour, ...]] = (
    (58, 62, 72),
    (52, 74, 128),
    (120, 70, 60),
    (70, 110, 90),
    (40, 40, 150),
)
UP: Final = np.array([0.0, 0.0, 1.0])
WOOD: Final[Colour] = (78, 112, 150)
SACK: Final[Colour] = (74, 70, 66)
FLAMES: Final[tuple[tuple[float, Colour], ...]] = (
    (1.0, (40, 90, 235)), (0.72, (40, 150, 250)), (0.42, (120, 220, 255)),
)  # fmt: skip


def draw(canvas: Canvas, agent: Agent, t: float) -> None:
    """Draw a thing as it is at `t` seconds; what only a detector believes in is not drawn."""
    place = agent.path.at(t)
    if place is None or agent.echo_of is not None or agent.label in BEYOND[:2]:
        return
    if agent.label in ("fire", "smoke"):
        _burning(canvas, agent, place, t)
    elif agent.label == "bench":
        _bench(canvas, agent, place)
    else:
        colour = SACK if agent.label == "rubbish" else LEATHER[agent.look % len(LEATHER)]
        width, length, height = agent.size
        _block(canvas, place, (width, length), (0.0, 0.82 * height), colour, taper=0.1 * width)
        handle = np.array([(-0.2 * width, 0, 0.8 * height), (0, 0, height), (0.2 * width, 0, 0.8 * height)])
        canvas.stroke(handle + np.array([place[0], place[1], 0.0]), shade(colour, 0.7), 0.04)


def _burning(canvas: Canvas, agent: Agent, place: tuple[float, float, float], t: float) -> None:
    """Tongues as wide and high as the pose has them; a lamp is a disc."""
    x, y, _ = place
    pose = pose_at(agent.poses, t)
    width, height = agent.size[0] * pose.wide, agent.size[2] * pose.tall
    if agent.intent == "shines":
        spot = np.array([x, y, height])
        canvas.disc(canvas.pixels(spot), 0.25 * width * canvas.scale(spot), (150, 225, 250))
        return
    if agent.label == "smoke":
        for i in range(5):
            spot = np.array([x + 0.2 * width * sin(1.7 * t + i), y, (0.25 + 0.16 * i) * height])
            tone = 150 + 10 * i
            canvas.disc(
                canvas.pixels(spot), (0.16 + 0.05 * i) * width * canvas.scale(spot), (tone, tone, tone)
            )
        return
    for share, colour in FLAMES:
        for i in (-1, 0, 1):
            tall = height * share * (1.0 if i == 0 else 0.66)
            middle, half = x + 0.28 * i * width * share, 0.24 * width * share
            lean = 0.15 * width * sin(9.0 * t + 2.0 * i)
            tongue = np.array([
                (middle - half, y, 0.02), (middle + half, y, 0.02),
                (middle + 0.5 * half + lean / 2, y, 0.6 * tall), (middle + lean, y, tall),
                (middle - 0.6 * half + lean / 2, y, 0.55 * tall),
            ])  # fmt: skip
            canvas.face(tongue, colour)


def _bench(canvas: Canvas, agent: Agent, place: tuple[float, float, float]) -> None:
    x, y, heading = place
    width, length, height = agent.size
    _block(canvas, place, (width, 0.7 * length), (0.36, 0.45), WOOD)
    back = (x - 0.4 * length * cos(heading), y - 0.4 * length * sin(heading), heading)
    _block(canvas, back, (width, 0.08), (0.5, height), shade(WOOD, 0.9))
    for side in (-0.42, 0.42):
        foot = np.array([x - side * width * sin(heading), y + side * width * cos(heading), 0.0])
        canvas.stroke(np.stack([foot, foot + 0.36 * UP]), (60, 60, 62), 0.06)


def _block(
    canvas: Canvas,
    place: tuple[float, float, float],
    size: tuple[float, float],
    z: tuple[float, float],
    colour: Colour,
    *,
    taper: float = 0.0,
) -> None:
    floor: Points = cuboid(*place, (*size, 0.0))[:4] + z[0] * UP
    roof = cuboid(*place, (size[0] - taper, max(0.02, size[1] - taper), 0.0))[:4] + z[1] * UP
    canvas.solid(floor, roof, colour, SUN)
