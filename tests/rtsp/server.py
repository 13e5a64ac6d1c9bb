"""An RTSP server in a thread of the test: cameras that show clips in a loop, and all that can go wrong."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from beffroi.serving.media import Clip

from .cameras import Cameras
from .faults import Faults
from .session import Request, Session

# The server's thread answers at once; more means that it is dead.
_PATIENCE_S = 5
_MOMENT_S = 0.01


class RtspServer:
    """Cameras `/cam1`, `/cam2` ... with the given clips, in turn if there are more cameras than clips.

    Use as a context manager, or with `start` and `stop`, any number of times: the port stays the same. Equal
    seeds and clients give equal loss, jitter, garbage and RTP numbers.

        with RtspServer(clip) as server:
            source = open(server.url("/cam1", stall=2))

    Attributes
    ----------
    port
        Where it listens; a free one if 0 was asked for.
    requests
        Every request that was heard, in order.

    Raises
    ------
    ValueError
        If a clip cannot be sent: see `Clip.read`.
    """

    def __init__(
        self,
        *clips: Clip | Path | str,
        host: str = "127.0.0.1",
        port: int = 0,
        user: str = "operator",
        password: str = "let me in",
        seed: int = 0,
    ) -> None:
        if not clips:
            raise ValueError("a server needs at least one clip")
        read = [clip if isinstance(clip, Clip) else Clip.read(clip) for clip in clips]
        self.host, self.port = host, port
        self.user, self.password = user, password
        self.requests: list[Request] = []
        self._cameras = Cameras(read, user, password)
        self._rng = random.Random(seed)
        self._sessions: set[Session] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[BaseException] = []
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()

    def __enter__(self) -> RtspServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def began_ms(self) -> int:
        """When the streams of `join=key` and `join=any` began, in milliseconds since 1970.

        What a clip shows at `t` was taken at `began_ms + loops * length + t`.
        """
        return round(self._cameras.began_wall * 1000)

    @property
    def playing(self) -> int:
        """Clients that are sent pictures now."""
        return sum(session.playing for session in list(self._sessions))

    def url(
        self, path: str = "/cam1", *, user: str = "", password: str = "", **faults: float | str | bool
    ) -> str:
        """The address of a camera with faults: see `Faults`.

        Raises
        ------
        ValueError
            If a fault's value is none that it can have.
        TypeError
            If there is no such fault.
        """
        words = Faults(**faults).path()  # type: ignore[arg-type]
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
        return f"rtsp://{login}{self.host}:{self.port}{path}{words}"

    def start(self) -> None:
        """Listen. Streams that were joined live have gone on meanwhile.

        Raises
        ------
        OSError
            If the port is taken.
        """
        if self._thread is not None:
            return
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="rtsp server", daemon=True)
        self._thread.start()
        ready.wait(_PATIENCE_S)
        if self._loop is None:
            self._thread.join(_PATIENCE_S)
            self._thread = None
            self._raise()

    def stop(self) -> None:
        """Break off all clients and listen no longer: a connection is refused until `start`.

        Raises
        ------
        RuntimeError
            If something went wrong in the server itself, and not by the fault that was asked for.
        """
        if self._thread is None:
            return
        self._call(self._stop.set)
        self._thread.join(_PATIENCE_S)
        if self._thread.is_alive():
            raise RuntimeError("the test server does not end")
        self._thread, self._loop = None, None
        self._raise()

    def stall(self, path: str | None = None) -> None:
        """Send no more pictures of a camera, or of all; connections stay, and new clients get an answer."""
        self._change(path, stalled=True)

    def resume(self, path: str | None = None) -> None:
        """End a stall: pictures go on with the next key picture that is due then."""
        self._change(path, stalled=False)

    def leap(self, seconds: float, path: str | None = None, *, ntp: bool = False) -> None:
        """RTP timestamps are ahead by so much from now on; with `ntp` so is the clock in sender reports."""
        self._change(path, leap=seconds, **({"ntp_leap": seconds} if ntp else {}))

    def drop_clients(self, path: str | None = None) -> None:
        """Reset the connections of a camera, or all; new ones are accepted."""

        def drop() -> None:
            cameras = self._cameras.every(path)
            for session in list(self._sessions):
                if path is None or session.camera in cameras:
                    session.reset()

        self._call(drop)

    def _change(self, path: str | None, **state: float | bool) -> None:
        def change() -> None:
            for camera in self._cameras.every(path):
                for name, value in state.items():
                    setattr(camera, name, value)

        self._call(change)

    def _call(self, what: Callable[[], None]) -> None:
        """Do something in the server's thread and wait for it."""

        async def run() -> None:
            what()

        if self._loop is None:
            raise RuntimeError("the server is not running")
        asyncio.run_coroutine_threadsafe(run(), self._loop).result(_PATIENCE_S)

    def _run(self, ready: threading.Event) -> None:
        try:
            asyncio.run(self._serve(ready))
        except Exception as error:
            self._errors.append(error)
        finally:
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        self._stop = asyncio.Event()
        listening = await asyncio.start_server(self._welcome, self.host, self.port)
        self.port = listening.sockets[0].getsockname()[1]
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._complain)
        ready.set()
        await self._stop.wait()
        listening.close()
        # Who was accepted in this moment is welcomed some rounds of the loop later.
        await _some_rounds()
        while self._tasks:
            for session in self._sessions:
                session.reset()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await _some_rounds()

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self._cameras, self.requests, reader, writer, random.Random(self._rng.random()))
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(session)
        self._tasks.add(task)
        try:
            await session.serve()
        except asyncio.CancelledError:
            # Only `stop` cancels. Streams of Python 3.11 take a cancelled task for a failure of their own.
            pass
        except Exception as error:
            self._errors.append(error)
        finally:
            writer.transport.abort()
            self._sessions.discard(session)
            self._tasks.discard(task)

    def _complain(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What would only be logged fails the test at `stop`."""
        self._errors.append(context.get("exception") or RuntimeError(context["message"]))

    def _raise(self) -> None:
        errors, self._errors = self._errors, []
        for error in errors:
            if isinstance(error, OSError):
                raise error
            raise RuntimeError(f"the test server failed: {error!r}") from error


async def _some_rounds() -> None:
    """Let the loop go round until an accepted connection is welcomed, and a broken one closed."""
    for _ in range(10):
        await asyncio.sleep(0)
    await asyncio.sleep(_MOMENT_S)
    for _ in range(10):
        await asyncio.sleep(0)
