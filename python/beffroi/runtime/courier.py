"""One sink's courier: what it sends, when it tries again, and when it gives an alert up."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

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
"""What was sent is noted at once, but no more often than this: under load a slow disk would do nothing else.
A crash before it is noted repeats what was sent, with the same ids."""
STORE_S = 2.0
"""When to try again to read or to note, while the disk is in trouble."""
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
        self._sent: dict[int, str] = {}
        self._due = 0.0
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
            came = self._round(at_once=False)
            if came == "refused":
                # News must not cut the pause short: the sink would be tried for each new alert.
                pause = min(max(2 * pause, PAUSE_S), LONGEST_PAUSE_S)
                self._finishing.wait(pause * random.uniform(0.5, 1.0))
                continue
            pause = 0.0
            if came == "unread":
                # Where the store is back, whoever writes to it says so.
                self._news.wait(STORE_S)
            else:
                self._news.wait(max(self._due - time.monotonic(), 0.0) if self._sent else LOOK_S)
        self.emptied = self._last_tries()
        self._until = None
        self._finishing.clear()

    def _last_tries(self) -> bool:
        failed = 0
        while True:
            moved = self._moved
            if self._round(at_once=True) == "emptied":
                return True
            failed = failed + 1 if self._moved == moved else 0
            pause = PAUSE_S * 2 ** max(failed - 1, 0)
            if failed == TRIES or self._late(pause):
                return False
            self._sleep(pause)

    def _round(self, *, at_once: bool) -> Literal["emptied", "refused", "unread"]:
        """`flush`, whatever happens, and what came of it."""
        try:
            return "emptied" if self.flush(at_once=at_once) else "refused"
        except StoreError as error:
            # The store says itself what is wrong with it.
            log.debug("sink %s: %s", self.name, error)
            return "unread"
        except Exception:
            log.exception("sink %s: unexpected error", self.name)
            return "refused"

    def flush(self, *, at_once: bool = True) -> bool:
        """Send what waits, once; True if nothing waits any more.

        What was sent is noted `at_once`, or a little later together with what follows. Raises `StoreError` if
        the store cannot be read, or cannot note at once what was sent.
        """
        with self._turn:
            sent = self._send_all()
            self._confirm(at_once=at_once or not sent)
            if at_once and self._sent:
                raise StoreError(f"{self._store.name}: cannot note what was sent")
            waiting, parked = queries.undelivered(self._store, self.name)
            self.waiting = waiting - len(self._sent)
            self._metrics.sink_state(self.name, self.waiting, parked)
            return sent

    def _send_all(self) -> bool:
        # What was sent but is not noted yet is not sent again meanwhile.
        while waiting := self._store.waiting(self.name, BATCH, after=max(self._sent, default=0)):
            for one in waiting:
                if self._late() or not self._send(one):
                    return False
                self._confirm(at_once=False)
        return True

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
        self._sent[one.seq] = one.delivery_id
        self._moved += 1
        self._complained = False
        return True

    def _confirm(self, *, at_once: bool) -> None:
        """Note what was sent, `at_once` or when it is due. Where that fails, it stays to be noted."""
        if not self._sent or not (at_once or time.monotonic() >= self._due):
            return
        try:
            self._store.confirmed(self.name, self._sent)
        except StoreError as error:
            log.debug("sink %s: cannot note what was sent: %s", self.name, error)
            self._due = time.monotonic() + STORE_S
            return
        self._sent.clear()
        self._due = time.monotonic() + CONFIRM_S

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
        try:
            self._store.failed(self.name, seq, text)
        except StoreError as trouble:
            log.debug("sink %s: cannot note a failure: %s", self.name, trouble)

    def _late(self, pause: float = 0.0) -> bool:
        return self._until is not None and time.monotonic() + pause > self._until

    def _patience(self) -> float:
        left = SEND_S if self._until is None else self._until - time.monotonic()
        return min(SEND_S, max(left, 0.1))
