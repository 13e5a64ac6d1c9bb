"""A car turns left over the other lane where it must not. Near misses: turning right, driving on."""

from beffroi.simulate import intents
from beffroi.simulate.layout import AWAY, FAR_LANE, NEAR_LANE
from beffroi.simulate.path import Journey
from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario

RULE = "No left turn"
STREET_X = -5.2


def _watch(stage: Stage) -> None:
    stage.watch(RULE, "forbidden_turn", gates=["from-the-west", "side-street"], within="15s")


def turn_left(stage: Stage, at: float) -> None:
    """From the near lane across the far one into the side street."""
    _watch(stage)
    journey = Journey(at, (-AWAY, NEAR_LANE), 7.0).drive([(-9.6, NEAR_LANE)], 7.0, arrive=4.0)
    x = STREET_X + stage.uniform(0.0, 1.0)
    bend = [(x - 1.8, NEAR_LANE + 0.7), (x - 0.3, FAR_LANE - 0.6), (x, FAR_LANE + 2.4), (x, 42.0)]
    stage.vehicle("car", journey.drive(bend, 5.0).path(), "turns left")
    stage.due(RULE)


def turn_right(stage: Stage, at: float) -> None:
    """From the far lane into the same street, as one may."""
    _watch(stage)
    journey = Journey(at, (AWAY, FAR_LANE), 7.0).drive([(-1.0, FAR_LANE)], 7.0, arrive=4.0)
    x = STREET_X - stage.uniform(0.0, 0.6)
    bend = [(x + 1.4, FAR_LANE + 0.8), (x + 0.2, FAR_LANE + 2.6), (x, FAR_LANE + 4.5), (x, 42.0)]
    stage.vehicle("car", journey.drive(bend, 5.0).path(), "turns right")


def drive_on(stage: Stage, at: float) -> None:
    """Straight on over the first gate."""
    _watch(stage)
    stage.vehicle("car", intents.drive_through(at, east=True, speed=stage.uniform(7.5, 9.0)), "drives on")


@scenario("forbidden_turn", 50)
def turning(stage: Stage) -> None:
    """Cars turn left where they must not, turn right, drive on."""
    for slot in (1.0, 17.0, 33.0):
        at = slot + stage.uniform(0.0, 1.5)
        if stage.chance(0.5):
            turn_left(stage, at)
        else:
            (turn_right, drive_on)[int(stage.chance(0.5))](stage, at)
        if stage.chance(0.5):
            drive_on(stage, at + 8.0)
    passing.strollers(stage, 0, 40, 3)
