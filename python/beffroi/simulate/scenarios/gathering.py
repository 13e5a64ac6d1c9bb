"""People gather on the forecourt. Near miss: as many in a queue that walks past."""

from beffroi.simulate import intents
from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario


def _watch(stage: Stage) -> None:
    stage.watch(
        "Gathering on the forecourt", "gathering", zone="forecourt", at_least=4, within="2m", after="6s"
    )


def meet(stage: Stage, at: float, seconds: float) -> None:
    """Five people meet for some seconds."""
    _watch(stage)
    centre = (stage.uniform(3.0, 3.8), stage.uniform(10.6, 11.2))
    doors = [(9.8, 12.9), (0.4, 7.2), passing.RIGHT, (4.5, 7.2), (9.2, 11.2)]
    for path in intents.gather(
        stage.rng, at, centre=centre, people=5, together=(at + 9, at + 9 + seconds), doors=doors
    ):
        stage.person(path, "gathers")


def file_past(stage: Stage, at: float) -> None:
    """Six people walk past one behind the other."""
    _watch(stage)
    y = stage.uniform(10.4, 11.2)
    for path in intents.file_past(stage.rng, at, [(9.4, y), (-8.8, y + 0.2)], 6):
        stage.person(path, "queues past")


@scenario("gathering", 50)
def gathering(stage: Stage) -> None:
    """Six people walk past in a row; later five meet and stay together."""
    file_past(stage, stage.uniform(0, 1))
    meet(stage, stage.uniform(14, 16), stage.uniform(16, 18))
    passing.strollers(stage, 0, 44, 4)
