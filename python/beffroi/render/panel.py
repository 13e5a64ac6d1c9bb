"""The panel beside the picture: where and when, what is wrong now, what was, what was counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from beffroi.render.board import Board, Shown, clock, said, who
from beffroi.render.overlay import INK, PAPER, QUIET, SEVERITY, totals, unit
from beffroi.render.text import Colour, Image, dim, put, shorten, width

GROUND: Final[Colour] = (44, 37, 32)
CARD: Final[Colour] = (64, 54, 47)
WIDTH: Final = 320
"""In units."""


class Panel:
    """Paints the panel for pictures of one size.

    Parameters
    ----------
    size
        Width and height of the picture that it stands beside, in pixels.
    title
        Site, camera, view.
    """

    def __init__(self, size: tuple[int, int], title: str) -> None:
        self._unit = unit(size)
        self._title = title
        self.size = (self._px(WIDTH) // 2 * 2, size[1])

    def paint(self, board: Board) -> Image:
        """The panel as `board` stands: uint8, shape (height of the picture, own width, 3), BGR."""
        image = np.empty((self.size[1], self.size[0], 3), np.uint8)
        image[:] = GROUND
        bottom = self._counts(image, board)
        y = self._header(image, board)
        active = [a for a in board.alerts if a.active]
        for alert in sorted(active, key=lambda a: a.started_ms, reverse=True):
            y = self._card(image, alert, y, bottom)
        if not active:
            y += self._px(22)
            put(image, "No alert", (self._px(14), y), self._px(16), QUIET)
            y += self._px(12)
        ended = sorted((a for a in board.alerts if not a.active), key=lambda a: a.started_ms, reverse=True)
        self._log(image, ended, y, bottom)
        return image

    def _px(self, units: float) -> int:
        return max(1, round(units * self._unit))

    def _header(self, image: Image, board: Board) -> int:
        """Title and media time; gives where it ends."""
        pad, big, small = self._px(14), self._px(28), self._px(14)
        put(image, clock(board.at_ms), (pad, pad + round(big * 0.78)), big, PAPER, weight=650)
        y = pad + big
        if self._title:
            y += small + self._px(2)
            put(image, shorten(self._title, small, self.size[0] - 2 * pad), (pad, y), small, QUIET)
        return y + self._px(12)

    def _card(self, image: Image, alert: Shown, y: int, bottom: int) -> int:
        """An active alert with what was measured beside its threshold; gives where the next thing begins."""
        big, small, pad, stripe = self._px(18), self._px(14), self._px(10), self._px(6)
        left, right = self._px(8), self.size[0] - self._px(8)
        room = right - left - stripe - 2 * pad
        subject = " · ".join(part for part in (who(alert.subjects), alert.zone) if part)
        lines = [subject, *said(alert.measured, alert.threshold)[:2]]
        high = big + (small + self._px(4)) * len(lines) + 2 * pad - self._px(4)
        if y + high > bottom:
            return bottom + 1
        colour = SEVERITY[alert.severity]
        dim(image, (left, y, right, y + high), CARD, 1.0)
        dim(image, (left, y, left + stripe, y + high), colour, 1.0)
        when = clock(alert.started_ms)
        when_wide = width(when, small)
        text, baseline = left + stripe + pad, y + pad + round(big * 0.72)
        name = shorten(alert.rule, big, room - when_wide - pad, 650)
        put(image, name, (text, baseline), big, colour, weight=650)
        put(image, when, (right - pad - when_wide, baseline), small, QUIET)
        for line in lines:
            baseline += small + self._px(4)
            put(image, shorten(line, small, room), (text, baseline), small, PAPER)
        return y + high + self._px(6)

    def _log(self, image: Image, ended: Sequence[Shown], y: int, bottom: int) -> None:
        """Ended alerts, a line each, the latest first, as far as there is room."""
        small, pad = self._px(14), self._px(14)
        y += self._px(6)
        for alert in ended:
            y += small + self._px(6)
            if y + self._px(4) > bottom:
                return
            when = clock(alert.started_ms)
            put(image, when, (pad, y), small, QUIET)
            left = pad + width(when, small) + self._px(10)
            dot = self._px(6)
            dim(
                image,
                (left, y - dot - self._px(1), left + dot, y - self._px(1)),
                SEVERITY[alert.severity],
                0.9,
            )
            left += dot + self._px(6)
            put(image, shorten(alert.rule, small, self.size[0] - left - pad), (left, y), small, QUIET)

    def _counts(self, image: Image, board: Board) -> int:
        """Totals of the lines at the lower edge; gives where they begin."""
        lines = board.scene.get("lines", {})
        shown = [(name, ways) for name, ways in board.counts.items() if name in lines]
        pad, px = self._px(14), self._px(16)
        y = self.size[1] - pad - (px + self._px(8)) * len(shown)
        top = y
        for name, ways in shown:
            dim(image, (self._px(8), y, self.size[0] - self._px(8), y + px + self._px(6)), INK, 1.0)
            text = totals(np.array(lines[name], np.float64), ways)
            put(image, shorten(name, px, self.size[0] // 2), (pad, y + px), px, QUIET)
            put(image, text, (self.size[0] - pad - width(text, px, 650), y + px), px, PAPER, weight=650)
            y += px + self._px(8)
        return top - self._px(6)
