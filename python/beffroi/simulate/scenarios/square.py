"""A minute and a half on the square with everything in it: what the demonstration shows."""

from beffroi.simulate import intents
from beffroi.simulate.scenarios import (
    gathering,
    intrusion,
    lines,
    loitering,
    occupancy,
    parking,
    passing,
    stopped_vehicle,
    wrong_way,
)
from beffroi.simulate.stage import Stage, scenario


@scenario("square", 80)
def square(stage: Stage) -> None:
    """Lingering, a gathering, steps on the lawn, parking, a wrong-way driver, a breakdown, and more."""
    lines.count_traffic(stage)
    # The light is red for 18 s: whoever stands longer has broken down.
    stage.watch("Stopped, eastbound", "stopped_vehicle", zone="eastbound", after="30s", severity="critical")
    gathering.file_past(stage, stage.uniform(0, 1))
    wrong_way.leave_bay(stage, stage.uniform(1, 2))
    parking.park(stage, stage.uniform(0, 1), "car")
    intrusion.along_the_border(stage, stage.uniform(1, 2))
    occupancy.some_guests(stage, 2, 76)
    passing.traffic(stage, 6, 13, 2, east=False)
    intrusion.trespass(stage, stage.uniform(9, 10))
    stage.cyclist(intents.ride(stage.rng, stage.uniform(12, 13), [(14.5, 20.9), (-14.8, 20.9)]), "passes")
    loitering.linger(stage, stage.uniform(15, 16))
    wrong_way.drive_wrong_way(stage, stage.uniform(20, 21))
    gathering.meet(stage, stage.uniform(20, 22), 15)
    lines.take_the_zebra(stage, stage.uniform(24, 26))
    passing.traffic(stage, 31, 37, 2, east=True)
    wrong_way.reverse_into_bay(stage, stage.uniform(36, 37), 60)
    stopped_vehicle.queue_at_light(stage, 40.0, 18.0)
    occupancy.more_guests(stage, 42, 66)
    stopped_vehicle.break_down(stage, stage.uniform(48, 49), 20)
    lines.cross_the_road(stage, stage.uniform(60, 62))
    passing.strollers(stage, 3, 70, 9)
