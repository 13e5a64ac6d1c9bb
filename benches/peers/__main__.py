"""Side by side: CPU time per picture of beffroi and of what it would be put together from otherwise.

``python -m benches.peers`` from the root of the repository prints one table; ``--json`` prints the figures
instead, ``--install`` makes an environment for each peer under ``.venv-peers`` first. Every peer gets the
same arrays and gives arrays; a peer that cannot run is in the table with the reason. Slow peers see fewer
pictures of large crowds, which the table says.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from beffroi.bench import machine
from beffroi.crowd import crowd, watched

from benches.peers.by_hand import FAST
from benches.peers.environments import PEERS, install, peer, run

SIZES = (10, 50, 100, 500, 1000)
RUNS = 3
PICTURES = 600
LIMIT_S = 1.0
# A whole run of one peer, interpreter and libraries and all sizes: beyond it something hangs.
HANGS_S = 600
WHAT = {"tracker": "tracker alone", "rules": "tracker + 10 zones + 5 lines + dwell timers"}
OURS = "beffroi"
BAR = {"tracker": FAST, "rules": "visiontrack-cpp + shapely + numpy"}


def scenes(sizes: Sequence[int], pictures: int) -> dict[str, Any]:
    """Crowds as arrays; of large crowds fewer pictures, as making them takes the square of their size."""
    return {
        f"{n}/{name}": column
        for n in sizes
        for name, column in crowd(n, min(pictures, max(120, 150_000 // n)), seed=n)._asdict().items()
    }


def compare(
    sizes: Sequence[int],
    runs: int = RUNS,
    pictures: int = PICTURES,
    peers: Sequence[str] = PEERS,
    limit_s: float = LIMIT_S,
) -> dict[str, Any]:
    """Medians over several runs; the peers take turns, so that a slow minute meets them all."""
    taken: dict[str, list[Any]] = {name: [] for name in peers}
    with tempfile.TemporaryDirectory() as folder:
        arrays, scene = Path(folder) / "scenes.npz", Path(folder) / "watched.json"
        np.savez(arrays, **scenes(sizes, pictures))
        scene.write_text(json.dumps(watched()), encoding="utf-8")
        for turn in range(runs):
            for name in peers:
                print(f"run {turn + 1}/{runs}: {name}", file=sys.stderr)
                taken[name].append(run(name, "measure", arrays, scene, limit_s, *sizes, limit_s=HANGS_S))
    report: dict[str, Any] = {
        "machine": machine(),
        "unit": "microseconds of process CPU time per picture, one core",
        "runs": runs,
        "limit_s": limit_s,
        "tracker": {},
        "rules": {},
        "versions": {},
        "totals": {},
    }
    for name, results in taken.items():
        module = peer(name)
        good = [result for result in results if isinstance(result, dict)]
        for kind, title in titles(module):
            if not good:
                report[kind][title] = {"missing": results[0]}
                continue
            cells = [result["tracker"][title] if kind == "tracker" else result["rules"] for result in good]
            report[kind][title] = {
                "us": {str(n): statistics.median(cell[str(n)][0] for cell in cells) for n in sizes},
                "pictures": {str(n): min(int(cell[str(n)][1]) for cell in cells) for n in sizes},
            }
        if good:
            report["versions"][module.NAME] = good[0]["versions"]
            report["totals"][module.NAME] = good[0]["totals"]
    report["ratio"] = {
        kind: {str(n): ours["us"][str(n)] / bar["us"][str(n)] for n in sizes}
        for kind in WHAT
        if "us" in (ours := report[kind].get(OURS, {})) and "us" in (bar := report[kind].get(BAR[kind], {}))
    }
    return report


def titles(module: ModuleType) -> list[tuple[str, str]]:
    """The rows that a peer has: what is measured, and its title."""
    rows = [("tracker", title) for title in module.TRACKERS]
    return [*rows, ("rules", module.NAME)] if hasattr(module, "Watch") else rows


def table(report: dict[str, Any], sizes: Sequence[int]) -> str:
    """The report for people."""
    lines = [
        f"{report['machine']}; {report['unit']}; median of {report['runs']} runs",
        f"{'':44}" + "".join(f"{f'{n} objects':>14}" for n in sizes),
    ]
    short: dict[int, int] = {}
    for kind, title in WHAT.items():
        lines.append(title)
        most = {
            n: max((e["pictures"][str(n)] for e in report[kind].values() if "us" in e), default=0)
            for n in sizes
        }
        for name, entry in report[kind].items():
            cells = entry.get("missing", "")
            for n in sizes if "us" in entry else ():
                seen = entry["pictures"][str(n)]
                if seen < most[n]:
                    short[n] = min(short.get(n, seen), seen)
                cells += f"{entry['us'][str(n)]:13.1f}{'*' if seen < most[n] else ' '}"
            lines.append(f"  {name:42}{cells}")
        if kind in report["ratio"]:
            cells = "".join(f"{report['ratio'][kind][str(n)]:13.2f} " for n in sizes)
            lines.append(f"  {f'{OURS} / {BAR[kind]}':42}{cells}")
    if short:
        fewest = ", ".join(f"{seen} of {n} objects" for n, seen in short.items())
        lines.append(f"* stopped after {report['limit_s']:g} s, after as few pictures as: {fewest}")
    packages = {f"{p} {v}" for found in report["versions"].values() for p, v in found.items() if p != "numpy"}
    lines.append(", ".join(sorted(packages)))
    return "\n".join(lines)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benches.peers", description=__doc__)
    parser.add_argument("--objects", type=int, nargs="+", default=SIZES)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--pictures", type=int, default=PICTURES, help="pictures of a small crowd")
    parser.add_argument("--limit", type=float, default=LIMIT_S, help="seconds of CPU for one figure of a run")
    parser.add_argument("--peers", nargs="+", default=PEERS, choices=PEERS)
    parser.add_argument("--install", action="store_true", help="make the environments of the peers first")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    chosen = parser.parse_args()
    if min(chosen.objects) < 1 or chosen.runs < 1 or chosen.pictures < 20 or chosen.limit <= 0:
        parser.error("objects, runs and limit must be above 0, and pictures 20 or more")
    if chosen.install:
        for name in chosen.peers:
            install(name)
    report = compare(chosen.objects, chosen.runs, chosen.pictures, chosen.peers, chosen.limit)
    print(json.dumps(report, indent=2) if chosen.json else table(report, chosen.objects))


if __name__ == "__main__":
    main()
