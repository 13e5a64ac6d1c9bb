"""One client's RTSP session (RFC 2326): requests, answers, and the playing that comes of them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
from dataclasses import dataclass, field
from math import isfinite
from urllib.parse import urlsplit

from beffroi.serving.packets import VIDEO_CLOCK

from .access import admitted, challenge
from .cameras import Camera, Cameras
from .faults import Faults
from .playing import SOUND, Playing, reset
from .sdp import description
from .sound import SOUND_CLOCK
from .wires import Datagrams, Interleaved, Track, Wire

_PUBLIC = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER, SET_PARAMETER"
_REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    453: "Not Enough Bandwidth", 454: "Session Not Found", 455: "Method Not Valid in This State",
    461: "Unsupported Transport", 500: "Internal Server Error", 501: "Not Implemented",
    503: "Service Unavailable",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was heard; `at_s` is on the monotonic clock, `path` is without credentials and host."""

    at_s: float
    method: str
    path: str
    headers: dict[str, str] = field(repr=False)


class Session:
    """One connection. Everything a client does wrong is answered, nothing it does ends the server."""

    def __init__(
        self,
        cameras: Cameras,
        heard: list[Request],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        rng: random.Random,
    ) -> None:
        self.camera: Camera | None = None
        self.playing = False
        self._cameras, self._heard, self._rng = cameras, heard, rng
        self._reader, self._writer = reader, writer
        self._connection = writer.transport
        self._name = f"{rng.getrandbits(32):08x}"
        self._nonce = f"{rng.getrandbits(64):016x}"
        self._faults = Faults()
        self._tracks: dict[int, Track] = {}
        self._task: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Answer until the client leaves, says TEARDOWN, or is silent for too long."""
        try:
            while (request := await self._next()) is not None:
                self._heard.append(request)
                await self._answer(request)
                if request.method == "TEARDOWN":
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass
        finally:
            self.playing = False
            for track in self._tracks.values():
                track.wire.close()
            self._writer.close()
            await self._finish()

    def reset(self) -> None:
        """Break the connection off."""
        reset(self._connection)

    async def _finish(self) -> None:
        """End the playing; what went wrong in it is the bench's fault and is not kept quiet."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _next(self) -> Request | None:
        """The next request; what a client reports in between about reception is passed over."""
        silent = any(isinstance(track.wire, Datagrams) for track in self._tracks.values())
        async with asyncio.timeout(self._faults.timeout if silent else None):
            while (first := await self._reader.read(1)) == b"$":
                _, length = await self._reader.readexactly(1), await self._reader.readexactly(2)
                await self._reader.readexactly(int.from_bytes(length))
            if not first:
                return None
            head = (first + await self._reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
            start, *lines = head.strip().split("\r\n")
            headers = {
                name.strip().lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines)
            }
            if headers.get("content-length", "0").isdigit():
                await self._reader.readexactly(int(headers.get("content-length", "0")))
        method, _, rest = start.partition(" ")
        with contextlib.suppress(ValueError):
            path = urlsplit(rest.partition(" ")[0]).path
            return Request(time.monotonic(), method, path, headers)
        return Request(time.monotonic(), method, "", headers)

    async def _answer(self, request: Request) -> None:
        try:
            camera, faults = self._cameras.find(request.path)
        except ValueError:
            return self._reply(request, 400)
        if request.method == "OPTIONS":
            return self._reply(request, 200, {"Public": _PUBLIC})
        if camera is None:
            return self._reply(request, 404)
        if not self._may_enter(request, faults):
            scheme = "digest" if faults.auth == "refuse" else faults.auth
            return self._reply(request, 401, {"WWW-Authenticate": challenge(scheme, self._nonce)})
        match request.method:
            case "DESCRIBE":
                await self._describe(request, camera, faults)
            case "SETUP":
                self._set_up(request, camera, faults)
            case "PLAY" if self._tracks and self._task is None:
                self._play(request, camera, faults)
            case "PLAY":
                self._reply(request, 455)
            case "GET_PARAMETER" | "SET_PARAMETER" | "TEARDOWN":
                self._reply(request, 200, {"Session": self._name})
            case _:
                self._reply(request, 501)
        return None

    def _may_enter(self, request: Request, faults: Faults) -> bool:
        if faults.auth in {"none", "refuse"}:
            return faults.auth == "none"
        answer, (user, password) = request.headers.get("authorization", ""), self._cameras.credentials
        return admitted(faults.auth, answer, request.method, user, password, self._nonce)

    async def _describe(self, request: Request, camera: Camera, faults: Faults) -> None:
        await asyncio.sleep(faults.describe_after)
        if faults.status:
            self._reply(request, faults.status)
        elif isfinite(faults.switch) and camera.other is None:
            self._reply(request, 400)
        else:
            base = f"{request.path.rstrip('/')}/"
            headers = {"Content-Base": self._address(base), "Content-Type": "application/sdp"}
            self._reply(request, 200, headers, description(camera.clip, faults))

    def _set_up(self, request: Request, camera: Camera, faults: Faults) -> None:
        track = re.search(r"/track([01])$", request.path)
        if track is None:
            return self._reply(request, 404)
        number, wanted = int(track[1]), request.headers.get("transport", "").split(",")[0]
        over_tcp = "TCP" in wanted
        ports = re.search(r"client_port=(\d+)-(\d+)", wanted)
        if faults.transport not in {"any", "tcp" if over_tcp else "udp"} or not (over_tcp or ports):
            return self._reply(request, 461)
        wire: Wire
        if ports and not over_tcp:
            host = self._connection.get_extra_info("peername")[0]
            wire = Datagrams(host, (int(ports[1]), int(ports[2])))
            answer = f"RTP/AVP;unicast;client_port={ports[1]}-{ports[2]}"
            answer += f";server_port={wire.ports[0]}-{wire.ports[1]}"
        else:
            wire = Interleaved(self._connection, 2 * number)
            answer = f"RTP/AVP/TCP;unicast;interleaved={2 * number}-{2 * number + 1}"
        clock = SOUND_CLOCK if number == SOUND else VIDEO_CLOCK
        self._tracks[number] = Track(wire, clock, self._rng)
        self.camera, self._faults = camera, faults
        answer += f";ssrc={self._tracks[number].source:08X}"
        return self._reply(
            request, 200, {"Transport": answer, "Session": f"{self._name};timeout={round(faults.timeout)}"}
        )

    def _play(self, request: Request, camera: Camera, faults: Faults) -> None:
        base = self._address(re.sub(r"/(track\d)?$", "", request.path))
        info = ",".join(
            f"url={base}/track{number};seq={track.sequence};rtptime={track.base}"
            for number, track in sorted(self._tracks.items())
        )
        self.playing = True
        self._reply(request, 200, {"Session": self._name, "Range": "npt=0.000-", "RTP-Info": info})
        playing = Playing(camera, faults, self._tracks, self._connection, self._rng)
        self._task = asyncio.create_task(playing.run())

    def _address(self, path: str) -> str:
        host, port = self._connection.get_extra_info("sockname")[:2]
        return f"rtsp://{host}:{port}{path}"

    def _reply(
        self, request: Request, status: int, headers: dict[str, str] | None = None, body: str = ""
    ) -> None:
        lines = [f"RTSP/1.0 {status} {_REASONS.get(status, 'Error')}"]
        lines.append(f"CSeq: {request.headers.get('cseq', '0')}")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        with contextlib.suppress(OSError):
            self._writer.write(("\r\n".join([*lines, "", ""]) + body).encode())
