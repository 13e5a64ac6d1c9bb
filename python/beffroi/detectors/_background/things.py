"""What was not there before and what has gone, from when it is still until it changes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from beffroi.detectors._background.evidence import MARGIN, Evidence, weigh
from beffroi.detectors._background.explained import Seen
from beffroi.detectors._background.grid import Mask, Planes
from beffroi.detectors._background.scene import Scene

Kind = Literal["new", "gone"]

# Between two searches for pieces that have become still. Shorter finds them sooner and costs more.
SEARCH_S = 0.5
# A thing has ended when this much of what can be seen of it has looked like the reference for so long.
ENDED = 0.6
ENDED_S = 0.8
# ... of which at least this much must be seen, or somebody only stands in front of it.
SEEN = 0.3
# Above this, what has changed is the light. Lower takes grey things for shadows, higher shadows for things.
LIGHT = 0.6
# A rim that was a step before and is none now. Nearer to 0 takes new things on rough ground for gone ones.
GONE = -0.2
# A rim that is this much of a step is as clear as any.
CLEAR = 0.5
# Cells that a piece must have, in squares of the smallest width: less lets threads and specks through.
FILLED = 0.7
# Times this the changes a second around a piece: leaves in the wind change every few seconds, and so does the
# ground where people pass who are not explained. Higher trusts nothing below a tree or on a busy pavement.
RESTLESS = 2.0
# More than this share of the grid that becomes still at once is no thing.
MOST = 0.25
# A piece that is this much larger than a thing that was there for a while is not that thing, but somebody who
# stands in front of it.
GROWN = 1.6
GROWS_S = 5.0
# A box of a person or vehicle that coincides with a thing (intersection over union) soon explains it.
COINCIDES = 0.5
COINCIDES_S = 0.5
# A thing's score follows its evidence by this much at every search.
FOLLOWS = 0.4
# A piece of the reference in which somebody explained stood so often was that somebody, who has now left.
OCCUPIED = 0.4
# What has gone is missed if it was seen in the scene for longer than this in all. Longer trusts the learnt
# scene less: a person or car that the object detector missed and that stood there may last as long.
MISSED_S = 20.0

_NEIGHBOURS = np.ones((5, 5), np.uint8)
Cells = tuple[int, int, int, int]


@dataclass(slots=True)
class Thing:
    """A piece of the picture that is not as it was.

    `cells` are left, top, right and bottom (exclusive), `shape` which of these belong to it.
    """

    kind: Kind
    cells: Cells
    shape: Mask
    score: float
    since_s: float
    ended_s: float = 0.0
    explained_s: float = 0.0
    relit: bool = False
    """Whether it now is the reference in another light: below a thing, that cannot be followed exactly."""

    @property
    def place(self) -> tuple[slice, slice]:
        """Its rows and columns in the grid."""
        left, top, right, bottom = self.cells
        return slice(top, bottom), slice(left, right)


class Things:
    """All of them, in the order in which they were found.

    Parameters
    ----------
    scene
        What they are found in.
    smallest
        Cells that a thing must measure across and down.
    missing_for
        Seconds after which the scene without a piece that has gone is the reference; 0: at once.
    """

    def __init__(self, scene: Scene, smallest: float, missing_for: float) -> None:
        self._scene = scene
        self._smallest = smallest
        self._missing_for = missing_for
        self._searched_s = SEARCH_S
        self._now_s = 0.0
        self.all: list[Thing] = []

    def clear(self) -> None:
        """Forget them all: the scene is another one."""
        self.all = []

    def relight(self) -> None:
        """What differs is the light, except where a thing is."""
        cells = self._scene.differs & (self._scene.votes > 0)
        for thing in self.all:
            cells[thing.place] &= ~thing.shape
        self._scene.absorb(cells)

    def look(self, seconds: float, hidden: Mask, seen: list[Seen]) -> None:
        """Go on by a picture that the scene has looked at."""
        self._now_s += seconds
        self.all = [thing for thing in self.all if self._is_there(thing, seconds, hidden, seen)]
        self._guard()
        self._searched_s += seconds
        if self._searched_s < SEARCH_S or self._scene.doubtful:
            return
        self._searched_s = 0.0
        for thing in self.all:
            thing.relit = self._weigh(thing.cells, thing.shape, self._scene.now).light > LIGHT
        still = self._scene.still
        if np.count_nonzero(still) < self._smallest:
            return
        self._search(still)

    def _is_there(self, thing: Thing, seconds: float, hidden: Mask, seen: list[Seen]) -> bool:
        shape, place = thing.shape, thing.place
        visible = shape & ~hidden[place]
        count, area = int(np.count_nonzero(visible)), int(np.count_nonzero(shape))
        if count >= SEEN * area:
            back = np.count_nonzero(visible & self._scene.like[place])
            thing.ended_s = thing.ended_s + seconds if back > ENDED * count or thing.relit else 0.0
        else:
            thing.explained_s = thing.explained_s + seconds if _coincides(thing, seen) else 0.0
        if thing.kind == "gone" and self._now_s - thing.since_s > self._missing_for:
            self._absorb(thing.place, shape)
            return False
        if thing.explained_s >= COINCIDES_S:
            self._scene.votes[place][shape] = 0.0
            return False
        if thing.ended_s < ENDED_S:
            return True
        if thing.relit:
            self._scene.relearn(thing.place, shape)
        return False

    def _guard(self) -> None:
        guarded = np.zeros(self._scene.inside.shape, bool)
        for thing in self.all:
            guarded[thing.place] = True
        self._scene.guarded = guarded

    def _search(self, still: Mask) -> None:
        # One thing is often in pieces: a strap, a stripe, a cell at the rim that is not sure yet.
        joined = cv2.morphologyEx(still.astype(np.uint8), cv2.MORPH_CLOSE, _NEIGHBOURS)
        joined = cv2.bitwise_and(joined, (self._scene.differs & (self._scene.votes > 0)).astype(np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
        for index in range(1, count):
            left, top, width, height, area = (int(value) for value in stats[index])
            if min(width, height) < self._smallest or area < FILLED * self._smallest**2:
                continue
            cells = (left, top, left + width, top + height)
            shape = labels[top : top + height, left : left + width] == index
            self._take(cells, shape, area)

    def _take(self, cells: Cells, shape: Mask, area: int) -> None:
        left, top, right, bottom = cells
        evidence = self._weigh(cells, shape, self._scene.candidate)
        known = self._known_as(cells, shape, area)
        place = (slice(top, bottom), slice(left, right))
        if area > MOST * self._scene.inside.size or (evidence.light > LIGHT and known is None):
            self._absorb(place, shape)
            return
        kind: Kind = "gone" if evidence.edge < GONE else "new"
        score = self._score(known.kind if known else kind, place, evidence)
        if known is None or self._now_s - known.since_s < GROWS_S:
            # Once it is established, somebody beside it takes nothing away.
            score *= evidence.calm
        if known is not None:
            known.score += FOLLOWS * (score - known.score)
            if area >= 0.8 * np.count_nonzero(known.shape):
                known.cells, known.shape = cells, shape
            return
        if kind == "gone" and not self._is_missed(place, shape):
            self._absorb(place, shape)
            return
        self.all.append(Thing(kind, cells, shape, score, self._now_s))

    def _weigh(self, cells: Cells, shape: Mask, shown: Planes) -> Evidence:
        rows, columns = self._scene.inside.shape[:2]
        left, top, right, bottom = cells
        low, high = (max(0, top - MARGIN), max(0, left - MARGIN)), (bottom + MARGIN, right + MARGIN)
        place = (slice(low[0], min(rows, high[0])), slice(low[1], min(columns, high[1])))
        inside = np.zeros((place[0].stop - low[0], place[1].stop - low[1]), bool)
        inside[top - low[0] : bottom - low[0], left - low[1] : right - low[1]] = shape
        scene = self._scene
        return weigh(
            inside,
            shown[:, place[0], place[1]],
            scene.reference[:, place[0], place[1]],
            scene.known[place],
            scene.differs[place],
        )

    def _score(self, kind: Kind, place: tuple[slice, slice], evidence: Evidence) -> float:
        """0..1: how sure it is that something is there (or gone) that stays where it is.

        A weighted geometric mean, because nothing makes up for a rim that speaks for the contrary.
        """
        edge = evidence.edge if kind == "new" else -evidence.edge
        edge = min(1.0, max(0.0, (edge - GONE) / (CLEAR - GONE)))
        sure = evidence.contrast**0.4 * edge**0.35 * evidence.compact**0.25
        rows, columns = place
        beside = self._scene.restless[
            max(0, rows.start - MARGIN) : rows.stop + MARGIN,
            max(0, columns.start - MARGIN) : columns.stop + MARGIN,
        ]
        restless = np.minimum(1.0, RESTLESS * beside).mean()
        return float(sure * (1 - 0.7 * evidence.light) * (1 - restless))

    def _known_as(self, cells: Cells, shape: Mask, area: int) -> Thing | None:
        """The thing that this piece belongs to: the oldest that it overlaps, which takes the others in."""
        same = [
            thing
            for thing in self.all
            if _shared(thing, cells, shape)
            and (area < GROWN * np.count_nonzero(thing.shape) or self._now_s - thing.since_s < GROWS_S)
        ]
        for thing in same[1:]:
            self.all.remove(thing)
        return same[0] if same else None

    def _is_missed(self, place: tuple[slice, slice], shape: Mask) -> bool:
        """Whether what has gone was a piece of the scene, and nobody who stood there when it was learnt."""
        scene = self._scene
        occupied = float(scene.occupied[place][shape].mean())
        age = float(np.median(scene.age[place][shape]))
        return self._missing_for > 0 and occupied < OCCUPIED and age > MISSED_S

    def _absorb(self, place: tuple[slice, slice], shape: Mask) -> None:
        cells = np.zeros(self._scene.known.shape, bool)
        cells[place] = shape & (self._scene.votes[place] > 0)
        self._scene.absorb(cells)


def _shared(thing: Thing, cells: Cells, shape: Mask) -> bool:
    left, top = max(thing.cells[0], cells[0]), max(thing.cells[1], cells[1])
    right, bottom = min(thing.cells[2], cells[2]), min(thing.cells[3], cells[3])
    if left >= right or top >= bottom:
        return False
    parts = [
        mask[top - of[1] : bottom - of[1], left - of[0] : right - of[0]]
        for mask, of in ((thing.shape, thing.cells), (shape, cells))
    ]
    return bool((parts[0] & parts[1]).any())


def _coincides(thing: Thing, seen: list[Seen]) -> bool:
    """Whether somebody explained is found now just where the thing is."""
    return any(each.missed_s == 0 and _overlap(thing.cells, each.cells) > COINCIDES for each in seen)


def _overlap(cells: Cells, place: tuple[slice, slice]) -> float:
    rows, columns = place
    across = min(cells[2], columns.stop) - max(cells[0], columns.start)
    down = min(cells[3], rows.stop) - max(cells[1], rows.start)
    if across <= 0 or down <= 0:
        return 0.0
    one = (cells[2] - cells[0]) * (cells[3] - cells[1])
    other = (rows.stop - rows.start) * (columns.stop - columns.start)
    return float(across * down / (one + other - across * down))
