"""What is asked of the store. Rows come as plain mappings, oldest first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from beffroi.store import schema
from beffroi.store.writer import Store


def _rows(store: Store, query: Select[Any]) -> list[dict[str, Any]]:
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def runs(store: Store) -> list[dict[str, Any]]:
    """What ran, and for how long."""
    return _rows(store, select(schema.runs).order_by(schema.runs.c.id))


def alerts(
    store: Store, *, run: int | None = None, camera: str | None = None, rule: str | None = None
) -> list[dict[str, Any]]:
    """The latest state of every incident, narrowed by what is given."""
    query = select(schema.alerts).order_by(schema.alerts.c.id)
    for column, wanted in (("run", run), ("camera", camera), ("rule", rule)):
        if wanted is not None:
            query = query.where(schema.alerts.c[column] == wanted)
    return _rows(store, query)


def events(store: Store, *, run: int | None = None) -> list[dict[str, Any]]:
    """Every change in the order of its commit; ``event`` is the engine's own text."""
    query = select(schema.events).order_by(schema.events.c.seq)
    return _rows(store, query if run is None else query.where(schema.events.c.run == run))


def counts(store: Store, *, run: int | None = None) -> list[dict[str, Any]]:
    """Totals of measuring rules."""
    query = select(schema.counts).order_by(schema.counts.c.id)
    return _rows(store, query if run is None else query.where(schema.counts.c.run == run))


def aggregates(store: Store, *, minutes: int | None = None) -> list[dict[str, Any]]:
    """Statistics by view and time, with ``camera`` and ``evaluation`` of their run; `minutes` is 1 or 15."""
    known = schema.aggregates
    query = (
        select(known, schema.runs.c.camera, schema.runs.c.evaluation)
        .join_from(known, schema.runs, known.c.run == schema.runs.c.id)
        .order_by(schema.runs.c.camera, known.c.view, known.c.from_ms, known.c.minutes, known.c.run)
    )
    return _rows(store, query if minutes is None else query.where(known.c.minutes == minutes))


def waiting(store: Store) -> dict[str, int]:
    """How many alerts each sink has still to confirm; a sink without any is left out."""
    return _undelivered(store, parked=False)


def parked(store: Store) -> dict[str, int]:
    """How many alerts each sink has refused for good; a sink without any is left out."""
    return _undelivered(store, parked=True)


def undelivered(store: Store, sink: str) -> tuple[int, int]:
    """How many alerts wait for one sink, and how many it has refused for good."""
    outbox = schema.outbox.c
    query = select(func.count(), func.count(outbox.parked_at)).where(
        outbox.sink == sink, outbox.delivered_at.is_(None)
    )
    with store.reading() as connection:
        total, parked = connection.execute(query).one()
    return int(total - parked), int(parked)


def _undelivered(store: Store, *, parked: bool) -> dict[str, int]:
    outbox = schema.outbox.c
    query = (
        select(outbox.sink, func.count().label("waiting"))
        .where(
            outbox.delivered_at.is_(None),
            outbox.parked_at.is_not(None) if parked else outbox.parked_at.is_(None),
        )
        .group_by(outbox.sink)
        .order_by(outbox.sink)
    )
    return {row["sink"]: row["waiting"] for row in _rows(store, query)}


def outbox(store: Store, *, parked: bool | None = None) -> list[dict[str, Any]]:
    """Every alert that a sink has not confirmed: ``sink``, ``seq``, ``attempts``, ``last_error``,
    ``parked_at`` (None while it waits), ``committed_at`` and the ``alert``; by sink, oldest first.
    """
    outbox, events = schema.outbox.c, schema.events.c
    query = (
        select(
            outbox.sink,
            outbox.seq,
            outbox.attempts,
            outbox.last_error,
            outbox.parked_at,
            events.committed_at,
            events.alert,
        )
        .join_from(schema.outbox, schema.events, outbox.seq == events.seq)
        .where(outbox.delivered_at.is_(None))
        .order_by(outbox.sink, outbox.seq)
    )
    if parked is not None:
        query = query.where(outbox.parked_at.is_not(None) if parked else outbox.parked_at.is_(None))
    return _rows(store, query)
