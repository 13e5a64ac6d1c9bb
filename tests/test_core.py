"""The seam: what Engine takes, gives and refuses."""

from __future__ import annotations

import json
import threading
from typing import Any

import beffroi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

SCENE = json.dumps(
    {
        "classes": ["person", "car"],
        "zones": {"yard": [[0.2, 0.2], [0.8, 0.2], [0.8, 0.95], [0.2, 0.95]]},
        "lines": {"gate": [[0.5, 0.0], [0.5, 1.0]]},
        "rules": [
            {"name": "stay", "type": "loitering", "zone": "yard", "after": "2s", "clear_after": "1s"},
            {"name": "cross", "type": "line_crossing", "line": "gate"},
            {"name": "count", "type": "line_count", "line": "gate", "every": "10s"},
        ],
    }
)
EMPTY = (np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.uint16))


def person(x: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        np.array([[x - 0.03, 0.4, x + 0.03, 0.8]], np.float32),
        np.array([0.9], np.float32),
        np.array([0], np.uint16),
    )


def test_columns_have_the_documented_types_and_shapes() -> None:
    engine = beffroi.Engine(SCENE)
    for at in range(0, 1000, 200):
        tracks = engine.step(at, *person(0.4)).tracks
    expected = {
        "id": ("int64", (1,)),
        "subject": ("int64", (1,)),
        "xyxy": ("float32", (1, 4)),
        "class_id": ("uint16", (1,)),
        "score": ("float32", (1,)),
        "age_ms": ("int64", (1,)),
        "ground_xy": ("float32", (1, 2)),
        "speed": ("float32", (1,)),
        "det": ("int32", (1,)),
    }
    assert {n: (str(getattr(tracks, n).dtype), getattr(tracks, n).shape) for n in expected} == expected
    assert tracks.age_ms.tolist() == [800]
    assert tracks.det.tolist() == [0]
    assert np.isnan(tracks.ground_xy).all()
    assert engine.labels == ("person", "car")


def test_empty_columns_keep_their_width() -> None:
    tracks = beffroi.Engine(SCENE).step(0, *EMPTY).tracks
    assert tracks.xyxy.shape == (0, 4)
    assert tracks.ground_xy.shape == (0, 2)
    assert tracks.id.shape == (0,)
    assert len(tracks) == 0


def test_a_coasting_track_is_marked() -> None:
    engine = beffroi.Engine(SCENE)
    for at in range(0, 1000, 200):
        engine.step(at, *person(0.4))
    tracks = engine.step(1000, *EMPTY).tracks
    assert tracks.det.tolist() == [-1]


def test_events_tell_measured_beside_threshold() -> None:
    engine = beffroi.Engine(SCENE)
    events = [e for at in range(0, 3000, 200) for e in engine.step(at, *person(0.4)).events]
    (event,) = events
    assert (event.rule, event.type, event.change, event.zone) == ("stay", "loitering", "started", "yard")
    assert (event.at_ms, event.since_ms) == (2000, 0)
    assert event.measured == {"held_s": 2.0}
    assert event.threshold == {"held_s": 2.0}
    assert event.subjects == (1,)
    told = json.loads(event.to_json())
    assert told["subjects"][0]["class"] == "person"
    assert told["id"] == event.id
    assert len(event.id) == 32
    ended = engine.finish(3000, "view_lost")
    assert [(e.rule, e.change, e.reason) for e in ended] == [
        ("stay", "ended", "view_lost"),
        ("count", "ended", "view_lost"),
    ]
    assert ended[0].id == event.id


def test_crossings_are_counted_by_class_and_direction() -> None:
    engine = beffroi.Engine(SCENE)
    for i, at in enumerate(range(0, 4000, 200)):
        engine.step(at, *person(0.3 + 0.02 * i))
    assert engine.stats()["lines"]["gate"] == {"person": {"left_to_right": 0, "right_to_left": 1}}


REFUSED: list[tuple[str, Any, str]] = [
    (
        "xyxy",
        np.zeros((1, 4)),
        "xyxy must be a C-contiguous numpy array, float32 of shape (n, 4); got float64 of shape (1, 4)",
    ),
    (
        "xyxy",
        np.zeros((1, 5), np.float32),
        "xyxy must be a C-contiguous numpy array, float32 of shape (n, 4); got float32 of shape (1, 5)",
    ),
    (
        "xyxy",
        [[0, 0, 1, 1]],
        "xyxy must be a C-contiguous numpy array, float32 of shape (n, 4); got <class 'list'>",
    ),
    (
        "xyxy",
        np.array([[0.1, 0.1, np.nan, 0.5]], np.float32),
        "xyxy[0] is (0.1, 0.1, NaN, 0.5): NaN or infinity; drop the box before the step",
    ),
    (
        "xyxy",
        np.array([[0, 0, 640, 480]], np.float32),
        "xyxy[0] is (0, 0, 640, 480): boxes are relative to the picture (0..1); "
        "divide pixels by its width and height",
    ),
    (
        "xyxy",
        np.array([[0.5, 0.1, 0.2, 0.5]], np.float32),
        "xyxy[0] is (0.5, 0.1, 0.2, 0.5): empty; x1 < x2 and y1 < y2 are needed",
    ),
    (
        "score",
        np.array([90], np.float32),
        "score[0] is 90; scores are numbers in 0..1",
    ),
    (
        "class_id",
        np.array([2], np.uint16),
        "class_id[0] is 2, but the scene has 2 classes (0..1)",
    ),
    (
        "class_id",
        np.array([0, 0], np.uint16),
        "xyxy, score and class_id must have equally many rows: 1, 1 and 2",
    ),
]


@pytest.mark.parametrize(("name", "value", "message"), REFUSED)
def test_wrong_arrays_are_refused_and_change_nothing(name: str, value: Any, message: str) -> None:
    engine = beffroi.Engine(SCENE)
    columns = dict(zip(("xyxy", "score", "class_id"), person(0.4), strict=True))
    with pytest.raises(beffroi.InputError) as caught:
        engine.step(1000, **{**columns, name: value})
    assert str(caught.value) == message
    assert len(engine.step(0, **columns).tracks) <= 1


def test_time_going_backwards_is_refused() -> None:
    engine = beffroi.Engine(SCENE)
    engine.step(1000, *EMPTY)
    with pytest.raises(beffroi.InputError) as caught:
        engine.step(800, *EMPTY)
    message = "time goes backwards: 800 ms after 1000 ms; steps need increasing media time"
    assert str(caught.value) == message


def recording(frames: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    boxes = [
        person(0.3 + 0.4 * abs(((i / 50) % 2) - 1))[0] + rng.normal(0, 0.002, (1, 4)) for i in range(frames)
    ]
    return {
        "at_ms": np.arange(frames, dtype=np.int64) * 200,
        "offsets": np.arange(frames + 1, dtype=np.int64),
        "xyxy": np.ascontiguousarray(np.concatenate(boxes).astype(np.float32)),
        "score": np.full(frames, 0.9, np.float32),
        "class_id": np.zeros(frames, np.uint16),
    }


def test_replay_gives_what_step_gives_byte_for_byte() -> None:
    columns = recording(400)
    stepped = beffroi.Engine(SCENE)
    one = [
        event.to_json()
        for i in range(400)
        for event in stepped.step(
            int(columns["at_ms"][i]),
            columns["xyxy"][i : i + 1],
            columns["score"][i : i + 1],
            columns["class_id"][i : i + 1],
        ).events
    ]
    for _ in range(2):
        assert [e.to_json() for e in beffroi.Engine(SCENE).replay(**columns)] == one
    assert len(one) > 5


def test_replay_checks_everything_before_it_runs() -> None:
    columns = recording(10)
    columns["xyxy"][7, 2] = np.nan
    engine = beffroi.Engine(SCENE)
    with pytest.raises(beffroi.InputError, match=r"^picture 7: xyxy\[0\] is"):
        engine.replay(**columns)
    engine.step(0, *EMPTY)


def test_replay_lets_other_threads_run() -> None:
    columns = recording(20_000)
    counted = []
    stop = threading.Event()

    def count() -> None:
        n = 0
        while not stop.is_set():
            n += 1
        counted.append(n)

    thread = threading.Thread(target=count)
    thread.start()
    beffroi.Engine(SCENE).replay(**columns)
    stop.set()
    thread.join()
    assert counted[0] > 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        hnp.arrays(np.float32, st.tuples(st.integers(0, 5), st.just(4)), elements=st.floats(-2, 3, width=32)),
        max_size=12,
    )
)
def test_any_boxes_step_or_are_refused(pictures: list[np.ndarray]) -> None:
    engine = beffroi.Engine(SCENE)
    for i, xyxy in enumerate(pictures):
        n = len(xyxy)
        try:
            step = engine.step(i * 100, xyxy, np.full(n, 0.8, np.float32), np.zeros(n, np.uint16))
        except beffroi.InputError:
            continue
        assert len(set(step.tracks.id.tolist())) == len(step.tracks)
