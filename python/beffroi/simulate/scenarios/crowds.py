"""Too many on the forecourt, a crowd that starts to run. Near misses: some people, a crowd that leaves."""

from math import cos, pi, sin

from beffroi.simulate import intents
from beffroi.simulate.layout import Place
from beffroi.simulate.path import Journey
from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario

DENSE, MOVES = "Too dense on the forecourt", "The crowd starts to run"
ABOVE, FORECOURT_M2 = 0.5, 21.8
SPEED = 2.5


def _places(stage: Stage, number: int, centre: Place, spread: Place, apart: float) -> list[Place]:
    """So many places around `centre`, none nearer than `apart` to another."""
    found: list[Place] = []
    while len(found) < number:
        x, y = centre[0] + stage.uniform(-1, 1) * spread[0], centre[1] + stage.uniform(-1, 1) * spread[1]
        if all((x - a) ** 2 + (y - b) ** 2 > apart**2 for a, b in found):
            found.append((x, y))
        else:
            apart *= 0.999
    return found


def fill(stage: Stage, at: float, people: int, seconds: float) -> None:
    """So many people come to the forecourt, stay, and go."""
    stage.watch(DENSE, "density", zone="forecourt", above=f"{ABOVE:g} /m2", after="3s")
    doors = [(9.8, 12.9), (-0.9, 7.2), passing.RIGHT, passing.LEFT]
    for i, spot in enumerate(_places(stage, people, (3.5, 10.9), (2.6, 1.4), 0.75)):
        path = intents.stay(
            stage.rng, at + stage.uniform(0.0, 4.0), come=[doors[i % 4]], spots=[spot],
            seconds=seconds + stage.uniform(0.0, 2.0), go=[doors[(i + 1) % 4]],
        )  # fmt: skip
        stage.person(path, "stands in the crowd")


@scenario("density", 50)
def density(stage: Stage) -> None:
    """The forecourt fills with half as many people again as it may hold, or with half as many."""
    full = ABOVE * FORECOURT_M2
    if stage.chance(0.6):
        fill(stage, stage.uniform(2.0, 5.0), round(full * stage.uniform(1.4, 1.8)), 24.0)
        stage.due(DENSE)
    else:
        fill(stage, stage.uniform(2.0, 5.0), round(full * stage.uniform(0.4, 0.65)), 24.0)
    passing.strollers(stage, 0, 40, 4)


def burst(stage: Stage, at: float, people: int, *, speed: float, apart: bool) -> None:
    """A crowd stands; at a moment everybody goes, apart or all one way."""
    stage.watch(
        MOVES, "crowd_motion", zone="plaza", at_least=5, speed=f"{SPEED:g} m/s", window="4s", pattern="any"
    )
    centre = (stage.uniform(-1.5, 1.5), stage.uniform(13.0, 14.5))
    side = -1 if stage.chance(0.5) else 1
    for spot in _places(stage, people, centre, (2.2, 1.6), 0.8):
        journey = Journey(0.0, spot).stand(at + stage.uniform(0.0, 0.6), stage.rng)
        if apart:
            angle = 2 * pi * float(stage.rng.uniform())
            if abs(spot[0] - centre[0]) + abs(spot[1] - centre[1]) > 0.4:
                dx, dy = spot[0] - centre[0], spot[1] - centre[1]
                norm = (dx * dx + dy * dy) ** 0.5
                away = (spot[0] + 16 * dx / norm, spot[1] + 16 * dy / norm)
            else:
                away = (spot[0] + 16 * cos(angle), spot[1] + 16 * sin(angle))
        else:
            away = (side * 15.0, spot[1] + stage.uniform(-0.5, 0.5))
        # Who runs at the camera is out of sight below the picture; nobody runs into the road.
        away = (away[0], min(max(away[1], 7.0), 19.3))
        mine = speed * stage.uniform(0.92, 1.08)
        # From a standstill people speed up by about 3 m/s in a second.
        path = journey.drive([away], mine, accelerate=3.0).path()
        stage.person(path, "runs off" if speed > SPEED else "walks off")


@scenario("crowd_motion", 34)
def crowd_motion(stage: Stage) -> None:
    """A crowd stands together; it bursts apart, runs off one way, or walks off."""
    people, at = int(stage.rng.integers(8, 14)), stage.uniform(12.0, 16.0)
    if stage.chance(0.6):
        burst(stage, at, people, speed=SPEED * stage.uniform(1.5, 1.8), apart=stage.chance(0.5))
        stage.due(MOVES)
    else:
        burst(stage, at, people, speed=stage.uniform(1.2, 1.6), apart=stage.chance(0.5))
    passing.strollers(stage, 0, 28, 2)
