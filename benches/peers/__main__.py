"""Side by side: CPU time per picture of beffroi and of what it would be put together from otherwise.

``python -m benches.peers`` from the root of the repository prints one table; ``--json`` prints the figures
instead, ``--install`` makes an environment for each peer under ``.venv-peers`` first. Every peer has its own:
opencv-python must never be installed beside opencv-python-headless (they overwrite each other), and some
peers want different versions of one library. Every peer gets the same arrays; a peer that cannot run is in
the table with the reason.
"""

import argparse
import importlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from beffroi.bench import machine
from beffroi.crowd import crowd, watched

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".venv-peers"
PEERS = ("ours", "by_hand", "roboflow_trackers", "supervision_bytetrack")
BAR = "by_hand"


def interpreter(name: str) -> Path:
    """The interpreter that has what the peer needs."""
    return Path(sys.executable) if name == "ours" else ENVIRONMENTS / name / "bin" / "python"


def install(name: str, peer: ModuleType) -> None:
    """Make the peer's environment; pip says what goes wrong, and the next time starts afresh."""
    if not peer.INSTALL or interpreter(name).exists():
        return
    print(f"installing {peer.NAME} ...", file=sys.stderr)
    venv.create(ENVIRONMENTS / name, with_pip=True)
    pip = [interpreter(name), "-m", "pip", "install", "--quiet", *peer.INSTALL]
    if subprocess.run(pip, check=False, stdout=sys.stderr).returncode:
        shutil.rmtree(ENVIRONMENTS / name)


def measure(name: str, scenes: Path, scene: Path, sizes: Sequence[int]) -> dict[str, Any] | str:
    """One run of one peer, or the reason why there is none."""
    if not interpreter(name).exists():
        return "not installed; run with --install"
    # One thread each: the question is what a picture costs, not how many cores can share it.
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [interpreter(name), "-m", "benches.peers.measure", name, scenes, scene, *map(str, sizes)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | single, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return f"failed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}"
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def compare(sizes: Sequence[int], runs: int, pictures: int, peers: Sequence[str] = PEERS) -> dict[str, Any]:
    """Medians over several runs; the peers take turns, so that a slow minute meets them all."""
    with tempfile.TemporaryDirectory() as folder:
        scenes, scene = Path(folder) / "scenes.npz", Path(folder) / "watched.json"
        columns = {
            f"{n}/{name}": column
            for n in sizes
            for name, column in crowd(n, pictures, seed=n)._asdict().items()
        }
        np.savez(scenes, **columns)
        scene.write_text(json.dumps(watched()), encoding="utf-8")
        taken: dict[str, list[Any]] = {name: [] for name in peers}
        for run in range(runs):
            for name in peers:
                print(f"run {run + 1}/{runs}: {name}", file=sys.stderr)
                taken[name].append(measure(name, scenes, scene, sizes))
    report: dict[str, Any] = {
        "machine": machine(),
        "unit": "microseconds of process CPU time per picture, one core",
        "runs": runs,
        "pictures": pictures,
        "peers": {},
    }
    for name, results in taken.items():
        title = importlib.import_module(f"benches.peers.{name}").NAME
        good = [r for r in results if isinstance(r, dict)]
        entry: dict[str, Any] = {"name": title}
        if good:
            entry |= {"versions": good[0]["versions"], "totals": good[0]["totals"]}
            for kind in ("tracker", "rules"):
                entry[kind] = {str(n): statistics.median(r[kind][str(n)] for r in good) for n in sizes}
        else:
            entry["missing"] = results[0]
        report["peers"][name] = entry
    ours, bar = report["peers"].get("ours", {}), report["peers"].get(BAR, {})
    if "rules" in ours and "rules" in bar:
        report["ratio"] = {
            kind: {str(n): ours[kind][str(n)] / bar[kind][str(n)] for n in sizes}
            for kind in ("tracker", "rules")
        }
    return report


def table(report: dict[str, Any], sizes: Sequence[int]) -> str:
    """The report for people."""
    head = "".join(f"{f'{n} objects':>13}" for n in sizes)
    lines = [
        f"{report['machine']}; {report['unit']}; median of {report['runs']} runs",
        f"{'':44}{head}",
    ]
    for kind, title in (
        ("tracker", "tracker alone"),
        ("rules", "tracker + 10 zones + 5 lines + dwell timers"),
    ):
        lines.append(title)
        for entry in report["peers"].values():
            cells = entry.get("missing") or "".join(f"{entry[kind][str(n)]:13.1f}" for n in sizes)
            lines.append(f"  {entry['name']:42}{cells}")
        if "ratio" in report:
            cells = "".join(f"{report['ratio'][kind][str(n)]:13.2f}" for n in sizes)
            lines.append(f"  {'beffroi / assembled by hand':42}{cells}")
    return "\n".join(lines)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benches.peers", description=__doc__)
    parser.add_argument("--objects", type=int, nargs="+", default=[10, 50, 100])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=600)
    parser.add_argument("--peers", nargs="+", default=PEERS, choices=PEERS)
    parser.add_argument("--install", action="store_true", help="make the environments of the peers first")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    chosen = parser.parse_args()
    if chosen.install:
        for name in chosen.peers:
            install(name, importlib.import_module(f"benches.peers.{name}"))
    report = compare(chosen.objects, chosen.runs, chosen.pictures, chosen.peers)
    print(json.dumps(report, indent=2) if chosen.json else table(report, chosen.objects))


if __name__ == "__main__":
    main()
