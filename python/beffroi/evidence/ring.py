"""The last seconds of a live stream as it came from the camera, kept in memory for clips.

Whole groups of pictures, each beginning with a key picture, compressed: half a minute at 4 Mbit/s is 15 MB.
Packets are copied, because the reader goes on decoding its own while a clip is written from these.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from typing import Any

from beffroi.evidence.coded import (
    PADDING,
    Coded,
    Coding,
    Stretch,
    copied,
    finder_of_sets,
    sets_of,
    shown_ms,
)

log = logging.getLogger(__name__)

# For one camera: 50 s at 8 Mbit/s. Less cuts the clips of large pictures short, more is taken from all else.
MOST_BYTES = 48 * 2**20
# How long after a picture one may come that is shown before it (B pictures). More waits longer for a clip's
# end, less loses pictures right before it.
REORDER_MS = 500


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
        self._said: tuple[Any, ...] | None = None
        self._known: Coding | None = None
        self._filter: Any = None
        # Whether a picture may continue the newest group.
        self._open = False
        self._complained = False

    def opened(self, stream: Any) -> None:
        """A connection begins; `stream` is its video, which may be closed at any time after this call."""
        context = stream.codec_context
        said = context.name, context.extradata, context.width, context.height
        with self._lock:
            self._connection += 1
            self._open, self._ended = False, False
            if said == self._said:
                # What each connection would make anew is small, and does not quite go away again.
                return
            self._said = said
            self._known = copied(stream)
            self._filter = None if self._known is None else finder_of_sets(self._known.template)

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
            sets = sets_of(self._filter, coded)
        if not sets or sets == known.extradata:
            return known
        return Coding(known.codec, known.template, sets)


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
