"""A car breaks down in its lane. Near miss: a queue that waits at the red light."""

from beffroi.simulate import intents
from beffroi.simulate.layout import STOP_LINE
from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario


def _watch(stage: Stage) -> None:
    for lane in ("eastbound", "westbound"):
        stage.watch(f"Stopped, {lane}", "stopped_vehicle", zone=lane, after="12s", severity="critical")


def break_down(stage: Stage, at: float, seconds: float) -> None:
    """Stop in the westbound lane; go on after `seconds`."""
    _watch(stage)
    stage.vehicle(
        "car", intents.stop(at, east=False, x=stage.uniform(-5, -2), seconds=seconds), "breaks down"
    )


def queue_at_light(stage: Stage, at: float, red: float, cars: int = 4) -> None:
    """The light is red from `at` for `red` seconds; cars come one after the other and wait."""
    _watch(stage)
    stage.signal(0.0, "light", "green")
    stage.signal(at - 3.0, "light", "amber")
    stage.signal(at, "light", "red")
    stage.signal(at + red, "light", "green")
    for rank in range(cars):
        x = STOP_LINE - 2.6 - 6.3 * rank
        path = intents.wait_at_light(at + 2.3 * rank + stage.uniform(0, 0.3), x, at + red, rank)
        stage.vehicle("car", path, "waits at the light")


@scenario("stopped_vehicle", 60)
def stopped_vehicle(stage: Stage) -> None:
    """Cars queue at a red light and drive on; later one breaks down in the other lane."""
    queue_at_light(stage, stage.uniform(4, 5), 24)
    break_down(stage, stage.uniform(26, 28), stage.uniform(22, 24))
    passing.traffic(stage, 1, 20, 3, east=False)
    passing.strollers(stage, 0, 50, 4)
