"""Somebody falls and stays down. Near misses: bending, sitting, tripping and getting up, lying all along."""

from math import pi

from beffroi.simulate import intents
from beffroi.simulate.layout import Place
from beffroi.simulate.path import Journey
from beffroi.simulate.pose import BENT, SEATED, UPRIGHT, Poses, lying
from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario

RULE = "Person down"
STILL = 4.0


def _watch(stage: Stage) -> None:
    stage.watch(RULE, "fall", zone="plaza", still_for=f"{STILL:g}s", severity="critical")


def _spot(stage: Stage, y: tuple[float, float] = (11.5, 16.5)) -> Place:
    return stage.uniform(-4.5, 4.5), stage.uniform(*y)


def _come(stage: Stage, at: float, spot: Place) -> Journey:
    start = passing.LEFT if stage.chance(0.5) else passing.RIGHT
    return Journey(at, start).walk([spot], intents.pace(stage.rng))


def _aside(stage: Stage) -> float:
    """A direction across the line of sight, more or less: along it, a box tells no lying from sitting."""
    return stage.uniform(-0.9, 0.9) + (0.0 if stage.chance(0.5) else pi)


def fall(stage: Stage, at: float, way: tuple[Place, Place] | None = None) -> None:
    """Fall while walking, and lie there; `way`: from where, and where it happens."""
    _watch(stage)
    if way is None:
        journey = _come(stage, at, _spot(stage))
    else:
        journey = Journey(at, way[0]).walk([way[1]], intents.pace(stage.rng))
    down = journey.now + 0.3
    journey.stand(STILL + stage.uniform(14.0, 18.0))
    poses: Poses = ((down, UPRIGHT), (down + stage.uniform(0.5, 0.9), lying(_aside(stage))))
    stage.person(journey.path(), "falls", poses)
    stage.due(RULE)


def trip(stage: Stage, at: float) -> None:
    """Fall, and get up again at once."""
    _watch(stage)
    journey = _come(stage, at, _spot(stage))
    down, rests = journey.now + 0.3, stage.uniform(0.2, 0.35) * STILL
    flat = lying(_aside(stage))
    poses: Poses = (
        (down, UPRIGHT), (down + 0.6, flat), (down + 0.6 + rests, flat), (down + 1.6 + rests, UPRIGHT),
    )  # fmt: skip
    journey.stand(3.0 + rests).walk([passing.RIGHT], intents.pace(stage.rng))
    stage.person(journey.path(), "trips and gets up", poses)


def bend(stage: Stage, at: float) -> None:
    """Bend down to the ground for a while."""
    _watch(stage)
    journey = _come(stage, at, _spot(stage))
    down, stays = journey.now + 0.5, stage.uniform(1.0, 2.0) * STILL
    poses: Poses = (
        (down, UPRIGHT), (down + 0.8, BENT), (down + 0.8 + stays, BENT), (down + 1.6 + stays, UPRIGHT),
    )  # fmt: skip
    journey.stand(3.0 + stays).walk([passing.LEFT], intents.pace(stage.rng))
    stage.person(journey.path(), "bends down", poses)


def sit(stage: Stage, at: float) -> None:
    """Sit down on a bench and stay there."""
    _watch(stage)
    spot = _spot(stage)
    bench = Journey(0.0, (spot[0], spot[1] + 0.25)).stand(stage.duration, facing=-pi / 2)
    stage.thing("bench", bench.path(), "stands")
    journey = _come(stage, at, spot)
    down = journey.now + 0.5
    journey.stand(0.4).stand(STILL + stage.uniform(8.0, 14.0), facing=-pi / 2)
    stage.person(journey.path(), "sits down", ((down, UPRIGHT), (down + 0.9, SEATED)))


def lie(stage: Stage, at: float) -> None:
    """Lie in the sun from the beginning to the end."""
    _watch(stage)
    del at
    path = Journey(0.0, _spot(stage, (16.0, 18.0))).stand(stage.duration).path()
    stage.person(path, "lies in the sun", ((0.0, lying(_aside(stage))),))


@scenario("fall", 52)
def falling(stage: Stage) -> None:
    """People fall and stay down, or bend, sit down, trip, lie in the sun."""
    acts = [bend, sit, trip, lie]
    order = stage.rng.permutation(len(acts))
    acts[int(order[0])](stage, stage.uniform(0.0, 2.0))
    if stage.chance(0.6):
        fall(stage, stage.uniform(13.0, 15.0))
    else:
        acts[int(order[1])](stage, stage.uniform(13.0, 15.0))
    passing.strollers(stage, 0, 40, 3)
