"""Totals at a line against the exact number of crossings, at several levels of box noise and frame rates.

``python -m benches.counting`` lets 50 walkers cross a line 104 times (some stop on it, walk along it, turn
back before it or go round its end), gives their boxes with white noise of 0 to 3 % of the box's size to an
`Engine`, and prints its totals beside those of supervision's LineZone if that is installed here or under
``.venv-peers`` (``--install`` makes that environment). Ends with 1 if any total of ours is off by more than
5 %. ``--json`` prints the figures instead.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import beffroi
import numpy as np

from .counting_walkers import ASPECT, CROSSINGS, LINE, Recording, crossings, paths, record
from .peers.environments import ROOT, install, interpreter

NOISES = (0.0, 0.005, 0.01, 0.02, 0.03)
RATES = (5, 10, 30)
BAR = 0.05
PEER = "supervision_bytetrack"
SCENE = {
    "aspect": ASPECT,
    "classes": ["person"],
    "lines": {"line": LINE.tolist()},
    "rules": [{"name": "total", "type": "line_count", "line": "line", "every": "24h"}],
}


def ours(recording: Recording) -> int:
    """What an engine with default settings counts."""
    engine = beffroi.Engine(json.dumps(SCENE))
    n = len(recording.xyxy)
    engine.replay(
        recording.at_ms,
        recording.offsets,
        recording.xyxy,
        np.full(n, 0.9, np.float32),
        np.zeros(n, np.uint16),
    )
    (event,) = engine.finish(int(recording.at_ms[-1]), "end_of_stream")
    return int(event.measured["total"])


def theirs(recordings: dict[str, Recording]) -> dict[str, Any] | str:
    """What supervision counts, or the reason why it does not."""
    python = Path(sys.executable) if importlib.util.find_spec("supervision") else interpreter(PEER)
    if not python.exists():
        return "supervision is not installed; run with --install"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recordings.npz"
        np.savez(
            file,
            **{f"{name}/{k}": column for name, r in recordings.items() for k, column in r._asdict().items()},
        )
        done = subprocess.run(
            [python, "-m", "benches.counting_supervision", file],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        return f"supervision failed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ''}"
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def compare(
    seeds: Sequence[int], rates: Sequence[int], noises: Sequence[float], peers: bool
) -> dict[str, Any]:
    """Totals by rate, noise and seed."""
    walks = {seed: paths(seed) for seed in seeds}
    for seed, walk in walks.items():
        exact = sum(crossings(path) for path in walk)
        if exact != CROSSINGS:
            raise AssertionError(f"the walkers of seed {seed} cross {exact} times, not {CROSSINGS}")
    recordings = {
        f"fps {fps} noise {noise} seed {seed}": record(walks[seed], fps, noise, seed)
        for fps in rates
        for noise in noises
        for seed in seeds
    }
    counted = {name: ours(recording) for name, recording in recordings.items()}
    # White noise at five a second is the case of the literature; more rates cost minutes and tell no more.
    some = {name: r for name, r in recordings.items() if name.startswith(f"fps {rates[0]} ")}
    others = theirs(some) if peers else "left out"
    rows = []
    for fps in rates:
        for noise in noises:
            names = [f"fps {fps} noise {noise} seed {seed}" for seed in seeds]
            row: dict[str, Any] = {"fps": fps, "noise": noise, "ours": [counted[name] for name in names]}
            if isinstance(others, dict) and names[0] in others["counted"]:
                row["supervision"] = {
                    f"{kind}, threshold {threshold}": [others["counted"][n][kind][threshold] for n in names]
                    for kind in ("bytetrack", "true ids")
                    for threshold in ("1", "3")
                }
            rows.append(row)
    worst = max(abs(total - CROSSINGS) for total in counted.values()) / CROSSINGS
    report = {"truth": CROSSINGS, "seeds": list(seeds), "bar": BAR, "worst": worst, "rows": rows}
    report["supervision"] = others["version"] if isinstance(others, dict) else others
    return report


def table(report: dict[str, Any]) -> str:
    """The report for people."""

    def cell(totals: Sequence[int]) -> str:
        low, high = min(totals), max(totals)
        return str(low) if low == high else f"{low}-{high}"

    heads = [
        "bytetrack, threshold 1",
        "bytetrack, threshold 3",
        "true ids, threshold 1",
        "true ids, threshold 3",
    ]
    lines = [
        f"{report['truth']} true crossings of 50 walkers, {len(report['seeds'])} crowds; "
        "lowest and highest total",
        f"supervision: {report['supervision']}",
        f"{'fps':>4}{'noise':>8}{'beffroi':>10}" + "".join(f"{head:>24}" for head in heads),
    ]
    for row in report["rows"]:
        others = row.get("supervision", {})
        cells = "".join(f"{cell(others[head]) if head in others else '':>24}" for head in heads)
        lines.append(f"{row['fps']:4}{100 * row['noise']:7.1f}%{cell(row['ours']):>10}{cells}".rstrip())
    lines.append(f"furthest off: {100 * report['worst']:.1f} %, allowed {100 * report['bar']:.0f} %")
    return "\n".join(lines)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benches.counting", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--fps", type=int, nargs="+", default=RATES)
    parser.add_argument("--noise", type=float, nargs="+", default=NOISES, help="share of the box's size")
    parser.add_argument("--install", action="store_true", help="make supervision's environment first")
    parser.add_argument("--alone", action="store_true", help="leave supervision out")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    chosen = parser.parse_args()
    if chosen.install:
        install(PEER)
    report = compare(chosen.seeds, chosen.fps, chosen.noise, peers=not chosen.alone)
    print(json.dumps(report, indent=2) if chosen.json else table(report))
    return int(report["worst"] > BAR)


if __name__ == "__main__":
    sys.exit(main())
