"""The disk in trouble: what the operator sees, how long it lasts, nothing lost, nothing invented."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from beffroi.errors import StoreError
from beffroi.metrics import Metrics
from beffroi.store import Aggregate, Backlog, BacklogFull, Change, RunOutcome, Store, StoreTrouble, queries
from beffroi.store.backlog import BUSY_S
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from test_metrics import samples
from test_store import FACTS, LIFE, change

SOON_S = 15.0
"""How long a test waits for what takes a moment; a machine under load is slow."""


def until(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + SOON_S
    while not (met := holds()) and time.monotonic() < end:
        time.sleep(0.01)
    return met


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db", busy_s=BUSY_S) as opened:
        yield opened


def told(store: Store) -> list[str]:
    return [row["incident"] for row in queries.events(store)]


def start(number: int) -> Change:
    return change(f"{number}", "started", 1000 + number)


class Disk:
    """Takes writing away from a store and gives it back, as each kind of trouble does it."""

    def __init__(self, store: Store, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.kind = store, kind
        self._holding: sqlite3.Connection | None = None
        # What SQLite says of a disk is set for a connection, and a connection is made anew in trouble.
        self._pragma = {
            "full": ("max_page_count = 1", "max_page_count = 1073741823"),
            "read-only": ("query_only = ON", "query_only = OFF"),
        }.get(kind)
        self._broken = False
        monkeypatch.setattr(store, "reopen", lambda: None)

    def breaks(self) -> None:
        if self._pragma is not None:
            self._set(self._pragma[0])
        else:
            assert self.store.path is not None
            self._holding = sqlite3.connect(self.store.path, isolation_level=None, check_same_thread=False)
            self._holding.execute("BEGIN EXCLUSIVE")

    def comes_back(self) -> None:
        if self._pragma is not None:
            self._set(self._pragma[1])
        elif self._holding is not None:
            self._holding.execute("ROLLBACK")
            self._holding.close()

    def _set(self, pragma: str) -> None:
        with self.store.transaction() as connection:
            connection.exec_driver_sql(f"PRAGMA {pragma}")


SAID = {
    "full": "database or disk is full; make room on the disk",
    "read-only": "attempt to write a readonly database; make the file and its file system writable",
    "locked": "database is locked; another program is writing to it: close that program",
}


@pytest.mark.parametrize("kind", list(SAID))
def test_nothing_is_lost_or_invented_while_the_disk_is_in_trouble(
    store: Store, kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk, metrics, nudges = Disk(store, kind, monkeypatch), Metrics(), threading.Semaphore(0)
    backlog = Backlog(store, written=nudges.release, metrics=metrics)
    run = backlog.begin(FACTS)
    assert backlog.commit(run, [start(0)], ["hook"]) == [1]
    disk.breaks()
    handed: list[str] = []
    # Something that no page has room for: a full disk refuses it, whatever is free in the file.
    large = change("large", "started", 2000, subjects=["x" * 100_000])
    for one in (large, *map(start, range(1, 40))):
        began = time.monotonic()
        assert backlog.commit(run, [one], ["hook"]) == []
        # Only the first waits for the disk at all.
        assert time.monotonic() - began < 1.0 + 2 * BUSY_S
        handed.append(one.alert["id"])
    assert until(lambda: backlog.trouble is not None and SAID[kind] in backlog.trouble)
    assert backlog.waiting == 40
    found = samples(metrics)
    assert (found["beffroi_store_trouble", ()], found["beffroi_store_backlog", ()]) == (1, 40)
    # Nobody is told of what is not on the disk.
    assert queries.waiting(store) == {"hook": 1}
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert SAID[kind] in caplog.text
    assert "alerts are kept in memory" in caplog.text
    while nudges.acquire(blocking=False):
        pass
    disk.comes_back()
    assert until(lambda: backlog.trouble is None)
    assert nudges.acquire(timeout=SOON_S)
    assert told(store) == ["0", *handed]
    assert queries.waiting(store) == {"hook": 41}
    found = samples(metrics)
    assert (found["beffroi_store_trouble", ()], found["beffroi_store_backlog", ()]) == (0, 0)
    assert "writes again after" in caplog.text
    assert len(backlog.commit(run, [start(99)], ["hook"])) == 1
    assert backlog.close() == 0


def test_a_run_may_begin_and_end_in_trouble(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(store, "read-only", monkeypatch)
    backlog = Backlog(store)
    disk.breaks()
    runs = [backlog.begin(FACTS) for _ in range(2)]
    assert len(set(runs)) == 2
    for run in runs:
        backlog.commit(run, LIFE, ["hook"])
        backlog.aggregate(run, "lawn", 1, Aggregate({"from_ms": 0, "until_ms": 60_000}, 60_000, 0))
        backlog.finish(run, RunOutcome(0, 3000, 3000, 0, 15, 0, "stopped"))
    disk.comes_back()
    assert backlog.close(SOON_S) == 0
    assert [(row["id"], row["outcome"]) for row in queries.runs(store)] == [(1, "stopped"), (2, "stopped")]
    assert [(row["run"], row["change"]) for row in queries.alerts(store)] == [(1, "ended"), (2, "ended")]
    assert [row["run"] for row in queries.aggregates(store)] == [1, 2]


def test_what_is_too_much_is_refused_loudly(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk, metrics = Disk(store, "read-only", monkeypatch), Metrics()
    backlog = Backlog(store, metrics=metrics, most=3)
    run = backlog.begin(FACTS)
    disk.breaks()
    backlog.commit(run, LIFE, ["hook"])
    with pytest.raises(BacklogFull, match=r"3 changes wait for the disk, .*; lost: on the lawn started 7"):
        backlog.commit(run, [start(7)], ["hook"])
    assert backlog.refused == 1
    assert samples(metrics)["beffroi_store_refused_total", ()] == 1
    assert "lost: on the lawn started 7" in caplog.text
    disk.comes_back()
    assert until(lambda: backlog.trouble is None)
    assert backlog.commit(run, [start(8)], ["hook"]) == [4]
    backlog.close()


def test_a_disk_that_stays_away_is_named_with_what_is_lost(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(store, "read-only", monkeypatch)
    backlog = Backlog(store)
    run = backlog.begin(FACTS)
    disk.breaks()
    backlog.commit(run, LIFE, ["hook"])
    began = time.monotonic()
    assert backlog.close(0.5) == 3
    assert time.monotonic() - began < SOON_S
    assert "3 changes could not be written and are lost: on the lawn started a" in caplog.text
    disk.comes_back()
    assert told(store) == []
    with pytest.raises(StoreError, match="is closed"):
        backlog.commit(run, LIFE, ["hook"])


def test_a_disk_that_does_not_answer_keeps_no_camera_waiting(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    backlog = Backlog(store, patience_s=0.1)
    run = backlog.begin(FACTS)
    entered, leave = threading.Event(), threading.Event()

    def stuck() -> None:
        with store.transaction():
            entered.set()
            leave.wait(SOON_S)

    holding = threading.Thread(target=stuck)
    holding.start()
    assert entered.wait(SOON_S)
    assert backlog.commit(run, LIFE[:1], ["hook"]) == []
    assert backlog.commit(run, LIFE[1:], ["hook"]) == []
    assert backlog.trouble is not None
    assert "has not answered for 0.1 s; look after its disk" in backlog.trouble
    leave.set()
    holding.join()
    assert backlog.close(SOON_S) == 0
    assert [row["change"] for row in queries.events(store)] == ["started", "updated", "ended"]


def test_a_disk_that_answers_after_all_was_given_up_does_no_harm(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    backlog = Backlog(store, patience_s=0.05)
    run = backlog.begin(FACTS)
    with store.transaction():
        assert backlog.commit(run, LIFE[:1], ["hook"]) == []
        assert backlog.close(0.05) == 1
    assert "1 changes could not be written and are lost: on the lawn started a" in caplog.text
    assert until(lambda: told(store) == ["a"])
    assert until(lambda: not backlog._thread.is_alive())
    assert "unexpected error" not in caplog.text


def test_a_change_that_can_never_be_written_is_its_own_cameras_error(store: Store) -> None:
    backlog = Backlog(store)
    run = backlog.begin(FACTS)
    bad = Change("{}", {**start(2).alert, "severity": None})
    errors: list[StoreError] = []
    gate = threading.Barrier(3)

    def commit(one: Change) -> None:
        gate.wait()
        try:
            backlog.commit(run, [one], ["hook"])
        except StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=commit, args=(one,)) for one in (start(1), bad, start(3))]
    with store.transaction():
        # All three wait together, and become one group.
        for thread in threads:
            thread.start()
        until(lambda: backlog.waiting == 3)
    for thread in threads:
        thread.join()
    assert sorted(told(store)) == ["1", "3"]
    (error,) = errors
    assert "severity" in str(error)
    assert not isinstance(error, StoreTrouble)
    assert backlog.trouble is None
    broken = Change("{}", {key: value for key, value in start(4).alert.items() if key != "camera"})
    with pytest.raises(StoreError, match="KeyError"):
        backlog.commit(run, [broken], [])
    assert backlog.commit(run, [start(5)], []) == [3]
    backlog.close()


def test_many_cameras_share_transactions_and_keep_their_order(store: Store) -> None:
    written = 0

    def count() -> None:
        nonlocal written
        written += 1

    backlog = Backlog(store, written=count)
    runs = [backlog.begin(FACTS) for _ in range(10)]
    before = written

    def camera(run: int) -> None:
        for number in range(20):
            assert backlog.commit(run, [start(number)], ["hook"])

    threads = [threading.Thread(target=camera, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    backlog.close()
    for run in runs:
        assert [row["incident"] for row in queries.events(store, run=run)] == [str(n) for n in range(20)]
    assert written - before < 200


class Moody(Store):
    """Fails before a transaction is on the disk, or after it is, as it is told: nobody can tell which."""

    moods: Iterator[str] = iter(())

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        mood = next(self.moods, "works") if threading.current_thread().name == "store" else "works"
        with super().transaction() as connection:
            yield connection
            if mood == "fails":
                raise StoreTrouble("no room", "make room")
        if mood == "loses the answer":
            raise StoreTrouble("no answer", "look after the disk")


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.sampled_from(["works", "fails", "loses the answer"]), max_size=12),
    st.lists(st.integers(1, 4), min_size=1, max_size=6),
)
def test_whatever_the_disk_does_everything_is_there_once_and_in_order(
    moods: list[str], lengths: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch, Moody() as store:
        patch.setattr("beffroi.store.backlog.FIRST_S", 0.001)
        patch.setattr("beffroi.store.backlog.LONGEST_S", 0.002)
        store.moods = iter(moods)
        backlog = Backlog(store)
        runs = [backlog.begin(FACTS) for _ in lengths]
        for run, length in zip(runs, lengths, strict=True):
            for number in range(length):
                backlog.commit(run, [start(number)], ["hook"])
            backlog.finish(run, RunOutcome(0, 0, 0, 0, 0, 0, "stopped"))
        assert backlog.close(SOON_S) == 0
        assert [row["outcome"] for row in queries.runs(store)] == ["stopped"] * len(lengths)
        assert told(store) == [str(number) for length in lengths for number in range(length)]
        assert len(store.waiting("hook", 1000)) == sum(lengths)


def test_a_file_that_is_gone_is_not_made_anew(store: Store, tmp_path: Path) -> None:
    """Where a disk is unmounted there is an empty folder, and what is written there is lost later."""
    backlog = Backlog(store)
    run = backlog.begin(FACTS)
    backlog.commit(run, LIFE[:1], ["hook"])
    store.reopen()
    there, away = tmp_path / "store.db", tmp_path / "elsewhere.db"
    there.rename(away)
    assert backlog.commit(run, LIFE[1:], ["hook"]) == []
    assert until(lambda: backlog.trouble is not None)
    assert not there.exists()
    away.rename(there)
    assert backlog.close(SOON_S) == 0
    assert [row["change"] for row in queries.events(store)] == ["started", "updated", "ended"]


def test_a_recording_fails_at_once_where_a_live_camera_waits(tmp_path: Path) -> None:
    with Store(tmp_path / "store.db", busy_s=0.1) as store:
        run = store.begin(FACTS)
        holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreTrouble, match="database is locked; another program is writing to it"):
            store.commit(run, LIFE, ["hook"])
        holder.execute("ROLLBACK")
        holder.close()
        assert store.commit(run, LIFE, ["hook"]) == [1, 2, 3]
