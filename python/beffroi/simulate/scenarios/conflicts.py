"""Two road users miss each other by a moment. Near misses: seconds between them, two lanes, a kerb."""

from beffroi.simulate.layout import AWAY, FAR_LANE, NEAR_LANE
from beffroi.simulate.path import Journey
from beffroi.simulate.stage import Stage, scenario

RULE = "Within a moment"
GAP = 1.0
ZEBRA_X = 5.0


def _watch(stage: Stage) -> None:
    stage.watch(RULE, "near_miss", zone="road", gap_time=f"{GAP:g}s", severity="warning")


def conflict(stage: Stage, at: float, gap: float, intent: str) -> None:
    """Somebody crosses the road; a car passes where they have been `gap` seconds before."""
    _watch(stage)
    x, near = ZEBRA_X + stage.uniform(-1.5, 1.5), stage.chance(0.5)
    lane, start = (NEAR_LANE, -AWAY) if near else (FAR_LANE, AWAY)
    rides = stage.chance(0.4)
    pace = stage.uniform(3.0, 4.0) if rides else stage.uniform(1.2, 1.5)
    journey = Journey(at, (x, 20.3), pace)
    places = [(x, 36.0)]
    path = journey.drive(places, pace).path() if rides else journey.walk(places, pace).path()
    if rides:
        stage.cyclist(path, intent)
    else:
        stage.person(path, intent)
    there, speed = at + (lane - 20.3) / pace, stage.uniform(7.0, 9.0)
    come = there + gap - abs(x - start) / speed
    stage.vehicle(
        "car", Journey(come, (start, lane), speed).drive([(-start, lane)], speed).path(), "drives on"
    )


def side_by_side(stage: Stage, at: float) -> None:
    """Two cars pass each other, each in its lane."""
    _watch(stage)
    for start, lane in ((-AWAY, NEAR_LANE), (AWAY, FAR_LANE)):
        path = Journey(at, (start, lane), 8.0).drive([(-start, lane)], 8.0).path()
        stage.vehicle("car", path, "drives in its lane")


def at_the_kerb(stage: Stage, at: float) -> None:
    """Somebody waits at the kerb while a car drives past."""
    _watch(stage)
    x = ZEBRA_X + stage.uniform(-1.5, 1.5)
    journey = Journey(at - 9.0, (x - 8.0, 20.6)).walk([(x, 20.9)], 1.3).stand(14.0)
    stage.person(journey.walk([(x + 9.5, 20.6)], 1.3).path(), "waits at the kerb")
    path = Journey(at, (-AWAY, NEAR_LANE), 8.0).drive([(AWAY, NEAR_LANE)], 8.0).path()
    stage.vehicle("car", path, "drives past")


@scenario("near_miss", 60)
def near_miss(stage: Stage) -> None:
    """People and cycles cross the road, some a moment before a car, most with seconds to spare."""
    for slot in (3.0, 22.0, 41.0):
        at = slot + stage.uniform(0.0, 1.5)
        if stage.chance(0.5):
            conflict(stage, at, GAP * stage.uniform(0.45, 0.65), "crosses just before a car")
            stage.due(RULE)
        elif stage.chance(0.5):
            conflict(stage, at, stage.uniform(4.0, 5.0), "crosses in time")
        else:
            (side_by_side, at_the_kerb)[int(stage.chance(0.5))](stage, max(at, 9.5))
