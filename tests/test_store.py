"""The store: what is committed is there, once, and a file that is not ours is left alone."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from beffroi.errors import StoreError
from beffroi.store import Aggregate, Change, Claim, RunFacts, RunOutcome, Store, queries
from hypothesis import given, settings
from hypothesis import strategies as st

FACTS = RunFacts("square", "5ce0", "gate", "lawn", "femto 1", "cpu", "0.1.0", evaluation=True)


def change(incident: str, what: str, at_ms: int, **more: Any) -> Change:
    alert = {
        "id": incident,
        "view": "lawn",
        "rule": "on the lawn",
        "type": "intrusion",
        "change": what,
        "at_ms": at_ms,
        "since_ms": 500,
        "severity": "warning",
        "measured": {"held_s": 0.5},
        "reason": "cleared" if what == "ended" else None,
        "camera": "gate",
        "evaluation": True,
        "snapshot": None,
        **more,
    }
    return Change(f'{{"id":"{incident}","change":"{what}","at_ms":{at_ms}}}', alert)


LIFE = [change("a", "started", 1000), change("a", "updated", 2000), change("a", "ended", 3000)]


def contents(store: Store) -> tuple[Any, ...]:
    return queries.alerts(store), queries.events(store), queries.counts(store), queries.waiting(store)


def test_an_alert_its_events_and_what_is_to_be_sent_are_committed_together() -> None:
    with Store() as store:
        run = store.begin(FACTS)
        assert store.commit(run, LIFE[:1], ["file", "hook"]) == [1]
        (alert,) = queries.alerts(store)
        assert (alert["incident"], alert["change"], alert["started_ms"], alert["ended_ms"]) == (
            "a",
            "started",
            1000,
            None,
        )
        assert alert["evaluation"] is True
        assert queries.waiting(store) == {"file": 1, "hook": 1}
        assert [row["event"] for row in queries.events(store)] == [LIFE[0].event]


def test_a_commit_that_fails_leaves_nothing() -> None:
    with Store() as store:
        run = store.begin(FACTS)
        bad = Change("{}", {**LIFE[1].alert, "severity": None})
        with pytest.raises(StoreError, match="severity"):
            store.commit(run, [LIFE[0], bad], ["file"])
        assert contents(store) == ([], [], [], {})


def test_an_incident_has_one_row_with_its_latest_state() -> None:
    with Store() as store:
        run = store.begin(FACTS)
        first = change("a", "started", 1000, snapshot="a.jpg")
        store.commit(run, [first, *LIFE[1:]], [])
        (alert,) = queries.alerts(store)
        assert (alert["change"], alert["started_ms"], alert["ended_ms"]) == ("ended", 1000, 3000)
        assert (alert["reason"], alert["snapshot"]) == ("cleared", "a.jpg")
        assert alert["body"]["at_ms"] == 3000


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=8))
def test_committing_again_changes_nothing(repeats: Sequence[int]) -> None:
    """Whatever prefix of the incident's life is committed again, at whatever moment."""
    with Store(clock=lambda: datetime(2026, 6, 1, tzinfo=UTC)) as once:
        run = once.begin(FACTS)
        for part in LIFE:
            once.commit(run, [part], ["file"])
        wanted = contents(once)
    with Store(clock=lambda: datetime(2026, 6, 1, tzinfo=UTC)) as often:
        run = often.begin(FACTS)
        done = 0
        for repeat in repeats:
            if done < len(LIFE):
                assert often.commit(run, [LIFE[done]], ["file"])
                done += 1
            assert often.commit(run, LIFE[: min(repeat, done)], ["file", "late"]) == []
        often.commit(run, LIFE[done:], ["file"])
        alerts, events, counts, waiting = contents(often)
        strip = [{**row, "seq": 0} for row in events]
        assert (alerts, strip, counts, waiting) == (
            wanted[0],
            [{**row, "seq": 0} for row in wanted[1]],
            wanted[2],
            wanted[3],
        )


def test_the_same_incident_in_another_run_is_another_alert() -> None:
    """Recordings begin at zero, so two of them can give one id."""
    with Store() as store:
        for _ in range(2):
            store.commit(store.begin(FACTS), LIFE[:1], [])
        assert [alert["run"] for alert in queries.alerts(store)] == [1, 2]


def test_measurements_are_counts_and_not_alerts() -> None:
    with Store() as store:
        run = store.begin(FACTS)
        base = change("n", "updated", 60_000, measured={"total": 3.0}, rule="count", since_ms=0)
        store.commit(run, [Change(base.event, base.alert, measurement=True)], ["file"])
        later = {**base.alert, "change": "ended", "measured": {"total": 4.0}}
        store.commit(run, [Change(base.event, later, measurement=True)], ["file"])
        assert queries.alerts(store) == []
        (count,) = queries.counts(store)
        assert (count["name"], count["from_ms"], count["to_ms"], count["body"]) == (
            "count",
            0,
            60_000,
            {"total": 4.0},
        )
        assert queries.waiting(store) == {"file": 2}


def test_a_period_of_statistics_is_kept_once() -> None:
    with Store() as store:
        run = store.begin(FACTS)
        for _ in range(2):
            for minutes in (1, 15):
                body = {"from_ms": 0, "until_ms": minutes * 60_000, "lines": {}}
                store.aggregate(run, "lawn", minutes, Aggregate(body, 59_000, 1_000))
        minute, quarter = queries.aggregates(store)
        assert (minute["minutes"], quarter["minutes"], quarter["to_ms"]) == (1, 15, 900_000)
        assert (minute["camera"], minute["analysed_ms"], minute["body"]["lines"]) == (
            FACTS.camera,
            59_000,
            {},
        )
        assert queries.aggregates(store, minutes=15) == [quarter]
        assert queries.counts(store) == []


def test_what_is_to_be_sent_waits_until_it_is_confirmed() -> None:
    with Store() as store:
        store.commit(store.begin(FACTS), LIFE, ["file"])
        first, second, third = store.waiting("file")
        assert [one.alert["change"] for one in (first, second, third)] == ["started", "updated", "ended"]
        store.failed("file", first.seq, "no route")
        store.delivered("file", second.seq)
        assert [(one.seq, one.attempts) for one in store.waiting("file")] == [
            (first.seq, 1),
            (third.seq, 0),
        ]


def test_a_run_says_what_it_analysed() -> None:
    with Store() as store:
        run = store.begin(FACTS)
        assert queries.runs(store)[0]["outcome"] is None
        store.finish(run, RunOutcome(0, 9000, 8000, 1000, 45, 0, "end_of_stream"))
        (row,) = queries.runs(store)
        assert (row["site"], row["model"], row["analysed_ms"], row["outcome"]) == (
            "square",
            "femto 1",
            8000,
            "end_of_stream",
        )


def test_it_survives_closing(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "a store?.db"
    with Store(path) as store:
        store.commit(store.begin(FACTS), LIFE, ["file"])
        before = contents(store)
    assert path.is_file()
    with Store(path) as store:
        assert contents(store) == before


def test_commits_are_durable_and_readable_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store(path) as store, store.transaction() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "contacts.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE contacts (name)")
    other.commit()
    other.close()
    with pytest.raises(StoreError, match=r"contacts\.db: holds other tables \(contacts\)"):
        Store(path)
    text = tmp_path / "notes.txt"
    text.write_text("not a database, and long enough to be taken for one\n" * 30)
    with pytest.raises(StoreError, match=r"notes\.txt: file is not a database; name a file of its own"):
        Store(text)
    assert text.read_text().startswith("not a database, and")


@pytest.mark.parametrize("version", [0, 99])
def test_another_version_is_refused(tmp_path: Path, version: int) -> None:
    path = tmp_path / "store.db"
    Store(path).close()
    other = sqlite3.connect(path)
    other.execute("UPDATE beffroi_schema SET version = ?", (version,))
    other.commit()
    other.close()
    with pytest.raises(StoreError, match=rf"store\.db: is a store of version {version}, this beffroi reads"):
        Store(path)


def made_older(path: Path, version: int) -> None:
    """Take away what later versions brought."""
    old = sqlite3.connect(path)
    old.execute("DROP INDEX runs_by_key")
    for table, column in (("runs", "key"), ("outbox", "parked_at"), ("aggregates", "committed_at")):
        old.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    if version == 1:
        old.execute("ALTER TABLE alerts DROP COLUMN shadow")
        old.execute("DROP TABLE verdicts")
        old.execute("DROP TABLE aggregates")
    old.execute("UPDATE beffroi_schema SET version = ?", (version,))
    old.commit()
    old.close()


@pytest.mark.parametrize("version", [1, 2])
def test_a_store_of_an_older_version_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    path = tmp_path / "store.db"
    body = {"from_ms": 0, "until_ms": 60_000, "lines": {}}
    with Store(path) as store:
        for _ in range(2):
            run = store.begin(FACTS)
            store.commit(run, [change("a", "started", 1000)], ["wire"])
        store.aggregate(run, "lawn", 1, Aggregate(body, 59_000, 1_000))
        before = queries.alerts(store)
    made_older(path, version)
    keys = []
    for _ in range(2):
        with Store(path) as store:
            assert queries.alerts(store) == before
            assert [row["body"] for row in queries.aggregates(store)] == [body] * (version - 1)
            keys.append([one.delivery_id for one in store.waiting("wire")])
            run = store.begin(FACTS)
            store.aggregate(run, "lawn", 1, Aggregate(body, 59_000, 1_000))
            store.finish(run, RunOutcome(0, 0, 0, 0, 0, 0, "stopped"))
            with store.transaction() as connection:
                connection.exec_driver_sql("DELETE FROM aggregates WHERE run = ?", (run,))
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 2
    new = tmp_path / "new.db"
    Store(new).close()
    tables = []
    for each in (path, new):
        with sqlite3.connect(each) as opened:
            names = ("runs", "events", "alerts", "outbox", "counts", "aggregates", "verdicts")
            tables.append(
                {
                    name: {tuple(column[1:4]) for column in opened.execute(f"PRAGMA table_info({name})")}
                    for name in names
                }
            )
        opened.close()
    assert tables[0] == tables[1]


def test_a_delivery_is_known_by_what_it_is_of(tmp_path: Path) -> None:
    """Not by its number: a store that was restored from a copy gives other changes the same numbers."""
    path = tmp_path / "store.db"
    with Store(path) as store:
        run = store.begin(FACTS)
        store.commit(run, LIFE[:1], ["file", "hook"])
        (first,) = store.waiting("file")
        assert store.waiting("hook") == [first]
        store.failed("file", first.seq, "no route")
        assert store.waiting("file")[0].delivery_id == first.delivery_id
    copy = tmp_path / "copy.db"
    copy.write_bytes(path.read_bytes())
    ids = {first.delivery_id}
    for each in (path, copy):
        with Store(each) as store:
            assert store.waiting("file")[0].delivery_id == first.delivery_id
            (seq,) = store.commit(store.begin(FACTS), LIFE[:1], ["file"])
            assert seq == 2
            ids.add(store.waiting("file")[1].delivery_id)
    assert len(ids) == 3


def test_what_is_parked_waits_for_a_person(tmp_path: Path) -> None:
    with Store() as store:
        store.commit(store.begin(FACTS), LIFE, ["file", "hook"])
        first, *_ = store.waiting("file")
        store.park("file", first.seq, "too long")
        assert [one.seq for one in store.waiting("file")] == [2, 3]
        assert queries.waiting(store) == {"file": 2, "hook": 3}
        assert queries.parked(store) == {"file": 1}
        assert queries.undelivered(store, "file") == (2, 1)
        (row,) = queries.outbox(store, parked=True)
        assert (row["sink"], row["seq"], row["attempts"], row["last_error"]) == ("file", 1, 1, "too long")
        assert row["alert"]["id"] == "a"
        assert len(queries.outbox(store)) == 6
        assert store.unpark("hook") == 0
        assert store.unpark() == 1
        assert [one.seq for one in store.waiting("file")] == [1, 2, 3]


def test_a_store_is_run_by_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Claim(path):
        with pytest.raises(
            StoreError, match=rf"store\.db: another process \(number {os.getpid()}\) is running"
        ):
            Claim(path)
        # Readers are not in the way.
        Store(path).close()
    with Claim(path), Claim(None), Claim(None):
        pass
    with pytest.raises(StoreError, match=r"store\.db\.lock: cannot be locked: No such file"):
        Claim(tmp_path / "none" / "store.db")


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(StoreError, match=r"file/store\.db: cannot make its folder"):
        Store(file / "store.db")
    with pytest.raises(StoreError, match="unable to open database file; the folder must exist"):
        Store(tmp_path)


def test_a_full_disk_is_named_and_loses_nothing_committed(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Store(path) as store:
        run = store.begin(FACTS)
        store.commit(run, LIFE[:1], ["file"])
        before = contents(store)
        with store.transaction() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
        big = change("b", "started", 1000, subjects=["x" * 100_000])
        with pytest.raises(StoreError, match=r"store\.db: database or disk is full"):
            store.commit(run, [big], ["file"])
        assert contents(store) == before
