"""What the gate saves and what it costs, on clips.

``python -m benches.gate --keep FOLDER`` looks at every clip at four pictures a second, with the default model
on the whole picture, and prints for each: how many pictures the gate keeps back (`shut`), the sure boxes of
all pictures and of those, how many of the latter are `missed` by the boxes handed out again (none with half
of it in common), and how many are handed out that are `gone`. `unsteady` are boxes that the detector itself
has not in the picture before: what the gate is compared with. Then how much is kept back of streets where
nothing moves, through a camera's encoder, and the gate's own cost on 1280 x 720.

``--alarms TRUTH`` also runs the cases of a truth file with and without the gate, with the default detector.
Boxes are kept in FOLDER, so that a second run detects nothing.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import av
import cv2
import numpy as np
from beffroi import assets
from beffroi.components import BuildContext, DetectorConfig
from beffroi.detectors._boxes import overlap
from beffroi.evaluate import truth as truths
from beffroi.evaluate.alarms import AlarmReport, judge
from beffroi.evaluate.score import Score
from beffroi.frame import Detections
from beffroi.runtime.gate import Gate

from benches.kept import Kept, KeptConfig, pictures

FPS = 4.0
SURE = 0.5
SAME = 0.5
ALARM_FPS = 5.0
assert KeptConfig  # registers the type `kept`


@dataclass
class Told:
    """What the gate did on one clip, or on all."""

    pictures: int = 0
    shut: int = 0
    boxes: int = 0
    boxes_shut: int = 0
    missed: int = 0
    gone: int = 0
    unsteady: int = 0

    def __add__(self, other: Told) -> Told:
        return Told(*(a + b for a, b in zip(self.row(), other.row(), strict=True)))

    def row(self) -> tuple[int, ...]:
        """The figures in their order."""
        return (
            self.pictures,
            self.shut,
            self.boxes,
            self.boxes_shut,
            self.missed,
            self.gone,
            self.unsteady,
        )

    def line(self, name: str) -> str:
        """One line of the table."""
        kept = self.shut / max(self.pictures, 1)
        return f"{name:20}{self.pictures:9}{kept:8.0%}" + "".join(f"{each:11}" for each in self.row()[2:])


def absent(boxes: Detections, others: Detections) -> int:
    """How many of the sure ones in `boxes` have no like in `others`."""
    sure = boxes.xyxy[boxes.score >= SURE]
    if not len(others) or not len(sure):
        return len(sure)
    return int((overlap(sure, others.xyxy).max(axis=1) < SAME).sum())


def watch(path: Path, keep: Path) -> Told:
    """The gate over one clip."""
    config = {"type": "onnx", "tiles": "off", "threads": 1}
    inner = DetectorConfig.parse(config).build(BuildContext("bench", path.parent))
    detector = Kept(inner, keep / f"whole-{inner.version}-{path.stem}-{FPS:g}.pickle")
    gate, told = Gate(), Told()
    handed = before = Detections.empty()
    for frame in pictures(path, FPS):
        found = detector.found(frame)
        sure = int((found.score >= SURE).sum())
        told += Told(pictures=1, boxes=sure)
        if gate.open(frame.at_ms, frame.image):
            handed = found
        else:
            told += Told(0, 1, 0, sure, absent(found, handed), absent(handed, found), absent(found, before))
        before = found
    detector.close()
    return told


def cost_ms(runs: int = 200) -> float:
    """Median milliseconds that the gate itself takes for a picture of 1280 x 720, CPU time of one thread."""
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (720, 1280, 3), dtype=np.uint8) for _ in range(8)]
    gate, costs = Gate(), []
    for index in range(runs):
        begin = time.thread_time_ns()
        gate.open(index * 250, images[index % 8])
        costs.append((time.thread_time_ns() - begin) / 1e6)
    return median(costs[10:])


def still(path: Path, folder: Path) -> float:
    """Share of the pictures of a still picture, through H.264 with noise before it, that the gate keeps back.

    20 s at 25 pictures a second, 300 kbit/s, a key picture every two seconds; looked at four times a second,
    the first 5 s left out.
    """
    image = cv2.resize(cv2.imread(str(path)), (640, 360)).astype(np.float32)
    grain = np.random.default_rng(0).normal(0, 5, (13, *image.shape)).astype(np.float32)
    with av.open(str(folder / "still.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        stream.bit_rate, stream.gop_size = 300_000, 50
        stream.options = {"preset": "ultrafast", "sc_threshold": "0"}
        for index in range(500):
            picture = np.clip(image + grain[index * 5 % 13], 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    gate = Gate()
    opened = [gate.open(frame.at_ms, frame.image) for frame in pictures(folder / "still.mp4", FPS)]
    return 1 - float(np.mean(opened[round(5 * FPS) :]))


def stills(count: int) -> None:
    """Print how many pictures are kept back where nothing moves at all."""
    paths = sorted(assets.locate("stills").rglob("*.jpg"))
    with TemporaryDirectory() as folder:
        shares = [still(path, Path(folder)) for path in paths[:: len(paths) // count][:count]]
    print(
        f"{count} streets where nothing moves, 300 kbit/s: {min(shares):.0%} to {max(shares):.0%} kept back"
    )


def alarms(truth: Path, keep: Path, gated: bool) -> AlarmReport:
    """The cases of a truth file, with or without the gate, without clips that name a detector."""
    clips = []
    for clip in truths.load(truth):
        if clip.file is None or clip.detect is not None:
            continue
        kept = keep / f"alarms-{Path(clip.file).stem}-{ALARM_FPS:g}.pickle"
        detect = {"type": "kept", "inner": {"type": "onnx", "threads": 1}, "keep": str(kept)}
        clips.append(clip.model_copy(update={"detect": {**detect, "fps": ALARM_FPS, "gate": gated}}))
    return judge(clips, truth.parent)


def compare(truth: Path, keep: Path) -> None:
    """Print the scores without and with the gate, and every case that differs."""
    reports = {name: alarms(truth, keep, name == "on") for name in ("off", "on")}
    for name, report in reports.items():
        one = report.overall
        print(f"gate {name:4} tp {one.tp} fp {one.fp} fn {one.fn}, {len(report.skipped)} cases not judged")
    for off, on in zip(reports["off"].results, reports["on"].results, strict=True):
        said = [[each.started_ms / 1000 for each in one.incidents] for one in (off, on)]
        if said != [said[0], said[0]] or off.counted != on.counted:
            print(f"  {off.clip.name}, {off.case.name}: {tell(off.score, said[0], off.counted)}")
            print(f"      with the gate: {tell(on.score, said[1], on.counted)}")


def tell(score: Score, starts: list[float], counted: int | None) -> str:
    """One case in words."""
    what = f"counted {counted}" if counted is not None else ", ".join(f"{start:.1f}" for start in starts)
    return f"{'passed' if score.passed else 'failed'}, {what or 'no alert'}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True, help="folder for boxes")
    parser.add_argument("--clips", type=Path, help="folder of clips; those of the assets if left out")
    parser.add_argument("--alarms", type=Path, help="truth file")
    parser.add_argument("--stills", type=int, default=12, help="how many still pictures")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    folder = options.clips or assets.locate("clips")
    names = ("boxes", "in shut", "missed", "gone", "unsteady")
    print(f"{'clip':20}{'pictures':>9}{'shut':>8}" + "".join(f"{name:>11}" for name in names))
    total = Told()
    for path in sorted(folder.glob("*.mp4")):
        told = watch(path, options.keep)
        print(told.line(path.stem), flush=True)
        total += told
    print(total.line("all"))
    stills(options.stills)
    print(f"the gate itself: {cost_ms():.3f} ms a picture of 1280 x 720")
    if options.alarms:
        compare(options.alarms, options.keep)


if __name__ == "__main__":
    main()
