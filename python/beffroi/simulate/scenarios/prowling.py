"""Somebody goes from one parked car to the next. Near misses: the owner of one, who walks past all."""

from math import pi

from beffroi.simulate import intents
from beffroi.simulate.path import Journey
from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario

RULE = "From car to car"
EACH, VEHICLES = 6.0, 3
ROW_Y, APART = 16.2, 3.2


def _row(stage: Stage) -> list[float]:
    """A row of parked cars that look at the camera; gives the x of each."""
    stage.watch(
        RULE, "prowling", zone="plaza", vehicles=VEHICLES, within="1.5 m", each=f"{EACH:g}s", window="120s"
    )
    xs = [APART * (i - 2) + stage.uniform(-0.1, 0.1) for i in range(5)]
    if not any(agent.intent == "is parked" for agent in stage.agents):
        for x in xs:
            path = Journey(0.0, (x, ROW_Y)).stand(stage.duration, facing=-pi / 2).path()
            stage.vehicle("car", path, "is parked")
    return xs


def _visit(stage: Stage, at: float, xs: list[float], seconds: tuple[float, float], intent: str) -> None:
    journey = Journey(at, passing.LEFT if stage.chance(0.5) else passing.RIGHT)
    for x in xs:
        # In front of the bonnet, a step to its side.
        spot = (x + stage.uniform(-0.4, 0.4), ROW_Y - 2.15 - stage.uniform(0.35, 0.65))
        journey.walk([spot], 1.2).stand(stage.uniform(*seconds), stage.rng)
    stage.person(journey.walk([(0.0, 7.0)], intents.pace(stage.rng)).path(), intent)


def prowl(stage: Stage, at: float) -> None:
    """Look into three or four cars, half as long again as the threshold at each."""
    xs = _row(stage)
    number = VEHICLES + int(stage.chance(0.5))
    chosen = sorted(stage.rng.choice(5, number, replace=False).tolist())
    _visit(stage, at, [xs[i] for i in chosen], (1.4 * EACH, 1.9 * EACH), "goes from car to car")
    stage.due(RULE)


def own(stage: Stage, at: float) -> None:
    """Stand at one's own car for long."""
    xs = _row(stage)
    _visit(stage, at, [xs[int(stage.rng.integers(5))]], (3.0 * EACH, 5.0 * EACH), "goes to one car")


def walk_along(stage: Stage, at: float) -> None:
    """Walk along the whole row, near to it."""
    _row(stage)
    y = ROW_Y - 2.15 - stage.uniform(1.0, 1.2)
    places = [(-11.5, y), (11.5, y)]
    path = intents.walk(stage.rng, at, places if stage.chance(0.5) else places[::-1])
    stage.person(path, "walks along the cars")


@scenario("prowling", 84)
def prowling(stage: Stage) -> None:
    """Somebody stops at several parked cars; an owner goes to one, others walk past."""
    walk_along(stage, stage.uniform(0.0, 2.0))
    if stage.chance(0.6):
        prowl(stage, stage.uniform(4.0, 6.0))
    else:
        own(stage, stage.uniform(4.0, 6.0))
    if stage.chance(0.5):
        walk_along(stage, stage.uniform(60.0, 64.0))
