"""The street of `benches.faults`: a clip in which somebody comes at known times, and what finds them.

Somebody bright stands in the zone of every clip from `COMES_S` to `GOES_S`, once in `PERIOD_S`. The clip runs
on its own (``join=key``), as a camera does, so that the moment of each event is known by the wall clock
whatever becomes of connections.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from beffroi.components import BuildContext, DetectorConfig, SinkConfig
from beffroi.frame import Detections, Frame
from numpy.typing import NDArray

PERIOD_S, COMES_S, GOES_S = 4.0, 1.0, 2.6
FPS, KEY_EVERY_S = 10, 0.5
SIZE, OTHER_SIZE = (192, 108), (256, 144)
RULE = {"name": "inside", "type": "intrusion", "zone": "place", "after": "0.4s", "clear_after": "0.4s"}
PLACE = ((0.4, 0.2), (0.9, 0.2), (0.9, 1.0), (0.4, 1.0))
_BRIGHT, _LEAST, _SHARE = 215, 205, 0.004


def clip(path: Path, size: tuple[int, int] = SIZE) -> Path:
    """Encode one period of the street."""
    ground = _ground(size)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "24", "bf": "0"}
        stream.codec_context.gop_size = round(KEY_EVERY_S * FPS)
        for number in range(round(PERIOD_S * FPS)):
            frame = av.VideoFrame.from_ndarray(_picture(ground, number / FPS), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _picture(ground: NDArray[np.uint8], at_s: float) -> NDArray[np.uint8]:
    image = ground.copy()
    height, width = image.shape[:2]
    # Something always moves, as leaves do: a picture that stands still is an incident of its own.
    leaves = (int((0.15 + 0.05 * np.sin(2 * np.pi * at_s / PERIOD_S)) * width), int(0.25 * height))
    cv2.circle(image, leaves, height // 12, (40, 70, 40), -1)
    if COMES_S <= at_s < GOES_S:
        left = int((0.55 + 0.05 * (at_s - COMES_S)) * width)
        top = int(0.4 * height)
        cv2.rectangle(image, (left, top), (left + width // 14, top + height // 3), (_BRIGHT + 20,) * 3, -1)
    return image


def _ground(size: tuple[int, int]) -> NDArray[np.uint8]:
    """Patches of all sizes, none as bright as somebody."""
    width, height = size
    rng = np.random.default_rng(11)
    ground = np.full((height, width), 105, np.float32)
    for cells, strength in ((4, 25), (12, 18), (48, 12)):
        patches = rng.normal(0, strength, (cells, cells)).astype(np.float32)
        ground += cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC)
    grey = np.clip(ground, 20, 170).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


class Bright(DetectorConfig):
    """Takes what is bright for a person."""

    type: str = "bright"

    def build(self, context: BuildContext) -> BrightDetector:
        return BrightDetector(context.camera)


class BrightDetector:
    """Raises while its camera is in `broken`, and takes `slow_s` of its camera for a picture."""

    labels: tuple[str, ...] = ("person",)
    name, version, provider = "bright", "1", "none"
    broken: set[str] = set()  # noqa: RUF012 - shared by all on purpose
    slow_s: dict[str, float] = {}  # noqa: RUF012 - shared by all on purpose

    def __init__(self, camera: str) -> None:
        self._camera = camera

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        if self._camera in self.broken:
            raise ZeroDivisionError("a defect of the detector")
        time.sleep(self.slow_s.get(self._camera, 0.0))
        return [_bright(frame.image) for frame in frames]

    def close(self) -> None:
        pass


def _bright(image: NDArray[np.uint8]) -> Detections:
    height, width = image.shape[:2]
    mask = (image.min(axis=2) > _LEAST).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    boxes = [
        (left / width, top / height, (left + w) / width, (top + h) / height)
        for left, top, w, h, area in stats[1:count]
        if area > _SHARE * width * height and area > 0.8 * w * h
    ]
    if not boxes:
        return Detections.empty()
    return Detections(
        np.array(boxes, np.float32), np.full(len(boxes), 0.9, np.float32), np.zeros(len(boxes), np.uint16)
    )


class Desk(SinkConfig):
    """An operator's desk in this process, which can be away."""

    type: str = "desk"

    def build(self, context: BuildContext) -> DeskSink:
        return DeskSink()


class DeskSink:
    got: list[tuple[str, str]] = []  # noqa: RUF012 - who asks what arrived does not have the sink
    came_s: list[float] = []  # noqa: RUF012 - as above
    away = threading.Event()

    def send(self, alert: Mapping[str, Any]) -> None:
        if self.away.is_set():
            raise ConnectionError("nobody is at the desk")
        self.got.append((alert["id"], alert["change"]))
        self.came_s.append(time.time())

    def close(self) -> None:
        pass


def events(
    began_s: float, since_s: float, until_s: float, period_s: float = PERIOD_S
) -> list[tuple[float, float]]:
    """When somebody comes and goes in a clip that began at `began_s`, wholly between two moments."""
    number = int((since_s - began_s) // period_s) - 1
    found = []
    while (comes := began_s + number * period_s + COMES_S) < until_s:
        goes = comes + GOES_S - COMES_S
        if comes >= since_s and goes <= until_s:
            found.append((comes, goes))
        number += 1
    return found
