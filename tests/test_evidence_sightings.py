"""Between two looks nobody shows up: what a box covers while nobody looks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from beffroi.evidence.redact import LOWER_HALF, blur
from beffroi.evidence.sightings import HOLD_MS, KNOWN_MS, Cover, Hidden, Sightings
from beffroi.frame import Detections
from hypothesis import given, settings
from hypothesis import strategies as st

LABELS = ("person", "car", "bicycle", "backpack")
Box = tuple[float, float, float, float]
MASK = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5))


def found(boxes: Sequence[Box], kind: int = 0, score: float = 0.8) -> Detections:
    n = len(boxes)
    array = np.array(boxes, np.float32).reshape(n, 4)
    return Detections(array, np.full(n, score, np.float32), np.full(n, kind, np.uint16))


def hidden(looks: dict[int, Sequence[Box]], kind: int = 0) -> Hidden:
    sightings = Sightings(1000)
    for at_ms, boxes in looks.items():
        sightings.add(at_ms, found(boxes, kind), LABELS)
    return Hidden(sightings.between(min(looks), max(looks)))


def covers(cover: Cover | None, box: Box, kind: int = 0) -> bool:
    """Whether the part of a box that must be blurred is blurred without any widening."""
    assert cover is not None
    picture = np.random.default_rng(1).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    changed = (blur(picture, cover.xyxy, cover.names, cover.score, widen=0) != picture).any(axis=2)
    x1, y1, x2, y2 = box
    y1 += LOWER_HALF * (y2 - y1) if LABELS[kind] == "car" else 0
    inner = changed[int(y1 * 200) + 1 : int(y2 * 200), int(x1 * 200) + 1 : int(x2 * 200)]
    # Here and there a pixel of noise is what the blur makes of it.
    return bool(inner.size == 0 or inner.mean() > 0.98)


def moved(one: Box, two: Box, share: float) -> Box:
    x1, y1, x2, y2 = (a + share * (b - a) for a, b in zip(one, two, strict=True))
    return x1, y1, x2, y2


corner = st.tuples(st.floats(0, 0.7), st.floats(0, 0.7))


@settings(deadline=None)
@given(
    begin=corner,
    step=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    size=st.tuples(st.floats(0.05, 0.25), st.floats(0.05, 0.25)),
    growth=st.floats(0.7, 1.4),
    share=st.floats(0, 1),
    kind=st.sampled_from([0, 1, 2]),
)
def test_the_way_from_look_to_look_is_covered(
    begin: tuple[float, float],
    step: tuple[float, float],
    size: tuple[float, float],
    growth: float,
    share: float,
    kind: int,
) -> None:
    one = (*begin, begin[0] + size[0], begin[1] + size[1])
    x, y = begin[0] + step[0] * size[0], begin[1] + step[1] * size[1]
    two = (x, y, x + growth * size[0], y + growth * size[1])
    place = tuple(np.clip(moved(one, two, share), 0, 1))
    cover = hidden({0: [one], 200: [two]}, kind).at(200 * share)
    assert covers(cover, place, kind)


def test_a_car_that_comes_nearer_keeps_its_plate_covered() -> None:
    one, two = (0.4, 0.1, 0.5, 0.2), (0.38, 0.2, 0.58, 0.5)
    cover = hidden({0: [one], 200: [two]}, 1).at(1)
    assert covers(cover, moved(one, two, 0.005), 1)


def test_two_people_who_pass_each_other_stay_covered() -> None:
    left, right = (0.1, 0.2, 0.3, 0.9), (0.3, 0.2, 0.5, 0.9)
    for share in (0.1, 0.5, 0.9):
        cover = hidden({0: [left, right], 400: [right, left]}).at(400 * share)
        assert covers(cover, moved(left, right, share))
        assert covers(cover, moved(right, left, share))


def test_who_is_missed_stays_covered_where_they_walked() -> None:
    walk = {at: (0.1 + at / 5000, 0.2, 0.25 + at / 5000, 0.9) for at in range(0, 3000, 200)}
    looks: dict[int, Sequence[Box]] = {at: [] if 800 <= at <= 1600 else [box] for at, box in walk.items()}
    for at, box in walk.items():
        assert covers(hidden(looks).at(at), box)


def test_a_box_stays_a_while_before_and_after_and_no_longer() -> None:
    box = (0.4, 0.2, 0.6, 0.9)
    looks: dict[int, Sequence[Box]] = {at: [box] if at == 3000 else [] for at in range(0, 6001, 200)}
    held = [at for at in range(0, 6000, 50) if len(hidden(looks).at(at).xyxy)]  # type: ignore[union-attr]
    assert (held[0], held[-1]) == (3000 - HOLD_MS, 3000 + HOLD_MS)
    assert hidden(looks).at(3100).score.tolist() == [0.0], "unsure, so wider"  # type: ignore[union-attr]


def test_at_few_looks_the_last_one_counts_until_the_next() -> None:
    box = (0.4, 0.2, 0.6, 0.9)
    looks: dict[int, Sequence[Box]] = {0: [], 1000: [box], 2000: []}
    for at in (100, 900, 1000, 1100, 1900):
        assert covers(hidden(looks).at(at), box)


@pytest.mark.parametrize("off", [-300, -100, 100, 300])
def test_pictures_of_another_stream_may_be_early_or_late(off: int) -> None:
    walk = {at: (0.1 + at / 5000, 0.2, 0.2 + at / 5000, 0.9) for at in range(0, 3000, 200)}
    sightings = Sightings(10)
    for at, box in walk.items():
        sightings.add(at, found([box]), LABELS)
    known = Hidden(sightings.between(0, 3000), slack_ms=300)
    for at, box in walk.items():
        assert covers(known.at(at + off), box)


def test_what_is_known_and_for_how_long() -> None:
    one = hidden({10_000: []})
    assert one.at(10_000 - KNOWN_MS) is not None
    assert one.at(10_000 + KNOWN_MS) is not None
    assert one.at(10_000 - KNOWN_MS - 1) is None
    assert one.at(10_000 + KNOWN_MS + 1) is None
    assert Hidden([]).at(0) is None


def test_bags_and_other_things_are_not_hidden() -> None:
    assert len(hidden({0: [(0.1, 0.1, 0.2, 0.2)]}, 3).at(0).xyxy) == 0  # type: ignore[union-attr]


def test_a_detector_that_knows_no_people_says_nothing_of_them() -> None:
    sightings = Sightings(10)
    sightings.add(0, found([], 0), ("car", "fire"))
    assert sightings.newest_ms == 0
    assert Hidden(sightings.between(0, 0)).at(0) is None


def test_masks_of_both_looks_hold_between_them() -> None:
    sightings = Sightings(10)
    sightings.add(0, found([]), LABELS, [MASK])
    sightings.add(400, found([]), LABELS)
    sightings.add(800, found([]), LABELS)
    known = Hidden(sightings.between(0, 800))
    assert [len(known.at(at).masks) for at in (0, 200, 600)] == [1, 1, 0]  # type: ignore[union-attr]


def test_only_so_much_is_remembered() -> None:
    sightings = Sightings(2)
    assert sightings.newest_ms is None
    for at_ms in range(0, 10_000, 100):
        sightings.add(at_ms, found([]), LABELS)
    assert sightings.newest_ms == 9900
    kept = [each.at_ms for each in sightings.between(0, 20_000)]
    assert (kept[0], kept[-1]) == (7900, 9900)
    sightings.add(500, found([]), LABELS)
    assert [each.at_ms for each in sightings.between(0, 20_000)] == [500], "media time began anew"


def test_looks_around_a_span_count_for_it() -> None:
    sightings = Sightings(60)
    for at_ms in range(0, 12_000, 500):
        sightings.add(at_ms, found([]), LABELS)
    kept = [each.at_ms for each in sightings.between(5000, 6000)]
    assert (kept[0], kept[-1]) == (5000 - KNOWN_MS, 6000 + KNOWN_MS)
