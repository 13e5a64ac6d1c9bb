"""A dome while it runs: asked over ONVIF, its pictures from a drawn street, rules of the view in sight."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from beffroi import runtime
from beffroi.components import BuildContext, DetectorConfig, PtzConfig, SourceConfig
from beffroi.config.site import Camera, Evidence, Header, Site
from beffroi.config.view import View
from beffroi.frame import Detections, Frame
from beffroi.runtime.live.status import CameraStatus
from beffroi.store import Store
from panorama import PRESETS, picture

pytest.importorskip("onvif", reason="the extra onvif is not installed")
from onvifdome.dome import FakeDome

FPS = 5.0
MOVE_S = 1.0


class Street(SourceConfig):
    """What the dome sees now; the test puts the dome under `Street.dome`."""

    type: Literal["panorama"] = "panorama"
    live: ClassVar[bool] = True
    dome: ClassVar[FakeDome]
    lefts: ClassVar[dict[str, int]] = dict(PRESETS.values())

    def build(self, context: BuildContext, fps: float | None) -> StreetSource:
        return StreetSource()


class StreetSource:
    """Pictures at their time, as a reader thread gets them."""

    size = (320, 180)

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._left, self._moved_s = float(Street.lefts["1"]), 0.0

    def frames(self) -> Iterator[Frame]:
        moment = 0
        while not self._closed.wait(1 / FPS):
            moment += 1
            with Street.dome.lock:
                standing = Street.dome.motion.standing(time.monotonic())
            before = self._left
            if standing in Street.lefts:
                self._left = float(Street.lefts[standing])
            else:
                self._left = before + 90
            speed = (self._left - before) * FPS if standing is None else 0.0
            yield Frame(round(time.time() * 1000), picture(self._left, speed, moment))

    def close(self) -> None:
        self._closed.set()


class Somebody(DetectorConfig):
    """Sees somebody in the middle of every picture, wherever the dome looks."""

    type: Literal["somebody"] = "somebody"

    def build(self, context: BuildContext) -> SomebodySeen:
        return SomebodySeen()


class SomebodySeen:
    labels: tuple[str, ...] = ("person",)
    name, version, provider = "somebody", "1", "none"

    def detect(self, frames: list[Frame]) -> list[Detections]:
        box = np.array([[0.45, 0.4, 0.55, 0.8]], np.float32)
        one = Detections(box, np.array([0.9], np.float32), np.array([0], np.uint16))
        return [one for _ in frames]

    def close(self) -> None:
        pass


def _view(preset: str) -> View:
    rule = {"name": f"at {preset}", "type": "intrusion", "zone": "all", "after": "1s"}
    return View(preset=preset, zones={"all": ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))}, rules=(rule,))


def _site(folder: Path, dome: FakeDome) -> Site:
    ptz = PtzConfig.parse(
        {
            "type": "onvif", "host": "127.0.0.1", "port": dome.port, "user": dome.user,
            "password": dome.password, "poll": "100ms",
        }
    )  # fmt: skip
    camera = Camera(
        source=Street(), detect=Somebody(fps=FPS), ptz=ptz, views={"gate": _view("1"), "yard": _view("2")}
    )
    return Site(
        site=Header(name="square", timezone="UTC", mode="evaluation"),
        cameras={"dome": camera},
        evidence=Evidence(snapshots=False, clips=False),
    ).with_path(folder / "site.yaml")


def test_each_picture_is_judged_by_the_view_in_sight_or_by_none(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    states: list[CameraStatus] = []
    begun = time.monotonic()
    gone: list[int] = []
    back: list[int] = []

    def watch(statuses: list[CameraStatus]) -> None:
        states.extend(statuses)
        started = [alert["rule"] for alert in told if alert["change"] == "started"]
        if not gone and started == ["at 1"]:
            gone.append(round(time.time() * 1000))
            dome.goto("2", MOVE_S)
        elif gone and not back and started[-1:] == ["at 2"]:
            back.append(round(time.time() * 1000))
            dome.goto("1", MOVE_S)
        elif (back and started.count("at 1") == 2) or time.monotonic() - begun > 45:
            stop.set()

    with FakeDome() as dome, Store() as store:
        Street.dome = dome
        stop = threading.Event()
        report = runtime.run(_site(tmp_path, dome), store=store, on_event=told.append, watch=watch, stop=stop)
        with store.transaction() as connection:
            runs = connection.exec_driver_sql("select view, analysed_ms, not_analysed_ms, outcome from runs")
            kept = {row.view: row for row in runs}

    rules = [(alert["view"], alert["change"], alert["reason"]) for alert in told]
    assert rules[:5] == [
        ("gate", "started", None),
        ("gate", "ended", "view_lost"),
        ("yard", "started", None),
        ("yard", "ended", "view_lost"),
        ("gate", "started", None),
    ], rules
    # What was active ended when the dome left, and began only once it had arrived.
    left, arrived = (told[i]["at_ms"] for i in (1, 2))
    assert gone[0] <= left <= gone[0] + 1000
    assert arrived >= gone[0] + MOVE_S * 1000
    assert {"watching", "moving"} <= {state.state for state in states}
    # Each view was in sight for a part of the time, and the rest of it counts as not analysed.
    for view in ("gate", "yard"):
        assert kept[view].analysed_ms > 0
        assert kept[view].not_analysed_ms > 0
        assert kept[view].outcome == "stopped"
    assert report.ok
