"""Compressed pictures as they are kept, and what decodes them when their stream is long closed."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import av
from av.bitstream import BitStreamFilterContext

log = logging.getLogger(__name__)

# Decoders read a little beyond the end of a packet (FFmpeg's AV_INPUT_BUFFER_PADDING_SIZE).
PADDING = bytes(64)
# Stamps and media time that part by more belong to a clock that was set anew.
JUMP_MS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Coding:
    """What a decoder or a file must know of a stream; outlives the stream.

    ``template`` is a stream of an output that is never written: it holds a copy of the codec's parameters,
    which those of a closed input no longer are. ``extradata`` are the parameter sets that the pictures came
    with, where they came with any: what a camera says in its SDP is not always what it sends.
    """

    codec: str
    template: Any
    extradata: bytes | None

    def same(self, other: Coding) -> bool:
        """Whether pictures of both can stand in one stream of one file."""
        return self.codec == other.codec and self.extradata == other.extradata


@dataclass(frozen=True, slots=True)
class Coded:
    """One compressed picture, in the order of decoding.

    ``stamp_ms`` is its time in the camera's own count, None if it has none; ``connection`` says within which
    pictures that count holds.
    """

    at_ms: int
    stamp_ms: float | None
    key: bool
    connection: int
    padded: bytes = field(repr=False)

    def __len__(self) -> int:
        return len(self.padded) - len(PADDING)

    def packet(self) -> Any:
        """A packet of its own, without times; the bytes are shared."""
        packet = av.Packet(cast("Any", memoryview(self.padded)[: len(self)]))
        packet.is_keyframe = self.key
        return packet


@dataclass(frozen=True, slots=True)
class Stretch:
    """Pictures that can be decoded one after the other; the first is a key picture."""

    coding: Coding
    pictures: tuple[Coded, ...]


def copied(stream: Any) -> Coding | None:
    """What must be known of a stream; None, and a warning, if no MP4 can hold it."""
    container = av.open(io.BytesIO(), "w", format="mp4")
    name = stream.codec_context.name
    try:
        # The decoder's own context is copied: a stream can be kept whose codec cannot be encoded here.
        template = container.add_stream_from_template(stream, opaque=True)
    except (ValueError, av.FFmpegError) as error:
        log.warning("evidence: video in %s cannot be kept in MP4, there will be no clips: %s", name, error)
        return None
    return Coding(name, template, stream.codec_context.extradata)


def finder_of_sets(template: Any) -> BitStreamFilterContext | None:
    """What finds parameter sets in pictures of a codec; None for one without, such as MJPEG."""
    try:
        return BitStreamFilterContext("extract_extradata", in_stream=template)
    except (ValueError, av.FFmpegError):
        return None


def sets_of(found: BitStreamFilterContext | None, coded: Coded) -> bytes | None:
    """The parameter sets inside a picture; None if it has none, or has them apart (as files do)."""
    if found is None:
        return None
    try:
        for packet in found.filter(coded.packet()):
            if packet.has_sidedata("new_extradata"):
                return bytes(packet.get_sidedata("new_extradata"))
    except av.FFmpegError:
        found.flush()
    return None


def shown_ms(pictures: Sequence[Coded]) -> list[float]:
    """When each picture is shown, in media time.

    That is what the source said, as long as its order is that of the camera's stamps. A source that counts
    packets as they come says when a picture was decoded; then the stamps count, from the first picture's
    media time on, and anew from each connection and each leap of either clock.
    """
    shown = [float(picture.at_ms) for picture in pictures]
    anchored: list[float] = []
    anchor: float | None = None
    connection = -1
    for picture in pictures:
        if picture.stamp_ms is None:
            anchored.append(float(picture.at_ms))
            continue
        offset = picture.at_ms - picture.stamp_ms
        if anchor is None or picture.connection != connection or abs(offset - anchor) > JUMP_MS:
            anchor, connection = offset, picture.connection
        anchored.append(picture.stamp_ms + anchor)
    return shown if ranks(shown) == ranks(anchored) else anchored


def ranks(values: Sequence[float]) -> list[int]:
    """Which value comes first, which second ..."""
    return sorted(range(len(values)), key=values.__getitem__)
