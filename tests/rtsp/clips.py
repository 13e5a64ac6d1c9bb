"""Clips to serve where no others are at hand: shapes that move on a textured ground.

Each picture has its number in bars that are read at any size: a test can tell which picture it was given.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

SIZE = (320, 180)
_BITS, _CHECK = 16, 4
# A white and a black bar for comparison, then the bits of the number and of its check sum.
_BARS = 2 + _BITS + _CHECK
# Share of the height that the bars take, at the top.
_STRIP = 0.12
_DARK, _BRIGHT = 16, 235
# Least difference of the two first bars: less is no picture of ours.
_CONTRAST = 80
# Standard deviation of a sensor's noise, 0..255, and by how many pixels it is shifted at most.
_GRAIN, _SHIFT = 4, 64
_OPTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "crf": "26"}),
    "h265": ("libx265", {"preset": "ultrafast", "crf": "28", "x265-params": "log-level=none"}),
}


def shapes(
    path: Path,
    seconds: float = 4,
    *,
    fps: float = 25,
    times_ms: Sequence[int] | None = None,
    size: tuple[int, int] = SIZE,
    codec: str = "h264",
    key_every_s: float = 1,
    b_frames: int = 0,
    first: int = 0,
    kbit_s: int = 0,
) -> Path:
    """Encode a clip.

    Parameters
    ----------
    times_ms
        When each picture is shown, for an irregular rate; else `seconds` at `fps`.
    codec
        `h264` or `h265`.
    key_every_s
        Time between key pictures, at `fps`.
    first
        The number of the first picture.
    kbit_s
        Give each picture the noise of a camera's sensor and spend so many kilobits a second on it; else there
        is no noise, and clips are small.
    """
    times = (
        list(times_ms)
        if times_ms is not None
        else [round(1000 * k / fps) for k in range(round(seconds * fps))]
    )
    encoder, options = _OPTIONS[codec]
    options = options.copy()
    options["bf"] = str(b_frames)
    if kbit_s:
        del options["crf"]
        options["maxrate"], options["bufsize"] = f"{kbit_s}k", f"{2 * kbit_s}k"
    if b_frames:
        options.pop("tune", None)
        options["preset"] = "veryfast"
    every = max(round(key_every_s * fps), 1)
    if codec == "h265":
        options["x265-params"] += (
            f":keyint={every}:min-keyint={every}:bframes={b_frames}:scenecut=0:open-gop=0"
        )
    ground = _ground(size)
    rng = np.random.default_rng(first)
    # One field of noise, shifted for each picture: to draw it anew would cost more than to encode.
    noise = (
        rng.normal(0, _GRAIN, (size[1] + _SHIFT, size[0] + _SHIFT, 3)).astype(np.int16) if kbit_s else ground
    )
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=Fraction(fps).limit_denominator(1001))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.options = dict(options)
        stream.codec_context.gop_size = every
        if kbit_s:
            stream.codec_context.bit_rate = kbit_s * 1000
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.thread_count = 1
        for index, at in enumerate(times):
            image = picture(first + index, at / 1000, ground)
            if kbit_s:
                below, right = rng.integers(0, _SHIFT, 2)
                grain = noise[below : below + size[1], right : right + size[0]]
                image = np.asarray(cv2.add(image, grain, dtype=cv2.CV_8U), np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def picture(index: int, at_s: float, ground: Image) -> Image:
    """The picture with the number `index`: a walker and a car on the ground, placed by the time."""
    image = ground.copy()
    height, width = image.shape[:2]
    walker = (int((0.1 + 0.06 * at_s) % 1 * width), int(0.7 * height))
    cv2.ellipse(image, walker, (width // 50, height // 8), 0, 0, 360, (40, 60, 170), -1)
    left = int((0.9 - 0.2 * at_s) % 1 * width)
    cv2.rectangle(
        image, (left, int(0.4 * height)), (left + width // 8, int(0.52 * height)), (180, 90, 30), -1
    )
    _draw(image, index)
    return image


def number(image: NDArray[Any]) -> int | None:
    """The number in a picture of `shapes`; None if there is none or its check sum is wrong.

    The image is uint8, shape (height, width, 3) or (height, width), of any size.
    """
    height, width = image.shape[:2]
    # The middle of the strip and of each bar: edges suffer from compression.
    strip = image[int(0.25 * _STRIP * height) : max(int(0.75 * _STRIP * height), 1)]
    edges = np.linspace(0, width, _BARS + 1)
    means = []
    for left, right in pairwise(edges):
        quarter = (right - left) / 4
        means.append(float(strip[:, int(left + quarter) : int(np.ceil(right - quarter))].mean()))
    bright, dark = means[:2]
    if bright - dark < _CONTRAST:
        return None
    bits = [mean > (bright + dark) / 2 for mean in means[2:]]
    value = int("".join("1" if bit else "0" for bit in bits[:_BITS]), 2)
    return value if bits[_BITS:] == _check(value) else None


def _draw(image: Image, index: int) -> None:
    height, width = image.shape[:2]
    value = index % (1 << _BITS)
    bars = [True, False, *(bool(value >> bit & 1) for bit in reversed(range(_BITS))), *_check(value)]
    edges = np.linspace(0, width, _BARS + 1).astype(int)
    for bar, left, right in zip(bars, edges[:-1], edges[1:], strict=True):
        image[: int(_STRIP * height), left:right] = _BRIGHT if bar else _DARK


def _check(value: int) -> list[bool]:
    total = zlib.crc32(value.to_bytes(2, "big"))
    return [bool(total >> bit & 1) for bit in range(_CHECK)]


def _ground(size: tuple[int, int]) -> Image:
    """Patches of all sizes, as streets and walls have them; always the same."""
    width, height = size
    rng = np.random.default_rng(7)
    ground = np.full((height, width), 110, np.float32)
    for cells, strength in ((4, 40), (16, 20), (64, 12)):
        patches = rng.normal(0, strength, (cells, cells)).astype(np.float32)
        ground += cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC)
    grey = np.clip(ground, 30, 200).astype(np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
