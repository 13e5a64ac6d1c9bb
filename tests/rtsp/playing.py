"""One client's pictures from PLAY until it leaves: when each is sent, and what goes wrong with it."""

from __future__ import annotations

import asyncio
import heapq
import random
import socket
import struct
from collections.abc import Iterator
from itertools import takewhile
from math import ceil

from beffroi.serving.packets import Packed

from .cameras import Camera
from .damage import misframed, scrambled, thinned
from .faults import Faults
from .sound import sound
from .wires import Track

VIDEO, SOUND = 0, 1
_LINGER_NOT = struct.pack("ii", 1, 0)


class Playing:
    """What one client is sent.

    Media time is in seconds since the first picture may leave; a stream that runs since the server was made
    began earlier. Time goes on while nothing is sent, and what a stall held back is never sent.
    """

    def __init__(
        self,
        camera: Camera,
        faults: Faults,
        tracks: dict[int, Track],
        connection: asyncio.WriteTransport,
        rng: random.Random,
    ) -> None:
        self._camera, self._faults, self._rng = camera, faults, rng
        self._tracks = tracks
        self._connection = connection
        self._next_report = dict.fromkeys(tracks, faults.report_after)
        self._sent_at = 0.0

    async def run(self) -> None:
        """Send until a fault ends the stream, or without end."""
        faults, clock = self._faults, asyncio.get_running_loop().time
        await asyncio.sleep(faults.picture_after)
        zero = clock()
        self._wall = self._camera.wall(zero)
        # After a gap, the next picture that can be decoded is a key picture.
        waiting = faults.join == "key"
        for due, shown, unit, number in self._line(zero):
            await asyncio.sleep(zero + self._delivery(due) - clock())
            track = self._tracks[number]
            if due >= faults.drop:
                reset(self._connection)
                return
            if due >= faults.end:
                self._end()
                return
            if self._camera.stalled or due >= faults.stall or track.wire.full():
                waiting = True
                continue
            if number == VIDEO:
                if waiting and not unit.key:
                    continue
                waiting = False
            self._report(number, due, shown)
            await self._send(track, due, shown, unit)

    def _line(self, zero: float) -> Iterator[tuple[float, float, Packed, int]]:
        """When due, when shown, what, and on which track, in the order of sending."""
        lines = []
        if VIDEO in self._tracks:
            lines.append((*each, VIDEO) for each in self._pictures(zero))
        if SOUND in self._tracks:
            lines.append((*each, SOUND) for each in sound())
        return heapq.merge(*lines, key=lambda each: each[0]) if len(lines) > 1 else iter(lines[0])

    def _pictures(self, zero: float) -> Iterator[tuple[float, float, Packed]]:
        in_band = self._faults.parameters != "sdp"
        origin = 0.0 if self._faults.join == "start" else self._camera.began - self._faults.phase - zero
        reel = self._camera.reel(origin, in_band=in_band)
        yield from takewhile(lambda each: each[0] < self._faults.switch, reel)
        other = self._camera.other
        assert other is not None, "a switch is refused where there is nothing to switch to"
        yield from other.reel(self._faults.switch, in_band=True)

    def _delivery(self, due: float) -> float:
        """When something is sent that could be at `due`: later, never out of turn."""
        faults = self._faults
        if faults.bursts:
            due = ceil(due / faults.bursts) * faults.bursts
        if faults.jitter:
            due += self._rng.random() * faults.jitter
        self._sent_at = max(self._sent_at, due)
        return self._sent_at

    def _report(self, number: int, due: float, shown: float) -> None:
        if not self._faults.reports or due < self._next_report[number]:
            return
        self._next_report[number] = due + self._faults.reports
        ahead = self._faults.clock + self._camera.ntp_leap
        if due >= self._faults.ntp_leap_at:
            ahead += self._faults.ntp_leap
        self._tracks[number].report(self._wall + shown + ahead, self._leapt(due, shown))

    def _leapt(self, due: float, shown: float) -> float:
        """The time that the RTP timestamp tells."""
        return shown + self._camera.leap + (self._faults.leap if due >= self._faults.leap_at else 0)

    async def _send(self, track: Track, due: float, shown: float, unit: Packed) -> None:
        faults, rng = self._faults, self._rng
        frames: bytes | bytearray = track.number(unit, self._leapt(due, shown))
        starts = unit.starts
        if faults.loss:
            frames, starts = thinned(frames, starts, faults.loss, rng)
        if due >= faults.garbage:
            frames, starts = scrambled(frames, starts, rng)
        if due >= faults.framing:
            frames, starts = misframed(frames, starts, rng)
        await track.wire.rtp(frames, starts)

    def _end(self) -> None:
        for track in self._tracks.values():
            track.goodbye()
        self._connection.close()


def reset(connection: asyncio.WriteTransport) -> None:
    """Break a connection off so that the other side sees a reset, not an end."""
    its_socket = connection.get_extra_info("socket")
    if its_socket is not None and its_socket.fileno() >= 0:
        its_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    connection.abort()
