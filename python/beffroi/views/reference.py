"""What a view looks like when nothing is wrong, and where a picture lies relative to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from beffroi.views.look import BLOCK, CONTRAST, Grey, Look, block_means, flattened

Affine = NDArray[np.float64]
"""3 x 3, from one look's pixels to another's."""

LEAST_POINTS = 12
"""Structured blocks without which nothing can be registered: a wall, fog, a black night."""
ALIKE = 0.6
"""Correlation from which a block shows the same as the reference's; unrelated blocks reach it by chance in
less than a tenth of all cases."""
MISFIT = 0.8
"""How far a point may lie from where the common motion puts it, in pixels of the look (half a percent of the
picture's width): more lets moving things in, less shuts out leaves and lens errors."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A picture registered to a reference.

    Attributes
    ----------
    pose
        From the view's home position to the picture.
    agreement
        Share of the reference's structured blocks that the picture shows where the pose puts them, 0..1.
    support
        Share of the points that moved as the pose says.
    """

    pose: Affine
    agreement: float
    support: float


class Reference:
    """A look that others are registered to.

    Parameters
    ----------
    grey
        As in `Look`.
    kept
        The blocks that are judged.
    pose
        Where this look lies, from the view's home position.
    mono
        See `Look`.
    """

    def __init__(
        self, grey: Grey, kept: NDArray[np.bool_], pose: Affine | None = None, *, mono: bool = False
    ) -> None:
        self.grey, self.mono = grey, mono
        self.pose: Affine = np.eye(3) if pose is None else pose
        self._kept = kept
        self._flat = flattened(grey)
        self._mean = block_means(grey)
        self._variance = np.maximum(block_means(grey * grey) - self._mean**2, 0.0)
        self.structured: NDArray[np.bool_] = kept & (self._variance > CONTRAST**2)
        self._points = _corners(grey, self.structured)

    @property
    def light(self) -> float:
        """Mean grey level of what is judged."""
        return float(self._mean[self._kept].mean()) if self._kept.any() else 0.0

    @property
    def usable(self) -> bool:
        """Whether it has enough structure to register anything."""
        return len(self._points) >= LEAST_POINTS

    def register(self, look: Look, flat: NDArray[np.uint8], near: Affine | None = None) -> Fit | None:
        """Where `look` lies; None if too few points say anything.

        One corner of each structured block is followed by Lucas and Kanade's pyramid (Bouguet, 2001), and a
        similarity that most of them share is sought (RANSAC, Fischler and Bolles, 1981): lorries, people and
        their shadows are outvoted. Deterministic: OpenCV seeds its own generator anew in every call.

        Parameters
        ----------
        look, flat
            A picture, and the same `flattened`.
        near
            A pose to begin at; by default nothing has moved.
        """
        if not self.usable:
            return None
        start = self._points if near is None else _moved(self._points, near @ np.linalg.inv(self.pose))
        found, state, _error = cv2.calcOpticalFlowPyrLK(
            self._flat, flat, self._points, start.copy(), winSize=(11, 11), maxLevel=3,
            criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.03),
            flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        )  # fmt: skip
        followed = state[:, 0] == 1
        if np.count_nonzero(followed) < LEAST_POINTS:
            return None
        similar, inside = cv2.estimateAffinePartial2D(
            self._points[followed], found[followed], method=cv2.RANSAC,
            ransacReprojThreshold=MISFIT, maxIters=100, confidence=0.99,
        )  # fmt: skip
        if similar is None:
            return None
        own = np.vstack([similar, (0.0, 0.0, 1.0)])
        if not 0.25 < np.linalg.det(own) < 4.0:
            return None
        support = float(np.count_nonzero(inside)) / len(self._points)
        return Fit(own @ self.pose, self._agreement(look, own), support)

    def agreement(self, look: Look, pose: Affine) -> float:
        """Share of the structured blocks that `look` shows where `pose` puts them; 0 without structure."""
        return self._agreement(look, pose @ np.linalg.inv(self.pose))

    def _agreement(self, look: Look, own: Affine) -> float:
        if not self.structured.any():
            return 0.0
        there = warped(look.grey, own)
        mean = block_means(there)
        variance = np.maximum(block_means(there * there) - mean * mean, 0.0)
        shared = block_means(self.grey * there) - self._mean * mean
        # One grey level of variance is what quantisation makes: flat blocks correlate with nothing.
        correlation = shared / np.sqrt((self._variance + 1.0) * (variance + 1.0))
        return float(np.count_nonzero(correlation[self.structured] > ALIKE)) / int(
            np.count_nonzero(self.structured)
        )


def warped(grey: Grey, own: Affine) -> Grey:
    """The look as it would be if `own` were undone."""
    if np.abs(own - np.eye(3)).max() < 1e-4:
        return grey
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (grey.shape[1], grey.shape[0])
    return np.asarray(
        cv2.warpAffine(grey, own[:2], size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def displacement(pose: Affine, width: int, height: int) -> float:
    """How far a pose moves the picture: the mean over nine points of it, as a share of its width.

    The mean and not the corners: a small turn or zoom moves corners and leaves most zones where they are.
    """
    points = _nine(width, height)
    shift = (pose @ points - points)[:2]
    return float(np.hypot(shift[0], shift[1]).mean()) / width


@cache
def _nine(width: int, height: int) -> Affine:
    x, y = np.meshgrid((0.0, width / 2, float(width)), (0.0, height / 2, float(height)))
    return np.stack([x.ravel(), y.ravel(), np.ones(9)])


def relative(pose: Affine, width: int, height: int) -> tuple[float, float, float, float, float, float]:
    """A pose as the engine takes motion: a, b, tx, c, d, ty on coordinates relative to the picture.

    Pixel centres lie half a pixel from the picture's corner, relative coordinates begin at the corner.
    """
    place = np.array([[width, 0.0, -0.5], [0.0, height, -0.5], [0.0, 0.0, 1.0]])
    a, b, tx, c, d, ty = (float(v) for v in (np.linalg.inv(place) @ pose @ place)[:2].ravel())
    return a, b, tx, c, d, ty


def _moved(points: NDArray[np.float32], own: Affine) -> NDArray[np.float32]:
    return np.asarray(cv2.transform(points, own[:2]), np.float32)


def _corners(grey: Grey, structured: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The best corner (Shi and Tomasi, 1994) of each structured block, shape (n, 1, 2)."""
    strength = cv2.cornerMinEigenVal(cv2.GaussianBlur(grey, (3, 3), 0), 5)
    rows, columns = structured.shape
    cells = strength.reshape(rows, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    best = cells.argmax(axis=2)
    y = np.arange(rows)[:, None] * BLOCK + best // BLOCK
    x = np.arange(columns)[None, :] * BLOCK + best % BLOCK
    return np.stack([x[structured], y[structured]], axis=1).astype(np.float32).reshape(-1, 1, 2)
