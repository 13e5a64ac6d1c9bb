"""Camera health through the public door: real files that tilt, freeze, go dark and break off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import av
import numpy as np
import pytest
from beffroi import runtime
from beffroi.components import BuildContext, DetectorConfig
from beffroi.config.health import Health
from beffroi.config.site import Camera, Site
from beffroi.config.view import View
from beffroi.errors import SourceError
from beffroi.evaluate.alarms import evaluate
from beffroi.evaluate.truth import load
from beffroi.frame import Detections, Frame
from beffroi.metrics import Metrics
from beffroi.recording import read_recording
from beffroi.runtime.health import looking
from beffroi.runtime.replay import replay
from beffroi.sources.file import FileConfig
from beffroi.store import Store, queries
from scenes import SIZE, shot, town
from scripted import RULE, VIEW, Script, Wire, WireSink, person, site

PLACE = town(1)
FPS = 10


class Always(DetectorConfig):
    """Sees somebody in every picture that it is shown."""

    type: str = "always"

    def build(self, context: BuildContext) -> AlwaysDetector:
        return AlwaysDetector()


class AlwaysDetector:
    labels: tuple[str, ...] = ("person", "car")
    name, version, provider = "always", "1", "none"
    shown: ClassVar[list[int]] = []

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        self.shown.extend(frame.at_ms for frame in frames)
        return [person() for _ in frames]

    def close(self) -> None:
        pass


def film(
    path: Path, seconds: float, see: Callable[[int, float], np.ndarray], gap: tuple[float, float] = (1e9, 0)
) -> Path:
    """A file of what `see` shows of each moment; from ``gap[0]`` seconds on, ``gap[1]`` later."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.options = {"preset": "ultrafast", "crf": "20"}
        for number in range(round(seconds * FPS)):
            at = number / FPS
            frame = av.VideoFrame.from_ndarray(see(number, at), format="bgr24")
            frame.pts = round((at + (gap[1] if at >= gap[0] else 0)) * 1000)
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def watched(path: Path, view: View = VIEW, health: Health | None = None, **parts: Any) -> Site:
    camera = Camera(
        source=FileConfig(type="file", path=path.name),
        detect=Always(),
        views={"day": view},
        health=health or Health(),
    )
    return (
        site(path.parent, **parts)
        .model_copy(update={"cameras": {"gate": camera}})
        .with_path(path.parent / "s.yaml")
    )


@pytest.fixture(autouse=True)
def _nothing_shown() -> Iterator[None]:
    AlwaysDetector.shown.clear()
    WireSink.sent.clear()
    yield
    AlwaysDetector.shown.clear()


def brief(alerts: Sequence[dict[str, Any]]) -> list[tuple[str, str, str | None]]:
    return [(alert["rule"], alert["change"], alert["reason"]) for alert in alerts]


def tilting(number: int, at: float) -> np.ndarray:
    """Still for 3 s, tilts over 2 s, stays for 3 s, is back for the rest."""
    away = min(max(at - 3, 0) / 2, 1) * 0.1 if at < 8 else 0
    return shot(PLACE, number, shift=(0, away))


def test_a_camera_that_tilts_is_told_and_nothing_is_judged_until_it_is_back(tmp_path: Path) -> None:
    path = film(tmp_path / "tilt.mp4", 14, tilting)
    told: list[dict[str, Any]] = []
    metrics = Metrics()
    scene = watched(path, sinks={"wire": Wire()})
    report = runtime.run(
        scene, on_event=told.append, record=tmp_path / "boxes.jsonl", metrics=metrics, store=tmp_path / "s.db"
    )
    assert report.ok, report.errors
    assert brief(told) == [
        ("inside", "started", None),
        ("inside", "ended", "view_lost"),
        ("view_moved", "started", None),
        ("view_moved", "ended", "cleared"),
        ("inside", "started", None),
        ("inside", "ended", "end_of_stream"),
    ]
    moved, back = told[2], told[3]
    assert 4000 < moved["at_ms"] < 7000
    assert 9000 < back["at_ms"] < 11_000
    assert moved["measured"]["moved_share"] > moved["threshold"]["moved_share"] == 0.05
    assert (moved["type"], moved["severity"], moved["evaluation"], moved["camera"]) == (
        "view_moved", "warning", True, "gate",
    )  # fmt: skip
    # What the detector was not shown, nobody can have judged.
    assert not [at for at in AlwaysDetector.shown if moved["at_ms"] <= at < back["at_ms"]]
    (camera,) = report.cameras
    assert (camera.alerts, camera.health) == ({"inside": 2}, {"view_moved": 1})
    assert camera.not_analysed_ms == pytest.approx(back["at_ms"] - moved["at_ms"], abs=400)
    assert camera.analysed_ms + camera.not_analysed_ms == camera.to_ms
    assert brief(WireSink.sent) == brief(told)
    assert 'kind="view_moved",rule="view_moved"} 1.0' in metrics.text()
    with Store(tmp_path / "s.db") as store:
        assert {row["rule"]: row["change"] for row in queries.alerts(store)} == {
            "inside": "ended", "view_moved": "ended",
        }  # fmt: skip
        assert queries.runs(store)[0]["not_analysed_ms"] == camera.not_analysed_ms
        lines = [row["event"] for row in queries.events(store) if '"type":"intrusion"' in row["event"]]
    again = replay(read_recording(tmp_path / "boxes.jsonl"), scene)
    assert list(again.lines) == lines
    assert sorted(brief(list(again.events))) == sorted(brief(told))
    assert again.frames == camera.frames


def test_a_shaking_camera_is_replayed_with_its_motion(tmp_path: Path) -> None:
    path = film(tmp_path / "mast.mp4", 6, lambda n, at: shot(PLACE, n, shift=(0.03 * np.sin(5 * at), 0)))
    told: list[dict[str, Any]] = []
    scene = watched(path)
    runtime.run(scene, on_event=told.append, record=tmp_path / "boxes.jsonl", store=tmp_path / "s.db")
    assert "view_moved" not in [alert["rule"] for alert in told]
    recorded = read_recording(tmp_path / "boxes.jsonl")
    assert recorded.motion is not None
    assert np.isfinite(recorded.motion).all(axis=1).sum() > 10
    with Store(tmp_path / "s.db") as store:
        assert list(replay(recorded, scene).lines) == [row["event"] for row in queries.events(store)]


@pytest.mark.parametrize(
    ("kind", "see"),
    [
        ("frozen", lambda number, at: shot(PLACE, number if at < 3 else 7)),
        ("too_dark", lambda number, at: shot(PLACE, number, gain=1 if at < 3 else 0.02)),
    ],
)
def test_a_camera_that_sees_nothing_invents_nothing(
    tmp_path: Path, kind: str, see: Callable[[int, float], np.ndarray]
) -> None:
    told: list[dict[str, Any]] = []
    report = runtime.run(watched(film(tmp_path / "blind.mp4", 16, see)), on_event=told.append)
    assert brief(told) == [
        ("inside", "started", None),
        ("inside", "ended", kind),
        (kind, "started", None),
        (kind, "ended", "end_of_stream"),
    ]
    assert report.cameras[0].not_analysed_ms > 2000


def test_lost_time_ends_what_was_active_where_it_was_last_seen(tmp_path: Path) -> None:
    path = film(tmp_path / "gap.mp4", 8, lambda number, at: shot(PLACE, number), gap=(4, 30))
    told: list[dict[str, Any]] = []
    scene = watched(path)
    report = runtime.run(
        scene, on_event=told.append, record=tmp_path / "boxes.jsonl", store=tmp_path / "s.db"
    )
    assert brief(told) == [
        ("inside", "started", None),
        ("inside", "ended", "signal_lost"),
        ("signal_lost", "started", None),
        ("signal_lost", "ended", "cleared"),
        ("inside", "started", None),
        ("inside", "ended", "end_of_stream"),
    ]
    last = told[1]["at_ms"]
    assert 3700 < last < 4000
    assert [alert["at_ms"] for alert in told[2:4]] == [last + 3000, 34_000]
    assert report.cameras[0].not_analysed_ms == 34_000 - last
    with Store(tmp_path / "s.db") as store:
        lines = [row["event"] for row in queries.events(store) if '"type":"intrusion"' in row["event"]]
    assert list(replay(tmp_path / "boxes.jsonl", scene).lines) == lines


def test_a_stream_that_breaks_off_is_a_lost_signal(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    report = runtime.run(site(tmp_path, gate=Script(enters=99, breaks_at=8)), on_event=told.append)
    assert ("signal_lost", "started", None) in brief(told)
    assert ("signal_lost", "ended", "signal_lost") in brief(told)
    assert report.cameras[0].outcome == "signal_lost"
    assert report.cameras[0].health["signal_lost"] == 1


def test_health_can_be_left_out(tmp_path: Path) -> None:
    path = film(tmp_path / "tilt.mp4", 8, tilting)
    told: list[dict[str, Any]] = []
    report = runtime.run(watched(path, health=Health(enabled=False)), on_event=told.append)
    assert brief(told) == [("inside", "started", None), ("inside", "ended", "end_of_stream")]
    assert report.cameras[0].not_analysed_ms == 0


def test_a_rule_may_have_the_name_of_a_check(tmp_path: Path) -> None:
    view = VIEW.model_copy(update={"rules": ({**RULE, "name": "too_dark"},)})
    path = film(tmp_path / "dark.mp4", 8, lambda n, at: shot(PLACE, n, gain=1 if at < 3 else 0.02))
    told: list[dict[str, Any]] = []
    report = runtime.run(watched(path, view), on_event=told.append)
    assert {(alert["rule"], alert["type"]) for alert in told} == {
        ("too_dark", "intrusion"), ("camera too_dark", "too_dark"),
    }  # fmt: skip
    assert (report.cameras[0].alerts, report.cameras[0].health) == ({"too_dark": 1}, {"camera too_dark": 1})


def test_the_view_is_kept_between_runs_of_a_live_camera(tmp_path: Path) -> None:
    """What a live camera's state folder holds: a second run knows the view from its first picture on."""
    still = film(tmp_path / "still.mp4", 18, lambda number, at: shot(PLACE, number))
    bumped = film(tmp_path / "bumped.mp4", 5, lambda number, at: shot(PLACE, number, shift=(0.09, 0)))
    context = BuildContext("gate", tmp_path, state=tmp_path / "learnt" / "gate")

    def kinds(path: Path) -> list[str]:
        camera = watched(path).cameras["gate"]
        source = camera.source.build(context, 5)
        health = looking(camera, "day", source.size, source, context)
        assert health is not None
        return [one.kind for frame in source.frames() for one in health.look(frame).incidents]

    assert kinds(bumped) == []
    assert kinds(still) == []
    (kept,) = (tmp_path / "learnt" / "gate").rglob("*.png")
    assert kept.stat().st_size < 30_000
    assert kinds(bumped) == ["view_moved"]


def test_a_view_is_compared_with_the_reference_of_its_settings(tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "reference.png"), shot(PLACE, 0))
    path = film(tmp_path / "bumped.mp4", 5, lambda number, at: shot(PLACE, number, shift=(0.09, 0)))
    view = VIEW.model_copy(update={"reference": "reference.png"})
    assert runtime.run(watched(path, view)).cameras[0].health == {"view_moved": 1}
    lost = VIEW.model_copy(update={"reference": "nowhere.png"})
    with pytest.raises(
        SourceError, match=r"cameras\.gate\.views\.day\.reference: .*nowhere\.png: is not a picture"
    ):
        runtime.run(watched(path, lost))


def test_alarms_of_camera_health_are_evaluated(tmp_path: Path) -> None:
    film(tmp_path / "tilt.mp4", 14, tilting)
    truth = tmp_path / "truth.toml"
    truth.write_text(
        """
[[clip]]
file = "tilt.mp4"
detect = { type = "nobody" }
case = [
  { name = "moves", rule = { type = "view_moved" }, alerts = [[4, 7]] },
  { name = "sees", rule = { type = "too_dark" }, alerts = [] },
  { name = "wrong", rule = { type = "frozen", zone = "all" }, alerts = [] },
]
""",
        encoding="utf-8",
    )
    DetectorConfig.types["nobody"] = Always
    try:
        assert load(truth)
        report = evaluate(truth)
    finally:
        del DetectorConfig.types["nobody"]
    assert {result.case.name: result.score.passed for result in report.results} == {
        "moves": True,
        "sees": True,
    }
    (skipped,) = report.skipped
    assert "takes no zone here" in skipped.reason
