"""How what happened becomes rows. Each function writes on a connection whose transaction is its caller's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from beffroi.store import schema
from beffroi.store.records import Aggregate, Change, RunFacts, RunOutcome


def begin(connection: Connection, key: str, facts: RunFacts, stamp: str) -> int:
    """A run starts; returns its number, the same if a run of this key is there already."""
    row = {name: getattr(facts, name) for name in RunFacts.__slots__}
    added = upsert(schema.runs).values(key=key, began_at=stamp, **row).on_conflict_do_nothing()
    connection.execute(added)
    return int(connection.execute(select(schema.runs.c.id).where(schema.runs.c.key == key)).scalar_one())


def finish(connection: Connection, run: int, outcome: RunOutcome, stamp: str) -> None:
    """A run ended."""
    row = {name: getattr(outcome, name) for name in RunOutcome.__slots__}
    connection.execute(update(schema.runs).where(schema.runs.c.id == run).values(ended_at=stamp, **row))


def keep(
    connection: Connection, run: int, changes: Sequence[Change], sinks: Sequence[str], stamp: str
) -> list[int]:
    """Events, alerts and outbox; returns the ``seq`` of what was new."""
    new = []
    for change in changes:
        seq = _note(connection, run, change, stamp)
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


def aggregate(
    connection: Connection, run: int, view: str, minutes: int, period: Aggregate, *, stamp: str
) -> None:
    """A period of statistics; the same period twice is one row."""
    row = upsert(schema.aggregates).values(
        run=run,
        view=view,
        minutes=minutes,
        from_ms=period.body["from_ms"],
        to_ms=period.body["until_ms"],
        analysed_ms=period.analysed_ms,
        not_analysed_ms=period.not_analysed_ms,
        body=dict(period.body),
        committed_at=stamp,
    )
    changing = ("analysed_ms", "not_analysed_ms", "body", "committed_at")
    fresh = {name: row.excluded[name] for name in changing}
    connection.execute(
        row.on_conflict_do_update(index_elements=["run", "view", "minutes", "to_ms"], set_=fresh)
    )


def _note(connection: Connection, run: int, change: Change, stamp: str) -> int | None:
    """The new event's seq; None if it is there already."""
    alert = change.alert
    row = upsert(schema.events).values(
        run=run,
        incident=alert["id"],
        change=alert["change"],
        at_ms=alert["at_ms"],
        event=change.event,
        alert=dict(alert),
        committed_at=stamp,
    )
    seq: int | None = connection.execute(
        row.on_conflict_do_nothing().returning(schema.events.c.seq)
    ).scalar_one_or_none()
    return seq


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
