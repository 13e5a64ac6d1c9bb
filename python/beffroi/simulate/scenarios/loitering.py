"""Somebody lingers at the cash point. Near miss: somebody who uses it and goes."""

from beffroi.simulate import intents
from beffroi.simulate.layout import Place
from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario

AFTER = 12.0


def watch(stage: Stage) -> None:
    """Watch the cash point."""
    stage.watch("Lingering at the cash point", "loitering", zone="cash-point", after=f"{AFTER:.0f}s")


def spot(stage: Stage) -> Place:
    """Somewhere in front of it."""
    return stage.uniform(-4.8, -2.6), stage.uniform(9.9, 11.3)


def linger(stage: Stage, at: float) -> None:
    """Come to the cash point and wander about there for too long."""
    watch(stage)
    seconds = AFTER + stage.uniform(9, 12)
    spots = [spot(stage) for _ in range(3)]
    path = intents.stay(
        stage.rng, at, come=[(-0.9, 7.2), (-1.2, 8.6)], spots=spots, seconds=seconds, go=[(-9.8, 12.4)]
    )
    stage.person(path, "lingers")


def use(stage: Stage, at: float) -> None:
    """Come to the cash point, use it, go: half the time that is too long."""
    watch(stage)
    seconds = stage.uniform(0.3, 0.5) * AFTER
    path = intents.stay(
        stage.rng,
        at,
        come=[(-0.9, 7.2), (-1.2, 8.6)],
        spots=[spot(stage)],
        seconds=seconds,
        go=[(-9.8, 12.4)],
    )
    stage.person(path, "uses the cash point")


@scenario("loitering", 50)
def loitering(stage: Stage) -> None:
    """One person lingers at the cash point, two others use it and go."""
    use(stage, stage.uniform(0, 1))
    linger(stage, stage.uniform(12, 14))
    use(stage, stage.uniform(37, 38))
    passing.strollers(stage, 0, 44, 5)
    passing.traffic(stage, 2, 44, 4, east=True)
