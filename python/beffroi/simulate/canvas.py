"""A picture to draw on in metres: polygons, lines and discs of the world, projected and antialiased."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from beffroi.simulate.camera import Camera

Colour = tuple[int, int, int]
"""Blue, green, red."""
Image = NDArray[np.uint8]
Points = NDArray[np.float64]

# OpenCV draws at sub-pixel positions given as integers with this many fractional bits.
_SHIFT: Final = 4
_NEAR: Final = 0.5


def shade(colour: Colour, factor: float) -> Colour:
    """`colour` darker (factor below 1) or lighter (above)."""
    b, g, r = (int(min(max(c * factor, 0), 255)) for c in colour)
    return b, g, r


class Canvas:
    """Draws shapes of the world onto an image.

    Parameters
    ----------
    camera
        Who sees them.
    image
        uint8, shape (height, width, 3), BGR; drawn upon.
    """

    def __init__(self, camera: Camera, image: Image) -> None:
        self.camera = camera
        self.image = image
        self.size = np.array([image.shape[1], image.shape[0]], np.float64)

    def pixels(self, xyz: Points) -> Points:
        """Pixels of world points, shape (n, 2)."""
        pixels: Points = self.camera.project(xyz) * self.size
        return pixels

    def scale(self, xyz: Points) -> float:
        """Pixels per metre around a point, shape (3,)."""
        return float(self.camera.focal * self.size[0] / self.camera.depth(xyz))

    def ground(self, places: Sequence[tuple[float, float]], colour: Colour) -> None:
        """Fill a polygon on the ground."""
        self.face(np.array([(x, y, 0.0) for x, y in places]), colour)

    def face(self, xyz: Points, colour: Colour) -> None:
        """Fill a polygon of world points, shape (n, 3); what is behind the camera is cut off."""
        kept = _in_front(self.camera, xyz)
        if len(kept) >= 3:
            self.fill(self.pixels(kept), colour)

    def stroke(self, xyz: Points, colour: Colour, width_m: float) -> None:
        """Draw a line through world points, `width_m` metres wide where it begins."""
        pixels = self.pixels(xyz)
        width = max(1, round(width_m * self.scale(xyz[0])))
        cv2.polylines(self.image, [fixed(pixels)], False, colour, width, cv2.LINE_AA, _SHIFT)

    def fill(self, pixels: Points, colour: Colour) -> None:
        """Fill a polygon given in pixels, shape (n, 2)."""
        cv2.fillPoly(self.image, [fixed(pixels)], colour, cv2.LINE_AA, _SHIFT)

    def limb(self, start: Points, end: Points, colour: Colour, width: float) -> None:
        """A line with round ends between two pixels, `width` pixels wide."""
        if width < 1.5:
            points = fixed(np.stack([start, end]))
            cv2.line(self.image, points[0].tolist(), points[1].tolist(), colour, 1, cv2.LINE_AA, _SHIFT)
            return
        along = end - start
        length = float(np.hypot(*along)) or 1.0
        side = np.array([-along[1], along[0]]) / length * width / 2
        self.fill(np.stack([start + side, end + side, end - side, start - side]), colour)
        self.disc(start, width / 2, colour)
        self.disc(end, width / 2, colour)

    def disc(self, centre: Points, radius: float, colour: Colour) -> None:
        """A filled circle in pixels."""
        c = fixed(centre[None])[0]
        cv2.circle(self.image, c.tolist(), round(radius * (1 << _SHIFT)), colour, -1, cv2.LINE_AA, _SHIFT)

    def solid(self, floor: Points, roof: Points, colour: Colour, sun: tuple[float, float]) -> None:
        """A solid between two polygons with as many corners, shape (n, 3): its visible sides, then its roof.

        `floor` runs clockwise seen from above, as `agent.cuboid` gives it. Sides are lighter towards `sun`
        (x, y).
        """
        n = len(floor)
        sides = []
        for i in range(n):
            j = (i + 1) % n
            side = np.stack([floor[i], floor[j], roof[j], roof[i]])
            out = np.array([floor[i][1] - floor[j][1], floor[j][0] - floor[i][0]])
            out = out / (np.hypot(*out) or 1.0)
            middle = side.mean(axis=0)
            if out @ middle[:2] < 0:  # faces the camera, which stands over the origin
                light = 0.78 + 0.16 * float(out @ np.array(sun))
                sides.append((float(self.camera.depth(middle)), side, shade(colour, light)))
        for _, side, tone in sorted(sides, key=lambda item: -item[0]):
            self.face(side, tone)
        self.face(roof, shade(colour, 1.06))


def fixed(pixels: Points) -> NDArray[np.int32]:
    """Pixels as OpenCV's fixed-point integers; far-off points are held within what it can draw."""
    scaled: NDArray[np.int32] = np.round(np.clip(pixels, -8000, 16000) * (1 << _SHIFT)).astype(np.int32)
    return scaled


def _in_front(camera: Camera, xyz: Points) -> Points:
    """The part of a polygon that lies before the camera."""
    kept = []
    # depth() refuses points behind the camera: the axis is computed here for any point.
    tilt = np.radians(camera.tilt)
    depth = np.cos(tilt) * xyz[:, 1] + np.sin(tilt) * (camera.height - xyz[:, 2])
    for i in range(len(xyz)):
        j = (i + 1) % len(xyz)
        if depth[i] > _NEAR:
            kept.append(xyz[i])
        if (depth[i] > _NEAR) != (depth[j] > _NEAR):
            share = (_NEAR - depth[i]) / (depth[j] - depth[i])
            kept.append(xyz[i] + (share + 1e-9 * np.sign(depth[j] - depth[i])) * (xyz[j] - xyz[i]))
    return np.array(kept).reshape(-1, 3)
