"""Opening a store's file: its settings, its tables, and older files brought up to date."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select, text, update
from sqlalchemy.pool import QueuePool, StaticPool

from beffroi.errors import StoreError
from beffroi.store import schema


def connect(path: Path | None, busy_s: float) -> Engine:
    """The engine of a file, or of a database in memory for None.

    WAL with ``synchronous=FULL``: a commit that returned survives a power cut. A write waits for `busy_s`
    seconds for another process that is writing.
    """
    if path is None:
        engine = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"timeout": busy_s, "check_same_thread": False}
        )
    else:
        engine = create_engine("sqlite://", poolclass=QueuePool, creator=_opener(path, busy_s))

    @event.listens_for(engine, "connect")
    def _durable(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _opener(path: Path, busy_s: float) -> Callable[[], sqlite3.Connection]:
    """Opens the file, and makes it the first time only.

    Later its absence is trouble: where a disk was unmounted under it, an empty file on the disk below would
    swallow what is meant for the store.
    """
    made = False

    def opened() -> sqlite3.Connection:
        nonlocal made
        address = f"file:{quote(os.fsencode(path))}?mode={'rw' if made else 'rwc'}"
        connection = sqlite3.connect(address, uri=True, timeout=busy_s, check_same_thread=False)
        made = True
        return connection

    return opened


def prepare(connection: Connection, name: str) -> None:
    """Make the tables in an empty file, bring an older one up to date; refuse a file that is not ours."""
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
    if version not in {1, 2, schema.VERSION}:
        raise StoreError(
            f"{name}: is a store of version {version}, this beffroi reads version {schema.VERSION}; "
            "use the beffroi that wrote it, or name a new file"
        )
    if version == 1:
        _to_second(connection)
    # A table that is only added asks for no other version: who does not know it does not miss it.
    schema.metadata.create_all(connection)
    if version != schema.VERSION:
        _to_third(connection)
        connection.execute(update(schema.schema_version).values(version=schema.VERSION))


def settle(connection: Connection) -> bool:
    """Bring everything that the file holds to the disk, and begin a new write-ahead log.

    A write whose sync failed may still be read from the system's memory, and would be taken for done although
    the disk never got it; what is then appended to the log behind it is lost with it (Rebello et al., "Can
    Applications Recover from fsync Failures?", USENIX ATC 2020). A checkpoint writes it all again, elsewhere,
    with a sync of its own. False if another program is reading an older state, which needs the old log.
    """
    if connection.dialect.name != "sqlite":
        return True
    busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    return not busy


def _to_second(connection: Connection) -> None:
    """The second version knows rules in the shadow; in the first there were none."""
    connection.execute(text("ALTER TABLE alerts ADD COLUMN shadow BOOLEAN NOT NULL DEFAULT 0"))


def _to_third(connection: Connection) -> None:
    """The third version gives every run a key, parks what a sink refuses, and dates statistics."""
    _add(connection, "outbox", "parked_at", "TEXT")
    _add(connection, "aggregates", "committed_at", "TEXT")
    # A column is added with one value for all rows, and each run needs its own before they can be unique.
    _add(connection, "runs", "key", "TEXT NOT NULL DEFAULT ''")
    runs = schema.runs
    for run in connection.execute(select(runs.c.id)).scalars().all():
        connection.execute(update(runs).where(runs.c.id == run).values(key=str(uuid.uuid4())))
    for index in runs.indexes:
        index.create(connection, checkfirst=True)


def _add(connection: Connection, table: str, column: str, kind: str) -> None:
    """Add a column, unless the table was made just now and has it."""
    if column not in {known["name"] for known in inspect(connection).get_columns(table)}:
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {column} {kind}"))
