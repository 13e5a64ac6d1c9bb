"""One goes out of sight, another comes by the same way: two short stays are not a long one."""

from beffroi.simulate import intents
from beffroi.simulate.scenarios import loitering, wrong_way
from beffroi.simulate.stage import Stage, scenario


def two_users(stage: Stage, at: float) -> None:
    """Two people use the cash point one after the other; the second comes where the first has gone."""
    loitering.watch(stage)
    door = [(-0.9, 7.2), (-1.2, 8.6)]
    for _ in range(2):
        seconds = stage.uniform(0.3, 0.4) * loitering.AFTER
        path = intents.stay(
            stage.rng, at, come=door, spots=[loitering.spot(stage)], seconds=seconds, go=door[::-1]
        )
        stage.person(path, "uses the cash point")
        at = path.ends + stage.uniform(2.0, 3.0)


def there_and_elsewhere(stage: Stage, at: float) -> None:
    """A car drives the wrong way out of the picture; a moment later another comes in there, as it should."""
    path = wrong_way.drive_wrong_way(stage, at)
    stage.vehicle("car", intents.drive_through(path.ends + 0.5, east=False, speed=7.0), "drives through")


@scenario("relay", 40)
def relay(stage: Stage) -> None:
    """Whoever comes into sight where somebody else has gone out of it is somebody else."""
    two_users(stage, stage.uniform(1, 2))
    there_and_elsewhere(stage, stage.uniform(6, 8))
