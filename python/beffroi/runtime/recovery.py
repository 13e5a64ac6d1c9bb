"""After a crash: what was running is closed, and what was going on has ended.

A run that has no outcome when a new one starts was cut off (`beffroi.store.Claim` sees to it that nobody else
is running). Each is closed with the outcome ``interrupted``: its incidents end with that reason at the last
moment of media time that the store knows of it, as changes of their own that sinks are told of like any
other, in one transaction with the run's end. An alert that was committed is never committed again as new:
what a crash left unsent is in the outbox.

A live camera that restarts within a situation sees it begin again, as a new incident with an id of its own,
since nothing of the engine's state outlives the process. Its alerts name the interrupted incident under
``continues`` (`beffroi.store.resumed`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import func, select

from beffroi.runtime.alert import DATED_MS, moment
from beffroi.store import Change, RunOutcome, Store, StoreTrouble, schema
from beffroi.store.resumed import INTERRUPTED, Resumed

log = logging.getLogger(__name__)


def recover(store: Store, sinks: Sequence[str], live: Collection[str]) -> list[int]:
    """Close the runs that were cut off; returns their numbers.

    Parameters
    ----------
    store
        The store that a run is about to begin on, claimed by this process.
    sinks
        Who is told of incidents that ended.
    live
        Cameras that show what is now. With one, a disk in trouble is said and left for the next start: to
        watch matters more than to close the books.

    Raises
    ------
    StoreError
        If the store cannot be read or written.
    """
    try:
        # What the last process could not bring to the disk may be in the system's memory alone.
        store.settle()
        closed = [_close(store, run, sinks) for run in _unfinished(store)]
    except StoreTrouble as error:
        if not live:
            raise
        log.error("%s; runs that were cut off stay open until the next start", error)
        closed = []
    if live:
        store.resumed = Resumed(store, live)
    return closed


def _unfinished(store: Store) -> list[dict[str, Any]]:
    query = select(schema.runs).where(schema.runs.c.outcome.is_(None)).order_by(schema.runs.c.id)
    with store.transaction() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def _close(store: Store, run: dict[str, Any], sinks: Sequence[str]) -> int:
    events, alerts, periods = schema.events.c, schema.alerts.c, schema.aggregates.c
    number = run["id"]
    last = select(func.min(events.at_ms), func.max(events.at_ms), func.max(events.committed_at))
    known = select(
        func.min(periods.from_ms),
        func.max(periods.to_ms),
        func.max(periods.committed_at),
    )
    minutes = select(func.sum(periods.analysed_ms), func.sum(periods.not_analysed_ms))
    still = select(alerts.incident, alerts.at_ms).where(alerts.run == number, alerts.change != "ended")
    with store.transaction() as connection:
        told = connection.execute(last.where(events.run == number)).one()
        counted = connection.execute(known.where(periods.run == number)).one()
        watched = connection.execute(minutes.where(periods.run == number, periods.minutes == 1)).one()
        going_on = connection.execute(still.order_by(alerts.id)).all()
        latest = {
            row.incident: connection.execute(
                select(events.event, events.alert)
                .where(events.run == number, events.incident == row.incident)
                .order_by(events.seq.desc())
                .limit(1)
            ).one()
            for row in going_on
        }
    to_ms = max((value for value in (told[1], counted[1]) if value is not None), default=None)
    from_ms = min((value for value in (told[0], counted[0]) if value is not None), default=None)
    # What is going on was told of, so there is a last moment.
    changes = [_end(event, alert, to_ms or 0) for event, alert in latest.values()]
    outcome = RunOutcome(from_ms, to_ms, watched[0] or 0, watched[1] or 0, 0, 0, INTERRUPTED)
    ended_at = max(stamp for stamp in (run["began_at"], told[2], counted[2]) if stamp is not None)
    store.finish(number, outcome, changes=changes, sinks=sinks, ended_at=ended_at)
    log.warning(
        "%s: run %d of %s was cut off after %s; it is closed, with %d incidents that were going on",
        store.name,
        number,
        run["camera"],
        ended_at,
        len(changes),
    )
    return int(number)


def _end(event: str, alert: dict[str, Any], at_ms: int) -> Change:
    """The incident's last known change as its end, in the engine's own form."""
    news = {"change": "ended", "at_ms": at_ms, "reason": INTERRUPTED}
    text = json.dumps({**json.loads(event), **news}, ensure_ascii=False, separators=(",", ":"))
    at = moment(at_ms, dated=at_ms >= DATED_MS)
    return Change(text, {**alert, **news, "at": at})
