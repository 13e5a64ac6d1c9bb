"""Evaluation on simulated scenes: the same scenes by seed, judged as the truth has it, and drawn."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from beffroi.cli import app
from beffroi.errors import InputError, StoreError
from beffroi.evaluate.curve import Curve
from beffroi.evaluate.score import Score
from beffroi.evaluate.simulated import Judged, Scene, SimulatedReport, evaluate, play, scenes
from typer.testing import CliRunner


def test_scenes_follow_from_the_seed_and_differ_among_themselves() -> None:
    one, again, other = (scenes(60, seed) for seed in (1, 1, 2))
    assert one == again
    assert not set(one) & set(other)
    assert len(set(one)) == 60
    assert len({scene.fps for scene in one}) > 4
    squares = [scene.square() for scene in one[:8]]
    assert len({square.camera for square in squares}) == 8


def test_a_scene_that_is_seen_clearly_passes() -> None:
    [judged] = play(Scene("loitering", 3, "clear", 10.0)).judged
    assert judged.score.passed
    assert len(judged.alerts) == len(judged.wanted) == 1
    assert judged.wanted[0][0] <= judged.alerts[0] <= judged.wanted[0][1]


def test_two_processes_find_what_one_finds() -> None:
    kinds = ["loitering", "parking"]
    alone, shared = (evaluate(4, seed=2, kinds=kinds, jobs=jobs) for jobs in (1, 2))
    assert alone == shared
    assert set(alone.behaviours) == set(kinds)
    assert sum(one.tp for one in alone.behaviours.values()) == 4


def test_failures_are_listed_with_what_makes_them_again() -> None:
    good = Judged(
        Scene("fall", 1, "rain", 5.0), "Down", "fall", (9.0,), ((8.0, 12.0),), None, Score(1, 0, 0, (1.0,))
    )
    bad = Judged(Scene("fall", 2, "rain", 2.0), "Down", "fall", (), ((8.0, 12.0),), None, Score(0, 0, 1))
    report = SimulatedReport("rain", 1, 2, 1.0, (good, bad), {"fire": "there is no such kind of rule yet"})
    plain = report.as_json()
    assert plain["behaviours"]["fall"]["recall"] == 0.5
    assert [(one["scenario"], one["seed"], one["fps"]) for one in plain["scenes"]] == [("fall", 2, 2.0)]
    assert plain["skipped"] == {"fire": "there is no such kind of rule yet"}
    assert json.loads(json.dumps(plain)) == plain


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"number": 0}, "at least one"),
        ({"seed": -1}, "seed"),
        ({"weather": "fog"}, "clear, fair, default"),
        ({"kinds": ["fal"]}, "fall"),
    ],
)
def test_mistakes_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        scenes(**{"number": 5, "seed": 1, **arguments})


def report(weather: str, **scores: Score) -> SimulatedReport:
    judged = [
        Judged(Scene(kind, 1, weather, 5.0), kind, kind, (), (), None, one) for kind, one in scores.items()
    ]
    return SimulatedReport(weather, 1, 1, 1.0, tuple(judged))


def test_the_curve_has_a_line_per_kind_and_a_gap_where_nothing_was_wanted(tmp_path: Path) -> None:
    curve = Curve(
        (report("clear", fall=Score(2), fire=Score(1)), report("rain", fall=Score(1, 1, 1), fire=Score()))
    )
    assert curve.f1("fall") == [1.0, 0.5]
    assert curve.f1("fire") == [1.0, None]
    path = tmp_path / "curve.svg"
    curve.draw(path)
    drawn = ET.fromstring(path.read_text(encoding="utf-8"))
    lines = drawn.findall("{http://www.w3.org/2000/svg}polyline")
    # F1 is upwards: the worse weather lies lower.
    [(_, top), (_, low)] = [tuple(map(float, p.split(","))) for p in lines[0].attrib["points"].split()]
    assert top < low
    assert len(lines[1].attrib["points"].split()) == 1
    with pytest.raises(StoreError, match="cannot be written"):
        curve.draw(tmp_path / "nowhere" / "curve.svg")


def test_the_command_prints_json_and_refuses_a_plot_without_a_curve(tmp_path: Path) -> None:
    runner = CliRunner()
    arguments = ["evaluate", "simulated", "--scenes", "1", "--scenario", "parking", "--jobs", "1"]
    done = runner.invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["behaviours"]["parking"]["tp"] == 1
    assert runner.invoke(app, [*arguments, "--plot", str(tmp_path / "a.svg")]).exit_code == 2
    curve = runner.invoke(app, [*arguments, "--json", "--curve", "--plot", str(tmp_path / "a.svg")])
    assert curve.exit_code == 0, curve.output
    assert json.loads(curve.stdout)["weather"] == ["clear", "fair", "default", "rain", "bad", "storm"]
    assert (tmp_path / "a.svg").exists()
