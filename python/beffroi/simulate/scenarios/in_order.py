"""One thing after another. Near misses: too long after, by somebody else, only the second of the two."""

from beffroi.simulate import intents
from beffroi.simulate.scenarios import loitering, passing
from beffroi.simulate.stage import Stage, scenario

GATE, FOLLOWS = "Through the gate", "A second within 3 s"
FORECOURT, IN_ORDER = "On the forecourt", "Forecourt, then the cash point"


def pair(stage: Stage, at: float, gap: float) -> None:
    """Two people go through the gate, `gap` seconds apart."""
    stage.watch(
        GATE, "line_crossing", line="gate", direction="right_to_left", classes=["person"], severity="info"
    )
    stage.watch(FOLLOWS, "sequence", steps=[GATE, GATE], within="3s", same_subject=False, severity="warning")
    speed = stage.uniform(1.2, 1.4)
    for i in range(2):
        x = stage.uniform(-0.6, 0.6)
        path = intents.walk(stage.rng, at + i * gap, [(x, 7.2), (x, 17.5), passing.RIGHT], speed)
        stage.person(path, "goes through the gate")
    stage.due(GATE, 2)


@scenario("tailgating", 60)
def tailgating(stage: Stage) -> None:
    """People go through a gate, some right behind another, most one by one."""
    for slot in (1.0, 21.0, 41.0):
        at = slot + stage.uniform(0.0, 1.5)
        if stage.chance(0.5):
            pair(stage, at, stage.uniform(1.2, 2.0))
            stage.due(FOLLOWS)
        else:
            pair(stage, at, stage.uniform(5.5, 7.5))


@scenario("in_order", 64)
def in_order(stage: Stage) -> None:
    """Somebody comes over the forecourt and lingers at the cash point; or two people do half of it each."""
    stage.watch(FORECOURT, "intrusion", zone="forecourt", after="1s", severity="info")
    loitering.watch(stage)
    lingers = "Lingering at the cash point"
    stage.watch(IN_ORDER, "sequence", steps=[FORECOURT, lingers], within="45s", same_subject=True)
    seconds = loitering.AFTER + stage.uniform(8.0, 10.0)
    spots = [loitering.spot(stage) for _ in range(3)]
    over, at = [(9.4, 11.3), (3.6, 11.0), (-0.6, 10.8)], stage.uniform(2.0, 5.0)
    if stage.chance(0.5):
        path = intents.stay(stage.rng, at, come=over, spots=spots, seconds=seconds, go=[(-9.8, 12.4)])
        stage.person(path, "lingers")
        stage.due(FORECOURT)
        stage.due(lingers)
        stage.due(IN_ORDER)
        return
    if stage.chance(0.7):
        first = intents.walk(stage.rng, at, [(9.4, 11.3), (3.4, 11.2), (2.6, 7.2)])
        stage.person(first, "passes over the forecourt")
        stage.due(FORECOURT)
        at += 12.0
    path = intents.stay(stage.rng, at, come=[(-9.8, 12.4)], spots=spots, seconds=seconds, go=[(-9.8, 12.4)])
    stage.person(path, "lingers")
    stage.due(lingers)
