"""Is an alert lost, or told twice as new, when the process is killed?

``python -m benches.crash --kills 100`` runs a site of live cameras in a process of its own (`crash_load`),
kills it with SIGKILL at random moments and starts it again, and stops it properly at the end. Its alerts go
to a file and to a server here, which now and then answers that it cannot, or takes an alert and loses the
answer. Then the store is compared with the journal of what was committed, and what arrived with the store.
The exit code is 1 where anything is missing, invented, out of order, or repeated under another id.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

from beffroi.store import Store, queries
from beffroi.store.writer import delivery_id

ROOT = Path(__file__).parent.parent
START_S = 60.0
"""How long a process may take until it runs: a loaded machine is slow."""
CAN_NOT, LOSES = 0.1, 0.1
"""How often the server cannot take an alert, and how often it takes one and its answer is lost."""
EARLY = 0.2
"""How often a process is killed while it starts, and closes what was cut off before."""
AIMED = 0.5
"""How many of the others wait for a change to be handed over: committing and sending take milliseconds."""


class Receiver(ThreadingHTTPServer):
    """Takes alerts, each on the disk before it answers."""

    daemon_threads = True

    def __init__(self, path: Path, chance: random.Random) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.path, self.chance, self.kind = path, chance, False
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.turn = threading.Lock()


class Answer(BaseHTTPRequestHandler):
    """One alert."""

    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.turn:
            mood = 1.0 if self.server.kind else self.server.chance.random()
            if mood >= CAN_NOT:
                os.write(self.server.file, body + b"\n")
                os.fsync(self.server.file)
        if mood < CAN_NOT:
            self.send_error(503)
        elif mood < CAN_NOT + LOSES:
            self.close_connection = True
        else:
            self.send_response(204)
            self.end_headers()

    def log_message(self, *_words: object) -> None:
        """Nobody reads it."""


@contextmanager
def receiver(path: Path, chance: random.Random) -> Iterator[Receiver]:
    """A server on a port of its own, until the end."""
    with Receiver(path, chance) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        try:
            yield server
        finally:
            server.shutdown()
            serving.join()


def launch(folder: Path, port: int, cameras: int) -> subprocess.Popen[str]:
    """A process that runs the site."""
    errors = (folder / "errors.log").open("a", encoding="utf-8")
    with errors:
        return subprocess.Popen(
            [sys.executable, "-m", "benches.crash_load", str(folder), str(port), str(cameras)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )


def met(process: subprocess.Popen[str], folder: Path) -> None:
    """Wait until it runs."""
    assert process.stdout is not None
    watch = threading.Timer(START_S, process.kill)
    watch.start()
    line = process.stdout.readline()
    watch.cancel()
    if line != "running\n":
        raise RuntimeError(f"the load does not start: {(folder / 'errors.log').read_text()[-2000:]}")


def handed(folder: Path) -> None:
    """Wait until something is being committed."""
    path = folder / "journal"
    before, end = path.stat().st_size if path.exists() else 0, time.monotonic() + 5
    while time.monotonic() < end and (not path.exists() or path.stat().st_size == before):
        time.sleep(0.0005)


def crash(folder: Path, kills: int, *, cameras: int = 4, seed: int = 1) -> dict[str, Any]:
    """Kill it `kills` times, stop it once, and judge; the store and everything else is left in `folder`."""
    chance = random.Random(seed)
    early = aimed = 0
    began = time.monotonic()
    with receiver(folder / "received.jsonl", chance) as server:
        port = server.server_address[1]
        for number in range(kills):
            process = launch(folder, port, cameras)
            # The first one must get somewhere, or there is nothing to close.
            if number and chance.random() < EARLY:
                early += 1
                time.sleep(chance.uniform(0.2, 2.0))
            else:
                met(process, folder)
                time.sleep(chance.uniform(0.0, 1.5))
                if chance.random() < AIMED:
                    aimed += 1
                    handed(folder)
                    # A commit takes some 3 ms, sending what it brought some 20.
                    time.sleep(chance.uniform(0.0, chance.choice((0.0, 0.003, 0.02))))
            process.send_signal(signal.SIGKILL)
            process.communicate()
        server.kind = True
        process = launch(folder, port, cameras)
        met(process, folder)
        time.sleep(2.0)
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate()
        stopped = time.monotonic() - asked
    found = judge(folder)
    return {
        "kills": kills,
        "while_starting": early,
        "while_committing_or_sending": aimed,
        "seconds": round(time.monotonic() - began, 1),
        "stopped_in_s": round(stopped, 2),
        **found,
    }


def judge(folder: Path) -> dict[str, Any]:
    """What is missing, invented, out of order or repeated."""
    handed, committed = _journal(folder / "journal")
    with Store(folder / "beffroi.db") as store:
        runs = {row["id"]: row for row in queries.runs(store)}
        events = queries.events(store)
        alerts = queries.alerts(store)
        waiting, parked = queries.waiting(store), queries.parked(store)
    kept = [
        (runs[row["run"]]["camera"], row["incident"], row["change"], row["at_ms"], row["alert"]["reason"])
        for row in events
    ]
    own = {each[:4] for each in kept if each[4] == "interrupted"}
    told = {each[:4] for each in kept}
    keys = [
        delivery_id(runs[row["run"]]["key"], row["incident"], row["change"], row["at_ms"]) for row in events
    ]
    starts = Counter((camera, incident) for camera, incident, change, *_ in kept if change == "started")
    outcomes = Counter(row["outcome"] for row in runs.values())
    sinks = {
        "file": arrived(folder / "alerts.jsonl", keys),
        "post": arrived(folder / "received.jsonl", keys),
    }
    faults = {
        "committed_but_not_kept": len(committed - told),
        "kept_but_never_handed": len(told - own - handed),
        "started_twice": sum(times - 1 for times in starts.values()),
        "incidents_left_open": sum(row["change"] != "ended" for row in alerts),
        "runs_left_open": outcomes[None],
        "waiting": sum(waiting.values()),
        "parked": sum(parked.values()),
        **{f"{name}_{fault}": each[fault] for name, each in sinks.items() for fault in FAULTS},
    }
    return {
        "runs": dict(Counter(str(outcome) for outcome in outcomes.elements())),
        "committed": len(committed),
        "kept": len(events),
        "interrupted": len(own),
        "continued": len({row["incident"] for row in alerts if "continues" in row["body"]}),
        "sinks": sinks,
        "faults": faults,
        "ok": bool(committed) and not any(faults.values()),
    }


FAULTS = ("lost", "invented", "changed", "out_of_order")


def arrived(path: Path, keys: list[str]) -> dict[str, int]:
    """What a sink got, against the `keys` of what was kept, in its order."""
    first: dict[str, str] = {}
    repeats = changed = cut = 0
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            key = json.loads(line)["delivery_id"]
        except ValueError:
            # The process was killed in the middle of a line; what it was about comes again.
            cut += 1
            continue
        repeats += key in first
        changed += first.setdefault(key, line) != line
    order = {key: place for place, key in enumerate(keys)}
    places = [order[key] for key in first if key in order]
    return {
        "arrived": len(first),
        "repeated_with_the_same_id": repeats,
        "lines_cut_off": cut,
        "lost": len(set(keys) - set(first)),
        "invented": len(set(first) - set(keys)),
        "changed": changed,
        "out_of_order": sum(after < before for before, after in pairwise(places)),
    }


def _journal(path: Path) -> tuple[set[tuple[Any, ...]], set[tuple[Any, ...]]]:
    """What was handed over, and what was answered to be on the disk."""
    found: dict[str, set[tuple[Any, ...]]] = {"h": set(), "c": set()}
    for line in path.read_text(encoding="utf-8").splitlines():
        mark, *change = json.loads(line)
        found[mark].add(tuple(change))
    return found["h"], found["c"]


HEAD = (
    "kills",
    "while_starting",
    "while_committing_or_sending",
    "seconds",
    "stopped_in_s",
    "runs",
    "committed",
    "kept",
)


def table(report: dict[str, Any]) -> Iterator[str]:
    """The report as lines."""
    for name in (
        "kills",
        "while_starting",
        "while_committing_or_sending",
        "seconds",
        "stopped_in_s",
        "runs",
        "committed",
        "kept",
    ):
        yield f"{name.replace('_', ' '):<36}{report[name]}"
    yield f"{'ended as interrupted':<36}{report['interrupted']}"
    yield f"{'continued after a restart':<36}{report['continued']}"
    for sink, each in report["sinks"].items():
        for name in ("arrived", "repeated_with_the_same_id", "lines_cut_off"):
            yield f"{sink + ': ' + name.replace('_', ' '):<36}{each[name]}"
    for name, count in report["faults"].items():
        yield f"{name.replace('_', ' '):<36}{count}{'' if not count else '  <- must be 0'}"
    yield "ok" if report["ok"] else "NOT OK"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benches.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep everything there (an empty folder)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        report = crash(folder, chosen.kills, cameras=chosen.cameras, seed=chosen.seed)
    print(json.dumps(report, indent=2) if chosen.json else "\n".join(table(report)))
    sys.exit(0 if report["ok"] else 1)


if __name__ == "__main__":
    main()
