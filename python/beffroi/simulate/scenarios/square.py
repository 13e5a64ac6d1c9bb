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
    # Near misses come first where they share a place with what must fire.
    gathering.file_past(stage, stage.uniform(0, 1))
    wrong_way.leave_bay(stage, stage.uniform(1, 2))
    parking.park(stage, stage.uniform(0, 1), "car")
    loitering.linger(stage, stage.uniform(15, 16))
    intrusion.along_the_border(stage, stage.uniform(1, 2))
    intrusion.trespass(stage, stage.uniform(9, 10))
    gathering.meet(stage, stage.uniform(20, 22), 15)
    occupancy.some_guests(stage, 2, 76)
    occupancy.more_guests(stage, 42, 66)
    passing.traffic(stage, 6, 13, 2, east=False)
    wrong_way.drive_wrong_way(stage, stage.uniform(20, 21))
    wrong_way.reverse_into_bay(stage, stage.uniform(30, 31), 60)
    stopped_vehicle.queue_at_light(stage, 40.0, 18.0)
    stopped_vehicle.break_down(stage, stage.uniform(45, 46), 20)
    lines.cross_the_road(stage, stage.uniform(58, 60))
    lines.take_the_zebra(stage, stage.uniform(24, 26))
    passing.traffic(stage, 31, 37, 2, east=True)
    passing.strollers(stage, 3, 70, 9)
    stage.cyclist(intents.ride(stage.rng, stage.uniform(12, 13), [(14.5, 20.9), (-14.8, 20.9)]), "passes")
