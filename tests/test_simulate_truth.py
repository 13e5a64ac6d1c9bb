"""The truth of the simulated square is what the geometry says: read off paths, with no detector between."""

from __future__ import annotations

import numpy as np
import pytest
from beffroi.simulate import Agent, Camera, Square
from beffroi.simulate.agent import SIZES
from beffroi.simulate.path import Journey
from beffroi.simulate.path import Path as Way
from beffroi.simulate.pose import UPRIGHT, lying
from beffroi.simulate.truth import World, answer, crossings, inside, number, seconds, spells, state_at


def world(*agents: Agent, duration: float = 60.0) -> World:
    zones = {"box": ((0.0, 10.0), (4.0, 10.0), (4.0, 14.0), (0.0, 14.0))}
    return World(agents, zones, {"line": ((0.0, 12.0), (6.0, 12.0))}, duration, Camera())


def somebody(way: Way, label: str = "person", intent: str = "") -> Agent:
    return Agent(f"{label} {id(way)}", label, way, intent, SIZES[label])


def test_points_in_a_polygon() -> None:
    points = np.array([[1, 1], [3, 1], [1, 3], [np.nan, 1], [-1, 1]], np.float64)
    assert inside(points, ((0, 0), (2, 0), (2, 2), (0, 2))).tolist() == [True, False, False, False, False]


def test_spells_bridge_short_breaks() -> None:
    times = np.arange(10.0)
    holds = np.array([0, 1, 1, 0, 1, 0, 0, 0, 1, 1], bool)
    assert spells(holds, times) == [(1, 2), (4, 4), (8, 9)]
    assert spells(holds, times, forgive=2.0) == [(1, 4), (8, 9)]


@pytest.mark.parametrize(("text", "value"), [("500ms", 0.5), ("12s", 12.0), ("2min", 120.0), (3, 3.0)])
def test_times_as_rules_write_them(text: str | float, value: float) -> None:
    assert seconds(text) == value


def test_a_time_without_a_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="12s"):
        seconds("twelve")


@pytest.mark.parametrize(
    ("places", "found"),
    [
        ([(3, 10), (3, 14)], [False]),  # away from the camera: the line runs along +x, its left is beyond it
        ([(3, 14), (3, 10)], [True]),
        ([(3, 10), (3, 14), (3, 10)], [False, True]),
        ([(3, 11.5), (3, 12.3), (3, 11.8), (3, 12.3), (3, 11.0)], []),  # dithers, turns back
        ([(7, 10), (7, 14)], []),  # round the end
        ([(3, 11.9), (3, 12.2), (8, 12.2)], [False]),  # over it, and away along it
    ],
)
def test_crossings(places: list[tuple[float, float]], found: list[bool]) -> None:
    way = Journey(0.0, places[0]).walk(places[1:], 1.0).path()
    assert [rightwards for _, rightwards in crossings(somebody(way), ((0.0, 12.0), (6.0, 12.0)))] == found


def test_a_stay_is_due_after_its_time_and_not_for_a_shorter_one() -> None:
    # In the zone from 2 s (four metres at 2 m/s) on.
    stay = Journey(0.0, (2.0, 6.0)).walk([(2.0, 12.0)], 2.0).stand(10).walk([(2.0, 18.0)], 2.0).path()
    rule = {"name": "r", "type": "loitering", "zone": "box", "after": "8s"}
    [[opens, closes]] = answer(world(somebody(stay)), rule)["alerts"]
    assert opens == pytest.approx(9.0, abs=0.1)
    assert closes == pytest.approx(15.0, abs=0.1)
    assert answer(world(somebody(stay)), rule | {"after": "20s"}) == {"alerts": []}
    assert answer(world(somebody(stay, "car")), rule) == {"alerts": []}


def test_a_stay_too_close_to_the_threshold_is_reported_as_doubtful() -> None:
    stay = Journey(0.0, (2.0, 6.0)).walk([(2.0, 12.0)], 2.0).stand(10).walk([(2.0, 18.0)], 2.0).path()
    doubtful = world(somebody(stay))
    answer(doubtful, {"name": "r", "type": "loitering", "zone": "box", "after": "12s"})
    assert doubtful.doubts


def test_people_who_meet_gather_and_people_who_pass_do_not() -> None:
    rule = {"name": "r", "type": "gathering", "zone": "box", "at_least": 3, "within": "2m", "after": "5s"}
    meet = [Journey(0.0, (x, 8.0)).walk([(x, 12.0)], 1.0).stand(20).path() for x in (1.0, 2.0, 3.0)]
    [[opens, _]] = answer(world(*map(somebody, meet)), rule)["alerts"]
    assert 5.0 <= opens <= 9.0
    row = [Journey(i, (-3.0, 12.0)).walk([(9.0, 12.0)], 1.2).path() for i in range(3)]
    assert answer(world(*map(somebody, row)), rule) == {"alerts": []}


def test_who_waits_at_the_light_has_not_broken_down() -> None:
    rule = {"name": "r", "type": "stopped_vehicle", "zone": "box", "after": "5s"}
    way = Journey(0.0, (-8.0, 12.0), 5.0).drive([(2.0, 12.0)], 5.0, arrive=0.0).stand(20).path()
    assert len(answer(world(somebody(way, "car", "breaks down")), rule)["alerts"]) == 1
    assert answer(world(somebody(way, "car", "waits at the light")), rule) == {"alerts": []}


def test_the_near_miss_at_the_lawn_is_near() -> None:
    for seed in range(10):
        square = Square("intrusion", seed=seed)
        [walker] = [agent for agent in square.agents if agent.intent == "walks along the lawn"]
        beside = [y for x, y in walker.path.xy if -8 < x < -3]
        # The lawn begins at 13 m.
        assert 12.3 < min(beside) <= max(beside) < 12.6


@pytest.mark.parametrize(("text", "value"), [("3 m/s", 3.0), ("0.5 /m2", 0.5), ("30 km/h", 30.0), (2, 2.0)])
def test_quantities_as_rules_write_them(text: str | float, value: float) -> None:
    assert number(text) == value


def test_a_quantity_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="number"):
        number("many")


def test_a_state_has_lasted_since_it_changed_to_it() -> None:
    changes = ((0.0, "light", "green"), (5.0, "light", "red"), (6.0, "bin", "full"), (9.0, "light", "red"))
    assert state_at(changes, "light", 4.0) == ("green", 0.0)
    assert state_at(changes, "light", 12.0) == ("red", 5.0)
    assert state_at(changes, "gate", 12.0) == (None, 0.0)


def test_who_lies_from_the_beginning_has_not_fallen() -> None:
    way = Journey(0.0, (2.0, 12.0)).stand(30.0).path()
    rule = {"name": "r", "type": "fall", "zone": "box", "still_for": "4s"}
    down, lies = lying(0.0), ((0.0, lying(0.0)),)
    falls = Agent("a", "person", way, "", SIZES["person"], poses=((10.0, UPRIGHT), (11.0, down)))
    [[opens, closes]] = answer(world(falls), rule)["alerts"]
    assert opens < 15.0 < closes
    assert answer(world(Agent("a", "person", way, "", SIZES["person"], poses=lies)), rule) == {"alerts": []}
    trips = ((10.0, UPRIGHT), (11.0, down), (12.0, down), (13.0, UPRIGHT))
    assert answer(world(Agent("a", "person", way, "", SIZES["person"], poses=trips)), rule) == {"alerts": []}


def test_a_bag_is_left_when_its_owner_is_far_and_not_while_they_are_near() -> None:
    rule = {
        "name": "r", "type": "abandoned_object", "zone": "box", "after": "10s", "owner_distance": "4 m",
    }  # fmt: skip
    bag = Journey(0.0, (2.0, 12.0)).stand(60.0).path()
    for seconds_near, wanted in ((5.0, 1), (55.0, 0)):
        owner = Journey(0.0, (2.0, 11.0)).stand(seconds_near).walk([(20.0, 11.0)], 1.5).path()
        people = [somebody(owner), Agent("bag", "suitcase", bag, "", SIZES["suitcase"])]
        with_owner = Agent("bag", "suitcase", bag, "", SIZES["suitcase"], owner=people[0].name)
        assert answer(world(*people), rule) == {"alerts": []}  # nobody brought it
        assert len(answer(world(people[0], with_owner), rule)["alerts"]) == wanted


def test_a_near_miss_is_a_matter_of_time_at_one_place() -> None:
    rule = {"name": "r", "type": "near_miss", "zone": "box", "gap_time": "1s"}
    walker = somebody(Journey(0.0, (2.0, 10.5)).walk([(2.0, 13.5)], 1.0).path())
    for late, wanted in ((0.5, 1), (3.0, 0)):
        start = 1.5 + late - 10.0 / 8.0
        car = somebody(Journey(start, (-8.0, 12.0), 8.0).drive([(12.0, 12.0)], 8.0).path(), "car")
        assert len(answer(world(walker, car), rule)["alerts"]) == wanted
        along = somebody(Journey(start, (-8.0, 13.9), 8.0).drive([(12.0, 13.9)], 8.0).path(), "car")
        assert answer(world(walker, along), rule) == {"alerts": []}
