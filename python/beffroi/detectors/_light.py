"""The running side of `light`: what a head shows in one picture, and since when."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from beffroi.components import BuildContext
from beffroi.detectors._glow import Brightness, Glow
from beffroi.detectors._region import DrawnRegion, covering, zone_of
from beffroi.detectors._span import milliseconds
from beffroi.frame import Detections, Frame

if TYPE_CHECKING:
    from beffroi.detectors.light import LightConfig

# Fewer pixels across cannot tell three lamps apart.
LEAST_PIXELS = 5
# Zones are looked at with this longer side, in pixels: a lamp of a head of three is then some 12 across.
SIDE = 48
# A head in front of which something covers this much of the zone cannot be read.
COVERED = 0.4
# No head is dark for so long while it works; a flash of amber is dark for less than a second (EN 12368).
OFF_MS = 2000
# Amber that came back so often in so long flashes: amber of a cycle comes once.
FLASHES, FLASHING_MS = 2, 5000
# After a gap of this length nothing is known.
BROKEN_MS = 5000


class LightDetector:
    """Reads the lights in one zone of one camera."""

    labels: tuple[str, ...] = ()
    name = "light"
    version = "1"
    provider = "CPU"

    def __init__(self, config: LightConfig, context: BuildContext) -> None:
        self._signal = config.name
        self._region = DrawnRegion(zone_of(context.zones, config.zone, f"light {config.name}"))
        self._covering = covering(context.labels)
        self._glow: Glow | Brightness = Glow() if config.kind == "traffic" else Brightness()
        self._steady_ms = milliseconds(config.steady)
        # A lamp may be off as long as it likes; a head that is dark is first waited for.
        self._off_ms = OFF_MS if config.kind == "traffic" else self._steady_ms
        self._state = "unknown"
        self._next = "unknown"
        self._next_since: int | None = None
        self._last_ms: int | None = None
        self._lit_amber: deque[int] = deque()
        self._was_amber = False

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """No boxes, and the signal, for each picture; time must increase from picture to picture."""
        none = Detections.empty()
        return [
            Detections(none.xyxy, none.score, none.class_id, {self._signal: self._look(frame)})
            for frame in frames
        ]

    def close(self) -> None:
        """Nothing to close."""

    def _look(self, frame: Frame) -> str:
        at_ms = frame.at_ms
        if self._last_ms is not None and not 0 <= at_ms - self._last_ms <= BROKEN_MS:
            self._state = self._next = "unknown"
            self._next_since = None
            self._lit_amber.clear()
        seen = self._seen(frame)
        if seen != self._next or self._next_since is None:
            self._next, self._next_since = seen, at_ms
        self._last_ms = at_ms
        flashing = self._flashes(seen, at_ms)
        # Two looks at least: at few pictures a second one alone would be believed.
        lasted = at_ms - self._next_since
        if flashing:
            self._state = "flashing"
        elif seen == "off":
            if lasted >= self._off_ms and lasted > 0:
                self._state = seen
        elif lasted > 0 and lasted >= self._steady_ms:
            self._state = seen
        return self._state

    def _flashes(self, seen: str, at_ms: int) -> bool:
        if seen == "amber" and not self._was_amber:
            self._lit_amber.append(at_ms)
        if seen in {"amber", "off"}:
            self._was_amber = seen == "amber"
        elif seen != "unknown":
            self._lit_amber.clear()
            self._was_amber = False
        while self._lit_amber and at_ms - self._lit_amber[0] > FLASHING_MS:
            self._lit_amber.popleft()
        return len(self._lit_amber) > FLASHES

    def _seen(self, frame: Frame) -> str:
        if self._region.covered(frame.detections, self._covering) > COVERED:
            return "unknown"
        part, mask = self._region.cut(frame.image)
        if min(part.shape[:2]) < LEAST_PIXELS:
            return "unknown"
        part, mask = _sized(part, mask)
        since = 0 if self._last_ms is None else max(0, frame.at_ms - self._last_ms)
        return self._glow.look(part, mask > 0, since)


def _sized(part: NDArray[np.uint8], mask: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    ratio = SIDE / max(part.shape[:2])
    size = (max(8, round(part.shape[1] * ratio)), max(8, round(part.shape[0] * ratio)))
    how = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
    return (
        np.asarray(cv2.resize(part, size, interpolation=how), np.uint8),
        np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.uint8),
    )
