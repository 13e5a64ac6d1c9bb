"""Films for tests: real encoded files with a white square that moves by a known amount."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from beffroi.components import BuildContext

SIZE = (160, 120)


def context(folder: Path) -> BuildContext:
    return BuildContext("gate", folder)


def picture(index: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Grey noise, so that files have some length, with a bright square whose left edge is at 2 * index."""
    width, height = size
    noise = np.random.default_rng(index).integers(40, 90, (height, width, 3), dtype=np.uint8)
    left = 2 * index % (width - 20)
    noise[10:30, left : left + 20] = 250
    return noise


def left_edge(image: np.ndarray) -> float:
    """Where the square of `picture` begins, in pixels."""
    bright = np.flatnonzero(image[14:26].mean(axis=(0, 2)) > 170)
    return float(bright[0]) if len(bright) else -1.0


def film(
    path: Path,
    count: int = 50,
    *,
    fps: float = 25,
    times_ms: Sequence[int] | None = None,
    size: tuple[int, int] = SIZE,
    rotation: int = 0,
    sound: bool = False,
    options: dict[str, str] | None = None,
) -> Path:
    """Encode `count` pictures at `fps`, or at `times_ms`."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "18"}
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        voice = container.add_stream("aac", rate=44100) if sound else None
        if voice is not None:
            tone = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), format="fltp", layout="mono")
            tone.sample_rate = 44100
            container.mux(voice.encode(tone))
        for index in range(count if times_ms is None else len(times_ms)):
            frame = av.VideoFrame.from_ndarray(picture(index, size), format="bgr24")
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[index], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if voice is not None:
            container.mux(voice.encode())
    return path
