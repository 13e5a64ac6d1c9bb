"""What a place looks like, as numbers that hardly depend on the light."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Vector = NDArray[np.float32]

# Places are looked at in this size, in pixels: 6 x 6 cells of edges.
SIDE = 48
CELLS, DIRECTIONS = 6, 9
# Edges fainter than this, of 255 in an evened picture, are mostly noise.
FAINT = 8.0
# Coarse colour: so many squares across. Its weight beside the edges, whose vector is one long.
COLOURS = 4
COLOUR_WEIGHT = 0.5
# Fewer pixels across show no shape.
LEAST_PIXELS = 16


def described(part: Picture, inside: Picture) -> Vector:
    """The look of a place, float32 (k,). `inside` is 0 outside the zone, of the part's height and width."""
    picture = np.asarray(cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    cells = np.asarray(cv2.resize(inside, (CELLS, CELLS), interpolation=cv2.INTER_AREA), np.float32)
    squares = np.asarray(cv2.resize(inside, (COLOURS, COLOURS), interpolation=cv2.INTER_AREA), np.float32)
    colour = _colours(picture) * (squares[:, :, None] / 255)
    return np.concatenate([_edges(picture, cells / np.float32(255)), COLOUR_WEIGHT * colour.ravel()]).astype(
        np.float32
    )


def distance(look: Vector, references: NDArray[np.float32]) -> NDArray[np.float32]:
    """How unlike a look each reference (n, k) is: (n,)."""
    return np.asarray(np.linalg.norm(references - look, axis=1), np.float32)


def _edges(picture: Picture, inside: Vector) -> Vector:
    """Strength of edges by direction, per cell, evened out in blocks of 2 x 2 cells; one long in all."""
    grey = _evened(picture)
    dx, dy = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=1), cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=1)
    strength, angle = cv2.cartToPolar(dx, dy)
    place = np.mod(np.asarray(angle) / np.pi, 1.0) * DIRECTIONS
    low = np.floor(place)
    share = place - low
    first = low.astype(np.int64) % DIRECTIONS
    # Each edge counts for the two directions that it lies between.
    planes = np.zeros((SIDE, SIDE, DIRECTIONS), np.float32)
    rows, columns = np.indices(first.shape)
    planes[rows, columns, first] += strength * (1 - share)
    planes[rows, columns, (first + 1) % DIRECTIONS] += strength * share
    cells = planes.reshape(CELLS, SIDE // CELLS, CELLS, SIDE // CELLS, DIRECTIONS).mean(axis=(1, 3))
    cells *= inside[:, :, None]
    blocks = np.concatenate(
        [cells[y : y + CELLS - 1, x : x + CELLS - 1] for y in (0, 1) for x in (0, 1)], axis=2
    )
    # Blocks with hardly an edge keep it small: what is plain stays plain.
    blocks /= np.linalg.norm(blocks, axis=2, keepdims=True) + FAINT
    return _unit(blocks.ravel())


def _evened(picture: Picture) -> Vector:
    """Grey, with the same contrast in light and shade."""
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.float32)
    grey = np.asarray(cv2.GaussianBlur(grey, (3, 3), 0), np.float32)
    low, high = np.percentile(grey, (2, 98))
    # A picture of almost one brightness stays so: its noise must not become edges.
    return np.asarray((grey - low) * (255 / max(float(high - low), 24.0)), np.float32)


def _colours(picture: Picture) -> Vector:
    """Red and blue as shares of the brightness, in squares, less their mean: dusk tints everything."""
    resized = cv2.resize(picture, (COLOURS, COLOURS), interpolation=cv2.INTER_AREA)
    small = np.asarray(resized, np.float32) + 16
    shares = small[:, :, (0, 2)] / small.sum(axis=2, keepdims=True)
    return np.asarray((shares - shares.mean(axis=(0, 1))) * 2, np.float32)


def _unit(vector: Vector) -> Vector:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-6), np.float32)
