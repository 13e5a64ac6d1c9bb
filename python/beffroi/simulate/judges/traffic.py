"""Traffic: forbidden turns, red lights, speed, queues, near misses."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from beffroi.simulate.agent import VEHICLES, Agent
from beffroi.simulate.stage import Rule
from beffroi.simulate.truth import (
    DOUBT,
    ROAD_USERS,
    TICK,
    Answer,
    World,
    crossings,
    inside,
    judge,
    number,
    seconds,
    speeds,
    spells,
    standing,
    state_at,
    windows,
)

ANGLE = 0.35
"""Paths that meet at a smaller angle (radians) run along each other and do not cross."""


@judge("forbidden_turn")
def _forbidden_turn(world: World, rule: Rule) -> Answer:
    gates, within = rule["gates"], seconds(rule["within"])
    due = []
    for agent in world.of(rule, (*VEHICLES, "bicycle")):
        at: float | None = None
        for gate in gates:
            passed = [t for t, _ in crossings(agent, world.lines[gate]) if at is None or 0 < t - at <= within]
            at = passed[0] if passed else None
            if at is None:
                break
        if at is not None and at <= world.duration:
            due.append((at, at + 3.0))
    return windows(due)


@judge("red_light")
def _red_light(world: World, rule: Rule) -> Answer:
    grace, due = seconds(rule.get("grace", 0.0)), []
    wanted = {"left_to_right": (True,), "right_to_left": (False,)}.get(
        rule.get("direction", ""), (True, False)
    )
    for agent in world.of(rule, (*VEHICLES, "bicycle")):
        for at, rightwards in crossings(agent, world.lines[rule["line"]]):
            if rightwards not in wanted or at > world.duration:
                continue
            state, since = state_at(world.signals, rule["signal"], at)
            if state == "red" and abs(at - since - grace) < DOUBT:
                world.doubts.append(f"{rule['name']}: {agent.name} crosses {at - since:.1f} s after red")
            if state == "red" and at - since > grace:
                due.append((at, at + 3.0))
    return windows(due)


@judge("speed")
def _speed(world: World, rule: Rule) -> Answer:
    limit, due = number(rule["above"]) / 3.6, []
    times = world.times
    for agent in world.of(rule, VEHICLES):
        speed = np.nan_to_num(speeds(agent, times))
        within = inside(agent.path.positions(times), world.zones[rule["zone"]])
        if within.any() and 0.8 * limit < speed[within].max() < 1.25 * limit:
            world.doubts.append(f"{rule['name']}: {agent.name} does {3.6 * speed[within].max():.0f} km/h")
        due += [(begin, end + 1.0) for begin, end in spells(within & (speed > limit), times, forgive=1.0)]
    return windows(due)


@judge("queue")
def _queue(world: World, rule: Rule) -> Answer:
    times, after, least = world.times, seconds(rule.get("after", 0.0)), int(rule["at_least"])
    zone = world.zones[rule["zone"]]
    waits = [
        inside(agent.path.positions(times), zone) & standing(agent, times)
        for agent in world.of(rule, VEHICLES)
    ]
    due = []
    for begin, end in spells(np.sum(waits, axis=0) >= least, times, forgive=2.0):
        if abs(end - begin - after) < DOUBT and end < world.duration - TICK:
            world.doubts.append(f"{rule['name']}: a queue for {end - begin:.1f} s")
        if end - begin >= after:
            due.append((begin + after, end))
    # Who rolls up to the queue at walking pace waits already for some, and not yet for others.
    return windows(due, early=3.0)


@judge("near_miss")
def _near_miss(world: World, rule: Rule) -> Answer:
    gap_time, zone, due = number(rule["gap_time"]), world.zones[rule["zone"]], []
    wheels = [agent for agent in world.of(rule, ROAD_USERS) if not agent.rides]
    for one, other in combinations(wheels, 2):
        if one.label == other.label == "person":
            continue
        met = _crossing(one, other, world.times)
        if met is None or not inside(met[0][None], zone)[0]:
            continue
        gap, second = _encroachment(one, other, *met[1:])
        if abs(gap - gap_time) < 0.3 * gap_time:
            world.doubts.append(f"{rule['name']}: {one.name} and {other.name}, {gap:.1f} s")
        if gap < gap_time:
            due.append((second, second + 2.0))
    return windows(due)


def _encroachment(one: Agent, other: Agent, at: float, other_at: float) -> tuple[float, float]:
    """Post-encroachment time of two footprints, and when the second arrives, from when middles are there."""
    (first, begin), (second, end) = sorted(((one, at), (other, other_at)), key=lambda item: item[1])

    def half(agent: Agent, across: Agent, when: float) -> float:
        """How long it takes to bring half of itself over half of the other's width."""
        speed = float(np.nan_to_num(speeds(agent, np.array([when]))[0]))
        return (agent.size[1] + across.size[0]) / 2 / max(speed, 0.1)

    arrives = end - half(second, first, end)
    return arrives - begin - half(first, second, begin), arrives


def _crossing(
    one: Agent, other: Agent, times: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, float] | None:
    """Where two paths cross at an angle, and when each was there; None if they do not."""
    when = [times[(times >= way.begins) & (times <= way.ends)] for way in (one.path, other.path)]
    a, b = one.path.positions(when[0]), other.path.positions(when[1])
    if not (len(a) and len(b)):
        return None
    apart = np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1])
    i, j = np.unravel_index(np.argmin(apart), apart.shape)
    if apart[i, j] > 0.5 or not (0 < i < len(a) - 1 and 0 < j < len(b) - 1):
        return None
    u, v = a[i + 1] - a[i - 1], b[j + 1] - b[j - 1]
    turn = abs(float(u[0] * v[1] - u[1] * v[0])) / float(np.hypot(*u) * np.hypot(*v) or np.inf)
    if np.isnan(turn) or turn < np.sin(ANGLE):
        return None
    return a[i], float(when[0][i]), float(when[1][j])
