"""From the packets of one connection to pictures."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, cast

from beffroi.sources._rtsp_pace import Pace

if TYPE_CHECKING:
    from beffroi.sources._rtsp_link import Arrived
    from beffroi.video import Counts
    from beffroi.video.stream import Decode

# Media time and damage without a whole picture after which a new connection is worth the loss of this one.
# The time is that of a long group of pictures; the number keeps one damaged packet before a quiet scene from
# counting.
DAMAGED_MS, DAMAGED = 5000, 10
# Without damage: cameras that save bandwidth leave up to half a minute between key pictures.
NOTHING_MS = 60_000
# Packets over which the rate is measured, and how many are enough for a first answer.
RATE_OVER, RATE_FROM = 50, 25


class Reading:
    """Decodes what comes from one connection. Used by one thread.

    Attributes
    ----------
    codec
        Such as ``h264``.
    """

    def __init__(self, stream: Any, decode: Decode, counts: Counts) -> None:
        from beffroi.video.stream import Decoder

        self._decoder = Decoder(stream, decode, counts)
        self.codec = self._decoder.codec
        self._counts = counts
        self._pace = Pace()
        self._times: deque[int] = deque(maxlen=RATE_OVER)
        self._whole: tuple[int, int] | None = None

    def pictures(self, arrived: Arrived, now_s: float) -> list[tuple[int, Any]]:
        """The `av.VideoFrame` that this packet completes, each with its media time.

        Parameters
        ----------
        now_s
            Of the clock of `Arrived.came_s`.
        """
        packet, pace, counts = arrived.packet, self._pace, self._counts
        self._times.append(arrived.at_ms)
        before = pace.skipped
        wanted = pace.decodes(now_s - arrived.came_s, now_s, key=packet.is_keyframe, gap=arrived.gap)
        counts.skipped += pace.skipped - before
        found = self._decoder.pictures(packet) if wanted else []
        if found or self._whole is None:
            self._whole = (arrived.at_ms, counts.damaged)
        return [(cast("int", picture.opaque), picture) for picture in found]

    def image(self, picture: Any) -> Any:
        """As `beffroi.video.stream.Decoder.image`."""
        return self._decoder.image(picture)

    @property
    def rate(self) -> float | None:
        """Packets per second of media time; None before enough came."""
        times = self._times
        if len(times) < RATE_FROM or times[-1] <= times[0]:
            return None
        return (len(times) - 1) * 1000 / (times[-1] - times[0])

    @property
    def useless(self) -> bool:
        """Whether packets come, but for long no picture."""
        if self._whole is None:
            return False
        since_ms, damaged = self._times[-1] - self._whole[0], self._counts.damaged - self._whole[1]
        return since_ms > NOTHING_MS or (since_ms > DAMAGED_MS and damaged >= DAMAGED)
