"""Somebody on the lawn, and a runner through a narrow strip. Near miss: a walk along the border."""

from beffroi.simulate import intents
from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario


def trespass(stage: Stage, at: float) -> None:
    """Cross the lawn."""
    stage.watch("On the lawn", "intrusion", zone="lawn", after="1s", severity="warning")
    y = stage.uniform(14.4, 15.6)
    places = [(-11.8, y + 1.6), (-8.0, y + 0.6), (-5.5, y), (-2.2, y - 0.4), (-0.8, 8.4), (-0.6, 7.2)]
    stage.person(intents.walk(stage.rng, at, places, stage.uniform(1.0, 1.3)), "enters the lawn")


def along_the_border(stage: Stage, at: float) -> None:
    """Walk past the lawn a short step away from it."""
    y = stage.uniform(12.35, 12.45)
    stage.person(
        intents.walk(stage.rng, at, [(-9.6, y), (-1.4, y), (2.0, 8.4), (2.4, 7.2)]), "walks along the lawn"
    )


def through_the_strip(stage: Stage, at: float) -> None:
    """Run through a strip so narrow that a slow camera sees the runner on either side of it only."""
    stage.watch("Through the strip", "intrusion", zone="strip", severity="info")
    y = stage.uniform(14.0, 16.5)
    stage.person(intents.run(stage.rng, at, [(-2.2, 18.9), (-1.9, y), (3.0, y - 0.4), (8.8, 12.6)]), "runs")


@scenario("intrusion", 34)
def intrusion(stage: Stage) -> None:
    """One person crosses the lawn, another walks along its border, a runner crosses a narrow strip."""
    along_the_border(stage, stage.uniform(1, 3))
    trespass(stage, stage.uniform(10, 13))
    through_the_strip(stage, stage.uniform(24, 26))
    passing.strollers(stage, 0, 28, 4)
