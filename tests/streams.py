"""Live streams for tests: films whose pictures carry their number, played into a ring packet by packet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from beffroi.evidence.ring import Ring

SIZE = (192, 112)
BITS = 10
# The number stands in a strip at the top, in blocks that survive scaling and encoding.
STRIP = 16
BEGINS_MS = 1_790_000_000_000


def numbered(index: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A picture of fine texture under the binary digits of its number."""
    width, height = size
    image = np.random.default_rng(1).integers(40, 200, (height, width, 3), dtype=np.uint8)
    image[:STRIP] = 0
    for bit in range(BITS):
        if index >> bit & 1:
            image[:STRIP, bit * width // BITS : (bit + 1) * width // BITS] = 255
    return image


def number(image: np.ndarray) -> int:
    """The number of a picture, whatever size it has now."""
    height, width = image.shape[:2]
    row = image[max(1, height * STRIP // SIZE[1] // 2)].mean(axis=-1)
    return sum(1 << bit for bit in range(BITS) if row[round((bit + 0.5) * width / BITS)] > 128)


def encoded(
    path: Path,
    times_ms: Sequence[int],
    *,
    codec: str = "libx264",
    size: tuple[int, int] = SIZE,
    group: int = 10,
    b_pictures: int = 0,
    first: int = 0,
) -> Path:
    """A film with pictures `first`, `first` + 1 ... at `times_ms`.

    A ``.ts`` has parameter sets in its pictures, as streams of cameras have; an ``.mp4`` has them apart.
    """
    fixed = f"keyint={group}:min-keyint={group}:scenecut=0:bframes={b_pictures}"
    own = "x265-params" if codec == "libx265" else "x264-params"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if codec in ("libx264", "libx265"):
            stream.options = {"preset": "ultrafast", "crf": "20", own: fixed + ":log-level=none"}
            if codec == "libx264":
                stream.options = {"preset": "ultrafast", "crf": "20", own: fixed}
        stream.codec_context.time_base = Fraction(1, 1000)
        for index, at_ms in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(numbered(first + index, size), format="bgr24")
            frame.pts, frame.time_base = at_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@contextmanager
def packets(path: Path) -> Iterator[tuple[Any, list[tuple[Any, int]]]]:
    """The stream of a film and its packets, each with the time of its picture: ms since the film's first."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        found = [packet for packet in container.demux(stream) if packet.size]
        zero = min(packet.pts for packet in found)
        yield stream, [(packet, round((packet.pts - zero) * packet.time_base * 1000)) for packet in found]


def play(ring: Ring, path: Path, begins_ms: int = BEGINS_MS, *, reopen: bool = True) -> None:
    """One connection (or, without `reopen`, more of the same) of a camera that shows a film."""
    with packets(path) as (stream, found):
        if reopen:
            ring.opened(stream)
        for packet, at_ms in found:
            ring.add(packet, begins_ms + at_ms)


def decoded(path: Path) -> list[tuple[int, np.ndarray]]:
    """Every picture of a clip with its time in ms."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [
            (round(frame.pts * stream.time_base * 1000), frame.to_ndarray(format="bgr24"))
            for frame in container.decode(stream)
        ]
