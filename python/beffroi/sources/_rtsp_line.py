"""A stream that is kept up: connected, watched, and connected again, for as long as it is wanted."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from beffroi.sources._rtsp_backoff import Backoff
from beffroi.sources._rtsp_clock import MediaClock
from beffroi.sources._rtsp_link import Arrived, Link

if TYPE_CHECKING:
    from beffroi.video.stream import LiveStream

log = logging.getLogger(__name__)

State: TypeAlias = Literal["connecting", "playing", "stalled", "lost", "refused"]

# How often it is looked whether a stream stalls: by so much later than asked it is noticed.
LOOK_S = 0.25
# A thread that hangs in the resolver is left behind, but not more than this many.
MOST_LEFT_BEHIND = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: to connect, and without a packet until a stream has stalled."""

    connect_s: float
    stall_s: float


class Line:
    """One stream of a camera, through all its connections.

    Parameters
    ----------
    name
        As it is named in logs and threads: the camera, and which of its streams.
    url
        Never shown.
    transport
        ``tcp`` or ``udp``.
    told
        Called with each state and what is to be said of it; by the thread that iterates `arrivals`.

    Attributes
    ----------
    opened, came
        As of `Link`; called in the thread of the connection. Set before the first.
    """

    def __init__(
        self,
        name: str,
        url: str,
        transport: str,
        limits: Limits,
        *,
        told: Callable[[State, str], None] = lambda _state, _detail: None,
    ) -> None:
        self.clock = MediaClock()
        self.connections = 0
        """How often there was a connection."""
        self.link: Link | None = None
        """The present connection."""
        self.opened: Callable[[Any], None] = lambda _stream: None
        self.came: Callable[[Any, int], None] = lambda _packet, _at_ms: None
        self.name = name
        self._url, self._transport, self._limits, self._told = url, transport, limits, told
        self._backoff = Backoff(name)
        self._stop = threading.Event()
        self._given_up: list[Link] = []
        self._quick = True
        self._said = ""
        self._drop = ""
        self._playing_s: float | None = None

    def arrivals(self) -> Iterator[tuple[Link, Arrived]]:
        """Each packet with its connection, as they come; ends after `close`."""
        while not self._stop.is_set():
            self._told("connecting", self._said)
            link = self.link = Link(self.name, self._connect, self.clock, self.opened, self.came)
            self._drop, self._playing_s = "", None
            try:
                while (arrived := self._next(link)) is not None:
                    yield link, arrived
            finally:
                link.give_up()
            if not self._stop.is_set():
                self._lost(link)

    def drain(self) -> None:
        """Keep the stream up for `came` alone, until `close`."""
        for _ in self.arrivals():
            self.playing()

    def playing(self) -> None:
        """What arrives is a picture: to be called by the thread that iterates `arrivals`."""
        if self._playing_s is None:
            self._playing_s = time.monotonic()
            self.connections += 1
            log.info("%s: plays", self.name)
            self._said = ""
            self._told("playing", "")

    def drop(self, why: str) -> None:
        """Connect again, because what comes is of no use; called as `playing`."""
        self._drop = why

    def close(self) -> None:
        """End `arrivals`; from any thread, returns at once."""
        self._stop.set()
        link = self.link
        if link is not None:
            link.give_up()

    def join(self, timeout_s: float) -> None:
        """After `close`: wait until the connection is closed, but not longer than this."""
        link = self.link
        if link is not None:
            link.join(timeout_s)

    def _connect(self) -> LiveStream:
        from beffroi.video.stream import LiveStream

        stream = LiveStream(
            self._url, transport=self._transport, open_s=self._limits.connect_s, read_s=self._limits.stall_s,
            quick=self._quick,
        )  # fmt: skip
        self._quick = stream.quick
        return stream

    def _next(self, link: Link) -> Arrived | None:
        """The next packet, or None when this connection is over."""
        while not self._stop.is_set() and not self._drop:
            arrived = link.take(LOOK_S)
            if arrived is not None or link.ended:
                return arrived
            silent_s = time.monotonic() - link.heard_s
            if silent_s > self._patience_s(link):
                return None
        return None

    def _patience_s(self, link: Link) -> float:
        if link.stream is None:
            # Twice, because a stream that has to be looked into is opened twice.
            return 2 * self._limits.connect_s + self._limits.stall_s
        # A camera may wait for its next key picture before it sends the first.
        return self._limits.stall_s if link.packets else self._limits.connect_s

    def _lost(self, link: Link) -> None:
        """Say what happened, and wait before the next attempt."""
        failure, played_s = link.failure, 0.0
        if self._playing_s is not None:
            played_s = time.monotonic() - self._playing_s
        self._backoff.played(played_s)
        state: State = "lost"
        if self._drop:
            why = self._drop
        elif failure is not None:
            why = str(failure)
            state = "refused" if failure.refused else "lost"
        elif link.ended:
            why = "ended the stream"
        elif link.stream is None:
            why = f"does not answer within {self._limits.connect_s:g} s"
        else:
            why = f"sends nothing for {time.monotonic() - link.heard_s:.1f} s"
            state = "stalled"
        wait_s = self._backoff.wait_s(refused=state == "refused")
        # Once for each reason: a camera that is away for a night is no night of messages.
        log.log(logging.DEBUG if why == self._said else logging.WARNING, "%s: %s", self.name, why)
        self._said = why
        self._told(state, f"{why}; asked again in {wait_s:.0f} s" if wait_s >= 1 else why)
        self._stop.wait(wait_s)
        self._given_up = [each for each in (*self._given_up, link) if each.alive]
        while len(self._given_up) > MOST_LEFT_BEHIND and not self._stop.wait(LOOK_S):
            self._given_up = [each for each in self._given_up if each.alive]
