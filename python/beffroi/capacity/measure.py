"""Measures a number of cameras, or finds the largest that this machine watches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from beffroi.capacity.clips import FPS, Shown, shown
from beffroi.capacity.figures import Alone, Figures
from beffroi.capacity.process import spent_s
from beffroi.capacity.report import CapacityReport
from beffroi.capacity.search import largest
from beffroi.capacity.site import written
from beffroi.errors import BeffroiError

WARM_S = 10.0
"""How long cameras run before anything is counted: views are learnt, buffers grow, models warm up."""
ALONE_S = 40.0
"""How much of each clip is decoded and looked at alone."""
GUESS_S = 0.14
"""Processor seconds a second of a camera of 1280 x 720, to begin a search with."""
PATIENCE_S = 150.0
"""What a run may take beside the time that it counts."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be measured.

    Attributes
    ----------
    cameras
        How many; None searches for the largest number that keeps up.
    seconds
        How long is counted, in each measurement.
    fps
        Pictures analysed per second and camera.
    size
        Width and height of the pictures in pixels.
    clips
        Folder of clips; those of the assets if left out, drawn ones where there are none.
    detect
        Further settings of the detector, such as ``{"tiles": "off"}``.
    """

    cameras: int | None = None
    seconds: float = 60.0
    fps: float = 4.0
    model: str | None = None
    size: tuple[int, int] = (1280, 720)
    clips: Path | None = None
    detect: tuple[tuple[str, Any], ...] = ()
    warm_s: float = WARM_S

    def detector(self) -> dict[str, Any]:
        """The settings of every camera's detector."""
        model = {} if self.model is None else {"model": self.model}
        return {"type": "onnx", "fps": self.fps, **model, **dict(self.detect)}


def capacity(
    wanted: Wanted, say: Callable[[str], None] = lambda _text: None, kept: Path | None = None
) -> CapacityReport:
    """Measure.

    Parameters
    ----------
    say
        Told what goes on.
    kept
        Where encoded clips are kept; by default in the cache.

    Raises
    ------
    BeffroiError
        If there are no clips, the detector cannot be had, or a process fails; with its own words.
    """
    if not Path("/proc/self/task").is_dir():
        raise BeffroiError("capacity is measured by what Linux counts in /proc, which is not here")
    clips = shown(wanted.clips, wanted.size, say, kept)
    tried: dict[int, Figures] = {}

    def measured(number: int) -> Figures:
        say(f"{number} cameras, {wanted.warm_s + wanted.seconds:.0f} s")
        figures = _watched(wanted, clips, number)
        say(f"{number} cameras: {figures.verdict()}")
        tried[number] = figures
        return figures

    if wanted.cameras is None:
        most = largest(lambda number: measured(number).keeps_up, max(1, round(_processors() / GUESS_S)))
        chosen = tried[most or min(tried)]
    else:
        most = None
        chosen = measured(wanted.cameras)
    used = sorted({clip.path for clip in clips[: chosen.cameras]})
    say("decoding and detecting alone")
    alone = _alone(wanted, used)
    each = [clips[index % len(clips)].path for index in range(chosen.cameras)]
    chosen = replace(chosen, alone=Alone.of(alone, each, FPS, chosen))
    return CapacityReport.of(wanted, chosen, most, {number: one.verdict() for number, one in tried.items()})


def _watched(wanted: Wanted, clips: Sequence[Shown], number: int) -> Figures:
    """Run so many cameras and count."""
    with tempfile.TemporaryDirectory(prefix="beffroi-capacity-") as name, _served(clips, number) as served:
        folder, (server, addresses) = Path(name), served
        site = written(folder, clips, addresses, wanted.detector())
        out = folder / "counted.json"
        begin_s, began = spent_s(server), time.monotonic()
        _python(
            "beffroi.capacity.running",
            [str(site), str(out), "--warm", f"{wanted.warm_s}", "--seconds", f"{wanted.seconds}"],
            wanted.warm_s + wanted.seconds + PATIENCE_S,
        )
        share = (spent_s(server) - begin_s) / (time.monotonic() - began)
        counted = json.loads(out.read_text(encoding="utf-8"))
    if not counted.get("end"):
        raise BeffroiError(f"{number} cameras: the run ended before anything was counted")
    return Figures.of(counted, number, wanted.fps, share)


@contextmanager
def _served(clips: Sequence[Shown], number: int) -> Iterator[tuple[int, list[str]]]:
    """The server's process, and the addresses of its cameras."""
    command = [sys.executable, "-m", "beffroi.serving", *(str(clip.path) for clip in clips)]
    server = subprocess.Popen(
        [*command, "--cameras", str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        said: list[str] = []
        for line in iter(server.stdout.readline, ""):
            if line == "ready\n":
                break
            said.append(line.strip())
        else:
            raise BeffroiError("the server of clips does not start")
        yield server.pid, said
    finally:
        server.kill()
        server.communicate()


def _alone(wanted: Wanted, clips: Sequence[Path]) -> dict[str, dict[str, float]]:
    """Decode and detect without anything else, in a process for each processor, all at once."""
    count = min(_processors(), len(clips))
    with tempfile.TemporaryDirectory(prefix="beffroi-alone-") as name:
        outs = [Path(name) / f"{index}.json" for index in range(_processors())]
        seconds = min(ALONE_S, max(wanted.seconds, 4.0))
        detect = json.dumps({**wanted.detector(), "threads": 1})
        running = []
        for index, out in enumerate(outs):
            # Those that have nothing to measure keep their processor as busy as the others.
            own = clips[index % count :: count]
            command = ["--detect", detect, "--seconds", str(seconds), str(out), *map(str, own)]
            running.append(subprocess.Popen([sys.executable, "-m", "beffroi.capacity.alone", *command]))
        failed = [process.wait() for process in running]
        if any(failed):
            raise BeffroiError("decoding and detecting alone failed; what it said stands above")
        found: dict[str, dict[str, float]] = {}
        for out in outs:
            found |= json.loads(out.read_text(encoding="utf-8"))
        return found


def _python(module: str, arguments: Sequence[str], timeout_s: float) -> None:
    """Run a module of ours in a process of its own; what it says on standard error is the error's text."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BeffroiError(f"the measured run did not end within {timeout_s:.0f} s") from error
    if done.returncode:
        raise BeffroiError(f"the measured run failed:\n{done.stderr.strip()}")


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
