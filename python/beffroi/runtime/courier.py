"""One sink's courier: what it sends, when it tries again, and when it gives an alert up."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from beffroi.components import TimedSink
from beffroi.conceal import conceal
from beffroi.errors import Refused, StoreError
from beffroi.store import queries

if TYPE_CHECKING:
    from beffroi.components import Sink
    from beffroi.metrics import Metrics
    from beffroi.store import Outgoing, Store

log = logging.getLogger(__name__)

BATCH = 100
TRIES = 4
"""How often a sink that takes nothing is tried at the end of a run."""
PAUSE_S, LONGEST_PAUSE_S = 0.25, 60.0
"""Pauses between tries: each twice the last. Longer, and alerts come late once the sink is back; shorter, and
a server that has just come back is run over by everybody who waited for it."""
REFUSALS = 3
"""After how many refusals in a row an alert is parked. More than one, as a receiver that is being replaced
may refuse what it took before; few, as everything behind it waits."""
SEND_S = 10.0
"""How long a sink that can give up may wait for an answer."""
CONFIRM_S = 0.2
"""What was sent within this time is noted in one write. A crash in between repeats it, with the same ids."""
LOOK_S = 30.0
"""How often an idle courier looks: another process may have let parked alerts go."""


class Courier:
    """Sends one sink what waits for it, in order. `run` is its thread; the rest may be called by any."""

    def __init__(
        self,
        name: str,
        sink: Sink,
        store: Store,
        metrics: Metrics,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name, self.emptied, self.parked = name, False, 0
        self.waiting = 0
        """How many alerts waited when it last looked."""
        self._sink, self._store, self._metrics, self._sleep = sink, store, metrics, sleep
        self._turn = threading.Lock()
        self._news = threading.Event()
        self._finishing = threading.Event()
        self._until: float | None = None
        self._sent: list[int] = []
        self._since = 0.0
        self._moved = 0
        self._refusals = (0, 0)
        self._complained = False

    def nudge(self) -> None:
        """There may be something to send."""
        self._news.set()

    def finish(self, until: float | None) -> None:
        """Let `run` end after its last tries, by `until` (monotonic seconds) at the latest."""
        self._until = until
        self.emptied = False
        self._finishing.set()
        self._news.set()

    def run(self) -> None:
        """Send until `finish`, then try to leave nothing; `emptied` says whether that came about."""
        pause = 0.0
        while not self._finishing.is_set():
            self._news.clear()
            if self._round():
                pause = 0.0
                self._news.wait(LOOK_S)
            else:
                # News must not cut the pause short: the sink would be tried for each new alert.
                pause = min(max(2 * pause, PAUSE_S), LONGEST_PAUSE_S)
                self._finishing.wait(pause * random.uniform(0.5, 1.0))
        self.emptied = self._last_tries()
        self._until = None
        self._finishing.clear()

    def _last_tries(self) -> bool:
        failed = 0
        while True:
            moved = self._moved
            if self._round():
                return True
            failed = failed + 1 if self._moved == moved else 0
            pause = PAUSE_S * 2 ** max(failed - 1, 0)
            if failed == TRIES or self._late(pause):
                return False
            self._sleep(pause)

    def _round(self) -> bool:
        """`flush`, whatever happens: a store in trouble is the store's to say, and the mail waits."""
        try:
            return self.flush()
        except StoreError as error:
            if not self._complained:
                log.warning("sink %s: %s", self.name, error)
                self._complained = True
        except Exception:
            log.exception("sink %s: unexpected error", self.name)
        return False

    def flush(self) -> bool:
        """Send what waits, once; True if nothing waits any more. Raises `StoreError` if it cannot be read."""
        with self._turn:
            try:
                return self._send_all()
            finally:
                self._confirm()
                self.waiting, parked = queries.undelivered(self._store, self.name)
                self._metrics.sink_state(self.name, self.waiting, parked)

    def _send_all(self) -> bool:
        self._confirm()
        # What was sent but cannot be noted yet, on a disk in trouble, is not sent again meanwhile.
        while waiting := self._store.waiting(self.name, BATCH, after=max(self._sent, default=0)):
            for one in waiting:
                if self._late() or not self._send(one):
                    return False
                if time.monotonic() - self._since > CONFIRM_S:
                    self._confirm()
            self._confirm()
        return not self._sent

    def _send(self, one: Outgoing) -> bool:
        """Whether the next may follow."""
        alert = {**one.alert, "delivery_id": one.delivery_id}
        try:
            if isinstance(self._sink, TimedSink):
                self._sink.send_within(alert, self._patience())
            else:
                self._sink.send(alert)
        except Refused as error:
            return self._refused(one.seq, error)
        # A sink may come from anyone: whatever it raises means that the alert has not arrived.
        except Exception as error:
            self._failed(one.seq, error)
            return False
        if not self._sent:
            self._since = time.monotonic()
        self._sent.append(one.seq)
        self._moved += 1
        self._complained = False
        return True

    def _confirm(self) -> None:
        """Note what was sent. Where that fails it is noted later; it is not sent again by this run."""
        if not self._sent:
            return
        try:
            self._store.delivered(self.name, *self._sent)
        except StoreError as error:
            log.debug("sink %s: cannot note what was sent: %s", self.name, error)
            return
        self._sent.clear()

    def _refused(self, seq: int, error: Refused) -> bool:
        known, times = self._refusals
        times = times + 1 if known == seq else 1
        if times < REFUSALS:
            self._refusals = (seq, times)
            self._failed(seq, error)
            return False
        self._metrics.sink_failed(self.name)
        self._store.park(self.name, seq, conceal(str(error)))
        self._moved += 1
        self.parked += 1
        log.error(
            "sink %s: refused an alert %d times (%s); it is parked: see `beffroi outbox`",
            self.name,
            times,
            error,
        )
        return True

    def _failed(self, seq: int, error: Exception) -> None:
        # An address in it may hold a password, and the store is read by many.
        text = conceal(f"{type(error).__name__}: {error}")
        self._metrics.sink_failed(self.name)
        if not self._complained:
            log.warning("sink %s: %s; alerts for it wait in the store", self.name, text)
            self._complained = True
        self._store.failed(self.name, seq, text)

    def _late(self, pause: float = 0.0) -> bool:
        return self._until is not None and time.monotonic() + pause > self._until

    def _patience(self) -> float:
        left = SEND_S if self._until is None else self._until - time.monotonic()
        return min(SEND_S, max(left, 0.1))
