"""The terrace fills up. Near miss: it is well frequented, and not full."""

from beffroi.simulate import intents
from beffroi.simulate.layout import Place
from beffroi.simulate.stage import Stage, scenario

SEATS: tuple[Place, ...] = (
    (4.2, 14.4),
    (5.9, 14.3),
    (7.6, 14.6),
    (4.4, 16.4),
    (6.2, 16.2),
    (8.2, 16.5),
    (5.2, 15.4),
)
FULL = 6


def _take_seats(stage: Stage, at: float, until: float, seats: tuple[Place, ...], every: float) -> None:
    stage.watch("Terrace full", "occupancy", zone="terrace", at_least=FULL, after="4s", severity="info")
    for i, seat in enumerate(seats):
        come = at + i * every + stage.uniform(0, 0.4)
        spot = (seat[0] + stage.uniform(-0.15, 0.15), seat[1] + stage.uniform(-0.15, 0.15))
        door = [(13.2, 18.7), (9.5, 18.6)] if i % 2 else [(10.6, 13.0), (9.2, 13.2)]
        seconds = until - come - 6.0 + stage.uniform(0, 1)
        path = intents.stay(stage.rng, come, come=door, spots=[spot], seconds=seconds, go=door[::-1])
        stage.person(path, "sits on the terrace")


def some_guests(stage: Stage, at: float, until: float) -> None:
    """Four guests, two seats short of full."""
    _take_seats(stage, at, until, SEATS[:4], 1.5)


def more_guests(stage: Stage, at: float, until: float) -> None:
    """Three more."""
    _take_seats(stage, at, until, SEATS[4:], 1.2)


@scenario("occupancy", 50)
def occupancy(stage: Stage) -> None:
    """Four guests come to the terrace and stay; later three more, and it is full for a while."""
    some_guests(stage, 1, 48)
    more_guests(stage, stage.uniform(14, 16), 40)
