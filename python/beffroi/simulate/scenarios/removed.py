"""A piece of the square is taken away. Near misses: somebody stands before it, somebody sits on it."""

from math import pi

from beffroi.simulate import intents
from beffroi.simulate.agent import Agent
from beffroi.simulate.layout import Place
from beffroi.simulate.path import Journey
from beffroi.simulate.pose import SEATED, UPRIGHT
from beffroi.simulate.scenarios import passing, things
from beffroi.simulate.stage import Stage, scenario

RULE = "Taken from the square"
AFTER = 8.0


def _watch(stage: Stage) -> Place:
    stage.watch(RULE, "removed_object", zone="plaza", after=f"{AFTER:g}s", severity="warning")
    stage.beyond.update(("still_object", "missing_object"))
    return stage.uniform(-4.5, 4.5), stage.uniform(12.0, 16.5)


def _bench(stage: Stage, spot: Place) -> Agent:
    path = Journey(0.0, spot).stand(stage.duration, facing=-pi / 2).path()
    return stage.thing("bench", path, "stands")


def take(stage: Stage, at: float) -> None:
    """Somebody comes and carries it away."""
    spot = _watch(stage)
    come = Journey(at, passing.LEFT).walk([(spot[0], spot[1] - 0.7)], intents.pace(stage.rng)).stand(2.0)
    taken = come.now
    taker = stage.person(come.walk([passing.RIGHT], 1.1).path(), "carries it away")
    stay = Journey(0.0, spot).stand(taken, facing=-pi / 2).path()
    path = things.carried(stay, taken - 0.2, taken, taker.path, stage.duration)
    thing = stage.thing("bench", path, "is carried away")
    things.missing(stage, thing, spot, taken + stage.uniform(*things.SETTLES_S), stage.duration)
    stage.due(RULE)


def stand_before(stage: Stage, at: float) -> None:
    """Stand before it for long: it is hidden, and for a moment the background model takes it for gone."""
    spot = _watch(stage)
    thing = _bench(stage, spot)
    journey = Journey(at, passing.RIGHT).walk([(spot[0], spot[1] - 1.0)], intents.pace(stage.rng))
    since = journey.now
    journey.stand(stage.uniform(1.5, 2.0) * AFTER, stage.rng)
    if stage.chance(0.5):
        things.missing(stage, thing, spot, since + stage.uniform(2.0, 5.0), stage.uniform(0.15, 0.4) * AFTER)
    stage.person(journey.walk([passing.LEFT], intents.pace(stage.rng)).path(), "stands before it")


def sit(stage: Stage, at: float) -> None:
    """Sit down on it."""
    spot = _watch(stage)
    _bench(stage, spot)
    journey = Journey(at, passing.RIGHT).walk([(spot[0], spot[1] - 0.3)], intents.pace(stage.rng))
    down = journey.now + 0.5
    journey.stand(0.4).stand(stage.uniform(15.0, 20.0), facing=-pi / 2)
    poses = ((down, UPRIGHT), (down + 0.9, SEATED), (journey.now - 1.2, SEATED), (journey.now - 0.4, UPRIGHT))
    stage.person(journey.walk([passing.LEFT], intents.pace(stage.rng)).path(), "sits on it", poses)


@scenario("removed_object", 46)
def removed(stage: Stage) -> None:
    """A bench is carried away, or somebody stands before it or sits on it."""
    at = stage.uniform(1.0, 4.0)
    if stage.chance(0.5):
        take(stage, at)
    else:
        (stand_before, sit)[int(stage.chance(0.4))](stage, at)
    passing.strollers(stage, 0, 40, 3)
