"""The geography of the square, in metres: what is painted on the ground, which zones and lines are watched.

From the camera outwards: the paved square with a lawn, a café terrace and a cash point; a lay-by with a bus
stop; a road with a lane each way (traffic keeps to the right: the near lane flows to +x, the far one to -x)
and a zebra crossing with a light; parking bays; house fronts with the belfry.
"""

from __future__ import annotations

from typing import Final

Place = tuple[float, float]
Shape = tuple[Place, ...]

SQUARE_EDGE: Final = 19.8
"""Where the paved square ends and the pavement begins."""
KERB: Final = 22.0
"""Where the pavement ends and the road begins, but for the lay-by."""
LAY_BY_ENDS: Final = (-9.0, 0.0)
"""From x to x."""
NEAR_LANE: Final = 23.6
"""Middle of the lane that flows to +x."""
MEDIAN: Final = 25.3
FAR_LANE: Final = 27.0
"""Middle of the lane that flows to -x."""
FAR_KERB: Final = 28.6
FRONTS: Final = 36.0
"""House fronts."""
STOP_LINE: Final = 8.6
"""Where the near lane waits at the light (x)."""
ZEBRA: Final = (9.6, 12.6)
"""Where people cross the road (x from, x to)."""
LAY_BY: Final = 20.9
"""Middle of the lay-by."""
BAYS: Final = (6.0, 8.6, 11.2, 13.8, 16.4)
"""Borders of the parking bays (x), which reach from the far kerb five metres back."""
AWAY: Final = 24.0
"""Vehicles come and go beyond this |x|: out of sight."""

ZONES: Final[dict[str, Shape]] = {
    "lawn": ((-8.2, 13.0), (-3.0, 13.0), (-3.0, 17.4), (-9.2, 17.4)),
    "terrace": ((3.2, 13.4), (8.4, 13.4), (9.6, 17.8), (3.2, 17.8)),
    "cash-point": ((-5.6, 9.3), (-1.8, 9.3), (-1.8, 12.0), (-5.6, 12.0)),
    "forecourt": ((0.4, 9.2), (6.2, 9.2), (7.4, 12.6), (0.4, 12.6)),
    # The middle of a vehicle's footprint, as its box shows it, lies about a metre behind the true one, two
    # for a tall one: an installer sees that and draws the lanes where vehicles are judged to be, as here.
    "bus-stop": ((-9.0, 19.6), (0.0, 19.6), (0.0, 22.9), (-9.0, 22.9)),
    "eastbound": ((-13.4, 23.1), (13.4, 23.1), (15.2, 26.4), (-15.2, 26.4)),
    "westbound": ((-15.5, 26.7), (15.5, 26.7), (17.0, 29.8), (-17.0, 29.8)),
    "strip": ((0.2, 13.0), (1.4, 13.0), (1.4, 17.8), (0.2, 17.8)),
    "plaza": ((-6.0, 9.2), (6.0, 9.2), (11.2, 19.2), (-11.2, 19.2)),
    "approach": ((-12.5, 22.6), (9.0, 22.6), (9.0, 26.3), (-14.0, 26.3)),
    "road": ((-12.0, 21.2), (12.6, 21.2), (15.2, 30.6), (-15.2, 30.6)),
}
LINES: Final[dict[str, Shape]] = {
    # Towards the road is from right to left: somebody who looks along +x has the road on the left.
    "kerb": ((1.5, 21.9), (8.6, 21.9)),
    # In the middle, where everybody has been in sight for a while, and to beyond the far kerb: a bus is
    # judged to be three metres behind where it is.
    "traffic": ((4.0, 22.2), (4.6, 32.8)),
    "passage": ((0.0, 9.0), (0.0, 19.4)),
    # Onwards (+x) is from left to right; far enough for a lorry in the near lane, judged to be behind it.
    "stop": ((8.9, 22.0), (8.9, 28.0)),
    "from-the-west": ((-11.0, 22.0), (-11.0, 28.0)),
    "from-the-east": ((5.0, 26.6), (5.0, 30.0)),
    "side-street": ((-9.0, 31.0), (-1.5, 31.0)),
    # A barrier across the square; away from the camera is from right to left.
    "gate": ((-1.6, 14.0), (1.6, 14.0)),
}
CALIBRATION: Final[Shape] = (
    (-5.0, 10.0),
    (5.0, 10.0),
    (-8.0, 19.8),
    (8.0, 19.8),
    (-14.0, 28.6),
    (14.0, 28.6),
)
"""Where an installer would have measured: corners of paving and kerbs."""
