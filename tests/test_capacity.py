"""`beffroi bench cameras`: what it counts, how it searches, and the server that it brings along."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from beffroi import BeffroiError
from beffroi.capacity import Wanted, capacity
from beffroi.capacity.clips import MOST_ALERTS, drawn, shown
from beffroi.capacity.figures import Alone, Figures, Spread
from beffroi.capacity.process import kind
from beffroi.capacity.report import CapacityReport
from beffroi.capacity.search import largest
from beffroi.metrics import STAGES
from hypothesis import given
from hypothesis import strategies as st
from rtsp import number, shapes
from toymodel import detr_answers, toy_model

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts what Linux counts")


@given(fits=st.integers(0, 60), guess=st.integers(-3, 90), most=st.integers(1, 60))
def test_the_search_finds_the_largest_that_fits(fits: int, guess: int, most: int) -> None:
    asked: list[int] = []

    def measure(cameras: int) -> bool:
        asked.append(cameras)
        return cameras <= fits

    assert largest(measure, guess, most) == min(fits, most)
    assert len(set(asked)) == len(asked), "each measurement takes minutes: none is made twice"
    assert all(1 <= cameras <= most for cameras in asked)
    assert len(asked) <= 14


@given(fits=st.integers(1, 200))
def test_a_good_guess_needs_two_measurements(fits: int) -> None:
    asked: list[int] = []

    def measure(cameras: int) -> bool:
        asked.append(cameras)
        return cameras <= fits

    largest(measure, fits)
    assert asked == [fits, fits + 1]


def counted(
    rates: dict[str, float], late_ms: float = 100, alert_ms: float = 100, growth: float = 0
) -> dict[str, Any]:
    """What a run of 100 s writes: pictures at these rates, memory that grows by so many bytes a second."""

    def camera(analysed: float) -> dict[str, Any]:
        looked = round(analysed / 2)
        return {"analysed": round(analysed), "looked": looked, "dropped": 0, "state": "watching"}

    def at(passed_s: float) -> dict[str, Any]:
        return {
            "at_s": 50 + passed_s,
            "cpu_s": 1.5 * passed_s,
            "threads_s": {"analysts": 0.8 * passed_s, "decoding": 0.5 * passed_s, "clips": 0.1 * passed_s},
            "stages_s": dict.fromkeys(STAGES, 0.0) | {"detect": 0.7 * passed_s, "health": 0.05 * passed_s},
            "rss": 1_000_000,
            "files": 10,
            "threads": 12,
            "store": 1000 * passed_s,
            "cameras": {name: camera(rate * passed_s) for name, rate in rates.items()},
        }

    return {
        "begin": at(0),
        "end": at(100),
        "latency_ms": {name: [(float(s), late_ms) for s in range(100)] for name in rates},
        "alert_ms": [alert_ms] * 3,
        "memory": [(float(s), 1_000_000 + growth * s) for s in range(200)],
        "models": ["toy on CPU"],
        "errors": [],
        "clips": 1,
    }


def figures(rates: dict[str, float], **how: float) -> Figures:
    return Figures.of(counted(rates, **how), len(rates), 4.0, served=0.05)


def test_processor_time_is_told_by_what_it_is_spent_on_and_nothing_is_left_out() -> None:
    found = figures({"a": 4.0, "b": 3.9})
    assert found.cost == pytest.approx(1.5)
    assert sum(found.parts.values()) == pytest.approx(found.cost)
    assert found.parts["detect"] == pytest.approx(0.7)
    assert found.parts["analysts, the rest"] == pytest.approx(0.05)
    assert found.parts["threads that ended meanwhile"] == pytest.approx(0.1)
    assert found.served == pytest.approx(0.05)
    assert found.looked_fps["a"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("rates", "how", "wrong"),
    [
        ({"a": 4.0, "b": 3.6}, {}, None),
        ({"a": 4.0, "b": 3.5}, {}, "too seldom: b"),
        ({"a": 4.0}, {"late_ms": 1000}, "analysis is late"),
        ({"a": 4.0}, {"late_ms": 999}, None),
        ({"a": 4.0}, {"alert_ms": 1500}, "alerts are late"),
    ],
)
def test_the_rule(rates: dict[str, float], how: dict[str, float], wrong: str | None) -> None:
    found = figures(rates, **how)
    assert found.keeps_up is (wrong is None)
    assert wrong is None or wrong in found.verdict()


def test_a_camera_that_never_ran_does_not_keep_up() -> None:
    assert not Figures.of(counted({"a": 4.0}), 2, 4.0, 0.0).keeps_up


def test_memory_is_judged_once_the_last_minute_is_full() -> None:
    steady = counted({"a": 4.0})
    steady["memory"] = [(s, 5_000_000 + 1_000_000 * min(s, 60)) for s in map(float, range(200))]
    assert Figures.of(steady, 1, 4.0, 0.0).slope_mb_h == pytest.approx(0.0)
    assert figures({"a": 4.0}, growth=1000).slope_mb_h == pytest.approx(3.6)


def test_overhead_is_what_is_spent_beside_decoding_and_detecting_alone() -> None:
    found = figures({"a": 4.0, "b": 4.0})
    clips = [Path("one.mp4"), Path("two.mp4")]
    costs = {str(clip): {"decode": 0.01, "image": 0.001, "detect": 0.2} for clip in clips}
    alone = Alone.of(costs, clips, 25, found)
    assert alone.decode == pytest.approx(0.5)
    assert alone.detect == pytest.approx(0.8), "only pictures that the model looked at"
    assert alone.image == pytest.approx(0.008)
    told = Figures(**{**{name: getattr(found, name) for name in found.__slots__}, "alone": alone})
    assert told.overhead == pytest.approx(1.5 / 1.3 - 1)


def test_the_arithmetic_for_a_town() -> None:
    found = figures(dict.fromkeys("abcdefghij", 4.0))
    report = CapacityReport("a machine", {"size": [1280, 720]}, found, None, {10: found.verdict()})
    assert report.per_camera == pytest.approx(0.15)
    assert report.town(89) == -(-89 * 0.15 // min(1.0, report.filled))


def test_percentiles() -> None:
    assert Spread.of([]) is None
    spread = Spread.of(list(range(101)))
    assert spread is not None
    assert (spread.p50, spread.p90, spread.p95, spread.p99) == (50, 90, 95, 99)


def test_threads_are_told_by_their_names() -> None:
    names = {"camera 1-street": "decoding", "1-street: rtsp": "reading", "analyst 2": "analysts"}
    names |= {"evidence": "clips", "MainThread": "looking after", "store": "store and sinks"}
    assert {name: kind(name) for name in names} == names
    assert kind(None) == "libraries"


def test_a_rule_that_a_loop_repeats_all_the_time_runs_in_the_shadow(tmp_path: Path) -> None:
    shapes(tmp_path / "short.mp4", 2)
    (tmp_path / "truth.toml").write_text(
        """
[[clip]]
file = "short.mp4"
zones.all = [[0, 0], [1, 0], [1, 1], [0, 1]]
case = [
  { name = "comes", rule = { type = "intrusion", zone = "all" }, alerts = [[0.5, 1.5]] },
  { name = "never", rule = { type = "loitering", zone = "all", after = "9s" }, alerts = [] },
]
""",
        "utf-8",
    )
    (clip,) = shown(tmp_path, (320, 180), lambda _text: None, tmp_path / "kept")
    assert MOST_ALERTS < 30
    assert {rule["name"]: rule["shadow"] for rule in clip.rules} == {"comes": True, "never": False}
    assert clip.seconds == pytest.approx(2, abs=0.05)
    before = clip.path.stat().st_mtime_ns
    (again,) = shown(tmp_path, (320, 180), lambda _text: pytest.fail("encoded twice"), tmp_path / "kept")
    assert again.path.stat().st_mtime_ns == before


def test_a_folder_without_clips_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BeffroiError, match=r"holds no \.mp4"):
        shown(tmp_path, (320, 180), lambda _text: None, tmp_path / "kept")


def test_a_clip_in_a_loop_goes_on_in_time(tmp_path: Path) -> None:
    clip = shapes(tmp_path / "a.mp4", 1)
    command = [sys.executable, "-m", "beffroi.serving", str(clip), "--cameras", "2"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    assert server.stdin is not None
    try:
        addresses = [line.strip() for line in iter(server.stdout.readline, "ready\n")]
        assert len(addresses) == 2
        seen, stamps = [], []
        with av.open(addresses[1], options={"rtsp_transport": "tcp"}, timeout=5) as container:
            for frame in container.decode(video=0):
                seen.append(number(frame.to_ndarray(format="bgr24")))
                stamps.append(frame.pts)
                if len(seen) == 60:
                    break
        assert all(
            after == (before + 1) % 25 for before, after in pairwise(seen) if None not in (before, after)
        )
        assert None not in seen
        steps = np.diff([stamp for stamp in stamps if stamp is not None])
        assert set(steps.tolist()) == {3600}, "40 ms each, over the end of the clip as well"
        server.stdin.close()
        assert server.wait(5) == 0, "who started it is gone: nothing is left running"
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def test_a_clip_that_cannot_be_served_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "no.mp4").write_bytes(b"no video")
    command = [sys.executable, "-m", "beffroi.serving", str(tmp_path / "no.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_two_cameras_for_real(tmp_path: Path) -> None:
    """Server, runtime and the rest in processes of their own; nothing is said of the speed."""
    answers = detr_answers([(0.4, 0.4, 0.6, 0.8, 0.9, 0)])
    model = toy_model(tmp_path, answers)
    (tmp_path / "clips").mkdir()
    drawn((320, 180), tmp_path).path.rename(tmp_path / "clips" / "shapes.mp4")
    wanted = Wanted(
        cameras=2, seconds=5, model=str(model), size=(320, 180), clips=tmp_path / "clips", warm_s=1.0
    )
    report = capacity(wanted, kept=tmp_path / "kept")
    found = report.figures
    assert found.models[0].startswith("toy ")
    assert set(found.analysed_fps) == {"1-shapes", "2-shapes"}
    assert all(0 < rate < 8 for rate in found.analysed_fps.values())
    assert found.analysis is not None
    assert found.analysis.count > 4
    assert 0 < found.analysis.p50 <= found.analysis.p99
    assert found.cost > 0
    assert found.parts["decode (and make arrays)"] > 0
    assert found.parts["detect"] > 0
    assert sum(found.parts.values()) == pytest.approx(found.cost, abs=1e-6)
    assert found.alone is not None
    assert found.alone.decode > 0
    assert found.overhead is not None
    plain = json.loads(json.dumps(report.as_json(), allow_nan=False))
    assert plain["figures"]["cameras"] == 2
    assert plain["processors_for_89"] >= 1
    assert report.most is None
