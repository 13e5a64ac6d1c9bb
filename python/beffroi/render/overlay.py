"""Draws a board onto a picture: zones, lines, tracks, timers, alerts. Everything scales with the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from beffroi.render.board import Board, Waiting
from beffroi.render.text import Colour, Image, dim, put, width

if TYPE_CHECKING:
    from beffroi._core import Tracks

INK: Final[Colour] = (34, 28, 24)
PAPER: Final[Colour] = (246, 246, 246)
QUIET: Final[Colour] = (205, 205, 200)
PEOPLE: Final[Colour] = (240, 214, 130)
VEHICLES: Final[Colour] = (150, 226, 176)
SEVERITY: Final[dict[str, Colour]] = {
    "info": (240, 168, 74),
    "warning": (44, 176, 255),
    "critical": (72, 72, 244),
}
MOTOR: Final = frozenset({"car", "truck", "bus", "motorcycle", "van", "train"})
MARK: Final = "EVALUATION"
MARKED: Final[Colour] = (20, 120, 200)


def unit(size: tuple[int, int]) -> float:
    """The size of things drawn on a picture of `size` (width, height): 1 for one 540 pixels high."""
    return max(0.75, min(size[1] / 540, size[0] / 720))


class Overlay:
    """Draws for one size of picture.

    Parameters
    ----------
    size
        Width and height in pixels.
    labels
        What a class id means.
    evaluation
        Show the mark that says so.
    """

    def __init__(self, size: tuple[int, int], labels: Sequence[str], *, evaluation: bool) -> None:
        self._size = np.array(size, np.float64)
        self._labels = labels
        self._evaluation = evaluation
        self._unit = unit(size)

    def draw(self, image: Image, board: Board, tracks: Tracks) -> None:
        """Draw `board` and `tracks` onto `image`."""
        self._zones(image, board)
        self._lines(image, board)
        self._trails(image, board, tracks)
        self._tracks(image, board, tracks)
        if self._evaluation:
            self._mark(image)

    def _px(self, units: float) -> int:
        return max(1, round(units * self._unit))

    def _points(self, shape: Sequence[Sequence[float]]) -> NDArray[np.int32]:
        pixels: NDArray[np.int32] = np.round(np.array(shape, np.float64) * self._size).astype(np.int32)
        return pixels

    # Places.

    def _zones(self, image: Image, board: Board) -> None:
        active = board.active_zones()
        zones: Mapping[str, Any] = board.scene.get("zones", {})
        watched = {rule.get("zone") for rule in board.scene.get("rules", ())}
        for name, shape in zones.items():
            if name not in watched:
                continue
            points = self._points(shape)
            colour = SEVERITY[active[name]] if name in active else PAPER
            x, y, w, h = cv2.boundingRect(points)
            part = image[max(0, y) : y + h, max(0, x) : x + w]
            if part.size:
                over = part.copy()
                cv2.fillPoly(over, [points - [max(0, x), max(0, y)]], colour)
                # A zone over the whole picture must not paint it all.
                area = cv2.contourArea(points) / float(self._size.prod())
                share = (0.28 if name in active else 0.09) * min(1.0, max(0.2, 0.12 / max(area, 0.01)))
                part[:] = cv2.addWeighted(over, share, part, 1 - share, 0.0)
            thickness = self._px(2.6 if name in active else 1.2)
            cv2.polylines(image, [points], True, INK, thickness + self._px(1.2), cv2.LINE_AA)
            cv2.polylines(image, [points], True, colour, thickness, cv2.LINE_AA)
        for name, shape in zones.items():
            if name in watched:
                self._zone_name(image, board, name, self._points(shape), active.get(name))

    def _zone_name(
        self, image: Image, board: Board, name: str, points: NDArray[np.int32], severity: str | None
    ) -> None:
        """The name inside the lower edge, with the progress of a group, which has no box to stand at."""
        pending = [w for w in board.waiting if w.zone == name and w.subject == 0]
        text, px = name, self._px(13)
        if pending:
            text += f"  {pending[0].held_ms / 1000:.0f} of {pending[0].after_ms / 1000:.0f} s"
        lowest = points[points[:, 1] >= points[:, 1].max() - self._px(3)]
        wide = width(text, px) + self._px(10)
        middle = int(lowest[:, 0].mean())
        x = min(max(middle - wide // 2, 2), int(self._size[0]) - wide - 2)
        y = min(int(points[:, 1].max()) - self._px(5), int(self._size[1]) - self._px(4))
        dim(image, (x, y - self._px(15), x + wide, y + self._px(3)), INK, 0.55)
        colour = SEVERITY[severity] if severity else PAPER
        put(image, text, (x + self._px(5), y - self._px(2)), px, colour)
        if pending:
            self._bar(image, (x, y + self._px(3)), wide, pending[0].held_ms / pending[0].after_ms, PAPER)

    def _lines(self, image: Image, board: Board) -> None:
        active = board.active_zones()
        recent = {a.zone: a.severity for a in board.alerts if board.fresh(a)}
        rules = {rule["line"]: rule for rule in board.scene.get("rules", ()) if rule.get("line")}
        for name, shape in board.scene.get("lines", {}).items():
            if name not in rules:
                continue
            points = self._points(shape)
            severity = active.get(name) or recent.get(name)
            colour = SEVERITY[severity] if severity else PAPER
            cv2.polylines(image, [points], False, INK, self._px(4), cv2.LINE_AA)
            cv2.polylines(image, [points], False, colour, self._px(2), cv2.LINE_AA)
            self._arrows(image, points, rules[name].get("direction", "both"), colour)
            self._line_name(image, name, points, board.counts.get(name), colour)

    def _arrows(self, image: Image, points: NDArray[np.int32], direction: str, colour: Colour) -> None:
        """Which way is watched, drawn across the middle of the line."""
        middle = len(points) // 2
        start, end = points[middle - 1].astype(float), points[middle].astype(float)
        along = (end - start) / max(1e-6, float(np.hypot(*(end - start))))
        # Pixels have y downwards: the right hand of somebody who looks along the line is this way.
        right = np.array([-along[1], along[0]])
        centre = (start + end) / 2
        for way, name in ((1, "left_to_right"), (-1, "right_to_left")):
            if direction in (name, "both"):
                tail, tip = (centre + way * right * self._px(far) for far in (4, 20))
                for tone, thick in ((INK, 4), (colour, 2)):
                    a, b = (np.round(p).astype(int).tolist() for p in (tail, tip))
                    cv2.arrowedLine(image, a, b, tone, self._px(thick), cv2.LINE_AA, tipLength=0.45)

    def _line_name(
        self,
        image: Image,
        name: str,
        points: NDArray[np.int32],
        counts: Mapping[str, int] | None,
        colour: Colour,
    ) -> None:
        """Name and totals beside the lower end; an arrow in the picture's terms beside each total."""
        text = name
        if counts:
            text += "  " + totals(points, counts)
        px = self._px(13 if not counts else 15)
        end = points[int(np.argmax(points[:, 1]))]
        wide = width(text, px) + self._px(10)
        x = min(max(int(end[0]) - wide // 2, 2), int(self._size[0]) - wide - 2)
        y = min(int(end[1]) + px + self._px(6), int(self._size[1]) - self._px(5))
        dim(image, (x, y - px - self._px(1), x + wide, y + self._px(4)), INK, 0.6)
        put(image, text, (x + self._px(5), y - self._px(2)), px, colour)

    # Who is there.

    def _trails(self, image: Image, board: Board, tracks: Tracks) -> None:
        active = board.active_subjects()
        colours = {int(s): self._colour(int(c)) for s, c in zip(tracks.subject, tracks.class_id, strict=True)}
        for subject, trail in board.trails.items():
            if len(trail) < 2:
                continue
            colour = SEVERITY[active[subject].severity] if subject in active else colours.get(subject, QUIET)
            points = self._points([(x, y) for _, x, y in trail])
            # Thinner towards its end: shows the direction without hiding the picture.
            half = len(points) // 2
            cv2.polylines(image, [points[: half + 1]], False, colour, self._px(1), cv2.LINE_AA)
            cv2.polylines(image, [points[half:]], False, colour, self._px(2), cv2.LINE_AA)

    def _tracks(self, image: Image, board: Board, tracks: Tracks) -> None:
        active = board.active_subjects()
        waiting: dict[int, Waiting] = {}
        for one in sorted(board.waiting, key=lambda w: w.held_ms / w.after_ms):
            waiting[one.subject] = one
        # Those who matter last, on top of the others.
        order = sorted(range(len(tracks)), key=lambda i: (int(tracks.subject[i]) in active, i))
        for i in order:
            subject, coasts = int(tracks.subject[i]), int(tracks.det[i]) < 0
            alert = active.get(subject)
            colour = SEVERITY[alert.severity] if alert else self._colour(int(tracks.class_id[i]))
            corners = self._points([tracks.xyxy[i][:2], tracks.xyxy[i][2:]])
            (x1, y1), (x2, y2) = corners.tolist()
            if coasts:
                self._dashed(image, (x1, y1, x2, y2), colour)
                continue
            thickness = self._px(2.5 if alert else 1.2)
            cv2.rectangle(image, (x1, y1), (x2, y2), INK, thickness + self._px(1.2), cv2.LINE_AA)
            cv2.rectangle(image, (x1, y1), (x2, y2), colour, thickness, cv2.LINE_AA)
            text = f"{self._label(int(tracks.class_id[i]))} {subject}"
            if alert:
                text += f"  {board.held[subject] / 1000:.0f} s" if board.held.get(subject, 0) >= 1000 else ""
            elif subject in waiting:
                one = waiting[subject]
                # A number beside everybody who only walks through would hide the picture.
                if one.held_ms >= one.after_ms / 3:
                    text += f"  {one.held_ms / 1000:.0f} of {one.after_ms / 1000:.0f} s"
                self._bar(image, (x1, y2 + self._px(2)), x2 - x1, one.held_ms / one.after_ms, colour)
            # Names on boxes no larger than the name would cover a distant crowd altogether.
            if alert or subject in waiting or y2 - y1 >= self._px(30):
                self._tag(image, text, (x1, y1), colour, bold=alert is not None)

    def _tag(self, image: Image, text: str, corner: tuple[int, int], colour: Colour, *, bold: bool) -> None:
        """A name plate on top of a box, or inside it at the picture's upper edge."""
        px, weight = self._px(13 if bold else 12), 650 if bold else 500
        wide = width(text, px, weight) + self._px(6)
        x = min(max(0, corner[0] - 1), int(self._size[0]) - wide)
        y = corner[1] - self._px(3) if corner[1] > px + self._px(4) else corner[1] + px + self._px(2)
        box = (x, y - px + self._px(1), x + wide, y + self._px(3))
        if bold:
            dim(image, box, colour, 0.94)
            put(image, text, (x + self._px(3), y - self._px(1)), px, INK, weight=weight)
        else:
            dim(image, box, INK, 0.62)
            put(image, text, (x + self._px(3), y - self._px(1)), px, colour, weight=weight)

    def _bar(self, image: Image, at: tuple[int, int], wide: int, share: float, colour: Colour) -> None:
        """How much of the time has passed."""
        wide, high = max(wide, self._px(24)), self._px(4)
        dim(image, (at[0], at[1], at[0] + wide, at[1] + high), INK, 0.75)
        filled = round(wide * min(1.0, max(0.0, share)))
        dim(image, (at[0], at[1], at[0] + filled, at[1] + high), colour, 1.0)

    def _dashed(self, image: Image, box: tuple[int, int, int, int], colour: Colour) -> None:
        """Where somebody is believed to be who was not seen in this picture."""
        x1, y1, x2, y2 = box
        dash = self._px(5)
        for x in range(x1, x2, 2 * dash):
            for y in (y1, y2):
                cv2.line(image, (x, y), (min(x + dash, x2), y), colour, 1, cv2.LINE_AA)
        for y in range(y1, y2, 2 * dash):
            for x in (x1, x2):
                cv2.line(image, (x, y), (x, min(y + dash, y2)), colour, 1, cv2.LINE_AA)

    def _mark(self, image: Image) -> None:
        """Says on the picture itself what it is, whatever becomes of what stands beside it."""
        px, pad = self._px(14), self._px(7)
        wide = width(MARK, px, 700) + 2 * pad
        dim(image, (0, 0, wide, px + pad), MARKED, 0.92)
        put(image, MARK, (pad, px + self._px(1)), px, PAPER, weight=700)

    def _label(self, class_id: int) -> str:
        return self._labels[class_id] if class_id < len(self._labels) else str(class_id)

    def _colour(self, class_id: int) -> Colour:
        label = self._label(class_id)
        return PEOPLE if label == "person" else VEHICLES if label in MOTOR else QUIET


def totals(line: NDArray[np.int32] | NDArray[np.float64], counts: Mapping[str, int]) -> str:
    """Crossings of a line each way, with arrows as they look in the picture: ``→ 12  ← 7``."""
    dx, dy = (line[-1] - line[0]).tolist()
    # Pixels have y downwards: the right hand of somebody who looks along the line is at (-dy, dx).
    forth, back = _compass(-dy, dx), _compass(dy, -dx)
    return f"{forth} {counts.get('left_to_right', 0)}  {back} {counts.get('right_to_left', 0)}"


def _compass(x: float, y: float) -> str:
    """The arrow that looks most like the way (x, y), y downwards."""
    if abs(x) >= abs(y):
        return "→" if x > 0 else "←"
    return "↓" if y > 0 else "↑"
