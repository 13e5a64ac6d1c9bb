"""Looking closer: parts of the picture at a higher resolution, where that finds more.

A model sees the whole picture scaled to its input, where a distant person is a few pixels. Four overlapping
tiles show that person larger, at four times the cost. `TileChoice` spends it only on tiles that pay: each
is tried now and then, and kept while it finds things that the whole picture did not show.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beffroi.detectors._boxes import Boxes, Selection, overlap

# Side of a tile as a share of the picture. Two overlap by 0.2: what is smaller is whole in at least one of
# them, what is larger is for the whole picture.
SIDE = 0.6
TILES = tuple((x, y) for y in (0.0, 1.0 - SIDE) for x in (0.0, 1.0 - SIDE))

Corners = tuple[float, float, float, float]
"""x1, y1, x2, y2 of a part, relative to the picture."""

# A box that ends this close to the inner edge of a tile, as a share of the picture, is taken to be cut there.
EDGE = 0.01

# A tile's box is news if no sure box of the whole picture overlaps it this much.
NEWS = 0.3

# A tile is tried again after this long, sooner if the whole picture shows something there that it is unsure
# of, and is kept for so long after it last found something. Media time.
TRY_MS = 4000
DOUBT_MS = 1000
KEEP_MS = 3000


def crop(image: NDArray[np.uint8], tile: int) -> tuple[NDArray[np.uint8], Corners]:
    """Part number `tile` of `image`, not a copy, and where it lies."""
    height, width = image.shape[:2]
    x, y = TILES[tile]
    x1, y1 = round(x * width), round(y * height)
    x2, y2 = min(width, round((x + SIDE) * width)), min(height, round((y + SIDE) * height))
    return image[y1:y2, x1:x2], (x1 / width, y1 / height, x2 / width, y2 / height)


def placed(boxes: Boxes, corners: Corners) -> Boxes:
    """Boxes relative to a tile as boxes relative to the picture, without those that the tile's edge cuts."""
    x1, y1, x2, y2 = corners
    size = np.array([x2 - x1, y2 - y1] * 2, np.float32)
    xyxy = boxes.xyxy * size + np.array([x1, y1] * 2, np.float32)
    # Edges that are also the picture's are no cut: they are moved out of reach.
    low = np.array([x1 if x1 > 0 else -np.inf, y1 if y1 > 0 else -np.inf]) + EDGE
    high = np.array([x2 if x2 < 1 else np.inf, y2 if y2 < 1 else np.inf]) - EDGE
    whole = (xyxy[:, :2] > low).all(axis=1) & (xyxy[:, 2:] < high).all(axis=1)
    return Boxes(xyxy[whole], boxes.score[whole], boxes.label[whole])


def news(selection: Selection, tile: Boxes, full: Boxes) -> bool:
    """Whether a tile surely shows something that the whole picture does not surely show."""
    tile = selection.wanted(tile)
    tile, full = tile.where(selection.sure(tile)), full.where(selection.sure(full))
    if not len(tile):
        return False
    alike = selection.group(tile)[:, None] == selection.group(full)[None]
    return bool((~((overlap(tile.xyxy, full.xyxy) >= NEWS) & alike).any(axis=1)).any())


def doubtful(selection: Selection, full: Boxes) -> set[int]:
    """The tiles that show whole something of which the whole picture is unsure."""
    unsure = selection.wanted(full)
    unsure = unsure.where(~selection.sure(unsure))
    low, high = unsure.xyxy[:, :2], unsure.xyxy[:, 2:]
    whole = ((low >= corner) & (high <= np.add(corner, SIDE)) for corner in TILES)
    return {tile for tile, within in enumerate(whole) if within.all(axis=1).any()}


class TileChoice:
    """Which tiles are looked at, for one camera. Depends on media time and earlier pictures alone.

    Those that pay, and at most one more in each picture to try. Where that is more than `most`, the tiles
    take turns from picture to picture, and what only one of them shows is seen as much more rarely.
    """

    def __init__(self, most: int = len(TILES)) -> None:
        self._most = most
        self._tried_ms: dict[int, int] = {}
        self._found_ms: dict[int, int] = {}

    def tiles(self, at_ms: int, doubtful: set[int]) -> list[int]:
        """The tiles to look at in the picture at `at_ms`, where those in `doubtful` may show more."""
        if any(at_ms < tried for tried in self._tried_ms.values()):
            self._tried_ms, self._found_ms = {}, {}
        if not self._tried_ms:
            self._tried_ms = dict.fromkeys(range(len(TILES)), at_ms - TRY_MS)
            chosen = list(self._tried_ms)
        else:
            chosen = [tile for tile, found in self._found_ms.items() if at_ms - found < KEEP_MS]
            due = [
                (tried, tile)
                for tile, tried in self._tried_ms.items()
                if tile not in chosen and at_ms - tried >= (DOUBT_MS if tile in doubtful else TRY_MS)
            ]
            chosen += [tile for _, tile in sorted(due)[:1]]
        # In the order in which they were last looked at: that is how they stand in the dictionary.
        chosen = [tile for tile in self._tried_ms if tile in chosen][: self._most]
        for tile in chosen:
            del self._tried_ms[tile]
            self._tried_ms[tile] = at_ms
        return sorted(chosen)

    def found(self, tile: int, at_ms: int) -> None:
        """Tile `tile` showed something new at `at_ms`."""
        self._found_ms[tile] = at_ms
