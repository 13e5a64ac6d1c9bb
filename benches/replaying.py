"""A day of ten cameras through changed rules: how long does it take, and where does the time go?

``python -m benches.replaying`` writes ten synthetic recordings of 24 hours at five pictures a second, five
boxes a picture on average (``.boxes``; once, kept in ``--folder``), and replays them through changed rules as
`beffroi replay --against` does: by `beffroi.backtest.play`, on all cores, read from the disk. It prints
seconds, pictures a second, microseconds a picture and core, and peak memory; then the same for a sweep of
twelve values; then the shares of one camera on one core. The exit code is 1 if all of it takes longer than
30 seconds; less (``--hours``, ``--cameras``) is only measured.

The cache of the system is not emptied: half a gigabyte that was just written is still in it. ``--cold`` drops
what it holds of these files first, as far as the system allows.
"""

import argparse
import json
import os
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from beffroi import Engine
from beffroi.backtest import Setting, play, sweep
from beffroi.bench import machine
from beffroi.config.site import Site
from beffroi.recording import read_parts

from .replaying_days import DAY_S, FPS, LABELS, SIZE, STEP_MS, record

MOST_S = 30.0
CAMERAS = 10


def rules(after: str) -> list[dict[str, Any]]:
    """What a town watches a street for; `after` is what will be changed."""
    return [
        {"name": "loiters", "type": "loitering", "zone": "pavement", "after": after},
        {"name": "at the gate", "type": "intrusion", "zone": "gate", "after": "20s"},
        {"name": "stands", "type": "stopped_vehicle", "zone": "road", "after": "1min"},
        {"name": "crowd", "type": "gathering", "zone": "pavement", "at_least": 4},
        {"name": "wrong way", "type": "wrong_way", "route": "east"},
        {"name": "total", "type": "line_count", "line": "middle"},
    ]


def street(cameras: list[str], after: str) -> Site:
    """The site of all cameras."""
    view = {
        "zones": {
            "pavement": [[0.02, 0.35], [0.98, 0.35], [0.98, 0.6], [0.02, 0.6]],
            "road": [[0.02, 0.6], [0.98, 0.6], [0.98, 0.97], [0.02, 0.97]],
            "gate": [[0.4, 0.4], [0.6, 0.4], [0.6, 0.9], [0.4, 0.9]],
        },
        "lines": {"middle": [[0.5, 0.2], [0.5, 1.0]]},
        "routes": {"east": [[0.0, 0.8], [1.0, 0.8]]},
        "rules": rules(after),
    }
    camera = {"source": {"type": "simulated"}, "detect": {"type": "simulated"}, "views": {"day": view}}
    settings = {
        "site": {"name": "street", "timezone": "Europe/Paris", "mode": "evaluation"},
        "cameras": dict.fromkeys(cameras, camera),
    }
    return Site.model_validate(settings)


def recordings(folder: Path, cameras: list[str], hours: float) -> tuple[list[Path], float]:
    """The recordings, written if they are not there; and the seconds that each of them took."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}-{hours:g}h.boxes" for name in cameras]
    todo = [(path, name, seed) for seed, (path, name) in enumerate(zip(paths, cameras, strict=True))]
    todo = [each for each in todo if not each[0].exists()]
    begin = time.perf_counter()
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(record, *zip(*todo, strict=True), [hours] * len(todo)) if todo else ())
    return paths, (time.perf_counter() - begin) / max(1, len(todo))


def forget(paths: list[Path]) -> None:
    """Ask the system to drop what it keeps of these files in memory."""
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def peak_mib() -> float:
    """Most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def shares(path: Path, scene: dict[str, Any]) -> dict[str, float]:
    """Microseconds a picture of one camera on one core: each step adds something to the one before."""
    bare = {**scene, "rules": []}
    empty = {"classes": scene["classes"], "aspect": scene["aspect"]}
    total: dict[str, float] = {}

    def timed(name: str, text: dict[str, Any] | None, *, without_boxes: bool = False) -> None:
        engine = None if text is None else Engine(json.dumps(text))
        begin, pictures = time.thread_time(), 0
        for part in read_parts(path)[1]:
            pictures += len(part)
            arguments = part.replay_args()
            if without_boxes:
                none = {"xyxy": np.empty((0, 4), np.float32), "score": np.empty(0, np.float32)}
                arguments |= none | {"class_id": np.empty(0, np.uint16), "offsets": part.offsets * 0}
            if engine is not None:
                engine.replay(**arguments)
        total[name] = (time.thread_time() - begin) / pictures * 1e6

    timed("reading", None)
    timed("and the seam and the engine's frame", empty, without_boxes=True)
    timed("and the tracker", empty)
    timed("and the facts of zones and lines", bare)
    timed("and the rules", scene)
    return total


def main() -> None:
    """Measure and print."""
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    parser.add_argument("--hours", type=float, default=24, help="hours of each camera, in quarters")
    parser.add_argument("--cameras", type=int, default=CAMERAS)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/beffroi-replaying"))
    parser.add_argument("--cold", action="store_true", help="forget what the system holds of the files")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    chosen = parser.parse_args()
    cameras = [f"camera-{number}" for number in range(1, chosen.cameras + 1)]
    paths, each_s = recordings(chosen.folder, cameras, chosen.hours)
    cores = len(os.sched_getaffinity(0))
    bytes_read = sum(path.stat().st_size for path in paths)
    if chosen.cold:
        forget(paths)
    held = peak_mib()
    begin, cpu = time.perf_counter(), time.process_time()
    played = play(paths, street(cameras, "3min"))
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    pictures = sum(each.report.frames for each in played)
    boxes = sum(len(part.score) for part in read_parts(paths[0])[1]) / played[0].report.frames
    figures: dict[str, Any] = {
        "machine": machine(),
        "cores": cores,
        "cameras": len(paths),
        "hours": chosen.hours,
        "pictures": pictures,
        "boxes_per_picture": boxes,
        "mib_read": bytes_read / 2**20,
        "recorded_in_s_per_camera": each_s,
        "seconds": seconds,
        "pictures_per_s": pictures / seconds,
        "core_seconds": cpu,
        "us_per_picture_and_core": cpu / pictures * 1e6,
        "alerts": sum(sum(each.report.alerts.values()) for each in played),
        "peak_mib": peak_mib(),
        "peak_mib_before": held,
    }
    begin = time.perf_counter()
    swept = sweep(paths, street(cameras, "3min"), Setting.parse("loiters.after=30s..6min"))
    figures["sweep_of_12_s"] = time.perf_counter() - begin
    figures["sweep_alerts"] = {str(row.trial.value): row.alerts for row in swept.rows}
    view = street(cameras[:1], "3min").cameras[cameras[0]].views["day"]
    scene = view.scene(cameras[0], "day", LABELS, SIZE[0] / SIZE[1], "Europe/Paris")
    figures["shares_us"] = shares(paths[0], scene)
    share = pictures / (CAMERAS * DAY_S * FPS)
    if chosen.json:
        print(json.dumps(figures))
    else:
        say(figures, share)
    sys.exit(share >= 1 and seconds > MOST_S)


def say(figures: dict[str, Any], share: float) -> None:
    """For people."""
    print(f"{figures['cameras']} cameras, {figures['hours']:g} h, a picture every {STEP_MS} ms:", end=" ")
    print(f"{figures['pictures']} pictures, {figures['boxes_per_picture']:.2f} boxes each", end=", ")
    print(f"{figures['mib_read']:.0f} MiB; {share:.3g} of ten cameras' day")
    cores, cpu = figures["cores"], figures["core_seconds"]
    most = f" (at most {MOST_S:g})" if share >= 1 else ""
    print(f"replayed in {figures['seconds']:.1f} s{most} on {cores} cores", end=", ")
    print(f"{cpu:.1f} s of work: {cpu / cores:.1f} s where nothing else runs")
    print(f"  {figures['pictures_per_s']:.0f} pictures/s", end=", ")
    print(f"{figures['us_per_picture_and_core']:.2f} us a picture and core, {figures['alerts']} alerts")
    print(f"  peak memory {figures['peak_mib']:.0f} MiB, {figures['peak_mib_before']:.0f} before")
    print(f"a sweep of 12 values in {figures['sweep_of_12_s']:.1f} s: alerts {figures['sweep_alerts']}")
    print("one camera on one core, us a picture:")
    before = 0.0
    for name, cost in figures["shares_us"].items():
        print(f"  {cost:6.2f} (+{cost - before:.2f}) {name}")
        before = cost


if __name__ == "__main__":
    main()
