"""The README's code blocks run, and its generated parts are those of the code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def film(path: Path) -> None:
    """Two seconds of grey."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for _ in range(20):
            picture = av.VideoFrame.from_ndarray(np.full((240, 320, 3), 90, np.uint8), format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def test_python_blocks_run(capsys: pytest.CaptureFixture[str]) -> None:
    found = blocks("python")
    assert len(found) >= 2
    names: dict[str, object] = {}
    for block in found:
        exec(compile(block, "README.md", "exec"), names)
    assert "waiting started" in capsys.readouterr().out


def test_site_and_commands_run(tmp_path: Path) -> None:
    site, town, market = blocks("yaml")
    (cases,) = blocks("toml")
    film(tmp_path / "garden.mp4")
    # No weights are needed to read what the README says: the boxes come from a file.
    (tmp_path / "site.yaml").write_text(site, encoding="utf-8")
    (tmp_path / "town.yaml").write_text(town, encoding="utf-8")
    (tmp_path / "market.yaml").write_text(market, encoding="utf-8")
    (tmp_path / "cases.toml").write_text(cases, encoding="utf-8")
    from beffroi import assets
    from beffroi.errors import AssetError

    try:
        assets.locate("models/deimv2-femto.onnx")
    except AssetError as error:
        pytest.skip(f"the detector's weights are not here: {error}")
    shell = [line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    ran = 0
    for line in shell:
        if not re.match(r"beffroi (check|run|replay|test|report) ", line):
            continue
        done = subprocess.run(
            [sys.executable, "-m", *line.split()], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        ran += 1
    assert ran == 7
    for more in ("town.yaml", "market.yaml"):
        checked = [sys.executable, "-m", "beffroi", "check", more]
        env = {**os.environ, "CAM1": "secret"}
        done = subprocess.run(checked, cwd=tmp_path, capture_output=True, text=True, check=False, env=env)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "week.html").stat().st_size > 1000
    assert (tmp_path / "seen.mp4").stat().st_size > 1000
    assert json.loads((tmp_path / "boxes.jsonl").read_text(encoding="utf-8").splitlines()[0])


def test_generated_parts_are_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "docs.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make ([a-z]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
