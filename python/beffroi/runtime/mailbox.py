"""Where a camera's reader leaves its latest picture: nothing queues up, and no latency grows.

One exception: what the network held back and then delivers at once is no sign of a slow machine. Those
pictures wait one behind the other, for a pause as long as they were held back comes before or after them.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beffroi.frame import Frame

SUDDEN = 0.5
"""A picture that arrives after less than this share of the time since the one before it was held back on the
way. Nearer to 1, the unrest of any network would look like it, and a slow machine would analyse late."""
MOST_BYTES = 32 << 20
"""Memory for pictures that were held back: 11 of 1280 x 720, which is 2 s at five a second. More keeps more
of a longer pause, in each of ten cameras."""


class Mailbox:
    """Holds one picture: the latest wins; and those that were held back together with it.

    One thread puts, any other takes.

    Parameters
    ----------
    news
        Called after each picture that was put, in the thread that put it.
    clock
        Seconds that only go on.
    """

    def __init__(self, news: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.dropped = 0
        """Pictures that were replaced before anybody took them."""
        self._news, self._clock = news, clock
        self._lock = threading.Lock()
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._since = 0.0
        self._put_s, self._put_ms = float("-inf"), 0

    @property
    def since(self) -> float | None:
        """Since when a picture has been waiting, one that was replaced included; None without one."""
        with self._lock:
            return self._since if self._frames else None

    def put(self, frame: Frame) -> None:
        """Leave a picture."""
        with self._lock:
            now_s = self._clock()
            passed_ms = 1000 * (now_s - self._put_s)
            held_back = passed_ms < SUDDEN * (frame.at_ms - self._put_ms)
            self._put_s, self._put_ms = now_s, frame.at_ms
            if not self._frames:
                self._since = now_s
            self._frames.append(frame)
            self._bytes += frame.image.nbytes
            while len(self._frames) > 1 and not (held_back and self._bytes <= MOST_BYTES):
                self._bytes -= self._frames.popleft().image.nbytes
                self.dropped += 1
        self._news()

    def take(self) -> Frame | None:
        """The picture that waits longest, if one does."""
        with self._lock:
            if not self._frames:
                return None
            frame = self._frames.popleft()
            self._bytes -= frame.image.nbytes
            return frame
