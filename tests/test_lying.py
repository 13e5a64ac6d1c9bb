"""A second opinion on people whose outline is broad."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from beffroi.components import BuildContext, DetectorConfig
from beffroi.config.view import View
from beffroi.errors import ModelError
from beffroi.frame import Detections, Frame
from beffroi.runtime.detectors import Detectors
from toymodel import detr_answers, toy_model

UPRIGHT, BROAD, CAR = (0.1, 0.1, 0.2, 0.7), (0.5, 0.5, 0.8, 0.7), (0.2, 0.7, 0.6, 0.9)


def seen() -> Frame:
    boxes = np.array([UPRIGHT, BROAD, CAR], np.float32)
    found = Detections(boxes, np.array([0.9, 0.6, 0.8], np.float32), np.array([0, 0, 1], np.uint16))
    return Frame(0, np.full((90, 160, 3), 120, np.uint8), found)


def model(folder: Path, label: int, score: float) -> str:
    answers = detr_answers([(0.2, 0.2, 0.8, 0.8, score, label)])
    return toy_model(folder, answers, labels=("standing", "lying"), classes=("lying",)).name


def look(folder: Path, **settings: object) -> Detections:
    config = DetectorConfig.parse({"type": "lying", **settings})
    context = BuildContext("gate", folder, labels=("person", "car"))
    (found,) = config.build(context).detect([seen()])
    return found


@pytest.mark.parametrize(("label", "score", "agrees"), [(1, 0.9, True), (1, 0.2, False), (0, 0.9, False)])
def test_only_broad_people_are_asked_about(tmp_path: Path, label: int, score: float, agrees: bool) -> None:
    found = look(tmp_path, model=model(tmp_path, label, score))
    assert found.xyxy.tolist() == ([pytest.approx(BROAD)] if agrees else [])
    assert found.score.tolist() == ([pytest.approx(0.6)] if agrees else [])


def test_how_broad_and_how_many_can_be_said(tmp_path: Path) -> None:
    name = model(tmp_path, 1, 0.9)
    assert len(look(tmp_path, model=name, broad=0.05)) == 2
    assert len(look(tmp_path, model=name, broad=0.05, most=1)) == 1
    assert len(look(tmp_path, model=name, broad=4)) == 0


def test_a_model_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    settings = DetectorConfig.parse({"type": "lying", "model": "none.onnx"})
    (((place,), message),) = settings.findings(BuildContext("gate", tmp_path))
    assert place == "model"
    assert "there is no model at" in message
    toy_model(tmp_path, detr_answers([(0, 0, 1, 1, 0.9, 0)]))
    with pytest.raises(ModelError, match="has no label `lying`"):
        look(tmp_path, model="toy.onnx")


def test_it_looks_beside_the_object_detector(tmp_path: Path) -> None:
    view = View.model_validate({"also": [{"type": "lying", "model": model(tmp_path, 1, 0.9)}]})
    first = DetectorConfig.parse({"type": "simulated"})
    detector = Detectors().build_for(view, first, BuildContext("gate", tmp_path))
    (found,) = detector.detect([seen()])
    assert [detector.labels[index] for index in found.class_id.tolist()][-1] == "lying"
    assert len(found) == 4
