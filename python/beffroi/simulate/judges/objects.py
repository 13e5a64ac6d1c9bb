"""Things, flames, states: what is left, taken, dumped, what burns, what a state says, and in what order."""

from __future__ import annotations

import numpy as np

from beffroi.simulate.agent import BAGS, Agent
from beffroi.simulate.stage import Rule
from beffroi.simulate.truth import (
    DOUBT,
    EARLY,
    TICK,
    Answer,
    Bools,
    World,
    crossings,
    inside,
    judge,
    number,
    seconds,
    spells,
    standing,
    windows,
)

THINGS = (*BAGS, "rubbish", "cup")
SETTLED = 6.0
"""Seconds that a background model may take to be sure of a thing that was set down or taken."""


def _stands(world: World, rule: Rule, thing: Agent) -> list[tuple[float, float]]:
    """When a thing stands in the rule's zone."""
    times = world.times
    within = inside(thing.path.positions(times), world.zones[rule["zone"]])
    return spells(within & standing(thing, times), times, forgive=0.5)


def _far(world: World, thing: Agent, distance: float) -> Bools:
    """When its owner is further than `distance` from it, or gone."""
    [owner] = [agent for agent in world.agents if agent.name == thing.owner]
    apart = owner.path.positions(world.times) - thing.path.positions(world.times)
    far: Bools = ~(np.hypot(*apart.T) <= distance)
    return far


@judge("abandoned_object")
def _abandoned(world: World, rule: Rule) -> Answer:
    after, distance, due = seconds(rule["after"]), number(rule["owner_distance"]), []
    times = world.times
    for thing in world.agents:
        if thing.label not in THINGS or thing.owner is None:
            continue
        far = _far(world, thing, distance)
        for begin, end in _stands(world, rule, thing):
            part = (times >= begin) & (times <= end)
            for left, back in spells(far & part, times, forgive=0.5):
                if abs(back - left - after) < 2 * DOUBT and back < world.duration - TICK:
                    world.doubts.append(f"{rule['name']}: {thing.name} alone for {back - left:.1f} s")
                if back - left >= after and left + after <= world.duration - SETTLED:
                    due.append((left + after, back))
    return windows(due, early=2 * EARLY)


@judge("removed_object")
def _removed(world: World, rule: Rule) -> Answer:
    after, due = seconds(rule["after"]), []
    for thing in world.agents:
        # What belongs to the square was there from the beginning and came with nobody.
        if thing.label != "bench" or thing.owner is not None or thing.path.begins > TICK:
            continue
        for begin, end in _stands(world, rule, thing):
            if begin <= 1.0 and end < world.duration - after - SETTLED:
                due.append((end + after, world.duration))
    return windows(due)


@judge("dumping")
def _dumping(world: World, rule: Rule) -> Answer:
    after, least, due = seconds(rule["after"]), number(rule.get("min_size", "0 m")), []
    times = world.times
    for thing in world.agents:
        if thing.label not in THINGS or thing.owner is None:
            continue
        if max(thing.size) < least:
            continue
        far = _far(world, thing, number(rule["distance"]))
        for begin, end in _stands(world, rule, thing):
            left = [t for t in times[far] if begin <= t <= end]
            if not left or end - begin < after:
                continue
            # Whether the time counts from the thing or from the leaving is for the rule to say.
            earliest, latest = max(begin + after, left[0]), max(begin, left[0]) + after
            if latest <= world.duration - SETTLED:
                due.append((earliest, latest + SETTLED))
    pairs = [[round(max(0.0, begin - EARLY), 2), round(end + EARLY, 2)] for begin, end in sorted(due)]
    return {"alerts": pairs}


@judge("fire")
def _fire(world: World, rule: Rule) -> Answer:
    times, after, due = world.times, seconds(rule["after"]), []
    for agent in world.agents:
        if agent.label in rule.get("kinds", ("fire", "smoke")) and agent.intent in ("burns", "is put out"):
            within = inside(agent.path.positions(times), world.zones[rule["zone"]])
            for begin, end in spells(within, times):
                if abs(end - begin - after) < DOUBT and end < world.duration - TICK:
                    world.doubts.append(f"{rule['name']}: {agent.name} burns for {end - begin:.1f} s")
                if end - begin >= after:
                    due.append((begin + after, end))
    return windows(due)


@judge("state")
def _state(world: World, rule: Rule) -> Answer:
    wanted = [rule["is"]] if isinstance(rule["is"], str) else list(rule["is"])
    after, due = seconds(rule.get("after", 0.0)), []
    changes = [(at, state) for at, name, state in world.signals if name == rule["signal"]]
    times = world.times
    holds = np.zeros(len(times), np.bool_)
    for i, (at, state) in enumerate(changes):
        until = changes[i + 1][0] if i + 1 < len(changes) else np.inf
        holds |= (times >= at) & (times < until) & (state in wanted)
    for begin, end in spells(holds, times):
        if abs(end - begin - after) < 2 * DOUBT and end < world.duration - TICK:
            world.doubts.append(f"{rule['name']}: {end - begin:.1f} s")
        if end - begin >= after:
            due.append((begin + after, end))
    return windows(due)


@judge("sequence")
def _sequence(world: World, rule: Rule) -> Answer:
    within, same = seconds(rule["within"]), bool(rule.get("same_subject", False))
    chains = [[moment] for moment in _moments(world, rule["steps"][0])]
    for step in rule["steps"][1:]:
        chains = [
            [*chain, nexts[0]]
            for chain in chains
            if (nexts := [
                m for m in _moments(world, step)
                if m[0] > chain[-1][0] and m[0] - chain[0][0] <= within and (not same or m[1] == chain[0][1])
            ])
        ]  # fmt: skip
    for first, second in zip(
        _moments(world, rule["steps"][0]), _moments(world, rule["steps"][-1]), strict=False
    ):
        if first != second and abs(second[0] - first[0] - within) < 0.2 * within:
            world.doubts.append(f"{rule['name']}: {second[0] - first[0]:.1f} s between the steps")
    return windows((chain[-1][0], chain[-1][0] + 3.0) for chain in chains)


def _moments(world: World, name: str) -> list[tuple[float, str]]:
    """When the rule `name` has somebody to tell of, and whom: a step of a sequence."""
    [rule] = [one for one in world.rules if one["name"] == name]
    found = []
    for agent in world.of(rule, ("person",)):
        if rule["type"] == "line_crossing":
            wanted = {"left_to_right": (True,), "right_to_left": (False,)}.get(
                rule.get("direction", ""), (True, False)
            )
            found += [
                (at, agent.name) for at, way in crossings(agent, world.lines[rule["line"]]) if way in wanted
            ]
        elif rule["type"] in ("intrusion", "loitering"):
            after, times = seconds(rule.get("after", 0.0)), world.times
            within = inside(agent.path.positions(times), world.zones[rule["zone"]])
            found += [
                (begin + after, agent.name)
                for begin, end in spells(within, times, forgive=2.0)
                if end - begin >= after
            ]
        else:
            raise ValueError(f"no judge knows the moments of a {rule['type']}")
    return sorted(found)
