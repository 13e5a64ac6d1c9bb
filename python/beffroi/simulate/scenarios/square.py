"""A minute and a half on the square with everything in it: what the demonstration shows."""

from beffroi.simulate import intents
from beffroi.simulate.scenarios import (
    falling,
    gathering,
    intrusion,
    left_behind,
    lines,
    loitering,
    occupancy,
    parking,
    passing,
    red_light,
    running,
    stopped_vehicle,
    wrong_way,
)
from beffroi.simulate.stage import Stage, scenario


@scenario("square", 80)
def square(stage: Stage) -> None:
    """Steps on the lawn, a bag, a gathering, a fall, a wrong-way driver, a breakdown, and more."""
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
    # Before the light turns red: backing, it crosses the stop line, which reaches over both lanes.
    wrong_way.reverse_into_bay(stage, stage.uniform(29, 30), 60)
    stopped_vehicle.queue_at_light(stage, 40.0, 18.0)
    occupancy.more_guests(stage, 42, 66)
    stopped_vehicle.break_down(stage, stage.uniform(48, 49), 20)
    lines.cross_the_road(stage, stage.uniform(60, 62))
    passing.strollers(stage, 3, 70, 9)
    # Between the lawn and the terrace, so that one thing happens at a time at one place.
    stage.watch(
        "Light at the cash point", "presence", zone="cash-point", hold="10s", classes=["person"],
        severity="info",
    )  # fmt: skip
    x = stage.uniform(-1.8, -1.2)
    left_behind.leave(stage, stage.uniform(13, 14), ((-0.4, 7.2), (x, 14.4)))
    red_light.watch(stage)
    red_light.cross_at(stage, 40.0 + red_light.GRACE + stage.uniform(1.15, 1.25), "passes on red")
    stage.due(red_light.RULE)
    x = stage.uniform(1.2, 1.8)
    falling.fall(stage, stage.uniform(44, 45), ((-0.4, 7.2), (x, 15.2)))
    y = stage.uniform(12.6, 12.8)
    running.run(stage, stage.uniform(69, 70), [(-9.6, y), (9.6, y)])
