"""A bin that is full, told by its look. Near misses: wrong looks now and then, a bin emptied at once."""

from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario

RULE = "Bin full"
AFTER = 8.0


@scenario("state", 60)
def state(stage: Stage) -> None:
    """A bin is full for a while, or for moments only."""
    stage.watch(
        RULE, "state", signal="bin", **{"is": "full"}, after=f"{AFTER:g}s", severity="info",
        votes={"share": 0.7, "within": "3s"},
    )  # fmt: skip
    stage.signal(0.0, "bin", "empty")
    at = stage.uniform(4.0, 8.0)
    if stage.chance(0.5):
        stage.signal(at, "bin", "full")
        at += stage.uniform(0.2, 0.5) * AFTER
        stage.signal(at, "bin", "half")
        at += stage.uniform(8.0, 12.0)
    if stage.chance(0.6):
        stage.signal(at, "bin", "full")
        stage.due(RULE)
        at += AFTER * stage.uniform(2.0, 2.5)
        stage.signal(at, "bin", "empty")
    passing.strollers(stage, 0, 50, 4)
