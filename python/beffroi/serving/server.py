"""Cameras that show clips in a loop, over RTSP (RFC 2326) and TCP: no sound, no passwords, no faults.

It shares the machine with what is measured against it, so it does as little as it can for each picture: the
packets are cut once, and sent with one copy and one write.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
from base64 import b64encode
from collections.abc import Sequence

from beffroi.serving.media import Clip
from beffroi.serving.packets import VIDEO_CLOCK, VIDEO_TYPE, Packed, pack
from beffroi.serving.reports import sender_report

MOST_WAITING = 4 << 20
"""Bytes that may wait for a client that does not read; then it gets nothing up to the next key picture."""
REPORT_EVERY_S = 5.0
"""How often a camera tells its clock, as RFC 3550 has it."""
APART_S = 0.61803
"""How much later each camera's clip begins than the one before it: ten cameras of a street do not send their
key pictures in the same moment."""


class Serving:
    """Cameras `/cam1`, `/cam2` ... that show the clips in turn.

    Parameters
    ----------
    clips
        What they show; the first again after the last.
    host
        Where it listens.
    """

    def __init__(self, clips: Sequence[Clip], host: str = "127.0.0.1") -> None:
        if not clips:
            raise ValueError("a server needs at least one clip")
        self._clips = list(clips)
        self._packed: dict[int, list[Packed]] = {}
        self._host = host
        self.began = time.monotonic()
        self._wall = time.time() - time.monotonic()

    async def listen(self, port: int) -> tuple[asyncio.Server, int]:
        """Begin; gives the server and its port, a free one for 0."""
        server = await asyncio.start_server(self._welcome, self._host, port)
        return server, int(server.sockets[0].getsockname()[1])

    def url(self, port: int, number: int) -> str:
        """The address of the camera of this number, from 1."""
        return f"rtsp://{self._host}:{port}/cam{number}"

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        playing: asyncio.Task[None] | None = None
        source = random.getrandbits(32)
        try:
            while (asked := await _request(reader)) is not None:
                method, url, headers = asked
                number = _number(url)
                status, more, body = self._answer(method, url, headers, source, plays=playing is not None)
                _reply(writer, status, headers, more, body)
                if method == "PLAY" and status == 200 and number is not None:
                    playing = asyncio.create_task(self._play(number, source, writer))
                if method == "TEARDOWN":
                    return
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            if playing is not None:
                playing.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError):
                    await playing
            writer.close()

    def _answer(
        self, method: str, url: str, headers: dict[str, str], source: int, *, plays: bool
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers and body of the answer to a request."""
        number = _number(url)
        status, more, body = 200, {}, ""
        match method:
            case "OPTIONS":
                more = {"Public": "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"}
            case _ if number is None:
                status = 404
            case "DESCRIBE":
                more = {"Content-Base": f"{url.rstrip('/')}/", "Content-Type": "application/sdp"}
                body = _description(self._clip(number)[1])
            case "SETUP" if "TCP" not in headers.get("transport", ""):
                status = 461
            case "SETUP":
                more = {"Transport": f"RTP/AVP/TCP;unicast;interleaved=0-1;ssrc={source:08X}"}
            case "PLAY" if plays:
                status = 455
        return status, more, body

    def _clip(self, number: int) -> tuple[int, Clip]:
        index = (number - 1) % len(self._clips)
        return index, self._clips[index]

    async def _play(self, number: int, source: int, writer: asyncio.StreamWriter) -> None:
        """Send a camera's clip in a loop, each picture when it is due; who joins gets a key picture first."""
        index, clip = self._clip(number)
        units = self._packed.setdefault(index, pack(clip))
        loop, transport = asyncio.get_running_loop(), writer.transport
        sequence, packets, octets, report_s = random.getrandbits(16), 0, 0, 0.0
        shift = (number - 1) * APART_S % clip.length_s
        passed = time.monotonic() - self.began + shift
        zero = time.monotonic() - passed % clip.length_s
        rounds = int(passed // clip.length_s)
        waiting = True
        while True:
            for unit in units:
                due = zero + unit.due_s
                now = loop.time()
                if due < now - 1.0 and waiting:
                    continue
                if due > now:
                    await asyncio.sleep(due - now)
                if transport.is_closing():
                    return
                waiting = waiting or transport.get_write_buffer_size() > MOST_WAITING
                if waiting and not unit.key:
                    continue
                waiting = False
                shown = zero + unit.shown_s
                timestamp = round((rounds * clip.length_s + unit.shown_s) * VIDEO_CLOCK)
                if now >= report_s:
                    report_s = now + REPORT_EVERY_S
                    report = sender_report(source, self._wall + shown, timestamp, packets, octets)
                    transport.write(b"$\x01" + len(report).to_bytes(2) + report)
                frames = unit.numbered(0, sequence, timestamp, source)
                sequence += len(unit.starts)
                packets += len(unit.starts)
                octets += len(frames)
                transport.write(frames)
            zero += clip.length_s
            rounds += 1


def _number(url: str) -> int | None:
    """The number of the camera that an address names; None if it names none."""
    found = re.search(r"/cam([1-9]\d{0,3})(?:/|$)", url)
    return None if found is None else int(found[1])


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]] | None:
    """Method, address and headers of the next request; what clients report about reception is passed over."""
    while (first := await reader.read(1)) == b"$":
        await reader.readexactly(1)
        await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
    if not first:
        return None
    head = (first + await reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
    start, *lines = head.strip().split("\r\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    method, _, rest = start.partition(" ")
    return method, rest.partition(" ")[0], headers


def _reply(
    writer: asyncio.StreamWriter, status: int, asked: dict[str, str], more: dict[str, str], body: str
) -> None:
    reasons = {
        200: "OK",
        404: "Not Found",
        455: "Method Not Valid in This State",
        461: "Unsupported Transport",
    }
    lines = [
        f"RTSP/1.0 {status} {reasons[status]}",
        f"CSeq: {asked.get('cseq', '0')}",
        "Session: 1;timeout=60",
    ]
    lines += [f"{name}: {value}" for name, value in more.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    writer.write(("\r\n".join([*lines, "", ""]) + body).encode())


def _description(clip: Clip) -> str:
    """The session description (RFC 8866) of a clip."""
    sets = [b64encode(each).decode() for each in clip.parameters]
    if clip.codec == "h264":
        parts = ["packetization-mode=1", f"sprop-parameter-sets={','.join(sets)}"]
    else:
        parts = [f"sprop-{name}={each}" for name, each in zip(("vps", "sps", "pps"), sets, strict=True)]
    lines = [
        "v=0",
        "o=- 0 0 IN IP4 127.0.0.1",
        "s=camera",
        "t=0 0",
        "a=control:*",
        f"m=video 0 RTP/AVP {VIDEO_TYPE}",
        f"a=rtpmap:{VIDEO_TYPE} {clip.codec.upper()}/{VIDEO_CLOCK}",
        f"a=fmtp:{VIDEO_TYPE} {';'.join(parts)}",
        "a=control:track0",
    ]
    return "".join(f"{line}\r\n" for line in lines)
