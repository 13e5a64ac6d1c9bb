"""A car that is too fast for the square. Near misses: those that keep to the limit."""

from beffroi.simulate.layout import AWAY, FAR_LANE, NEAR_LANE
from beffroi.simulate.path import Journey
from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario

RULE = "Faster than 30 km/h"
LIMIT = 30.0 / 3.6


def drive(stage: Stage, at: float, speed: float, intent: str) -> None:
    """Through one of the lanes."""
    stage.watch(RULE, "speed", zone="road", above="30 km/h", severity="info")
    east = stage.chance(0.5)
    start, lane = (-AWAY, NEAR_LANE) if east else (AWAY, FAR_LANE)
    path = Journey(at, (start, lane), speed).drive([(-start, lane)], speed).path()
    stage.vehicle("car" if stage.chance(0.7) else "motorcycle", path, intent)


@scenario("speed", 50)
def speeding(stage: Stage) -> None:
    """Cars drive through, some much too fast, most a good deal slower than they may."""
    for i in range(5):
        at = 1.0 + 9.0 * i + stage.uniform(0.0, 1.5)
        if stage.chance(0.4):
            drive(stage, at, LIMIT * stage.uniform(1.4, 1.9), "speeds")
            stage.due(RULE)
        else:
            drive(stage, at, LIMIT * stage.uniform(0.55, 0.75), "keeps to the limit")
    passing.strollers(stage, 0, 40, 3)
