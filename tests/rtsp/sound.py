"""The sound of a camera: G.711 A-law at 8 kHz, payload type 8 (RFC 3551), a steady tone."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from beffroi.serving.packets import Packed, packed

SOUND_TYPE = 8
SOUND_CLOCK = 8000
PACKET_S = 0.04
TONE_HZ = 400


def tone() -> bytes:
    """One packet of it; a whole number of waves, so that packets join without a click."""
    count = round(SOUND_CLOCK * PACKET_S)
    wave = np.sin(np.arange(count) * 2 * np.pi * TONE_HZ / SOUND_CLOCK) * 8000
    encoder = av.AudioCodecContext.create("pcm_alaw", "w")
    encoder.sample_rate, encoder.layout, encoder.format = SOUND_CLOCK, "mono", "s16"
    frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], format="s16", layout="mono")
    frame.sample_rate = SOUND_CLOCK
    return b"".join(bytes(packet) for packet in encoder.encode(frame))


def sound() -> Iterator[tuple[float, float, Packed]]:
    """When due, when heard, and the packet, without end."""
    unit = packed([tone()], SOUND_TYPE, marked=False, key=True, at_s=0)
    number = 0
    while True:
        yield number * PACKET_S, number * PACKET_S, unit
        number += 1
