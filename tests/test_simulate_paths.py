"""Who is where when on the simulated square, and in what pose."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest
from beffroi.simulate.agent import SIZES, Agent, cuboid
from beffroi.simulate.path import Journey
from beffroi.simulate.pose import BENT, SEATED, UPRIGHT, Pose, lying, pose_at, posed
from beffroi.simulate.scenarios.things import ASIDE_M, carried
from hypothesis import given
from hypothesis import strategies as st


def test_a_walk_takes_its_time() -> None:
    way = Journey(2.0, (0, 10)).walk([(3, 10), (3, 14)], 1.0).path()
    assert way.ends == pytest.approx(9.0)
    assert way.at(1.9) is None
    assert way.at(3.5) == pytest.approx((1.5, 10.0, 0.0))
    assert way.at(7.0) == pytest.approx((3.0, 12.0, pi / 2))


def test_standing_stays_within_a_hands_breadth() -> None:
    way = Journey(0.0, (0, 10)).walk([(1, 10)], 1.0).stand(30, np.random.default_rng(0)).path()
    rest = way.positions(np.linspace(1.0, 31.0, 200)) - [1, 10]
    assert np.abs(rest).max() <= 0.08
    assert way.ends == pytest.approx(31.0)


@given(length=st.floats(0.5, 60), start=st.floats(0, 10), cruise=st.floats(1, 12), stops=st.booleans())
def test_a_drive_arrives_and_never_jumps(length: float, start: float, cruise: float, stops: bool) -> None:
    journey = Journey(0.0, (0.0, 20.0), start)
    way = journey.drive([(length, 20.0)], cruise, arrive=0.0 if stops else None).path()
    speeds = np.diff(way.xy[:, 0]) / np.diff(way.t)
    assert way.xy[-1] == pytest.approx([length, 20.0], abs=1e-6)
    assert (np.diff(way.t) > 0).all()
    assert speeds.min() >= -1e-6
    assert speeds.max() <= max(start, cruise) + 1e-6
    if stops:
        assert speeds[-1] <= max(2.0, 0.3 * max(start, cruise))


def test_a_car_in_reverse_looks_against_its_movement() -> None:
    way = Journey(0.0, (0.0, 20.0)).drive([(4.0, 20.0)], 1.5, arrive=0.0, reverse=True).path()
    assert np.cos(way.heading) == pytest.approx(-1.0)
    assert way.xy[-1, 0] > way.xy[0, 0]


def test_a_journey_without_a_leg_is_refused() -> None:
    with pytest.raises(ValueError, match="leg"):
        Journey(0.0, (0, 0)).path()


# Poses.


def extent(pose: Pose, heading: float = 0.0) -> np.ndarray:
    """Width in x, y and z of a person of 0.52 by 0.34 by 1.74 m in `pose`."""
    width, length, height = SIZES["person"]
    size = (width * pose.wide, length * pose.long, height * pose.tall)
    return np.ptp(posed(cuboid(0.0, 12.0, heading, size), (0.0, 12.0), pose), axis=0)


def test_who_lies_is_as_long_as_tall_before_and_as_high_as_thick() -> None:
    assert extent(UPRIGHT) == pytest.approx([0.34, 0.52, 1.74])
    assert extent(lying(0.0)) == pytest.approx([1.74, 0.52, 0.34])
    # To the side of where they look: as high as wide.
    assert extent(lying(pi / 2)) == pytest.approx([0.34, 1.74, 0.52])


@given(tilt=st.floats(0, pi / 2), towards=st.floats(-7, 7), heading=st.floats(-7, 7))
def test_no_pose_sinks_into_the_ground_or_changes_the_body(
    tilt: float, towards: float, heading: float
) -> None:
    upright = cuboid(1.0, 12.0, heading, SIZES["person"])
    turned = posed(upright, (1.0, 12.0), Pose(tilt, towards))
    assert turned[:, 2].min() == pytest.approx(0.0, abs=1e-9)
    for i in range(8):
        before, after = (np.linalg.norm(body - body[i], axis=1) for body in (upright, turned))
        assert after == pytest.approx(before, abs=1e-9)


def test_who_bends_or_sits_is_lower_and_deeper() -> None:
    heights = [extent(pose)[2] for pose in (UPRIGHT, SEATED, BENT, lying(0.0))]
    depths = [extent(pose)[0] for pose in (UPRIGHT, SEATED, BENT, lying(0.0))]
    assert heights == sorted(heights, reverse=True)
    assert depths == sorted(depths)


def test_a_pose_is_taken_evenly() -> None:
    poses = ((2.0, UPRIGHT), (3.0, lying(1.0)), (9.0, lying(1.0)), (10.0, UPRIGHT))
    tilts = [pose_at(poses, t).tilt for t in (0.0, 2.0, 2.5, 3.0, 8.0, 9.5, 20.0)]
    assert tilts == pytest.approx([0.0, 0.0, pi / 4, pi / 2, pi / 2, pi / 4, 0.0])
    assert pose_at((), 5.0) == UPRIGHT


def test_an_agent_has_the_corners_of_its_pose() -> None:
    way = Journey(0.0, (0.0, 12.0)).stand(10.0).path()
    falls = Agent("a", "person", way, "falls", SIZES["person"], poses=((4.0, UPRIGHT), (5.0, lying(0.0))))
    upright, down = falls.corners(3.0), falls.corners(6.0)
    assert upright is not None
    assert down is not None
    assert np.ptp(upright, axis=0) == pytest.approx([0.34, 0.52, 1.74])
    assert np.ptp(down, axis=0) == pytest.approx([1.74, 0.52, 0.34])
    assert falls.corners(10.1) is None


def test_a_thing_goes_with_who_carries_it_and_stands_between() -> None:
    bearer = Journey(0.0, (0.0, 10.0)).walk([(10.0, 10.0)], 1.0).path()
    taker = Journey(20.0, (9.0, 10.0)).walk([(0.0, 10.0)], 1.0).path()
    way = carried(bearer, 5.0, 22.0, taker, 60.0)
    apart = np.hypot(*(way.positions(np.array([1.0, 3.0])) - bearer.positions(np.array([1.0, 3.0]))).T)
    assert apart == pytest.approx([ASIDE_M, ASIDE_M], abs=0.02)
    rests = way.positions(np.linspace(5.1, 21.9, 30))
    assert np.ptp(rests, axis=0) == pytest.approx([0.0, 0.0])
    assert way.positions(np.array([25.0]))[0] == pytest.approx(
        taker.positions(np.array([25.0]))[0] - [0.0, ASIDE_M], abs=0.02
    )
    left = carried(bearer, 5.0, None, None, 60.0)
    assert left.ends == pytest.approx(60.0)
