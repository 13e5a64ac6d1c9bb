"""What a file and a live stream have in common: what is counted, and how a picture becomes an array."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray


@dataclass(slots=True)
class Counts:
    """What happened while a video was read."""

    decoded: int = 0
    disordered: int = 0
    """Pictures left out because their time was not after that of the picture before."""
    restarts: int = 0
    """Times at which the stream's clock began again; media time went on."""
    damaged: int = 0
    """Packets that could not be decoded, and pictures with parts missing."""
    skipped: int = 0
    """Packets of a live stream left out because decoding could not keep up."""


def bgr(reformatter: VideoReformatter, picture: VideoFrame, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture scaled to `size` (width, height) as uint8 BGR, shape (height, width, 3)."""
    width, height = size
    scaled = reformatter.reformat(picture, width=width, height=height, format="bgr24", threads=1)
    return np.asarray(scaled.to_ndarray(), np.uint8)


def reason(error: Exception) -> str:
    """What a library says went wrong, without the address that PyAV puts behind it: that holds passwords."""
    return str(getattr(error, "strerror", None) or type(error).__name__)
