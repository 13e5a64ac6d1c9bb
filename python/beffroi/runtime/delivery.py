"""From the store to the sinks: at least once, in the order of the commits, each sink on its own.

Each sink has a thread, its courier. Cameras only say that there may be something to send (`Delivery.nudge`)
and never wait for it; a sink that is slow or away delays no camera and no other sink. What is sent is read
from the store, so nothing is ever sent that is not on the disk, and what a crash, a stop or a dead sink left
waiting is sent by the next run with a sink of that name.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from beffroi.runtime.courier import TRIES, Courier
from beffroi.store import StoreTrouble, queries

if TYPE_CHECKING:
    from beffroi.components import Sink
    from beffroi.metrics import Metrics
    from beffroi.store import Store

__all__ = ["TRIES", "Delivery"]

log = logging.getLogger(__name__)

LOOK_S = 0.2
"""How often whoever waits for couriers looks whether a signal came."""


class Delivery:
    """Sends what waits in the store's outbox. Any thread may call; a sink is never called twice at a time.

    Parameters
    ----------
    store
        Whose outbox it is.
    sinks
        By the names under which the outbox knows them.
    metrics
        Where failures and what waits are counted.
    sleep
        How a courier waits between its last tries; tests put their own in its place.
    """

    def __init__(
        self,
        store: Store,
        sinks: Mapping[str, Sink],
        metrics: Metrics,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._couriers = {name: Courier(name, sink, store, metrics, sleep) for name, sink in sinks.items()}
        self._threads: dict[str, threading.Thread] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The sinks, as the outbox calls them."""
        return tuple(self._couriers)

    @property
    def parked(self) -> dict[str, int]:
        """How many alerts each sink has refused for good since this began; a sink without any is left out."""
        return {name: courier.parked for name, courier in self._couriers.items() if courier.parked}

    @property
    def undelivered(self) -> dict[str, int]:
        """How many alerts still wait for each sink, as far as the store can be read; a sink without any is
        left out."""
        try:
            waiting = queries.waiting(self._store)
        except StoreTrouble:
            waiting = {name: courier.waiting for name, courier in self._couriers.items() if courier.waiting}
        return {name: count for name, count in waiting.items() if name in self._couriers}

    def start(self) -> None:
        """Let the couriers run, until `drain`; what waited from before goes out at once."""
        for name, courier in self._couriers.items():
            if name not in self._threads:
                self._launch(name, courier)

    def nudge(self) -> None:
        """There may be something to send. Returns at once."""
        for courier in self._couriers.values():
            courier.nudge()

    def flush(self) -> bool:
        """Send what waits, once, in this thread; True if nothing waits any more."""
        emptied = [courier.flush() for courier in self._couriers.values()]
        return all(emptied)

    def drain(self, within_s: float | None = None) -> bool:
        """Stop the couriers after their last tries; True if nothing waits any more.

        Each sends what waits for its sink. While that fails, it tries `TRIES` times with growing pauses, and
        gives up after `within_s` seconds, if given: the rest stays in the store.
        """
        until = None if within_s is None else time.monotonic() + within_s
        for name, courier in self._couriers.items():
            courier.finish(until)
            if name not in self._threads:
                self._launch(name, courier)
        for name, thread in self._threads.items():
            # A join without an end would keep signals waiting.
            while thread.is_alive() and (until is None or time.monotonic() < until + LOOK_S):
                thread.join(LOOK_S)
            if thread.is_alive():
                log.warning("sink %s: does not come back; what it was sent last may be sent again", name)
        self._threads.clear()
        return all(courier.emptied for courier in self._couriers.values())

    def stop(self) -> None:
        """Stop the couriers where they are; harmless after `drain`."""
        if self._threads:
            self.drain(0.0)

    def _launch(self, name: str, courier: Courier) -> None:
        # A sink that never returns must not keep the process.
        self._threads[name] = threading.Thread(target=courier.run, name=f"sink {name}", daemon=True)
        self._threads[name].start()
