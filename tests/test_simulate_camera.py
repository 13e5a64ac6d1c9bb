"""The camera over the square: where things are seen, and where what is seen stands."""

from __future__ import annotations

import json
from math import pi

import numpy as np
import pytest
from beffroi import Engine
from beffroi.simulate import Camera, Square
from beffroi.simulate.agent import cuboid
from hypothesis import given
from hypothesis import strategies as st


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


@pytest.mark.parametrize("seed", range(20))
def test_another_installers_camera_begins_to_see_the_ground_at_the_same_place(seed: int) -> None:
    aspect = 16 / 9
    one, usual = Camera.somewhere(np.random.default_rng(seed), aspect), Camera(aspect=aspect)
    below = [camera.ground(np.array([0.5, 1.0]))[1] for camera in (one, usual)]
    assert below[0] == pytest.approx(below[1], abs=0.1)
    # The road's end lanes stay in the picture, the horizon does not fall into the square.
    assert one.horizon < one.project(np.array([0.0, 36.0]))[1]
    assert (np.abs(one.project(np.array([[-10.0, 19.0], [10.0, 19.0]]))[:, 0] - 0.5) < 0.5).all()
