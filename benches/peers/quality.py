"""Side by side: how well beffroi and other trackers follow the same detections.

``python -m benches.peers.quality FOLDER`` from the root of the repository runs each tracker over the
detections of every sequence, as `beffroi evaluate tracking` does, and lets TrackEval judge all alike;
``--fps`` keeps every n-th picture, ``--install`` makes the environments of the peers first. Trackers have the
defaults of their libraries, but for what the table says: 0.5 as the threshold of a high score where there is
one, and the frame rate where it is taken. A tracker that cannot run is in the table with the reason.

The row `oracle` is perfect association on the same boxes: what no tracker that shows detected boxes can beat
by associating better. See `oracle`.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence as Several
from pathlib import Path
from typing import Any

import numpy as np
from beffroi.errors import BeffroiError
from beffroi.evaluate.sequence import Sequence, read_sequences
from beffroi.evaluate.tracking import FIGURES, judge, pictures, track

from benches.peers.environments import PEERS, install, peer, run
from benches.peers.oracle import associate

LIMIT_S = 900


def columns(sequences: Several[Sequence]) -> dict[str, Any]:
    """Sequences as arrays, for interpreters that know nothing of beffroi."""
    arrays: dict[str, Any] = {"names": np.array([sequence.name for sequence in sequences])}
    for sequence in sequences:
        boxes, scores = zip(*pictures(sequence), strict=True)
        arrays |= {
            f"{sequence.name}/kind": np.array([sequence.rate, *sequence.size]),
            f"{sequence.name}/xyxy": np.concatenate(boxes),
            f"{sequence.name}/score": np.concatenate(scores),
            f"{sequence.name}/offsets": np.cumsum([0, *map(len, scores)]),
        }
    return arrays


def compare(folder: Path, fps: float | None = None, peers: Several[str] = PEERS) -> dict[str, Any]:
    """Figures of every tracker of every peer, and of the oracle."""
    sequences = [sequence.thinned(fps) for sequence in read_sequences(folder)]
    trackers: dict[str, Any] = {}

    def judged(settings: str, versions: dict[str, str], rows: dict[str, Any]) -> dict[str, Any]:
        report = judge((sequence, rows[sequence.name]) for sequence in sequences).as_json()
        return {"settings": settings, "versions": versions, **report}

    with tempfile.TemporaryDirectory() as scratch:
        given, taken = Path(scratch) / "sequences.npz", Path(scratch) / "rows.npz"
        np.savez(given, **columns(sequences))
        for name in peers:
            print(f"{peer(name).NAME} ...", file=sys.stderr)
            if name == "ours":
                rows = {sequence.name: track(sequence) for sequence in sequences}
                trackers["beffroi"] = judged("defaults", {}, rows)
                continue
            ran = run(name, "follow", given, taken, limit_s=LIMIT_S)
            if isinstance(ran, str):
                trackers |= {title: {"missing": ran} for title in peer(name).TRACKERS}
                continue
            with np.load(taken) as found:
                for title, settings in ran["settings"].items():
                    rows = {sequence.name: found[f"{title}/{sequence.name}"] for sequence in sequences}
                    trackers[title] = judged(settings, ran["versions"], rows)
    rows = {sequence.name: associate(sequence) for sequence in sequences}
    trackers["oracle"] = judged("perfect association, boxes of nobody left out", {}, rows)
    return {
        "folder": folder.name,
        "fps": fps,
        "notes": [sequence.assumed for sequence in sequences if sequence.assumed],
        "trackers": trackers,
    }


def table(report: dict[str, Any], *, per_sequence: bool = False) -> str:
    """The report for people."""
    rate = "full rate" if report["fps"] is None else f"{report['fps']:g} pictures a second"
    lines = [f"{report['folder']}, {rate}", *report["notes"]]
    judged = {title: entry for title, entry in report["trackers"].items() if "combined" in entry}
    names = next(iter(judged.values()))["sequences"] if per_sequence else []
    for name in [*names, "all sequences"]:
        lines.append(f"{name:37}" + "".join(f"{figure:>8}" for figure in FIGURES) + "  settings")
        for title, entry in report["trackers"].items():
            if "missing" in entry:
                lines.append(f"  {title:37}{entry['missing']}")
                continue
            figures = entry["sequences"].get(name, entry["combined"])
            cells = "".join(
                f"{figures[key]:8.0f}" if key == "IDSW" else f"{figures[key]:8.1f}" for key in FIGURES
            )
            versions = ", ".join(f"{package} {number}" for package, number in entry["versions"].items())
            settings = entry["settings"] + (f"; {versions}" if versions else "")
            lines.append(f"  {title:35}{cells}" + (f"  {settings}" if name == "all sequences" else ""))
    return "\n".join(lines)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benches.peers.quality", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of sequences in MOTChallenge or CityFlow form")
    parser.add_argument("--fps", type=float, help="pictures per second to keep; all if left out")
    parser.add_argument("--peers", nargs="+", default=PEERS, choices=PEERS)
    parser.add_argument("--per-sequence", action="store_true", help="also print the figures of each sequence")
    parser.add_argument("--install", action="store_true", help="make the environments of the peers first")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    chosen = parser.parse_args()
    if chosen.fps is not None and chosen.fps <= 0:
        parser.error("--fps must be above 0")
    if chosen.install:
        for name in chosen.peers:
            install(name)
    try:
        report = compare(chosen.folder, chosen.fps, chosen.peers)
    except BeffroiError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(json.dumps(report, indent=2) if chosen.json else table(report, per_sequence=chosen.per_sequence))


if __name__ == "__main__":
    main()
