"""Real disks that are filled, made read-only, cut off and locked, and back; a run that goes through it."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import ClassVar

import pytest
from beffroi import runtime
from beffroi.store import Store, queries
from beffroi.store.backlog import BUSY_S, PATIENCE_S
from scripted import LIFE, Script, Wire, WireSink, changes, site

from benches.trouble import KINDS, Impossible, play


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_real_disk_that_goes_and_comes_back(tmp_path: Path, kind: str) -> None:
    """`python -m benches.trouble` does the same for longer."""
    try:
        found = play(kind, tmp_path, without_s=1.0)
    except Impossible as reason:
        pytest.skip(str(reason))
    assert (found["lost"], found["invented"], found["repeated"]) == (0, 0, 0), found
    assert found["in_order"], found
    assert found["delivered"] == found["changes"] > found["in_memory"] > 0, found
    # A camera waits for its own change for a second at most; the rest is what a busy machine adds.
    assert found["longest_wait_s"] < PATIENCE_S + 2 * BUSY_S, found
    assert "; " in found["said"]


def test_a_live_run_goes_through_trouble(tmp_path: Path) -> None:
    """The whole way: cameras, backlog, delivery; somebody holds the file while the cameras run."""

    class Live(Script):
        live: ClassVar[bool] = True

    WireSink.sent.clear()
    with Store(tmp_path / "beffroi.db"):
        pass
    holder = sqlite3.connect(tmp_path / "beffroi.db", isolation_level=None, check_same_thread=False)
    frames: list[int] = []

    def progress(_camera: str, _at_ms: int, number: int) -> None:
        frames.append(number)
        if number == 2:
            holder.execute("BEGIN EXCLUSIVE")
            threading.Timer(2.0, lambda: holder.execute("ROLLBACK")).start()

    report = runtime.run(
        site(tmp_path, sinks={"wire": Wire()}, gate=Live()), progress=progress, store=tmp_path / "beffroi.db"
    )
    holder.close()
    assert report.errors == []
    assert (report.lost, frames[-1]) == (0, 40)
    assert changes(WireSink.sent) == LIFE
    with Store(tmp_path / "beffroi.db") as store:
        assert [row["change"] for row in queries.events(store)] == ["started", "ended"]
        assert queries.runs(store)[0]["outcome"] == "end_of_stream"
