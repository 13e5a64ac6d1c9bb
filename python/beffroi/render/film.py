"""A film: pictures with their times as H.264 in MP4, there under its name only when it is whole."""

from __future__ import annotations

import os
import tempfile
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from beffroi.errors import RecordingError

MILLISECOND = Fraction(1, 1000)


class Film:
    """Writes a film. What plays it everywhere: yuv420p, even sizes, index at the front.

    Parameters
    ----------
    path
        The film's name; a file of that name is replaced when the new film is whole.
    size
        Width and height of the pictures; an odd last column or row is cut off.
    fps
        About how many pictures a second; each has its own time.

    Raises
    ------
    RecordingError
        If it cannot be written.
    """

    def __init__(self, path: Path, size: tuple[int, int], fps: float) -> None:
        self.path = path
        self.frames = 0
        self._size = (size[0] // 2 * 2, size[1] // 2 * 2)
        self._first: int | None = None
        self._last = -1
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
            os.close(handle)
        except OSError as error:
            raise RecordingError(f"{path}: the film cannot be written: {error.strerror}") from error
        self._draft = Path(draft)
        try:
            self._container = av.open(draft, "w", format="mp4", options={"movflags": "+faststart"})
            rate = Fraction(fps).limit_denominator(1000)
            stream = self._container.add_stream("libx264", rate, {"preset": "veryfast", "crf": "21"})
        except (av.error.FFmpegError, OSError) as error:
            self._draft.unlink(missing_ok=True)
            raise RecordingError(f"{path}: the film cannot be begun: {error}") from error
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = MILLISECOND
        # A picture that nobody can seek to is a nuisance in evidence: a key frame every two seconds or so.
        stream.codec_context.gop_size = max(1, round(2 * fps))
        stream.codec_context.thread_count = 2
        self._stream: VideoStream = stream
        self._open = True

    def write(self, at_ms: int, image: NDArray[np.uint8]) -> None:
        """Add a picture, uint8 (height, width, 3) BGR, at media time `at_ms`, later than the one before.

        Raises
        ------
        RecordingError
            If it cannot be written, or its time does not follow.
        """
        self._first = at_ms if self._first is None else self._first
        pts = at_ms - self._first
        if pts <= self._last:
            raise RecordingError(f"{self.path}: the picture of {at_ms} ms does not follow the one before")
        width, height = self._size
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="bgr24")
        frame.pts, frame.time_base = pts, MILLISECOND
        self._mux(frame)
        self._last = pts
        self.frames += 1

    def close(self) -> None:
        """Finish the film and give it its name; without pictures there is none. Harmless when repeated.

        Raises
        ------
        RecordingError
            If it cannot be finished.
        """
        if not self._open:
            return
        try:
            if self.frames:
                self._mux(None)
            self._finish()
            if self.frames:
                self._draft.chmod(0o644)
                self._draft.replace(self.path)
        except (av.error.FFmpegError, OSError) as error:
            raise RecordingError(f"{self.path}: the film cannot be finished: {error}") from error
        finally:
            self._draft.unlink(missing_ok=True)

    def discard(self) -> None:
        """Leave nothing behind."""
        if self._open:
            try:
                self._finish()
            except (av.error.FFmpegError, OSError):
                pass  # it is thrown away
            finally:
                self._draft.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _finish(self) -> None:
        self._open = False
        self._container.close()

    def _mux(self, frame: av.VideoFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(frame))
        except (av.error.FFmpegError, OSError) as error:
            raise RecordingError(f"{self.path}: the film cannot be written on: {error}") from error
