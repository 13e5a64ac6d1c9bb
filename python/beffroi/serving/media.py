"""Clips as a camera sends them: access units, cut into NAL units, each with the time at which it is shown.

H.264 and H.265 from any container that FFmpeg reads; nothing is encoded or decoded here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
from av.bitstream import BitStreamFilterContext

Codec = Literal["h264", "h265"]

_CODECS: dict[str, Codec] = {"h264": "h264", "hevc": "h265"}
_TO_ANNEX_B = {"h264": "h264_mp4toannexb", "h265": "hevc_mp4toannexb"}
_START_CODE = re.compile(rb"\x00\x00\x01")
# Parameter sets in the order in which a decoder needs them (H.264: SPS, PPS; H.265: VPS, SPS, PPS).
_PARAMETERS = {"h264": (7, 8), "h265": (32, 33, 34)}
# Delimiters, ends and filler: RTP marks the end of an access unit by itself.
_LEFT_OUT = {"h264": {9, 10, 11, 12}, "h265": {35, 36, 37, 38}}


@dataclass(frozen=True, slots=True)
class Unit:
    """One access unit: the NAL units of one picture, without start codes and without parameter sets."""

    shown_s: float
    """When it is shown, since the beginning of the clip."""
    due_s: float
    """When a camera can send it, in the order of decoding; never before it is shown."""
    key: bool
    nals: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip in the order of decoding.

    Attributes
    ----------
    parameters
        VPS (H.265 only), SPS and PPS, one each; sent before every key picture.
    length_s
        After this time the clip begins again: one picture's time after the last picture.
    """

    path: Path
    codec: Codec
    size: tuple[int, int]
    parameters: tuple[bytes, ...]
    units: tuple[Unit, ...]
    length_s: float

    @classmethod
    def read(cls, path: Path | str) -> Clip:
        """Read a whole clip into memory.

        Raises
        ------
        ValueError
            If its video is neither H.264 nor H.265, or does not begin with a key picture and its parameters.
        """
        path = Path(path)
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            codec = _CODECS.get(stream.codec_context.name)
            if codec is None:
                raise ValueError(f"{path}: is {stream.codec_context.name}; the server sends h264 and hevc")
            to_annex_b = BitStreamFilterContext(_TO_ANNEX_B[codec], stream)
            packets: list[tuple[float, bool, list[bytes]]] = []
            for packet in container.demux(stream):
                for part in to_annex_b.filter(packet) if packet.size else ():
                    if part.pts is not None and part.time_base is not None:
                        at = float(part.pts * part.time_base)
                        packets.append((at, part.is_keyframe, nals(bytes(part))))
            size = (stream.codec_context.width, stream.codec_context.height)
        if not packets or not packets[0][1]:
            raise ValueError(f"{path}: does not begin with a key picture")
        found = {kind(codec, nal): nal for nal in packets[0][2]}
        missing = [number for number in _PARAMETERS[codec] if number not in found]
        if missing:
            raise ValueError(f"{path}: the first picture has no parameter set of type {missing[0]}")
        parameters = tuple(found[number] for number in _PARAMETERS[codec])
        units = _units(codec, packets)
        last = max(unit.shown_s for unit in units)
        return cls(path, codec, size, parameters, units, last + last / max(len(units) - 1, 1))


def nals(stream: bytes) -> list[bytes]:
    """The NAL units of a byte stream with start codes (H.264 and H.265, annex B)."""
    bounds = [(match.start(), match.end()) for match in _START_CODE.finditer(stream)]
    ends = [start for start, _ in bounds[1:]] + [len(stream)]
    # A fourth zero before a start code, and trailing zeros, belong to the byte stream and not to the unit.
    cut = (stream[begin:end].rstrip(b"\x00") for (_, begin), end in zip(bounds, ends, strict=True))
    return [nal for nal in cut if nal]


def kind(codec: Codec, nal: bytes) -> int:
    """`nal_unit_type` of a NAL unit."""
    return nal[0] & 31 if codec == "h264" else nal[0] >> 1 & 63


def _units(codec: Codec, packets: list[tuple[float, bool, list[bytes]]]) -> tuple[Unit, ...]:
    """Times count from the first picture. A picture is sent when the one that is shown in its place is shown,
    plus the delay that reordering needs: no picture leaves a camera before it was taken."""
    zero = min(at for at, _, _ in packets)
    shown = [at - zero for at, _, _ in packets]
    in_turn = sorted(shown)
    delay = max(late - turn for late, turn in zip(shown, in_turn, strict=True))
    unwanted = _LEFT_OUT[codec] | set(_PARAMETERS[codec])
    return tuple(
        Unit(at, turn + delay, key, tuple(nal for nal in parts if kind(codec, nal) not in unwanted))
        for at, turn, (_, key, parts) in zip(shown, in_turn, packets, strict=True)
    )
