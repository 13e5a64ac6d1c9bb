"""Light for whoever is there, and a while after. Near misses: the next comes while it burns; cars."""

from beffroi.simulate import intents
from beffroi.simulate.stage import Stage, scenario

RULE = "Light on the square"
HOLD = 10.0


def cross(stage: Stage, at: float) -> float:
    """Somebody crosses the square; gives when they are gone."""
    stage.watch(RULE, "presence", zone="plaza", hold=f"{HOLD:g}s", classes=["person"], severity="info")
    y = stage.uniform(11.0, 17.5)
    half = 0.62 * (0.93 * y + 2.6) + 0.6
    places = [(-half, y), (half, stage.uniform(11.0, 17.5))]
    path = intents.walk(stage.rng, at, places if stage.chance(0.5) else places[::-1])
    stage.person(path, "crosses the square")
    return path.ends


@scenario("presence", 80)
def presence(stage: Stage) -> None:
    """People cross the square, some soon after another and some long after; cars drive by all the time."""
    gone = cross(stage, stage.uniform(1.0, 3.0))
    stage.due(RULE)
    while gone < 50.0:
        if stage.chance(0.5):
            gone = cross(stage, gone - stage.uniform(0.0, 1.5))
        else:
            gone = cross(stage, gone + HOLD * stage.uniform(1.6, 2.0))
            stage.due(RULE)
    for i in range(6):
        stage.vehicle("car", intents.drive_through(2.0 + 12.0 * i, east=bool(i % 2)), "drives through")
