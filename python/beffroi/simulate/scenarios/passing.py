"""Nothing in particular: people who cross the square, cars that drive through; most scenarios have some."""

from beffroi.simulate import intents
from beffroi.simulate.layout import Place
from beffroi.simulate.stage import Stage, scenario

# Just out of sight: the left and right end of the strip between the square and the road.
LEFT: Place = (-13.2, 18.7)
RIGHT: Place = (13.2, 18.7)


def strollers(stage: Stage, begin: float, end: float, number: int) -> None:
    """People walk along the far edge of the square, away from every zone, one every few seconds."""
    for i in range(number):
        at = begin + (end - begin) * (i + stage.uniform(0.0, 0.8)) / number
        y = stage.uniform(18.4, 19.5)
        places = [(-13.4, y), (13.4, y)]
        if stage.uniform(0, 1) < 0.5:
            places.reverse()
        stage.person(intents.walk(stage.rng, at, places), "passes")


def traffic(stage: Stage, begin: float, end: float, number: int, *, east: bool) -> None:
    """Cars (and now and then something else) drive through one lane with a safe distance."""
    gap = (end - begin) / max(1, number)
    speed = stage.uniform(8.5, 9.5)
    for i in range(number):
        label = str(stage.rng.choice(["car", "car", "car", "truck", "bus", "motorcycle"]))
        at = begin + gap * (i + stage.uniform(0.0, 0.3))
        stage.vehicle(label, intents.drive_through(at, east=east, speed=speed), "drives through")


@scenario("quiet", 40)
def quiet(stage: Stage) -> None:
    """People and cars pass, a cyclist too; nothing is watched, nothing happens."""
    strollers(stage, 0, 34, 8)
    traffic(stage, 1, 36, 5, east=True)
    traffic(stage, 3, 36, 5, east=False)
    stage.cyclist(intents.ride(stage.rng, 8, [(-14.5, 20.9), (14.5, 20.9)]), "passes")
