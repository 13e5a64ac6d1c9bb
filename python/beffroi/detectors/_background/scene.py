"""What every cell of a place usually looks like, and what has looked different for how long.

Two memories with two rates, after F. Porikli, Y. Ivanov, T. Haga, "Robust detection of abandoned and
removed objects in complex surveillance videos" (EURASIP J. Adv. Signal Process., 2008): the **reference**,
which is the empty scene and learns only from what looks like it, and the **candidate**, which is what a cell
shows instead, for as long as it shows the same. A candidate is elected as in R. S. Boyer, J S. Moore,
"MJRTY: a fast majority vote algorithm" (1991), in seconds instead of ballots: while it is seen it gains,
while something else is seen it loses, and at nothing it is replaced. Someone who passes in front does not
unseat it, and the reference is elected in the same way, so that a crowd that moves through is not learnt.
"""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np

from beffroi.detectors._background.grid import Mask, Planes

# All in seconds of media time.
CANDIDATE_S = (
    2.0  # The candidate follows what it is: shorter is noisier, longer smears what sets itself down.
)
REFERENCE_S = 10.0  # ... and the reference: shorter learns what is barely different, longer loses slow light.
LIGHT_S = 20.0  # A change of light becomes part of the reference.
NOISE_S = 20.0
RESTLESS_S = 60.0  # How long a place that kept changing is looked at with more patience.
OCCUPIED_S = 30.0
AGE_S = 3600.0
LOOK_S = 1.0  # One picture never counts for more than this, however long the gap before it.
SETTLE_S = 0.5  # Between two reckonings of the tolerances, which change slowly.

# Logarithmic brightness: 0.15 is 16 % brighter or darker. Lower sees a grey bag on grey ground, and noise.
TOLERANCE = 0.12
# The candidate is compared with a memory of seconds, not of minutes, and its rim moves with the camera.
CANDIDATE_TOLERANCE = 0.16
# Of the step to the neighbouring cells: half a cell, which is two pixels of a picture of 640, may shake.
SHAKE = 0.5
# Above this share of what is known that looks different, nothing new is believed.
DOUBT = 0.35
# ... nor where less than this of the structure is in place: it is 0.6 after two pixels of a picture of 640,
# 0.2 after four. Lower believes a camera that has turned, higher is blind while a lorry stands before it.
BELIEVED = 0.35
TURN_S = 3.0  # So long it must be in doubt before it is learnt anew: longer than a lorry takes to pass.
# Steps (logarithmic) to a neighbour that count as structure, and in which share of the cells there must be
# one to tell: less is decided by chance, more leaves an even ground without a check.
STRUCTURE = 0.15
TELLING = 0.01

# What is not the candidate takes from it more slowly than the candidate gains: who is seen two fifths of the
# time is elected if the others differ among themselves. Lower elects the one who stands there for a while.
CONTRA = 0.5

# The light is the median of the changes in a window of this many coarse cells, each 4 x 4 cells: what is
# smaller than half of the window does not count as light. Wider follows the edge of a cloud less well.
_COARSE = 4
_WINDOW = 15
_STEPS = 64.0  # Of the logarithm, in which the window's median is found: 8 bits hold a factor of 7 both ways.


class Scene:
    """The model of one place on one grid.

    Parameters
    ----------
    inside
        Cells that are modelled as things; all others serve for the light alone.
    warm_up
        Seconds that a cell must have looked the same before that is the reference.
    still_for
        Seconds after which a candidate is still.
    """

    def __init__(self, inside: Mask, warm_up: float, still_for: float) -> None:
        shape = inside.shape
        self.inside = inside
        self.warm_up, self.still_for = warm_up, still_for
        self.cap = max(warm_up, 2 * still_for)
        self.forget()
        self.now = np.zeros((3, *shape), np.float32)
        """The last picture, in the light of the reference."""
        self.differs = np.zeros(shape, bool)
        """Cells that are known and look different, and are not explained."""
        self.like = np.zeros(shape, bool)
        """Cells that look like the reference."""

    def forget(self) -> None:
        """Begin anew: nothing is known."""
        shape = self.inside.shape
        self.reference = np.zeros((3, *shape), np.float32)
        self.known: Mask = np.zeros(shape, bool)
        self.noise = np.full(shape, 0.02, np.float32)
        self.guarded: Mask = np.zeros(shape, bool)
        """Cells in which a thing is: what little of it looks like the reference must not become it."""
        self.restless = np.zeros(shape, np.float32)
        self.occupied = np.zeros(shape, np.float32)
        """How often somebody explained stood where the reference was seen, 0..1: then he is the reference."""
        self.age = np.zeros(shape, np.float32)
        """For how many seconds in all the reference was seen, up to `AGE_S`."""
        self.candidate = np.zeros((3, *shape), np.float32)
        self.votes = np.zeros(shape, np.float32)
        self._before = np.zeros(shape, bool)
        self._tolerance = np.full(shape, TOLERANCE, np.float32)
        self._settled_s = math.inf
        self._doubted_s = 0.0
        self.fit = 1.0
        """How much of the structure of the reference is where it was, 0..1; 1 if there is none to tell by."""

    def look(self, planes: Planes, seconds: float, hidden: Mask) -> None:
        """Take in a picture.

        Parameters
        ----------
        planes
            The picture in the cells.
        seconds
            Media time since the picture before.
        hidden
            Cells that somebody explained stands in: nothing is learnt there.
        """
        seconds = min(max(seconds, 0.0), LOOK_S)
        light = self._light(planes, hidden)
        if light is not None:
            planes = planes - light
            self._follow_light(light, seconds)
        self.now = planes
        self._settle(seconds, hidden)
        apart = _apart(planes, self.reference)
        like = apart < self._tolerance
        like &= self.known
        free = ~hidden
        self.like = like
        differs = self.known & ~like
        differs &= free
        self.differs = differs
        self._learn(planes, apart, like & free & ~self.guarded, seconds)
        self.occupied += _share(seconds, OCCUPIED_S) * like * (hidden - self.occupied)
        self._elect(planes, like, free, seconds)
        self._fidget(free, seconds)

    @property
    def still(self) -> Mask:
        """Cells that show something new that has stayed as it is."""
        return (self.votes >= self.still_for) & self.differs & self.inside

    @property
    def doubtful(self) -> bool:
        """Whether too much has changed at once for anything new to be believed."""
        return self.fit < BELIEVED or self.flood > DOUBT

    @property
    def flood(self) -> float:
        """Share of what is known that looks different, 0..1."""
        known = int(np.count_nonzero(self.known))
        return np.count_nonzero(self.differs) / known if known else 0.0

    def turned(self) -> Literal["same", "light", "scene"]:
        """Whether it was in doubt for so long that it is learnt anew: another light, or another scene."""
        if self._doubted_s < TURN_S:
            return "same"
        self._doubted_s = 0.0
        return "light" if self.fit >= BELIEVED else "scene"

    def relearn(self, place: tuple[slice, slice], shape: Mask) -> None:
        """Make what cells show now the reference: the same ground, in another light."""
        cells = np.zeros(self.inside.shape, bool)
        cells[place] = shape
        self.candidate[:, cells] = self.now[:, cells]
        self.absorb(cells)

    def absorb(self, cells: Mask) -> None:
        """Make the candidate of these cells the reference: uncovered ground, or light."""
        self.reference[:, cells] = self.candidate[:, cells]
        self.votes[cells] = 0.0
        self.age[cells] = 0.0
        self.occupied[cells] = 0.0
        self.differs = self.differs & ~cells
        self._settled_s = math.inf

    def _light(self, planes: Planes, hidden: Mask) -> Planes | None:
        """How much brighter each cell is than the reference by the light; None if too little is known."""
        weight = (self.known & ~hidden & (self.votes < self.still_for)).astype(np.float32)
        rows, columns = weight.shape
        small = (max(1, columns // _COARSE), max(1, rows // _COARSE))
        share = cv2.resize(weight, small, interpolation=cv2.INTER_AREA)
        told = share > 0.3
        if np.count_nonzero(told) * 10 < told.size:
            return None
        change = cv2.merge([cv2.multiply(planes[i] - self.reference[i], weight) for i in range(3)])
        coarse = cv2.resize(change, small, interpolation=cv2.INTER_AREA).reshape(*share.shape, 3)
        coarse = coarse / np.maximum(share, 0.3)[..., None]
        coarse[~told] = np.median(coarse[told], axis=0)
        eight = np.clip(np.rint(coarse * _STEPS) + 128, 0, 255).astype(np.uint8)
        window = min(_WINDOW, 2 * (min(eight.shape[:2]) // 2) + 1)
        smooth = cv2.medianBlur(eight, window).astype(np.float32)
        smooth = (cv2.blur(smooth, (5, 5)) - 128) / _STEPS
        if np.abs(smooth).max() < 1 / _STEPS:
            return None
        full = cv2.resize(smooth, (columns, rows), interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(full.transpose(2, 0, 1))

    def _follow_light(self, light: Planes, seconds: float) -> None:
        part = _share(seconds, LIGHT_S)
        self.reference += part * light
        self.candidate += part * light

    def _settle(self, seconds: float, hidden: Mask) -> None:
        self._settled_s += seconds
        self._doubted_s = self._doubted_s + seconds if self.doubtful else 0.0
        if self._settled_s < SETTLE_S:
            return
        self._settled_s = 0.0
        grey = (self.reference[0] + self.reference[1] + self.reference[2]) / 3
        near = np.ones((3, 3), np.uint8)
        step = np.maximum(cv2.dilate(grey, near) - grey, grey - cv2.erode(grey, near))
        # A neighbour that is not known yet is no step.
        step[cv2.erode(self.known.astype(np.uint8), near) == 0] = 0
        structure = (step > STRUCTURE + 4 * self.noise) & ~hidden & ~self.guarded
        self.fit = self._compare(grey, structure)
        self._tolerance = TOLERANCE + 2 * self.noise + SHAKE * step + 0.2 * np.minimum(self.restless, 1.0)

    def _compare(self, reference: np.ndarray, structure: Mask) -> float:
        """How much of what is lighter or darker than its surroundings in the reference still is.

        Light does not touch it, somebody in front covers a part of it, and a camera that has turned breaks
        all of it: then half of the cells agree by chance.
        """
        if np.count_nonzero(structure) < TELLING * structure.size:
            return 1.0
        now = (self.now[0] + self.now[1] + self.now[2]) / 3
        alike = (now > cv2.blur(now, (5, 5))) == (reference > cv2.blur(reference, (5, 5)))
        return max(0.0, 2 * float(alike[structure].mean()) - 1)

    def _learn(self, planes: Planes, apart: Planes, seen: Mask, seconds: float) -> None:
        part = _share(seconds, REFERENCE_S) * seen
        self.reference += part * (planes - self.reference)
        self.noise += _share(seconds, NOISE_S) * seen * (apart - self.noise)
        self.age += np.float32(seconds) * seen
        np.minimum(self.age, AGE_S, out=self.age)

    def _elect(self, planes: Planes, like: Mask, free: Mask, seconds: float) -> None:
        same = _apart(planes, self.candidate) < CANDIDATE_TOLERANCE + 2 * self.noise
        other = free & ~like
        for_it = same & other
        gain = np.where(for_it, np.float32(seconds), np.float32(-CONTRA * seconds))
        gain[like] = -seconds
        gain[~free] = 0.0
        votes = np.minimum(self.votes + gain, np.float32(self.cap))
        lost = (votes <= 0) & other & ~same
        np.maximum(votes, 0.0, out=votes)
        self.candidate += _share(seconds, CANDIDATE_S) * for_it * (planes - self.candidate)
        np.copyto(self.candidate, planes, where=lost)
        self.votes = votes
        fresh = ~self.known & (votes >= self.warm_up)
        if fresh.any():
            np.copyto(self.reference, self.candidate, where=fresh)
            self.known |= fresh
            votes[fresh] = 0.0
            self._settled_s = math.inf

    def _fidget(self, free: Mask, seconds: float) -> None:
        """Count how often a cell changes between looking like the reference and not, in times a second."""
        changed = (self.like != self._before) & free & self.known
        self.restless *= 1 - _share(seconds, RESTLESS_S)
        self.restless[changed] += 1 / RESTLESS_S
        self._before = self.like


def _apart(planes: Planes, other: Planes) -> Planes:
    """The largest difference of the three colours in each cell."""
    apart: Planes = cv2.absdiff(planes[0], other[0])
    cv2.max(apart, cv2.absdiff(planes[1], other[1]), dst=apart)
    cv2.max(apart, cv2.absdiff(planes[2], other[2]), dst=apart)
    return apart


def _share(seconds: float, constant_s: float) -> np.float32:
    """How far an exponential average moves in a time: the same after a second at any rate."""
    return np.float32(1 - math.exp(-seconds / constant_s))
