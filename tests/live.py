"""A live source as the runtime uses it, and what a test asks of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from beffroi.components import BuildContext, SourceConfig
from beffroi.frame import Frame
from beffroi.sources.rtsp import RtspSource


def source(url: str, fps: float | None = 4, **settings: object) -> RtspSource:
    config = SourceConfig.parse({"type": "rtsp", "url": url, **settings})
    built = config.build(BuildContext("gate", Path()), fps)
    assert isinstance(built, RtspSource)
    return built


class Watching:
    """A thread that takes each picture as it comes."""

    def __init__(self, source: RtspSource) -> None:
        self.source, self.frames, self.states = source, list[Frame](), [source.status]
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            for frame in self.source.frames():
                self.frames.append(frame)
        except BaseException as error:
            self.error = error

    @property
    def times(self) -> list[int]:
        return [frame.at_ms for frame in self.frames]

    @property
    def steps(self) -> list[int]:
        return [after - at for at, after in pairwise(self.times)]

    def until(self, reached: Callable[[], bool], within_s: float = 15) -> float:
        """Wait, and say for how many seconds."""
        began = time.monotonic()
        while not reached():
            assert time.monotonic() - began < within_s, (self.source.status, len(self.frames), self.error)
            if self.states[-1] is not self.source.status:
                self.states.append(self.source.status)
            time.sleep(0.01)
        return time.monotonic() - began

    def until_state(self, state: str, within_s: float = 15) -> float:
        return self.until(lambda: self.source.status.state == state, within_s)

    def until_frames(self, count: int) -> float:
        """Until there are so many pictures more."""
        wanted = len(self.frames) + count
        return self.until(lambda: len(self.frames) >= wanted)

    def close(self) -> float:
        """Seconds until `frames` ended."""
        began = time.monotonic()
        self.source.close()
        self._thread.join(10)
        assert not self._thread.is_alive()
        assert self.error is None
        return time.monotonic() - began


@contextmanager
def watching(url: str, fps: float | None = 4, **settings: object) -> Iterator[Watching]:
    watch = Watching(source(url, fps, **settings))
    try:
        yield watch
    finally:
        watch.close()


class Kept:
    """A tap that keeps what it was told."""

    def __init__(self) -> None:
        self.streams: list[tuple[int, int]] = []
        self.packets: list[tuple[int, bool]] = []

    def opened(self, stream: Any) -> None:
        self.streams.append((stream.width, stream.height))

    def add(self, packet: Any, at_ms: int) -> None:
        self.packets.append((at_ms, packet.is_keyframe))
