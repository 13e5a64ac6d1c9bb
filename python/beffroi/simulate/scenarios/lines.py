"""Lines crossed and counted. Near misses: dithering on it, walking round its end, crossing the other way."""

from beffroi.simulate import intents
from beffroi.simulate.layout import AWAY, NEAR_LANE
from beffroi.simulate.path import Journey
from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario


def _watch_kerb(stage: Stage) -> None:
    stage.watch(
        "Crossing outside the zebra",
        "line_crossing",
        line="kerb",
        direction="right_to_left",
        classes=["person"],
    )


def cross_the_road(stage: Stage, at: float) -> None:
    """Step over the kerb between the lay-by and the zebra, and cross the road."""
    _watch_kerb(stage)
    x = stage.uniform(3.5, 6.5)
    places = [passing.RIGHT, (x, 19.2), (x - 0.4, 29.9), (-19.8, 31.5)]
    stage.person(intents.walk(stage.rng, at, places), "crosses the line")


def come_back(stage: Stage, at: float) -> None:
    """Cross the road towards the square: the direction that is not watched."""
    _watch_kerb(stage)
    x = stage.uniform(3.5, 6.5)
    places = [(-19.8, 31.5), (x, 29.9), (x, 19.0), passing.RIGHT]
    stage.person(intents.walk(stage.rng, at, places), "crosses the other way")


def take_the_zebra(stage: Stage, at: float) -> None:
    """Walk round the end of the line, where the zebra is."""
    _watch_kerb(stage)
    x = stage.uniform(10.3, 11.6)
    places = [passing.LEFT, (8.0, 20.6), (x, 21.0), (x, 30.0), (21.0, 31.5)]
    stage.person(intents.walk(stage.rng, at, places), "walks round the end")


def dither(stage: Stage, at: float) -> None:
    """Put a foot over the kerb several times, and stay."""
    _watch_kerb(stage)
    x = stage.uniform(2.6, 3.4)
    come = [passing.LEFT, (x - 1.0, 19.4), (x, 21.75)]
    path = intents.dither(
        stage.rng, at, come=come, step=(0.0, 0.28), times=6, go=[(x + 1.0, 20.4), passing.RIGHT]
    )
    stage.person(path, "dithers on the line")


def count_traffic(stage: Stage) -> None:
    """Count the vehicles that pass the light."""
    stage.watch(
        "Traffic", "line_count", line="traffic", classes=["car", "truck", "bus", "motorcycle"], every="10s"
    )


@scenario("line_crossing", 50)
def line_crossing(stage: Stage) -> None:
    """One person crosses the line; others dither on it, walk round its end, cross it the other way."""
    dither(stage, stage.uniform(0, 1))
    take_the_zebra(stage, stage.uniform(3, 5))
    cross_the_road(stage, stage.uniform(20, 22))
    come_back(stage, stage.uniform(8, 10))


@scenario("line_count", 70)
def line_count(stage: Stage) -> None:
    """Forty people cross the square both ways; cars pass the light, some in stop-and-go on the line."""
    stage.watch("People", "line_count", line="passage", classes=["person"], every="10s")
    count_traffic(stage)
    for i in range(40):
        at = 1.4 * i + stage.uniform(0, 1)
        y = stage.uniform(10.0, 18.6)
        half = 0.62 * (0.93 * y + 2.6) + 0.8
        places = [(-half, y), (half, y + stage.uniform(-0.6, 0.6))]
        if i % 2:
            places.reverse()
        stage.person(intents.walk(stage.rng, at, places), "crosses the line")
    lane = NEAR_LANE
    for i, at in enumerate((2.0, 5.5, 9.5)):
        journey = Journey(at, (-AWAY, lane), 8.0)
        # Each stop brings the middle of the car onto the counting line or just off it, to and fro in the
        # queue.
        for k, x in enumerate((-2.6, 0.9, 4.2, 7.4)):
            journey.drive([(x - 6.5 * i - 0.4 * (k == 2), lane)], 4.0, arrive=0.0).stand(
                stage.uniform(2.5, 4.0)
            )
        stage.vehicle("car", journey.drive([(AWAY, lane)], 8.0).path(), "stops and goes")
    passing.traffic(stage, 3, 55, 9, east=False)
