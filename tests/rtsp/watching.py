"""Short clips of each kind, and what PyAV makes of a stream of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import av
from beffroi.serving.media import Clip

from .clips import number, shapes

KINDS = {"h264": "/cam1", "h265": "/cam2", "b-pictures": "/cam3", "irregular": "/cam4"}
"""What each camera of a server shows that has `kinds` for clips."""
OTHER_SIZE = (640, 360)
LENGTH_S = 0.8
"""Of a clip: short, so that every test sees the loop join up."""
KEY_EVERY_S = 0.4
_IRREGULAR_MS = [0, 40, 130, 150, 300, 310, 500, 520, 660, 700]


def kinds(folder: Path) -> list[Clip]:
    """One clip of each kind, in the order of `KINDS`; their numbers begin with 0, 100, 200 and 300."""
    paths = [
        shapes(folder / "h264.mp4", LENGTH_S, key_every_s=KEY_EVERY_S),
        shapes(folder / "h265.mp4", LENGTH_S, key_every_s=KEY_EVERY_S, codec="h265", first=100),
        shapes(folder / "b.mp4", LENGTH_S, key_every_s=KEY_EVERY_S, b_frames=2, size=OTHER_SIZE, first=200),
        shapes(folder / "irregular.mp4", times_ms=_IRREGULAR_MS, first=300),
    ]
    return [Clip.read(path) for path in paths]


class Seen:
    """What PyAV saw of a stream.

    Attributes
    ----------
    numbers, sizes, arrived
        Of each picture: its number (None if it cannot be read), width and height, when it came (monotonic).
    times_ms
        When pictures are shown; one fewer than pictures, as FFmpeg has no time for the first of a stream.
    ended
        Whether the stream ended before there were enough pictures.
    """

    def __init__(self, url: str, count: int, *, transport: str = "tcp", probe: int = 32) -> None:
        self.numbers: list[int | None] = []
        self.sizes: list[tuple[int, int]] = []
        self.arrived: list[float] = []
        self.times_ms: list[float] = []
        self.ended = False
        options = {"rtsp_transport": transport, "probesize": str(probe)}
        with av.open(url, options=options, timeout=(2, 2)) as container:
            for picture in container.decode(container.streams.video[0]):
                self.arrived.append(time.monotonic())
                self.numbers.append(number(picture.to_ndarray(format="bgr24")))
                self.sizes.append((picture.width, picture.height))
                if picture.pts is not None and picture.time_base is not None:
                    self.times_ms.append(float(picture.pts * picture.time_base * 1000))
                if len(self.numbers) == count:
                    return
        self.ended = True

    @property
    def steps_ms(self) -> list[float]:
        """Time from each picture to the next."""
        return [after - before for before, after in pairwise(self.times_ms)]


class Expected:
    """What a client sees of a looped clip from its beginning, of the kind that has this place in `KINDS`."""

    def __init__(self, clip: Clip, place: int, count: int) -> None:
        shown = sorted(unit.shown_s for unit in clip.units)
        turns = [divmod(index, len(shown)) for index in range(count)]
        self.numbers = [100 * place + index for _, index in turns]
        times = [1000 * (loop * clip.length_s + shown[index]) for loop, index in turns]
        self.steps_ms = [after - before for before, after in pairwise(times[1:])]
        self.size = clip.size


def together(watches: dict[str, Callable[[], Seen]]) -> dict[str, Seen]:
    """Watch several streams at once, by name."""
    with ThreadPoolExecutor(len(watches)) as pool:
        running = {name: pool.submit(watch) for name, watch in watches.items()}
        return {name: each.result() for name, each in running.items()}
