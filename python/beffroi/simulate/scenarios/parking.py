"""A van parks at the bus stop. Near misses: a car sets somebody down there; traffic drives past."""

from beffroi.simulate import intents
from beffroi.simulate.layout import LAY_BY
from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario

AFTER = 15.0


def _watch(stage: Stage) -> None:
    stage.watch(
        "Parked at the bus stop",
        "parking",
        zone="bus-stop",
        after=f"{AFTER:.0f}s",
        gap="5s",
        clear_after="5s",
    )


def park(stage: Stage, at: float, label: str = "truck") -> None:
    """Stand in the lay-by for too long."""
    _watch(stage)
    x, seconds = stage.uniform(-5.5, -4.0), AFTER + stage.uniform(9, 11)
    stage.vehicle(label, intents.stop(at, east=True, x=x, seconds=seconds, y=LAY_BY), "parks")


def set_down(stage: Stage, at: float) -> None:
    """Stop in the lay-by for half the time that is too long."""
    _watch(stage)
    x, seconds = stage.uniform(-5.5, -4.0), stage.uniform(0.35, 0.55) * AFTER
    stage.vehicle("car", intents.stop(at, east=True, x=x, seconds=seconds, y=LAY_BY), "sets down")


@scenario("parking", 60)
def parking(stage: Stage) -> None:
    """A car sets somebody down at the bus stop; then a van parks there."""
    set_down(stage, stage.uniform(0, 1))
    park(stage, stage.uniform(18, 19))
    passing.traffic(stage, 6, 44, 5, east=False)
    passing.strollers(stage, 0, 50, 5)
