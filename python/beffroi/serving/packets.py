"""RTP: access units as packets, H.264 in single units and FU-A (RFC 6184), H.265 likewise (RFC 7798).

Packets are cut once and kept behind one another as interleaved frames (RFC 2326, 10.12); the numbers of each
client are written over a copy. So a picture costs a client one copy and one `send`, however long it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .media import Clip, Codec, Unit

# What fits beside the headers into an Ethernet frame.
PAYLOAD = 1400
VIDEO_TYPE = 96
VIDEO_CLOCK = 90_000
FRAMING = 4
"""Bytes of an interleaved frame before the packet: a dollar, the channel, the length."""
HEADER = 12
"""Bytes of an RTP header."""

_FRAME = struct.Struct(">cBHBBHII")
_NUMBERS = struct.Struct(">HII")
_FU_A = 28
_FU_H265 = 49


@dataclass(frozen=True, slots=True)
class Packed:
    """One access unit as interleaved frames behind one another; number, timestamp and source are zero."""

    frames: bytes
    starts: tuple[int, ...]
    """Where each frame begins."""
    key: bool
    shown_s: float
    due_s: float

    def numbered(self, channel: int, sequence: int, timestamp: int, source: int) -> bytearray:
        """A copy for one client. Its first packet has the number `sequence`; all numbers wrap as RTP's do."""
        frames = bytearray(self.frames)
        for offset, start in enumerate(self.starts):
            frames[start + 1] = channel
            numbers = (sequence + offset & 0xFFFF, timestamp & 0xFFFFFFFF, source)
            _NUMBERS.pack_into(frames, start + FRAMING + 2, *numbers)
        return frames


def spans(frames: bytes | bytearray, starts: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Begin and end of each frame."""
    # Nothing begins where every packet was lost.
    return zip(starts, (*starts[1:], len(frames)) if starts else (), strict=True)


def pack(clip: Clip, *, parameters: bool = True) -> list[Packed]:
    """All access units of a clip, with the parameter sets before each key picture or without them."""
    return [
        _pack(clip.codec, unit, clip.parameters if parameters and unit.key else ()) for unit in clip.units
    ]


def packed(payloads: list[bytes], payload_type: int, *, marked: bool, key: bool, at_s: float) -> Packed:
    """Payloads of one moment as frames; the last one carries the marker if `marked`."""
    frames, starts = bytearray(), []
    for number, payload in enumerate(payloads, 1):
        starts.append(len(frames))
        marker = 0x80 if marked and number == len(payloads) else 0
        frames += _FRAME.pack(b"$", 0, HEADER + len(payload), 0x80, marker | payload_type, 0, 0, 0)
        frames += payload
    return Packed(bytes(frames), tuple(starts), key, at_s, at_s)


def _pack(codec: Codec, unit: Unit, parameters: tuple[bytes, ...]) -> Packed:
    cut = fragments_h264 if codec == "h264" else fragments_h265
    payloads = [payload for nal in (*parameters, *unit.nals) for payload in cut(nal)]
    whole = packed(payloads, VIDEO_TYPE, marked=True, key=unit.key, at_s=unit.shown_s)
    return Packed(whole.frames, whole.starts, unit.key, unit.shown_s, unit.due_s)


def fragments_h264(nal: bytes) -> Iterator[bytes]:
    """The NAL unit itself if it fits, else FU-A packets (RFC 6184, 5.8)."""
    if len(nal) <= PAYLOAD:
        yield nal
        return
    indicator, unit_type = nal[0] & 0xE0 | _FU_A, nal[0] & 0x1F
    for bits, part in _cut(nal[1:], PAYLOAD - 2):
        yield bytes((indicator, bits | unit_type)) + part


def fragments_h265(nal: bytes) -> Iterator[bytes]:
    """The NAL unit itself if it fits, else FU packets (RFC 7798, 4.4.3)."""
    if len(nal) <= PAYLOAD:
        yield nal
        return
    first, unit_type = nal[0] & 0x81 | _FU_H265 << 1, nal[0] >> 1 & 0x3F
    for bits, part in _cut(nal[2:], PAYLOAD - 3):
        yield bytes((first, nal[1], bits | unit_type)) + part


def _cut(body: bytes, most: int) -> Iterator[tuple[int, bytes]]:
    """Parts of a NAL unit's body with their start and end bits; the header of a fragment carries the rest."""
    for begin in range(0, len(body), most):
        yield (
            (0x80 if begin == 0 else 0) | (0x40 if begin + most >= len(body) else 0),
            body[begin : begin + most],
        )
