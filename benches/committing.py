"""How fast are alerts on the disk, when many cameras have some at once?

``python -m benches.committing`` lets ten threads commit one change after the other, each durable before its
`commit` returns, through a `Store` (each on its own, behind one lock), through a `Backlog` (what gathers
while one transaction is written shares the next), and through one while two sinks are sent everything. It
prints
commits a second and how long a camera waits: everybody at once, and at the pace of a bad minute (each camera
five changes a second).

``--sync-ms 10`` makes each transaction wait that long before it commits, as the cards and disks of small
boxes do: what a solid-state disk hides is what such a box is slow at.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from beffroi.bench import machine
from beffroi.metrics import Metrics
from beffroi.runtime.delivery import Delivery
from beffroi.store import Backlog, Change, Keeper, RunFacts, Store
from sqlalchemy import Connection, event

FACTS = RunFacts("site", "0", "camera", "view", "model", "cpu", "0", evaluation=True)
SINKS = ("file", "hook")
BODY = {
    "rule": "inside",
    "type": "intrusion",
    "since_ms": 0,
    "severity": "warning",
    "measured": {"held_s": 1.0},
    "camera": "camera",
    "view": "view",
    "evaluation": True,
    "subjects": [{"id": 1, "class": "person", "box": [0.1, 0.2, 0.3, 0.4], "ground": None}],
}


def changes(camera: int, number: int) -> list[Change]:
    """The next change of a camera: an incident starts."""
    alert = {**BODY, "id": f"{camera:04x}{number:028x}", "change": "started", "at_ms": number}
    return [Change(json.dumps(alert), alert)]


def load(keeper: Keeper, cameras: int, each: int, pause_s: float) -> dict[str, float]:
    """`each` commits by each of `cameras` threads, `pause_s` apart; milliseconds."""
    runs = [keeper.begin(FACTS) for _ in range(cameras)]
    waits: list[list[float]] = [[] for _ in range(cameras)]
    gate = threading.Barrier(cameras + 1)

    def camera(number: int) -> None:
        chance = np.random.default_rng(number)
        prepared = [changes(number, count) for count in range(each)]
        gate.wait()
        for one in prepared:
            if pause_s:
                time.sleep(float(chance.uniform(0, 2 * pause_s)))
            began = time.perf_counter()
            keeper.commit(runs[number], one, SINKS)
            waits[number].append(time.perf_counter() - began)

    threads = [threading.Thread(target=camera, args=(number,)) for number in range(cameras)]
    for thread in threads:
        thread.start()
    gate.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    spent = np.concatenate(waits) * 1000
    return {
        "commits_per_s": cameras * each / took,
        "p50_ms": float(np.percentile(spent, 50)),
        "p95_ms": float(np.percentile(spent, 95)),
        "most_ms": float(spent.max()),
    }


class Wire:
    """A sink that takes everything at once."""

    def send(self, alert: Mapping[str, Any]) -> None:
        pass

    def close(self) -> None:
        pass


def slowed(store: Store, sync_ms: float) -> None:
    """Let every transaction of `store` that wrote something wait before it commits."""

    def wait(connection: Connection) -> None:
        if getattr(connection.connection.driver_connection, "in_transaction", False):
            time.sleep(sync_ms / 1000)

    if sync_ms:
        event.listen(store._engine, "commit", wait)


def measure(cameras: int, each: int, folder: Path, sync_ms: float) -> list[dict[str, Any]]:
    """Both ways, at both paces."""
    found: list[dict[str, Any]] = []
    for pace, pause_s in (("all at once", 0.0), ("5 a second each", 0.2)):
        count = each if not pause_s else max(each // 10, 10)
        for way in ("store", "backlog", "sending"):
            with Store(folder / f"{way}-{pause_s}.db") as store:
                slowed(store, sync_ms)
                delivery = Delivery(store, {name: Wire() for name in SINKS}, Metrics())
                if way == "sending":
                    delivery.start()
                backlog = None if way == "store" else Backlog(store, written=delivery.nudge)
                figures = load(backlog or store, cameras, count, pause_s)
                if backlog is not None:
                    backlog.close()
                delivery.stop()
            found.append({"pace": pace, "way": way, **figures})
    return found


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The figures for people."""
    head = f"{'pace':<18}{'through':<10}{'commits/s':>10}{'p50 ms':>9}{'p95 ms':>9}{'most ms':>9}"
    lines = [
        f"{row['pace']:<18}{row['way']:<10}{row['commits_per_s']:>10.0f}{row['p50_ms']:>9.2f}"
        f"{row['p95_ms']:>9.2f}{row['most_ms']:>9.2f}"
        for row in rows
    ]
    return "\n".join([head, *lines])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benches.committing", description=__doc__)
    parser.add_argument("--cameras", type=int, default=10)
    parser.add_argument("--each", type=int, default=200, help="commits of each camera")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; else a temporary one")
    parser.add_argument("--sync-ms", type=float, default=0.0, help="as on a disk that takes so much longer")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        rows = measure(chosen.cameras, chosen.each, Path(folder), chosen.sync_ms)
    print(json.dumps(rows, indent=2) if chosen.json else f"{machine()}\n{table(rows)}")


if __name__ == "__main__":
    main()
