"""One wheel for all Pythons from 3.11: built, installed into an empty environment, its command line run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    maturin = Path(sys.executable).with_name("maturin")
    if not maturin.exists() or shutil.which("cargo") is None:
        pytest.skip("maturin and cargo are needed to build a wheel")
    out = tmp_path_factory.mktemp("dist")
    run(maturin, "build", "--release", "--locked", "--out", out, cwd=ROOT)
    (built,) = out.glob("*.whl")
    return built


@pytest.mark.timeout(900)
def test_one_wheel_serves_every_python(wheel: Path) -> None:
    assert "-cp311-abi3-" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for needed in ("beffroi/py.typed", "beffroi/_core.pyi", "beffroi/schema/site.json"):
        assert needed in names, f"{needed} is missing"
    assert any(name.startswith("beffroi/models/") and name.endswith(".toml") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    # Weights and clips are never shipped.
    assert not [name for name in names if name.endswith((".onnx", ".mp4"))]


@pytest.mark.timeout(900)
def test_the_command_line_runs_from_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "empty", with_pip=True)
    python = tmp_path / "empty" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel, cwd=tmp_path)
    beffroi = python.with_name("beffroi")
    assert run(beffroi, "--version", cwd=tmp_path).strip().endswith("0.1.0")
    schema = json.loads(run(beffroi, "schema", cwd=tmp_path))
    assert schema["type"] == "object"
    (tmp_path / "site.yaml").write_text(
        "site: { name: Square, timezone: Europe/Paris, language: en, mode: evaluation }\n"
        "cameras:\n"
        "  square:\n"
        "    source: { type: simulated, scenario: loitering, seed: 1, duration: 4 }\n"
        "    detect: { type: simulated }\n"
        "    views:\n"
        "      main:\n"
        "        zones: { all: [[0, 0], [1, 0], [1, 1], [0, 1]] }\n"
        "        rules: [{ name: anybody, type: intrusion, zone: all }]\n",
        encoding="utf-8",
    )
    run(beffroi, "check", "site.yaml", cwd=tmp_path)
    report = json.loads(run(beffroi, "run", "site.yaml", "--json", cwd=tmp_path).splitlines()[-1])
    assert report
