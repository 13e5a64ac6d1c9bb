"""Parts for tests of the runtime: a source, a detector and a sink that do as they are told, and a site."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from beffroi.components import BuildContext, DetectorConfig, SinkConfig, SourceConfig
from beffroi.config.site import Camera, Evidence, Header, Site
from beffroi.config.view import View
from beffroi.errors import SourceError
from beffroi.frame import Detections, Frame
from beffroi.store import RunFacts

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
    labels: tuple[str, ...] = ("person", "car")
    name: str = "passing"
    version: str = "1"
    provider: str = "none"

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
