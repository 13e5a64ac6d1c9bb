"""Hours of pictures through one engine: does it grow, does it slow down?

``python -m benches.soak`` sends a million pictures (28 hours at ten a second) of people who come and go
through the engine with ten zones, five lines and dwell timers. It prints resident memory and CPU time per
picture at intervals, and how far the last tenth is from the first; the exit code is 1 where that is beyond
the bars. A few rounds before, in which buffers get their working size, do not count.

A short recording is gone through forwards and backwards, over and over, so that nothing jumps and the driver
holds no more at the end than at the beginning. A slow minute of the machine is not the engine's: after every
round a young engine gets the same pictures, and the two are compared.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from beffroi import Engine
from beffroi.bench import Picture, machine
from beffroi.crowd import crowd, watched
from numpy.typing import NDArray

FPS = 10
STEP_MS = 1000 // FPS
# Long enough that the five seconds of the dwell timers run out many times in a round.
REEL = 500
ROUND = 2 * REEL
YOUNG_WARM_UP, YOUNG = 100, 250
WARM_UP_ROUNDS = 5
STAY_S = 20
MOST_GROWTH_MIB = 1.0
MOST_SLOWER = 0.05
ROWS = 20

Say = Callable[[int, float, float, float], None]


def pictures(objects: int) -> list[Picture]:
    """One round: the recording forwards, then backwards; times are given later."""
    forwards = crowd(objects, REEL, seed=objects, fps=FPS, stay=STAY_S).pictures()
    return forwards + forwards[::-1]


def resident_mib() -> float:
    """Memory of this process that is not swapped out."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Walk:
    """An engine and how far it is: the same pictures over and over, at times that go on."""

    def __init__(self, scene: str, reel: Sequence[Picture]) -> None:
        self.engine = Engine(scene)
        self.reel = reel
        self.at_ms = 0
        self.events = 0
        self.highest = 0

    def go(self, begin: int, end: int) -> float:
        """CPU time per picture in microseconds for the pictures of a round from `begin` to `end`."""
        engine, at_ms, events = self.engine, self.at_ms, 0
        began = time.process_time_ns()
        for _, xyxy, score, class_id in self.reel[begin:end]:
            at_ms += STEP_MS
            step = engine.step(at_ms, xyxy, score, class_id)
            events += len(step.events)
        spent = time.process_time_ns() - began
        self.at_ms = at_ms
        self.events += events
        self.highest = max(self.highest, int(step.tracks.id.max(initial=0)))
        return spent / 1000 / (end - begin)


def soak(number: int, objects: int, *, say: Say | None = None) -> dict[str, Any]:
    """Send `number` pictures through an engine in whole rounds; compare the last tenth with the first."""
    reel, scene = pictures(objects), json.dumps(watched())
    count = number // ROUND
    # Written all over before the first round: a page that is touched later would look like growth.
    cost, reference, resident = np.ones((3, count))
    tenth = max(count // 10, 1)

    def ends(figures: NDArray[np.float64]) -> dict[str, float]:
        """Medians of the first and of the last tenth."""
        first, last = float(np.median(figures[:tenth])), float(np.median(figures[-tenth:]))
        return {"first_tenth": first, "last_tenth": last}

    # The first call of what the driver needs later loads code, which is memory too.
    ends(cost / reference)
    old = Walk(scene, reel)
    for i in range(-WARM_UP_ROUNDS, count):
        took = old.go(0, ROUND)
        young = Walk(scene, reel)
        young.go(0, YOUNG_WARM_UP)
        against = young.go(YOUNG_WARM_UP, YOUNG)
        del young
        if i < 0:
            continue
        cost[i], reference[i], resident[i] = took, against, resident_mib()
        if say is not None and (i + 1) * ROWS // count > i * ROWS // count:
            since = slice(max(i + 1 - max(count // ROWS, 1), 0), i + 1)
            say((i + 1) * ROUND, resident[i], np.median(cost[since]), np.median((cost / reference)[since]))
    memory, pace = ends(resident), ends(cost / reference)
    growth = memory["last_tenth"] - memory["first_tenth"]
    slower = pace["last_tenth"] / pace["first_tenth"] - 1
    return {
        "pictures": count * ROUND,
        "objects": objects,
        "tracks": old.highest,
        "events": old.events,
        "us": ends(cost),
        "against_young_engine": {**pace, "slower": slower, "at_most": MOST_SLOWER},
        "resident_mib": {**memory, "growth": growth, "at_most": MOST_GROWTH_MIB},
        "ok": growth < MOST_GROWTH_MIB and slower < MOST_SLOWER,
    }


def row(done: int, resident: float, cost: float, ratio: float) -> None:
    """One line of the table, on standard error."""
    print(f"{done:10,}{resident:12.2f}{cost:12.1f}{ratio:14.3f}", file=sys.stderr)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benches.soak", description=__doc__)
    parser.add_argument("--pictures", type=int, default=1_000_000)
    parser.add_argument("--objects", type=int, default=48)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    chosen = parser.parse_args()
    if chosen.pictures < 20 * ROUND or chosen.objects < 1:
        parser.error(f"at least {20 * ROUND} pictures of 1 object are needed to compare tenths")
    print(machine(), file=sys.stderr)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"{'pictures':>10}{'MiB':>12}{'us/picture':>12}{'/ young one':>14}", file=sys.stderr)
    report = soak(chosen.pictures, chosen.objects, say=row)
    if chosen.json:
        print(json.dumps(report, indent=2))
    else:
        memory, pace = report["resident_mib"], report["against_young_engine"]
        print(
            f"{report['pictures']:,} pictures of {report['objects']} objects, "
            f"{report['tracks']:,} tracks, {report['events']:,} events\n"
            f"last tenth against first: {memory['growth']:+.2f} MiB (bar {MOST_GROWTH_MIB:g}), "
            f"{pace['slower']:+.1%} CPU time (bar {MOST_SLOWER:.0%}): {'ok' if report['ok'] else 'TOO MUCH'}"
        )
    sys.exit(0 if report["ok"] else 1)


if __name__ == "__main__":
    main()
