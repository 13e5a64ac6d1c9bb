"""A bag is left behind. Near misses: its owner stays near, fetches it in time, it was there before."""

from beffroi.simulate import intents
from beffroi.simulate.agent import BAGS
from beffroi.simulate.layout import Place
from beffroi.simulate.path import Journey
from beffroi.simulate.scenarios import passing, things
from beffroi.simulate.stage import Stage, scenario

RULE = "Bag left behind"
AFTER, FAR = 10.0, 4.0


def _watch(stage: Stage) -> None:
    stage.watch(
        RULE, "abandoned_object", zone="plaza", after=f"{AFTER:g}s", owner_distance=f"{FAR:g} m",
        severity="warning",
    )  # fmt: skip
    stage.beyond.update(("still_object", "missing_object"))


def _bag(stage: Stage) -> str:
    return str(stage.rng.choice(BAGS))


def _come(stage: Stage, at: float) -> tuple[Journey, Place]:
    spot = (stage.uniform(-4.5, 4.5), stage.uniform(11.5, 16.0))
    start = passing.LEFT if stage.chance(0.5) else passing.RIGHT
    journey = Journey(at, start).walk([spot], intents.pace(stage.rng)).stand(stage.uniform(1.0, 2.0))
    return journey, spot


def leave(stage: Stage, at: float, way: tuple[Place, Place] | None = None) -> None:
    """Put the bag down, wait a moment, walk off for good; `way`: from where and back, and the spot."""
    _watch(stage)
    if way is None:
        journey, _ = _come(stage, at)
    else:
        journey = Journey(at, way[0]).walk([way[1]], intents.pace(stage.rng)).stand(1.5)
    down = journey.now
    journey.stand(stage.uniform(1.0, 4.0), stage.rng)
    go = way[0] if way is not None else passing.LEFT if stage.chance(0.5) else passing.RIGHT
    owner = stage.person(journey.walk([go], intents.pace(stage.rng)).path(), "leaves a bag")
    things.set_down(stage, _bag(stage), owner, down)
    stage.due(RULE)


def stay_near(stage: Stage, at: float) -> None:
    """Put it down and stay within two steps of it, then take it along."""
    _watch(stage)
    journey, (x, y) = _come(stage, at)
    down = journey.now
    for _ in range(3):
        aside = (x + stage.uniform(-1.6, 1.6), y + stage.uniform(-1.0, 1.0))
        journey.walk([aside], 0.8).stand(stage.uniform(4.0, 6.0), stage.rng)
    journey.walk([(x, y)], 0.9).stand(0.8)
    taken = journey.now
    owner = stage.person(journey.walk([passing.LEFT], intents.pace(stage.rng)).path(), "stays near a bag")
    things.set_down(stage, _bag(stage), owner, down, taken=taken, taker=owner.path)


def fetch(stage: Stage, at: float) -> None:
    """Go away from it, come back in time, take it along."""
    _watch(stage)
    journey, (x, y) = _come(stage, at)
    down = journey.now
    side = -1.0 if x > 0 else 1.0
    journey.walk([(x + side * (FAR + stage.uniform(0.8, 1.4)), y)], 1.5).stand(0.5).walk([(x, y)], 1.5)
    taken = journey.stand(0.8).now
    owner = stage.person(journey.walk([passing.RIGHT], intents.pace(stage.rng)).path(), "fetches a bag")
    things.set_down(stage, _bag(stage), owner, down, taken=taken, taker=owner.path)


def was_there(stage: Stage, at: float) -> None:
    """A bag has stood there from the beginning; somebody walks by."""
    _watch(stage)
    spot = (stage.uniform(-4.5, 4.5), stage.uniform(16.5, 18.0))
    stage.thing(_bag(stage), Journey(0.0, spot).stand(stage.duration).path(), "stands")
    places = [passing.LEFT, (spot[0], spot[1] - 1.0), passing.RIGHT]
    stage.person(intents.walk(stage.rng, at, places), "walks by")


@scenario("abandoned_object", 62)
def left_behind(stage: Stage) -> None:
    """People with bags: some leave them behind, others stay near or fetch them."""
    if stage.chance(0.4):
        was_there(stage, stage.uniform(0.0, 4.0))
    if stage.chance(0.55):
        leave(stage, stage.uniform(1.0, 4.0))
        if stage.chance(0.4):
            fetch(stage, stage.uniform(24.0, 28.0))
    else:
        (stay_near, fetch)[int(stage.chance(0.5))](stage, stage.uniform(1.0, 3.0))
    passing.strollers(stage, 0, 50, 3)
