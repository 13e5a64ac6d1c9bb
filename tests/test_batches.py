"""One model for several cameras: in batches, with buffers that stay, and kept in onnxruntime's layout.

There is no GPU here: buffers and batches run on the processor, through the same code.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from beffroi import assets
from beffroi.components import BuildContext, DetectorConfig
from beffroi.detectors import _cuda, _session
from beffroi.detectors._bound import Bound
from beffroi.detectors._detector import OnnxDetector
from beffroi.detectors._layout import kept_in_layout
from beffroi.errors import AssetError, InputError, ModelError
from beffroi.frame import Detections, Frame
from beffroi.runtime.detectors import Detectors, Shared, Together
from films import context
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from brightmodel import SIDE, bright_bytes, bright_model  # noqa: E402 - needs onnx

MODELS = ("deimv2-femto", "deimv2-atto", "yolox-nano")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions of one test are not those of the next."""
    monkeypatch.setattr(_session, "_loaded", type(_session._loaded)())
    monkeypatch.setattr(_session, "_told", set())


def grey(brightness: int, at_ms: int = 0) -> Frame:
    return Frame(at_ms, np.full((48, 64, 3), brightness, np.uint8))


def cameras(folder: Path, count: int, **options: Any) -> list[OnnxDetector]:
    model = bright_model(folder)
    config = DetectorConfig.parse({"model": model.name, "tiles": "off", "threads": 1, **options})
    return [config.build(context(folder)) for _ in range(count)]  # type: ignore[misc]


def same(some: list[Detections], others: list[Detections]) -> bool:
    columns = ("xyxy", "score", "class_id")
    return len(some) == len(others) and all(
        getattr(a, name).tobytes() == getattr(b, name).tobytes()
        for a, b in zip(some, others, strict=True)
        for name in columns
    )


@pytest.mark.parametrize("tiles", ["off", "2x2", "auto"])
@pytest.mark.parametrize("bound", [False, True])
@pytest.mark.parametrize("count", [1, 3, 16, 21])
def test_cameras_together_see_what_each_sees_alone(
    tmp_path: Path, tiles: str, bound: bool, count: int
) -> None:
    """Also when batches are filled up, split, and follow each other over several pictures."""
    alone, together = cameras(tmp_path, count, tiles=tiles), cameras(tmp_path, count, tiles=tiles)
    for picture in range(3):
        frames = [grey(10 * picture + 7 * camera, 400 * picture) for camera in range(count)]
        if bound:
            together[0]._session.bind("cpu")
        found = OnnxDetector.together(together, frames)
        together[0]._session._bound, together[0]._session.batch = None, 1
        expected = [each.detect([frame])[0] for each, frame in zip(alone, frames, strict=True)]
        assert same(found, expected)
        left = np.array([each.xyxy[0, 0] for each in found])
        brightness = np.array([frame.image[0, 0, 0] for frame in frames]) / 255
        np.testing.assert_allclose(left, brightness / 2, atol=1e-3)


def test_a_batch_is_filled_up_to_a_size_that_was_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (detector,) = cameras(tmp_path, 1)
    session = detector._session
    assert (detector.batch, session.room(5)) == (1, 5)
    sizes = []
    real = Bound.run

    def run(self: Bound, inputs: Any) -> Any:
        sizes.append(len(inputs["images"]))
        return real(self, inputs)

    monkeypatch.setattr(Bound, "run", run)
    session.bind("cpu")
    assert tuple(sizes) == _session.BATCHES
    sizes.clear()
    assert [session.room(count) for count in (1, 3, 8, 9, 16, 17, 21)] == [1, 4, 8, 16, 16, 17, 24]
    detector.detect([grey(level) for level in range(21)])
    assert sizes == [16, 8]


def test_outputs_are_not_overwritten_by_the_next_run() -> None:
    session = onnxruntime.InferenceSession(bright_bytes(), providers=["CPUExecutionProvider"])
    bound = Bound(session, "cpu", ["boxes"])
    sizes = np.ones((1, 2), np.int64)

    def boxes(level: float) -> np.ndarray:
        images = np.full((1, 3, SIDE, SIDE), level, np.float32)
        return bound.run({"images": images, "orig_target_sizes": sizes})[0]

    first = boxes(0.2)
    kept = first.copy()
    second = boxes(0.8)
    assert first.tobytes() == kept.tobytes()
    assert second[0, 0, 0] == pytest.approx(0.4)


def test_several_threads_share_one_model(tmp_path: Path) -> None:
    detectors = cameras(tmp_path, 4)
    detectors[0]._session.bind("cpu")
    wrong: list[int] = []

    def camera(number: int) -> None:
        for picture in range(30):
            level = (number * 60 + picture) % 250
            [found] = detectors[number].detect([grey(level, picture * 250)])
            if abs(found.xyxy[0, 0] - level / 510) > 1e-3:
                wrong.append(number)

    threads = [threading.Thread(target=camera, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    ("cores", "analysts", "threads", "used"),
    [(2, 1, 0, 2), (2, 2, 0, 1), (2, 10, 0, 1), (16, 2, 0, 4), (16, 8, 0, 2), (1, 1, 0, 1), (2, 2, 3, 3)],
)
def test_pictures_looked_at_at_once_share_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int, analysts: int, threads: int, used: int
) -> None:
    asked = []
    real = _session._options
    monkeypatch.setattr(_session.os, "sched_getaffinity", lambda _pid: set(range(cores)))
    monkeypatch.setattr(_session, "_options", lambda runtime, count: asked.append(count) or real(runtime, 1))
    config = DetectorConfig.parse({"model": bright_model(tmp_path).name, "threads": threads})
    config.build(BuildContext("gate", tmp_path, analysts=analysts))
    assert asked == [used]


def test_cameras_that_cannot_run_together(tmp_path: Path) -> None:
    one, two = cameras(tmp_path, 2)
    (other,) = cameras(tmp_path, 1, threads=2)
    assert one.runs_with(two)
    assert not one.runs_with(other)
    assert not one.runs_with("a detector of another type")
    with pytest.raises(InputError, match="different models, devices or threads"):
        OnnxDetector.together([one, other], [grey(1), grey(2)])
    with pytest.raises(InputError, match="2 pictures for 1 detectors"):
        OnnxDetector.together([one], [grey(1), grey(2)])
    with pytest.raises(InputError, match="one for each camera"):
        OnnxDetector.together([one, one], [grey(1), grey(2)])
    assert OnnxDetector.together([], []) == []


@settings(max_examples=20, deadline=None)
@given(scalings=st.integers(1, 4), channels=st.sampled_from([1, 3, 8, 16, 20, 32]), seed=st.integers(0, 99))
def test_a_model_kept_in_layout_gives_the_same_bits(scalings: int, channels: int, seed: int) -> None:
    data = bright_bytes(scalings, channels)
    changed, found = kept_in_layout(data)
    assert found == scalings
    images = np.random.default_rng(seed).random((2, 3, SIDE, SIDE), np.float32)
    inputs = {"images": images, "orig_target_sizes": np.ones((2, 2), np.int64)}
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    before, after = (
        onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]).run(None, inputs)
        for model in (data, changed)
    )
    assert all(a.tobytes() == b.tobytes() for a, b in zip(before, after, strict=True))


def test_a_model_without_such_scalings_stays_as_it_is() -> None:
    data = bright_bytes()
    assert kept_in_layout(data) == (data, 0)


@pytest.mark.assets
@pytest.mark.parametrize("model", MODELS)
def test_the_real_models_give_the_same_bits(model: str) -> None:
    try:
        data = assets.locate(f"models/{model}.onnx", download=False).read_bytes()
    except AssetError as error:
        pytest.skip(str(error))
    changed, found = kept_in_layout(data)
    assert found == (0 if model == "yolox-nano" else 20)
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    sessions = [
        onnxruntime.InferenceSession(each, options, providers=["CPUExecutionProvider"])
        for each in (data, changed)
    ]
    side = sessions[0].get_inputs()[0].shape[-1]
    random = np.random.default_rng(1)
    for _ in range(3):
        inputs = {"images": random.random((1, 3, side, side), np.float32)}
        if model != "yolox-nano":
            inputs["orig_target_sizes"] = np.ones((1, 2), np.int64)
        before, after = (session.run(None, inputs) for session in sessions)
        assert all(a.tobytes() == b.tobytes() for a, b in zip(before, after, strict=True))


def test_without_the_package_onnx_models_run_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(_data: bytes) -> Any:
        raise ImportError("No module named 'onnx'")

    monkeypatch.setattr(_session, "kept_in_layout", gone)
    with caplog.at_level(logging.INFO):
        (detector,) = cameras(tmp_path, 1)
    assert len(detector.detect([grey(100)])[0]) == 1
    assert "the package onnx" in caplog.text


class Gpu:
    """What onnxruntime-gpu looks like on a machine where CUDA does not start."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, lacks: list[_cuda.Lack], *, raises: bool = False):
        real = onnxruntime.InferenceSession
        providers = [_cuda.PROVIDER, "CPUExecutionProvider"]

        def session(data: bytes, options: Any, providers: list[Any]) -> Any:
            if raises and len(providers) > 1:
                raise RuntimeError("CUDA failure 100: no CUDA-capable device is detected")
            return real(data, options, providers=["CPUExecutionProvider"])

        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
        monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: sys.stdout.write("no libcudart"))
        monkeypatch.setattr(onnxruntime, "InferenceSession", session)
        monkeypatch.setattr(_cuda, "lacking", lambda _onnxruntime: lacks)


CUDNN = _cuda.Lack("cuDNN is missing: libcudnn.so.9 not found", "pip install 'beffroi[gpu]'")


@pytest.mark.parametrize("raises", [False, True])
def test_auto_says_once_why_the_card_is_not_used(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    raises: bool,
) -> None:
    Gpu(monkeypatch, [CUDNN], raises=raises)
    with caplog.at_level(logging.WARNING):
        detectors = cameras(tmp_path, 2) + cameras(tmp_path, 1, threads=2)
    assert {each.provider for each in detectors} == {"CPUExecutionProvider"}
    [record] = caplog.records
    assert record.getMessage() == (
        "the GPU is not used, detectors run on the processor: "
        "cuDNN is missing: libcudnn.so.9 not found (pip install 'beffroi[gpu]')"
    )
    assert capsys.readouterr().out == "", "standard output belongs to the command's result"


def test_cuda_that_does_not_start_is_an_error_that_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = _cuda.Lack("there is no NVIDIA driver", "install the driver of the card, then restart")
    Gpu(monkeypatch, [driver, CUDNN])
    with pytest.raises(ModelError) as raised:
        cameras(tmp_path, 1, device="cuda")
    text = str(raised.value)
    assert "bright.onnx: device cuda was asked for and cannot be used" in text
    assert text.index("no NVIDIA driver") < text.index("cuDNN is missing")
    Gpu(monkeypatch, [])
    with pytest.raises(ModelError, match="does not start, though all it needs seems to be here"):
        cameras(tmp_path, 1, device="cuda")


def test_a_machine_without_a_card_runs_on_its_processor_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(_cuda, "has_card", lambda: False)
    with caplog.at_level(logging.WARNING):
        cameras(tmp_path, 1)
    assert caplog.records == []


@pytest.mark.parametrize(("gate", "looks"), [("off", 9), ("on", 2), ("auto", 2)])
def test_a_run_puts_a_gate_before_each_cameras_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: str, looks: int
) -> None:
    """Two seconds of a still picture, four a second: the first and the last are looked at."""
    asked: list[int] = []
    real = OnnxDetector.detect

    def detect(self: OnnxDetector, frames: Sequence[Frame]) -> list[Detections]:
        asked.extend(frame.at_ms for frame in frames)
        return real(self, frames)

    monkeypatch.setattr(OnnxDetector, "detect", detect)
    config = DetectorConfig.parse({"model": bright_model(tmp_path).name, "tiles": "off", "gate": gate})
    detectors = Detectors()
    built = [detectors.build(config, BuildContext(name, tmp_path)) for name in ("north", "south")]
    for at_ms in range(0, 2001, 250):
        found = [each.detect([grey(level, at_ms)])[0] for each, level in zip(built, (50, 200), strict=True)]
        assert [round(float(one.xyxy[0, 0]), 2) for one in found] == [0.1, 0.39]
    assert len(asked) == 2 * looks
    detectors.close()


class Beside:
    """Looks beside a model: says how many boxes it was shown."""

    labels, name, version, provider = ("fire",), "beside", "1", "nowhere"

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [
            Detections.empty()
            if frame.detections is None
            else Detections(
                np.array([[0, 0, 1, 1]], np.float32),
                np.array([len(frame.detections) / 10], np.float32),
                np.zeros(1, np.uint16),
            )
            for frame in frames
        ]

    def close(self) -> None:
        pass


@pytest.mark.parametrize("gate", ["off", "on"])
def test_cameras_of_a_run_go_through_one_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: str
) -> None:
    """With gates before the models, and another detector beside one of them, as each would alone."""

    def built() -> list[Any]:
        config = DetectorConfig.parse({"model": bright_model(tmp_path).name, "tiles": "auto", "gate": gate})
        detectors = Detectors()
        first, second, third = (
            detectors.build(config, BuildContext(name, tmp_path, analysts=2)) for name in ("a", "b", "c")
        )
        return [Together(first, [Shared(Beside())]), second, third]

    alone, together = built(), built()
    together[1].model._session.bind("cpu")
    assert [each.batch for each in alone] == [1, 1, 1]
    for each in together:
        each.model.batch = each.model._session.batch
    assert {each.batch for each in together} == {16}
    assert all(together[0].runs_with(each) for each in together[1:])
    assert not together[0].runs_with(Shared(Beside()))
    looks = []
    real = OnnxDetector._run

    def run(self: OnnxDetector, images: Any) -> Any:
        looks.append(len(images))
        return real(self, images)

    monkeypatch.setattr(OnnxDetector, "_run", run)
    for at_ms in range(0, 3000, 250):
        frames = [grey(60, at_ms), grey(90 if at_ms < 1000 else 200, at_ms), grey(at_ms // 5 % 250, at_ms)]
        looks.clear()
        found = together[0].together(together, frames)
        # The first camera shows nothing new, the second once, the third always.
        moving = 3 if gate == "off" or at_ms == 0 else 2 if at_ms in (1000, 2000) else 1
        assert looks[0] == moving
        assert same(found, [each.detect([frame])[0] for each, frame in zip(alone, frames, strict=True)])
        assert len(found[0]) == len(found[1]) + 1


def test_a_batch_of_which_nothing_has_to_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = DetectorConfig.parse({"model": bright_model(tmp_path).name, "tiles": "off", "gate": "on"})
    detectors = Detectors()
    pair = [detectors.build(config, BuildContext(name, tmp_path)) for name in ("a", "b")]
    first = pair[0].together(pair, [grey(50), grey(90)])
    monkeypatch.setattr(OnnxDetector, "together", lambda *_: pytest.fail("nothing had to be looked at"))
    assert same(pair[0].together(pair, [grey(50, 250), grey(90, 250)]), first)
