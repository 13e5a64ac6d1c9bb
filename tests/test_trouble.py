"""Real disks that are filled, made read-only, cut off and locked; disks that said what was not so."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from beffroi import runtime
from beffroi.metrics import Metrics
from beffroi.runtime.delivery import Delivery
from beffroi.store import Backlog, Store, StoreTrouble, queries
from beffroi.store.backlog import BUSY_S, PATIENCE_S
from scripted import Wire, WireSink
from sqlalchemy import Connection
from test_backlog import start, told, until
from test_store import FACTS, LIFE

from benches.crash_load import site as street
from benches.trouble import KINDS, Impossible, play


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_real_disk_that_goes_and_comes_back(tmp_path: Path, kind: str) -> None:
    """`python -m benches.trouble` does the same for longer."""
    try:
        found = play(kind, tmp_path, without_s=1.0)
    except Impossible as reason:
        pytest.skip(str(reason))
    assert (found["lost"], found["invented"]) == (0, 0), found
    assert found["in_order"], found
    assert found["delivered"] == found["changes"] > found["in_memory"] > 0, found
    # A camera waits for its own change for a second at most; the rest is what a busy machine adds.
    assert found["longest_wait_s"] < PATIENCE_S + 2 * BUSY_S, found
    assert "; " in found["said"]


def test_a_live_run_goes_through_trouble(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The whole way: cameras, backlog, delivery; somebody holds the file while the cameras run."""
    WireSink.sent.clear()
    path = tmp_path / "beffroi.db"
    Store(path).close()
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    told: list[dict[str, Any]] = []
    timers: list[threading.Timer] = []

    def then(seconds: float, what: Callable[[], object]) -> None:
        timers.append(threading.Timer(seconds, what))
        timers[-1].start()

    def tell(alert: dict[str, Any]) -> None:
        told.append(alert)
        if len(told) == 3:
            holder.execute("BEGIN EXCLUSIVE")
            then(2.5, lambda: holder.execute("ROLLBACK"))
            then(4.0, lambda: os.kill(os.getpid(), signal.SIGTERM))

    scene = street(tmp_path, 0, 2).model_copy(update={"sinks": {"wire": Wire()}})
    try:
        report = runtime.run(scene, on_event=tell)
    finally:
        for timer in timers:
            timer.cancel()
    holder.close()
    assert (report.errors, report.lost) == ([], 0)
    assert "database is locked" in caplog.text
    assert "writes again after" in caplog.text
    with Store(path) as store:
        kept = [(row["incident"], row["change"]) for row in queries.events(store)]
        assert [row["outcome"] for row in queries.runs(store)] == ["stopped", "stopped"]
        assert {row["change"] for row in queries.alerts(store)} == {"ended"}
    assert [(alert["id"], alert["change"]) for alert in WireSink.sent] == kept
    assert sorted((alert["id"], alert["change"]) for alert in told) == sorted(kept)
    assert len(kept) > 3


class Lying(Store):
    """Its disk never got a transaction whose sync failed, although the system's memory still shows it."""

    fails = False
    away = False
    asked = 0

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with super().transaction() as connection:
            yield connection
        if self.fails:
            self.fails, self._doubtful = False, True
            raise StoreTrouble("disk I/O error", "look after the disk")

    def settle(self) -> bool:
        self.asked += 1
        if self.away:
            raise StoreTrouble("disk I/O error", "look after the disk")
        return super().settle()


def test_what_is_in_the_systems_memory_alone_is_not_taken_for_written(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Lying(path) as store:
        backlog = Backlog(store)
        run = backlog.begin(FACTS)
        backlog.commit(run, [start(0)], ["hook"])
        store.reopen()
        on_the_disk = path.read_bytes()
        store.fails = store.away = True
        assert backlog.commit(run, [start(1)], ["hook"]) == []
        assert told(store) == ["0", "1"]
        assert until(lambda: store.asked > 1)
        assert backlog.trouble is not None
        with store._lock:
            store.reopen()
            path.write_bytes(on_the_disk)
            store.away = False
        assert told(store) == ["0"]
        assert until(lambda: backlog.trouble is None)
        assert told(store) == ["0", "1"]
        assert queries.waiting(store) == {"hook": 2}
        backlog.close()


def test_what_a_disk_said_it_holds_and_lost_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    got: list[str] = []

    class Taking:
        def send(self, alert: Mapping[str, Any]) -> None:
            got.append(alert["id"])

        def close(self) -> None:
            pass

    with Lying(path) as store:
        delivery = Delivery(store, {"hook": Taking()}, Metrics())
        backlog = Backlog(store)
        run = backlog.begin(FACTS)
        assert backlog.commit(run, [start(0)], ["hook"]) == [1]
        store.reopen()
        on_the_disk = path.read_bytes()
        assert backlog.commit(run, [start(1)], ["hook"]) == [2]
        assert delivery.flush()
        store.fails = store.away = True
        assert backlog.commit(run, [start(2)], ["hook"]) == []
        with store._lock:
            store.reopen()
            path.write_bytes(on_the_disk)
            store.away = False
        assert until(lambda: backlog.trouble is None)
        assert told(store) == ["0", "1", "2"]
        assert delivery.flush()
        backlog.close()
    # What was sent of it is sent once more, as nobody can know; with the same id.
    assert got == ["0", "1", "0", "1", "2"]


def test_a_number_that_means_something_else_is_not_confirmed() -> None:
    with Store() as store:
        store.commit(store.begin(FACTS), LIFE[:2], ["hook"])
        first, second = store.waiting("hook")
        store.confirmed("hook", {first.seq: first.delivery_id, second.seq: first.delivery_id})
        assert store.waiting("hook") == [second]
