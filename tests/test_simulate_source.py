"""Simulated squares as pictures, as sources of a site, as truth files."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import numpy as np
import pytest
from beffroi.components import BuildContext, DetectorConfig, SourceConfig
from beffroi.errors import InputError, ModelError
from beffroi.evaluate.truth import Case, load
from beffroi.frame import Frame
from beffroi.simulate import LEVELS, Square, truth_file
from beffroi.simulate.__main__ import main
from beffroi.simulate.agent import LABELS

CONTEXT = BuildContext(camera="square", folder=Path())

# Pictures.


def test_the_picture_shows_the_agents_where_their_boxes_are() -> None:
    square = Square("loitering", seed=1, weather="clear")
    at_ms = 20000
    empty = Square("loitering", seed=1, weather="clear", duration=1)
    with_people = square.look(at_ms)
    backdrop = empty.look(500_000).image()
    changed = np.abs(with_people.image().astype(int) - backdrop).max(axis=2) > 12
    assert backdrop.shape == (540, 960, 3)
    for who in with_people.agents:
        x1, y1, x2, y2 = (who.box * [960, 540, 960, 540]).astype(int)
        assert changed[y1:y2, x1:x2].mean() > 0.3, who.agent.name


@pytest.mark.parametrize("size", [(320, 240), (641, 359), (480, 960)])
@pytest.mark.parametrize("weather", ["default", "bad"])
def test_pictures_of_any_shape(size: tuple[int, int], weather: str) -> None:
    image = Square("square", weather=weather, size=size).look(30000).image()
    assert image.shape == (size[1], size[0], 3)
    assert image.dtype == np.uint8
    assert image.std() > 15


# Mistakes.


def test_a_weather_of_ones_own_cannot_be_written_into_a_site_file() -> None:
    square = Square("quiet", weather=dataclasses.replace(LEVELS["rain"], miss=0.3))
    with pytest.raises(InputError, match="name"):
        square.source()


# Truth files, source and detector.


def test_a_truth_file_reads_back(tmp_path: Path) -> None:
    squares = [Square(name, seed=seed, fps=5) for name in ("loitering", "line_count") for seed in (0, 1)]
    path = tmp_path / "truth.toml"
    path.write_text(truth_file(squares), encoding="utf-8")
    clips = load(path)
    assert [clip.name for clip in clips] == [
        "loitering, seed 0", "loitering, seed 1", "line_count, seed 0", "line_count, seed 1",
    ]  # fmt: skip
    assert clips[0].source == squares[0].source() | {"paint": False}
    assert {case.name: case.alerts for case in clips[0].case} == {
        rule: tuple(map(tuple, a["alerts"])) for rule, a in squares[0].answers().items()
    }
    assert isinstance(clips[2].case[0], Case)
    assert tomllib.loads(path.read_text())["clip"][0]["zones"] == squares[0].zones


def test_the_source_shows_the_square_at_the_analysis_rate() -> None:
    config = SourceConfig.parse(
        {
            "type": "simulated",
            "scenario": "quiet",
            "fps": 10,
            "duration": 4,
            "size": [320, 180],
            "weather": "clear",
        }
    )
    assert not config.live
    source = config.build(CONTEXT, 5.0)
    frames = list(source.frames())
    assert source.size == (320, 180)
    assert [frame.at_ms for frame in frames] == list(range(0, 4000, 200))
    assert all(frame.image.shape == (180, 320, 3) and frame.detections is not None for frame in frames)
    detector = DetectorConfig.parse({"type": "simulated"}).build(CONTEXT)
    assert detector.labels == LABELS
    assert detector.detect(frames) == [frame.detections for frame in frames]


def test_the_source_can_leave_pictures_unpainted_and_stop() -> None:
    settings = {"type": "simulated", "duration": 20, "paint": False, "size": [64, 64]}
    source = SourceConfig.parse(settings).build(CONTEXT, None)
    iteration = source.frames()
    assert (next(iteration).image == 128).all()
    source.close()
    assert list(iteration) == []


def test_the_source_names_its_mistakes() -> None:
    config = SourceConfig.parse({"type": "simulated", "scenario": "loitring", "size": [10, 10]})
    assert [place for place, _ in config.findings(CONTEXT)] == [("scenario",), ("size",)]


def test_the_detector_refuses_pictures_from_elsewhere() -> None:
    detector = DetectorConfig.parse({"type": "simulated"}).build(CONTEXT)
    frame = Frame(0, np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ModelError, match="simulated"):
        detector.detect([frame])


def test_the_module_writes_a_truth_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["simulate", "2", "--scenario", "parking", "--weather", "rain"])
    assert main() == 0
    (tmp_path / "truth.toml").write_text(capsys.readouterr().out, encoding="utf-8")
    clips = load(tmp_path / "truth.toml")
    assert [clip.name for clip in clips] == ["parking, seed 0", "parking, seed 1"]
    assert clips[0].source is not None
    assert clips[0].source["weather"] == "rain"
