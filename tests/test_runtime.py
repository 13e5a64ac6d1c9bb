"""Running a site: what is seen is committed, sent and reported, whatever breaks."""

from __future__ import annotations

import io
import json
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from beffroi import runtime
from beffroi.components import BuildContext, DetectorConfig
from beffroi.config.schedule import Schedule
from beffroi.config.site import Evidence, Site
from beffroi.config.view import View
from beffroi.errors import RecordingError, SiteError, SourceError, StoreError
from beffroi.frame import Frame
from beffroi.metrics import STAGES, Metrics
from beffroi.runtime.alert import moment
from beffroi.store import Store, queries
from beffroi.video import VideoFile
from scripted import (
    LIFE,
    RULE,
    VIEW,
    WAITING,
    Passing,
    PassingDetector,
    Script,
    Wire,
    WireSink,
    changes,
    site,
)


@pytest.fixture(autouse=True)
def _nothing_sent() -> None:
    WireSink.sent.clear()


def test_an_alert_is_kept_sent_told_and_reported(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    metrics = Metrics()
    report = runtime.run(site(tmp_path, sinks={"wire": Wire()}), on_event=told.append, metrics=metrics)
    assert report.ok
    assert not report.interrupted
    assert changes(told) == changes(WireSink.sent) == LIFE
    (camera,) = report.cameras
    assert (camera.alerts, camera.outcome, camera.frames) == ({"inside": 1}, "end_of_stream", 40)
    assert (camera.from_ms, camera.to_ms, camera.analysed_ms) == (0, 7800, 7800)
    with Store(tmp_path / "beffroi.db") as store:
        (kept,) = queries.alerts(store)
        assert (kept["rule"], kept["change"], kept["evaluation"]) == ("inside", "ended", True)
        assert [json.loads(row["event"])["change"] for row in queries.events(store)] == ["started", "ended"]
        (ran,) = queries.runs(store)
        assert (ran["outcome"], ran["frames"], ran["analysed_ms"]) == ("end_of_stream", 40, 7800)
    assert 'beffroi_alerts_total{camera="gate",kind="intrusion",rule="inside"} 1.0' in metrics.text()


def test_an_alert_says_where_it_comes_from(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    runtime.run(site(tmp_path), on_event=told.append)
    started = told[0]
    wanted = {"site": "square", "camera": "gate", "view": "day", "evaluation": True, "model": "passing 1"}
    assert {key: started[key] for key in wanted} == wanted
    assert started["at"] == f"PT{started['at_ms'] / 1000:g}S"
    assert started["snapshot"] is None
    assert list(started)[-6:] == ["evaluation", "at", "model", "engine", "snapshot", "clip"]


def test_what_is_active_at_the_end_ends(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    runtime.run(site(tmp_path, gate=Script(leaves=99)), on_event=told.append)
    assert changes(told) == [LIFE[0], ("gate", "ended", "end_of_stream")]


def test_a_broken_stream_ends_what_is_active_and_is_reported(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    report = runtime.run(site(tmp_path, gate=Script(leaves=99, breaks_at=30)), on_event=told.append)
    assert changes(told) == [LIFE[0], ("gate", "ended", "signal_lost")]
    assert not report.ok
    assert report.errors == ["gate: the stream broke"]
    assert report.cameras[0].outcome == "signal_lost"
    with Store(tmp_path / "beffroi.db") as store:
        assert queries.runs(store)[0]["outcome"] == "signal_lost"


def test_one_camera_failing_leaves_the_others_running(tmp_path: Path) -> None:
    """One breaks, one cannot open, one meets a defect; the fourth is as if alone."""
    scene = site(
        tmp_path, breaks=Script(breaks_at=2), closed=Script(cannot_open=True), defect=Script(), gate=Script()
    )
    defect = scene.cameras["defect"].model_copy(update={"detect": Passing(breaks_at_ms=4000)})
    scene = scene.model_copy(update={"cameras": {**scene.cameras, "defect": defect}})
    told: list[dict[str, Any]] = []
    report = runtime.run(scene, on_event=told.append)
    assert [camera.outcome for camera in report.cameras] == [
        "signal_lost",
        "not_started",
        "analysis_failed",
        "end_of_stream",
    ]
    assert not report.ok
    assert "closed: closed: no such stream" in report.errors
    assert any("unexpected error, see the log: ZeroDivisionError" in error for error in report.errors)
    assert [change for change in changes(told) if change[0] == "gate"] == LIFE
    assert ("defect", "ended", "analysis_failed") in changes(told)


def test_a_camera_that_cannot_open_is_the_callers_error_when_it_is_alone(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such stream"):
        runtime.run(site(tmp_path, gate=Script(cannot_open=True)))


def test_a_stop_signal_ends_what_is_active(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    WAITING.clear()
    before = signal.getsignal(signal.SIGTERM)

    def progress(camera: str, at_ms: int, frames: int) -> None:
        assert frames <= 16

    scene = site(tmp_path, gate=Script(leaves=99, signal_at=15))
    threading.Timer(0.5, WAITING.set).start()
    report = runtime.run(scene, on_event=told.append, progress=progress)
    assert report.interrupted
    assert report.ok
    assert changes(told) == [LIFE[0], ("gate", "ended", "stopped")]
    assert signal.getsignal(signal.SIGTERM) is before


def test_time_that_nobody_watched_is_counted(tmp_path: Path) -> None:
    report = runtime.run(site(tmp_path, gate=Script(gap=(9, 60_000))))
    (camera,) = report.cameras
    assert (camera.analysed_ms, camera.not_analysed_ms) == (38 * 200, 60_200)


def test_a_store_that_fails_stops_the_camera_with_its_name(tmp_path: Path) -> None:
    store = Store(tmp_path / "full.db")
    with store.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE alerts")
    report = runtime.run(site(tmp_path), store=store)
    assert report.cameras[0].outcome == "analysis_failed"
    assert "full.db: no such table: alerts" in report.errors[0]
    store.close()


def test_an_unknown_camera_is_named(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"cameras: there is no camera 'gaet'; there are gate"):
        runtime.run(site(tmp_path), cameras=["gaet"])


def test_only_the_chosen_cameras_run(tmp_path: Path) -> None:
    report = runtime.run(site(tmp_path, gate=Script(), yard=Script()), cameras=["yard"])
    assert [camera.camera for camera in report.cameras] == ["yard"]


def test_several_views_are_refused_until_something_tells_them_apart(tmp_path: Path) -> None:
    scene = site(tmp_path)
    camera = scene.cameras["gate"].model_copy(update={"views": {"day": VIEW, "night": VIEW}})
    scene = scene.model_copy(update={"cameras": {"gate": camera}})
    with pytest.raises(SiteError, match=r"cameras\.gate\.views: several views \(day, night\)"):
        runtime.run(scene)


def test_a_rule_that_cannot_run_with_these_labels_is_named_with_its_place(tmp_path: Path) -> None:
    scene = site(tmp_path)
    view = VIEW.model_copy(update={"rules": ({**RULE, "type": "no-such-kind"},)})
    camera = scene.cameras["gate"].model_copy(update={"views": {"day": view}})
    with pytest.raises(SiteError, match=r"cameras\.gate\.views\.day\.rules\[0\]\.type"):
        runtime.run(scene.model_copy(update={"cameras": {"gate": camera}}))


def test_a_store_that_cannot_open_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        runtime.run(site(tmp_path), store=tmp_path)


def test_live_cameras_of_which_no_rule_is_authorised_do_not_run(tmp_path: Path) -> None:
    class Live(Script):
        live: ClassVar[bool] = True

    scene = site(tmp_path, gate=Live())
    live = scene.model_copy(update={"site": scene.site.model_copy(update={"mode": "live"})})
    with pytest.raises(SiteError, match=r"cameras\.gate: no rule may run: no authorisation is named"):
        runtime.run(live)


def test_a_recording_is_an_evaluation_whatever_the_site_says(tmp_path: Path) -> None:
    scene = site(tmp_path)
    scene = scene.model_copy(update={"site": scene.site.model_copy(update={"mode": "live"})})
    told: list[dict[str, Any]] = []
    assert runtime.run(scene, on_event=told.append).evaluation is True
    assert [alert["evaluation"] for alert in told] == [True, True]


def test_cameras_take_turns_with_a_detector_that_they_share(tmp_path: Path) -> None:
    built: list[str] = []

    class Shared(Passing):
        shared: ClassVar[bool] = True

        def build(self, context: BuildContext) -> PassingDetector:
            built.append(context.camera)
            return super().build(context)

    def with_detector(detect: DetectorConfig) -> Site:
        scene = site(tmp_path, gate=Script(), yard=Script())
        cameras = {
            name: camera.model_copy(update={"detect": detect}) for name, camera in scene.cameras.items()
        }
        return scene.model_copy(update={"cameras": cameras})

    report = runtime.run(with_detector(Shared()), store=tmp_path / "shared.db")
    assert built == ["gate"]
    assert [camera.alerts for camera in report.cameras] == [{"inside": 1}] * 2
    alone = Passing()
    assert runtime.run(with_detector(alone), store=tmp_path / "alone.db").ok


def test_totals_and_statistics_are_kept_as_counts(tmp_path: Path) -> None:
    counting = {"name": "count", "type": "line_count", "line": "middle", "every": "30s"}
    view = VIEW.model_copy(update={"lines": {"middle": ((0.0, 0.5), (1.0, 0.5))}, "rules": (counting,)})
    scene = site(tmp_path, gate=Script(pictures=400), sinks={"wire": Wire()})
    camera = scene.cameras["gate"].model_copy(update={"views": {"day": view}})
    report = runtime.run(scene.model_copy(update={"cameras": {"gate": camera}}))
    assert report.cameras[0].alerts == {}
    assert report.cameras[0].totals["count"]["total"] == 0
    assert [sent["change"] for sent in WireSink.sent] == ["updated", "updated", "ended"]
    with Store(tmp_path / "beffroi.db") as store:
        assert queries.alerts(store) == []
        kept = [(row["name"], row["from_ms"], row["to_ms"]) for row in queries.counts(store)]
        periods = queries.aggregates(store)
    assert kept == [("count", 0, 30_000), ("count", 0, 60_000), ("count", 0, 79_800)]
    # The stream ends within the second minute: what there is of it is kept, and the quarter is their sum.
    assert [(row["minutes"], row["from_ms"], row["to_ms"]) for row in periods] == [
        (1, 0, 60_000),
        (15, 0, 79_800),
        (1, 60_000, 79_800),
    ]
    assert sum(row["analysed_ms"] for row in periods if row["minutes"] == 1) == 79_800
    assert periods[1]["analysed_ms"] == 79_800


def test_a_schedule_that_a_recording_cannot_keep_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    view = VIEW.model_copy(update={"rules": ({**RULE, "schedule": "nights"},)})
    scene = site(tmp_path)
    camera = scene.cameras["gate"].model_copy(update={"views": {"day": view}})
    assert runtime.run(scene.model_copy(update={"cameras": {"gate": camera}})).ok
    assert "rule inside runs all the time: a recording has no time of day" in caplog.text


def test_a_dated_recording_keeps_its_hours(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    night = Schedule.model_validate({"hours": ["22:00-06:00"]})
    view = VIEW.model_copy(
        update={"rules": ({**RULE, "schedule": "nights", "severity_during": {"nights": "critical"}},)}
    )
    for begins, alerts in (("2026-11-27T12:00", 0), ("2026-11-27T23:00", 1)):
        told.clear()
        scene = site(tmp_path, gate=Script(begins=datetime.fromisoformat(begins)))
        report = runtime.run(with_view(scene, view, schedules={"nights": night}), on_event=told.append)
        assert report.ok
        assert report.cameras[0].alerts == ({"inside": alerts} if alerts else {})
    undated: list[dict[str, Any]] = []
    runtime.run(site(tmp_path), on_event=undated.append)
    zone = ZoneInfo(scene.timezone)
    since = datetime(2026, 11, 27, 23, 0, tzinfo=zone).timestamp() * 1000
    assert told[0]["at_ms"] - since == undated[0]["at_ms"]
    assert told[0]["severity"] == told[1]["severity"] == "critical"
    assert datetime.fromisoformat(told[0]["at"]) == datetime.fromtimestamp(told[0]["at_ms"] / 1000, UTC)


def test_a_rule_in_the_shadow_is_kept_and_shown_to_nobody(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    view = VIEW.model_copy(update={"rules": ({**RULE, "shadow": True},)})
    report = runtime.run(with_view(site(tmp_path, sinks={"wire": Wire()}), view), on_event=told.append)
    assert (told, WireSink.sent) == ([], [])
    assert (report.cameras[0].alerts, report.cameras[0].shadow) == ({}, {"inside": 1})
    assert report.undelivered == {}
    with Store(tmp_path / "beffroi.db") as store:
        (kept,) = queries.alerts(store)
    assert (kept["shadow"], kept["change"]) == (True, "ended")


def with_view(scene: Site, view: View, detect: DetectorConfig | None = None, **parts: Any) -> Site:
    changed = {"views": {"day": view}} | ({} if detect is None else {"detect": detect})
    cameras = {name: camera.model_copy(update=changed) for name, camera in scene.cameras.items()}
    return scene.model_copy(update={"cameras": cameras, **parts})


def test_masks_are_black_before_anything_else_sees_the_picture(tmp_path: Path) -> None:
    seen: list[Frame] = []

    class Looking(Passing):
        def build(self, context: BuildContext) -> PassingDetector:
            detector = super().build(context)
            detector.seen = seen
            return detector

    view = VIEW.model_copy(update={"masks": {"window": ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5))}})
    runtime.run(with_view(site(tmp_path, gate=Script(pictures=3)), view, Looking()))
    assert len(seen) == 3
    for frame in seen:
        assert not frame.image[:18, :32].any()
        assert (frame.image[22:] == 200).all()


def test_a_starting_alert_keeps_its_picture_until_its_end(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    scene = with_view(site(tmp_path), VIEW, evidence=Evidence(folder="pictures"))
    for number in (1, 2):
        runtime.run(scene, on_event=told.append)
        started, ended = told[-2:]
        assert started["snapshot"] == ended["snapshot"] == f"pictures/gate/run-{number}/{started['id']}.jpg"
        assert (tmp_path / started["snapshot"]).read_bytes().startswith(b"\xff\xd8")
    runtime.run(scene, store=tmp_path / "other.db", on_event=told.append)
    assert told[-1]["snapshot"].startswith("pictures/gate/run-1-2/")
    with Store(tmp_path / "beffroi.db") as store:
        assert [row["snapshot"] for row in queries.alerts(store)] == [
            told[0]["snapshot"],
            told[2]["snapshot"],
        ]


def test_people_in_a_kept_picture_are_blurred_unless_the_site_says_otherwise(tmp_path: Path) -> None:
    import cv2

    class Striped(Script):
        def build(self, context: BuildContext, fps: float | None) -> Any:
            source = super().build(context, fps)
            frames = source.frames

            def striped() -> Any:
                for frame in frames():
                    frame.image[:, ::2] = 0
                    yield frame

            source.frames = striped  # type: ignore[method-assign]
            return source

    contrast = {}
    for blur in (True, False):
        told: list[dict[str, Any]] = []
        scene = with_view(site(tmp_path, gate=Striped()), VIEW, evidence=Evidence(blur=blur))
        runtime.run(scene, on_event=told.append)
        picture = cv2.imread(str(tmp_path / told[0]["snapshot"]), cv2.IMREAD_GRAYSCALE)
        assert picture is not None
        contrast[blur] = float(picture[16:24, 28:30].std())
    assert contrast[True] < 0.4 * contrast[False]


def test_a_picture_that_cannot_be_kept_does_not_cost_the_alert(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "evidence").touch()
    told: list[dict[str, Any]] = []
    report = runtime.run(with_view(site(tmp_path), VIEW, evidence=Evidence()), on_event=told.append)
    assert report.ok
    assert [alert["snapshot"] for alert in told] == [None, None]
    assert "rule inside: the alert has no picture" in caplog.text


@pytest.mark.parametrize("blur", [True, False])
def test_a_film_shows_every_analysed_picture(tmp_path: Path, blur: bool) -> None:
    film = tmp_path / "film.mp4"
    assert runtime.run(site(tmp_path), render=film, blur=blur).ok
    video = VideoFile(film)
    assert sum(1 for _ in video.pictures()) == 40
    video.close()


def test_a_camera_that_cannot_start_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match="the film cannot be written"):
        runtime.run(site(tmp_path), record=tmp_path / "boxes.jsonl", render=tmp_path / "file" / "film.mp4")
    assert not list(tmp_path.glob("boxes*"))


def test_the_report_can_be_printed_and_read_by_programs(tmp_path: Path) -> None:
    from rich.console import Console

    report = runtime.run(site(tmp_path))
    plain = json.loads(json.dumps(report.as_json()))
    assert plain["ok"] is True
    assert plain["cameras"][0]["alerts"] == {"inside": 1}
    assert set(plain["cameras"][0]["stages"]) == set(STAGES)
    console = Console(width=120, file=io.StringIO())
    with console.capture() as printed:
        console.print(report.table())
    assert "inside: 1" in printed.get()


@pytest.mark.parametrize(
    ("at_ms", "text"), [(0, "PT0S"), (12_400, "PT12.4S"), (1_234_567, "PT1234.567S"), (60_000, "PT60S")]
)
def test_media_time_is_written_as_a_duration(at_ms: int, text: str) -> None:
    assert moment(at_ms, dated=False) == text
