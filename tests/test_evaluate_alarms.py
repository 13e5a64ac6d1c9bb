"""Scoring of alerts: what the truth file wants, and what counts as right."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from beffroi.assets import locate
from beffroi.errors import AssetError, StoreError
from beffroi.evaluate import actev, truth
from beffroi.evaluate.alarms import AlarmReport, CaseResult, Skipped, evaluate, judge
from beffroi.evaluate.score import Score, score, total
from beffroi.evaluate.truth import Case, Clip, TruthError
from beffroi.evaluate.watch import Incident
from beffroi.simulate import Square
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

RULE = {"type": "intrusion", "zone": "lawn"}


def case(**wanted: Any) -> Case:
    return Case(name="it", rule=RULE, **wanted)


@pytest.mark.parametrize(
    ("windows", "alerts", "tp", "fp", "fn"),
    [
        ([[5, 10]], [6], 1, 0, 0),  # in the window
        ([[5, 10]], [5], 1, 0, 0),  # as it opens
        ([[5, 10]], [10], 1, 0, 0),  # as it closes
        ([[5, 10]], [4.9], 0, 1, 1),  # too early is false, and the window stays empty
        ([[5, 10]], [], 0, 0, 1),  # missed
        ([[5, 10]], [6, 7], 1, 1, 0),  # exactly one is wanted
        ([], [], 0, 0, 0),  # nothing wanted, nothing said
        ([], [3], 0, 1, 0),  # nothing wanted
        ([[0, 5], [4, 9]], [4.5, 4.6], 2, 0, 0),  # overlapping windows take one each
        ([[0, 5], [4, 9]], [4.5, 8], 2, 0, 0),  # the one that closes first is served first
        ([[4, 9], [0, 5]], [8, 4.5], 2, 0, 0),  # in whatever order they are given
    ],
)
def test_one_alert_per_window_and_none_outside(
    windows: Any, alerts: list[float], tp: int, fp: int, fn: int
) -> None:
    found = score(case(alerts=windows), alerts, 0)
    assert (found.tp, found.fp, found.fn) == (tp, fp, fn)


def test_the_delay_is_counted_from_the_opening_of_the_window() -> None:
    assert score(case(alerts=[[5, 10], [20, 30]]), [6.5, 20, 21], 0).delays == (1.5, 0)


@pytest.mark.parametrize(
    ("alerts", "tp", "fp", "fn"),
    [([6, 7, 8], 2, 0, 0), ([6], 1, 0, 1), ([4, 6, 7], 2, 1, 0), ([], 0, 0, 2)],
)
def test_at_least_so_many_and_none_before(alerts: list[float], tp: int, fp: int, fn: int) -> None:
    found = score(case(at_least=2, earliest=5), alerts, 0)
    assert (found.tp, found.fp, found.fn) == (tp, fp, fn)


@pytest.mark.parametrize(
    ("counted", "tp", "fp", "fn"), [(7, 1, 0, 0), (9, 1, 0, 0), (10, 0, 1, 0), (6, 0, 0, 1)]
)
def test_a_total_is_one_decision(counted: int, tp: int, fp: int, fn: int) -> None:
    found = score(case(count=8, tolerance=1), [], counted)
    assert (found.tp, found.fp, found.fn) == (tp, fp, fn)


seconds = st.integers(0, 400).map(lambda tenths: tenths / 10)
windows = st.lists(st.tuples(seconds, seconds).map(lambda pair: (min(pair), max(pair))), max_size=5)


@settings(deadline=None)
@given(windows, st.lists(seconds, max_size=8))
def test_every_alert_and_every_window_is_counted_once(
    wanted: list[tuple[float, float]], alerts: list[float]
) -> None:
    found = score(case(alerts=wanted), alerts, 0)
    assert found.tp + found.fp == len(alerts)
    assert found.tp + found.fn == len(wanted)
    assert len(found.delays) == found.tp
    assert found.tp == _best(wanted, alerts)


def _best(wanted: list[tuple[float, float]], alerts: list[float]) -> int:
    """The largest number of pairs of an alert and a window that holds it, by trying all of them."""
    if not alerts:
        return 0
    at, rest = alerts[0], alerts[1:]
    holding = [index for index, (opens, closes) in enumerate(wanted) if opens <= at <= closes]
    taken = [1 + _best(wanted[:index] + wanted[index + 1 :], rest) for index in holding]
    return max([_best(wanted, rest), *taken])


counts = st.integers(0, 50)
scores = st.builds(Score, tp=counts, fp=counts, fn=counts)


@settings(deadline=None)
@given(scores, st.floats(0.01, 100))
def test_f1_is_the_weighted_mean_of_recall_and_precision(one: Score, alpha: float) -> None:
    recall, precision, f1 = one.recall, one.precision, one.f1(alpha)
    if recall and precision:
        assert f1 == pytest.approx((alpha + 1) * recall * precision / (recall + alpha * precision))
    else:
        assert f1 == (None if one == Score() else 0)


def test_what_was_not_measured_is_neither_nought_nor_perfect() -> None:
    nothing = Score().as_json(1)
    assert [nothing[key] for key in ("recall", "precision", "f1", "delay_s")] == [None] * 4


@settings(deadline=None)
@given(st.lists(scores, max_size=4))
def test_a_total_adds_up(several: list[Score]) -> None:
    assert total(several).fp == sum(one.fp for one in several)


GOOD = """
[[clip]]
file = "gate.mp4"
zones.lawn = [[0.2, 0.4], [0.6, 0.3], [0.5, 0.9]]
case = [ { name = "on the lawn", rule = { type = "intrusion", zone = "lawn" }, alerts = [[6.8, 9]] } ]

[[clip]]
file = "Plaza.mp4"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "truth.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_truth_file_is_read(tmp_path: Path) -> None:
    gate, plaza = truth.load(write(tmp_path, GOOD))
    assert gate.zones["lawn"][2] == (0.5, 0.9)
    assert gate.case[0].alerts == ((6.8, 9),)
    assert gate.case[0].kind == "intrusion"
    assert plaza.case == ()


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("alerts = ", "alarms = ", r"truth.toml: clip\[0\] \(gate.mp4\).case\[0\].alarms: Extra inputs"),
        ("alerts = [[6.8, 9]]", "severity = 1", r"case\[0\].severity: Extra inputs"),
        (", alerts = [[6.8, 9]]", "", r"case\[0\]: a case wants exactly one of .*, here none of them"),
        ("alerts = ", "count = 3, alerts = ", "here alerts and count"),
        ("[[6.8, 9]]", "[[9, 6.8]]", "closes before it opens"),
        (
            "[[6.8, 9]]",
            "[[-1, 9]]",
            r"case\[0\].alerts\[0\]\[0\]: Input should be greater than or equal to 0",
        ),
        ("type = ", "kind = ", "rule.type is missing"),
        ('file = "Plaza.mp4"', 'file = "gate.mp4"', "clip 'gate.mp4' is described twice"),
        ('file = "Plaza.mp4"', "", r"clip\[1\]: a clip wants either file or source"),
        ("alerts = ", "tolerance = 1, alerts = ", "tolerance goes with count"),
        ("[[clip]]", "[[clip", "is no TOML: .*line 2"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, before: str, after: str, message: str) -> None:
    assert before in GOOD
    with pytest.raises(TruthError, match=message):
        truth.load(write(tmp_path, GOOD.replace(before, after, 1)))


def test_a_truth_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TruthError, match=r"none\.toml: cannot be read: No such file"):
        truth.load(tmp_path / "none.toml")


def test_clips_are_chosen_by_part_of_their_name_in_any_case(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    clips = truth.load(path)
    assert [clip.name for clip in truth.select(clips, ["plaza"], path)] == ["Plaza.mp4"]
    assert [clip.name for clip in truth.select(clips, ["PLAZA", "gate"], path)] == ["gate.mp4", "Plaza.mp4"]
    assert truth.select(clips, None, path) == clips
    with pytest.raises(TruthError, match=r"no clip is called 'street'; there are gate\.mp4, Plaza\.mp4"):
        truth.select(clips, ["street"], path)


def judged(clip: Clip, number: int, starts: list[int], counted: int = 0) -> CaseResult:
    one = clip.case[number]
    incidents = tuple(Incident(f"{at}", at - 500, at, at + 2000) for at in starts)
    found = score(one, [at / 1000 for at in starts], counted)
    return CaseResult(clip, one, incidents, counted if one.count is not None else None, found, 9000)


@pytest.fixture
def report() -> AlarmReport:
    gate = Clip(
        title="the gate",
        source={"type": "simulated"},
        case=(
            Case(name="in", rule=RULE, alerts=((6.8, 9.0),)),
            Case(name="flow", rule={"type": "wrong_way"}, alerts=()),
            Case(name="total", rule={"type": "line_count"}, count=8, tolerance=1),
            Case(name="burns", rule={"type": "fire"}, alerts=((1.0, 2.0),)),
        ),
    )
    results = (judged(gate, 0, [7000]), judged(gate, 1, [3000]), judged(gate, 2, [], counted=9))
    return AlarmReport(0.75, results, (Skipped(gate, gate.case[3], "no such kind"),), {"cpus": 2})


def test_the_report_is_the_json_that_is_promised(report: AlarmReport) -> None:
    plain = json.loads(json.dumps(report.as_json()))
    assert list(plain) == ["alpha", "overall", "behaviours", "clips", "skipped", "machine"]
    assert list(plain["overall"]) == ["tp", "fp", "fn", "recall", "precision", "f1", "delay_s"]
    assert plain["overall"]["tp"] == 2
    assert plain["overall"]["delay_s"] == pytest.approx(0.2)
    assert list(plain["behaviours"]) == ["intrusion", "line_count", "wrong_way"]
    assert plain["behaviours"]["wrong_way"] == {
        "tp": 0,
        "fp": 1,
        "fn": 0,
        "recall": None,
        "precision": 0,
        "f1": 0,
        "delay_s": None,
    }
    assert list(plain["clips"][0])[:6] == ["file", "case", "alerts", "tp", "fp", "fn"]
    assert plain["clips"][0]["alerts"] == [7.0]
    assert plain["clips"][2]["total"] == 9
    assert plain["skipped"][0]["reason"] == "no such kind"


def test_the_tables_say_what_was_not_judged(report: AlarmReport) -> None:
    console = Console(width=160, file=io.StringIO())
    with console.capture() as printed:
        for table in report.tables():
            console.print(table)
    text = printed.get()
    assert "no such kind" in text
    assert "F1 (α = 0.75)" in text
    assert "not measured" in text


def test_actev_files_fit_together(report: AlarmReport, tmp_path: Path) -> None:
    actev.write(tmp_path / "actev", report, tmp_path)
    names = ("activities", "reference", "file-index", "activity-index")
    said, wanted, files, kinds = (
        json.loads((tmp_path / "actev" / f"{name}.json").read_text(encoding="utf-8")) for name in names
    )
    assert kinds == {"intrusion": {}, "wrong_way": {}}
    assert files == {"the_gate": {"framerate": 1000.0, "selected": {"1": 1, "9002": 0}}}
    assert said["filesProcessed"] == wanted["filesProcessed"] == ["the_gate"]
    first, second = said["activities"]
    assert first == {
        "activity": "intrusion",
        "activityID": 1,
        "localization": {"the_gate": {"6501": 1, "9001": 0}},
        "presenceConf": 1.0,
        "alertFrame": 7001,
    }
    assert (second["activity"], second["activityID"]) == ("wrong_way", 2)
    assert [one["localization"]["the_gate"] for one in wanted["activities"]] == [{"6801": 1, "9001": 0}]


def test_a_folder_that_cannot_be_written_is_named(report: AlarmReport, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/actev: cannot be written: Not a directory"):
        actev.write(tmp_path / "file" / "actev", report, tmp_path)


def simulated(**settings: Any) -> Clip:
    return Clip.model_validate(Square("loitering", seed=1, weather="clear", **settings).truth())


def test_the_whole_pipeline_runs_over_a_clip(tmp_path: Path) -> None:
    shown: list[tuple[str, int, int]] = []
    report = judge([simulated()], tmp_path, progress=lambda *values: shown.append(values))
    (result,) = report.results
    assert result.case.kind == "loitering"
    assert len(result.incidents) == 1
    assert report.ok
    assert report.machine["models"] == {"simulated": "none"}
    assert shown[0][0] == shown[-1][0] == "loitering, seed 1"
    assert shown[-1][2] == len(shown)


def test_all_cases_of_a_clip_are_judged_in_one_run(tmp_path: Path) -> None:
    clip = simulated()
    (first,) = clip.case
    quiet = first.model_copy(update={"name": "longer", "rule": {**first.rule, "after": "5min"}, "alerts": ()})
    shown: list[int] = []
    report = judge(
        [clip.model_copy(update={"case": (first, quiet)})],
        tmp_path,
        progress=lambda _clip, _at, frames: shown.append(frames),
    )
    assert [len(result.incidents) for result in report.results] == [1, 0]
    assert sorted(set(shown)) == shown


def test_a_total_is_taken_from_the_last_report_of_the_rule(tmp_path: Path) -> None:
    clip = Clip.model_validate(Square("line_count", seed=1, weather="clear").truth())
    report = judge([clip], tmp_path)
    counted = [result for result in report.results if result.case.count is not None]
    assert counted
    for result in counted:
        assert result.as_json()["total"] == result.counted
        assert result.incidents == ()


def test_what_cannot_be_judged_is_listed_with_its_reason(tmp_path: Path) -> None:
    clip = simulated()
    (first,) = clip.case
    cases = (
        first.model_copy(update={"name": "no kind", "rule": {"type": "telepathy"}}),
        first.model_copy(update={"name": "no zone", "rule": {"type": "intrusion", "zone": "moon"}}),
    )
    report = judge([clip.model_copy(update={"case": cases})], tmp_path)
    assert report.results == ()
    assert not report.ok
    reasons = {one.case.name: one.reason for one in report.skipped}
    assert reasons["no kind"] == "there is no such kind of rule yet"
    assert "rules[0].zone" in reasons["no zone"]
    assert report.as_json()["overall"]["f1"] is None


def test_a_clip_that_breaks_off_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"not a film")
    path = write(tmp_path, GOOD.split("[[clip]]")[1].replace("gate.mp4", "broken.mp4").join(["[[clip]]", ""]))
    report = evaluate(path)
    assert report.results == ()
    assert "broken.mp4: is not a video" in report.skipped[0].reason


def test_a_clip_that_is_not_there_is_named_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(TruthError, match=r"the clip gate\.mp4 is not there: .*gate\.mp4"):
        evaluate(write(tmp_path, GOOD))


def test_settings_that_make_no_source_are_named(tmp_path: Path) -> None:
    clip = simulated().model_copy(update={"source": {"type": "simulated", "scenery": "moon"}})
    with pytest.raises(TruthError, match=r"loitering, seed 1: cameras\.clip\.source\.scenery: Extra inputs"):
        judge([clip], tmp_path)


@pytest.mark.assets
def test_the_truth_of_the_sample_clips_is_read() -> None:
    try:
        path = locate("clips/truth.toml", download=False)
    except AssetError as error:
        pytest.skip(str(error))
    clips = truth.load(path)
    assert sum(len(clip.case) for clip in clips) > 20
    assert all((path.parent / clip.name).is_file() for clip in clips)


@pytest.mark.assets
def test_a_sample_clip_is_judged_and_its_boxes_kept(tmp_path: Path) -> None:
    try:
        path = locate("clips/truth.toml", download=False)
        locate("models/deimv2-femto.onnx", download=False)
    except AssetError as error:
        pytest.skip(str(error))
    pytest.importorskip("onnxruntime")
    first = evaluate(path, clips=["garden-gate"], cache=tmp_path, actev=tmp_path / "actev")
    again = evaluate(path, clips=["GARDEN-gate"], cache=tmp_path)
    assert {result.case.name for result in first.results} == {"on the lawn", "in the garden"}
    assert first.overall.tp >= 1
    kept = [one.as_json()["clips"] for one in (first, again)]
    assert kept[0] == kept[1]
    assert again.machine["models"] == {next(iter(first.machine["models"])): "kept boxes"}
    index = json.loads((tmp_path / "actev" / "file-index.json").read_text(encoding="utf-8"))
    assert index["garden-gate.mp4"]["framerate"] < 61
