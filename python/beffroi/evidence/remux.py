"""Pictures of a camera as they came, in an MP4 file: nothing is decoded and nothing encoded anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from fractions import Fraction
from typing import IO, Any

import av

from beffroi.errors import StoreError
from beffroi.evidence.coded import Coded, Coding, Stretch, ranks, shown_ms

# Pictures per second are no measure here: 90 kHz, as RTP counts, holds every camera's times.
TICKS_PER_MS = 90
# Written in fragments, of which what is on the disk can be read; an ordinary file once it is closed.
MOVFLAGS = "hybrid_fragmented"


def remux(file: IO[bytes], stretch: Stretch) -> None:
    """Write `stretch` into `file`, which can be read, written and sought. It begins with a key picture.

    Raises
    ------
    StoreError
        If the pictures cannot be put into a file.
    OSError
        If they cannot be written.
    """
    pictures, shown = in_order(stretch)
    first = picture_size(stretch.coding, pictures)
    ticks = [round(at_ms * TICKS_PER_MS) for at_ms in shown]
    decoded = decoding_times(ticks)
    offset = decoded[0]
    with output(file, shown[0]) as container:
        stream = _stream(container, stretch.coding, first)
        for index, (picture, pts, dts) in enumerate(zip(pictures, ticks, decoded, strict=True)):
            packet = picture.packet()
            packet.time_base = stream.time_base
            packet.pts, packet.dts = pts - offset, dts - offset
            follows = decoded[index + 1] if index + 1 < len(decoded) else None
            packet.duration = (follows - dts) if follows is not None else _usual(decoded)
            packet.stream = stream
            container.mux(packet)


@contextmanager
def output(file: IO[bytes], at_ms: float) -> Iterator[Any]:
    """An MP4 container in `file`, closed at the end of the block; says that it begins at `at_ms`, a date."""
    container = av.open(file, "w", format="mp4", options={"movflags": MOVFLAGS})
    container.metadata["creation_time"] = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
    try:
        yield container
    except BaseException:
        # What stands in the file is thrown away; the first error is the one to tell.
        with suppress(av.FFmpegError, OSError):
            container.close()
        raise
    container.close()


def in_order(stretch: Stretch) -> tuple[list[Coded], list[float]]:
    """The pictures in the order of decoding, and the media time in ms at which each is shown.

    Pictures shown before the first key picture lean on others that are not here, and are left out.
    """
    shown = shown_ms(stretch.pictures)
    kept = [index for index, at in enumerate(shown) if at >= shown[0]]
    return [stretch.pictures[index] for index in kept], [shown[index] for index in kept]


def decoding_times(shown: list[int]) -> list[int]:
    """Increasing times of decoding, none after its picture is shown; makes the times in `shown` unique.

    In order of decoding, both: the i-th picture is decoded when the i-th is shown, less the longest that a
    picture then waits.
    """
    last: int | None = None
    for index in ranks(shown):
        last = shown[index] if last is None else max(shown[index], last + 1)
        shown[index] = last
    steps = sorted(shown)
    delay = max(step - at for step, at in zip(steps, shown, strict=True))
    return [step - delay for step in steps]


def picture_size(coding: Coding, pictures: Sequence[Coded]) -> tuple[int, int]:
    """Width and height of the first picture that can be decoded: parameters alone may be those of before.

    Raises
    ------
    StoreError
        If none can.
    """
    decoder = decoder_of(coding)
    for picture in pictures:
        for packet in (picture.packet(), None):
            with suppress(av.FFmpegError):
                for frame in decoder.decode(packet):
                    return frame.width, frame.height
        decoder.flush_buffers()
    raise StoreError("no picture of the clip can be decoded")


def decoder_of(coding: Coding) -> Any:
    """A decoder in one thread, before its first picture."""
    decoder = av.CodecContext.create(coding.codec, "r")
    decoder.thread_count = 1
    if coding.extradata:
        decoder.extradata = coding.extradata
    return decoder


def _stream(container: Any, coding: Coding, size: tuple[int, int]) -> Any:
    stream = container.add_stream_from_template(coding.template, opaque=True)
    context = stream.codec_context
    context.width, context.height = size
    if coding.extradata:
        context.extradata = coding.extradata
    if coding.codec == "hevc":
        context.codec_tag = "hvc1"  # Players of Apple take no other.
    stream.time_base = Fraction(1, TICKS_PER_MS * 1000)
    return stream


def _usual(decoded: Sequence[int]) -> int:
    return decoded[-1] - decoded[-2] if len(decoded) > 1 else 40 * TICKS_PER_MS
