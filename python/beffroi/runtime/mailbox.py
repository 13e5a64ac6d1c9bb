"""Where a camera's reader leaves its latest picture: nothing queues up, and no latency grows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beffroi.frame import Frame


class Mailbox:
    """Holds one picture at most: the latest wins. One thread puts, any other takes.

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
        self._frame: Frame | None = None
        self._since = 0.0

    @property
    def since(self) -> float | None:
        """Since when a picture has been waiting, one that was replaced included; None without one."""
        with self._lock:
            return None if self._frame is None else self._since

    def put(self, frame: Frame) -> None:
        """Leave a picture."""
        with self._lock:
            if self._frame is None:
                self._since = self._clock()
            else:
                self.dropped += 1
            self._frame = frame
        self._news()

    def take(self) -> Frame | None:
        """The picture that waits, if one does."""
        with self._lock:
            frame, self._frame = self._frame, None
            return frame
