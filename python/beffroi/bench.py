"""What a picture costs on this machine, part by part: decoding, detector, tracker, rules, all together.

Decoding and detector are wall-clock times on the sample clip (or noise, where there is no clip). Tracker and
rules are CPU times of one thread, told apart by running the same boxes through an engine without and one
with rules, and are also given for synthetic crowds of known size. Ratios, such as the one to a fixed piece of
numpy work measured in the same run, can be compared between machines; times cannot.
"""

import json as json_text
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from beffroi._core import Engine
from beffroi.crowd import LABELS, crowd, unwatched, watched
from beffroi.errors import BeffroiError

if TYPE_CHECKING:
    from rich.table import Table

    from beffroi.components import Detector
    from beffroi.frame import Detections, Frame

MODEL = "deimv2-femto"
CLIP = "clips/street.mp4"
FPS = 5.0
LOADS = (10, 50, 100)
BATCHES = (1, 2, 4, 8, 16)
# The first pictures pay for caches, buffers and lazy imports once; they are not what a picture costs.
WARM_UP = 5

Picture = tuple[int, NDArray[np.float32], NDArray[np.float32], NDArray[np.uint16]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of one part per picture."""

    median_ms: float
    p99_ms: float
    pictures: int

    @classmethod
    def of(cls, samples: Sequence[float] | NDArray[np.float64]) -> "Cost":
        """The cost as one sample per picture shows it."""
        return cls(
            round(float(np.median(samples)), 4), round(float(np.percentile(samples, 99)), 4), len(samples)
        )


@dataclass(frozen=True, slots=True)
class BenchReport:
    """What was measured, on what, and where. Parts that were not measured are None; `notes` says why."""

    machine: str
    pictures: str
    detector: str
    parts: dict[str, Cost | None]
    """decode, detector, tracker, rules, frame (their sum, picture by picture)."""
    load_us: dict[str, dict[str, float]]
    """Objects -> median microseconds of `tracker` and `rules`: a synthetic crowd, ten zones, five lines."""
    ratios: dict[str, float]
    notes: tuple[str, ...] = ()
    throughput: dict[str, float] = field(default_factory=dict)
    """Pictures of as many cameras at once -> pictures a second, without decoding and without tiles."""

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return asdict(self)

    def table(self) -> "Table":
        """A table for a terminal."""
        from rich.table import Table

        title = f"{self.machine}\n{self.pictures}\n{self.detector}"
        caption = "\n".join([*(f"{name}: {value:.4g}" for name, value in self.ratios.items()), *self.notes])
        table = Table(
            title=title, title_justify="left", caption=caption, caption_justify="left", min_width=60
        )
        table.add_column("part")
        for name in ("median ms", "p99 ms"):
            table.add_column(name, justify="right")
        for part, cost in self.parts.items():
            cells = ("not measured", "") if cost is None else (f"{cost.median_ms:.3f}", f"{cost.p99_ms:.3f}")
            table.add_row(part, *cells)
        for objects, costs in self.load_us.items():
            table.add_section()
            for part, median in costs.items():
                table.add_row(f"{part}, {objects} objects", f"{median / 1000:.3f}", "")
        if self.throughput:
            table.add_section()
        for cameras, rate in self.throughput.items():
            table.add_row(f"detector, batch of {cameras}", f"{rate:.1f} pictures/s", "")
        return table


def bench(
    *,
    model: str | None = None,
    clip: Path | None = None,
    seconds: float = 10,
    device: str = "auto",
    json: bool = False,
) -> BenchReport:
    """Measure.

    Parameters
    ----------
    model
        Detector model; by default the one that a site uses by default, if its weights are here.
    clip
        Video file; by default the sample clip, if it is here.
    seconds
        How long to feed the detector.
    device
        Where the detector runs: ``auto``, ``cpu`` or ``cuda``.
    json
        Whether the figures are for a program: then nothing is said on standard error meanwhile.

    Raises
    ------
    BeffroiError
        If the model, the device or the clip that was asked for cannot be used.
    """
    say = _silent if json else _say
    notes: list[str] = []
    with ExitStack() as open_things:
        detector = _detector(model, device, notes)
        if detector is not None:
            open_things.enter_context(closing(detector))
        size, frames, pictures_name = _frames(clip, notes, open_things)
        say(f"{pictures_name}: {'decoding only' if detector is None else detector.name}, {seconds:g} s")
        decode_ms, detect_ms, found = _feed(frames, detector, seconds)
    labels = LABELS if detector is None else detector.labels
    if detector is None:
        notes.append("tracker and rules were measured on a synthetic crowd of 50")
        boxes = crowd(50, max(len(decode_ms), 200), seed=50).pictures()
    else:
        boxes = found
    aspect = size[0] / size[1]
    say("tracker and rules")
    plain = _step_us({**unwatched(labels), "aspect": aspect}, boxes) / 1000
    ruled = _step_us({**watched(labels), "aspect": aspect}, boxes) / 1000
    parts: dict[str, Cost | None] = {
        "decode": Cost.of(decode_ms) if decode_ms else None,
        "detector": Cost.of(detect_ms) if detect_ms else None,
        "tracker": Cost.of(plain),
        "rules": Cost.of(np.maximum(ruled - plain, 0.0)),
        "frame": None,
    }
    if decode_ms and detect_ms:
        parts["frame"] = Cost.of(np.array(decode_ms) + np.array(detect_ms) + ruled)
    say("cameras at once")
    throughput = {} if detector is None else _throughput(model, device, size)
    say("synthetic crowds")
    load = {str(n): _load(n) for n in LOADS}
    return BenchReport(
        machine=machine(),
        pictures=f"{pictures_name}, {size[0]}x{size[1]}, {len(boxes)} pictures, {FPS:g} a second",
        detector="no detector"
        if detector is None
        else f"{detector.name} {detector.version} on {detector.provider}",
        parts=parts,
        load_us=load,
        ratios=_ratios(load, parts),
        notes=tuple(notes),
        throughput=throughput,
    )


def machine() -> str:
    """The processor's own name, and how many of its cores this process may use."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        fields = (line.partition(":") for line in cpuinfo.read_text(encoding="utf-8").splitlines())
        name = next((value.strip() for key, _, value in fields if key.strip() == "model name"), name)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{name}, {cores} cores, {platform.system()} {platform.machine()}"


def reference_us() -> float:
    """A fixed piece of numpy work: the overlaps of each of 100 boxes with each of 100, in microseconds."""
    boxes = crowd(100, 1, seed=1, misses=0).xyxy[:80].astype(np.float64)

    def overlaps() -> None:
        low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
        high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
        common = np.clip(high - low, 0, None).prod(axis=2)
        area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        common / (area[:, None] + area[None, :] - common)

    samples = []
    for _ in range(200):
        begin = time.thread_time_ns()
        overlaps()
        samples.append((time.thread_time_ns() - begin) / 1000)
    return float(np.median(samples))


def step_us(scene: dict[str, Any], objects: int, pictures: int = 300) -> float:
    """Median CPU time of `Engine.step` for a synthetic crowd, in microseconds of one thread."""
    return float(np.median(_step_us(scene, _crowd(objects, pictures))))


@cache
def _crowd(objects: int, pictures: int) -> list[Picture]:
    return crowd(objects, pictures, seed=objects).pictures()


def _step_us(scene: dict[str, Any], pictures: Sequence[Picture], repeats: int = 5) -> NDArray[np.float64]:
    """CPU time of each step: the median over several engines that get the same pictures."""
    text = json_text.dumps(scene)
    runs = []
    for _ in range(repeats):
        engine = Engine(text)
        run = []
        for picture in pictures:
            begin = time.thread_time_ns()
            engine.step(*picture)
            run.append((time.thread_time_ns() - begin) / 1000)
        runs.append(run)
    return np.asarray(np.median(runs, axis=0), dtype=np.float64)


def _load(objects: int) -> dict[str, float]:
    plain, ruled = step_us(unwatched(), objects), step_us(watched(), objects)
    return {"tracker": round(plain, 2), "rules": round(max(ruled - plain, 0.0), 2)}


def _ratios(load: dict[str, dict[str, float]], parts: dict[str, Cost | None]) -> dict[str, float]:
    whole = {objects: sum(costs.values()) for objects, costs in load.items()}
    ratios = {
        "step of 50 objects / numpy overlaps": whole["50"] / reference_us(),
        "step of 100 objects / step of 50": whole["100"] / whole["50"],
        "rules / tracker, 50 objects": load["50"]["rules"] / load["50"]["tracker"],
    }
    if (frame := parts["frame"]) and (tracker := parts["tracker"]) and (rules := parts["rules"]):
        ratios["tracker and rules / whole frame"] = (tracker.median_ms + rules.median_ms) / frame.median_ms
    return {name: round(value, 4) for name, value in ratios.items()}


def _build(model: str | None, **settings: str) -> "Detector":
    from beffroi.components import BuildContext, DetectorConfig

    config = DetectorConfig.parse({"type": "onnx", "model": model or MODEL, **settings})
    return config.build(BuildContext(camera="bench", folder=Path.cwd()))


def _detector(model: str | None, device: str, notes: list[str]) -> "Detector | None":
    from pydantic import ValidationError

    try:
        return _build(model, device=device)
    except ValidationError as error:
        raise BeffroiError(f"{model or MODEL}: {error.errors()[0]['msg']}") from error
    except BeffroiError as error:
        if model is not None or device != "auto":
            raise
        notes.append(f"detector not measured: {str(error).splitlines()[0]}")
        return None


def _throughput(model: str | None, device: str, size: tuple[int, int]) -> dict[str, float]:
    """Pictures a second, by how many cameras are looked at in one call; wall-clock time, median of calls."""
    from beffroi.detectors._detector import OnnxDetector

    cameras = [_build(model, device=device, tiles="off") for _ in range(BATCHES[-1])]
    detectors = [each for each in cameras if isinstance(each, OnnxDetector)]
    frames = list(islice(_noise(size), len(detectors)))
    rates = {}
    for count in BATCHES:
        samples = []
        for _ in range(max(3, 2 * BATCHES[-1] // count)):
            begin = time.perf_counter()
            OnnxDetector.together(detectors[:count], frames[:count])
            samples.append(time.perf_counter() - begin)
        rates[str(count)] = round(count / float(np.median(samples)), 2)
    return rates


def _frames(
    clip: Path | None, notes: list[str], open_things: ExitStack
) -> tuple[tuple[int, int], Iterator["Frame"], str]:
    from beffroi.assets import locate
    from beffroi.components import BuildContext, SourceConfig

    if clip is None:
        try:
            clip = locate(CLIP)
        except BeffroiError as error:
            notes.append(f"decoding not measured: {str(error).splitlines()[0]}")
            return (1280, 720), _noise((1280, 720)), "noise"
    settings = SourceConfig.parse({"type": "file", "path": str(clip.absolute())})
    source = open_things.enter_context(
        closing(settings.build(BuildContext(camera="bench", folder=Path.cwd()), FPS))
    )
    return source.size, source.frames(), clip.name


def _noise(size: tuple[int, int]) -> Iterator["Frame"]:
    """Pictures of nothing: what a detector takes hardly depends on what it sees."""
    from beffroi.frame import Frame

    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8) for _ in range(4)]
    for i in range(100_000):
        yield Frame(at_ms=round(i * 1000 / FPS), image=images[i % 4])


def _feed(
    frames: Iterator["Frame"], detector: "Detector | None", seconds: float
) -> tuple[list[float], list[float], list[Picture]]:
    """Milliseconds to get each picture and to find its boxes, and the boxes; without those to warm up."""
    decode_ms: list[float] = []
    detect_ms: list[float] = []
    boxes: list[Picture] = []
    seen = 0
    end = time.perf_counter() + seconds
    while True:
        begin = time.perf_counter()
        frame = next(frames, None)
        decoded = time.perf_counter()
        if frame is None or (decoded > end and seen > WARM_UP + 1):
            break
        found = None if detector is None else detector.detect([frame])[0]
        detected = time.perf_counter()
        seen += 1
        if seen <= WARM_UP:
            continue
        decode_ms.append(1000 * (decoded - begin))
        if found is not None:
            detect_ms.append(1000 * (detected - decoded))
            boxes.append(_picture(frame.at_ms, found))
        elif len(decode_ms) == 200:
            break
    if not decode_ms:
        raise BeffroiError(f"the clip has no more than {seen} pictures to analyse; take a longer one")
    return decode_ms, detect_ms, boxes


def _picture(at_ms: int, found: "Detections") -> Picture:
    return at_ms, found.xyxy, found.score, found.class_id


def _say(text: str) -> None:
    sys.stderr.write(f"{text} ...\n")


def _silent(_text: str) -> None:
    pass
