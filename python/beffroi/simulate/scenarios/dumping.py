"""Rubbish is brought and left, on foot or by car. Near misses: set down and taken up again, a cup."""

from beffroi.simulate import intents
from beffroi.simulate.layout import AWAY, LAY_BY, NEAR_LANE
from beffroi.simulate.path import Journey
from beffroi.simulate.scenarios import passing, things
from beffroi.simulate.stage import Stage, scenario

RULE = "Rubbish left"
AFTER = 8.0


def _watch(stage: Stage) -> None:
    stage.watch(
        RULE,
        "dumping",
        zone="plaza",
        after=f"{AFTER:g}s",
        min_size="0.4 m",
        distance="3 m",
        severity="warning",
    )
    stage.beyond.update(("still_object", "missing_object"))


def on_foot(stage: Stage, at: float) -> None:
    """Bring it, set it down, walk off."""
    _watch(stage)
    journey = Journey(at, passing.LEFT if stage.chance(0.5) else passing.RIGHT)
    journey.walk([(stage.uniform(-4.5, 4.5), stage.uniform(12.0, 17.0))], 1.1).stand(1.5)
    down = journey.now
    go = passing.LEFT if stage.chance(0.5) else passing.RIGHT
    owner = stage.person(journey.stand(1.0).walk([go], intents.pace(stage.rng)).path(), "leaves rubbish")
    things.set_down(stage, "rubbish", owner, down, scale=stage.uniform(0.9, 1.2))
    stage.due(RULE)


def by_car(stage: Stage, at: float) -> None:
    """Stop in the lay-by, carry it onto the square, drive off."""
    _watch(stage)
    x = stage.uniform(-5.5, -3.5)
    spot = (x + stage.uniform(-1.0, 1.0), stage.uniform(16.8, 17.8))
    journey = Journey(at, (-AWAY, NEAR_LANE), 8.5)
    pull = [(x - 9.0, NEAR_LANE), (x - 4.5, (NEAR_LANE + LAY_BY) / 2), (x - 1.2, LAY_BY), (x, LAY_BY)]
    journey.drive(pull, 8.5, arrive=0.0)
    walk = Journey(journey.now + 1.5, (x, LAY_BY - 1.2)).walk([spot], 1.1).stand(1.5)
    down = walk.now
    owner = stage.person(walk.stand(0.8).walk([(x, LAY_BY - 1.2)], 1.4).path(), "leaves rubbish")
    journey.stand(owner.path.ends + 1.5 - journey.now)
    leave = [(x + 1.5, LAY_BY), (x + 5.5, (NEAR_LANE + LAY_BY) / 2), (x + 10.0, NEAR_LANE), (AWAY, NEAR_LANE)]
    stage.vehicle("car", journey.drive(leave, 8.5).path(), "brings rubbish")
    things.set_down(stage, "rubbish", owner, down, scale=stage.uniform(0.9, 1.2))
    stage.due(RULE)


def rest(stage: Stage, at: float) -> None:
    """Set it down, rest beside it, take it up again and go."""
    _watch(stage)
    journey = Journey(at, passing.LEFT)
    journey.walk([(stage.uniform(-4.5, 4.5), stage.uniform(12.0, 17.0))], 1.1).stand(1.5)
    down = journey.now
    taken = journey.stand(stage.uniform(0.6, 2.0) * AFTER).now
    owner = stage.person(journey.stand(0.8).walk([passing.RIGHT], 1.1).path(), "rests")
    things.set_down(stage, "rubbish", owner, down, taken=taken, taker=owner.path)


def drop_cup(stage: Stage, at: float) -> None:
    """Leave a paper cup: too small to matter."""
    _watch(stage)
    journey = Journey(at, passing.RIGHT)
    journey.walk([(stage.uniform(-4.5, 4.5), stage.uniform(11.0, 13.0))], 1.2).stand(1.0)
    down = journey.now
    owner = stage.person(journey.walk([passing.LEFT], intents.pace(stage.rng)).path(), "drops a cup")
    things.set_down(stage, "cup", owner, down)


@scenario("dumping", 56)
def dumping(stage: Stage) -> None:
    """Rubbish is left, on foot or by car; or set down for a rest; or it is but a cup."""
    at = stage.uniform(1.0, 3.0)
    if stage.chance(0.55):
        (on_foot, by_car)[int(stage.chance(0.5))](stage, at)
    else:
        (rest, drop_cup)[int(stage.chance(0.35))](stage, at)
    if stage.chance(0.3):
        drop_cup(stage, stage.uniform(20.0, 24.0))
    passing.strollers(stage, 0, 46, 3)
