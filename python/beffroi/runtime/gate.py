"""Whether a picture has to be looked at: not where nothing changed since the last one that was.

Most cameras show an empty street most of the time, and a detector finds in it what it found before. The gate
compares a small grey picture, cell by cell, with that of the last picture that was analysed, and lets it
through if one cell changed by more than its own noise. What it keeps back is answered with the last boxes
again, so that nobody who stands still is lost.

It knows nothing of objects. What it cannot see is a change of much less than a cell, or paler than the noise
of its place: both wait for the next refresh. What it cannot keep back is weather that moves everywhere: in
heavy rain it stays open, and costs what it costs. A clock in the picture opens it every second; a mask over
the clock shuts it again. ``python -m benches.gate`` prints what it saves and what it misses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from beffroi.errors import InputError

if TYPE_CHECKING:
    from beffroi.components import Detector
    from beffroi.frame import Detections, Frame

# Cells across and down. Somebody whose height is a twentieth of the picture's fills most of a cell, so that a
# step changes one. Finer cells see less than that, and hold more noise.
COLUMNS, ROWS = 96, 54

# Pixels taken from each cell, across and down. All of them would cost ten times as much.
SAMPLES = 4

# A still picture is looked at again after this long. It bounds how late a change that the gate does not see
# is found; four seconds would keep back 15 of 16 pictures of an empty street at four a second, not 7 of 8.
REFRESH_MS = 2000

# Grey levels (of 255) that a change needs at least. Less, and the codec's rounding opens; more, and dark
# clothes at night pass unseen.
LEAST = 10.0

# A change counts if it is this many times the median of what its cell does by itself. For normal noise that
# is 5.4 standard deviations. Fewer open on noise, more hide what moves in noise.
TIMES = 8.0

# Grey levels that are always enough: a tree in the wind keeps the gate open rather than hide somebody who
# walks in front of it.
ENOUGH = 30.0

# How fast the noise of a cell is learned: it doubles, or halves, in 1.7 s of media time. What is in a cell
# for less than half of the time does not count as its noise.
PACE_PER_S = 0.5
LONGEST_STEP_S = 0.5

# Cells across and down whose noise is averaged: a wider tree hides more of what is beside it.
NEIGHBOURS = 5

# Noise begins here, in grey levels, and does not fall below.
QUIET = 1.0


class Gate:
    """The gate of one camera. Depends on the pictures and their media time alone; used by one thread.

    Parameters
    ----------
    refresh_ms
        Longest time for which it stays shut, in milliseconds of media time.
    """

    def __init__(self, refresh_ms: int = REFRESH_MS) -> None:
        self._refresh_ms = refresh_ms
        self._before: NDArray[np.float32] | None = None
        self._shape: tuple[int, ...] = ()
        self._analysed_ms = self._at_ms = 0
        self._noise = np.full((ROWS, COLUMNS), QUIET, np.float32)

    def open(self, at_ms: int, image: NDArray[np.uint8]) -> bool:
        """Whether the picture at `at_ms` has to be analysed; to be asked for every picture in order.

        It has to if a cell changed since the last that had to, if that is `refresh_ms` ago, if it has
        another size, if media time went back, and if it is the first.

        Parameters
        ----------
        at_ms
            Media time, milliseconds.
        image
            uint8, shape (height, width, 3), BGR.
        """
        now = grey(image)
        before = self._before if image.shape == self._shape and at_ms >= self._at_ms else None
        opened = before is None or self._changed(now, before, at_ms)
        if opened or at_ms - self._analysed_ms >= self._refresh_ms:
            opened = True
            self._before, self._shape, self._analysed_ms = now, image.shape, at_ms
        self._at_ms = at_ms
        return opened

    def _changed(self, now: NDArray[np.float32], before: NDArray[np.float32], at_ms: int) -> bool:
        """Whether a cell changed by more than its noise, which is then learned from."""
        change = np.abs(now - before)
        # One cell's noise is learned from few pictures; its neighbours mostly have the same.
        noise = np.maximum(self._noise, cv2.blur(self._noise, (NEIGHBOURS, NEIGHBOURS)))
        changed = bool((change > np.clip(noise * np.float32(TIMES), LEAST, ENOUGH)).any())
        step = np.float32(1 + PACE_PER_S * min((at_ms - self._at_ms) / 1000, LONGEST_STEP_S))
        self._noise *= np.where(change > self._noise, step, 1 / step)
        np.clip(self._noise, QUIET, ENOUGH, out=self._noise)
        return changed


class Gated:
    """A detector of one camera behind a gate: pictures that need no look get the boxes of the last that did.

    Belongs around a detector that looks at each picture for itself; one that follows what changes over time
    (fire, background, lights) has to see every picture.

    Attributes
    ----------
    inner
        The detector.
    looked, handed
        How many pictures were analysed, and how many got the last boxes again.
    """

    def __init__(self, detector: Detector, gate: Gate) -> None:
        self.inner, self._gate = detector, gate
        self._last: Detections | None = None
        self.labels, self.name = detector.labels, detector.name
        self.version, self.provider = detector.version, detector.provider
        self.looked = self.handed = 0

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """As `Detector.detect`."""
        return [self._one(frame) for frame in frames]

    def close(self) -> None:
        """As `Detector.close`."""
        self.inner.close()

    def begin(self, frame: Frame) -> bool:
        """Whether the detector has to look at a picture; `end` is then given what it found."""
        if self._gate.open(frame.at_ms, frame.image):
            self._last = None
        return self._last is None

    def end(self, found: Detections | None) -> Detections:
        """The boxes for the picture of the last `begin`: those found in it, or without any the last ones."""
        last = self._last if found is None else found
        if last is None:
            raise InputError("a picture that had to be looked at ends without what was found in it")
        self.looked += found is not None
        self.handed += found is None
        self._last = last
        return last

    def _one(self, frame: Frame) -> Detections:
        return self.end(self.inner.detect([frame])[0] if self.begin(frame) else None)


def grey(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Brightness of each cell, float32, shape (ROWS, COLUMNS), from `SAMPLES` squared of its pixels."""
    sampled = cv2.resize(image, (COLUMNS * SAMPLES, ROWS * SAMPLES), interpolation=cv2.INTER_NEAREST)
    bright = cv2.cvtColor(sampled, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(bright, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), np.float32)
