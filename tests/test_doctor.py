"""The doctor: what is broken, and how it is mended."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from beffroi import doctor
from beffroi.assets import Asset
from beffroi.cli import app
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
