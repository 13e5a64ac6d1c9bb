"""Decoding alone and detecting alone, of the same pictures: what no watching of cameras can do without.

`python -m beffroi.capacity.alone OUT --detect JSON --seconds S CLIP...`: first every picture of all clips is
decoded with the decoder of live cameras, a picture of each clip in turn, as cameras send them: decoders that
take turns find less of theirs in the caches. Then those that are to be analysed are given to the detector, if
a gate lets them through. Nothing waits, and no other thread runs. One such process for each processor keeps
all of them as busy as they are with cameras: a processor that is alone on its memory is faster.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


class Clock:
    """Processor seconds of this process, and how often they were spent on something."""

    def __init__(self) -> None:
        self.spent_s, self.times = 0.0, 0
        self._since = 0.0

    def __enter__(self) -> None:
        self._since = time.process_time()

    def __exit__(self, *_error: object) -> None:
        self.spent_s += time.process_time() - self._since
        self.times += 1

    @property
    def each(self) -> float:
        """Seconds each time."""
        return self.spent_s / max(1, self.times)


def reel(
    clip: Path, fps: float, seconds: float, decode: Clock, image: Clock
) -> Iterator[tuple[int, Image] | None]:
    """Decodes a clip, a packet each time: media time and picture where one is to be analysed."""
    import av

    from beffroi.sources.file import Selection
    from beffroi.video.picture import Counts
    from beffroi.video.stream import Decoder

    selection = Selection(fps, None)
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        decoder = Decoder(stream, "all", Counts())
        for packet in container.demux(stream):
            at_ms = round(float((packet.pts or 0) * (packet.time_base or 0)) * 1000)
            if not packet.size or at_ms >= 1000 * seconds:
                continue
            with decode:
                found = decoder.pictures(packet)
            taken: tuple[int, Image] | None = None
            for picture in found:
                if selection.wants(at_ms):
                    with image:
                        pixels = decoder.image(picture)
                    if pixels is not None:
                        taken = at_ms, pixels
            yield taken


def decoded(clips: Sequence[Path], fps: float, seconds: float) -> dict[str, tuple[float, float]]:
    """Processor seconds of each clip for one picture: decoded, and made an array."""
    clocks = {clip: (Clock(), Clock()) for clip in clips}
    reels = [reel(clip, fps, seconds, *clocks[clip]) for clip in clips]
    while reels:
        reels = [one for one in reels if next(one, False) is not False]
    return {str(clip): (decode.each, image.each) for clip, (decode, image) in clocks.items()}


def looked(clip: Path, settings: dict[str, Any], seconds: float) -> float:
    """Processor seconds of one picture that the model looks at."""
    from beffroi.components import BuildContext, DetectorConfig
    from beffroi.frame import Frame
    from beffroi.runtime.gate import Gate

    config = DetectorConfig.parse(settings)
    detector, gate = config.build(BuildContext("alone", Path.cwd())), Gate()
    gated = bool(getattr(detector, "gated", False))
    clock, warm = Clock(), False
    for taken in reel(clip, config.fps, seconds, Clock(), Clock()):
        if taken is None or (gated and not gate.open(*taken)):
            continue
        if not warm:
            # The first call pays for buffers.
            detector.detect([Frame(*taken)])
            warm = True
        with clock:
            detector.detect([Frame(*taken)])
    detector.close()
    return clock.each


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m beffroi.capacity.alone")
    parser.add_argument("out", type=Path)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--detect", type=json.loads, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    given = parser.parse_args()
    costs = decoded(given.clips, given.detect["fps"], given.seconds)
    found = {
        clip: {"decode": decode, "image": image, "detect": looked(Path(clip), given.detect, given.seconds)}
        for clip, (decode, image) in costs.items()
    }
    given.out.write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
