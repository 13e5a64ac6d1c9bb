"""What `benches.crash` kills: a site of live cameras with somebody who keeps coming and going, in real time.

``python -m benches.crash_load FOLDER PORT CAMERAS`` runs it through the real supervisor until it is stopped.
It says ``running`` on standard output once the first picture was analysed. ``journal`` in the folder is the
truth for the judge: a line ``h`` before a change is handed to the store, a line ``c`` once `commit` has
answered that it is on the disk.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from beffroi import runtime
from beffroi.components import BuildContext, DetectorConfig, SinkConfig, SourceConfig
from beffroi.config.site import Camera, Evidence, Header, Site
from beffroi.config.view import View
from beffroi.frame import Detections, Frame
from beffroi.sinks.jsonl import JsonlConfig
from beffroi.store import Backlog, Change

STEP_MS = 100
STAYS, AWAY = 5, 6
"""Pictures with somebody there, and without: an incident starts, and ends, about once in a second."""
RULE = {"name": "inside", "type": "intrusion", "zone": "all", "after": "0.2s", "clear_after": "0.3s"}
WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
PERSON = Detections(
    np.array([[0.4, 0.3, 0.5, 0.8]], np.float32), np.array([0.9], np.float32), np.array([0], np.uint16)
)


class Street(SourceConfig):
    """A live camera; its time is the machine's."""

    type: str = "street"
    live: ClassVar[bool] = True
    phase: int = 0

    def build(self, context: BuildContext, fps: float | None) -> StreetSource:
        return StreetSource(self.phase)


class StreetSource:
    size = (64, 36)

    def __init__(self, phase: int) -> None:
        self._phase, self._closed = phase, threading.Event()

    def frames(self) -> Iterator[Frame]:
        noise = np.random.default_rng(self._phase)
        number = self._phase
        while not self._closed.wait(STEP_MS / 1000):
            number += 1
            there = number % (STAYS + AWAY) < STAYS
            picture = noise.integers(60, 200, (36, 64, 3), np.uint8)
            yield Frame(time.time_ns() // 1_000_000, picture, PERSON if there else None)

    def close(self) -> None:
        self._closed.set()


class Passing(DetectorConfig):
    """Passes on what came with the picture."""

    type: str = "passing"

    def build(self, context: BuildContext) -> PassingDetector:
        return PassingDetector()


class PassingDetector:
    labels: tuple[str, ...] = ("person",)
    name = "passing"
    version = "1"
    provider = "none"

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [frame.detections or Detections.empty() for frame in frames]

    def close(self) -> None:
        pass


class Post(SinkConfig):
    """Posts each alert to a server on this machine."""

    type: str = "post"
    port: int

    def build(self, context: BuildContext) -> PostSink:
        return PostSink(f"http://127.0.0.1:{self.port}/")


class PostSink:
    def __init__(self, address: str) -> None:
        self._address = address

    def send(self, alert: Mapping[str, Any]) -> None:
        self.send_within(alert, 10)

    def send_within(self, alert: Mapping[str, Any], seconds: float) -> None:
        request = urllib.request.Request(self._address, json.dumps(alert).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=seconds):
            return

    def close(self) -> None:
        pass


def site(folder: Path, port: int, cameras: int) -> Site:
    """`cameras` streets, and two sinks: a file and a server."""
    view = View(zones={"all": WHOLE}, rules=(RULE,))
    return Site(
        site=Header(name="crash", timezone="UTC", mode="evaluation"),
        cameras={
            f"street {number}": Camera(
                source=Street(phase=3 * number), detect=Passing(fps=10), views={"day": view}
            )
            for number in range(cameras)
        },
        sinks={"file": JsonlConfig(type="jsonl", path="alerts.jsonl"), "post": Post(port=port)},
        evidence=Evidence(snapshots=False),
    ).with_path(folder / "site.yaml")


def journalled(folder: Path) -> None:
    """Let every commit leave its two lines in the journal."""
    journal = os.open(folder / "journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    commit = Backlog.commit

    def lines(mark: str, changes: Sequence[Change]) -> bytes:
        told = [
            (one.alert["camera"], one.alert["id"], one.alert["change"], one.alert["at_ms"]) for one in changes
        ]
        return "".join(json.dumps([mark, *each]) + "\n" for each in told).encode()

    def noting(self: Backlog, run: int, changes: Sequence[Change], sinks: Sequence[str]) -> list[int]:
        # One write a line or less is whole or not there: a killed process leaves no half of it.
        os.write(journal, lines("h", changes))
        new = commit(self, run, changes, sinks)
        if new:
            os.write(journal, lines("c", changes))
        return new

    Backlog.commit = noting  # type: ignore[method-assign]


def main() -> None:
    """The command."""
    folder, port, cameras = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    journalled(folder)
    said = threading.Event()

    def progress(_camera: str, _at_ms: int, _frames: int) -> None:
        if not said.is_set():
            said.set()
            print("running", flush=True)

    report = runtime.run(site(folder, port, cameras), progress=progress)
    print(json.dumps(report.as_json()), flush=True)


if __name__ == "__main__":
    main()
