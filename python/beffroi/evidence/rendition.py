"""The clip that may be shown: people and vehicles blurred, masks black, smaller and with fewer pictures.

Nobody is shown by default: a picture near which the camera was not looked at is made unrecognisable whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import IO, Any

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from beffroi.errors import StoreError
from beffroi.evidence.coded import Stretch
from beffroi.evidence.redact import Image, apply_masks, blur, pixelate_all
from beffroi.evidence.remux import decoder_of, in_order, output
from beffroi.evidence.sightings import Hidden, Points
from beffroi.sources.file import Selection

# To understand what happened; a quarter of the encoding of a full picture.
LONGEST = 960
FPS = 10.0
# Fast settings before small files: the cameras need the machine. A key picture every two seconds, to seek by.
ENCODERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("libx264", {"preset": "superfast", "crf": "26", "g": "20", "bf": "0"}),
    ("mpeg4", {"q": "5", "g": "20", "bf": "0"}),
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a rendition shows: first and last media time, pictures, and how many of them are hidden whole."""

    begins_ms: int
    ends_ms: int
    pictures: int
    hidden: int


def render(
    file: IO[bytes],
    stretches: Sequence[Stretch],
    span: tuple[int, int],
    hidden: Hidden,
    masks: Sequence[Points],
    *,
    blurred: bool = True,
    between: Callable[[], None] = lambda: None,
) -> Rendered:
    """Write the pictures of `span` (from and to, media time in ms) into `file` as MP4.

    Parameters
    ----------
    stretches
        Where the pictures are; each may have a size of its own, all are fitted into that of the first.
    hidden, masks
        What was seen, and areas that are black in every picture.
    blurred
        Whether people and vehicles are blurred; masks are black in any case.
    between
        Called after each picture; what it raises ends the rendition.

    Raises
    ------
    StoreError
        If no picture of the span can be decoded.
    OSError
        If the file cannot be written.
    """
    shown = whole = 0
    pictures = _pictures(stretches, span)
    first = next(pictures, None)
    if first is None:
        raise StoreError("no picture of the clip can be decoded")
    begins = ends = first[0]
    with output(file, begins) as container:
        writer = _Writer(container, first[1])
        for at_ms, picture in _chain(first, pictures):
            # Boxes and masks are relative to the picture as it came: what is put beside it comes after.
            image, unknown = _redact(writer.scaled(picture), at_ms, hidden, masks, blurred=blurred)
            writer.write(image, at_ms - begins)
            ends, shown, whole = at_ms, shown + 1, whole + unknown
            between()
        writer.finish()
    return Rendered(begins, ends, shown, whole)


def _chain(
    first: tuple[int, VideoFrame], rest: Iterator[tuple[int, VideoFrame]]
) -> Iterator[tuple[int, VideoFrame]]:
    yield first
    yield from rest


def _redact(
    image: Image, at_ms: int, hidden: Hidden, masks: Sequence[Points], *, blurred: bool
) -> tuple[Image, bool]:
    """The picture as it may be shown, and whether it is hidden whole."""
    cover = hidden.at(at_ms)
    image = apply_masks(image, [*masks, *(cover.masks if cover else ())])
    if not blurred:
        return image, False
    if cover is None:
        return pixelate_all(image), True
    return blur(image, cover.xyxy, cover.names, cover.score), False


def _pictures(stretches: Sequence[Stretch], span: tuple[int, int]) -> Iterator[tuple[int, VideoFrame]]:
    """Those to be shown, in order, with their media time. What cannot be decoded is left out."""
    selection, last = Selection(FPS, None), -1
    for stretch in stretches:
        decoder = decoder_of(stretch.coding)
        pictures, shown = in_order(stretch)
        for index in range(len(pictures) + 1):
            packet = None
            if index < len(pictures):
                packet = pictures[index].packet()
                packet.time_base = Fraction(1, 1000)
                packet.pts = round(shown[index])
            with suppress(av.FFmpegError):
                for frame in decoder.decode(packet):
                    at = frame.pts
                    if at is None or at <= last or not span[0] <= at <= span[1]:
                        continue
                    if selection.wants(at):
                        last = at
                        yield at, frame


class _Writer:
    """Encodes pictures of one size, at their own times."""

    def __init__(self, container: Any, first: VideoFrame) -> None:
        ratio = min(1.0, LONGEST / max(first.width, first.height))
        # Chroma has half the size: both sides are even.
        self._size = _even(first.width * ratio), _even(first.height * ratio)
        self._container, self._reformatter = container, VideoReformatter()
        self._stream = _encoder(container, self._size)

    def scaled(self, picture: VideoFrame) -> Image:
        """The picture as uint8 BGR, as large as fits into the clip."""
        width, height = self._size
        ratio = min(width / picture.width, height / picture.height)
        wide, high = round(picture.width * ratio), round(picture.height * ratio)
        if max(width - wide, height - high) <= 2:
            wide, high = width, height  # Sides were made even: no shape of its own.
        scaled = self._reformatter.reformat(picture, width=wide, height=high, format="bgr24", threads=1)
        return np.asarray(scaled.to_ndarray(), np.uint8)

    def write(self, image: Image, at_ms: int) -> None:
        """Show `image` from `at_ms` after the beginning on; one of another shape has black beside it."""
        left, top = ((full - own) // 2 for full, own in zip(self._size, image.shape[1::-1], strict=True))
        if left or top:
            right, bottom = self._size[0] - image.shape[1] - left, self._size[1] - image.shape[0] - top
            sides = (top, bottom, left, right)
            image = np.asarray(cv2.copyMakeBorder(image, *sides, cv2.BORDER_CONSTANT), np.uint8)
        frame = VideoFrame.from_ndarray(image, format="bgr24")
        frame.pts, frame.time_base = at_ms, Fraction(1, 1000)
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        self._container.mux(self._stream.encode())


def _even(side: float) -> int:
    return max(2, 2 * round(side / 2))


def _encoder(container: Any, size: tuple[int, ...]) -> Any:
    for name, options in ENCODERS:
        try:
            stream = container.add_stream(name, rate=round(FPS), options=options)
        except (ValueError, av.FFmpegError):
            continue
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base, context.thread_count = Fraction(1, 1000), 1
        return stream
    raise StoreError("this build of FFmpeg can encode neither H.264 nor MPEG-4")
