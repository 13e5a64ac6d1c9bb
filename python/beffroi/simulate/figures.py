"""The figures on the square: people, cycles and vehicles, each drawn in a fraction of a millisecond."""

from __future__ import annotations

from math import cos, pi, sin
from typing import Final

import numpy as np

from beffroi.simulate import props
from beffroi.simulate.agent import BEYOND, VEHICLES, Agent, cuboid
from beffroi.simulate.backdrop import SUN
from beffroi.simulate.canvas import Canvas, Colour, Points, shade
from beffroi.simulate.pose import pose_at, posed

COATS: Final[tuple[Colour, ...]] = (
    (70, 62, 150), (150, 104, 64), (96, 120, 70), (74, 78, 84), (60, 118, 186),
    (140, 96, 140), (92, 150, 180), (188, 190, 196), (120, 74, 54), (78, 140, 130),
)  # fmt: skip
TROUSERS: Final[tuple[Colour, ...]] = (
    (84, 66, 54),
    (60, 58, 60),
    (110, 88, 66),
    (96, 104, 112),
    (72, 82, 104),
)
SKIN: Final[tuple[Colour, ...]] = ((150, 178, 222), (120, 152, 206), (96, 124, 176), (64, 88, 130))
HAIR: Final[tuple[Colour, ...]] = ((40, 46, 58), (50, 72, 104), (96, 130, 160), (150, 152, 156), (30, 30, 34))
BODIES: Final[tuple[Colour, ...]] = (
    (62, 58, 168), (176, 178, 182), (74, 76, 80), (160, 104, 62),
    (212, 214, 216), (96, 132, 96), (54, 70, 120), (70, 150, 196),
)  # fmt: skip
GLASS: Final[Colour] = (88, 78, 66)
TYRE: Final[Colour] = (44, 42, 42)
UP: Final = np.array([0.0, 0.0, 1.0])
Span = tuple[float, float]


def draw(canvas: Canvas, agent: Agent, t: float, lights: bool) -> None:
    """Draw one agent as it is at `t` seconds; with `lights`, vehicles have theirs on."""
    place = agent.path.at(t)
    if place is None:
        return
    if agent.label == "person":
        _person(canvas, agent, place, t)
    elif agent.label == "bicycle":
        _bicycle(canvas, agent, place)
    elif agent.label in VEHICLES:
        _vehicle(canvas, agent, place, t, lights)
    else:
        props.draw(canvas, agent, t)


def shadow(agent: Agent, t: float) -> Points | None:
    """Outline of its shadow on the ground, shape (n, 3); None when it is not there."""
    place = agent.path.at(t)
    if place is None or agent.label in BEYOND:
        return None
    x, y, heading = place
    width, length, height = agent.size
    corners = agent.corners(t)
    if agent.poses and corners is not None:
        # Every corner casts its own: the shadow of a body that lies has nothing to do with its feet.
        cast = corners[:, :2] - np.array(SUN) * corners[:, 2:] * 0.45
        return _hull(np.concatenate([corners[:, :2], cast]))
    body = cuboid(x, y, heading, (0.8 * width, 0.9 * length, 0.0))[:4]
    reach = np.array([-SUN[0], -SUN[1], 0.0]) * height * 0.45
    points = np.concatenate([body, body * [1, 1, 0] + reach])
    return _hull(points)


def _person(canvas: Canvas, agent: Agent, place: tuple[float, float, float], t: float) -> None:
    x, y, heading = place
    lift = 0.12 if agent.rides else 0.0
    height = agent.size[2]
    pose = pose_at(agent.poses, t)
    ends = np.array([(x, y, lift), (x, y, lift + height)])
    foot, top = canvas.pixels(posed(ends, (x, y), pose))
    up = top - foot
    unit = max(float(np.hypot(*up)) / height, 0.4 * canvas.scale(ends[0]))  # pixels per metre
    up = up / (float(np.hypot(*up)) or 1.0)
    side = np.array([-up[1], up[0]]) if pose.tilt else np.array([1.0, 0.0])
    # Bent or seated: the legs fold, the trunk leans to where they look.
    fold, lean = pose.tall, 1.5 * (1.0 - pose.tall) * cos(heading)
    # How much of the stride and of the shoulders is seen from here.
    across, ahead = abs(sin(heading)), cos(heading)
    look = np.random.default_rng(agent.look)
    coat, trousers, skin, hair = (c[int(look.integers(len(c)))] for c in (COATS, TROUSERS, SKIN, HAIR))
    swing = _stride(agent, t)

    hip, shoulder = 0.48 * height, 0.81 * height

    def at(z: float, aside: float = 0.0) -> Points:
        aside += lean * max(0.0, z - hip)
        point: Points = foot + up * (z * fold * unit) + side * (aside * unit)
        return point

    for leg in (-1, 1):
        step = leg * swing * 0.26 * (1.0 if ahead >= 0 else -1.0) * max(abs(ahead), 0.25)
        apart = leg * 0.08 * across
        knee = at(0.27 * height + 0.02 * abs(swing), apart + 0.45 * step + 0.04 * ahead)
        heel = at(0.03 + (0.06 * max(0.0, leg * swing)), apart + step)
        tone = shade(trousers, 1.0 if leg > 0 else 0.86)
        canvas.limb(at(hip, apart * 0.6), knee, tone, 0.17 * unit)
        canvas.limb(knee, heel, tone, 0.14 * unit)
        canvas.limb(heel, heel + side * (0.09 * ahead * unit), (46, 44, 46), 0.09 * unit)
    arm = swing * 0.2 * max(abs(ahead), 0.2) * (1.0 if ahead >= 0 else -1.0)
    wide = 0.20 + 0.07 * across
    canvas.limb(
        at(shoulder - 0.03, -wide * 0.8), at(hip + 0.05, -wide * 0.85 + arm), shade(coat, 0.82), 0.11 * unit
    )
    torso = np.stack([
        at(hip - 0.06, -wide * 0.72), at(shoulder - 0.06, -wide), at(shoulder + 0.03, -wide * 0.6),
        at(shoulder + 0.03, wide * 0.6), at(shoulder - 0.06, wide), at(hip - 0.06, wide * 0.72),
    ])  # fmt: skip
    canvas.fill(torso, coat)
    lit = np.stack([torso[1], torso[2], at(shoulder + 0.03, 0.0), at(hip - 0.06, -0.02), torso[0]])
    canvas.fill(lit, shade(coat, 1.12))
    canvas.limb(
        at(shoulder - 0.03, wide * 0.8), at(hip + 0.05, wide * 0.85 - arm), shade(coat, 0.92), 0.11 * unit
    )
    canvas.limb(at(shoulder), at(shoulder + 0.1), skin, 0.1 * unit)
    head = at(height - 0.13, 0.03 * ahead)
    canvas.disc(head, 0.125 * unit, skin)
    canvas.disc(head + up * (0.035 * unit) - side * (0.035 * ahead * unit), 0.115 * unit, hair)
    if heading % (2 * pi) > pi:  # towards the camera: a face, with nobody in it
        canvas.disc(head - up * (0.03 * unit) + side * (0.03 * ahead * unit), 0.085 * unit, skin)


def _stride(agent: Agent, t: float) -> float:
    """Swing of the legs, -1..1: as fast as the agent moves, none when it stands."""
    if agent.rides:
        return 0.7 * sin(2 * pi * 1.1 * t)
    before, after = agent.path.at(t - 0.1), agent.path.at(t + 0.1)
    if before is None or after is None:
        return 0.3
    speed = float(np.hypot(after[0] - before[0], after[1] - before[1])) / 0.2
    if speed < 0.15:
        return 0.12 if agent.look % 2 else -0.12
    return min(1.3, 0.45 + 0.4 * speed) * sin(2 * pi * (0.55 + 0.3 * speed) * t + agent.look)


def _bicycle(canvas: Canvas, agent: Agent, place: tuple[float, float, float]) -> None:
    x, y, heading = place
    along = np.array([cos(heading), sin(heading), 0.0])
    centre = np.array([x, y, 0.0])
    colour = BODIES[agent.look % len(BODIES)]
    angles = np.linspace(0, 2 * pi, 25)
    hubs = []
    for way in (-1, 1):
        hub = centre + along * way * 0.52 + np.array([0, 0, 0.34])
        ring = hub + 0.34 * (
            np.cos(angles)[:, None] * along + np.sin(angles)[:, None] * np.array([0, 0, 1.0])
        )
        canvas.stroke(ring, TYRE, 0.05)
        hubs.append(hub)
    saddle, bars = centre - along * 0.2 + UP * 0.9, centre + along * 0.42 + UP
    pedals = centre + UP * 0.3
    canvas.stroke(np.stack([hubs[0], pedals, saddle, hubs[0]]), colour, 0.045)
    canvas.stroke(np.stack([pedals, bars, hubs[1]]), colour, 0.045)
    canvas.stroke(np.stack([saddle, bars]), colour, 0.045)


def _vehicle(canvas: Canvas, agent: Agent, place: tuple[float, float, float], t: float, lights: bool) -> None:
    x, y, heading = place
    width, length, height = agent.size
    colour = BODIES[agent.look % len(BODIES)]

    def slab(z: Span, part: Span, colour: Colour, *, inset: float = 0.0, taper: float = 0.0) -> None:
        """A solid over `part` of the length (-0.5 rear, 0.5 front), `inset` metres narrower a side."""
        middle = (part[0] + part[1]) / 2 * length
        cx, cy = x + cos(heading) * middle, y + sin(heading) * middle
        size = (width - 2 * inset, (part[1] - part[0]) * length, 0.0)
        floor = cuboid(cx, cy, heading, size)[:4] + UP * z[0]
        roof = cuboid(cx, cy, heading, (size[0] - taper, size[1] - 3 * taper, 0.0))[:4] + UP * z[1]
        canvas.solid(floor, roof, colour, SUN)

    _wheels(canvas, agent, place)
    if agent.label == "car":
        slab((0.22, 0.86), (-0.5, 0.5), colour, taper=0.06)
        slab((0.84, height - 0.06), (-0.40, 0.26), GLASS, inset=0.06, taper=0.26)
        slab((height - 0.07, height), (-0.34, 0.17), shade(colour, 1.02), inset=0.16, taper=0.1)
    elif agent.label == "truck":
        slab((0.3, 0.75 * height), (0.24, 0.5), colour, inset=0.03, taper=0.1)
        slab((0.52 * height, 0.68 * height), (0.3, 0.505), GLASS, taper=0.06)
        slab((0.4, height), (-0.5, 0.22), (214, 218, 220))
    elif agent.label == "bus":
        slab((0.3, 0.42 * height), (-0.5, 0.5), colour)
        slab((0.42 * height, 0.80 * height), (-0.498, 0.498), GLASS, inset=0.01)
        slab((0.80 * height, height), (-0.5, 0.5), shade(colour, 1.08), taper=0.06)
    else:
        slab((0.3, 0.75), (-0.4, 0.4), colour, inset=0.25)
        rider = Agent(
            agent.name, "person", agent.path, agent.intent, (0.5, 0.3, 1.45), agent.look, agent.name
        )
        _person(canvas, rider, place, t)
    _lamps(canvas, agent, place, t, lights)


def _wheels(canvas: Canvas, agent: Agent, place: tuple[float, float, float]) -> None:
    x, y, heading = place
    width, length, _ = agent.size
    along, left = np.array([cos(heading), sin(heading), 0.0]), np.array([-sin(heading), cos(heading), 0.0])
    radius = 0.48 if agent.label in ("truck", "bus") else 0.33
    angles = np.linspace(0, 2 * pi, 18, endpoint=False)
    for way in (0.31, -0.31):
        for flank in (0.5, -0.5):
            out = left * flank
            hub = (
                np.array([x, y, radius])
                + along * way * length
                + out * (width if agent.label != "motorcycle" else 0)
            )
            if agent.label != "motorcycle" and out[:2] @ hub[:2] > 0:  # hidden behind the body
                continue
            ring = np.cos(angles)[:, None] * along + np.sin(angles)[:, None] * np.array([0, 0, 1.0])
            canvas.face(hub + radius * ring, TYRE)
            canvas.face(hub + 0.5 * radius * ring, (140, 140, 142))


def _lamps(canvas: Canvas, agent: Agent, place: tuple[float, float, float], t: float, lights: bool) -> None:
    """Head and tail lamps; brake lamps light up, hazard lamps blink on a breakdown."""
    x, y, heading = place
    width, length, _ = agent.size
    along, left = np.array([cos(heading), sin(heading), 0.0]), np.array([-sin(heading), cos(heading), 0.0])
    before, after = agent.path.at(t - 0.25), agent.path.at(t + 0.25)
    stands = before and after and float(np.hypot(after[0] - before[0], after[1] - before[1])) < 0.12
    hazard = agent.intent == "breaks down" and stands and t % 0.9 < 0.5
    for end in (0.5, -0.5):
        faces_us = float((along * end)[:2] @ np.array([x, y])) < 0
        for flank in (0.38, -0.38):
            # An end that faces away shows no more than the lamp round the corner that is nearer.
            if not faces_us and (left * flank)[:2] @ np.array([x, y]) > 0:
                continue
            inset = 0.02 if faces_us else -0.12
            spot = np.array([x, y, 0.62]) + along * end * (length + inset) + left * flank * width
            colour: Colour = (232, 244, 250) if end > 0 else (60, 50, 190)
            if end < 0 and stands:
                colour = (70, 60, 250)
            if hazard:
                colour = (40, 170, 255)
            reach = 0.13 if faces_us else 0.08
            reach *= 1.8 if lights and end > 0 else 1.0
            canvas.disc(canvas.pixels(spot), max(1.0, reach * canvas.scale(spot)), colour)


def _hull(points: Points) -> Points:
    """Convex hull of points on the ground, as (n, 3), by the monotone chain."""
    plane = sorted({(float(p[0]), float(p[1])) for p in points})

    def half(seq: list[tuple[float, float]]) -> list[tuple[float, float]]:
        chain: list[tuple[float, float]] = []
        for p in seq:
            while len(chain) >= 2 and (
                (chain[-1][0] - chain[-2][0]) * (p[1] - chain[-2][1])
                - (chain[-1][1] - chain[-2][1]) * (p[0] - chain[-2][0])
            ) <= 0:  # fmt: skip
                chain.pop()
            chain.append(p)
        return chain[:-1]

    return np.array([(*p, 0.0) for p in half(plane) + half(plane[::-1])])
