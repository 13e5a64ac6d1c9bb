"""From the store to the sinks: at least once, in the order of the commits."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from beffroi.components import Sink
from beffroi.metrics import Metrics
from beffroi.store import Store

log = logging.getLogger(__name__)

BATCH = 100
TRIES = 4
PAUSE_S = 0.25


class Delivery:
    """Sends what waits in the store's outbox. Any thread may call; sinks are never called twice at a time.

    A sink that refuses an alert keeps it, and everything after it, waiting: order is part of what is
    promised. What is still waiting when a run ends is sent by the next run with a sink of that name.
    """

    def __init__(
        self,
        store: Store,
        sinks: Mapping[str, Sink],
        metrics: Metrics,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store, self._sinks, self._metrics, self._sleep = store, sinks, metrics, sleep
        self._lock = threading.Lock()
        self._complained: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The sinks, as the outbox calls them."""
        return tuple(self._sinks)

    def flush(self) -> bool:
        """Send what waits, once; True if nothing waits any more."""
        with self._lock:
            empty = [self._send(name, sink) for name, sink in self._sinks.items()]
        return all(empty)

    def drain(self) -> bool:
        """Send what waits, trying `TRIES` times with growing pauses; True if nothing waits any more."""
        for attempt in range(TRIES):
            if attempt:
                self._sleep(PAUSE_S * 2 ** (attempt - 1))
            if self.flush():
                return True
        return False

    def _send(self, name: str, sink: Sink) -> bool:
        while waiting := self._store.waiting(name, BATCH):
            for one in waiting:
                try:
                    sink.send(one.alert)
                # A sink may come from anyone: whatever it raises means that the alert has not arrived.
                except Exception as error:
                    self._failed(name, one.seq, error)
                    return False
                self._store.delivered(name, one.seq)
                self._complained.discard(name)
        return True

    def _failed(self, name: str, seq: int, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"
        self._store.failed(name, seq, text)
        self._metrics.sink_failed(name)
        if name not in self._complained:
            log.warning("sink %s: %s; alerts for it wait in the store", name, text)
            self._complained.add(name)
