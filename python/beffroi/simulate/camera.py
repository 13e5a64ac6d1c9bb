"""The camera over the square: a pin-hole on a mast, looking along +y and down.

Ground coordinates are metres: the camera's foot is (0, 0), x grows to the right, y away from the camera, z
upwards. Picture coordinates are relative, 0..1, origin top left, y downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan, cos, degrees, radians, sin, tan
from typing import Final

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

BEGINS: Final = 8.1
"""Metres from the camera's foot at which the usual one begins to see the ground."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A pin-hole camera without distortion.

    Attributes
    ----------
    height
        Metres above the ground.
    tilt
        Degrees below the horizon.
    field
        Horizontal field of view, degrees.
    aspect
        Width of the picture divided by its height.
    """

    height: float = 7.0
    tilt: float = 22.0
    field: float = 62.0
    aspect: float = 16 / 9

    @classmethod
    def somewhere(cls, rng: np.random.Generator, aspect: float) -> Camera:
        """A camera as another installer would have hung it: higher or lower, wider or longer.

        It is tilted so that the ground begins as far from its foot as it does for the usual one: what happens
        on the square happens in the picture.
        """
        height, field = float(rng.uniform(5.5, 10.0)), float(rng.uniform(60.0, 66.0))
        below = degrees(atan(tan(radians(field) / 2) / aspect))
        return cls(height, degrees(atan(height / BEGINS)) - below, field, aspect)

    @property
    def focal(self) -> float:
        """Focal length in picture widths."""
        return 0.5 / tan(radians(self.field) / 2)

    @property
    def horizon(self) -> float:
        """Where the horizon is in the picture, relative, downwards; negative above it."""
        return 0.5 - self.focal * self.aspect * tan(radians(self.tilt))

    def project(self, xyz: Points) -> Points:
        """Where points of the world are in the picture.

        Parameters
        ----------
        xyz
            Metres, shape (..., 3), or (..., 2) for points on the ground; all of them in front of the camera.

        Returns
        -------
        Relative picture coordinates, shape (..., 2); outside 0..1 when out of sight.
        """
        depth, right, down = self._camera_axes(np.asarray(xyz, np.float64))
        u = 0.5 + self.focal * right / depth
        v = 0.5 + self.focal * self.aspect * down / depth
        return np.stack([u, v], axis=-1)

    def depth(self, xyz: Points) -> Points:
        """Distance along the optical axis, metres, shape (...)."""
        return self._camera_axes(np.asarray(xyz, np.float64))[0]

    def ground(self, uv: Points) -> Points:
        """Ground point in metres that is seen at `uv` (relative, shape (..., 2)); the inverse of `project`.

        Raises
        ------
        ValueError
            If a point lies on or above the horizon.
        """
        uv = np.asarray(uv, np.float64)
        right = (uv[..., 0] - 0.5) / self.focal
        down = (uv[..., 1] - 0.5) / (self.focal * self.aspect)
        c, s = cos(radians(self.tilt)), sin(radians(self.tilt))
        fall = s + down * c
        if np.any(fall <= 1e-9):
            raise ValueError("a point on or above the horizon has no place on the ground")
        reach = self.height / fall
        return np.stack([reach * right, reach * (c - down * s)], axis=-1)

    def box(self, corners: Points) -> NDArray[np.float64]:
        """The smallest picture box around `corners` (metres, shape (n, 3)): x1, y1, x2, y2, not clipped."""
        uv = self.project(corners)
        return np.concatenate([uv.min(axis=0), uv.max(axis=0)])

    def homography(self, size: tuple[int, int]) -> NDArray[np.float64]:
        """Matrix (3, 3) from ground metres (x, y, 1) to pixels of a picture of `size` (width, height).

        Pixel centres are at integers, as in OpenCV.
        """
        width, height = size
        c, s = cos(radians(self.tilt)), sin(radians(self.tilt))
        # depth = c y + s h, down = -s y + c h, right = x, all linear in (x, y, 1).
        depth = np.array([0.0, c, s * self.height])
        down = np.array([0.0, -s, c * self.height])
        right = np.array([1.0, 0.0, 0.0])
        f = self.focal * width
        g = self.focal * self.aspect * height
        return np.stack([f * right + (width / 2 - 0.5) * depth, g * down + (height / 2 - 0.5) * depth, depth])

    def calibration(self, metres: Points) -> dict[str, list[list[float]]]:
        """A view's ``ground``: the ground points `metres`, shape (n, 2), and where they are seen."""
        return {"image": rounded(self.project(metres), 5), "metres": rounded(metres, 3)}

    def _camera_axes(self, xyz: Points) -> tuple[Points, Points, Points]:
        x, y = xyz[..., 0], xyz[..., 1]
        fall = self.height - (xyz[..., 2] if xyz.shape[-1] == 3 else 0.0)
        c, s = cos(radians(self.tilt)), sin(radians(self.tilt))
        depth = c * y + s * fall
        if np.any(depth <= 0):
            raise ValueError("a point behind the camera cannot be projected")
        return depth, x, c * fall - s * y


def rounded(points: Points, digits: int) -> list[list[float]]:
    """Points as plain lists for a file that people read."""
    return [[round(float(v), digits) for v in point] for point in np.asarray(points)]
