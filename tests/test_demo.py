"""The demonstration, from beginning to end: what it prints is there, and what it proposes works."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import av
import pytest
from beffroi import assets, demo
from beffroi.cli import app
from beffroi.config import load
from beffroi.errors import AssetError, BeffroiError
from beffroi.simulate import Square
from ruamel.yaml import YAML
from typer.testing import CliRunner


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The square for fourteen seconds on a small picture; gives the folder to run in."""
    sites = tmp_path / "sites"
    sites.mkdir()
    for path in demo.SITES.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        text = text.replace("weather: default", "weather: clear, duration: 14, size: [480, 270]")
        (sites / path.name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(demo, "SITES", sites)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_the_square_from_beginning_to_end(short: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.demo(simulated=True, seed=4) == 0
    said = capsys.readouterr().out
    out = short / "out" / "demo"
    assert re.search(r"1\d\.\d s  On the lawn  person \d+ · held 1(\.\d)? s, threshold 1 s", said)
    assert "Traffic: total" in said
    with av.open(str(out / "square.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == 140
    alerts = [json.loads(line) for line in (out / "alerts.jsonl").read_text().splitlines()]
    assert any(a["rule"] == "On the lawn" and a["change"] == "started" and a["evaluation"] for a in alerts)
    for name in ("square.mp4", "alerts.jsonl", "beffroi.db", "square.yaml"):
        assert f"out/demo/{name}" in said
    assert "seed: 4" in (out / "square.yaml").read_text()


def test_the_commands_that_it_proposes_work(short: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo.demo(simulated=True)
    proposed = capsys.readouterr().out.partition("Try next:")[2].strip().splitlines()
    assert len(proposed) >= 3
    for line in proposed:
        words = shlex.split(line.partition("#")[0])
        # `beffroi ...`, a path that ends so, or `python -m beffroi ...`.
        arguments = words[words.index("beffroi") + 1 :] if "beffroi" in words else words[1:]
        assert Path(words[0]).name in ("beffroi", Path(sys.executable).name)
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, f"{line}\n{done.output}"
    assert (short / "out" / "demo" / "square-again.mp4").exists()


def test_a_site_file_that_was_edited_is_kept(tmp_path: Path) -> None:
    first = demo.write_site(demo.choose(simulated=True, seed=1), tmp_path)
    assert demo.write_site(demo.choose(simulated=True, seed=1), tmp_path) == first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["square.yaml"]
    first.write_text("mine", encoding="utf-8")
    demo.write_site(demo.choose(simulated=True, seed=1), tmp_path)
    assert (tmp_path / "square.1.yaml").read_text(encoding="utf-8") == "mine"
    assert "seed: 1" in first.read_text(encoding="utf-8")


def test_the_shipped_square_is_the_scenario() -> None:
    written = YAML(typ="safe").load(demo.SITES / "square.yaml")["cameras"]["square"]["views"]["market"]
    drawn = Square("square").view()
    by_name = [{rule["name"]: rule for rule in view["rules"]} for view in (written, drawn)]
    assert by_name[0] == by_name[1]
    for part in ("ground", "zones", "lines"):
        assert written[part] == drawn[part]


def test_without_clips_there_is_the_square(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(name: str, **_: object) -> Path:
        raise AssetError(f"{name} was not found")

    monkeypatch.setattr(assets, "locate", nowhere)
    show = demo.choose()
    assert show.simulated
    assert "not on this machine" in show.why
    with pytest.raises(AssetError, match="junction"):
        demo.choose(clip="junction")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clip": "no-such"}, "garden-gate, car-park, junction"),
        ({"clip": "junction", "simulated": True}, "not both"),
        ({"simulated": True, "seed": -1}, "seed"),
    ],
)
def test_mistakes_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(BeffroiError, match=message):
        demo.choose(**arguments)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BeffroiError, match="cannot be written"):
        demo.write_site(demo.choose(simulated=True), tmp_path / "file")


def clip_or_skip(name: str) -> demo.Show:
    pytest.importorskip("onnxruntime", reason="the detector needs onnxruntime")
    try:
        for needed in (f"clips/{name}.mp4", "models/deimv2-femto.onnx"):
            assets.locate(needed, download=False)
    except AssetError as error:
        pytest.skip(str(error).partition("\n")[0])
    return demo.choose(clip=name)


@pytest.mark.assets
@pytest.mark.parametrize("name", demo.clips())
def test_the_site_of_every_clip_loads(name: str, tmp_path: Path) -> None:
    show = clip_or_skip(name)
    assert not show.simulated
    load(demo.write_site(show, tmp_path), starting=True)


@pytest.mark.assets
def test_a_clip_from_beginning_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip_or_skip("garden-gate")
    assert demo.demo(out=tmp_path) == 0
    said = capsys.readouterr().out
    # He steps onto the lawn at 6.8 s of 9.
    assert re.search(r" [678]\.\d s  On the lawn  person", said)
    assert (tmp_path / "garden-gate.mp4").stat().st_size > 10_000
