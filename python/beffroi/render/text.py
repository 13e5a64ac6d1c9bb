"""Legible text on pictures: OpenCV 5's own font with accents; before that, its line font without them."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]
"""Blue, green, red."""

_MODERN: Final = hasattr(cv2, "FontFace")
# What the line font lacks and decomposition does not help with.
_PLAIN: Final = str.maketrans(
    {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ø": "o", "Ø": "O", "·": "-", "–": "-", "—": "-",
     "’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "…": "...", "°": " deg", "²": "2", "³": "3",
     "→": "->", "←": "<-", "↑": "^", "↓": "v", "≥": ">=", "≤": "<=", "€": "EUR", "\u00a0": " ", "\u202f": " "}
)  # fmt: skip


def plain(text: str) -> str:
    """`text` in ASCII: accents dropped, typographic signs replaced, anything else a question mark."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    kept = "".join(c for c in decomposed if not unicodedata.combining(c))
    return kept.encode("ascii", "replace").decode("ascii")


def width(text: str, px: int, weight: int = 500) -> int:
    """Width of a line of `text` in pixels, `px` being its height from the descenders to the ascenders."""
    if _MODERN:
        return _width(text, px, weight)
    size, _ = cv2.getTextSize(plain(text), cv2.FONT_HERSHEY_DUPLEX, px / 32, 1)
    return int(size[0])


def put(image: Image, text: str, at: tuple[int, int], px: int, colour: Colour, *, weight: int = 500) -> None:
    """Write one line; `at` is where it begins on its baseline, `px` as in `width`, `weight` 100 to 900."""
    if _MODERN:
        cv2.putText(image, text, at, colour, _face(), _font_size(px), weight)
    else:
        thickness = 2 if weight >= 600 and px >= 20 else 1
        cv2.putText(image, plain(text), at, cv2.FONT_HERSHEY_DUPLEX, px / 32, colour, thickness, cv2.LINE_AA)


def shorten(text: str, px: int, most: int, weight: int = 500) -> str:
    """`text` cut to at most `most` pixels, with an ellipsis if something was cut."""
    if width(text, px, weight) <= most:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(text[:middle].rstrip() + "…", px, weight) <= most:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def dim(image: Image, box: tuple[int, int, int, int], colour: Colour, share: float) -> None:
    """Lay `colour` over x1, y1, x2, y2, as far as it is in the picture, hiding `share` of what is below."""
    x1, y1 = max(0, box[0]), max(0, box[1])
    part = image[y1 : max(y1, box[3]), x1 : max(x1, box[2])]
    if part.size:
        over = np.empty_like(part)
        over[:] = colour
        part[:] = cv2.addWeighted(part, 1 - share, over, share, 0.0)


@cache
def _face() -> Any:
    return cv2.FontFace("sans")


def _font_size(px: int) -> int:
    # OpenCV's size is the em square; ascenders and descenders take about 1.15 of it.
    return max(8, round(px * 0.87))


@cache
def _width(text: str, px: int, weight: int) -> int:
    rectangle = cv2.getTextSize((1 << 14, 1 << 10), text, (0, 512), _face(), _font_size(px), weight)
    return int(rectangle[2])
