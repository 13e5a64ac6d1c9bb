"""The real models on the real clips; skipped where those are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from beffroi import assets
from beffroi.components import Detector, DetectorConfig, SourceConfig
from beffroi.errors import AssetError
from beffroi.frame import Frame
from beffroi.manifest import shipped
from films import context

pytestmark = pytest.mark.assets

ROOT = context(Path("/"))


def detector(model: str, **settings: Any) -> Detector:
    try:
        assets.locate(f"models/{model}.onnx", download=False)
    except AssetError as error:
        pytest.skip(str(error))
    return DetectorConfig.parse({"model": model, "threads": 1, "tiles": "off", **settings}).build(ROOT)


def frames(clip: str, start: float, end: float, fps: float = 2) -> list[Frame]:
    try:
        path = assets.locate(f"clips/{clip}.mp4")
    except AssetError as error:
        pytest.skip(str(error))
    source = SourceConfig.parse({"type": "file", "path": str(path), "start": start, "end": end}).build(
        ROOT, fps
    )
    return list(source.frames())


def count(found: Any, labels: tuple[str, ...], name: str, score: float = 0.5) -> int:
    return int(((found.class_id == labels.index(name)) & (found.score >= score)).sum())


@pytest.mark.parametrize("model", list(shipped()))
def test_every_model_finds_the_man_on_the_lawn(model: str) -> None:
    look = detector(model)
    for found in look.detect(frames("garden-gate", 7, 8.5)):
        people = found.xyxy[(found.class_id == 0) & (found.score >= 0.5)]
        assert len(people) == 1
        # Head near the top edge of the lawn, feet on it.
        feet = (people[0, 0] + people[0, 2]) / 2, people[0, 3]
        assert 0.3 < feet[0] < 0.85
        assert 0.45 < feet[1] < 0.95


@pytest.mark.parametrize("model", list(shipped()))
def test_an_empty_room_is_empty(model: str) -> None:
    look = detector(model)
    assert sum(count(found, look.labels, "person", 0) for found in look.detect(frames("dwell", 0, 5))) == 0
    assert all(count(found, look.labels, "person") == 1 for found in look.detect(frames("dwell", 10, 14)))


def test_the_default_model_finds_the_waiting_car_and_the_traffic() -> None:
    look = detector("deimv2-femto")
    for found in look.detect(frames("junction", 2, 8, 1)):
        left = (found.xyxy[:, 0] < 0.05) & (found.xyxy[:, 3] > 0.6) & (found.score >= 0.4)
        assert left.sum() == 1
    for found in look.detect(frames("dual-carriageway", 1, 9, 1)):
        assert count(found, look.labels, "car") + count(found, look.labels, "truck") >= 3


def test_tiles_find_more_people_on_the_plaza() -> None:
    pictures = frames("plaza", 2, 5)
    people = {}
    for tiles in ("off", "auto"):
        look = detector("deimv2-femto", tiles=tiles)
        people[tiles] = np.mean([count(found, look.labels, "person") for found in look.detect(pictures)])
    assert people["off"] > 18
    assert people["auto"] > people["off"] + 8


def test_same_pictures_same_boxes() -> None:
    pictures = frames("car-park", 9, 13)
    first, second = (detector("deimv2-femto", tiles="auto").detect(pictures) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert a.xyxy.tobytes() == b.xyxy.tobytes()
        assert a.score.tobytes() == b.score.tobytes()


def test_a_truncated_model_is_named(tmp_path: Path) -> None:
    from beffroi.errors import ModelError

    whole = assets.locate("models/deimv2-atto.onnx", download=False) if detector("deimv2-atto") else None
    assert whole is not None
    manifest = Path(assets.__file__).parent / "models" / "deimv2-atto.toml"
    (tmp_path / "cut.toml").write_bytes(manifest.read_bytes())
    (tmp_path / "cut.onnx").write_bytes(whole.read_bytes()[:100_000])
    with pytest.raises(
        ModelError, match=r"cut\.onnx: is damaged or another file \(100000 bytes, expected 2248408\)"
    ):
        DetectorConfig.parse({"model": str(tmp_path / "cut.onnx")}).build(ROOT)
