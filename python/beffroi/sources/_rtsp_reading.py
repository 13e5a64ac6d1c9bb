"""From the packets of one connection to pictures."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from beffroi.sources._rtsp_pace import Pace

if TYPE_CHECKING:
    from beffroi.sources._rtsp_link import Arrived
    from beffroi.video import Counts
    from beffroi.video.stream import Decode

# So many packets over so long without one whole picture: a new connection begins with a key picture, which is
# worth more than the wait. The number keeps a slow camera from being cut off, the time a short disturbance.
USELESS, USELESS_MS = 3, 5000
# Packets over which the camera's rate is measured, how many are enough for a first answer, and how often it
# is asked.
RATE_OVER, RATE_FROM, RATE_EVERY = 50, 25, 25


class Reading:
    """Decodes what comes from one connection. Used by one thread.

    Attributes
    ----------
    codec
        Such as ``h264``.
    rate
        Pictures per second of the camera's own count; None before enough came.
    useless
        Whether packets come, but for long no picture.
    """

    def __init__(self, stream: Any, decode: Decode, counts: Counts) -> None:
        from beffroi.video.stream import Decoder

        self._decoder = Decoder(stream, decode, counts)
        self.codec = self._decoder.codec
        self.rate: float | None = None
        self.useless = False
        self._counts = counts
        self._pace = Pace()
        self._came = 0
        self._stamps: deque[float] = deque(maxlen=RATE_OVER)
        self._fruitless, self._fruitless_ms = 0, 0

    def pictures(self, arrived: Arrived, now_s: float) -> list[tuple[int, Any]]:
        """The `av.VideoFrame` that this packet completes, each with its media time.

        Parameters
        ----------
        now_s
            Of the clock of `Arrived.came_s`.
        """
        packet, pace = arrived.packet, self._pace
        self._measure(packet)
        before = pace.skipped
        wanted = pace.decodes(now_s - arrived.came_s, now_s, key=packet.is_keyframe, gap=arrived.gap)
        self._counts.skipped += pace.skipped - before
        if not (wanted and self._decoder.takes(packet)):
            return []
        found = self._decoder.pictures(packet)
        self._judge(arrived.at_ms, fruitless=not found)
        return [(cast("int", picture.opaque), picture) for picture in found]

    def image(self, picture: Any) -> NDArray[np.uint8] | None:
        """As `beffroi.video.stream.Decoder.image`."""
        return self._decoder.image(picture)

    def _judge(self, at_ms: int, *, fruitless: bool) -> None:
        if not fruitless:
            self._fruitless = 0
            return
        if self._fruitless == 0:
            self._fruitless_ms = at_ms
        self._fruitless += 1
        self.useless = self._fruitless >= USELESS and at_ms - self._fruitless_ms >= USELESS_MS

    def _measure(self, packet: Any) -> None:
        """The median distance: pictures that are lost, and a count that leaps, change it little."""
        from beffroi.video.stream import pts_ms

        stamp = pts_ms(packet)
        if stamp is None:
            return
        self._stamps.append(stamp)
        self._came += 1
        if self._came % RATE_EVERY == 0 and len(self._stamps) >= RATE_FROM:
            ordered = sorted(self._stamps)
            distance = median(later - at for at, later in pairwise(ordered))
            self.rate = 1000 / distance if distance > 0 else self.rate
