"""People: density, crowds in motion, runners, falls, who goes from car to car, is anybody there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beffroi.simulate.agent import VEHICLES, Agent
from beffroi.simulate.noise import LYING
from beffroi.simulate.pose import pose_at
from beffroi.simulate.stage import Rule
from beffroi.simulate.truth import (
    DOUBT,
    PEOPLE,
    TICK,
    Answer,
    Bools,
    World,
    inside,
    judge,
    number,
    seconds,
    speeds,
    spells,
    standing,
    windows,
)

FAST_S = 0.8
"""Somebody who is fast for a shorter time has not run."""


@judge("density")
def _density(world: World, rule: Rule) -> Answer:
    zone = np.array(world.zones[rule["zone"]])
    x, y = zone.T
    area = abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2
    times, after, above = world.times, seconds(rule.get("after", 0.0)), number(rule["above"])
    present = [inside(a.path.positions(times), world.zones[rule["zone"]]) for a in world.of(rule, PEOPLE)]
    dense = np.sum(present, axis=0) / area
    if 0.75 * above < dense.max() < 1.3 * above:
        world.doubts.append(f"{rule['name']}: {dense.max():.2f} people per m² at most")
    found = spells(dense > above, times, forgive=3.0)
    return windows(((begin + after, end) for begin, end in found if end - begin >= after), early=2.0)


@judge("crowd_motion")
def _crowd_motion(world: World, rule: Rule) -> Answer:
    times, least, fast = world.times, int(rule["at_least"]), number(rule["speed"])
    zone = world.zones[rule["zone"]]
    agents = list(world.of(rule, PEOPLE))
    speed = np.stack([speeds(agent, times) for agent in agents])
    present = np.stack([inside(agent.path.positions(times), zone) for agent in agents])
    speed[~present] = np.nan
    enough = present.sum(axis=0) >= least
    middle = np.zeros(len(times))
    known = enough & ~np.isnan(speed).all(axis=0)
    middle[known] = np.nanmedian(speed[:, known], axis=0)
    if 0.75 * fast < middle.max() < 1.25 * fast:
        world.doubts.append(f"{rule['name']}: a median of {middle.max():.1f} m/s at most")
    due = []
    for begin, end in spells(enough & (middle > fast), times, forgive=2.0):
        before = (times >= begin - seconds(rule["window"])) & (times < begin) & enough
        if before.any() and middle[before].min() < 0.6 * fast:
            due.append((begin, end + 2.0))
    return windows(due)


@judge("running")
def _running(world: World, rule: Rule) -> Answer:
    times, fast = world.times, number(rule["speed"])
    due = []
    for agent in world.of(rule, PEOPLE):
        if agent.rides:
            continue
        speed = np.nan_to_num(speeds(agent, times))
        within = inside(agent.path.positions(times), world.zones[rule["zone"]])
        if within.any() and 0.75 * fast < speed[within].max() < 1.2 * fast:
            world.doubts.append(f"{rule['name']}: {agent.name} does {speed[within].max():.1f} m/s")
        runs = spells(within & (speed > fast), times, forgive=0.5)
        due += [(begin, end + 1.0) for begin, end in runs if end - begin >= FAST_S]
    return windows(due)


@judge("fall")
def _fall(world: World, rule: Rule) -> Answer:
    times, still = world.times, seconds(rule["still_for"])
    due = []
    for agent in world.of(rule, PEOPLE):
        within = inside(agent.path.positions(times), world.zones[rule["zone"]])
        lies = np.array([pose_at(agent.poses, float(t)).tilt > LYING for t in times]) & within
        for begin, end in spells(lies & standing(agent, times), times, forgive=0.5):
            if pose_at(agent.poses, agent.path.begins).tilt > LYING and begin - agent.path.begins < 1.0:
                continue  # has lain there from the beginning
            if abs(end - begin - still) < DOUBT and end < world.duration - TICK:
                world.doubts.append(f"{rule['name']}: {agent.name} lies for {end - begin:.1f} s")
            if end - begin >= still:
                due.append((begin + still, end))
    return windows(due)


@judge("prowling")
def _prowling(world: World, rule: Rule) -> Answer:
    times, within, each = world.times, number(rule["within"]), seconds(rule["each"])
    least, window = int(rule["vehicles"]), seconds(rule["window"])
    cars = [a for a in world.agents if a.label in VEHICLES and standing(a, times).mean() > 0.9]
    due = []
    for agent in world.of(rule, PEOPLE):
        points = agent.path.positions(times)
        there = inside(points, world.zones[rule["zone"]])
        visits: list[float] = []
        for car in cars:
            near = there & (_reach(points, car) <= within)
            stays = spells(near, times, forgive=1.0)
            for begin, end in stays:
                if abs(end - begin - each) < DOUBT:
                    world.doubts.append(
                        f"{rule['name']}: {agent.name} stays {end - begin:.1f} s at {car.name}"
                    )
            first = next((begin + each for begin, end in stays if end - begin >= each), None)
            if first is not None:
                visits.append(first)
        visits.sort()
        if len(visits) >= least and visits[least - 1] - visits[0] + each <= window:
            due.append((visits[least - 1], agent.path.ends))
    return windows(due, early=2.0)


@judge("presence")
def _presence(world: World, rule: Rule) -> Answer:
    times, hold = world.times, seconds(rule["hold"])
    zone = world.zones[rule["zone"]]
    there: Bools = np.zeros(len(times), np.bool_)
    for agent in world.of(rule, PEOPLE):
        there |= inside(agent.path.positions(times), zone)
    absences = [b[0] - a[1] for a, b in zip(spells(there, times), spells(there, times)[1:], strict=False)]
    if any(abs(gone - hold) < 2 * DOUBT for gone in absences):
        world.doubts.append(f"{rule['name']}: nobody there for about its hold")
    return windows(spells(there, times, forgive=hold))


def _reach(points: NDArray[np.float64], car: Agent) -> NDArray[np.float64]:
    """Metres from points (n, 2) to the footprint of a standing vehicle, shape (n,)."""
    middle = (car.path.begins + car.path.ends) / 2
    place = car.path.at(middle)
    if place is None:
        return np.full(len(points), np.inf)
    x, y, heading = place
    along = np.array([np.cos(heading), np.sin(heading)])
    from_car = points - np.array([x, y])
    ahead, aside = from_car @ along, from_car @ np.array([-along[1], along[0]])
    gap = np.maximum(np.abs(np.stack([ahead, aside])) - np.array(car.size[1::-1])[:, None] / 2, 0.0)
    reach: NDArray[np.float64] = np.hypot(*gap)
    return reach
