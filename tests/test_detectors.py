"""Detectors: a toy model for what must hold, the real models where the weights are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from beffroi.components import Detector, DetectorConfig
from beffroi.detectors._capability import personal_word
from beffroi.detectors._decoders import Preparation
from beffroi.detectors._tiles import DOUBT_MS, KEEP_MS, TILES, TRY_MS, TileChoice
from beffroi.errors import ModelError, RecordingError
from beffroi.frame import Detections, Frame
from beffroi.manifest import shipped
from beffroi.recording import Header, RecordingWriter
from films import context
from hypothesis import given
from hypothesis import strategies as st
from toymodel import detr_answers, toy_model

MIDDLE = (0.4, 0.4, 0.6, 0.6)


def frame(at_ms: int = 0, size: tuple[int, int] = (64, 48)) -> Frame:
    return Frame(at_ms, np.zeros((size[1], size[0], 3), np.uint8))


def toy(folder: Path, boxes: list[Any], *, tiles: str = "off", **settings: Any) -> Detector:
    model = toy_model(folder, detr_answers(boxes))
    return onnx(folder, model=model.name, tiles=tiles, **settings)


def onnx(folder: Path, **settings: Any) -> Detector:
    return DetectorConfig.parse({"threads": 1, **settings}).build(context(folder))


def look(detector: Detector, *frames: Frame) -> list[Detections]:
    return detector.detect(frames or [frame()])


def kinds(detector: Detector, found: Detections) -> list[str]:
    return [detector.labels[kind] for kind in found.class_id]


def test_boxes_come_out_inside_sorted_and_scaled(tmp_path: Path) -> None:
    detector = toy(
        tmp_path,
        [(0.1, 0.1, 0.2, 0.2, 0.4, 4), (-0.2, 0.5, 0.5, 1.5, 0.7, 0), (0.7, 0.7, 0.9, 0.9, 0.1, 0)],
    )
    [found] = look(detector)
    assert kinds(detector, found) == ["person", "backpack"]
    np.testing.assert_allclose(found.xyxy[0], [0, 0.5, 0.5, 1])
    # 0.4 is this model's own "sure": it becomes 0.5, and 0.7 is half way from there to 1.
    np.testing.assert_allclose(found.score, [0.75, 0.5], atol=1e-6)
    assert detector.name == "toy"
    assert len(detector.version) == 12
    assert detector.provider == "CPUExecutionProvider"


def test_labels_are_only_the_classes_that_are_used(tmp_path: Path) -> None:
    boxes = [(*MIDDLE, 0.9, 4), (0, 0, 0.1, 0.1, 0.9, 3), (0.8, 0.8, 0.9, 0.9, 0.9, 0)]
    detector = toy(tmp_path, boxes, classes=["backpack", "car"])
    assert detector.labels == ("car", "backpack")
    assert kinds(detector, look(detector)[0]) == ["backpack"]
    config = DetectorConfig.parse({"model": "toy.onnx", "classes": ["backpack", "car"]})
    assert config.known_labels(context(tmp_path)) == ("car", "backpack")


def test_one_box_on_one_thing(tmp_path: Path) -> None:
    nearly = (0.41, 0.4, 0.61, 0.6)
    detector = toy(tmp_path, [(*MIDDLE, 0.9, 1), (*nearly, 0.8, 2), (*nearly, 0.7, 0), (*MIDDLE, 0.6, 0)])
    found = look(detector)[0]
    # Car and truck are confused, so one goes; a person may stand in front of a car.
    assert kinds(detector, found) == ["car", "person"]


def test_a_tram_takes_its_truck_with_it(tmp_path: Path) -> None:
    detector = toy(tmp_path, [(*MIDDLE, 0.9, 3), (*MIDDLE, 0.3, 2)])
    assert len(look(detector)[0]) == 0


def test_an_unsure_part_of_a_sure_thing_goes(tmp_path: Path) -> None:
    part, beside = (0.45, 0.45, 0.55, 0.55), (0.55, 0.45, 0.75, 0.6)
    detector = toy(tmp_path, [(*MIDDLE, 0.9, 0), (*part, 0.3, 0), (*part, 0.3, 4), (*beside, 0.3, 0)])
    found = look(detector)[0]
    assert sorted(kinds(detector, found)) == ["backpack", "person", "person"]
    sure = toy(tmp_path, [(*MIDDLE, 0.9, 0), (*part, 0.5, 0)])
    assert len(look(sure)[0]) == 2


def test_threshold(tmp_path: Path) -> None:
    boxes = [(*MIDDLE, 0.3, 0), (0, 0, 0.1, 0.1, 0.6, 0)]
    assert len(look(toy(tmp_path, boxes))[0]) == 2
    assert len(look(toy(tmp_path, boxes, threshold=0.5))[0]) == 1


def test_nothing_found_is_nothing(tmp_path: Path) -> None:
    found = look(toy(tmp_path, [(*MIDDLE, 0.0, 0)], tiles="2x2"))[0]
    assert found.xyxy.shape == (0, 4)


def test_empty_boxes_do_not_reach_the_engine(tmp_path: Path) -> None:
    detector = toy(
        tmp_path, [(0.5, 0.5, 0.5, 0.6, 0.9, 0), (1.2, 0, 1.4, 1, 0.9, 0), (0.6, 0, 0.5, 1, 0.9, 0)]
    )
    assert len(look(detector)[0]) == 0


def test_tiles_add_what_they_show_whole(tmp_path: Path) -> None:
    centres = toy(tmp_path, [(*MIDDLE, 0.9, 0)], tiles="2x2")
    found = look(centres)[0]
    middles = {tuple(np.round((box[:2] + box[2:]).astype(float) / 2, 2).tolist()) for box in found.xyxy}
    assert middles == {(0.5, 0.5), (0.3, 0.3), (0.7, 0.3), (0.3, 0.7), (0.7, 0.7)}
    # Cut by the inner edge of a tile: only the tiles whose edge is the picture's keep it.
    edges = toy(tmp_path, [(0.9, 0.4, 1.0, 0.6, 0.9, 0)], tiles="2x2")
    assert sorted(np.round(look(edges)[0].xyxy[:, 2], 2).tolist()) == [1, 1, 1]


def test_a_batch_is_what_its_pictures_are_alone(tmp_path: Path) -> None:
    for tiles in ("off", "2x2", "auto"):
        frames = [frame(at, size) for at, size in ((0, (64, 48)), (200, (64, 48)), (400, (80, 20)))]
        boxes = [(*MIDDLE, 0.9, 0)]
        together = look(toy(tmp_path, boxes, tiles=tiles), *frames)
        alone_one_by_one = toy(tmp_path, boxes, tiles=tiles)
        for found, each in zip(together, frames, strict=True):
            np.testing.assert_array_equal(found.xyxy, look(alone_one_by_one, each)[0].xyxy)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_few_tiles_a_picture_take_turns(most: int) -> None:
    """All four pay, and each gets its turn as often."""
    choice, seen = TileChoice(most), []
    for at_ms in range(0, 6000, 250):
        chosen = choice.tiles(at_ms, set())
        assert len(chosen) == most
        for tile in chosen:
            choice.found(tile, at_ms)
        seen += chosen
    counts = [seen.count(tile) for tile in range(4)]
    assert max(counts) - min(counts) <= 2
    assert set(seen[: 4 * most]) == {0, 1, 2, 3}


def test_few_tiles_are_tried_even_if_none_pays() -> None:
    choice = TileChoice(1)
    seen = [tuple(choice.tiles(at_ms, set())) for at_ms in range(0, 2 * TRY_MS, 500)]
    assert {tile for chosen in seen for tile in chosen} == {0, 1, 2, 3}
    assert max(len(chosen) for chosen in seen) == 1


def test_tiles_are_kept_while_they_pay() -> None:
    choice = TileChoice()
    assert choice.tiles(0, set()) == [0, 1, 2, 3]
    choice.found(2, 0)
    assert choice.tiles(200, set()) == [2]
    assert choice.tiles(KEEP_MS - 1, set()) == [2]
    assert choice.tiles(KEEP_MS, set()) == []
    # Tried again one at a time, the longest ago first; sooner where there is doubt.
    assert choice.tiles(TRY_MS, set()) == [0]
    assert choice.tiles(TRY_MS, set()) == [1]
    assert choice.tiles(TRY_MS + DOUBT_MS, {0}) == [3]
    assert choice.tiles(TRY_MS + DOUBT_MS, {0}) == [0]
    # A film that begins again is a new film.
    assert choice.tiles(0, set()) == [0, 1, 2, 3]


@given(st.lists(st.tuples(st.integers(1, 2000), st.integers(0, 15), st.integers(0, 15)), max_size=60))
def test_tile_choice_is_bounded_and_deterministic(steps: list[tuple[int, int, int]]) -> None:
    first, second = TileChoice(), TileChoice()
    at = 0
    for step, doubt, telling in steps:
        at += step
        doubtful = {tile for tile in range(4) if doubt >> tile & 1}
        chosen = first.tiles(at, doubtful)
        assert chosen == second.tiles(at, doubtful) == sorted(set(chosen))
        for tile in chosen:
            if telling >> tile & 1:
                first.found(tile, at)
                second.found(tile, at)
    assert set(TileChoice().tiles(at, set())) == set(range(len(TILES)))


def test_a_damaged_model_is_not_loaded(tmp_path: Path) -> None:
    path = toy_model(tmp_path, detr_answers([(*MIDDLE, 0.9, 0)]))
    data = path.read_bytes()
    for bad in (data[:-10], data[:50] + b"x" + data[51:], b""):
        path.write_bytes(bad)
        with pytest.raises(
            ModelError, match=r"toy\.onnx: is damaged or another file.*sha256 [0-9a-f]{64}, expected"
        ):
            onnx(tmp_path, model="toy.onnx")


def test_what_is_no_model(tmp_path: Path) -> None:
    import hashlib

    path = toy_model(tmp_path, detr_answers([(*MIDDLE, 0.9, 0)]))
    old = path.read_bytes()
    path.write_bytes(b"no model at all")
    manifest = path.with_suffix(".toml")
    text = manifest.read_text().replace(
        hashlib.sha256(old).hexdigest(), hashlib.sha256(path.read_bytes()).hexdigest()
    )
    manifest.write_text(text)
    with pytest.raises(ModelError, match=r"toy\.onnx: onnxruntime cannot load it"):
        onnx(tmp_path, model="toy.onnx")


def test_a_model_without_manifest_or_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no model at .*missing\.onnx"):
        onnx(tmp_path, model="missing.onnx")
    (tmp_path / "bare.onnx").write_bytes(b"")
    with pytest.raises(ModelError, match=r"there is no manifest for the model .*bare\.toml"):
        onnx(tmp_path, model="bare.onnx")
    with pytest.raises(ModelError, match="there is no model 'yolo9000'; known: deimv2-atto, deimv2-femto"):
        onnx(tmp_path, model="yolo9000")
    with pytest.raises(ModelError, match="knows no class 'persn'; did you mean 'person'"):
        onnx(tmp_path, model="deimv2-femto", classes=["persn"])


def test_findings_before_anything_is_loaded(tmp_path: Path) -> None:
    def places(**settings: Any) -> list[tuple[str | int, ...]]:
        return [place for place, _ in DetectorConfig.parse(settings).findings(context(tmp_path))]

    assert places() == []
    assert places(model="nothing.onnx") == [("model",)]
    assert places(classes=["person", "persn"]) == [("classes", 1)]
    config = DetectorConfig.parse({"model": "nothing"})
    assert config.known_labels(context(tmp_path)) is None


def test_without_onnxruntime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from beffroi.detectors import onnx as module

    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    [(place, message)] = DetectorConfig.parse({}).findings(context(tmp_path))
    assert place == ("type",)
    assert "pip install 'beffroi[cpu]'" in message


def test_cuda_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    with pytest.raises(
        ModelError, match=r"device cuda was asked for.*cannot be used: .*built without CUDA.*beffroi\[gpu\]"
    ):
        toy(tmp_path, [(*MIDDLE, 0.9, 0)], device="cuda")
    assert toy(tmp_path, [(*MIDDLE, 0.9, 0)], device="auto").provider == "CPUExecutionProvider"


REFUSED = [
    "face", "Faces", "human_face", "HumanFace", "visage", "licence plate", "license-plate",
    "LicensePlate", "plaque", "plaque d'immatriculation", "gender", "Genre", "sex", "man", "woman",
    "Femme", "enfants", "age", "AgeGroup", "âge", "skin colour", "peau", "ethnicity", "clothing",
    "vêtements", "gait", "démarche", "emotion", "Émotions", "sad_mood", "re-id", "reid", "ReID",
    "person_reid_vector", "embedding", "identity", "feature_vector", "number plate", "hijab", "hair",
    "wears glasses", "head pose",
]  # fmt: skip
ALLOWED = [
    "surface", "garage", "stage", "package", "sextant", "person", "car", "human", "pedestrian", "fire",
    "smoke", "manhole", "wine glass", "hair drier", "tie", "handbag", "dining table", "template",
    "boxes", "scores", "labels", "output0",
]  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_personal_words_are_refused(name: str) -> None:
    assert personal_word(name) is not None


def test_things_are_not_refused() -> None:
    assert [name for name in ALLOWED if personal_word(name)] == []
    for manifest in shipped().values():
        assert [name for name in manifest.output.labels if personal_word(name)] == []


@given(
    word=st.sampled_from(["face", "visage", "gender", "plaque", "emotion", "skin", "démarche"]),
    before=st.sampled_from(["", "human_", "the ", "2-", "x."]),
    after=st.sampled_from(["", "_score", " 1", "s", "-v2", "!"]),
    upper=st.integers(0, 2),
)
def test_spelling_does_not_help(word: str, before: str, after: str, upper: int) -> None:
    name = before + word + after
    assert personal_word((name, name.upper(), name.title())[upper]) is not None


@pytest.mark.parametrize("where", ["label", "output", "metadata"])
def test_a_model_that_tells_who_somebody_is_is_refused(tmp_path: Path, where: str) -> None:
    answers = detr_answers([(*MIDDLE, 0.9, 0)])
    labels = ("person", "face") if where == "label" else ("person", "car")
    metadata = {"names": "{0: 'man', 1: 'woman'}"} if where == "metadata" else None
    if where == "output":
        answers["reid_embedding"] = np.zeros((1, 128), np.float32)
    toy_model(tmp_path, answers, labels=labels, classes=("person",), metadata=metadata)
    with pytest.raises(ModelError, match="refused, because"):
        onnx(tmp_path, model="toy.onnx")


def test_input_of_the_model() -> None:
    image = np.zeros((20, 40, 3), np.uint8)
    image[:, :] = (255, 128, 0)
    stretched = Preparation(shipped()["deimv2-femto"]).tensor([image])
    assert stretched.shape == (1, 3, 416, 416)
    np.testing.assert_allclose(stretched[0, :, 200, 200], [0, 128 / 255, 1], atol=1e-6)
    boxed = Preparation(shipped()["yolox-nano"])
    assert boxed.extent(image) == (416, 208)
    tall = boxed.tensor([np.full((40, 20, 3), 9, np.uint8)])[0]
    assert (tall[:, :, :208] == 9).all()
    assert (tall[:, :, 208:] == 114).all()
    wide = boxed.tensor([image])[0]
    np.testing.assert_array_equal(wide[:, 100, 100], [255, 128, 0])
    assert (wide[:, 208:] == 114).all()


def record(path: Path, count: int, *, fps: float | None = 5, size: tuple[int, int] | None = (64, 48)) -> Path:
    width, height = size or (None, None)
    header = Header(
        labels=("person",), width=width, height=height, fps=fps, model="deimv2-femto c6ad358f750b"
    )
    with RecordingWriter(path, header) as writer:
        for index in range(count):
            box = np.array([[0.1, 0.1, 0.2, 0.2 + index / 1000]], np.float32)
            found = Detections(box, np.array([0.9], np.float32), np.zeros(1, np.uint16))
            writer.write(200 * index, found)
    return path


def recorded(path: Path) -> Detector:
    return DetectorConfig.parse({"type": "recorded", "path": path.name}).build(context(path.parent))


def test_recorded_boxes_by_time(tmp_path: Path) -> None:
    detector = recorded(record(tmp_path / "a.jsonl", 5))
    assert (detector.labels, detector.name, detector.version) == (("person",), "deimv2-femto", "c6ad358f750b")
    found = detector.detect([frame(0), frame(190), frame(500), frame(801)])
    assert np.round([each.xyxy[0, 3] * 1000 for each in found]).tolist() == [200, 201, 202, 204]


def test_recording_of_something_else(tmp_path: Path) -> None:
    detector = recorded(record(tmp_path / "a.jsonl", 5))
    with pytest.raises(
        RecordingError, match="was recorded from pictures of 64 x 48 pixels, these are 80 x 48"
    ):
        detector.detect([frame(0, (80, 48))])
    with pytest.raises(RecordingError, match=r"holds nothing at 1\.20 s: it goes from 0\.00 to 0\.80 s"):
        detector.detect([frame(1200)])
    with pytest.raises(RecordingError, match="holds no picture"):
        recorded(record(tmp_path / "empty.jsonl", 0)).detect([frame(0)])


def test_recording_with_holes(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", 10, fps=25, size=None)
    with pytest.raises(RecordingError, match=r"holds nothing at 0\.10 s, only a picture every 0\.04 s"):
        recorded(path).detect([frame(100)])
    guessed = recorded(record(tmp_path / "b.jsonl", 10, fps=None, size=None))
    assert len(guessed.detect([frame(100)])[0]) == 1


def test_recording_that_is_not_there(tmp_path: Path) -> None:
    config = DetectorConfig.parse({"type": "recorded", "path": "a.jsonl"})
    assert [place for place, _ in config.findings(context(tmp_path))] == [("path",)]
    assert config.known_labels(context(tmp_path)) is None
    record(tmp_path / "a.jsonl", 1)
    assert config.known_labels(context(tmp_path)) == ("person",)
