"""Nobody is recognisable in evidence, and what was masked was never seen."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from beffroi.errors import StoreError
from beffroi.evidence.redact import apply_masks, blur, pixelate_all
from beffroi.evidence.snapshot import redacted, write_snapshot
from beffroi.frame import Detections
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

PERSON = (0.3, 0.2, 0.5, 0.8)


def noise(size: tuple[int, int] = (320, 240)) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)


def detail(image: np.ndarray, box: tuple[float, float, float, float]) -> float:
    """Difference between neighbouring pixels in `box`, on average: the fine detail that is left."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (round(v * s) for v, s in zip(box, (width, height) * 2, strict=True))
    return float(np.abs(np.diff(image[y1:y2, x1:x2].astype(float), axis=1)).mean())


def found(*boxes: tuple[float, float, float, float], score: float = 0.9, kind: int = 0) -> Detections:
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(len(boxes), score, np.float32),
        np.full(len(boxes), kind, np.uint16),
    )


def test_a_person_loses_all_detail_and_the_rest_keeps_it() -> None:
    image = noise()
    before = image.copy()
    hidden = blur(image, [PERSON], ["person"], [0.9])
    assert np.array_equal(image, before)
    assert detail(hidden, PERSON) < 0.03 * detail(image, PERSON)
    assert np.array_equal(hidden[:, :64], image[:, :64])


def test_no_filter_brings_it_back() -> None:
    # Two pictures that differ only within cells become the same: what is gone is gone.
    flat = np.full((240, 320, 3), 128, np.uint8)
    board = flat.copy()
    board[::2, ::2], board[1::2, 1::2] = 98, 98
    board[::2, 1::2], board[1::2, ::2] = 158, 158
    box = (0.25, 0.25, 0.75, 0.75)
    a, b = (blur(each, [box], ["person"], [1.0], widen=0) for each in (flat, board))
    inner = np.s_[60:180, 80:240]
    assert np.abs(a[inner].astype(int) - b[inner].astype(int)).max() <= 2


def test_vehicles_lose_their_lower_half() -> None:
    image = noise()
    hidden = blur(image, [PERSON], ["car"], [0.9])
    assert detail(hidden, (0.3, 0.55, 0.5, 0.8)) < 0.03 * detail(image, (0.3, 0.55, 0.5, 0.8))
    assert np.array_equal(hidden[:100], image[:100])
    riders = blur(image, [PERSON], ["motorcycle"], [0.9])
    assert detail(riders, PERSON) < 0.03 * detail(image, PERSON)


def test_bags_are_left() -> None:
    image = noise()
    assert np.array_equal(blur(image, [PERSON], ["backpack"], [0.9]), image)


def test_the_less_sure_the_wider() -> None:
    image = noise()
    changed = [
        int((blur(image, [PERSON], ["person"], score) != image).any(axis=2).sum())
        for score in ([1.0], [0.5], [0.2], None)
    ]
    assert changed == sorted(changed)
    assert len(set(changed)) == 4


@given(
    boxes=npst.arrays(np.float32, (3, 4), elements=st.floats(-2, 3, width=32)),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    label=st.sampled_from(["person", "car", "bicycle"]),
)
def test_any_box_on_any_picture(boxes: np.ndarray, size: tuple[int, int], label: str) -> None:
    image = noise(size)
    assert blur(image, boxes, [label] * 3, [0.1, 0.5, 1]).shape == image.shape


def test_everything_goes_when_the_detector_failed() -> None:
    image = noise()
    hidden = pixelate_all(image)
    assert len(np.unique(hidden.reshape(-1, 3), axis=0)) <= 24 * 18
    assert np.array_equal(redacted(image, None, ()), hidden)


def test_masks_are_black_to_their_border() -> None:
    image = np.full((100, 200, 3), 255, np.uint8)
    masked = apply_masks(image, [[(0.25, 0.2), (0.75, 0.2), (0.75, 0.8), (0.25, 0.8)]])
    assert (masked[20:80, 50:150] == 0).all()
    assert (masked[:15] == 255).all()
    assert (masked[:, :45] == 255).all()
    assert (image == 255).all()
    assert apply_masks(image, []) is image


def test_a_mask_over_everything() -> None:
    assert not apply_masks(noise((33, 17)), [[(0, 0), (1, 0), (1, 1), (0, 1)]]).any()


def test_snapshot_is_blurred_before_it_is_drawn_on(tmp_path: Path) -> None:
    image = noise((640, 480))
    path = write_snapshot(
        tmp_path / "evidence" / "gate",
        image,
        "0a1b",
        detections=found(PERSON),
        labels=("person",),
        zone=[(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)],
        line=[(0, 0.95), (1, 0.95)],
        box=PERSON,
        masks=[[(0.8, 0.8), (1, 0.8), (1, 1), (0.8, 1)]],
    )
    assert path == tmp_path / "evidence" / "gate" / "0a1b.jpg"
    written = cv2.imread(str(path))
    assert written.shape == image.shape
    assert detail(written, (0.32, 0.25, 0.48, 0.75)) < 0.1 * detail(image, PERSON)
    # The box is red and sharp around the blurred person; OpenCV has blue first.
    edge = written[240, round(0.3 * 640) - 2 : round(0.3 * 640) + 3].astype(int)
    assert (edge[:, 2] - edge[:, 0]).max() > 100
    assert written[400:, 580:].mean() < 30
    assert list(path.parent.iterdir()) == [path]


def test_large_pictures_are_scaled_down(tmp_path: Path) -> None:
    path = write_snapshot(tmp_path, noise((2000, 1000)), "a", detections=found(), labels=("person",))
    assert cv2.imread(str(path)).shape == (640, 1280, 3)


def test_snapshot_of_a_failed_detector_shows_nothing(tmp_path: Path) -> None:
    image = noise((640, 480))
    path = write_snapshot(tmp_path, image, "a", detections=None, labels=("person",))
    assert detail(cv2.imread(str(path)), (0, 0, 1, 1)) < 0.15 * detail(image, (0, 0, 1, 1))


@pytest.mark.parametrize("name", ["../a", "a/b", "", "a.jpg", "a\n"])
def test_names_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="cannot be the name"):
        write_snapshot(tmp_path, noise(), name, detections=found(), labels=("person",))


def test_nowhere_to_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        write_snapshot(tmp_path / "file", noise(), "a", detections=found(), labels=("person",))
