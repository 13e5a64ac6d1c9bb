"""What people say of incidents: right, wrong, or that nobody can tell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select

from beffroi.errors import StoreError
from beffroi.store import schema
from beffroi.store.writer import Store

VERDICTS = ("confirmed", "false", "cannot_tell")


def judge(
    store: Store,
    incident: str,
    verdict: str,
    *,
    by: str,
    cause: str | None = None,
    at: datetime | None = None,
) -> dict[str, Any]:
    """Keep a verdict on the incident with this id, or with an id that begins so; returns its row.

    Where several runs saw an incident of this id, the last one is meant. `at` is now if left out.

    Raises
    ------
    StoreError
        If there is no such incident or no such verdict, several incidents are meant, or `by` is empty.
    """
    if verdict not in VERDICTS:
        raise StoreError(f"{verdict!r} is no verdict; there are {', '.join(VERDICTS)}")
    if not by.strip():
        raise StoreError("a verdict needs the name of who gave it")
    alerts = schema.alerts.c
    found = select(alerts.id, alerts.incident).where(alerts.incident.startswith(incident, autoescape=True))
    stamp = (
        (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
    with store.transaction() as connection:
        rows = connection.execute(found.order_by(alerts.id)).all() if incident else []
        if not rows:
            raise StoreError(f"{store.name}: there is no incident {incident!r}")
        if len({row.incident for row in rows}) > 1:
            raise StoreError(f"{store.name}: several incidents begin with {incident!r}; write more of its id")
        values = {"alert": rows[-1].id, "verdict": verdict, "cause": cause or None, "by": by, "at": stamp}
        number = connection.execute(insert(schema.verdicts).values(**values).returning(schema.verdicts.c.id))
        return {"id": number.scalar_one(), "incident": rows[-1].incident, **values}


def latest(store: Store) -> list[dict[str, Any]]:
    """The last verdict on each incident that has one, with ``incident``, ``camera`` and ``rule``."""
    verdicts, alerts = schema.verdicts, schema.alerts.c
    last = select(func.max(verdicts.c.id)).group_by(verdicts.c.alert)
    query = (
        select(verdicts, alerts.incident, alerts.camera, alerts.rule)
        .join_from(verdicts, schema.alerts, verdicts.c.alert == alerts.id)
        .where(verdicts.c.id.in_(last))
        .order_by(verdicts.c.id)
    )
    with store.transaction() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def history(store: Store, incident: str) -> list[dict[str, Any]]:
    """Every verdict on an incident, oldest first."""
    verdicts, alerts = schema.verdicts, schema.alerts.c
    query = (
        select(verdicts, alerts.incident)
        .join_from(verdicts, schema.alerts, verdicts.c.alert == alerts.id)
        .where(alerts.incident == incident)
        .order_by(verdicts.c.id)
    )
    with store.transaction() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
