"""Media time of a live stream, from the stream's own time stamps and the moments at which they arrived.

A stream counts from an arbitrary zero (RFC 3550, section 5.1). Where the camera sends reports that tie this
count to its own clock (RTCP sender reports, section 6.4.1), media time is the camera's, as long as that
agrees with ours. Else it is the count plus the smallest (arrival - count) of a while: what arrives late was
delayed on the way, and nothing arrives before it was taken, so the smallest is nearest to the truth (as in
NTP's clock filter, RFC 5905, section 10). Both are followed slowly, so that distances between pictures stay
those that the camera counted.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

# A difference above this is no drift and no disorder: the count leapt, began again, or runs at the wrong
# speed.
JUMP_MS = 1000.0
# How long after a connection what arrives too early corrects the clock at once: servers send what they had
# stored in one burst. Longer would let a leap of the camera's clock right after a connection pass unnoticed.
SETTLE_MS = 2000.0
# Over how long the smallest delay is sought. Longer withstands longer delays of the network, but follows the
# drift of a bad clock later: at 2 % it is 400 ms behind.
WINDOW_MS = 20_000.0
# A difference is worked off in about this time, never faster than SLEW: speeds measured meanwhile are wrong
# by that.
RELAX_MS = 20_000.0
SLEW = 0.02
# A camera whose clock differs by more than this from arrival is not set, and is not believed; one that was
# believed is given half as much again, so that the answer does not change to and fro. More than JUMP_MS would
# make a leap of the first report that comes.
CREDIBLE_MS = JUMP_MS


class MediaClock:
    """Turns time stamps into milliseconds since 1970 UTC. Knows no time but what it is given.

    Attributes
    ----------
    restarts
        How often the stream's count left the time that passed by more than a second, and was anchored anew.
    camera_clock
        Whether media time is the camera's own at the moment.
    """

    def __init__(self) -> None:
        self.restarts = 0
        self.camera_clock = False
        self._offset: float | None = None
        self._anchored = self._arrived = self._highest = self._least = 0.0
        self._delays: deque[tuple[float, float]] = deque()

    def begin(self) -> None:
        """A new connection: its count has nothing to do with that of the one before."""
        self._offset = None

    def stamp(self, pts_ms: float | None, arrival_ms: float, taken_ms: float | None = None) -> int:
        """Media time of a packet.

        Parameters
        ----------
        pts_ms
            The stream's own count, which FFmpeg keeps going when its 32 bits begin again; None for what has
            no time stamp, as the first packet of most cameras.
        arrival_ms
            When it arrived, since 1970 UTC; never decreasing.
        taken_ms
            When the camera says that it was taken, since 1970 UTC; None where it says nothing.
        """
        if pts_ms is None:
            credible = taken_ms is not None and abs(arrival_ms - taken_ms) <= CREDIBLE_MS
            return round(taken_ms) if taken_ms is not None and credible else self.now(arrival_ms)
        delay = arrival_ms - pts_ms
        if self._offset is None:
            return self._anchor(pts_ms, arrival_ms, taken_ms)
        settled = arrival_ms - self._anchored >= SETTLE_MS
        back = pts_ms < self._highest - JUMP_MS
        if back or (settled and delay < self._least - JUMP_MS):
            return self._leapt(pts_ms, arrival_ms, taken_ms)
        self._remember(delay, arrival_ms)
        self._highest = max(self._highest, pts_ms)
        wanted = self._wanted(pts_ms, taken_ms)
        if not settled:
            self._offset = wanted if self.camera_clock else min(self._offset, wanted)
        elif abs(wanted - self._offset) > JUMP_MS:
            return self._leapt(pts_ms, arrival_ms, taken_ms)
        passed = min(arrival_ms - self._arrived, JUMP_MS)
        change = (wanted - self._offset) * passed / RELAX_MS
        self._offset += max(-SLEW * passed, min(SLEW * passed, change))
        self._arrived = arrival_ms
        return round(pts_ms + self._offset)

    def now(self, arrival_ms: float) -> int:
        """Media time of what would arrive now without any delay beyond the usual."""
        if self._offset is None:
            return round(arrival_ms)
        return round(arrival_ms - self._least + self._offset)

    def _leapt(self, pts_ms: float, arrival_ms: float, taken_ms: float | None) -> int:
        self.restarts += 1
        # The camera's time of a picture is reckoned from its count, so it leapt too, until the next report.
        self.camera_clock = False
        return self._anchor(pts_ms, arrival_ms, taken_ms)

    def _anchor(self, pts_ms: float, arrival_ms: float, taken_ms: float | None) -> int:
        self._delays.clear()
        self._remember(arrival_ms - pts_ms, arrival_ms)
        self._anchored = self._arrived = arrival_ms
        self._highest = pts_ms
        self._offset = self._wanted(pts_ms, taken_ms)
        return round(pts_ms + self._offset)

    def _wanted(self, pts_ms: float, taken_ms: float | None) -> float:
        """What has to be added to the count."""
        most = CREDIBLE_MS * (1.5 if self.camera_clock else 1.0)
        self.camera_clock = taken_ms is not None and abs(self._least - (taken_ms - pts_ms)) <= most
        return self._least if taken_ms is None or not self.camera_clock else taken_ms - pts_ms

    def _remember(self, delay: float, arrival_ms: float) -> None:
        """Keep what can still become the smallest of the window: at the front is the one that is."""
        delays = self._delays
        while delays and delays[-1][1] >= delay:
            delays.pop()
        delays.append((arrival_ms, delay))
        while delays[0][0] < arrival_ms - WINDOW_MS:
            delays.popleft()
        self._least = delays[0][1]


class WallClock:
    """Milliseconds since 1970 UTC that never go back.

    The machine's clock may be set while cameras run. Forwards (a box without a battery starts in the past) is
    followed at once. Backwards cannot be, because media time only increases: it then stays ahead until the
    process starts again.
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._lock = threading.Lock()
        self._ahead = wall() - monotonic()

    def now_ms(self) -> float:
        """The time now; safe to ask from any thread."""
        with self._lock:
            now = self._monotonic()
            # Small differences are the adjustments of NTP: followed forwards, and too slow to matter
            # backwards.
            self._ahead = max(self._ahead, self._wall() - now)
            return (self._ahead + now) * 1000


WALL = WallClock()
"""One for all cameras: their times can be compared."""
