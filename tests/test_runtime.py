"""Running a site: what is seen is committed, sent and reported, whatever breaks."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from beffroi import runtime
from beffroi.components import BuildContext, DetectorConfig, SinkConfig, SourceConfig
from beffroi.config.site import Camera, Evidence, Header, Site
from beffroi.config.view import View
from beffroi.errors import SiteError, SourceError, StoreError
from beffroi.frame import Detections, Frame
from beffroi.metrics import Metrics
from beffroi.runtime.alert import moment
from beffroi.runtime.delivery import TRIES, Delivery
from beffroi.runtime.masks import Masks
from beffroi.store import Change, RunFacts, Store, queries
from hypothesis import given
from hypothesis import strategies as st

SIZE = (64, 36)


class Script(SourceConfig):
    """Somebody stands in the picture from `enters` to `leaves`; pictures every 200 ms."""

    type: str = "script"
    live: ClassVar[bool] = False
    pace: str = "fast"
    pictures: int = 40
    enters: int = 5
    leaves: int = 20
    gap: tuple[int, int] = (0, 0)
    breaks_at: int | None = None
    cannot_open: bool = False
    signal_at: int | None = None

    def build(self, context: BuildContext, fps: float | None) -> ScriptSource:
        if self.cannot_open:
            raise SourceError(f"{context.camera}: no such stream")
        return ScriptSource(self)


class ScriptSource:
    size = SIZE

    def __init__(self, script: Script) -> None:
        self.script = script
        self.closed = False

    def frames(self) -> Iterator[Frame]:
        script = self.script
        after, lost = script.gap
        for number in range(script.pictures):
            if number == script.breaks_at:
                raise SourceError("the stream broke")
            if number == script.signal_at:
                os.kill(os.getpid(), signal.SIGTERM)
                WAITING.wait(5)
            at_ms = number * 200 + (lost if number > after else 0)
            there = script.enters <= number < script.leaves
            yield Frame(at_ms, np.full((SIZE[1], SIZE[0], 3), 200, np.uint8), person() if there else None)

    def close(self) -> None:
        self.closed = True


WAITING = threading.Event()


def person() -> Detections:
    box = np.array([[0.4, 0.3, 0.5, 0.8]], np.float32)
    return Detections(box, np.array([0.9], np.float32), np.array([0], np.uint16))


class Passing(DetectorConfig):
    """Passes on what came with the picture."""

    type: str = "passing"
    breaks_at_ms: int | None = None

    def build(self, context: BuildContext) -> PassingDetector:
        return PassingDetector(self.breaks_at_ms)


class PassingDetector:
    labels = ("person", "car")
    name, version, provider = "passing", "1", "none"

    def __init__(self, breaks_at_ms: int | None) -> None:
        self.breaks_at_ms = breaks_at_ms
        self.seen: list[Frame] = []

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        self.seen += frames
        for frame in frames:
            if frame.at_ms == self.breaks_at_ms:
                raise ZeroDivisionError("a defect")
        return [frame.detections or Detections.empty() for frame in frames]

    def close(self) -> None:
        pass


class Wire(SinkConfig):
    """Keeps what it gets; refuses the first `refusals` attempts."""

    type: str = "wire"
    refusals: int = 0

    def build(self, context: BuildContext) -> WireSink:
        return WireSink(self.refusals)


class WireSink:
    sent: ClassVar[list[Mapping[str, Any]]] = []

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals

    def send(self, alert: Mapping[str, Any]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise ConnectionError("no route")
        self.sent.append(alert)

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _nothing_sent() -> None:
    WireSink.sent.clear()


RULE = {"name": "inside", "type": "intrusion", "zone": "all", "after": "0.5s", "clear_after": "1s"}
VIEW = View(zones={"all": ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))}, rules=(RULE,))


FACTS = RunFacts("square", "5ce0", "gate", "day", "passing 1", "none", "0.1.0", evaluation=True)
ALERT = {
    "id": "a",
    "rule": "inside",
    "type": "intrusion",
    "change": "started",
    "at_ms": 1000,
    "severity": "warning",
    "camera": "gate",
    "view": "day",
    "evaluation": True,
}


def site(folder: Path, sinks: dict[str, SinkConfig] | None = None, **scripts: Script) -> Site:
    cameras = {
        name: Camera(source=script, detect=Passing(), views={"day": VIEW}) for name, script in scripts.items()
    }
    return Site(
        site=Header(name="square", timezone="UTC", mode="evaluation"),
        cameras=cameras or {"gate": Camera(source=Script(), detect=Passing(), views={"day": VIEW})},
        sinks=sinks or {},
        evidence=Evidence(snapshots=False),
    ).with_path(folder / "site.yaml")


def changes(alerts: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str | None]]:
    return [(alert["camera"], alert["change"], alert["reason"]) for alert in alerts]


LIFE = [("gate", "started", None), ("gate", "ended", "cleared")]


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
    assert list(started)[-5:] == ["evaluation", "at", "model", "engine", "snapshot"]


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


def test_a_sink_that_recovers_gets_everything_in_order(tmp_path: Path) -> None:
    report = runtime.run(site(tmp_path, sinks={"wire": Wire(refusals=2)}))
    assert report.ok
    assert changes(WireSink.sent) == LIFE


def test_what_a_sink_never_took_is_reported_and_sent_by_the_next_run(tmp_path: Path) -> None:
    report = runtime.run(site(tmp_path, sinks={"wire": Wire(refusals=99)}))
    assert report.undelivered == {"wire": 2}
    assert report.errors == ["sink wire: 2 alerts could not be delivered; they wait in the store"]
    assert runtime.run(site(tmp_path, sinks={"wire": Wire()})).ok
    assert changes(WireSink.sent) == LIFE + LIFE


def test_delivery_gives_up_for_now_after_its_tries() -> None:
    pauses: list[float] = []
    with Store() as store:
        sink = WireSink(refusals=99)
        delivery = Delivery(store, {"wire": sink}, Metrics(), sleep=pauses.append)
        assert delivery.drain()
        assert pauses == []
        store.commit(store.begin(FACTS), [Change("{}", ALERT)], delivery.names)
        assert not delivery.drain()
        assert len(pauses) == TRIES - 1
        assert sink.refusals == 99 - TRIES


class Flaky:
    """Refuses, or takes and then loses the confirmation, as it is told."""

    def __init__(self, moods: Iterator[str]) -> None:
        self.moods = moods
        self.got: list[str] = []

    def send(self, alert: Mapping[str, Any]) -> None:
        mood = next(self.moods, "take")
        if mood != "refuse":
            self.got.append(alert["id"])
        if mood != "take":
            raise ConnectionError(mood)

    def close(self) -> None:
        pass


@given(st.lists(st.sampled_from(["take", "refuse", "lose"]), max_size=20), st.integers(1, 6))
def test_every_alert_arrives_at_least_once_and_in_order(moods: list[str], alerts: int) -> None:
    sink = Flaky(iter(moods))
    with Store() as store:
        run = store.begin(FACTS)
        delivery = Delivery(store, {"flaky": sink}, Metrics(), sleep=lambda _seconds: None)
        for number in range(alerts):
            alert = {**ALERT, "id": str(number)}
            store.commit(run, [Change("{}", alert)], delivery.names)
            delivery.flush()
        while not delivery.drain():
            pass
        assert queries.waiting(store) == {}
    assert sorted(set(sink.got), key=sink.got.index) == [str(number) for number in range(alerts)]
    assert sink.got == sorted(sink.got, key=int)


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


def test_a_live_camera_is_refused_until_its_authorisation_can_be_enforced(tmp_path: Path) -> None:
    class Live(Script):
        live: ClassVar[bool] = True

    scene = site(tmp_path, gate=Live())
    live = scene.model_copy(update={"site": scene.site.model_copy(update={"mode": "live"})})
    with pytest.raises(SiteError, match=r"cameras\.gate\.source: live cameras cannot run yet"):
        runtime.run(live)
    told: list[dict[str, Any]] = []
    runtime.run(scene, on_event=told.append)
    assert told[0]["evaluation"] is True
    assert told[0]["at"].startswith("1970-01-01T00:00:0")


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
    assert kept == [("count", 0, 30_000), ("count", 0, 60_000), ("", 0, 60_000), ("count", 0, 79_800)]


def test_a_schedule_that_a_recording_cannot_keep_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    view = VIEW.model_copy(update={"rules": ({**RULE, "schedule": "nights"},)})
    scene = site(tmp_path)
    camera = scene.cameras["gate"].model_copy(update={"views": {"day": view}})
    assert runtime.run(scene.model_copy(update={"cameras": {"gate": camera}})).ok
    assert "rule inside runs all the time: a recording has no time of day" in caplog.text


def test_masks_are_black_before_anything_else_sees_the_picture() -> None:
    image = np.full((36, 64, 3), 200, np.uint8)
    masked = Masks([((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5))]).zero(Frame(0, image))
    assert not masked.image[:18, :32].any()
    assert (masked.image[20:] == 200).all()
    assert (masked.image[:, 34:] == 200).all()
    assert (image == 200).all()
    frame = Frame(0, image)
    assert Masks([]).zero(frame) is frame


def test_the_report_can_be_printed_and_read_by_programs(tmp_path: Path) -> None:
    from rich.console import Console

    report = runtime.run(site(tmp_path))
    plain = json.loads(json.dumps(report.as_json()))
    assert plain["ok"] is True
    assert plain["cameras"][0]["alerts"] == {"inside": 1}
    assert set(plain["cameras"][0]["stages"]) == {"decode", "detect", "core", "store", "render"}
    console = Console(width=120, file=io.StringIO())
    with console.capture() as printed:
        console.print(report.table())
    assert "inside: 1" in printed.get()


@pytest.mark.parametrize(
    ("at_ms", "text"), [(0, "PT0S"), (12_400, "PT12.4S"), (1_234_567, "PT1234.567S"), (60_000, "PT60S")]
)
def test_media_time_is_written_as_a_duration(at_ms: int, text: str) -> None:
    assert moment(at_ms, live=False) == text
