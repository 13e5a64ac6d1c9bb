"""The store: what happened is on the disk before anyone is told.

One SQLite file in WAL mode with ``synchronous=FULL``: a commit that returned survives a power cut. Every
write goes through one lock, so threads never meet ``database is locked`` from each other; another process
may read at any time.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import SQLAlchemyError

from beffroi.errors import StoreError
from beffroi.store import rows, schema
from beffroi.store.opening import connect, prepare, settle
from beffroi.store.records import Aggregate, Change, Outgoing, RunFacts, RunOutcome
from beffroi.store.resumed import Resumed
from beffroi.store.trouble import StoreTrouble, as_store_error

BUSY_S = 30.0
"""How long a write waits for another process that is writing. A recording can wait."""


class Keeper(Protocol):
    """Where a run keeps what happens: a `Store`, or a `Backlog` in front of one."""

    def begin(self, facts: RunFacts) -> int:
        """Note that a view starts to run; returns the number of the run."""

    def finish(self, run: int, outcome: RunOutcome) -> None:
        """Note how it ended."""

    def commit(self, run: int, changes: Sequence[Change], sinks: Sequence[str]) -> list[int]:
        """Write `changes`, the alerts they belong to and what `sinks` must be sent, all or nothing."""

    def aggregate(self, run: int, view: str, minutes: int, period: Aggregate) -> None:
        """Keep one period of statistics of a view, of 1 or 15 minutes."""


def _now() -> datetime:
    return datetime.now(UTC)


class Store:
    """The store of one site; used by any number of threads.

    Parameters
    ----------
    path
        The SQLite file, made with its folder when it is not there; None keeps everything in memory.
    clock
        Wall clock, for the times at which rows were written.
    busy_s
        How many seconds a write waits for another process that is writing.

    Raises
    ------
    StoreError
        If the file cannot be made or opened, is no store of beffroi, or has another version.
        `StoreTrouble`, from any method that writes, if the disk is at fault and the same write may succeed
        later.
    """

    def __init__(
        self, path: Path | None = None, *, clock: Callable[[], datetime] = _now, busy_s: float = BUSY_S
    ) -> None:
        self.path = path
        self.resumed: Resumed | None = None
        """Interrupted incidents that new ones may continue; see `beffroi.runtime.recovery`."""
        self._clock = clock
        self._doubtful = False
        self._lock = threading.RLock()
        self._reads = threading.RLock()
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(f"{path}: cannot make its folder: {error.strerror}") from error
        self._engine = connect(path, busy_s)
        try:
            with self.transaction() as connection:
                prepare(connection, self.name)
        except StoreError:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The path, for messages."""
        return "store in memory" if self.path is None else str(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; harmless when repeated."""
        self._engine.dispose()

    def reopen(self) -> None:
        """Let go of the file, so that the next write opens it anew: a disk that came back may be another."""
        if self.path is not None:
            # A connection that somebody is reading from would outlive this, and keep hold of the old disk.
            with self._lock, self._reads:
                self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing; a database error leaves as `StoreError` naming the file.

        After an error of the disk nothing is taken for written that was only seen in the system's memory: the
        file is opened anew, and everything in it brought to the disk, before anything else is done.
        """
        with self._lock:
            try:
                if self._doubtful:
                    self._make_sure()
                with self._engine.begin() as connection:
                    yield connection
            except SQLAlchemyError as error:
                ours = as_store_error(self.name, error)
                self._doubtful = self._doubtful or (isinstance(ours, StoreTrouble) and ours.of_disk)
                raise ours from error

    def _make_sure(self) -> None:
        self.reopen()
        if not self.settle():
            advice = "another program is using it: close that program"
            raise StoreTrouble(f"{self.name}: cannot be made sure of after an error; {advice}", advice)
        self._doubtful = False

    def settle(self) -> bool:
        """Bring all that the file holds to the disk; False if another program is in the way just now."""
        with self._lock:
            try:
                with self._engine.connect() as connection:
                    return settle(connection)
            except SQLAlchemyError as error:
                raise as_store_error(self.name, error) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """For what only reads: waits for no writer, as WAL allows. A store in memory has one connection."""
        if self.path is None:
            with self.transaction() as connection:
                yield connection
            return
        try:
            with self._reads, self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise as_store_error(self.name, error) from error

    def stamp(self) -> str:
        """Now, as rows hold it."""
        return self._clock().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def begin(self, facts: RunFacts) -> int:
        """Note that a view starts to run; returns the number of the run."""
        with self.transaction() as connection:
            return rows.begin(connection, str(uuid.uuid4()), facts, self.stamp())

    def finish(
        self,
        run: int,
        outcome: RunOutcome,
        *,
        changes: Sequence[Change] = (),
        sinks: Sequence[str] = (),
        ended_at: str | None = None,
    ) -> None:
        """Note how it ended, now or at `ended_at`, and its last `changes`, in one transaction."""
        with self.transaction() as connection:
            rows.keep(connection, run, changes, sinks, self.stamp())
            rows.finish(connection, run, outcome, ended_at or self.stamp())

    def commit(self, run: int, changes: Sequence[Change], sinks: Sequence[str]) -> list[int]:
        """Write `changes`, the alerts they belong to and what `sinks` must be sent, in one transaction.

        Returns the ``seq`` of those that were new: a change that the run already holds (same incident, change
        and time) alters nothing.
        """
        changes = self.continuing(run, changes)
        with self.transaction() as connection:
            return rows.keep(connection, run, changes, sinks, self.stamp())

    def continuing(self, run: int, changes: Sequence[Change]) -> Sequence[Change]:
        """`changes`, with a word in those that continue an interrupted incident."""
        return changes if self.resumed is None else self.resumed.mark(run, changes)

    def aggregate(self, run: int, view: str, minutes: int, period: Aggregate) -> None:
        """Keep one period of statistics of a view, of 1 or 15 minutes; the same period twice is one row."""
        with self.transaction() as connection:
            rows.aggregate(connection, run, view, minutes, period, stamp=self.stamp())

    def waiting(self, sink: str, limit: int = 100, *, after: int = 0) -> list[Outgoing]:
        """What `sink` has neither confirmed nor refused for good, oldest first, from ``seq`` `after` on."""
        outbox, events, runs = schema.outbox.c, schema.events.c, schema.runs.c
        query = (
            select(
                outbox.seq,
                outbox.attempts,
                events.alert,
                events.incident,
                events.change,
                events.at_ms,
                runs.key,
            )
            .join_from(schema.outbox, schema.events, outbox.seq == events.seq)
            .join(schema.runs, events.run == runs.id)
            .where(
                outbox.sink == sink,
                outbox.delivered_at.is_(None),
                outbox.parked_at.is_(None),
                outbox.seq > after,
            )
            .order_by(outbox.seq)
            .limit(limit)
        )
        with self.reading() as connection:
            return [
                Outgoing(
                    row.seq,
                    row.attempts,
                    row.alert,
                    delivery_id(row.key, row.incident, row.change, row.at_ms),
                )
                for row in connection.execute(query)
            ]

    def delivered(self, sink: str, *seqs: int) -> None:
        """`sink` has confirmed these."""
        self._tried(sink, seqs, delivered_at=self.stamp(), last_error=None)

    def confirmed(self, sink: str, sent: Mapping[int, str]) -> None:
        """`sink` has confirmed these, by ``seq`` and `delivery_id`.

        A number that now means something else is left alone: a disk that failed and came back may have lost
        the last changes, and others have their numbers.
        """
        events, runs = schema.events.c, schema.runs.c
        query = (
            select(events.seq, events.incident, events.change, events.at_ms, runs.key)
            .join_from(schema.events, schema.runs, events.run == runs.id)
            .where(events.seq.in_(sent))
        )
        with self.transaction() as connection:
            rows_of = connection.execute(query).all()
            same = [
                row.seq
                for row in rows_of
                if delivery_id(row.key, row.incident, row.change, row.at_ms) == sent[row.seq]
            ]
            _tried(connection, sink, same, delivered_at=self.stamp(), last_error=None)

    def failed(self, sink: str, seq: int, error: str) -> None:
        """`sink` did not take `seq`, which stays waiting."""
        self._tried(sink, [seq], last_error=error)

    def park(self, sink: str, seq: int, error: str) -> None:
        """`sink` refuses `seq` for good: it waits for a person, and what follows goes on."""
        self._tried(sink, [seq], parked_at=self.stamp(), last_error=error)

    def unpark(self, sink: str | None = None) -> int:
        """Let what is parked for `sink`, or for any, be tried again; returns how many there are."""
        outbox = schema.outbox
        again = update(outbox).where(outbox.c.parked_at.is_not(None), outbox.c.delivered_at.is_(None))
        if sink is not None:
            again = again.where(outbox.c.sink == sink)
        with self.transaction() as connection:
            return int(connection.execute(again.values(parked_at=None)).rowcount)

    def _tried(self, sink: str, seqs: Sequence[int], **values: str | None) -> None:
        with self.transaction() as connection:
            _tried(connection, sink, seqs, **values)


def _tried(connection: Connection, sink: str, seqs: Sequence[int], **values: str | None) -> None:
    outbox = schema.outbox
    connection.execute(
        update(outbox)
        .where(outbox.c.sink == sink, outbox.c.seq.in_(seqs))
        .values(attempts=outbox.c.attempts + 1, **values)
    )


def delivery_id(key: str, incident: str, change: str, at_ms: int) -> str:
    """Name-based UUID (RFC 9562, version 5) of one change of one incident in the run of this `key`.

    Made of what the change is and not of its number in the file: a store restored from a copy counts on from
    there, and gives other changes the same numbers.
    """
    return str(uuid.uuid5(uuid.UUID(key), f"{incident}\n{change}\n{at_ms}"))
