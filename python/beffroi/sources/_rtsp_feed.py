"""What passes the packets of a stream on to whoever keeps them for evidence."""

from __future__ import annotations

import logging
from typing import Any, Protocol

log = logging.getLogger(__name__)


class Tap(Protocol):
    """Is given all that evidence is cut from, by the thread that reads the connection: it must not block."""

    def opened(self, stream: Any) -> None:
        """A connection begins; `stream` is its `av.VideoStream`, valid only during this call."""

    def add(self, packet: Any, at_ms: int) -> None:
        """An `av.Packet` of that stream, in the order in which it came, and its media time."""


class Feed:
    """Feeds one tap. What goes wrong in it is logged once for each connection, and harms nobody else."""

    def __init__(self, name: str) -> None:
        self.tap: Tap | None = None
        self._name = name
        self._stream: Any = None
        self._opened: Tap | None = None
        self._failed = False

    def opened(self, stream: Any) -> None:
        """A new connection; the tap is told with its first packet, also when it is set only later."""
        self._stream, self._opened, self._failed = stream, None, False

    def add(self, packet: Any, at_ms: int) -> None:
        """A packet of this connection."""
        tap = self.tap
        if tap is None:
            return
        try:
            if tap is not self._opened:
                tap.opened(self._stream)
                self._opened = tap
            tap.add(packet, at_ms)
        except Exception:
            if not self._failed:
                log.exception("%s: packets cannot be kept for evidence", self._name)
            self._failed = True
