"""What happens around the default model, what onnxruntime's settings change, how cameras share a processor.

``python -m benches.detecting`` prints the CPU milliseconds of each step on a picture of 1280 x 720, and of
the model with one setting changed, in turns. ``--threads`` prints whether two threads do more on two pictures
side by side or on one after the other; only CPU time says so on a machine that others use, because there more
threads get more of it. ``--tiles MOST`` prints how often the model runs for a picture with `tiles: auto`,
clip by clip.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import cv2
import numpy as np
from beffroi import assets
from beffroi.components import BuildContext, DetectorConfig
from beffroi.detectors import _session
from beffroi.detectors._decoders import DECODERS, Preparation
from beffroi.detectors._layout import kept_in_layout
from beffroi.detectors.onnx import DEFAULT_MODEL
from beffroi.manifest import shipped

from benches.kept import pictures


def cpu_ms(work: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds of CPU time of all threads that `work` takes, and its result."""
    begin = time.process_time_ns()
    result = work()
    return (time.process_time_ns() - begin) / 1e6, result


def parts(runs: int = 60) -> None:
    """Print what happens around the model, on a picture of 1280 x 720."""
    manifest = shipped()[DEFAULT_MODEL]
    preparation, (width, height) = Preparation(manifest), manifest.input.size
    path = assets.locate("clips/tilting-camera.mp4")
    from beffroi.video import VideoFile

    video = VideoFile(path)
    picture = next(picture for _, picture in video.pictures())
    image, small = video.image(picture), np.empty((height, width, 3), np.uint8)
    fitted = cv2.resize(image, (width, height))
    works: dict[str, Callable[[], Any]] = {
        "decoded picture to BGR, whole": lambda: video.image(picture),
        "decoded picture to BGR, at the model's size": lambda: picture.reformat(
            width=width, height=height, format="bgr24"
        ).to_ndarray(),
        "input from the whole picture": lambda: preparation.tensor([image]),
        "input from one at the model's size": lambda: preparation.tensor([fitted]),
        "scaling alone, linear": lambda: cv2.resize(
            image, (width, height), dst=small, interpolation=cv2.INTER_LINEAR
        ),
        "scaling alone, by area": lambda: cv2.resize(
            image, (width, height), dst=small, interpolation=cv2.INTER_AREA
        ),
    }
    for name, work in works.items():
        print(f"{name:46}{median(cpu_ms(work)[0] for _ in range(runs)):8.3f} ms")
    look = DetectorConfig.parse({"threads": 1, "tiles": "off"}).build(BuildContext("bench", path.parent))
    tensor, extents = preparation.tensor([image]), [(width, height)]
    session = look._session  # type: ignore[attr-defined]
    raw = session.run(tensor, extents)[0]
    after = median(cpu_ms(lambda: look._finished(look._selection.distinct(raw), []))[0] for _ in range(runs))  # type: ignore[attr-defined]
    print(f"{'boxes from the output':46}{after:8.3f} ms")
    options: dict[str, Callable[[Any], None]] = {
        "as beffroi runs it": lambda _: None,
        "denormals as zero": lambda each: each.add_session_config_entry("session.set_denormal_as_zero", "1"),
        "no memory arena": lambda each: setattr(each, "enable_cpu_mem_arena", False),
        "no memory pattern": lambda each: setattr(each, "enable_mem_pattern", False),
        "fewer graph optimisations (extended)": lambda each: setattr(
            each, "graph_optimization_level", _session._onnxruntime().GraphOptimizationLevel(2)
        ),
    }
    runtime, data = _session._onnxruntime(), kept_in_layout(assets.locate(manifest.file).read_bytes())[0]
    sessions = {}
    for name, change in options.items():
        given = _session._options(runtime, 1)
        change(given)
        sessions[name] = runtime.InferenceSession(data, given, providers=[_session.CPU])
    inputs = DECODERS[manifest.decoder][0](tensor)
    bound = _session.Bound(sessions["as beffroi runs it"], "cpu", session._outputs)
    works = {name: lambda each=each: each.run(None, inputs) for name, each in sessions.items()}
    works["buffers that stay (IOBinding)"] = lambda: bound.run(inputs)
    turns = [{name: cpu_ms(work)[0] for name, work in works.items()} for _ in range(runs)]
    for name in works:
        ratio = median(turn[name] / turn["as beffroi runs it"] for turn in turns)
        took = median(turn[name] for turn in turns)
        print(f"{'the model, ' + name:46}{took:8.3f} ms, {ratio:.3f} of the first")


def threads(runs: int = 15, pictures: int = 20) -> None:
    """Print whether two threads do more on two pictures side by side or on one after the other."""
    manifest = shipped()[DEFAULT_MODEL]
    width, height = manifest.input.size
    tensor = np.random.default_rng(0).random((1, 3, height, width), np.float32)
    path = assets.locate(manifest.file)
    sessions = {count: _session.load(path, manifest, "cpu", count) for count in (1, 2)}

    def run(at_once: int, each: int) -> tuple[float, float]:
        def work() -> None:
            for _ in range(pictures // at_once):
                sessions[each].run(tensor, [(width, height)])

        begin, wall = time.process_time(), time.perf_counter()
        workers = [threading.Thread(target=work) for _ in range(at_once)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        cost = 1000 / pictures
        return (time.process_time() - begin) * cost, (time.perf_counter() - wall) * cost

    ways = {(1, 1): [], (2, 1): [], (1, 2): [], (2, 2): []}  # type: dict[tuple[int, int], list[Any]]
    for _ in range(runs):
        for way, took in ways.items():
            took.append(run(*way))
    base = ways[2, 1]
    for (at_once, each), took in ways.items():
        cpu = median(a[0] / b[0] for a, b in zip(took, base, strict=True))
        wall = median(a[1] / b[1] for a, b in zip(took, base, strict=True))
        print(
            f"{at_once} at a time, {each} threads each: {median(a[0] for a in took):6.2f} ms CPU, "
            f"{median(a[1] for a in took):6.2f} ms wall; {cpu:.3f} and {wall:.3f} of 2 at a time, 1 each"
        )


def tiles(most: int, fps: float = 4) -> None:
    """Print how many times the default model runs for each picture."""
    total = np.zeros(2, int)
    for path in sorted(assets.locate("clips").glob("*.mp4")):
        settings = {"tiles": "auto", "most_tiles": most}
        look = DetectorConfig.parse(settings).build(BuildContext("bench", path.parent))
        real, views = look._run, []  # type: ignore[attr-defined]

        def run(images: list[Any], real: Any = real, views: list[int] = views) -> Any:
            views.append(len(images))
            return real(images)

        look._run = run  # type: ignore[attr-defined]
        count = sum(len(look.detect([frame])) for frame in pictures(path, fps))
        print(f"{path.stem:20}{sum(views) / max(count, 1):6.2f} runs a picture", flush=True)
        total += sum(views), count
    print(f"{'all':20}{total[0] / total[1]:6.2f} runs a picture")


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", action="store_true")
    parser.add_argument("--tiles", type=int, metavar="MOST", help="with `most_tiles: MOST`")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.threads:
        threads()
    if options.tiles:
        tiles(options.tiles)
    if not (options.threads or options.tiles):
        parts()


if __name__ == "__main__":
    main()
