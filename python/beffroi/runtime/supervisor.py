"""Runs a site: builds everything, one thread per camera, and stops cleanly.

This is the composition root: nothing else in the package makes sources, detectors, engines, sinks and a
store.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from beffroi.errors import BeffroiError
from beffroi.metrics import Metrics
from beffroi.runtime.alert import measurements
from beffroi.runtime.camera import CameraLoop, OnEvent, Outlets, Progress, Watched, said
from beffroi.runtime.compose import Wishes, chosen, compose
from beffroi.runtime.delivery import Delivery
from beffroi.runtime.detectors import Detectors
from beffroi.runtime.live.changes import Changes
from beffroi.runtime.live.fleet import Fleet
from beffroi.runtime.recovery import recover
from beffroi.runtime.report import CameraReport, RunReport
from beffroi.store import Backlog, Claim, Store, backlog

if TYPE_CHECKING:
    from beffroi.components import Sink, Source
    from beffroi.config.site import Site
    from beffroi.evidence.clip import Clips
    from beffroi.runtime.live.status import CameraStatus

log = logging.getLogger(__name__)

STOP_S = 4.5
"""How long a live run may take to stop, what waits written and sent; the next run sends the rest."""
STOP_CAMERAS_S, STOP_CLIPS_S, LEAST_S = 1.5, 1.5, 0.5
"""Of that for ending the cameras and for clips; at least so much for the store, and for the sinks."""
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
    watch: Callable[[list[CameraStatus]], None] | None = None,
    stop: threading.Event | None = None,
) -> RunReport:
    """Run cameras of a site until their streams end, or until SIGINT or SIGTERM.

    Live cameras have no end. SIGHUP, or a change of the site file, makes those anew that it changes.

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
    watch
        Called several times a second with the state of every live camera, from the calling thread.
    stop
        Ends the run when somebody sets it, as SIGTERM does; for those who run it in a thread of their own.

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
        recorded = [name for name in names if name not in live]

        def wished(name: str) -> Wishes:
            return wishes.of(name, alone=len(names) == 1)

        ready, failed = _compose_all(site, recorded, detectors, wished, alone=not live)
        delivery.start()
        opened.callback(delivery.stop)
        keeper = Backlog(kept, written=delivery.nudge, metrics=counted) if live else kept
        if isinstance(keeper, Backlog):
            opened.callback(keeper.close, 0.0)
        turns = threading.Lock()
        outlets = Outlets(
            keeper, delivery, counted, measurements(), _in_turn(turns, on_event), _in_turn(turns, progress)
        )
        stop = threading.Event() if stop is None else stop
        with _stopped_by_signals(stop):
            loops = _start(ready, outlets, stop)
            opened.callback(loops)
            opened.callback(stop.set)
            if live:
                clips = _clips(site)
                opened.callback(clips.close, 0.0)
                fleet = Fleet(
                    site,
                    None if cameras is None else live,
                    outlets,
                    clips if site.evidence.clips else None,
                    wished,
                )
                opened.callback(fleet.stop, 0.0)
                asked = _watch(fleet, site, stop, watch)
                reports = fleet.stop(STOP_CAMERAS_S)
                clips.close(STOP_CLIPS_S)
            else:
                reports, asked = {}, 0.0
            reports |= failed | loops()
        lost, left_s = 0, None
        if isinstance(keeper, Backlog):
            lost = keeper.close(max(STOP_S - (time.monotonic() - asked), LEAST_S)) + keeper.refused
            left_s = max(STOP_S - (time.monotonic() - asked), LEAST_S)
        delivered = delivery.drain(left_s)
        return RunReport(
            site=site.name,
            evaluation=all(site.is_evaluation(name) for name in names),
            cameras=tuple(reports[name] for name in dict.fromkeys([*names, *reports]) if name in reports),
            wall_s=time.perf_counter() - begun,
            interrupted=stop.is_set() and not live,
            undelivered={} if delivered else delivery.undelivered,
            parked=delivery.parked,
            lost=lost,
        )


def _watch(
    fleet: Fleet, site: Site, stop: threading.Event, watch: Callable[[list[CameraStatus]], None] | None
) -> float:
    """Look after live cameras until asked to stop; gives when that was, on the monotonic clock."""
    from beffroi.config import load

    changes = Changes(site)
    with _reloaded_by_signal(changes):
        fleet.start()
        while not stop.wait(LOOK_S):
            fleet.tick()
            if changes.look():
                try:
                    site = load(site.path)
                except BeffroiError as error:
                    log.error("the site file has changed and cannot be used; what ran goes on: %s", error)
                else:
                    renewed = fleet.reload(site)
                    changes.follow(site)
                    log.warning("the site file has changed; made anew: %s", ", ".join(renewed) or "nothing")
            if watch is not None:
                watch(fleet.statuses())
    return time.monotonic()


def _clips(site: Site) -> Clips:
    """Who writes clips, and keeps the folder of evidence within its bounds."""
    from beffroi.evidence.clip import Clips
    from beffroi.evidence.disk import Disk

    evidence = site.evidence
    disk = Disk(
        site.folder / Path(evidence.folder).expanduser(),
        keep_days=evidence.keep_days,
        most_gb=evidence.most_gb,
        least_free_gb=evidence.least_free_gb,
    )
    return Clips(disk, blur=evidence.blur, originals=evidence.originals)


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
    site: Site, names: Sequence[str], detectors: Detectors, wishes: Callable[[str], Wishes], *, alone: bool
) -> tuple[list[tuple[Watched, Source]], dict[str, CameraReport]]:
    """Those that can run, and a report on each that cannot.

    If none can and there is nothing else (`alone`), the first error is the caller's.
    """
    watched, failed, errors = [], {}, []
    for name in names:
        try:
            watched.append(compose(site, name, detectors, wishes(name)))
        except BeffroiError as error:
            log.error("%s: %s", name, error)
            failed[name] = CameraReport(name, outcome="not_started", error=said(name, error))
            errors.append(error)
    if errors and not watched and alone:
        raise errors[0]
    return watched, failed


def _start(
    watched: Sequence[tuple[Watched, Source]], outlets: Outlets, stop: threading.Event
) -> Callable[[], dict[str, CameraReport]]:
    """Start the recordings; the result waits for their end and gives the reports."""
    reports: dict[str, CameraReport] = {}

    def run_one(one: Watched, source: Source) -> None:
        reports[one.facts.camera] = CameraLoop(one, source, outlets).run(stop)

    threads = [
        threading.Thread(target=run_one, args=(one, source), name=f"camera {one.facts.camera}")
        for one, source in watched
    ]
    for thread in threads:
        thread.start()

    def ended() -> dict[str, CameraReport]:
        for thread in threads:
            # A join without an end would keep signals waiting.
            while thread.is_alive():
                thread.join(LOOK_S)
        return reports

    return ended


@contextmanager
def _reloaded_by_signal(changes: Changes) -> Iterator[None]:
    """SIGHUP has the site file read again."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGHUP"):
        yield
        return
    before = signal.signal(signal.SIGHUP, lambda _number, _frame: changes.ask())
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


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
