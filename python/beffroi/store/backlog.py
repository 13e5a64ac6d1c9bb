"""A store for live cameras: nothing is lost while its disk is full, read-only, locked or gone.

One thread writes. What cameras hand over is queued in order, and whatever has gathered while the last
transaction was being written goes into the next (group commit), so that ten cameras do not wait for ten
writes one after the other. Each waits until its own is on the disk, as with a `Store`, but never longer than
`PATIENCE_S`: then the disk is in trouble, what was handed over stays in memory, cameras go on analysing, and
everything is written in order once the disk is back. Nothing is written twice: what the file already holds
changes nothing (`Store.commit`), and a run is known by its key.

Nobody is told of what is not written: alerts are sent from the file.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from beffroi.errors import StoreError
from beffroi.store import rows
from beffroi.store.records import Aggregate, Change, RunFacts, RunOutcome
from beffroi.store.trouble import StoreTrouble

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from beffroi.metrics import Metrics
    from beffroi.store.writer import Store

log = logging.getLogger(__name__)

BUSY_S = 0.5
"""How long the writing thread waits for another process inside SQLite; see `Store`. Shorter calls a long
checkpoint of somebody else trouble; longer keeps readers of this process waiting with it."""
PATIENCE_S = 1.0
"""How long a camera waits for its own change. It covers a disk that spins up; beyond it pictures are lost."""
MOST = 10_000
"""Changes kept in memory: at some 2 KiB each, 20 MiB. Ten cameras with an alert a minute fill it in hours."""
GROUP = 256
"""Most hand-overs in one transaction: enough for any number of cameras, small enough to try again."""
FIRST_S, LONGEST_S = 0.25, 2.0
"""Pauses between attempts while the disk is in trouble. An attempt costs nothing, a late alert does."""
RECENT = 1000
"""How many hand-overs are kept after they were written, to be written again when the disk failed: it may have
lost what it had said it holds (a cable pulled from a disk with a cache). More would cost memory alone."""
STILL_S = 600.0
"""How often trouble that lasts is said again."""


class BacklogFull(StoreError):  # noqa: N818 - says what is wrong without the suffix
    """So much waits for the disk already that this was not taken, and is lost."""


@dataclass(eq=False, slots=True)
class _Handed:
    """One thing to write; `done` is set when it is written, or cannot be."""

    write: Callable[[Connection], Any]
    what: str
    weight: int
    done: threading.Event = field(default_factory=threading.Event)
    result: Any = None
    error: StoreError | None = None
    left: bool = False
    """Its camera has stopped waiting for it."""


class Backlog:
    """Writes to a store what cameras hand over; used by any number of threads.

    Parameters
    ----------
    store
        Where it goes; open it with ``busy_s=BUSY_S``.
    written
        Called by the writing thread after each transaction: time to send.
    metrics
        Told of what waits, and of trouble.
    most
        How many changes are kept in memory; further ones are refused with `BacklogFull`, logged and counted.
    patience_s
        How long a camera waits for the disk.
    """

    def __init__(
        self,
        store: Store,
        *,
        written: Callable[[], None] = lambda: None,
        metrics: Metrics | None = None,
        most: int = MOST,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.store = store
        self.refused = 0
        """Changes and periods that were not taken, and are lost."""
        self._written, self._metrics, self._most, self._patience_s = written, metrics, most, patience_s
        self._queue: deque[_Handed] = deque()
        self._recent: deque[_Handed] = deque(maxlen=RECENT)
        self._failed = False
        self._runs: dict[int, int] = {}
        self._begun = 0
        self._size = 0
        self._trouble: str | None = None
        self._since = self._said = 0.0
        self._news = threading.Condition()
        self._until: float | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str | None:
        """What keeps the store from writing and what to do about it; None while all is well."""
        return self._trouble

    @property
    def waiting(self) -> int:
        """Changes and periods that are in memory alone."""
        return self._size

    def begin(self, facts: RunFacts) -> int:
        """Note that a view starts to run; returns a number for it, which is not yet the file's in trouble."""
        key, stamp = str(uuid.uuid4()), self.store.stamp()
        with self._news:
            self._begun -= 1
            number = self._begun

        def write(connection: Connection) -> int:
            self._runs[number] = rows.begin(connection, key, facts, stamp)
            return self._runs[number]

        run = self._hand(_Handed(write, f"the run of {facts.camera}", 0))
        return number if run is None else int(run)

    def finish(self, run: int, outcome: RunOutcome) -> None:
        """Note how it ended."""
        stamp = self.store.stamp()
        self._hand(
            _Handed(lambda connection: rows.finish(connection, self._real(run), outcome, stamp), "an end", 0)
        )

    def commit(self, run: int, changes: Sequence[Change], sinks: Sequence[str]) -> list[int]:
        """Write `changes`, as `Store.commit`; returns nothing for what is kept in memory meanwhile.

        Raises
        ------
        BacklogFull
            If too much waits already: these changes are lost. The camera should go on all the same.
        StoreError
            If they can never be written.
        """
        changes, stamp = self.store.continuing(run, changes), self.store.stamp()

        def write(connection: Connection) -> list[int]:
            return rows.keep(connection, self._real(run), changes, sinks, stamp)

        told = ", ".join(f"{one.alert['rule']} {one.alert['change']} {one.alert['id']}" for one in changes)
        return self._hand(_Handed(write, told, len(changes))) or []

    def aggregate(self, run: int, view: str, minutes: int, period: Aggregate) -> None:
        """Keep one period of statistics, as `Store.aggregate`; raises as `commit`."""
        stamp = self.store.stamp()

        def write(connection: Connection) -> None:
            rows.aggregate(connection, self._real(run), view, minutes, period, stamp=stamp)

        self._hand(_Handed(write, f"statistics of {view}", 1))

    def close(self, within_s: float = 5.0) -> int:
        """Write what waits, within `within_s` seconds; returns how much is lost. The store stays open."""
        with self._news:
            self._until = time.monotonic() + within_s
            self._closing.set()
            self._news.notify_all()
        self._thread.join(within_s + BUSY_S)
        with self._news:
            lost, left = self._size, list(self._queue)
            self._queue.clear()
            self._size = 0
        if left:
            told = "; ".join(one.what for one in left[:20])
            log.error("%s: %d changes could not be written and are lost: %s", self.store.name, lost, told)
        return lost

    def _real(self, run: int) -> int:
        """The file's number of a run that began in trouble; its beginning was written before."""
        return self._runs[run] if run < 0 else run

    def _hand(self, handed: _Handed) -> Any:
        with self._news:
            if self._until is not None:
                raise StoreError(f"{self.store.name}: is closed")
            if handed.weight and self._size + handed.weight > self._most:
                raise self._refuse(handed)
            self._queue.append(handed)
            self._size += handed.weight
            self._news.notify_all()
            if self._trouble is not None:
                handed.left = True
                self._tell()
                return None
        if handed.done.wait(self._patience_s):
            return self._answer(handed)
        with self._news:
            if not handed.done.is_set():
                handed.left = True
                self._complain(
                    f"{self.store.name}: has not answered for {self._patience_s:g} s", "look after its disk"
                )
                return None
        return self._answer(handed)

    def _answer(self, handed: _Handed) -> Any:
        if handed.error is not None:
            raise handed.error
        return handed.result

    def _refuse(self, handed: _Handed) -> BacklogFull:
        self.refused += handed.weight
        full = f"{self._size} changes wait for the disk, no more are taken"
        text = f"{self.store.name}: {full}; lost: {handed.what}"
        log.error("%s", text)
        if self._metrics is not None:
            self._metrics.store_refused(handed.weight)
        return BacklogFull(text)

    def _run(self) -> None:
        pause = FIRST_S
        while (group := self._next()) is not None:
            try:
                self._write(group)
                pause = FIRST_S
            except StoreTrouble as error:
                with self._news:
                    self._complain(str(error), None)
                    # Nobody waits any more, not even who came while this group was tried.
                    for one in self._queue:
                        one.left = True
                        one.done.set()
                if self._over(pause):
                    return
                pause = min(2 * pause, LONGEST_S)
            except Exception as error:
                # A defect, and no reason to stop writing for all cameras.
                log.exception("%s: unexpected error", self.store.name)
                with self._news:
                    self._complain(f"{self.store.name}: unexpected error: {error}", "the log says more")
                if self._over(LONGEST_S):
                    return

    def _next(self) -> list[_Handed] | None:
        """What to write now, still in the queue; None when all is written and nothing comes any more."""
        with self._news:
            while not self._queue:
                if self._until is not None:
                    return None
                self._news.wait()
            return [self._queue[number] for number in range(min(len(self._queue), GROUP))]

    def _write(self, group: Sequence[_Handed]) -> None:
        """Write a group in one transaction; if something in it can never be written, each on its own."""
        try:
            if self._failed:
                self._repeat()
            with self.store.transaction() as connection:
                results = [one.write(connection) for one in group]
        except StoreTrouble as error:
            self._failed = self._failed or error.of_disk
            raise
        # Whatever is wrong with one hand-over must not end the thread that writes all others.
        except Exception as error:
            if len(group) > 1:
                for one in group:
                    self._write([one])
                return
            self._settle(group, [None], error)
            return
        self._settle(group, results)
        self._recent.extend(group)
        self._written()

    def _repeat(self) -> None:
        """Write again what was written last; where it is still there, that changes nothing."""
        try:
            with self.store.transaction() as connection:
                for one in self._recent:
                    one.write(connection)
        except StoreTrouble:
            raise
        except Exception:
            # The disk came back as another one; what is new must not wait for that.
            log.exception("%s: what was written before its disk failed cannot be checked", self.store.name)
        self._failed = False

    def _settle(
        self, group: Sequence[_Handed], results: Sequence[Any], error: Exception | None = None
    ) -> None:
        """Take a group from the head of the queue and answer whoever waits for it."""
        if error is not None and not isinstance(error, StoreError):
            text = f"{self.store.name}: unexpected error: {type(error).__name__}: {error}"
            error = StoreError(text)
        with self._news:
            for one, result in zip(group, results, strict=True):
                # A disk that answers after `close` has given up finds the queue empty.
                if self._queue and self._queue[0] is one:
                    self._queue.popleft()
                    self._size -= one.weight
                one.result, one.error = result, error
                one.done.set()
                if error is not None and one.left:
                    self.refused += one.weight
                    log.error("%s; lost: %s", error, one.what)
            if self._trouble is not None and not self._queue:
                took = time.monotonic() - self._since
                log.warning("%s: writes again after %.0f s; everything is kept", self.store.name, took)
                self._trouble = None
            self._tell()

    def _complain(self, text: str, advice: str | None) -> None:
        """Note trouble; say it once, and again when it lasts. Called with `_news` held."""
        now = time.monotonic()
        if self._trouble is None:
            self._since = now
        if self._trouble is None or now - self._said > STILL_S:
            self._said = now
            log.error(
                "%s. Until then alerts are kept in memory (%d wait, room for %d), and sent once written",
                text if advice is None else f"{text}; {advice}",
                self._size,
                self._most,
            )
        self._trouble = text if advice is None else f"{text}; {advice}"
        self._tell()

    def _tell(self) -> None:
        if self._metrics is not None:
            self._metrics.store_state(self._size, trouble=self._trouble is not None)

    def _over(self, pause: float) -> bool:
        """Wait before the next attempt; True if it is time to give up."""
        if self._until is None:
            self._closing.wait(pause)
            return False
        left = self._until - time.monotonic()
        if left > 0:
            time.sleep(min(pause, left))
        return left <= 0
