"""A car in the wrong lane. Near misses: a car that reverses into a bay, one that pulls out of a bay."""

from beffroi.simulate import intents
from beffroi.simulate.layout import BAYS
from beffroi.simulate.path import Path
from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario


def _watch(stage: Stage) -> None:
    way = stage.way((13.0, 27.5), (-13.0, 27.5))
    stage.watch(
        "Against the traffic",
        "wrong_way",
        zone="westbound",
        direction=way,
        distance="8m",
        severity="critical",
    )


def drive_wrong_way(stage: Stage, at: float) -> Path:
    """Drive east in the lane that leads west."""
    _watch(stage)
    path = intents.drive_wrong_way(at, stage.uniform(6, 8))
    stage.vehicle("car", path, "drives the wrong way")
    return path


def reverse_into_bay(stage: Stage, at: float, seconds: float) -> None:
    """Reverse into a parking bay and stay there."""
    _watch(stage)
    bay = (BAYS[1] + BAYS[2]) / 2
    stage.vehicle("car", intents.reverse_into_bay(at, bay, seconds), "reverses into a bay")


def leave_bay(stage: Stage, at: float) -> None:
    """Pull out of a bay where it has stood from the beginning."""
    bay = (BAYS[0] + BAYS[1]) / 2
    stage.vehicle("car", intents.leave_bay(0.0, bay, at), "leaves a bay")


@scenario("wrong_way", 50)
def wrong_way(stage: Stage) -> None:
    """One car pulls out of a bay, one reverses into another; later a car comes against the traffic."""
    leave_bay(stage, stage.uniform(2, 3))
    reverse_into_bay(stage, stage.uniform(9, 10), 40)
    drive_wrong_way(stage, stage.uniform(34, 36))
    passing.traffic(stage, 22, 32, 2, east=False)
    passing.traffic(stage, 1, 45, 5, east=True)
