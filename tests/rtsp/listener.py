"""A client that takes packets as they come and decodes nothing: it shows what really travels."""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlsplit

_NTP_EPOCH = 2_208_988_800


@dataclass(frozen=True, slots=True)
class Rtp:
    """A packet of one track as it arrived; `at_s` is on the monotonic clock."""

    at_s: float
    track: int
    marker: bool
    sequence: int
    timestamp: int
    source: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """A sender report: `timestamp` was shown at `wall_s`, seconds since 1970; so much was sent before it."""

    track: int
    wall_s: float
    timestamp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The end of a track's stream."""

    track: int


class Listener:
    """An RTSP client over TCP that asks for all tracks and plays them.

    Raises
    ------
    ConnectionError
        If the server answers anything but 200, with the status.
    """

    def __init__(self, url: str, patience_s: float = 5) -> None:
        self.url = url
        parts = urlsplit(url)
        self.connection = socket.create_connection((parts.hostname or "", parts.port or 554), patience_s)
        self._buffer = b""
        self._asked = 0
        try:
            self.sdp = self.ask("DESCRIBE", url)
            for track in map(int, re.findall(r"a=control:track(\d)", self.sdp)):
                channels = f"RTP/AVP/TCP;unicast;interleaved={2 * track}-{2 * track + 1}"
                self.ask("SETUP", f"{url}/track{track}", f"Transport: {channels}\r\n")
            self.ask("PLAY", url)
        except BaseException:
            self.connection.close()
            raise

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def ask(self, method: str, url: str, headers: str = "") -> str:
        """The body of the answer to a request."""
        self._asked += 1
        self.connection.sendall(f"{method} {url} RTSP/1.0\r\nCSeq: {self._asked}\r\n{headers}\r\n".encode())
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        if not head.startswith(b"RTSP/1.0 200"):
            raise ConnectionError(head.split(b"\r\n")[0].decode())
        length = re.search(rb"(?i)content-length: (\d+)", head)
        wanted = int(length[1]) if length else 0
        while len(self._buffer) < wanted:
            self._more()
        body, self._buffer = self._buffer[:wanted], self._buffer[wanted:]
        return body.decode()

    def packets(self, seconds: float) -> Iterator[Rtp | Report | Goodbye]:
        """What arrives in so many seconds; ends early when the stream does.

        Raises
        ------
        ConnectionResetError
            If the connection is broken off.
        ValueError
            If what arrives is no interleaved frame.
        """
        until = time.monotonic() + seconds
        while True:
            while len(self._buffer) < 4 or len(self._buffer) < 4 + int.from_bytes(self._buffer[2:4]):
                left = until - time.monotonic()
                if left <= 0:
                    return
                self.connection.settimeout(left)
                try:
                    self._more()
                except (TimeoutError, EOFError):
                    return
            if self._buffer[:1] != b"$":
                raise ValueError(f"{self._buffer[:8]!r} is no interleaved frame")
            end = 4 + int.from_bytes(self._buffer[2:4])
            channel, packet, self._buffer = self._buffer[1], self._buffer[4:end], self._buffer[end:]
            yield _rtcp(channel // 2, packet) if channel % 2 else _rtp(channel // 2, packet)

    def video(self, seconds: float) -> list[Rtp]:
        """The packets of the video track."""
        return [each for each in self.packets(seconds) if isinstance(each, Rtp) and each.track == 0]

    def reports(self, seconds: float) -> list[Report]:
        """The sender reports of the video track."""
        return [each for each in self.packets(seconds) if isinstance(each, Report) and each.track == 0]

    def _more(self) -> None:
        part = self.connection.recv(1 << 18)
        if not part:
            raise EOFError("the server has closed the connection")
        self._buffer += part


def _rtp(track: int, packet: bytes) -> Rtp:
    _, marker, sequence, timestamp, source = struct.unpack(">BBHII", packet[:12])
    return Rtp(time.monotonic(), track, marker > 127, sequence, timestamp, source, packet[12:])


def _rtcp(track: int, packet: bytes) -> Report | Goodbye:
    if packet[1] == 203:
        return Goodbye(track)
    seconds, fraction, timestamp, packets, octets = struct.unpack(">IIIII", packet[8:28])
    return Report(track, seconds + fraction / 2**32 - _NTP_EPOCH, timestamp, packets, octets)
