"""Runs a site: builds everything, one thread per camera, and stops cleanly.

This is the composition root: nothing else in the package makes sources, detectors, engines, sinks and a
store.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from beffroi.errors import BeffroiError
from beffroi.metrics import Metrics
from beffroi.runtime.alert import measurements
from beffroi.runtime.camera import CameraLoop, OnEvent, Outlets, Progress, Watched
from beffroi.runtime.compose import Wishes, chosen, compose
from beffroi.runtime.delivery import Delivery
from beffroi.runtime.detectors import Detectors
from beffroi.runtime.recovery import recover
from beffroi.runtime.report import CameraReport, RunReport
from beffroi.store import Backlog, Claim, Store, backlog

if TYPE_CHECKING:
    from beffroi.components import Sink
    from beffroi.config.site import Site

log = logging.getLogger(__name__)

STOP_S = 5.0
"""How long a live run may take to write and to send what waits when it is stopped; the next run goes on."""
LOOK_S = 0.2
"""How often the main thread looks whether it was asked to stop."""


def run(
    site: Site,
    *,
    cameras: Sequence[str] | None = None,
    render: Path | None = None,
    blur: bool = True,
    record: Path | None = None,
    store: Store | Path | None = None,
    pace: str | None = None,
    on_event: OnEvent | None = None,
    progress: Progress | None = None,
    metrics: Metrics | None = None,
) -> RunReport:
    """Run cameras of a site until their streams end, or until SIGINT or SIGTERM.

    Parameters
    ----------
    site
        What `beffroi.config.load` gave.
    cameras
        Names of the cameras to run; all of them by default.
    render
        Write an annotated film there; with several cameras, each to a file that carries its name.
    blur
        Blur people and vehicles in the film.
    record
        Write the detections there, for `beffroi.runtime.replay`; with several cameras as for `render`.
    store
        An open store, or the path of one, instead of the site's own.
    pace
        ``fast`` or ``real`` instead of what sources say, for those that have a pace.
    on_event
        Called with every alert once it is committed; never by two threads at a time.
    progress
        Called after each picture with camera, media time in milliseconds and number of pictures; likewise.
    metrics
        Where to count; its own by default.

    Returns
    -------
    What was found and what went wrong: one camera's failure does not stop the others.

    Raises
    ------
    BeffroiError
        If the store, a sink, or each of the cameras cannot even be opened.
    """
    wishes = Wishes(render, blur, record, pace)
    begun = time.perf_counter()
    with ExitStack() as opened:
        names = list(chosen(site, cameras))
        live = [name for name in names if site.cameras[name].source.live]
        kept = _store(site, store, opened, live=bool(live))
        counted = metrics if metrics is not None else Metrics()
        delivery = Delivery(kept, _sinks(site, opened), counted)
        recover(kept, delivery.names, live)
        detectors = Detectors()
        opened.callback(detectors.close)
        watched, failed = _compose_all(site, names, detectors, wishes)
        delivery.start()
        opened.callback(delivery.stop)
        keeper = Backlog(kept, written=delivery.nudge, metrics=counted) if live else kept
        if isinstance(keeper, Backlog):
            opened.callback(keeper.close, 0.0)
        turns = threading.Lock()
        outlets = Outlets(
            keeper, delivery, counted, measurements(), _in_turn(turns, on_event), _in_turn(turns, progress)
        )
        stop = threading.Event()
        with _stopped_by_signals(stop):
            reports = failed | _run_all(watched, outlets, stop)
        asked = time.monotonic()
        lost = keeper.close(STOP_S) + keeper.refused if isinstance(keeper, Backlog) else 0
        left_s = max(STOP_S - (time.monotonic() - asked), 1.0)
        delivered = delivery.drain(left_s if live else None)
        return RunReport(
            site=site.name,
            evaluation=all(site.is_evaluation(name) for name in names),
            cameras=tuple(reports[name] for name in names),
            wall_s=time.perf_counter() - begun,
            interrupted=stop.is_set(),
            undelivered={} if delivered else delivery.undelivered,
            parked=delivery.parked,
            lost=lost,
        )


def _store(site: Site, store: Store | Path | None, opened: ExitStack, *, live: bool) -> Store:
    """The store to run on, with nobody else running on it."""
    if isinstance(store, Store):
        opened.enter_context(Claim(store.path))
        return store
    path = store or site.context().path(site.store.path)
    kept = Store(path, busy_s=backlog.BUSY_S) if live else Store(path)
    opened.callback(kept.close)
    opened.enter_context(Claim(path))
    return kept


def _sinks(site: Site, opened: ExitStack) -> dict[str, Sink]:
    sinks = {}
    for name, config in site.sinks.items():
        sinks[name] = config.build(site.context())
        opened.callback(_close, name, sinks[name])
    return sinks


def _close(name: str, sink: Sink) -> None:
    """A sink that does not close has no alert left to lose, and must not cost the report."""
    try:
        sink.close()
    except Exception:
        log.exception("sink %s: does not close", name)


def _compose_all(
    site: Site, names: Sequence[str], detectors: Detectors, wishes: Wishes
) -> tuple[list[Watched], dict[str, CameraReport]]:
    """Those that can run, and a report on each that cannot; if none can, the first error is the caller's."""
    watched, failed, errors = [], {}, []
    for name in names:
        try:
            watched.append(compose(site, name, detectors, wishes.of(name, alone=len(names) == 1)))
        except BeffroiError as error:
            log.error("%s: %s", name, error)
            failed[name] = CameraReport(name, outcome="not_started", error=str(error))
            errors.append(error)
    if not watched:
        raise errors[0]
    return watched, failed


def _run_all(watched: Sequence[Watched], outlets: Outlets, stop: threading.Event) -> dict[str, CameraReport]:
    reports: dict[str, CameraReport] = {}

    def run_one(one: Watched) -> None:
        reports[one.facts.camera] = CameraLoop(one, outlets).run(stop)

    threads = [
        threading.Thread(target=run_one, args=(one,), name=f"camera {one.facts.camera}") for one in watched
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        # A join without an end would keep signals waiting.
        while thread.is_alive():
            thread.join(LOOK_S)
    return reports


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set `stop`; a second one is handled as if we were not here."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        restore()

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, ask)
    try:
        yield
    finally:
        restore()


def _in_turn(turns: threading.Lock, call: Any) -> Any:
    """`call` for one thread at a time; nothing for None."""
    if call is None:
        return lambda *_values: None

    def called(*values: Any) -> None:
        with turns:
            call(*values)

    return called
