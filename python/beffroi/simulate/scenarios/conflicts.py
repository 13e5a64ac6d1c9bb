"""Two road users miss each other by a moment. Near misses: seconds between them, two lanes, a kerb."""

from beffroi.simulate.agent import SIZES
from beffroi.simulate.layout import AWAY, FAR_LANE, NEAR_LANE
from beffroi.simulate.path import Journey
from beffroi.simulate.stage import Stage, scenario

RULE = "Within a moment"
GAP = 1.0
CROSSING_X = 0.0
"""Where people cross: in the middle, where whoever drives has been in sight for a while."""


def _watch(stage: Stage) -> None:
    stage.watch(RULE, "near_miss", zone="road", gap_time=f"{GAP:g}s", severity="warning")


def conflict(stage: Stage, at: float, gap: float, intent: str) -> None:
    """Somebody crosses the road; `gap` seconds after they have left a car's way, its bonnet is there."""
    _watch(stage)
    x, near = CROSSING_X + stage.uniform(-1.5, 1.5), stage.chance(0.5)
    lane, start = (NEAR_LANE, -AWAY) if near else (FAR_LANE, AWAY)
    rides = stage.chance(0.4)
    pace = stage.uniform(3.0, 4.0) if rides else stage.uniform(1.2, 1.5)
    # A rider comes from the square, to be in sight for as long as somebody who steps off the kerb.
    begin = 13.0 if rides else 20.3
    journey = Journey(at, (x, begin), pace)
    places = [(x, 36.0)]
    path = journey.drive(places, pace).path() if rides else journey.walk(places, pace).path()
    if rides:
        stage.cyclist(path, intent)
    else:
        stage.person(path, intent)
    there, speed = at + (lane - begin) / pace, stage.uniform(7.0, 9.0)
    car, body = SIZES["car"], SIZES["bicycle" if rides else "person"]
    clear = (body[1] + car[0]) / 2 / pace + (car[1] + body[0]) / 2 / speed
    come = there + gap + clear - abs(x - start) / speed
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
    x = CROSSING_X + stage.uniform(-1.5, 1.5)
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
            conflict(stage, at, GAP * stage.uniform(0.2, 0.55), "crosses just before a car")
            stage.due(RULE)
        elif stage.chance(0.5):
            conflict(stage, at, stage.uniform(2.5, 4.0), "crosses in time")
        else:
            (side_by_side, at_the_kerb)[int(stage.chance(0.5))](stage, max(at, 9.5))
