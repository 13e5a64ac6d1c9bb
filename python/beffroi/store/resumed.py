"""Situations that go on over a restart: a new incident says which interrupted one it continues.

The engine's state is gone with the process, so what was going on begins again as an incident of its own, with
an id of its own. Where that happens in the same place by the same rule, soon after, an operator wants to see
one: the new incident's alerts carry ``continues``, the id of the interrupted one. This is said, never acted
on: both are whole incidents, and the core knows nothing of it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from beffroi.store import schema
from beffroi.store.records import Change

if TYPE_CHECKING:
    from beffroi.store.writer import Store

INTERRUPTED = "interrupted"
"""Outcome of a run, and reason of an incident's end, that a crash left open."""

WITHIN_MS = 300_000
"""How long after an interruption a start of the same rule in the same zone continues it. Shorter, and a
machine that takes minutes to boot, or a loitering rule of minutes, shows one person as two; longer, and
somebody else in the same place is taken for the one before. Nothing but how alerts are shown hangs on it."""


def _place(alert: Mapping[str, Any]) -> tuple[Any, ...]:
    return (alert["camera"], alert["view"], alert["rule"], alert.get("zone"))


class Resumed:
    """The interrupted incidents of a store that none has continued yet; used by any thread.

    Parameters
    ----------
    store
        Where to look for them.
    cameras
        Live cameras only: the times of two runs over a recording say nothing of each other.
    """

    def __init__(self, store: Store, cameras: Collection[str]) -> None:
        self._lock = threading.Lock()
        self._open: dict[tuple[Any, ...], list[tuple[int, str]]] = {}
        self._named: dict[tuple[int, str], str] = {}
        alerts = schema.alerts.c
        cut = (alerts.reason == INTERRUPTED, alerts.camera.in_(cameras))
        with store.transaction() as connection:
            last = connection.execute(select(func.max(alerts.ended_ms)).where(*cut)).scalar_one() or 0
            # Nothing can start before the last interruption any more: earlier ones are over.
            found = connection.execute(
                select(alerts.incident, alerts.ended_ms, alerts.body)
                .where(*cut, alerts.ended_ms >= last - WITHIN_MS)
                .order_by(alerts.started_ms.desc(), alerts.id.desc())
            ).all()
            later = select(alerts.body).where(
                alerts.camera.in_(cameras),
                alerts.started_ms.between(last - WITHIN_MS, last + WITHIN_MS),
            )
            taken = {body.get("continues") for body in connection.execute(later).scalars()}
        for row in found:
            if row.incident not in taken:
                self._open.setdefault(_place(row.body), []).append((row.ended_ms, row.incident))

    def mark(self, run: int, changes: Sequence[Change]) -> Sequence[Change]:
        """`changes`, with ``continues`` in the alerts of those incidents that continue one.

        Each interrupted incident is continued once, the one that lasted longest first.
        """
        if not self._open and not self._named:
            return changes
        with self._lock:
            return [self._marked(run, change) for change in changes]

    def _marked(self, run: int, change: Change) -> Change:
        alert, key = change.alert, (run, str(change.alert["id"]))
        if alert["change"] == "started" and key not in self._named:
            waiting = self._open.get(_place(alert), [])
            # Times before the end cannot follow it: a clock that was set back proves nothing.
            fits = [one for one in waiting if 0 <= alert["at_ms"] - one[0] <= WITHIN_MS]
            if fits:
                waiting.remove(fits[-1])
                self._named[key] = fits[-1][1]
        earlier = self._named.get(key) if alert["change"] != "ended" else self._named.pop(key, None)
        return change if earlier is None else replace(change, alert={**alert, "continues": earlier})
