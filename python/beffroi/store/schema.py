"""Tables of the store.

An incident is what the engine calls one ``id``: it starts, may be updated, and ends. Its id is a pure
function of view, rule, subject and start, and media time of a recording begins at zero: two recordings shown
to the same view can therefore give the same id. So every key begins with the run that saw it.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

VERSION = 3
"""Version of these tables, kept in the file. A file of an older one is brought up to date when it is opened
(`beffroi.store.opening`), one of a newer one is refused."""

metadata = MetaData()

schema_version = Table("beffroi_schema", metadata, Column("version", Integer, nullable=False))

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("site_hash", Text, nullable=False),
    Column("camera", Text, nullable=False),
    Column("view", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("engine", Text, nullable=False),
    Column("evaluation", Boolean, nullable=False),
    Column("began_at", Text, nullable=False),
    Column("ended_at", Text),
    Column("from_ms", BigInteger),
    Column("to_ms", BigInteger),
    Column("analysed_ms", BigInteger, nullable=False, default=0),
    Column("not_analysed_ms", BigInteger, nullable=False, default=0),
    Column("frames", Integer, nullable=False, default=0),
    Column("dropped", Integer, nullable=False, default=0),
    Column("outcome", Text),
    Index("runs_by_key", "key", unique=True),
)
"""What ran, on what, with what; ``outcome`` stays empty while it runs, and after a crash until the next
start.

``key`` is a random UUID: numbers begin at one in every store, and again in one restored from a copy."""

events = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("run", ForeignKey("runs.id"), nullable=False),
    Column("incident", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("alert", JSON, nullable=False),
    Column("committed_at", Text, nullable=False),
    UniqueConstraint("run", "incident", "change", "at_ms"),
    sqlite_autoincrement=True,
)
"""Every change, in the order of its commit: ``event`` is the engine's own text, byte for byte."""

alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("runs.id"), nullable=False),
    Column("incident", Text, nullable=False),
    Column("camera", Text, nullable=False),
    Column("view", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("evaluation", Boolean, nullable=False),
    Column("shadow", Boolean, nullable=False, default=False),
    Column("change", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("reason", Text),
    Column("snapshot", Text),
    Column("body", JSON, nullable=False),
    UniqueConstraint("run", "incident"),
    Index("alerts_by_rule", "camera", "rule", "started_ms"),
)
"""One row per incident: its latest state."""

outbox = Table(
    "outbox",
    metadata,
    Column("sink", Text, primary_key=True),
    Column("seq", ForeignKey("events.seq"), primary_key=True),
    Column("attempts", Integer, nullable=False, default=0),
    Column("last_error", Text),
    Column("delivered_at", Text),
    Column("parked_at", Text),
    Index("outbox_waiting", "sink", "delivered_at", "seq"),
)
"""What each sink has been sent and still has to be sent. What is parked was refused for good and waits for
a person."""

counts = Table(
    "counts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("runs.id"), nullable=False),
    Column("view", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
    UniqueConstraint("run", "view", "name", "to_ms"),
)
"""Totals of a measuring rule under its name."""

aggregates = Table(
    "aggregates",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("runs.id"), nullable=False),
    Column("view", Text, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False),
    Column("analysed_ms", BigInteger, nullable=False),
    Column("not_analysed_ms", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
    Column("committed_at", Text),
    UniqueConstraint("run", "view", "minutes", "to_ms"),
)
"""Statistics of a view by minute and by quarter of an hour (``minutes`` is 1 or 15), as the core gives them,
and how much of that time was analysed. A file without this table gets it when it is opened."""

verdicts = Table(
    "verdicts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alert", ForeignKey("alerts.id"), nullable=False),
    Column("verdict", Text, nullable=False),
    Column("cause", Text),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
    Index("verdicts_by_alert", "alert", "id"),
)
"""What people said of an incident; the last one counts, those before it stay."""
