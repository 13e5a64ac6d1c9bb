"""The video of one file, read once from its beginning to its end."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from beffroi.errors import SourceError
from beffroi.video.picture import Counts, bgr

# Time that goes back by more than this is a stream that began again; less is disorder.
RESTART_MS = 1000
# Damaged packets in a row, after which a file is not worth reading on.
MOST_DAMAGED = 250
# How much shorter than announced a file may be, where the container does not say how many pictures it holds.
SHORTFALL_MS = 1500

_TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}


class VideoFile:
    """The video stream of one file, in order. Sound and other streams are never read.

    Attributes
    ----------
    size
        Width and height in pixels, as shown: after the rotation that the file asks for.
    rate
        Pictures per second as the container announces them; None if it does not.
    counts
        See `Counts`.

    Raises
    ------
    SourceError
        If the file is missing, is no video, or holds no picture.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self.path = path
        self.counts = Counts()
        self._reformatter = VideoReformatter()
        self._read = 0
        self._damaged_now = 0
        self._whole = True
        self._last = -1
        self._container = self._open()
        try:
            self._stream = self._container.streams.video[0]
            self._stream.codec_context.thread_count = threads
            self._packets: Iterator[Any] = self._container.demux(self._stream)
            self._pictures = self._decode()
            first = next(self._pictures, None)
            if first is None:
                damage = f"; {self.counts.damaged} packets cannot be decoded" if self.counts.damaged else ""
                raise SourceError(f"{self.path}: holds no picture{damage}")
        except BaseException:
            self._container.close()
            raise
        self._pictures = chain([first], self._pictures)
        self._unit = first.time_base or self._stream.time_base or Fraction(1, 1000)
        self._zero = first.pts if first.pts is not None else first.dts or 0
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.rate = float(rate) if rate else None
        self._turn = _TURNS.get(round(first.rotation) % 360)
        self._stored = (first.width, first.height)
        self.size = self._stored if self._turn in {None, cv2.ROTATE_180} else self._stored[::-1]

    def seek(self, at_ms: int) -> None:
        """Go to the last key picture before `at_ms`, where the container can; only before `pictures`."""
        target = self._zero + int(Fraction(at_ms, 1000) / self._unit)
        try:
            self._container.seek(target, stream=self._stream)
        except av.FFmpegError:
            return
        self._whole = False
        self._packets = self._container.demux(self._stream)
        self._pictures = self._decode()

    def pictures(self) -> Iterator[tuple[int, VideoFrame]]:
        """Each picture with its media time: milliseconds since the first of the file, strictly increasing.

        Raises
        ------
        SourceError
            After the last readable picture, if the file goes on and cannot be read, or ends before it should.
        """
        shift = 0
        step = round(1000 / self.rate) if self.rate else 40
        for picture in self._pictures:
            stamp = picture.pts if picture.pts is not None else picture.dts
            at = self._last + step
            if stamp is not None:
                at = round((stamp - self._zero) * self._unit * 1000) + shift
            if at < self._last - RESTART_MS:
                self.counts.restarts += 1
                shift += self._last + step - at
                at = self._last + step
            if at <= self._last:
                self.counts.disordered += 1
                continue
            self._last = at
            yield at, picture
        self._complain_if_short(step)

    def image(self, picture: VideoFrame) -> NDArray[np.uint8]:
        """The picture as uint8 BGR, shape (height, width, 3), upright; one of another size is scaled."""
        array = bgr(self._reformatter, picture, self._stored)
        return array if self._turn is None else np.asarray(cv2.rotate(array, self._turn), np.uint8)

    def close(self) -> None:
        """Close the file; harmless when repeated."""
        self._container.close()

    def _open(self) -> Any:
        if not self.path.exists():
            raise SourceError(f"{self.path}: there is no such file")
        if self.path.is_dir():
            raise SourceError(f"{self.path}: is a folder; pictures in a folder are read by `type: images`")
        try:
            container = av.open(str(self.path), metadata_errors="replace")
        except (av.FFmpegError, OSError) as error:
            raise SourceError(f"{self.path}: {_why_not_opened(error)}") from error
        if not container.streams.video:
            kinds = ", ".join(sorted({stream.type for stream in container.streams}))
            container.close()
            raise SourceError(f"{self.path}: holds no video stream, only {kinds or 'nothing'}")
        if container.format.name.endswith("_pipe"):
            container.close()
            raise SourceError(f"{self.path}: is a picture, not a video; pictures are read by `type: images`")
        return container

    def _decode(self) -> Iterator[VideoFrame]:
        """Pictures as they leave the decoder. Damage inside is counted and skipped."""
        while True:
            try:
                packet = next(self._packets, None)
            except av.FFmpegError as error:
                raise SourceError(f"{self.path}: breaks off {self._place()}: {_reason(error)}") from error
            if packet is None:
                return
            self._read += packet.size > 0
            try:
                pictures = packet.decode()
            except av.FFmpegError as error:
                self.counts.damaged += 1
                self._damaged_now += 1
                if self._damaged_now >= MOST_DAMAGED:
                    raise SourceError(
                        f"{self.path}: cannot be decoded {self._place()}: {_reason(error)}"
                    ) from error
                continue
            if pictures:
                self._damaged_now = 0
            for picture in pictures:
                self.counts.decoded += 1
                yield picture

    def _complain_if_short(self, step: int) -> None:
        """A file that was cut off mostly just ends: compare with what its container announced."""
        expected = self._stream.frames
        if self._whole and expected > self._read:
            raise SourceError(
                f"{self.path}: cut off {self._place()}: it holds {self._read} of {expected} pictures"
            )
        announced = _announced_ms(self._container, self._stream)
        if not expected and announced is not None and self._last + step < announced - SHORTFALL_MS:
            raise SourceError(f"{self.path}: cut off {self._place()}: it announces {announced / 1000:.1f} s")
        if self._damaged_now:
            raise SourceError(
                f"{self.path}: cut off or damaged {self._place()}: what follows cannot be decoded"
            )

    def _place(self) -> str:
        return f"at {max(self._last, 0) / 1000:.1f} s"


def _announced_ms(container: Any, stream: Any) -> float | None:
    """Length that the container announces for its video, in milliseconds."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base * 1000)
    try:
        hours, minutes, seconds = stream.metadata.get("DURATION", "").split(":")
        return (int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000
    except ValueError:
        return container.duration / 1000 if container.duration and len(container.streams) == 1 else None


def _why_not_opened(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "may not be read by this user"
    if isinstance(error, (av.InvalidDataError, EOFError)):
        return "is not a video, or was cut off before its index was written (a recording that was not closed)"
    return f"cannot be opened: {_reason(error)}"


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
