"""Writes the clips of alerts: one thread for all cameras, behind everything that watches.

A clip is wanted when its alert starts, and cut when the camera's ring holds its end, or will never. Pictures
wait for their rendition in memory, compressed, because what is not blurred is not written down unasked.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import av

from beffroi.errors import BeffroiError, InputError
from beffroi.evidence.disk import Disk
from beffroi.evidence.ring import Ring
from beffroi.evidence.sightings import Points, Sightings
from beffroi.evidence.written import Cut, Wanted, Written, shown_path, write

__all__ = ["ClipCounts", "Clips", "Written", "ring_seconds", "shown_path"]

log = logging.getLogger(__name__)

# Beyond that a clip is not taken up: an operator does not look at that many either.
MOST_WAITING = 64
# Memory for clips that were cut and wait for their rendition: a dozen of 20 s at 4 Mbit/s.
MOST_BYTES = 128 * 2**20
# How much longer than the clip itself pictures and boxes are waited for, in real seconds: a camera that has
# broken off by then is back after the alert. The ring must hold that much more.
PATIENCE_S = 10.0
# How often is looked whether a clip can be cut.
LOOK_S = 0.25
PURGE_EVERY_S = 600.0
# Behind the cameras, in the kernel's eyes: 10 steps of at most 19 leave a tenth of a contested core.
NICENESS = 10


@dataclass(slots=True)
class ClipCounts:
    """What has become of the clips that were wanted."""

    wanted: int = 0
    written: int = 0
    overloaded: int = 0
    """Not taken up, or let go before they were written: too many at a time."""
    no_room: int = 0
    """Not written because too little is free on the disk."""
    missed: int = 0
    """The ring held nothing of them."""
    failed: int = 0
    """Could not be written; the log says why."""
    given_up: int = 0
    """Not finished when the run ended."""
    partial: int = 0
    """Written, but begin late, end early, or lack another part (see the log)."""


class _GivenUp(Exception):  # noqa: N818 - nobody's mistake
    """The run ends before the clip is finished."""


def ring_seconds(before_s: float, after_s: float) -> float:
    """How long a camera's ring should be for clips of that length: with patience and long groups."""
    return before_s + after_s + PATIENCE_S + 20.0


class Clips:
    """Takes wishes from any thread, at once and without waiting; writes in a thread of its own.

    Parameters
    ----------
    disk
        Where clips go, and whether there is room.
    blur
        Show a rendition in which people and vehicles are blurred; without it, the pictures as they came
        (with black masks, where the view has any).
    originals
        Keep the pictures as they came as well, in ``originals/`` below, for the owner of the files alone.
        Never where masks are in sight: these cannot be applied without encoding anew.
    written
        Called from the thread of the clips with each one that is there.
    clock
        Seconds that only go on; for how long to wait.
    """

    def __init__(
        self,
        disk: Disk,
        *,
        blur: bool = True,
        originals: bool = False,
        written: Callable[[Written], None] = lambda _written: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = ClipCounts()
        self._disk, self._blur, self._originals, self._told = disk, blur, originals, written
        self._clock = clock
        self._ready = threading.Condition()
        self._waiting: deque[Wanted] = deque()
        self._cuts: deque[Cut] = deque()
        self._closing = False
        self._give_up = threading.Event()
        self._complained = False
        self._failing = False
        self._purge_at = clock()
        # A daemon: a disk that hangs must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name="evidence", daemon=True)
        self._thread.start()

    def want(
        self,
        ring: Ring,
        path: Path,
        from_ms: int,
        to_ms: int,
        seen: Sightings,
        *,
        at_ms: int | None = None,
        masks: Sequence[Points] = (),
        original: bool = True,
        slack_ms: int = 0,
    ) -> bool:
        """Ask for a clip of a span of media time; False if there are too many already. Never blocks.

        Parameters
        ----------
        ring, seen
            Of the camera.
        path
            ``ID.mp4`` in the folder of the run, where ID is the incident's; see `shown_path`.
        from_ms, to_ms, at_ms
            The span, and when the alert started: that part is kept if the camera's stream changed within.
        masks
            Those of the view.
        original
            False where the camera has masks in any of its views: a dome passes by them.
        slack_ms
            How far the times of `ring` and `seen` may be apart: 0 if both are of the same stream.

        Raises
        ------
        InputError
            If `path` is not called so, or the span is empty.
        """
        if re.fullmatch(r"[0-9a-f]{32}\.mp4", path.name) is None:
            raise InputError(f"{path.name!r} cannot be the name of a clip: 32 hex digits and .mp4")
        if to_ms <= from_ms:
            raise InputError(f"a clip from {from_ms} to {to_ms} ms is empty")
        newest = ring.newest_ms
        missing_ms = to_ms - from_ms if newest is None else min(max(0, to_ms - newest), to_ms - from_ms)
        wanted = Wanted(
            ring=ring,
            path=path,
            from_ms=from_ms,
            to_ms=to_ms,
            at_ms=from_ms if at_ms is None else at_ms,
            seen=seen,
            masks=tuple(masks),
            original=original,
            slack_ms=slack_ms,
            until_s=self._clock() + missing_ms / 1000 + PATIENCE_S,
        )
        with self._ready:
            self.counts.wanted += 1
            if self._closing:
                self.counts.given_up += 1
                return False
            if len(self._waiting) + len(self._cuts) >= MOST_WAITING:
                self._overloaded()
                return False
            self._complained = False
            self._waiting.append(wanted)
            self._ready.notify()
        return True

    @property
    def waiting(self) -> int:
        """Clips that are wanted and not begun."""
        with self._ready:
            return len(self._waiting) + len(self._cuts)

    def close(self, deadline_s: float) -> bool:
        """Finish what is wanted with what there is, within `deadline_s`; False if something was given up."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        # The rest of the time is for taking drafts away.
        self._thread.join(deadline_s * 0.9)
        self._give_up.set()
        self._thread.join(deadline_s * 0.1)
        return not self._thread.is_alive() and not self.counts.given_up

    def _run(self) -> None:
        _stand_back()
        while True:
            with self._ready:
                if not self._cuts and not self._closing:
                    self._ready.wait(LOOK_S if self._waiting else self._until_purge())
            self._purge_if_due()
            self._cut_what_is_due()
            cut = self._next()
            if cut is not None:
                self._write(cut)
            elif self._closing and not self.waiting:
                return

    def _until_purge(self) -> float:
        return max(LOOK_S, self._purge_at - self._clock())

    def _purge_if_due(self) -> None:
        if self._clock() < self._purge_at or self._closing:
            return
        self._purge()

    def _purge(self) -> None:
        self._purge_at = self._clock() + PURGE_EVERY_S
        try:
            self._disk.purge(time.time())
        except OSError as error:
            log.warning("evidence: nothing can be removed: %s", error)

    def _room(self) -> bool:
        """Whether a clip may be written, after making room if need be."""
        if self._disk.may_write():
            return True
        self._purge()
        return not self._disk.full

    def _cut_what_is_due(self) -> None:
        """Take pictures out of the rings before these let them go; also called while a clip is written."""
        with self._ready:
            due = [wanted for wanted in self._waiting if self._due(wanted)]
            for wanted in due:
                self._waiting.remove(wanted)
        for wanted in due:
            try:
                self._cut(wanted)
            except Exception as error:
                self._failed(wanted.path.name, error)

    def _cut(self, wanted: Wanted) -> None:
        stretches = wanted.ring.cut(wanted.from_ms, wanted.to_ms)
        if not stretches:
            self.counts.missed += 1
            log.warning("evidence: %s: the camera sent no picture to make a clip of", wanted.path.name)
            return
        sightings = wanted.seen.between(wanted.from_ms, wanted.to_ms)
        size = sum(len(picture) for stretch in stretches for picture in stretch.pictures)
        with self._ready:
            if self._cuts and size + sum(cut.size for cut in self._cuts) > MOST_BYTES:
                self._overloaded()
            else:
                self._cuts.append(Cut(wanted, stretches, sightings, size))

    def _due(self, wanted: Wanted) -> bool:
        if self._closing or self._clock() >= wanted.until_s:
            return True
        looked = wanted.seen.newest_ms
        return wanted.ring.holds(wanted.to_ms) and (looked is not None and looked >= wanted.to_ms)

    def _next(self) -> Cut | None:
        with self._ready:
            if self._give_up.is_set():
                self.counts.given_up += len(self._waiting) + len(self._cuts)
                self._waiting.clear()
                self._cuts.clear()
            return self._cuts.popleft() if self._cuts else None

    def _write(self, cut: Cut) -> None:
        name = cut.wanted.path.name
        try:
            if not self._room():
                self.counts.no_room += 1
                return
            written = write(cut, blur=self._blur, originals=self._originals, between=self._between)
        except _GivenUp:
            with self._ready:
                self.counts.given_up += 1
            log.warning("evidence: %s: the run ended before the clip was finished", name)
        except Exception as error:
            self._failed(name, error)
        else:
            self._failing = False
            self.counts.written += 1
            self.counts.partial += bool(written.notes)
            for note in written.notes:
                log.warning("evidence: %s: %s", name, note)
            try:
                self._told(written)
            except Exception:
                log.exception("evidence: %s: nobody could be told of the clip", name)

    def _failed(self, name: str, error: Exception) -> None:
        """An alert is worth more than its clip, and the next one may succeed: said once, whatever it was."""
        self.counts.failed += 1
        expected = isinstance(error, (BeffroiError, OSError, av.FFmpegError))
        level = logging.DEBUG if self._failing else logging.ERROR
        log.log(level, "evidence: %s: the alert has no clip: %s", name, error, exc_info=not expected)
        self._failing = True

    def _between(self) -> None:
        if self._give_up.is_set():
            raise _GivenUp
        self._cut_what_is_due()

    def _overloaded(self) -> None:
        self.counts.overloaded += 1
        if not self._complained:
            self._complained = True
            log.error(
                "evidence: more alerts than clips can be written for; %d have none", self.counts.overloaded
            )


def _stand_back() -> None:
    """Run behind the cameras' threads, where the system can say so of one thread."""
    with suppress(OSError, AttributeError):
        own = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, own, os.getpriority(os.PRIO_PROCESS, own) + NICENESS)
