"""One connection to a camera, read in a thread of its own: nothing that it does can block anybody else."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from beffroi.sources._rtsp_clock import WALL, MediaClock

if TYPE_CHECKING:
    from beffroi.video.stream import LiveStream, StreamError

log = logging.getLogger(__name__)

# What waits for a consumer that does not come; older or more is thrown away. The age is what a decoder may be
# behind, the bytes are what a stream of 25 Mbit/s sends in that time.
OLDEST_S = 5.0
MOST_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Arrived:
    """A packet that came: its media time, when it came (monotonic), and whether some before it are lost."""

    packet: Any
    at_ms: int
    came_s: float
    gap: bool


class Link:
    """Opens a stream and reads it until it ends, breaks, or is given up.

    Whoever gives it up need not wait: a thread that is blocked inside FFmpeg (it may be, in the resolver, for
    longer than any time limit) ends when it comes back, and says nothing more.

    Parameters
    ----------
    name
        Of the thread.
    connect
        Opens the stream; blocks.
    clock
        Which this connection anchors anew.
    opened, came
        Called in this thread with the `av.VideoStream`, and with each packet and its media time.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], LiveStream],
        clock: MediaClock,
        opened: Callable[[Any], None],
        came: Callable[[Any, int], None],
    ) -> None:
        self.stream: Any = None
        """The `av.VideoStream`, once there is a connection."""
        self.failure: StreamError | None = None
        """Why it ended; None while it has not, and where the camera just ended the stream."""
        self.ended = False
        self.heard_s = time.monotonic()
        """When something last happened: it began, was opened, a packet came."""
        self.packets = 0
        self.lost = 0
        """Packets thrown away because nobody took them."""
        self._connect, self._clock, self._opened, self._came = connect, clock, opened, came
        self._waiting: deque[Arrived] = deque()
        self._bytes = 0
        self._gap = False
        self._given_up = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether its thread still runs."""
        return self._thread.is_alive()

    def take(self, timeout_s: float) -> Arrived | None:
        """The next packet; None if none came in time, or none will."""
        with self._changed:
            if not self._waiting and not self.ended and not self._given_up:
                self._changed.wait(timeout_s)
            if not self._waiting or self._given_up:
                return None
            arrived = self._waiting.popleft()
            self._bytes -= arrived.packet.size
            return arrived

    def give_up(self) -> None:
        """From now on nothing more is heard of it. Safe from any thread, returns at once."""
        with self._changed:
            self._given_up = True
            self._waiting.clear()
            self._changed.notify_all()

    def join(self, timeout_s: float) -> None:
        """Wait for its thread."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        from beffroi.video.stream import StreamError

        stream: LiveStream | None = None
        try:
            stream = self._connect()
            self._read(stream)
        except StreamError as error:
            self.failure = error
        except Exception as error:
            # Not shown with its text, which may hold the address.
            where = error.__traceback__
            while where is not None and where.tb_next is not None:
                where = where.tb_next
            place = (
                "" if where is None else f" at line {where.tb_lineno} of {where.tb_frame.f_code.co_filename}"
            )
            log.error("%s: unexpected %s%s", self._thread.name, type(error).__name__, place)
            self.failure = StreamError(f"unexpected {type(error).__name__}, see the log")
        finally:
            if stream is not None:
                stream.close()
            with self._changed:
                self.ended = True
                self._changed.notify_all()

    def _read(self, stream: LiveStream) -> None:
        from beffroi.video.stream import pts_ms, taken_ms

        if self._given_up:
            return
        self._clock.begin()
        self._opened(stream.stream)
        self.heard_s = time.monotonic()
        self.stream = stream.stream
        for packet in stream.packets(lambda: not self._given_up):
            if self._given_up:
                return
            at_ms = self._clock.stamp(pts_ms(packet), WALL.now_ms(), taken_ms(packet))
            # Travels through the decoder with its picture.
            packet.opaque = at_ms
            self._came(packet, at_ms)
            self._put(packet, at_ms)

    def _put(self, packet: Any, at_ms: int) -> None:
        now = time.monotonic()
        with self._changed:
            self.heard_s = now
            self.packets += 1
            waiting = self._waiting
            if waiting and (now - waiting[0].came_s > OLDEST_S or self._bytes > MOST_BYTES):
                self.lost += len(waiting)
                waiting.clear()
                self._bytes, self._gap = 0, True
            waiting.append(Arrived(packet, at_ms, now, self._gap))
            self._bytes += packet.size
            self._gap = False
            self._changed.notify_all()
