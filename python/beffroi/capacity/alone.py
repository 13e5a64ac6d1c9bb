"""Decoding alone and detecting alone, of the same pictures: what no watching of cameras can do without.

`python -m beffroi.capacity.alone OUT --detect JSON --seconds S CLIP...` reads each clip for so long, decodes
every picture with the decoder of live cameras, and gives those that are to be analysed to the detector, if a
gate lets them through. Nothing waits, and no other thread runs. One such process for each processor keeps all
of them as busy as they are with cameras: a processor that is alone on its memory is faster.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any


def measured(clip: Path, detect: dict[str, Any], seconds: float) -> dict[str, float]:
    """Processor seconds for one picture of a clip: decoded, made an array, looked at by the model."""
    import av

    from beffroi.components import BuildContext, DetectorConfig
    from beffroi.frame import Frame
    from beffroi.runtime.gate import Gate
    from beffroi.sources.file import Selection
    from beffroi.video.picture import Counts
    from beffroi.video.stream import Decoder

    config = DetectorConfig.parse(detect)
    detector, gate = config.build(BuildContext("alone", Path.cwd())), Gate()
    gated = bool(getattr(detector, "gated", False))
    selection = Selection(config.fps, None)
    spent = {"decode": 0.0, "image": 0.0, "detect": 0.0}
    count = {"decode": 0, "image": 0, "detect": 0}

    def note(part: str, before: float) -> None:
        spent[part] += time.process_time() - before
        count[part] += 1

    warm = False
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        decoder = Decoder(stream, "all", Counts())
        for packet in container.demux(stream):
            if not packet.size:
                continue
            at_ms = round(float((packet.pts or 0) * (packet.time_base or 0)) * 1000)
            if at_ms >= 1000 * seconds:
                break
            before = time.process_time()
            found = decoder.pictures(packet)
            note("decode", before)
            for picture in found:
                if not selection.wants(at_ms):
                    continue
                before = time.process_time()
                image = decoder.image(picture)
                if image is None:
                    continue
                frame = Frame(at_ms, image)
                note("image", before)
                if gated and not gate.open(at_ms, frame.image):
                    continue
                before = time.process_time()
                detector.detect([frame])
                if warm:
                    note("detect", before)
                # The first call pays for buffers.
                warm = True
    detector.close()
    return {part: spent[part] / max(1, count[part]) for part in spent} | {"pictures": float(count["decode"])}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m beffroi.capacity.alone")
    parser.add_argument("out", type=Path)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--detect", type=json.loads, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    given = parser.parse_args()
    found = {str(clip): measured(clip, given.detect, given.seconds) for clip in given.clips}
    given.out.write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
