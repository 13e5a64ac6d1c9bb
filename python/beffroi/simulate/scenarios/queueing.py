"""A queue grows at the light and dissolves. Near misses: two who wait, and traffic that flows."""

from beffroi.simulate import intents
from beffroi.simulate.layout import STOP_LINE
from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario

RULE = "Queue at the light"
AT_LEAST = 3


def wait(stage: Stage, at: float, red: float, cars: int) -> None:
    """So many cars come one after the other and wait until the light is green."""
    stage.watch(RULE, "queue", line="stop", zone="approach", at_least=AT_LEAST, after="4s",
        direction="left_to_right", severity="info",
    )  # fmt: skip
    if not stage.signals:
        stage.signal(0.0, "light", "green")
    stage.signal(at - 3.0, "light", "amber")
    stage.signal(at, "light", "red")
    stage.signal(at + red, "light", "green")
    for rank in range(cars):
        x = STOP_LINE - 2.6 - 5.4 * rank
        path = intents.wait_at_light(at + 2.3 * rank + stage.uniform(0, 0.3), x, at + red, rank)
        stage.vehicle("car", path, "waits at the light")


@scenario("queue", 70)
def queue(stage: Stage) -> None:
    """The light is red twice; a long queue or a short one waits each time."""
    for at in (4.0, 40.0):
        if stage.chance(0.5):
            wait(stage, at + stage.uniform(0.0, 1.0), 20.0, 4)
            stage.due(RULE)
        else:
            wait(stage, at + stage.uniform(0.0, 1.0), 20.0, AT_LEAST - 1 - int(stage.chance(0.3)))
    passing.traffic(stage, 1, 60, 6, east=False)
