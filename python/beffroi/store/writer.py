"""The store: what happened is on the disk before anyone is told.

One SQLite file in WAL mode with ``synchronous=FULL``: a commit that returned survives a power cut. Every
write goes through one lock, so camera threads never meet ``database is locked`` from each other; another
process may read at any time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    event,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from beffroi.errors import StoreError
from beffroi.store import schema

BUSY_S = 30
"""How long a write waits for another process that is writing."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is about to run on one view."""

    site: str
    site_hash: str
    camera: str
    view: str
    model: str
    provider: str
    engine: str
    evaluation: bool


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run of one view ended; times in media milliseconds, None where no picture was analysed."""

    from_ms: int | None
    to_ms: int | None
    analysed_ms: int
    not_analysed_ms: int
    frames: int
    dropped: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one incident: the engine's text and the alert made of it.

    `alert` holds at least ``id, rule, type, change, at_ms, since_ms, severity, measured`` and ``camera, view,
    evaluation, snapshot``. A `measurement` is kept under ``counts`` and not among the alerts.
    """

    event: str
    alert: Mapping[str, Any]
    measurement: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A period of statistics as `Step.stats` gives it, and how much of that time was analysed."""

    body: Mapping[str, Any]
    analysed_ms: int
    not_analysed_ms: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An alert that a sink has not confirmed yet."""

    seq: int
    attempts: int
    alert: Mapping[str, Any]


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

    Raises
    ------
    StoreError
        If the file cannot be made or opened, is no store of beffroi, or has another version.
    """

    def __init__(self, path: Path | None = None, *, clock: Callable[[], datetime] = _now) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.RLock()
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(f"{path}: cannot make its folder: {error.strerror}") from error
        self._engine = _connect(path)
        try:
            with self.transaction() as connection:
                _prepare(connection, self.name)
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

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing; a database error leaves as `StoreError` naming the file."""
        with self._lock:
            try:
                with self._engine.begin() as connection:
                    yield connection
            except SQLAlchemyError as error:
                raise StoreError(f"{self.name}: {_plain(error)}") from error

    def begin(self, facts: RunFacts) -> int:
        """Note that a view starts to run; returns the number of the run."""
        row = {name: getattr(facts, name) for name in RunFacts.__slots__}
        with self.transaction() as connection:
            added = insert(schema.runs).values(began_at=self._stamp(), **row).returning(schema.runs.c.id)
            return int(connection.execute(added).scalar_one())

    def finish(self, run: int, outcome: RunOutcome) -> None:
        """Note how it ended."""
        row = {name: getattr(outcome, name) for name in RunOutcome.__slots__}
        with self.transaction() as connection:
            connection.execute(
                update(schema.runs).where(schema.runs.c.id == run).values(ended_at=self._stamp(), **row)
            )

    def commit(self, run: int, changes: Sequence[Change], sinks: Sequence[str]) -> list[int]:
        """Write `changes`, the alerts they belong to and what `sinks` must be sent, in one transaction.

        Returns the ``seq`` of those that were new: a change that the run already holds (same incident, change
        and time) alters nothing.
        """
        new = []
        with self.transaction() as connection:
            for change in changes:
                seq = self._note(connection, run, change)
                if seq is None:
                    continue
                new.append(seq)
                if change.measurement:
                    _total(connection, run, change.alert)
                else:
                    _latest(connection, run, change.alert)
                if sinks and not change.alert.get("shadow", False):
                    rows = [{"sink": sink, "seq": seq, "attempts": 0} for sink in sinks]
                    connection.execute(insert(schema.outbox), rows)
        return new

    def aggregate(self, run: int, view: str, minutes: int, period: Aggregate) -> None:
        """Keep one period of statistics of a view, of 1 or 15 minutes; the same period twice is one row."""
        row = upsert(schema.aggregates).values(
            run=run,
            view=view,
            minutes=minutes,
            from_ms=period.body["from_ms"],
            to_ms=period.body["until_ms"],
            analysed_ms=period.analysed_ms,
            not_analysed_ms=period.not_analysed_ms,
            body=dict(period.body),
        )
        fresh = {name: row.excluded[name] for name in ("analysed_ms", "not_analysed_ms", "body")}
        with self.transaction() as connection:
            connection.execute(
                row.on_conflict_do_update(index_elements=["run", "view", "minutes", "to_ms"], set_=fresh)
            )

    def waiting(self, sink: str, limit: int = 100) -> list[Outgoing]:
        """What `sink` has not confirmed, oldest first."""
        outbox, events = schema.outbox.c, schema.events.c
        query = (
            select(outbox.seq, outbox.attempts, events.alert)
            .join_from(schema.outbox, schema.events, outbox.seq == events.seq)
            .where(outbox.sink == sink, outbox.delivered_at.is_(None))
            .order_by(outbox.seq)
            .limit(limit)
        )
        with self.transaction() as connection:
            return [Outgoing(row.seq, row.attempts, row.alert) for row in connection.execute(query)]

    def delivered(self, sink: str, seq: int) -> None:
        """`sink` has confirmed `seq`."""
        self._tried(sink, seq, delivered_at=self._stamp(), last_error=None)

    def failed(self, sink: str, seq: int, error: str) -> None:
        """`sink` has refused `seq`, which stays waiting."""
        self._tried(sink, seq, last_error=error)

    def _tried(self, sink: str, seq: int, **values: str | None) -> None:
        outbox = schema.outbox
        with self.transaction() as connection:
            connection.execute(
                update(outbox)
                .where(outbox.c.sink == sink, outbox.c.seq == seq)
                .values(attempts=outbox.c.attempts + 1, **values)
            )

    def _note(self, connection: Connection, run: int, change: Change) -> int | None:
        """The new event's seq; None if it is there already."""
        alert = change.alert
        row = upsert(schema.events).values(
            run=run,
            incident=alert["id"],
            change=alert["change"],
            at_ms=alert["at_ms"],
            event=change.event,
            alert=dict(alert),
            committed_at=self._stamp(),
        )
        seq: int | None = connection.execute(
            row.on_conflict_do_nothing().returning(schema.events.c.seq)
        ).scalar_one_or_none()
        return seq

    def _stamp(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _latest(connection: Connection, run: int, alert: Mapping[str, Any]) -> None:
    """Bring an incident's row up to `alert`, unless it already knows something later."""
    ended = alert["change"] == "ended"
    row = upsert(schema.alerts).values(
        run=run,
        incident=alert["id"],
        camera=alert["camera"],
        view=alert["view"],
        rule=alert["rule"],
        type=alert["type"],
        severity=alert["severity"],
        evaluation=alert["evaluation"],
        shadow=alert.get("shadow", False),
        change=alert["change"],
        at_ms=alert["at_ms"],
        started_ms=alert["at_ms"],
        ended_ms=alert["at_ms"] if ended else None,
        reason=alert.get("reason"),
        snapshot=alert.get("snapshot"),
        body=dict(alert),
    )
    news, known = row.excluded, schema.alerts.c
    fresh = {name: news[name] for name in ("change", "at_ms", "ended_ms", "reason", "severity", "body")}
    # An incident can end in the very step that updates it, never the other way round.
    later = (known.at_ms < news.at_ms) | ((known.at_ms == news.at_ms) & known.ended_ms.is_(None))
    connection.execute(
        row.on_conflict_do_update(
            index_elements=["run", "incident"],
            set_={**fresh, "snapshot": func.coalesce(known.snapshot, news.snapshot)},
            where=later,
        )
    )


def _total(connection: Connection, run: int, alert: Mapping[str, Any]) -> None:
    _count(
        connection,
        run=run,
        view=alert["view"],
        name=alert["rule"],
        from_ms=alert["since_ms"],
        to_ms=alert["at_ms"],
        body=alert["measured"],
    )


def _count(connection: Connection, **values: Any) -> None:
    row = upsert(schema.counts).values(**values)
    connection.execute(
        row.on_conflict_do_update(
            index_elements=["run", "view", "name", "to_ms"], set_={"body": row.excluded.body}
        )
    )


def _connect(path: Path | None) -> Engine:
    wait: dict[str, Any] = {"timeout": BUSY_S, "check_same_thread": False}
    if path is None:
        engine = create_engine("sqlite://", poolclass=StaticPool, connect_args=wait)
    else:
        engine = create_engine(URL.create("sqlite", database=str(path)), connect_args=wait)

    @event.listens_for(engine, "connect")
    def _durable(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _prepare(connection: Connection, name: str) -> None:
    """Make the tables in an empty file; refuse a file that is not ours."""
    tables = set(inspect(connection).get_table_names())
    if not tables:
        schema.metadata.create_all(connection)
        connection.execute(insert(schema.schema_version).values(version=schema.VERSION))
        return
    if schema.schema_version.name not in tables:
        raise StoreError(
            f"{name}: holds other tables ({', '.join(sorted(tables)[:3])}) and is no store of beffroi; "
            "name a file of its own"
        )
    version = connection.execute(select(schema.schema_version.c.version)).scalar_one_or_none()
    if version == 1:
        # The second version knows rules in the shadow; in the first there were none.
        connection.execute(text("ALTER TABLE alerts ADD COLUMN shadow BOOLEAN NOT NULL DEFAULT 0"))
        connection.execute(update(schema.schema_version).values(version=schema.VERSION))
    elif version != schema.VERSION:
        raise StoreError(
            f"{name}: is a store of version {version}, this beffroi reads version {schema.VERSION}; "
            "use the beffroi that wrote it, or name a new file"
        )
    # A table that is only added asks for no other version: who does not know it does not miss it.
    schema.metadata.create_all(connection)


def _plain(error: SQLAlchemyError) -> str:
    """The database's own words, without the statement and its values."""
    original = getattr(error, "orig", None)
    text = str(original if original is not None else error)
    if "unable to open" in text:
        return f"{text}; the folder must exist and be writable"
    if "not a database" in text:
        return f"{text}; name a file of its own, or one that beffroi made"
    return text
