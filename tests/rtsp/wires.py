"""How packets travel, inside the RTSP connection or as datagrams of their own, and a track on such a wire."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from typing import Protocol

from beffroi.serving.packets import FRAMING, HEADER, Packed, spans
from beffroi.serving.reports import goodbye, sender_report

# A client that does not read holds up only itself: beyond this its pictures are left out, as a camera's are.
MOST_WAITING = 4 << 20
# So many datagrams at once fit the smallest receive buffer in use (208 KiB).
_AT_ONCE = 32


class Wire(Protocol):
    """Where one track's packets go."""

    channel: int

    def full(self) -> bool: ...
    async def rtp(self, frames: bytes | bytearray, starts: tuple[int, ...]) -> None: ...
    def rtcp(self, packet: bytes) -> None: ...
    def close(self) -> None: ...


class Interleaved:
    """Frames between the answers of RTSP, on two channels: RTP on the even one, RTCP on the next."""

    def __init__(self, connection: asyncio.WriteTransport, channel: int) -> None:
        self.channel = channel
        self._connection = connection

    def full(self) -> bool:
        return self._connection.get_write_buffer_size() > MOST_WAITING

    async def rtp(self, frames: bytes | bytearray, starts: tuple[int, ...]) -> None:
        self._connection.write(frames)

    def rtcp(self, packet: bytes) -> None:
        self._connection.write(struct.pack(">cBH", b"$", self.channel + 1, len(packet)) + packet)

    def close(self) -> None:
        """The connection is the session's."""


class Datagrams:
    """A pair of UDP ports to a pair of the client's.

    Raises
    ------
    OSError
        If there is no free pair of ports.
    """

    channel = 0

    def __init__(self, host: str, ports: tuple[int, int]) -> None:
        self._to = ((host, ports[0]), (host, ports[1]))
        self._sockets = _pair(host)
        self.ports = [each.getsockname()[1] for each in self._sockets]

    def full(self) -> bool:
        return False

    async def rtp(self, frames: bytes | bytearray, starts: tuple[int, ...]) -> None:
        for number, (begin, end) in enumerate(spans(frames, starts), 1):
            self._send(0, bytes(frames[begin + FRAMING : end]))
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0.001)

    def rtcp(self, packet: bytes) -> None:
        self._send(1, packet)

    def close(self) -> None:
        for each in self._sockets:
            each.close()

    def _send(self, which: int, packet: bytes) -> None:
        # A full buffer or a client that is gone: datagrams get lost.
        with contextlib.suppress(OSError):
            self._sockets[which].sendto(packet, self._to[which])


class Track:
    """One track of one client: its wire and the running numbers that RTP wants."""

    def __init__(self, wire: Wire, clock: int, rng: random.Random) -> None:
        self.wire = wire
        self.clock = clock
        self.source = rng.getrandbits(32)
        self.sequence = rng.getrandbits(16)
        self.base = rng.getrandbits(32)
        self._packets = self._octets = 0

    def timestamp(self, media_s: float) -> int:
        return self.base + round(media_s * self.clock) & 0xFFFFFFFF

    def number(self, unit: Packed, media_s: float) -> bytearray:
        """The unit's frames with this track's numbers, which move on."""
        frames = unit.numbered(self.wire.channel, self.sequence, self.timestamp(media_s), self.source)
        self.sequence = self.sequence + len(unit.starts) & 0xFFFF
        self._packets += len(unit.starts)
        self._octets += len(frames) - len(unit.starts) * (FRAMING + HEADER)
        return frames

    def report(self, wall_s: float, media_s: float) -> None:
        stamp = self.timestamp(media_s)
        self.wire.rtcp(sender_report(self.source, wall_s, stamp, self._packets, self._octets))

    def goodbye(self) -> None:
        self.wire.rtcp(goodbye(self.source))


def _pair(host: str) -> tuple[socket.socket, socket.socket]:
    """Two sockets on neighbouring ports, the first even, as RFC 3550 wants."""
    for _ in range(100):
        first = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        second = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            first.bind((host, 0))
            port = first.getsockname()[1]
            if port % 2 == 0:
                second.bind((host, port + 1))
                first.setblocking(False)
                second.setblocking(False)
                return first, second
        except OSError:
            pass
        first.close()
        second.close()
    raise OSError(f"{host}: no free pair of UDP ports")
