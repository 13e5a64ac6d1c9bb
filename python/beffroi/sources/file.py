"""A recording in a video file, at its own time stamps."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from beffroi.components import BuildContext, Finding, SourceConfig
from beffroi.frame import Frame

if TYPE_CHECKING:
    from beffroi.video import VideoFile


class FileConfig(SourceConfig):
    """Reads a video file from beginning to end."""

    live: ClassVar[bool] = False

    type: Literal["file"]
    path: str = Field(min_length=1, description="Video file, relative to the folder of the site file.")
    pace: Literal["fast", "real"] = Field(
        "fast", description="As fast as it can be analysed, or as fast as it was recorded."
    )
    start: float = Field(0.0, ge=0, description="Second of the recording to begin at.")
    end: float | None = Field(None, gt=0, description="Second of the recording to stop at.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"end ({self.end:g} s) is not after start ({self.start:g} s)")
        return self

    def findings(self, context: BuildContext) -> Iterable[Finding]:
        """A file that is not there."""
        path = context.path(self.path)
        if not path.is_file():
            yield (("path",), f"there is no file {path}")

    def build(self, context: BuildContext, fps: float | None) -> FileSource:
        """Open the file; raises `SourceError` if it is missing or no video."""
        from beffroi.video import VideoFile

        return FileSource(VideoFile(context.path(self.path)), self, fps)


class FileSource:
    """Pictures of a video file at its own time: the first of the file is at 0 ms, whatever `start` says."""

    def __init__(self, video: VideoFile, config: FileConfig, fps: float | None) -> None:
        self.size = video.size
        self.counts = video.counts
        self._video = video
        self._config = config
        self._selection = Selection(fps, video.rate)
        self._stop = threading.Event()
        self._origin: float | None = None
        self._iteration = self._frames()

    def frames(self) -> Iterator[Frame]:
        """The pictures to be analysed, once. All are decoded, only these are converted.

        Raises
        ------
        SourceError
            After the last readable picture of a file that is cut off; says at which second.
        """
        return self._iteration

    def close(self) -> None:
        """Close the file; harmless when repeated. A thread that is reading ends with its next picture."""
        self._stop.set()
        try:
            self._iteration.close()
        except ValueError:
            return  # it is running in another thread, sees the flag and closes the file itself
        self._video.close()

    def _frames(self) -> Generator[Frame, None, None]:
        try:
            start_ms = round(self._config.start * 1000)
            end_ms = math.inf if self._config.end is None else self._config.end * 1000
            if start_ms:
                self._video.seek(start_ms)
            for at_ms, picture in self._video.pictures():
                if at_ms >= end_ms or self._stop.is_set():
                    return
                if at_ms >= start_ms and self._selection.wants(at_ms):
                    self._wait_for(at_ms)
                    yield Frame(at_ms, self._video.image(picture))
        finally:
            self._video.close()

    def _wait_for(self, at_ms: int) -> None:
        if self._config.pace == "real":
            now = time.monotonic()
            self._origin = now - at_ms / 1000 if self._origin is None else self._origin
            self._stop.wait(max(0.0, self._origin + at_ms / 1000 - now))


class Selection:
    """Which pictures are analysed: of each period of media time the picture nearest to its beginning.

    Decided on time stamps alone, so it does not drift, and holds for a variable frame rate.
    """

    def __init__(self, fps: float | None, rate: float | None) -> None:
        self._fps = fps
        self._period = -1
        self.rate_is(rate)

    def rate_is(self, rate: float | None) -> None:
        """The source gives `rate` pictures per second, from now on; None if nobody knows."""
        # Half the distance between two pictures, in periods: what is that close before is the nearest.
        self._early = 0.0 if self._fps is None else min(0.5, 0.5 * self._fps / rate) if rate else 0.1

    def wants(self, at_ms: int) -> bool:
        """Whether the picture at `at_ms` is analysed; to be asked for every picture in order."""
        if self._fps is None:
            return True
        # Half a millisecond, because media time is rounded to whole ones.
        period = math.floor((at_ms + 0.5) * self._fps / 1000 + self._early)
        if period <= self._period:
            return False
        self._period = period
        return True
