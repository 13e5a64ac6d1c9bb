"""The doctor: what is broken, and how it is mended."""

from __future__ import annotations

import builtins
import json
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from beffroi import doctor
from beffroi.assets import Asset
from beffroi.cli import app
from beffroi.detectors import _cuda
from beffroi.doctor import Finding, examine
from typer.testing import CliRunner

Versions = Callable[..., None]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Versions:
    """Pretend that packages are installed (with a version) or not (None)."""
    real = metadata.version

    def pretend(**versions: str | None) -> None:
        named = {name.replace("_", "-"): version for name, version in versions.items()}

        def version(package: str) -> str:
            found = named[package] if package in named else real(package)
            if found is None:
                raise metadata.PackageNotFoundError(package)
            return found

        monkeypatch.setattr(metadata, "version", version)

    return pretend


@pytest.fixture
def broken_import(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Let the import of a module fail with a text."""
    real = builtins.__import__

    def pretend(module: str, text: str) -> None:
        def imported(name: str, *rest: Any, **more: Any) -> Any:
            if name == module:
                raise ImportError(text, name=module)
            return real(name, *rest, **more)

        monkeypatch.setattr(builtins, "__import__", imported)

    return pretend


def found(part: str) -> list[Finding]:
    return [each for each in examine() if each.part == part]


def test_this_machine_can_run_the_tests() -> None:
    assert [each for each in examine() if each.state == "broken"] == []
    parts = {each.part for each in examine()}
    assert parts >= {"python", "compiled part", "numpy", "opencv", "inference", "video", "sources", "sinks"}


def test_a_compiled_part_of_another_version(installed: Versions) -> None:
    installed(beffroi="99.0")
    [finding] = found("compiled part")
    assert finding.state == "broken"
    assert finding.found.endswith("the package 99.0")
    assert finding.mend == "install beffroi again, or build it again in a checkout"


def test_two_opencvs(installed: Versions) -> None:
    installed(opencv_python="5", opencv_python_headless="5")
    assert found("opencv") == [
        Finding(
            "opencv",
            "broken",
            "opencv-python and opencv-python-headless are installed and overwrite each other",
            "pip uninstall -y opencv-python opencv-python-headless && pip install opencv-python",
        )
    ]


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        (
            "libGL.so.1: cannot open shared object file: No such file or directory",
            "apt install libgl1 libglib2.0-0 (Debian, Ubuntu)",
        ),
        ("No module named 'cv2'", "pip install opencv-python"),
    ],
)
def test_an_opencv_that_does_not_import(
    broken_import: Callable[[str, str], None], text: str, mend: str
) -> None:
    broken_import("cv2", text)
    assert found("opencv") == [Finding("opencv", "broken", text, mend)]


def test_two_onnxruntimes(installed: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(onnxruntime="1.28", onnxruntime_gpu="1.28")
    for card, extra in ((False, "cpu"), (True, "gpu")):
        monkeypatch.setattr(doctor, "_has_card", lambda card=card: card)
        assert found("inference") == [
            Finding(
                "inference",
                "broken",
                "onnxruntime and onnxruntime-gpu overwrite each other",
                f"pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'beffroi[{extra}]'",
            )
        ]


def test_no_onnxruntime(
    broken_import: Callable[[str, str], None], installed: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_has_card", lambda: False)
    installed(onnxruntime=None, onnxruntime_gpu=None)
    broken_import("onnxruntime", "No module named 'onnxruntime'")
    assert found("inference") == [
        Finding("inference", "broken", "No module named 'onnxruntime'", "pip install 'beffroi[cpu]'")
    ]


class Session:
    """A session that gets what it is told, as onnxruntime-gpu does on a machine without CUDA."""

    works = False

    def __init__(self, _model: bytes, _options: object, providers: list[str]) -> None:
        self.providers = providers

    def get_providers(self) -> list[str]:
        return self.providers if self.works else ["CPUExecutionProvider"]


@pytest.mark.parametrize(("card", "state"), [(True, "broken"), (False, "note")])
def test_a_session_that_falls_back_to_the_cpu(
    monkeypatch: pytest.MonkeyPatch, card: bool, state: str
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(doctor, "_has_card", lambda: card)
    [finding] = found("CUDAExecutionProvider")
    assert (finding.state, finding.found) == (
        state,
        "is built in, but a session falls back to the CPU",
    )
    monkeypatch.setattr(Session, "works", True)
    assert found("CUDAExecutionProvider") == [Finding("CUDAExecutionProvider", "ok", "works")]


def test_a_card_that_nobody_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(doctor, "_has_card", lambda: True)
    [finding] = found("providers")
    assert (finding.state, finding.found) == ("note", "CPU only, though there is an NVIDIA GPU")


class Driver:
    """The driver's library on a machine with `cards` cards, where CUDA has the libraries in `has`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, cards: int | None, has: tuple[str, ...] = ()):
        def load(name: str) -> Any:
            if name == "libcuda.so.1" and cards is not None:
                return self
            if not any(name.startswith(each) for each in has):
                raise OSError(f"{name}: cannot open shared object file")
            return object()

        self.cards = cards or 0
        monkeypatch.setattr(_cuda.ctypes, "CDLL", load)

    def cuInit(self, _flags: int) -> int:  # noqa: N802 - its own name
        return 0 if self.cards else 100

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802 - its own name
        count._obj.value = self.cards
        return 0


class Runtime:
    """What onnxruntime says of itself."""

    __version__ = "1.32.0"
    cuda_version = "12.8"
    providers = (_cuda.PROVIDER, "CPUExecutionProvider")

    def get_available_providers(self) -> tuple[str, ...]:
        return self.providers

    def preload_dlls(self) -> None:
        sys.stdout.write("Failed to load libcudnn.so.9")


ALL = ("libcudart.so.12", "libcublasLt.so.12", "libcurand.so.10", "libcufft.so.11", "libcudnn.so.9")


@pytest.mark.parametrize(
    ("cards", "has", "card", "lacks"),
    [
        (1, ALL, True, []),
        (1, ALL[:-1], True, ["cuDNN is missing: libcudnn.so.9 not found"]),
        (
            2,
            (*ALL[2:3], ALL[4]),
            True,
            [
                "CUDA 12 is not complete: libcudart.so.12, libcublasLt.so.12, libcufft.so.11 not found",
            ],
        ),
        (0, ALL, True, ["the driver finds no card it can use (CUDA error 100)"]),
        (None, ALL, True, ["the driver is in the kernel, but its library libcuda.so.1 is not here"]),
        (None, ALL, False, ["there is no NVIDIA driver"]),
    ],
)
def test_what_cuda_lacks(
    monkeypatch: pytest.MonkeyPatch,
    installed: Versions,
    capsys: pytest.CaptureFixture[str],
    cards: int | None,
    has: tuple[str, ...],
    card: bool,
    lacks: list[str],
) -> None:
    installed(onnxruntime=None, onnxruntime_gpu="1.32.0")
    monkeypatch.setattr(_cuda, "has_card", lambda: card)
    Driver(monkeypatch, cards=cards, has=has)
    found_lacks = _cuda.lacking(Runtime())
    assert [lack.found for lack in found_lacks] == lacks
    assert all(lack.mend for lack in found_lacks)
    assert capsys.readouterr().out == "", "what onnxruntime prints is not part of an answer"


def test_cuda_and_the_packages_of_onnxruntime(monkeypatch: pytest.MonkeyPatch, installed: Versions) -> None:
    Driver(monkeypatch, cards=1, has=ALL)
    runtime = Runtime()
    installed(onnxruntime="1.32.0", onnxruntime_gpu="1.32.0")
    [lack] = _cuda.lacking(runtime)
    assert lack.found == "onnxruntime and onnxruntime-gpu are both installed and overwrite each other"
    installed(onnxruntime="1.32.0", onnxruntime_gpu=None)
    monkeypatch.setattr(Runtime, "providers", ("CPUExecutionProvider",))
    monkeypatch.setattr(Runtime, "cuda_version", "")
    [lack] = _cuda.lacking(runtime)
    assert lack.found == "onnxruntime 1.32.0 is built without CUDA"
    assert lack.mend == "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'beffroi[gpu]'"


def test_a_card_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    version = tmp_path / "version"
    version.write_text(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22\nGCC version: 12\n"
    )
    monkeypatch.setattr(_cuda, "DRIVER", version)
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA L4, 23034 MiB'\n")
    program.chmod(0o755)
    monkeypatch.setattr(doctor.shutil, "which", lambda _name: str(program))
    assert found("gpu") == [Finding("gpu", "ok", "NVIDIA driver 550.54.14, NVIDIA L4, 23034 MiB")]
    program.write_text("#!/bin/sh\nexit 9\n")
    assert "but nvidia-smi fails" in found("gpu")[0].found
    monkeypatch.setattr(_cuda, "DRIVER", tmp_path / "nothing")
    assert found("gpu") == []


def test_models_that_could_be_faster(installed: Versions) -> None:
    installed(onnx=None)
    [finding] = found("onnx")
    assert (finding.state, finding.mend) == ("note", "pip install 'beffroi[cpu]'")
    installed(onnx="1.17.0")
    assert found("onnx") == [Finding("onnx", "ok", "1.17.0")]


def test_the_smallest_model_is_one() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    import numpy as np

    session = onnxruntime.InferenceSession(doctor.IDENTITY, providers=["CPUExecutionProvider"])
    assert session.run(None, {"x": np.array([3.0], np.float32)})[0] == [3.0]


def test_codecs_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_can", lambda codec, _mode: codec not in ("hevc", "libx264"))
    [finding] = found("video")
    assert finding.state == "broken"
    assert finding.found.endswith("cannot read hevc")
    monkeypatch.setattr(doctor, "_can", lambda codec, _mode: codec != "libx264")
    assert [each.state for each in found("video") + found("films")] == ["ok", "note"]


def test_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    def one(state: Any) -> None:
        path = None if state == "absent" else Path("m.onnx")
        asset = Asset("m", "models/m.onnx", 3, "Apache-2.0", path, state)
        monkeypatch.setattr("beffroi.assets.known", lambda: [asset])

    one("absent")
    note = "not here yet; the first use downloads it"
    assert found("m") == [Finding("m", "note", note, "beffroi assets fetch m")]
    one("damaged")
    damaged = "m.onnx is not the file of its manifest"
    assert found("m") == [Finding("m", "broken", damaged, "remove it, then beffroi assets fetch m")]
    one("ready")
    assert found("m") == [Finding("m", "ok", "m.onnx")]


def test_no_time_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoneinfo.available_timezones", set)
    assert found("time zones") == [
        Finding("time zones", "broken", "none are known", "pip install tzdata, or apt install tzdata")
    ]


def test_a_check_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def _sqlite() -> list[Finding]:
        raise OSError("disk on fire")

    monkeypatch.setattr(doctor, "CHECKS", (_sqlite,))
    assert examine() == [Finding("sqlite", "broken", "could not be looked at: OSError: disk on fire")]


def test_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    fine, ill = Finding("a", "ok", "1.0"), Finding("b", "broken", "gone", "pip install b")
    monkeypatch.setattr(doctor, "examine", lambda: [fine])
    answer = CliRunner().invoke(app, ["doctor"])
    assert (answer.exit_code, answer.stdout) == (0, "ok     a: 1.0\n")
    monkeypatch.setattr(doctor, "examine", lambda: [fine, ill])
    answer = CliRunner().invoke(app, ["doctor"])
    assert answer.exit_code == 1
    assert answer.stdout == "ok     a: 1.0\nbroken b: gone\n       pip install b\n"
    assert answer.stderr == "1 of 2 checks found something broken\n"
    answer = CliRunner().invoke(app, ["doctor", "--json"])
    assert answer.exit_code == 1
    assert json.loads(answer.stdout) == {
        "ok": False,
        "checks": [
            {"part": "a", "state": "ok", "found": "1.0", "mend": None},
            {"part": "b", "state": "broken", "found": "gone", "mend": "pip install b"},
        ],
    }
