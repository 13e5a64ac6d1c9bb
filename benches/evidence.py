"""What evidence costs: keeping a stream, and writing a clip of 20 s from it.

``python -m benches.evidence`` prints, for cameras of several sizes at 25 pictures a second: the milliseconds
that a second of stream takes to be kept, the milliseconds for a clip as it came (and how long on the clock,
with the disk), and the seconds for its blurred rendition. CPU time of one thread, the best of several runs.
``--clip FILE`` takes a recording instead.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from beffroi.evidence.draft import whole
from beffroi.evidence.remux import remux
from beffroi.evidence.rendition import render
from beffroi.evidence.ring import Ring
from beffroi.evidence.sightings import Hidden, Sightings
from beffroi.frame import Detections

SIZES = ((704, 576), (1280, 720), (1920, 1080))
FPS, LOOKS_A_SECOND, SECONDS = 25, 5, 20
PEOPLE = 8


def film(path: Path, size: tuple[int, int]) -> Path:
    """A place with noise through which blocks move; x264 at 4 Mbit/s, a key picture every 2 s."""
    random = np.random.default_rng(1)
    width, height = size
    coarse = random.integers(40, 200, (height // 16, width // 16, 3), dtype=np.uint8)
    place = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR).astype(np.int16)
    noise = [random.normal(0, 4, (height, width, 3)).astype(np.int16) for _ in range(3)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = 4_000_000
        stream.options = {"preset": "ultrafast", "g": str(2 * FPS)}
        for index in range((SECONDS + 4) * FPS):
            picture = np.clip(place + noise[index % 3], 0, 255).astype(np.uint8)
            for person in range(PEOPLE):
                left = (7 * index + 200 * person) % (width - 60)
                picture[height // 4 : height // 2, left : left + 60] = 30 * person
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    return path


def boxes() -> Hidden:
    """People who walk through the picture, looked at five times a second."""
    seen = Sightings(SECONDS + 4)
    for at_ms in range(0, (SECONDS + 4) * 1000, 1000 // LOOKS_A_SECOND):
        left = (np.arange(PEOPLE) / PEOPLE + at_ms / 20_000) % 0.9
        xyxy = np.stack([left, left * 0 + 0.3, left + 0.06, left * 0 + 0.6], axis=1).astype(np.float32)
        found = Detections(xyxy, np.full(PEOPLE, 0.8, np.float32), np.zeros(PEOPLE, np.uint16))
        seen.add(at_ms, found, ("person",))
    return Hidden(seen.between(0, (SECONDS + 4) * 1000))


def best(runs: int, work: Callable[[], None]) -> tuple[float, float]:
    """CPU and wall seconds of the run that took the least CPU time."""
    taken = []
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.thread_time()
        work()
        taken.append((time.thread_time() - cpu, time.perf_counter() - wall))
    return min(taken)


def costs(name: str, path: Path, runs: int) -> str:
    """One line of the table."""
    with av.open(str(path)) as container, tempfile.TemporaryDirectory() as folder:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        unit = stream.time_base or Fraction(1, 1000)
        times = [round((packet.pts - packets[0].pts) * unit * 1000) for packet in packets]

        def keep() -> None:
            nonlocal ring
            ring = Ring(SECONDS + 30, 200 * 10**6)
            ring.opened(stream)
            for packet, at_ms in zip(packets, times, strict=True):
                ring.add(packet, at_ms)

        ring = Ring(1, 1)
        kept, _ = best(runs, keep)
        ends_ms = min(max(times), SECONDS * 1000)
        stretches = ring.cut(0, ends_ms)
        hidden = boxes()

        def write() -> None:
            with whole(Path(folder) / "clip.mp4") as file:
                remux(file, stretches[0])

        def blurred() -> None:
            with whole(Path(folder) / "blurred.mp4") as file:
                render(file, stretches, (0, ends_ms), hidden, ())

        written, waited = best(runs, write)
        rendered, _ = best(runs, blurred)
        sizes = [(Path(folder) / each).stat().st_size / 1e6 for each in ("clip.mp4", "blurred.mp4")]
        a_second = kept * 1000 / (max(times) / 1000)
        return (
            f"{name:24}{a_second:>12.2f}{written * 1000:>12.1f}{waited * 1000:>12.1f}{rendered:>12.2f}"
            f"{sizes[0]:>10.1f}{sizes[1]:>10.1f}"
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--clip", type=Path, action="append", default=[])
    options = parser.parse_args()
    cv2.setNumThreads(1)
    heads = ("keep ms/s", "clip ms", "on clock", "blurred s", "clip MB", "blurred")
    print(
        f"{'a clip of 20 s':24}" + "".join(f"{head:>{12 if i < 4 else 10}}" for i, head in enumerate(heads))
    )
    with tempfile.TemporaryDirectory() as folder:
        films = options.clip or [film(Path(folder) / f"{w}x{h}.mp4", (w, h)) for w, h in SIZES]
        for path in films:
            print(costs(path.stem, path, options.runs), flush=True)


if __name__ == "__main__":
    main()
