"""The last seconds of a live stream as it came from the camera, kept in memory for clips.

Whole groups of pictures, each beginning with a key picture, compressed: half a minute at 4 Mbit/s is 15 MB.
Packets are copied, because the reader goes on decoding its own while a clip is written from these.
"""

from __future__ import annotations

import io
import logging
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from typing import Any, cast

import av
from av.bitstream import BitStreamFilterContext

log = logging.getLogger(__name__)

# Decoders read a little beyond the end of a packet (FFmpeg's AV_INPUT_BUFFER_PADDING_SIZE).
PADDING = bytes(64)
# For one camera: 50 s at 8 Mbit/s. Less cuts the clips of large pictures short, more is taken from all else.
MOST_BYTES = 48 * 2**20
# How long after a picture one may come that is shown before it (B pictures). More waits longer for a clip's
# end, less loses pictures right before it.
REORDER_MS = 500

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


@dataclass(slots=True)
class _Group:
    """A key picture and what follows up to the next."""

    coding: Coding
    begins_ms: int
    pictures: list[Coded] = field(default_factory=list)
    size: int = 0


class Ring:
    """The tap of a live source. The source writes (`opened`, `add`), others may read at any time.

    Parameters
    ----------
    seconds
        Media time to be kept. A clip can begin so long ago, less the longest time between key pictures.
    most_bytes
        Memory, for what is compressed. Whichever bound is reached first, the oldest group goes first. A
        group that exceeds a bound alone is let go too, and the next key picture begins anew.

    Attributes
    ----------
    lost
        Groups that were let go because they alone were too long or too large: nothing of their time is kept.
    """

    def __init__(self, seconds: float, most_bytes: int = MOST_BYTES) -> None:
        self.lost = 0
        self._longest_ms, self._most_bytes = round(seconds * 1000), most_bytes
        self._lock = threading.Lock()
        self._groups: deque[_Group] = deque()
        self._size = 0
        self._newest_ms: int | None = None
        self._ended = False
        self._connection = 0
        self._known: Coding | None = None
        self._filter: BitStreamFilterContext | None = None
        # Whether a picture may continue the newest group.
        self._open = False
        self._complained = False

    def opened(self, stream: Any) -> None:
        """A connection begins; `stream` is its video, which may be closed at any time after this call."""
        container = av.open(io.BytesIO(), "w", format="mp4")
        name = stream.codec_context.name
        try:
            # The decoder's own context is copied: a stream can be kept whose codec cannot be encoded here.
            template = container.add_stream_from_template(stream, opaque=True)
        except (ValueError, av.FFmpegError) as error:
            log.warning(
                "evidence: video in %s cannot be kept in MP4, there will be no clips: %s", name, error
            )
            known = None
        else:
            known = Coding(name, template, stream.codec_context.extradata)
        with self._lock:
            self._connection += 1
            self._known, self._open, self._ended = known, False, False
            self._filter = None if known is None else _parameter_sets(known.template)

    def add(self, packet: Any, at_ms: int) -> None:
        """Keep one packet of the stream. `at_ms` is the media time at which its picture is shown."""
        with self._lock:
            if not packet.size or self._known is None:
                return
            stamp, unit = packet.pts, packet.time_base or Fraction(1, 1000)
            coded = Coded(
                at_ms,
                None if stamp is None else float(stamp * unit * 1000),
                bool(packet.is_keyframe),
                self._connection,
                bytes(packet) + PADDING,
            )
            if self._newest_ms is not None and at_ms < self._newest_ms - self._longest_ms:
                # Media time went back, which sources do not do: nothing before could be found by its time.
                self._forget()
            if coded.key:
                self._known = self._coding(self._known, packet, coded)
                self._groups.append(_Group(self._known, at_ms))
                self._open = True
            self._newest_ms = at_ms if self._newest_ms is None else max(self._newest_ms, at_ms)
            if self._open:
                self._groups[-1].pictures.append(coded)
                self._groups[-1].size += len(coded)
                self._size += len(coded)
            self._bound()

    def end(self) -> None:
        """Nothing more will come: who waits for pictures need not."""
        with self._lock:
            self._ended = True

    @property
    def newest_ms(self) -> int | None:
        """Media time of the latest packet; None before the first."""
        with self._lock:
            return self._newest_ms

    @property
    def span_ms(self) -> int:
        """Media time from the first picture kept to the latest."""
        with self._lock:
            return self._span_ms()

    @property
    def size(self) -> int:
        """Bytes kept."""
        with self._lock:
            return self._size

    def holds(self, at_ms: int) -> bool:
        """Whether everything shown up to `at_ms` has come, or nothing more will."""
        with self._lock:
            return self._ended or (self._newest_ms is not None and self._newest_ms >= at_ms + REORDER_MS)

    def cut(self, from_ms: int, to_ms: int) -> list[Stretch]:
        """What is kept of a span, from the last key picture before it to the first picture after it.

        A stretch ends where the coding changes: another resolution, or other parameter sets. Reconnections
        alone do not end one. Empty if nothing of the span is kept.
        """
        with self._lock:
            groups = [(group.coding, group.begins_ms, tuple(group.pictures)) for group in self._groups]
        before = [index for index, (_, begins_ms, _) in enumerate(groups) if begins_ms <= from_ms]
        groups = groups[before[-1] if before else 0 :]
        flat = [(coding, picture) for coding, _, pictures in groups for picture in pictures]
        shown = shown_ms([picture for _, picture in flat])
        if not any(from_ms <= at <= to_ms for at in shown):
            return []
        return _stretches(flat[: _end(shown, to_ms)])

    def _span_ms(self) -> int:
        if not self._groups or self._newest_ms is None:
            return 0
        return self._newest_ms - self._groups[0].begins_ms

    def _bound(self) -> None:
        while self._groups and (self._span_ms() > self._longest_ms or self._size > self._most_bytes):
            self._size -= self._groups.popleft().size
            if self._groups or not self._open:
                continue
            self._open = False
            self.lost += 1
            if not self._complained:
                self._complained = True
                log.warning(
                    "evidence: more than %g s or %.0f MB between two key pictures; clips will have gaps",
                    self._longest_ms / 1000,
                    self._most_bytes / 1e6,
                )

    def _forget(self) -> None:
        self._groups.clear()
        self._size, self._open, self._newest_ms = 0, False, None

    def _coding(self, known: Coding, packet: Any, coded: Coded) -> Coding:
        """The coding of a key picture: as known, unless it brings other parameter sets."""
        if packet.has_sidedata("new_extradata"):
            sets: bytes | None = bytes(packet.get_sidedata("new_extradata"))
        else:
            sets = _sets(self._filter, coded)
        if not sets or sets == known.extradata:
            return known
        return Coding(known.codec, known.template, sets)


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


def _end(shown: Sequence[float], to_ms: int) -> int:
    """How many pictures in order of decoding show all up to the first after `to_ms`, without a hole."""
    # The last picture of a span is shown until the next.
    latest = min((at for at in shown if at >= to_ms), default=float(to_ms))
    end = 0
    while True:
        last = end
        end = max(index for index, at in enumerate(shown) if at <= latest) + 1
        if end == last:
            return end
        latest = max(shown[:end])


def _parameter_sets(template: Any) -> BitStreamFilterContext | None:
    try:
        return BitStreamFilterContext("extract_extradata", in_stream=template)
    except (ValueError, av.FFmpegError):
        return None  # A codec without parameter sets, such as MJPEG.


def _sets(found: BitStreamFilterContext | None, coded: Coded) -> bytes | None:
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


def _stretches(flat: Iterable[tuple[Coding, Coded]]) -> list[Stretch]:
    stretches: list[Stretch] = []
    for _, run in groupby(flat, key=lambda each: id(each[0])):
        pairs = list(run)
        coding, pictures = pairs[0][0], tuple(picture for _, picture in pairs)
        if stretches and stretches[-1].coding.same(coding):
            last = stretches.pop()
            pictures = last.pictures + pictures
        stretches.append(Stretch(coding, pictures))
    return stretches
