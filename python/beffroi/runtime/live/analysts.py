"""The threads that analyse: each takes the camera whose turn it is. Nobody queues, nobody is preferred.

The camera that was served longest ago comes first. When the machine cannot keep up, the later pictures of
each camera replace its earlier ones in its mailbox, so that the rate falls evenly and no latency grows.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beffroi.frame import Detections, Frame
    from beffroi.runtime.live.camera import LiveCamera, Work

log = logging.getLogger(__name__)

IDLE_S = 0.5
"""How long an analyst sleeps at most without being woken."""


class Analysts:
    """A few threads that share the work of all cameras.

    Parameters
    ----------
    cameras
        Gives the cameras as they are now; called often.
    number
        How many threads: as many as processors, for a model runs on one of them at a time.
    """

    def __init__(self, cameras: Callable[[], Iterable[LiveCamera]], number: int) -> None:
        self._cameras = cameras
        self._wake = threading.Condition()
        self._news = 0
        self._stopped = False
        self._threads = [
            threading.Thread(target=self._run, name=f"analyst {i + 1}", daemon=True) for i in range(number)
        ]
        for thread in self._threads:
            thread.start()

    def nudge(self) -> None:
        """A picture waits; for any thread."""
        with self._wake:
            self._news += 1
            self._wake.notify()

    def stop(self, within_s: float) -> bool:
        """Let each finish what it has begun; whether all have."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        until = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        seen = 0
        while not self._stopped:
            taken = self._take()
            if not taken:
                with self._wake:
                    if self._news == seen and not self._stopped:
                        self._wake.wait(IDLE_S)
                    seen = self._news
                continue
            try:
                _analyse(taken)
            except Exception:
                log.exception("an analyst failed; it goes on")
            finally:
                for camera, _ in taken:
                    camera.turn.release()

    def _take(self) -> list[tuple[LiveCamera, Frame]]:
        """The pictures of the cameras whose turn it is, one of each, with their turns held."""
        waiting = [camera for camera in self._cameras() if camera.mailbox.since is not None]
        taken: list[tuple[LiveCamera, Frame]] = []
        most = 1
        for camera in sorted(waiting, key=lambda each: each.served_s):
            if len(taken) == most:
                break
            if not camera.turn.acquire(blocking=False):
                continue
            frame = camera.mailbox.take()
            if frame is None:
                camera.turn.release()
                continue
            camera.served_s = time.monotonic()
            taken.append((camera, frame))
            most = max(most, camera.batch)
        return taken


def _analyse(taken: Sequence[tuple[LiveCamera, Frame]]) -> None:
    """Look at each picture, find what is in those that are to be judged, judge them."""
    works: list[Work] = []
    for camera, frame in taken:
        try:
            work = camera.look(frame)
        except Exception as error:
            camera.fail(error)
            continue
        if work is not None:
            works.append(work)
    for work, found, seconds, cpu_s in _detected(works):
        try:
            if isinstance(found, Exception):
                raise found
            work.camera.see(work, found, seconds, cpu_s)
        except Exception as error:
            work.camera.fail(error)


def _detected(works: Sequence[Work]) -> Iterator[tuple[Work, Detections | Exception, float, float]]:
    """What was found in each picture, or why nothing could be; seconds it took, and the processor's."""
    rest = list(works)
    while rest:
        first = rest.pop(0)
        detector: Any = first.detector
        group = [first]
        if getattr(detector, "together", None) is not None:
            group += [work for work in rest if detector.runs_with(work.detector)]
            rest = [work for work in rest if work not in group]
        begun, used = time.perf_counter(), time.thread_time()
        if len(group) > 1:
            try:
                found = detector.together([work.detector for work in group], [w.frame for w in group])
            except Exception:
                log.exception("a batch of %d pictures failed; each is tried alone", len(group))
            else:
                share = (time.perf_counter() - begun) / len(group)
                cpu_s = (time.thread_time() - used) / len(group)
                yield from ((work, boxes, share, cpu_s) for work, boxes in zip(group, found, strict=True))
                continue
        for work in group:
            begun, used = time.perf_counter(), time.thread_time()
            try:
                (boxes,) = work.detector.detect([work.frame])
            except Exception as error:
                yield work, error, 0.0, 0.0
            else:
                yield work, boxes, time.perf_counter() - begun, time.thread_time() - used
