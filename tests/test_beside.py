"""Detectors that look beside the camera's own: named by the view, or switched on by its rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from beffroi.components import BuildContext, DetectorConfig
from beffroi.config import beside as module
from beffroi.config.beside import MissingDetectorError, beside, joined_labels, labels_beside
from beffroi.config.view import View
from beffroi.detectors.recorded import RecordedConfig
from beffroi.detectors.simulated import SimulatedDetectorConfig
from beffroi.frame import Detections, Frame
from beffroi.runtime.detectors import Detectors

SQUARE = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]


class Looker:
    """Finds one box of each of its labels, and tells how many boxes were found before it."""

    version, provider = "1", "none"

    def __init__(self, name: str, labels: tuple[str, ...]) -> None:
        self.name, self.labels = name, labels

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        n = len(self.labels)
        boxes = np.tile(np.array([[0.1, 0.1, 0.2, 0.2]], np.float32), (n, 1))
        return [
            Detections(
                boxes,
                np.full(n, 0.5, np.float32),
                np.arange(n, dtype=np.uint16),
                {} if frame.detections is None else {self.name: str(len(frame.detections))},
            )
            for frame in frames
        ]

    def close(self) -> None: ...


class LookerConfig(DetectorConfig):
    type: Literal["looker"]
    name: str | None = None
    zone: str | None = None
    finds: tuple[str, ...] = ("person",)
    seen: ClassVar[list[BuildContext]] = []

    def known_labels(self, _context: BuildContext) -> tuple[str, ...]:
        return self.finds

    def build(self, context: BuildContext) -> Looker:
        self.seen.append(context)
        return Looker(self.name or "looker", self.finds)


@pytest.fixture(autouse=True)
def _needs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    LookerConfig.seen.clear()
    needed = {"odd": ("looker",), "light": ("looker",)}
    monkeypatch.setattr(module, "needs", lambda: needed)
    yield
    DetectorConfig.types.pop("looker", None)
    DetectorConfig.types["looker"] = LookerConfig


def view(**settings: Any) -> View:
    return View.model_validate({"zones": {"head": SQUARE}, **settings})


FIRST = LookerConfig(type="looker", finds=("person", "car"))


def test_boxes_of_all_are_joined_in_one_set_of_classes() -> None:
    settings = view(also=[{"type": "looker", "name": "a", "finds": ["car", "bag"]}])
    detector = Detectors().build_for(settings, FIRST, BuildContext("c", Path()))
    assert detector.labels == ("person", "car", "bag")
    (found,) = detector.detect([Frame(0, np.zeros((4, 4, 3), np.uint8))])
    assert found.class_id.tolist() == [0, 1, 1, 2]
    assert found.signals == {"a": "2"}
    assert detector.version == "1 + a 1"


def test_those_beside_know_the_labels_and_zones() -> None:
    settings = view(also=[{"type": "looker"}])
    Detectors().build_for(settings, FIRST, BuildContext("c", Path()))
    assert LookerConfig.seen[1].labels == ("person", "car")
    assert list(LookerConfig.seen[1].zones) == ["head"]


def test_a_rule_switches_on_what_it_needs_once() -> None:
    settings = view(rules=[{"name": "a", "type": "odd"}, {"name": "b", "type": "odd"}])
    assert [each.type for each in beside(settings, FIRST)] == ["looker"]


def test_a_disabled_rule_needs_nothing() -> None:
    assert beside(view(rules=[{"name": "a", "type": "odd", "enabled": False}]), FIRST) == ()


def test_a_named_detector_replaces_the_one_that_a_rule_needs() -> None:
    settings = view(also=[{"type": "looker", "finds": ["bag"]}], rules=[{"name": "a", "type": "odd"}])
    (only,) = beside(settings, FIRST)
    assert labels_beside(settings, FIRST, ("person",), BuildContext("c", Path())) == ("person", "bag")
    assert only is settings.also[0]


def test_a_signal_is_looked_for_in_the_zone_of_its_name() -> None:
    (made_up,) = beside(view(rules=[{"name": "a", "type": "light", "signal": "head"}]), FIRST)
    assert isinstance(made_up, LookerConfig)
    assert (made_up.name, made_up.zone) == ("head", "head")


def test_a_signal_without_a_zone_is_refused_with_what_to_do() -> None:
    rules = [{"name": "x", "type": "intrusion"}, {"name": "a", "type": "light", "signal": "lamp"}]
    with pytest.raises(MissingDetectorError, match="draw a zone of that name") as caught:
        beside(view(rules=rules), FIRST)
    assert caught.value.path == "rules[1].signal"


def test_a_recording_may_hold_everything() -> None:
    settings = view(rules=[{"name": "a", "type": "odd"}])
    recorded = {"type": "recorded", "path": "x"}
    assert beside(settings, RecordedConfig.model_validate(recorded)) == ()
    assert len(beside(settings, RecordedConfig.model_validate({**recorded, "whole": False}))) == 1
    assert beside(settings, SimulatedDetectorConfig(type="simulated")) == ()


def test_labels_keep_their_first_place() -> None:
    assert joined_labels(("a", "b"), [("b", "c"), ("a", "d")]) == ("a", "b", "c", "d")
