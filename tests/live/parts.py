"""Parts for tests of live cameras: a source that the test feeds, a detector that misbehaves, and a fleet."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
from beffroi.components import BuildContext, DetectorConfig, SourceConfig
from beffroi.config.site import Camera, Evidence, Header, Site
from beffroi.errors import SourceError
from beffroi.frame import Detections, Frame
from beffroi.metrics import Metrics
from beffroi.runtime.compose import Wishes
from beffroi.runtime.delivery import Delivery
from beffroi.runtime.judge import Outlets
from beffroi.runtime.live.fleet import Fleet
from beffroi.store import Store
from scripted import RULE, SIZE, VIEW, person

STEP_MS = 200
PATIENT_S = 10.0


class Fed(SourceConfig):
    """A live camera that shows what the test puts into it; `note` makes another camera of it."""

    type: str = "fed"
    live: ClassVar[bool] = True
    note: str = ""
    feeds: ClassVar[dict[str, list[FedSource]]] = {}
    raises: ClassVar[dict[str, Exception]] = {}

    def build(self, context: BuildContext, fps: float | None) -> FedSource:
        if context.camera in self.raises:
            raise self.raises[context.camera]
        source = FedSource()
        self.feeds.setdefault(context.camera, []).append(source)
        return source


class FedSource:
    size = None

    def __init__(self) -> None:
        self._queue: queue.Queue[Frame | Exception | None] = queue.Queue()
        self.closed = threading.Event()

    def put(self, what: Frame | Exception | None) -> None:
        """A picture, an error to raise, or None for the end."""
        self._queue.put(what)

    def frames(self) -> Iterator[Frame]:
        while not self.closed.is_set():
            try:
                what = self._queue.get(timeout=0.02)
            except queue.Empty:
                continue
            if what is None:
                return
            if isinstance(what, Exception):
                raise what
            yield what

    def close(self) -> None:
        self.closed.set()


class Moody(DetectorConfig):
    """Passes on what came with the picture, unless the test says otherwise of its camera."""

    type: str = "moody"
    raises: ClassVar[set[str]] = set()
    hangs: ClassVar[dict[str, threading.Event]] = {}

    def build(self, context: BuildContext) -> MoodyDetector:
        return MoodyDetector(context.camera)


class MoodyDetector:
    labels: tuple[str, ...] = ("person", "car")
    name, version, provider = "moody", "1", "none"

    def __init__(self, camera: str) -> None:
        self._camera = camera

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        if self._camera in Moody.raises:
            raise ZeroDivisionError("a defect")
        if self._camera in Moody.hangs:
            Moody.hangs[self._camera].wait(60)
        return [_found(frame) for frame in frames]

    def close(self) -> None:
        if self._camera in Moody.raises:
            raise ZeroDivisionError("a defect of the end")


def _found(frame: Frame) -> Detections:
    return person() if frame.image[0, 0, 0] == 255 else Detections.empty()


_NOISE = np.random.default_rng(1)
_PLACE = cv2.resize(_NOISE.integers(50, 200, (9, 16, 3), np.uint8), SIZE, interpolation=cv2.INTER_CUBIC)


def picture(at_ms: int, *, there: bool = False, size: tuple[int, int] = SIZE, dark: bool = False) -> Frame:
    """A place with the noise of a sensor; a white corner says that somebody is there."""
    place = np.zeros_like(_PLACE) if dark else _PLACE
    noise = _NOISE.integers(0, 8, (size[1], size[0], 3), np.uint8)
    image = np.asarray(cv2.add(cv2.resize(place, size), noise), np.uint8)
    image[0, 0] = 255 if there else 60
    return Frame(at_ms, image)


def until(holds: Callable[[], Any], patient_s: float = PATIENT_S) -> bool:
    """Wait until something holds; whether it does."""
    end = time.monotonic() + patient_s
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def site(folder: Path, *names: str, mode: str = "evaluation", **more: Any) -> Site:
    """Fed cameras with the rule of `scripted`."""
    cameras = {name: Camera(source=Fed(), detect=Moody(fps=5), views={"day": VIEW}) for name in names}
    return Site(
        site=Header(name="square", timezone="UTC", mode=mode),
        cameras=more.pop("cameras", cameras),
        evidence=Evidence(snapshots=False, clips=False),
        **more,
    ).with_path(folder / "site.yaml")


class Running:
    """A fleet, looked after by a thread as the supervisor does, and what it told."""

    def __init__(self, made: Site, *, analysts: int = 1) -> None:
        self.store, self.metrics = Store(), Metrics()
        self.told: list[Mapping[str, Any]] = []
        self.at_ms: dict[str, int] = {}
        delivery = Delivery(self.store, {}, self.metrics)
        outlets = Outlets(self.store, delivery, self.metrics, frozenset(), self.told.append)
        self.fleet = Fleet(made, None, outlets, None, lambda _name: Wishes(), analysts=analysts)
        self.trouble: list[Exception] = []
        self.turn = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.fleet.start()
        self._thread.start()

    def _look(self) -> None:
        while not self._over.wait(0.02):
            try:
                with self.turn:
                    self.fleet.tick()
            except Exception as error:
                self.trouble.append(error)

    def put(self, name: str, number: int = 1, **how: Any) -> None:
        """Pictures of a camera, one after the other, each waited for until it was analysed, or a moment."""
        for _ in range(number):
            at_ms = self.at_ms[name] = self.at_ms.get(name, 1_000_000) + STEP_MS
            Fed.feeds[name][-1].put(picture(at_ms, **how))
            before = self.status(name).analysed
            until(lambda before=before: self.status(name).analysed > before, 0.15)

    def status(self, name: str) -> Any:
        """How a camera is doing; one that is being made anew is waited for."""
        found: list[Any] = []
        until(lambda: found.extend(one for one in self.fleet.statuses() if one.camera == name) or found)
        return found[0]

    def changes(self, name: str) -> list[tuple[str, str, str | None]]:
        return [(one["type"], one["change"], one["reason"]) for one in self.told if one["camera"] == name]

    def runs(self, name: str) -> list[int]:
        from beffroi.store import queries

        return [row["id"] for row in queries.runs(self.store) if row["camera"] == name]

    def rest(self) -> None:
        """No more ticks."""
        self._over.set()
        self._thread.join()


@contextmanager
def running(made: Site, **how: Any) -> Iterator[Running]:
    """A fleet that is stopped at the end, and never raised from a tick."""
    for shared in (Fed.feeds, Fed.raises, Moody.raises, Moody.hangs):
        shared.clear()
    one = Running(made, **how)
    try:
        yield one
    finally:
        for event in Moody.hangs.values():
            event.set()
        one.rest()
        one.fleet.stop(1.5)
        one.store.close()
    assert one.trouble == []


LIFE = [("intrusion", "started", None), ("intrusion", "ended", "cleared")]
__all__ = ["LIFE", "RULE", "VIEW", "Fed", "Moody", "SourceError", "picture", "running", "site", "until"]
