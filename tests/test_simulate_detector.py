"""The simulated detector errs as much as its weather says, and no otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from beffroi.simulate import LEVELS, Agent, Camera, Square, Weather
from beffroi.simulate.agent import COCO, LABELS, SIZES
from beffroi.simulate.noise import SimulatedDetector, look
from beffroi.simulate.path import Journey
from beffroi.simulate.path import Path as Way


def somebody(way: Way, label: str = "person", intent: str = "") -> Agent:
    return Agent(f"{label} {id(way)}", label, way, intent, SIZES[label])


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


def test_who_passes_behind_another_is_lost_for_the_whole_of_it() -> None:
    camera = Camera()
    front = somebody(Journey(0.0, (0.0, 14.0)).stand(60.0).path())
    behind = [somebody(Journey(0.0, (0.2, 15.0)).stand(60.0).path())]
    seen = look([front, *behind], camera, 1.0)
    assert 0.15 < 1 - seen[1].visible < 0.6
    detector = SimulatedDetector(Weather(churn=0.5), 1, [front, *behind], camera, 60.0)
    there = [len(detector.detect(at_ms, seen, {})) == 2 for at_ms in range(0, 120000, 100)]
    # Thirty encounters of four seconds: about half of them lost, each of them wholly.
    assert 0.25 < np.mean(there) < 0.75
    assert np.count_nonzero(np.diff(there)) <= 30


def test_small_ones_are_missed_more_often() -> None:
    far = [somebody(Journey(0.0, (float(x), 33.0)).stand(60.0).path()) for x in range(-6, 7, 3)]
    seen = look(far, Camera(), 1.0)
    number = {}
    for small in (0.0, 0.1):
        detector = SimulatedDetector(Weather(miss=0.1, small=small), 1, far, Camera(), 60.0)
        number[small] = np.mean([len(detector.detect(at_ms, seen, {})) for at_ms in range(0, 60000, 50)]) / 5
    height = float(np.mean([who.box[3] - who.box[1] for who in seen]))
    assert 1 - number[0.0] == pytest.approx(0.1, abs=0.015)
    assert 1 - number[0.1] == pytest.approx(0.1 * (1 + (0.1 / height) ** 2), abs=0.03)


def test_states_are_misread_as_often_as_asked_and_only_as_one_another() -> None:
    states = {"light": ("green", "red", "amber"), "gate": ("open",)}
    detector = SimulatedDetector(Weather(wrong=0.2), 1, [], Camera(), 60.0, states=states)
    read = [detector.detect(at_ms, (), {"light": "red", "gate": "open"}).signals for at_ms in range(2000)]
    assert {one["gate"] for one in read} == {"open"}
    assert {one["light"] for one in read} == {"green", "red", "amber"}
    assert np.mean([one["light"] != "red" for one in read]) == pytest.approx(0.2, abs=0.03)


def test_only_a_view_with_a_background_model_has_its_errors() -> None:
    kinds = {}
    for beyond in ((), ("still_object",)):
        detector = SimulatedDetector(Weather(stains=20.0), 1, [], Camera(), 60.0, beyond=beyond)
        kinds[beyond] = {int(c) for at in range(0, 60000, 500) for c in detector.detect(at, (), {}).class_id}
    assert kinds == {(): set(), ("still_object",): {LABELS.index("still_object")}}


def test_what_no_detector_has_a_word_for_has_no_box() -> None:
    sack = somebody(Journey(0.0, (0.0, 14.0)).stand(60.0).path(), "rubbish")
    seen = look([sack], Camera(), 1.0)
    assert len(seen) == 1
    assert len(SimulatedDetector(Weather(), 1, [sack], Camera(), 60.0).detect(1000, seen, {})) == 0


def test_frames_come_unevenly_but_in_order() -> None:
    for fps in (2, 25):
        times = np.array(Square("quiet", weather=Weather(uneven=0.45), fps=fps, duration=60).times())
        even = np.arange(len(times)) * 1000 / fps
        assert (np.diff(times) > 0).all()
        assert 0.3 * 1000 / fps < np.abs(times - even).max() <= 0.45 * 1000 / fps + 1
