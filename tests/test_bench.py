"""`beffroi bench`, its synthetic crowd, and what the seam does with the GIL."""

import json
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from beffroi import BeffroiError, Engine
from beffroi.bench import BenchReport, Cost, bench, machine
from beffroi.crowd import crowd, unwatched, watched


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without weights and clips, and without network to get them."""

    def nowhere(name: str, **_: object) -> Path:
        raise BeffroiError(f"{name} was not found\nlooked here and there")

    monkeypatch.setattr("beffroi.assets.locate", nowhere)
    monkeypatch.setattr("beffroi.bench.MODEL", str(tmp_path / "nothing.onnx"))


def rendered(report: BenchReport) -> str:
    console = pytest.importorskip("rich.console").Console(
        width=100, record=True, quiet=False, file=sys.stderr
    )
    console.print(report.table())
    return str(console.export_text())


def test_without_assets_the_core_is_measured_and_the_rest_says_why_not(
    bare: None, capsys: pytest.CaptureFixture[str]
) -> None:
    report = bench(seconds=0.1, json=True)
    assert capsys.readouterr() == ("", ""), "progress is for people only"
    assert report.parts["detector"] is None
    assert report.parts["frame"] is None
    assert report.parts["tracker"].median_ms > 0
    assert any(note.startswith("detector not measured") for note in report.notes)
    assert any(note.startswith("decoding not measured") for note in report.notes)
    assert "not measured" in rendered(report)
    plain = json.loads(json.dumps(report.as_json()))
    assert plain["machine"] == machine()
    assert set(plain["parts"]) == {"decode", "detector", "tracker", "rules", "frame"}
    assert set(plain["load_us"]) == {"10", "50", "100"}
    assert all(ratio > 0 for ratio in plain["ratios"].values())


def test_what_was_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BeffroiError, match=r"nothing\.onnx"):
        bench(model=str(tmp_path / "nothing.onnx"), seconds=0.1, json=True)


def test_a_device_that_was_asked_for_must_be_there(bare: None) -> None:
    """By default a detector that cannot be had is a note; where a device is named, it is what is measured."""
    with pytest.raises(BeffroiError, match=r"nothing\.onnx"):
        bench(device="cuda", seconds=0.1, json=True)


@pytest.mark.assets
def test_the_sample_clip_gives_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    from beffroi.assets import locate

    try:
        locate("models/deimv2-femto.onnx", download=False)
        locate("clips/street.mp4", download=False)
    except BeffroiError as error:
        pytest.skip(str(error).splitlines()[0])
    pytest.importorskip("onnxruntime")
    report = bench(seconds=1)
    shown = capsys.readouterr()
    assert (shown.out, "tracker and rules" in shown.err) == ("", True)
    assert all(isinstance(cost, Cost) and cost.median_ms >= 0 for cost in report.parts.values())
    assert report.parts["frame"].median_ms >= report.parts["detector"].median_ms
    assert "tracker and rules / whole frame" in report.ratios
    assert "street.mp4" in rendered(report)
    assert list(report.throughput) == ["1", "2", "4", "8", "16"]
    assert all(rate > 0 for rate in report.throughput.values())
    assert "detector, batch of 16" in rendered(report)


def test_a_crowd_is_the_same_for_the_same_seed() -> None:
    first, again, other = crowd(20, 30, seed=1), crowd(20, 30, seed=1), crowd(20, 30, seed=2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first.xyxy[:10], other.xyxy[:10])


def test_a_crowd_comes_and_goes_if_it_is_to() -> None:
    """Who goes is followed by somebody who comes in at an edge; how many there are stays the same."""

    def ends(**options: float) -> tuple[set[int], set[int], int]:
        engine = Engine(json.dumps(unwatched()))
        recording = crowd(10, 600, seed=4, misses=0, noise=0, false_positives=0, **options)
        seen = [set(engine.step(*picture).tracks.subject.tolist()) for picture in recording.pictures()]
        return seen[20], seen[-1], len(recording.score)

    began, ended, boxes = ends()
    assert len(began & ended) > 5
    began, ended, moving = ends(stay=10)
    assert len(began & ended) < 3
    assert 0.9 < moving / boxes < 1.1


def test_a_crowd_misses_errs_and_fits_the_seam() -> None:
    recording = crowd(50, 200, seed=3)
    per_picture = len(recording.score) / 200
    assert 40 < per_picture < 52, "5 % missed, some hidden, 5 % that are not there"
    engine = Engine(json.dumps(watched()))
    events = engine.replay(*recording)
    assert {event.type for event in events} == {"loitering", "line_crossing"}


def test_step_keeps_the_gil_and_replay_releases_it() -> None:
    """Released around microseconds, a busy thread would delay each step by milliseconds.

    With a switch interval longer than the test, another thread that is ready to run gets its turn only if the
    GIL is given away.
    """
    recording = crowd(50, 300, seed=50)
    pictures = recording.pictures()
    waiting, started, ran = threading.Lock(), threading.Event(), threading.Event()

    def other() -> None:
        started.set()
        with waiting:
            ran.set()

    before = sys.getswitchinterval()
    engine = Engine(json.dumps(unwatched()))
    waiting.acquire()
    thread = threading.Thread(target=other)
    thread.start()
    started.wait()
    sys.setswitchinterval(60)
    try:
        waiting.release()
        for picture in pictures:
            engine.step(*picture)
        during_steps = ran.is_set()
        Engine(json.dumps(unwatched())).replay(*recording)
        during_replay = ran.is_set()
    finally:
        sys.setswitchinterval(before)
        thread.join()
    assert not during_steps
    assert during_replay
