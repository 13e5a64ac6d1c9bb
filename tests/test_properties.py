"""The seam under any input: a result or a BeffroiError, never another exception or a panic."""

from __future__ import annotations

import json
from typing import Any

import beffroi
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

SCENE = json.dumps(
    {
        "classes": ["person", "car"],
        "ground": {
            "image": [[0.1, 0.9], [0.9, 0.9], [0.7, 0.3], [0.3, 0.3]],
            "metres": [[0, 0], [12, 0], [12, 30], [0, 30]],
        },
        "zones": {"yard": [[0.1, 0.1], [0.9, 0.2], [0.8, 0.9], [0.4, 0.5], [0.1, 0.9]]},
        "lines": {"gate": [[0.5, 0.0], [0.5, 1.0]]},
        "rules": [
            {"name": "in", "type": "intrusion", "zone": "yard", "clear_after": "0s", "min_score": 0},
            {"name": "stay", "type": "loitering", "zone": "yard", "after": "1s", "radius": "4 m"},
            {"name": "cross", "type": "line_crossing", "line": "gate"},
            {"name": "count", "type": "line_count", "line": "gate", "every": "10s"},
            {"name": "full", "type": "occupancy", "zone": "yard", "at_least": 2, "after": "1s"},
            {"name": "group", "type": "gathering", "zone": "yard", "at_least": 2, "after": "1s"},
            {"name": "stop", "type": "parking", "zone": "yard", "after": "2s"},
        ],
    }
)
PROMISED = {
    "id": (np.int64, ()),
    "subject": (np.int64, ()),
    "xyxy": (np.float32, (4,)),
    "class_id": (np.uint16, ()),
    "score": (np.float32, ()),
    "age_ms": (np.int64, ()),
    "ground_xy": (np.float32, (2,)),
    "speed": (np.float32, ()),
    "det": (np.int32, ()),
}
Columns = tuple[np.ndarray, np.ndarray, np.ndarray]
FEW = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
EDGES = [0.0, -0.0, 1.0, 1e-45, 2.0, -1.0, 640.0, float("nan"), float("inf"), -3.4e38]


def columns(boxes: list[tuple[float, float, float, float, float, int]]) -> Columns:
    xyxy = np.array([(x, y, x + w, y + h) for x, y, w, h, _, _ in boxes], np.float32).reshape(-1, 4)
    return xyxy, np.array([b[4] for b in boxes], np.float32), np.array([b[5] for b in boxes], np.uint16)


def share(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, width=32)


BOXES = st.lists(
    st.tuples(
        share(0, 0.75),
        share(0, 0.75),
        share(0.0625, 0.25),
        share(0.0625, 0.25),
        share(0, 1),
        st.integers(0, 1),
    ),
    max_size=4,
).map(columns)
# Hundredths, which float32 does not hold: `step` and `replay` must take the very same float64.
MOTION = st.none() | st.tuples(st.integers(-3, 3), st.integers(-12, 12)).map(
    lambda m: [1 + m[0] / 100, 0.0, m[1] / 100, 0.0, 1 + m[0] / 100, 0.0]
)
SIGNALS = st.none() | st.dictionaries(st.sampled_from(["light", "bin"]), st.sampled_from(["red", "green"]))


def misaligned(array: np.ndarray) -> np.ndarray:
    """The same numbers, one byte off: what a field of a packed record looks like."""
    return np.frombuffer(b"\0" + array.tobytes(), array.dtype, offset=1).reshape(array.shape)


def bent(array: np.ndarray) -> st.SearchStrategy[Any]:
    """An array in every disguise, and things that are no array."""
    frozen = array.copy()
    frozen.flags.writeable = False
    return st.sampled_from(
        [
            array,
            frozen,
            misaligned(array),
            np.asfortranarray(array),
            array[::-1],
            np.repeat(array, 2, axis=0)[::2],
            array[:-1],
            array[None],
            array.ravel(),
            array.astype(np.float64),
            array.astype(">f4"),
            array.astype(np.int64),
            array.astype(object),
            array.astype(str),
            np.ma.masked_array(array),
            np.broadcast_to(np.float32(0.5), array.shape),
            array.tolist(),
            None,
            "abc",
            3,
        ]
    )


def any_array() -> st.SearchStrategy[Any]:
    dtypes = st.sampled_from(
        ["f4", "f8", "f2", ">f4", "u2", "i4", "i8", "u8", "?", "c8", "O", "S3", "M8[s]", "V4"]
    )
    shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
    return st.tuples(dtypes, shapes).map(lambda t: np.zeros(t[1], t[0]))


class Unruly:
    """A mapping as far as its name goes."""

    def items(self) -> Any:
        raise ValueError("not today")


NUMBERS = st.floats() | st.sampled_from([1e300, -1e300, 5e-324]) | st.none() | st.text(max_size=2)
ANY_MOTION = (
    st.lists(NUMBERS, min_size=5, max_size=7)
    | st.lists(st.floats(-20, 20), min_size=6, max_size=6)
    | hnp.arrays(np.float64, st.sampled_from([(6,), (2, 3), (3, 2), (0,), ()]), elements=st.floats(-2, 2))
    | st.sampled_from(["abcdef", 5, {}, {1, 2, 3}])
)
WORDS = st.text(st.characters(exclude_categories=()), max_size=4) | st.sampled_from(
    ["\ud800", "\0", "x" * 2000]
)
ANY_SIGNALS = (
    st.dictionaries(WORDS, WORDS, max_size=3)
    | st.dictionaries(st.integers(), st.text(max_size=2), max_size=2)
    | st.sampled_from(
        [[], [("a", "b")], 3, "red", Unruly(), {"a": None}, {f"s{k}": "on" for k in range(1001)}]
    )
)
ANY_TIME = (
    st.integers()
    | st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from([-(2**63), 2**63 - 1, 2**53, -(2**53), 2**64, np.int64(5), np.uint64(2**64 - 1), True])
    | st.sampled_from([1.5, float("nan"), "12", None, np.float32(3), [1]])
)


def outcome(call: Any, *args: Any, **named: Any) -> Any:
    """The result, or None for a refusal in words; every other exception fails the test."""
    try:
        return call(*args, **named)
    except beffroi.BeffroiError as error:
        refusal = str(error)
    assert refusal
    return None


def conforms(tracks: Any, boxes: Columns) -> None:
    n = len(tracks)
    for name, (dtype, shape) in PROMISED.items():
        column = getattr(tracks, name)
        assert (column.dtype, column.shape) == (dtype, (n, *shape)), name
    assert np.isfinite(tracks.xyxy).all()
    assert (np.diff(tracks.id) > 0).all()
    assert (tracks.id > 0).all()
    assert (tracks.subject >= 0).all()
    assert (tracks.age_ms >= 0).all()
    assert not (tracks.speed < 0).any()
    seen = tracks.det >= 0
    assert (tracks.det[~seen] == -1).all()
    rows = tracks.det[seen]
    assert len(set(rows.tolist())) == len(rows)
    # A seen box lies between what was believed and what the detector says: the two touch.
    ours, theirs = tracks.xyxy[seen], boxes[0][rows]
    assert (np.maximum(ours[:, :2], theirs[:, :2]) <= np.minimum(ours[:, 2:], theirs[:, 2:]) + 1e-6).all()
    assert (tracks.xyxy[:, :2] <= tracks.xyxy[:, 2:]).all()
    np.testing.assert_array_equal(tracks.score[seen], boxes[1][rows])


@FEW
@given(any_array() | bent(columns([(0.1, 0.1, 0.2, 0.3, 0.9, 0)])[0]), any_array(), any_array())
def test_any_arrays_are_taken_or_refused(xyxy: Any, score: Any, class_id: Any) -> None:
    outcome(beffroi.Engine(SCENE).step, 0, xyxy, score, class_id)


@FEW
@given(st.data(), st.integers(0, 2))
def test_an_array_in_disguise_is_refused_or_means_what_it_shows(data: st.DataObject, which: int) -> None:
    good = columns([(0.1, 0.1, 0.2, 0.3, 0.9, 0), (0.6, 0.2, 0.2, 0.3, 0.8, 1)])
    given_now = list(good)
    given_now[which] = data.draw(bent(good[which]))
    engine = beffroi.Engine(SCENE)
    steps = [outcome(engine.step, at, *given_now) for at in (0, 200)]
    assert (steps[0] is None) == (steps[1] is None)
    if steps[1] is not None:
        # Taken: then every box was seen, and none was lost between Python and Rust.
        assert len(steps[1].tracks) == len(given_now[1])
        conforms(steps[1].tracks, tuple(given_now))  # type: ignore[arg-type]


@FEW
@given(ANY_TIME, ANY_SIGNALS, st.none() | ANY_MOTION, WORDS)
def test_any_time_signal_and_motion_is_taken_or_refused(
    at: Any, signals: Any, motion: Any, reason: str
) -> None:
    engine, boxes = beffroi.Engine(SCENE), columns([(0.1, 0.1, 0.2, 0.3, 0.9, 0)])
    step = outcome(engine.step, at, *boxes, signals, motion)
    if step is None:
        # Refused: as if nothing had been asked.
        step = engine.step(-(2**53) + 1, *boxes)
    conforms(step.tracks, boxes)
    outcome(engine.finish, at, reason)


@FEW
@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(0, 3), st.just(4)),
        elements=st.sampled_from([0.1, 0.2, 0.5, *EDGES]),
    ),
    st.sampled_from([0.5, *EDGES]),
    st.sampled_from([0, 1, 2, 65535]),
)
def test_any_number_is_taken_or_refused(xyxy: np.ndarray, score: float, class_id: int) -> None:
    n = len(xyxy)
    boxes = (xyxy, np.full(n, score, np.float32), np.full(n, class_id, np.uint16))
    engine = beffroi.Engine(SCENE)
    for at in (0, 200, 400):
        if (step := outcome(engine.step, at, *boxes)) is not None:
            conforms(step.tracks, boxes)
    assert all(np.isfinite(v) for zone in engine.stats()["zones"].values() for v in zone.values())


@FEW
@given(WORDS | st.text())
def test_any_text_is_a_scene_a_scenario_or_refused(text: str) -> None:
    for call in (beffroi.Engine, beffroi.check, beffroi.rehearse):
        with pytest.raises(beffroi.BeffroiError):
            call(text)


@FEW
@given(st.data())
def test_any_recording_is_played_or_refused_whole(data: st.DataObject) -> None:
    at = data.draw(
        hnp.arrays(
            np.int64, st.integers(0, 4), elements=st.integers(-1, 900) | st.integers(-(2**63), 2**63 - 1)
        )
    )
    n = data.draw(st.integers(0, 4))
    boxes = columns([(0.1, 0.1, 0.2, 0.3, 0.9, 0)] * n)
    sorted_offsets = st.lists(st.integers(0, n), min_size=len(at), max_size=len(at)).map(
        lambda o: [0, *sorted(o)]
    )
    offsets = np.array(data.draw(sorted_offsets | st.lists(st.integers(-2, 6), max_size=6)), np.int64)
    signals = data.draw(st.none() | st.lists(ANY_SIGNALS, max_size=5) | st.sampled_from([3, "ab", ({},)]))
    numbers = st.sampled_from([0.0, 1.0, float("nan"), float("inf"), 1e30])
    motion = data.draw(
        st.none() | hnp.arrays(np.float64, st.tuples(st.integers(0, 4), st.integers(5, 6)), elements=numbers)
    )
    pauses = data.draw(
        st.none()
        | st.lists(st.tuples(st.integers(-9, 900) | st.integers(-(2**63), 2**63 - 1), st.text(max_size=3)))
        | st.sampled_from([3, "ab", [(1,)], [(0.5, "a")], [(1, 2)], [("1", "a")], [None]])
    )
    engine = beffroi.Engine(SCENE)
    if outcome(engine.replay, at, offsets, *boxes, signals, motion, pauses) is None:
        # Refused whole: the engine has not begun.
        engine.step(-(2**53) + 1, *boxes)


class Camera(RuleBasedStateMachine):
    """Two engines on one camera: one steps, the other replays; both tell the same, whatever comes between."""

    @initialize(begin=st.sampled_from([0, -5000, 1_790_000_000_000]))
    def start(self, begin: int) -> None:
        self.stepped, self.replayed = beffroi.Engine(SCENE), beffroi.Engine(SCENE)
        self.at = begin
        self.began = False
        self.kept: list[tuple[np.ndarray, np.ndarray]] = []
        self.open: set[str] = set()
        self.ever: set[str] = set()

    def hear(self, events: list[Any], again: list[Any]) -> None:
        assert [e.to_json() for e in events] == [e.to_json() for e in again]
        for event in events:
            assert event.since_ms <= event.at_ms <= self.at
            assert json.loads(event.to_json())["id"] == event.id
            assert all(np.isfinite(v) for v in event.measured.values())
            if event.type == "line_count":
                continue
            if event.change == "started":
                assert event.id not in self.ever
                self.open.add(event.id)
                self.ever.add(event.id)
            else:
                assert event.id in self.open
            if event.change == "ended":
                self.open.remove(event.id)

    @rule(
        frames=st.lists(
            st.tuples(st.integers(1, 700), BOXES, SIGNALS, MOTION, st.none() | st.integers(0, 900)),
            min_size=1,
            max_size=6,
        ),
        repeats=st.integers(1, 6),
    )
    def watch(self, frames: list[Any], repeats: int) -> None:
        frames = [
            (*frame[:4], frame[4] if last == repeats else None)
            for frame in frames
            for last in range(1, repeats + 1)
        ]
        times, told, pauses = [], [], []
        for wait, boxes, signals, motion, pause in frames:
            self.at += wait
            self.began = True
            times.append(self.at)
            step = self.stepped.step(self.at, *boxes, signals, motion)
            conforms(step.tracks, boxes)
            self.keep(step.tracks)
            told += step.events
            if pause is not None:
                self.at += pause
                pauses.append((self.at, "view_lost"))
                told += self.stepped.finish(self.at, "view_lost")
        none = [np.nan] * 6
        again = self.replayed.replay(
            np.array(times, np.int64),
            np.cumsum([0, *(len(f[1][1]) for f in frames)]),
            *(np.concatenate([f[1][k] for f in frames]) for k in range(3)),
            [f[2] for f in frames],
            np.array([none if f[3] is None else f[3] for f in frames]),
            pauses or None,
        )
        self.hear(told, again)

    def keep(self, tracks: Any) -> None:
        for name in PROMISED:
            column = getattr(tracks, name)
            fresh = column.copy()
            # What was handed out is the caller's: writing into it changes nothing for the next who asks.
            column[...] = 0
            np.testing.assert_array_equal(getattr(tracks, name), fresh)
            self.kept.append((getattr(tracks, name), fresh))

    @rule(
        boxes=BOXES,
        back=st.integers(0, 5000),
        bad=st.sampled_from(["time", "score", "class", "motion", "rows"]),
    )
    def offend(self, boxes: Columns, back: int, bad: str) -> None:
        xyxy, score, class_id = (column.copy() for column in boxes)
        at, motion = self.at + 100, None
        if bad == "time":
            if not self.began:
                return
            at = self.at - back
        elif bad == "motion":
            motion = [0.0] * 6
        elif bad == "rows":
            score = np.append(score, np.float32(0.5))
        elif not len(score):
            return
        elif bad == "score":
            score[0] = np.nan
        else:
            class_id[0] = 9
        for engine in (self.stepped, self.replayed):
            with pytest.raises(beffroi.InputError):
                engine.step(at, xyxy, score, class_id, {"light": "never"}, motion)

    @rule(later=st.integers(0, 3000), reason=st.sampled_from(["end_of_stream", "view_lost"]))
    def finish(self, later: int, reason: str) -> None:
        self.at += later
        self.began = True
        told = [engine.finish(self.at, reason) for engine in (self.stepped, self.replayed)]
        assert all(e.change == "ended" and e.reason == reason for e in told[0])
        self.hear(*told)
        assert not self.open
        assert self.stepped.timers() == []

    @rule()
    def empty_out(self) -> None:
        """Nobody for longer than anybody is remembered, then nothing is active."""
        self.began = True
        for _ in range(80):
            self.at += 1000
            step = self.stepped.step(self.at, *columns([]))
            self.hear(step.events, self.replayed.step(self.at, *columns([])).events)
        assert len(step.tracks) == 0
        assert self.stepped.timers() == []
        assert all(zone["now"] == 0 for zone in self.stepped.stats()["zones"].values())

    @invariant()
    def both_know_the_same(self) -> None:
        if hasattr(self, "stepped"):
            assert self.stepped.timers() == self.replayed.timers()
            assert self.stepped.stats() == self.replayed.stats()

    def teardown(self) -> None:
        for column, then in getattr(self, "kept", []):
            np.testing.assert_array_equal(column, then)


Camera.TestCase.settings = settings(
    max_examples=60, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TestCamera = Camera.TestCase
