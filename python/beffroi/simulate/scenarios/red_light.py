"""A car crosses the stop line on red. Near misses: on amber, waiting across the line since green."""

from beffroi.simulate.layout import AWAY, NEAR_LANE
from beffroi.simulate.path import Journey
from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario

RULE = "Over the line on red"
LINE_X, GRACE, SPEED = 8.9, 1.0, 8.0


def watch(stage: Stage) -> None:
    """Watch the stop line."""
    stage.watch(
        RULE, "red_light", line="stop", signal="light", grace=f"{GRACE:g}s", direction="left_to_right",
        severity="warning",
    )  # fmt: skip


def light(stage: Stage, red: float, seconds: float) -> None:
    """Green, amber three seconds before `red`, green again after `seconds`."""
    watch(stage)
    if not stage.signals:
        stage.signal(0.0, "light", "green")
    stage.signal(red - 3.0, "light", "amber")
    stage.signal(red, "light", "red")
    stage.signal(red + seconds, "light", "green")


def cross_at(stage: Stage, at: float, intent: str) -> None:
    """Drive so that the middle of the car is over the line at `at` seconds."""
    way = (LINE_X + AWAY) / SPEED
    path = Journey(at - way, (-AWAY, NEAR_LANE), SPEED).drive([(AWAY, NEAR_LANE)], SPEED).path()
    stage.vehicle("car" if stage.chance(0.8) else "truck", path, intent)


def stand_across(stage: Stage, green: float) -> None:
    """In a jam: over the line on green, stand right behind it through the whole red, go on when it moves."""
    journey = Journey(green - (LINE_X + AWAY) / SPEED, (-AWAY, NEAR_LANE), SPEED)
    x = LINE_X + stage.uniform(1.2, 1.6)
    journey.drive([(x, NEAR_LANE)], SPEED, arrive=0.0).stand(stage.uniform(16.0, 18.0))
    stage.vehicle("car", journey.drive([(AWAY, NEAR_LANE)], SPEED).path(), "waits across the line")


def wait(stage: Stage, at: float, until: float) -> None:
    """Wait before the line, the bonnet near it."""
    journey = Journey(at, (-AWAY, NEAR_LANE), SPEED)
    x = LINE_X - stage.uniform(2.6, 3.2)
    journey.drive([(x, NEAR_LANE)], SPEED, arrive=0.0).stand(max(1.0, until + 1.5 - journey.now))
    stage.vehicle("car", journey.drive([(AWAY, NEAR_LANE)], SPEED).path(), "waits at the light")


@scenario("red_light", 58)
def red_light(stage: Stage) -> None:
    """The light turns red twice; cars cross late, on amber, early, or wait, before the line or across it."""
    for red in (14.0 + stage.uniform(0.0, 1.0), 40.0 + stage.uniform(0.0, 1.0)):
        light(stage, red, 12.0)
        if stage.chance(0.25):
            stand_across(stage, red - stage.uniform(5.5, 6.5))
            continue
        if stage.chance(0.5):
            cross_at(stage, red - stage.uniform(1.0, 2.5), "passes on amber")
        if stage.chance(0.6):
            cross_at(stage, red + GRACE + stage.uniform(1.5, 4.0), "passes on red")
            stage.due(RULE)
        else:
            wait(stage, red - 1.5, red + 12.0)
    passing.traffic(stage, 2, 50, 4, east=False)
