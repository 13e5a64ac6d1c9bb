"""What happens to packets on the way: each function takes frames and their starts and changes both."""

from __future__ import annotations

import random

from beffroi.serving.packets import FRAMING, HEADER, spans

Frames = tuple[bytes | bytearray, tuple[int, ...]]


def thinned(frames: bytes | bytearray, starts: tuple[int, ...], share: float, rng: random.Random) -> Frames:
    """Without a share of the packets; the others keep their numbers, so that the gap shows."""
    kept, begins = bytearray(), []
    for begin, end in spans(frames, starts):
        if rng.random() >= share:
            begins.append(len(kept))
            kept += frames[begin:end]
    return kept, tuple(begins)


def scrambled(frames: bytes | bytearray, starts: tuple[int, ...], rng: random.Random) -> Frames:
    """Random bytes in place of the payloads; headers and lengths stay."""
    noise = bytearray(frames)
    for begin, end in spans(frames, starts):
        body = begin + FRAMING + HEADER
        noise[body:end] = rng.randbytes(end - body)
    return noise, starts


def misframed(frames: bytes | bytearray, starts: tuple[int, ...], rng: random.Random) -> Frames:
    """Random bytes before each frame and a wrong length in it: a reader has to find the next by itself."""
    broken, begins = bytearray(), []
    for begin, end in spans(frames, starts):
        broken += rng.randbytes(rng.randrange(1, 40))
        begins.append(len(broken))
        broken += frames[begin : begin + 2] + rng.randbytes(2) + frames[begin + FRAMING : end]
    return broken, tuple(begins)
