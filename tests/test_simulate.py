"""The simulated square: the same seed gives the same bytes, and the truth is what the geometry says."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from math import pi
from pathlib import Path

import numpy as np
import pytest
from beffroi import Engine, catalogue
from beffroi.components import BuildContext, DetectorConfig, SourceConfig
from beffroi.errors import InputError, ModelError
from beffroi.evaluate.truth import Case, load
from beffroi.frame import Frame
from beffroi.simulate import LEVELS, Agent, Camera, Square, Weather, scenarios, truth_file
from beffroi.simulate.__main__ import main
from beffroi.simulate.agent import COCO, SIZES, cuboid
from beffroi.simulate.noise import SimulatedDetector, look
from beffroi.simulate.path import Journey
from beffroi.simulate.path import Path as Way
from beffroi.simulate.truth import World, answer, crossings, inside, seconds, spells
from hypothesis import given
from hypothesis import strategies as st

CONTEXT = BuildContext(camera="square", folder=Path())
# How many alerts each rule of a scenario must give, whatever the seed; a rule that counts gives none.
WANTED = {
    "gathering": {"Gathering on the forecourt": 1},
    "intrusion": {"On the lawn": 1, "Through the strip": 1},
    "line_count": {"People": None, "Traffic": None},
    "line_crossing": {"Crossing outside the zebra": 1},
    "loitering": {"Lingering at the cash point": 1},
    "occupancy": {"Terrace full": 1},
    "parking": {"Parked at the bus stop": 1},
    "quiet": {},
    "relay": {"Lingering at the cash point": 0, "Against the traffic": 1},
    "square": {
        "On the lawn": 1,
        "Lingering at the cash point": 1,
        "Gathering on the forecourt": 1,
        "Terrace full": 1,
        "Parked at the bus stop": 1,
        "Stopped, eastbound": 0,
        "Stopped, westbound": 1,
        "Against the traffic": 1,
        "Crossing outside the zebra": 1,
        "Traffic": None,
    },
    "stopped_vehicle": {"Stopped, eastbound": 0, "Stopped, westbound": 1},
    "wrong_way": {"Against the traffic": 1},
}


def columns(square: Square) -> list[tuple[int, bytes, bytes, bytes]]:
    found = [(moment.at_ms, moment.detections) for moment in square]
    return [(at, d.xyxy.tobytes(), d.score.tobytes(), d.class_id.tobytes()) for at, d in found]


# The same arguments, the same bytes.


@pytest.mark.parametrize("name", sorted(WANTED))
def test_same_seed_same_bytes(name: str) -> None:
    first, second = (Square(name, seed=5, weather="bad", fps=4, duration=12) for _ in range(2))
    assert columns(first) == columns(second)
    assert first.scene() == second.scene()
    assert first.look(6000).image().tobytes() == second.look(6000).image().tobytes()


def test_another_seed_is_another_day() -> None:
    first, second = (Square("square", seed=seed, fps=4, duration=5) for seed in (1, 2))
    assert columns(first) != columns(second)


def test_a_frame_does_not_depend_on_the_frames_before() -> None:
    slow, fast = (Square("square", seed=1, fps=fps, duration=20) for fps in (2, 10))
    shared = {at: rest for at, *rest in columns(fast)}
    both = [(rest, shared[at]) for at, *rest in columns(slow) if at in shared]
    assert len(both) > 30
    assert all(one == other for one, other in both)


def test_weather_and_frame_rate_do_not_change_what_happens() -> None:
    calm = Square("square", seed=3, weather="clear", fps=25)
    wild = Square("square", seed=3, weather="bad", fps=2, duration=calm.duration)
    assert calm.answers() == wild.answers()


# The camera.


def test_projection_against_values_computed_by_hand() -> None:
    camera = Camera(height=10.0, tilt=45.0, field=90.0, aspect=1.0)
    root = np.sqrt(2)
    # Straight below the optical axis; to its right; as high as the camera; nearer to it.
    assert camera.project(np.array([0.0, 10.0, 0.0])) == pytest.approx([0.5, 0.5])
    assert camera.project(np.array([10.0, 10.0, 0.0])) == pytest.approx([0.5 + 0.5 / root, 0.5])
    assert camera.project(np.array([0.0, 10.0, 10.0])) == pytest.approx([0.5, 0.0])
    assert camera.project(np.array([0.0, 5.0, 0.0])) == pytest.approx([0.5, 0.5 + 0.5 * 5 / 15])
    wide = Camera(height=10.0, tilt=45.0, field=90.0, aspect=2.0)
    assert wide.project(np.array([0.0, 5.0, 0.0])) == pytest.approx([0.5, 0.5 + 1.0 * 5 / 15])


@given(x=st.floats(-15, 15), y=st.floats(8, 60))
def test_ground_undoes_projection(x: float, y: float) -> None:
    camera = Camera()
    assert camera.ground(camera.project(np.array([x, y]))) == pytest.approx([x, y], abs=1e-6)


def test_homography_gives_the_pixels_of_projection() -> None:
    camera, size = Camera(aspect=640 / 480), (640, 480)
    x, y, w = camera.homography(size) @ [3.0, 20.0, 1.0]
    # Pixel centres are at integers: the picture reaches from -0.5 on.
    assert [x / w, y / w] == pytest.approx(camera.project(np.array([3.0, 20.0])) * size - 0.5)


def test_what_cannot_be_seen_is_refused() -> None:
    with pytest.raises(ValueError, match="behind"):
        Camera().project(np.array([0.0, -10.0, 0.0]))
    with pytest.raises(ValueError, match="horizon"):
        Camera(tilt=5.0).ground(np.array([0.5, 0.0]))


def test_a_person_upright_has_the_box_of_head_and_feet() -> None:
    camera = Camera(aspect=16 / 9)
    box = camera.box(cuboid(0.0, 15.0, pi / 2, (0.5, 1e-9, 1.8)))
    feet, head = camera.project(np.array([[0.0, 15.0, 0.0], [0.0, 15.0, 1.8]]))
    assert (box[0] + box[2]) / 2 == pytest.approx(0.5)
    assert [box[1], box[3]] == pytest.approx([head[1], feet[1]])


def test_the_engine_finds_people_where_they_are_on_the_ground() -> None:
    square = Square("loitering", seed=1, weather="clear", fps=5, duration=20)
    engine = Engine(json.dumps(square.scene()))
    errors = []
    for moment in square:
        d = moment.detections
        tracks = engine.step(moment.at_ms, d.xyxy, d.score, d.class_id).tracks
        for row in range(len(tracks)):
            if tracks.det[row] < 0 or tracks.class_id[row] != 0:
                continue
            box = d.xyxy[tracks.det[row]]
            who = min(moment.agents, key=lambda seen: float(np.abs(seen.box - box).max()))
            if who.box[3] < 0.98 and who.box[0] > 0.02 and who.box[2] < 0.98:
                errors.append(float(np.hypot(*(tracks.ground_xy[row] - who.ground))))
    assert len(errors) > 100
    # The box stands on the near edge of the feet, a hand's breadth in front of their middle.
    assert np.median(errors) < 0.4


# Paths.


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


# Truth.


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


@pytest.mark.parametrize("name", sorted(WANTED))
def test_every_seed_of_a_scenario_has_its_alerts_and_no_doubtful_case(name: str) -> None:
    for seed in range(12):
        square = Square(name, seed=seed)
        answers = square.answers()
        found = {rule: len(a["alerts"]) if "alerts" in a else None for rule, a in answers.items()}
        assert found == WANTED[name], f"seed {seed}"
        assert all(a.get("count", 1) > 0 for a in answers.values()), f"seed {seed}"
        doubtful = square.world()
        for rule in square.rules:
            answer(doubtful, rule)
        assert doubtful.doubts == [], f"seed {seed}"


def test_every_scenario_is_accounted_for_and_every_kind_has_one() -> None:
    assert set(scenarios()) == set(WANTED)
    shown = {rule["type"] for name in WANTED for rule in Square(name).rules}
    known = {entry["kind"] for entry in catalogue()}
    assert shown <= known
    assert shown >= {
        "gathering", "intrusion", "line_count", "line_crossing", "loitering", "occupancy", "parking",
        "stopped_vehicle", "wrong_way",
    }  # fmt: skip


def test_the_near_miss_at_the_lawn_is_near() -> None:
    for seed in range(10):
        square = Square("intrusion", seed=seed)
        [walker] = [agent for agent in square.agents if agent.intent == "walks along the lawn"]
        beside = [y for x, y in walker.path.xy if -8 < x < -3]
        # The lawn begins at 13 m.
        assert 12.3 < min(beside) <= max(beside) < 12.6


@pytest.mark.parametrize(
    "name", ["gathering", "line_count", "line_crossing", "loitering", "occupancy", "square"]
)
def test_in_clear_weather_the_engine_says_what_is_true(name: str) -> None:
    square = Square(name, seed=2, weather="clear", fps=10)
    engine = Engine(json.dumps(square.scene()))
    events = []
    for moment in square:
        d = moment.detections
        events += engine.step(moment.at_ms, d.xyxy, d.score, d.class_id, d.signals).events
    events += engine.finish(round(square.duration * 1000))
    for rule, wanted in square.answers().items():
        if "count" in wanted:
            total = [event.measured["total"] for event in events if event.rule == rule][-1]
            assert abs(total - wanted["count"]) <= wanted["tolerance"], rule
            continue
        started = [e.at_ms / 1000 for e in events if e.rule == rule and e.change == "started"]
        assert len(started) == len(wanted["alerts"]), rule
        assert all(a <= at <= b for at, (a, b) in zip(started, wanted["alerts"], strict=True)), rule


# The detector.


def crowd(number: int, label: str = "person") -> list[Agent]:
    """Agents that stand far from one another for a minute, each in plain sight."""
    spots = [(x, y) for y in (12.0, 18.0, 26.0) for x in np.linspace(-5.0, 5.0, number // 3)]
    return [somebody(Journey(0.0, spot).stand(60.0).path(), label) for spot in spots]


def measured(weather: Weather, label: str = "person") -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Boxes per frame, errors of edges in body sizes (n, 4), scores, class ids of 300 frames of 15 agents."""
    camera, agents = Camera(), crowd(15, label)
    detector = SimulatedDetector(weather, 1, agents, camera, 60.0)
    number, errors, scores, classes = 0, [], [], []
    for at_ms in range(0, 60000, 200):
        seen = look(agents, camera, at_ms / 1000)
        found = detector.detect(at_ms, seen, {})
        number += len(found)
        for box, score, class_id in zip(found.xyxy, found.score, found.class_id, strict=True):
            who = min(seen, key=lambda s: float(np.abs(s.box - box).max()))
            width, height = (who.box[2] - who.box[0]) * camera.aspect, who.box[3] - who.box[1]
            body = height if label == "person" else np.sqrt(width * height)
            errors.append((box - who.box) * [camera.aspect, 1, camera.aspect, 1] / body)
            scores.append(score)
            classes.append(class_id)
    return number / 300, np.array(errors), np.array(scores), np.array(classes)


def test_in_clear_weather_boxes_are_true() -> None:
    per_frame, errors, scores, _ = measured(Weather())
    assert per_frame == 15
    assert np.abs(errors).max() < 1e-5
    assert scores == pytest.approx(0.9)


def test_misses_are_as_frequent_as_asked() -> None:
    per_frame, *_ = measured(Weather(miss=0.1))
    # 4500 chances: three standard deviations are 0.013.
    assert 1 - per_frame / 15 == pytest.approx(0.1, abs=0.015)


@pytest.mark.parametrize("label", ["person", "car"])
def test_boxes_tremble_as_much_as_asked(label: str) -> None:
    if label == "car":
        weather, agents = Weather(jitter=0.03), [somebody(Journey(0, (0, 20)).stand(60).path(), "car")]
        camera = Camera()
        detector = SimulatedDetector(weather, 1, agents, camera, 60.0)
        boxes, seen = [], look(agents, camera, 1.0)
        for at_ms in range(0, 60000, 100):
            boxes.append(detector.detect(at_ms, seen, {}).xyxy[0])
        true = seen[0].box
        body = np.sqrt((true[2] - true[0]) * camera.aspect * (true[3] - true[1]))
        errors = (np.array(boxes) - true) * [camera.aspect, 1, camera.aspect, 1] / body
    else:
        _, errors, _, _ = measured(Weather(jitter=0.03))
    assert errors.std(axis=0) == pytest.approx([0.03] * 4, rel=0.1)
    assert np.abs(errors.mean(axis=0)).max() < 0.004


def test_scores_spread_as_asked() -> None:
    _, _, scores, _ = measured(Weather(score=0.7, score_spread=0.08))
    assert scores.mean() == pytest.approx(0.7, abs=0.01)
    assert scores.std() == pytest.approx(0.08, rel=0.1)


def test_false_boxes_are_as_frequent_as_asked() -> None:
    empty = SimulatedDetector(Weather(false=0.4), 1, [], Camera(), 60.0)
    number = [len(empty.detect(at_ms, (), {})) for at_ms in range(0, 60000, 50)]
    assert np.mean(number) == pytest.approx(0.4, abs=0.06)


def test_classes_flip_as_often_as_asked_and_only_between_car_and_truck() -> None:
    agents = [somebody(Journey(0, (0, 20)).stand(60).path(), "car")]
    detector, seen = (
        SimulatedDetector(Weather(flip=0.2), 1, agents, Camera(), 60.0),
        look(agents, Camera(), 1.0),
    )
    classes = [int(detector.detect(at_ms, seen, {}).class_id[0]) for at_ms in range(0, 60000, 50)]
    assert set(classes) == {COCO.index("car"), COCO.index("truck")}
    assert np.mean(np.array(classes) == COCO.index("truck")) == pytest.approx(0.2, abs=0.04)


def test_bursts_silence_one_agent_and_ghosts_stay() -> None:
    agents = crowd(3)
    detector = SimulatedDetector(Weather(bursts=6.0, burst_s=2.0), 1, agents, Camera(), 60.0)
    present = np.array(
        [
            len(detector.detect(at_ms, look(agents, Camera(), at_ms / 1000), {}))
            for at_ms in range(0, 60000, 100)
        ]
    )
    # Six bursts of two seconds in sixty: a fifth of the time, less where they overlap.
    assert 0.08 < 1 - present.mean() / 3 < 0.32
    changes = np.count_nonzero(np.diff(present))
    assert changes < 60  # single misses as frequent would change it hundreds of times
    ghostly = SimulatedDetector(Weather(ghosts=10.0, ghost_s=2.0), 1, [], Camera(), 60.0)
    number = [len(ghostly.detect(at_ms, (), {})) for at_ms in range(0, 60000, 100)]
    assert 0.1 < np.mean(number) < 0.7
    assert np.count_nonzero(np.diff(number)) < 45


def test_who_is_hidden_has_no_box() -> None:
    bus = somebody(Journey(0.0, (0.0, 20.0)).stand(10, facing=0.0).path(), "bus")
    walker = somebody(Journey(0.0, (0.0, 22.0)).stand(10).path())
    camera = Camera()
    seen = look([walker, bus], camera, 1.0)
    assert [who.agent.label for who in seen] == ["bus", "person"]
    assert seen[1].visible < 0.1
    found = SimulatedDetector(Weather(), 1, [walker, bus], camera, 10.0).detect(1000, seen, {})
    assert found.class_id.tolist() == [COCO.index("bus")]


def test_lost_frames_are_as_frequent_as_asked() -> None:
    weather = Weather(drop=0.1)
    square = Square("quiet", weather=weather, fps=25, duration=120)
    assert len(square.times()) == pytest.approx(3000 * 0.9, abs=50)
    broken = Square("quiet", weather=Weather(gaps=6.0, gap_s=2.0), fps=25, duration=120)
    assert np.diff(broken.times()).max() > 400


def test_times_follow_the_frame_rate() -> None:
    for fps in (2, 3, 7.5, 25):
        times = Square("quiet", weather="clear", fps=fps, duration=10).times()
        assert len(times) == int(10 * fps)
        assert np.diff(times) == pytest.approx(1000 / fps, abs=1)


def test_levels_get_worse() -> None:
    levels = [LEVELS[name] for name in ("clear", "default", "rain", "bad")]
    for name in ("miss", "bursts", "jitter", "false", "ghosts", "flip", "drop"):
        values = [getattr(level, name) for level in levels]
        assert values == sorted(values), name
        assert values[0] == 0, name


# Pictures.


def test_the_picture_shows_the_agents_where_their_boxes_are() -> None:
    square = Square("loitering", seed=1, weather="clear")
    at_ms = 20000
    empty = Square("loitering", seed=1, weather="clear", duration=1)
    with_people = square.look(at_ms)
    backdrop = empty.look(500_000).image()
    changed = np.abs(with_people.image().astype(int) - backdrop).max(axis=2) > 12
    assert backdrop.shape == (540, 960, 3)
    for who in with_people.agents:
        x1, y1, x2, y2 = (who.box * [960, 540, 960, 540]).astype(int)
        assert changed[y1:y2, x1:x2].mean() > 0.3, who.agent.name


@pytest.mark.parametrize("size", [(320, 240), (641, 359), (480, 960)])
@pytest.mark.parametrize("weather", ["default", "bad"])
def test_pictures_of_any_shape(size: tuple[int, int], weather: str) -> None:
    image = Square("square", weather=weather, size=size).look(30000).image()
    assert image.shape == (size[1], size[0], 3)
    assert image.dtype == np.uint8
    assert image.std() > 15


# Mistakes.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenario": "loitring"}, "loitering"),
        ({"weather": "fog"}, "clear, default, rain, bad"),
        ({"seed": -1}, "seed"),
        ({"fps": 0}, "fps"),
        ({"duration": 0}, "duration"),
        ({"size": (10, 10)}, "pixels"),
    ],
)
def test_mistakes_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Square(**arguments)


def test_a_weather_of_ones_own_cannot_be_written_into_a_site_file() -> None:
    square = Square("quiet", weather=dataclasses.replace(LEVELS["rain"], miss=0.3))
    with pytest.raises(InputError, match="name"):
        square.source()


# Truth files, source and detector.


def test_a_truth_file_reads_back(tmp_path: Path) -> None:
    squares = [Square(name, seed=seed, fps=5) for name in ("loitering", "line_count") for seed in (0, 1)]
    path = tmp_path / "truth.toml"
    path.write_text(truth_file(squares), encoding="utf-8")
    clips = load(path)
    assert [clip.name for clip in clips] == [
        "loitering, seed 0", "loitering, seed 1", "line_count, seed 0", "line_count, seed 1",
    ]  # fmt: skip
    assert clips[0].source == squares[0].source() | {"paint": False}
    assert {case.name: case.alerts for case in clips[0].case} == {
        rule: tuple(map(tuple, a["alerts"])) for rule, a in squares[0].answers().items()
    }
    assert isinstance(clips[2].case[0], Case)
    assert tomllib.loads(path.read_text())["clip"][0]["zones"] == squares[0].zones


def test_the_source_shows_the_square_at_the_analysis_rate() -> None:
    config = SourceConfig.parse(
        {
            "type": "simulated",
            "scenario": "quiet",
            "fps": 10,
            "duration": 4,
            "size": [320, 180],
            "weather": "clear",
        }
    )
    assert not config.live
    source = config.build(CONTEXT, 5.0)
    frames = list(source.frames())
    assert source.size == (320, 180)
    assert [frame.at_ms for frame in frames] == list(range(0, 4000, 200))
    assert all(frame.image.shape == (180, 320, 3) and frame.detections is not None for frame in frames)
    detector = DetectorConfig.parse({"type": "simulated"}).build(CONTEXT)
    assert detector.labels == COCO
    assert detector.detect(frames) == [frame.detections for frame in frames]


def test_the_source_can_leave_pictures_unpainted_and_stop() -> None:
    settings = {"type": "simulated", "duration": 20, "paint": False, "size": [64, 64]}
    source = SourceConfig.parse(settings).build(CONTEXT, None)
    iteration = source.frames()
    assert (next(iteration).image == 128).all()
    source.close()
    assert list(iteration) == []


def test_the_source_names_its_mistakes() -> None:
    config = SourceConfig.parse({"type": "simulated", "scenario": "loitring", "size": [10, 10]})
    assert [place for place, _ in config.findings(CONTEXT)] == [("scenario",), ("size",)]


def test_the_detector_refuses_pictures_from_elsewhere() -> None:
    detector = DetectorConfig.parse({"type": "simulated"}).build(CONTEXT)
    frame = Frame(0, np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ModelError, match="simulated"):
        detector.detect([frame])


def test_the_module_writes_a_truth_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["simulate", "2", "--scenario", "parking", "--weather", "rain"])
    assert main() == 0
    (tmp_path / "truth.toml").write_text(capsys.readouterr().out, encoding="utf-8")
    clips = load(tmp_path / "truth.toml")
    assert [clip.name for clip in clips] == ["parking, seed 0", "parking, seed 1"]
    assert clips[0].source is not None
    assert clips[0].source["weather"] == "rain"
