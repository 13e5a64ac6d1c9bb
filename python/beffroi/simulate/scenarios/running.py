"""Somebody runs over the square. Near misses: a brisk walk, somebody who hurries two steps, two who meet."""

from beffroi.simulate import intents
from beffroi.simulate.layout import Place
from beffroi.simulate.path import Journey
from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario

RULE = "Running on the square"
SPEED = 3.0


def _watch(stage: Stage) -> None:
    stage.watch(RULE, "running", zone="plaza", speed=f"{SPEED:g} m/s")


def _across(stage: Stage) -> list[Place]:
    """Over the square from one side to the other, out of sight to out of sight."""
    left, right = stage.uniform(11.5, 18.0), stage.uniform(11.5, 18.0)
    places = [(-0.62 * (0.93 * left + 2.6) - 0.6, left), (0.62 * (0.93 * right + 2.6) + 0.6, right)]
    return places[::-1] if stage.chance(0.5) else places


def run(stage: Stage, at: float, places: list[Place] | None = None) -> None:
    """An adult or a child runs across, half as fast again as the threshold or faster."""
    _watch(stage)
    child = stage.chance(0.3)
    path = intents.walk(stage.rng, at, places or _across(stage), stage.uniform(1.5, 1.9) * SPEED)
    stage.person(path, "runs", tall=stage.uniform(1.15, 1.4) if child else None)
    stage.due(RULE)


def hurry(stage: Stage, at: float) -> None:
    """Walk as fast as one walks."""
    _watch(stage)
    stage.person(intents.walk(stage.rng, at, _across(stage), stage.uniform(1.7, 2.0)), "hurries")


def meet(stage: Stage, at: float) -> None:
    """Two come from either side and pass close by each other: who is who must not look like speed."""
    _watch(stage)
    y = stage.uniform(12.0, 17.0)
    half = 0.62 * (0.93 * y + 2.6) + 0.6
    for way in (-1, 1):
        places = [(way * half, y + 0.25 * way), (-way * half, y + 0.25 * way)]
        stage.person(intents.walk(stage.rng, at, places), "passes somebody")


def wait(stage: Stage, at: float) -> None:
    """Stand about: trembling boxes are not speed."""
    _watch(stage)
    spot = (stage.uniform(-5.0, 5.0), stage.uniform(13.0, 18.0))
    journey = Journey(at, passing.RIGHT).walk([spot], intents.pace(stage.rng)).stand(12.0, stage.rng)
    stage.person(journey.walk([passing.LEFT], intents.pace(stage.rng)).path(), "waits")


@scenario("running", 48)
def running(stage: Stage) -> None:
    """People run across the square, or walk briskly, wait, or pass each other."""
    for slot in (1.0, 16.0, 31.0):
        at = slot + stage.uniform(0.0, 2.0)
        if stage.chance(0.5):
            run(stage, at)
        else:
            (hurry, meet, wait)[int(stage.rng.integers(3))](stage, at)
        if stage.chance(0.4):
            hurry(stage, at + stage.uniform(4.0, 6.0))
