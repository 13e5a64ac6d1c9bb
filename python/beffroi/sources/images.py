"""A recording kept as single pictures: a folder, or the files that a pattern matches."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from beffroi.components import BuildContext, Finding, SourceConfig
from beffroi.errors import SourceError
from beffroi.frame import Frame
from beffroi.sources.file import Selection

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


class ImagesConfig(SourceConfig):
    """Reads pictures in natural order (2 before 10), all of one size."""

    live: ClassVar[bool] = False

    type: Literal["images"]
    path: str = Field(
        min_length=1,
        description="Folder or pattern such as `shots/*.jpg`, relative to the folder of the site file.",
    )
    fps: float = Field(gt=0, le=1000, description="Pictures per second that were taken.")

    def findings(self, context: BuildContext) -> Iterable[Finding]:
        """A folder without pictures."""
        if not pictures(context.path(self.path)):
            yield (("path",), f"no pictures at {context.path(self.path)}")

    def build(self, context: BuildContext, fps: float | None) -> ImagesSource:
        """Find the pictures and read the first; raises `SourceError` if there is none."""
        place = context.path(self.path)
        found = pictures(place)
        if not found:
            kinds = ", ".join(sorted(SUFFIXES))
            raise SourceError(f"{place}: no pictures here; looked for files with {kinds}")
        return ImagesSource(found, self.fps, fps)


class ImagesSource:
    """Picture i has the time i / fps. Only those that will be analysed are read."""

    def __init__(self, paths: list[Path], taken_fps: float, fps: float | None) -> None:
        self._paths = paths
        self._taken_fps = taken_fps
        self._selection = Selection(fps, taken_fps)
        height, width = _read(paths[0]).shape[:2]
        self.size = (width, height)
        self._iteration = self._frames()

    def frames(self) -> Iterator[Frame]:
        """The pictures to be analysed, once.

        Raises
        ------
        SourceError
            At a picture that cannot be read or has another size than the first.
        """
        return self._iteration

    def close(self) -> None:
        """End the iteration; nothing is held open between pictures."""
        self._paths = []

    def _frames(self) -> Generator[Frame, None, None]:
        index, last = 0, -1
        while index < len(self._paths):
            path = self._paths[index]
            at_ms = round(index * 1000 / self._taken_fps)
            index += 1
            if at_ms <= last or not self._selection.wants(at_ms):
                continue
            last = at_ms
            image = _read(path)
            height, width = image.shape[:2]
            if (width, height) != self.size:
                first = "{} x {}".format(*self.size)
                raise SourceError(f"{path}: is {width} x {height}, but the first picture is {first}")
            yield Frame(at_ms, image)


def pictures(place: Path) -> list[Path]:
    """The pictures in a folder, or those that match a pattern, in natural order."""
    if place.is_dir():
        found = [path for path in place.iterdir() if path.suffix.lower() in SUFFIXES]
    else:
        anchor = Path(place.anchor) if place.is_absolute() else Path()
        pattern = str(place.relative_to(anchor) if place.is_absolute() else place)
        found = [path for path in anchor.glob(pattern) if path.suffix.lower() in SUFFIXES and path.is_file()]
    return sorted(found, key=natural)


def natural(path: Path) -> tuple[tuple[int, str], ...]:
    """Sorting key under which ``shot2.jpg`` comes before ``shot10.jpg``."""
    parts = re.split(r"(\d+)", str(path))
    return tuple((int(part), part) if part.isdigit() else (-1, part) for part in parts)


def _read(path: Path) -> NDArray[np.uint8]:
    import cv2

    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise SourceError(f"{path}: is not a picture that can be read")
    return np.asarray(image, np.uint8)
