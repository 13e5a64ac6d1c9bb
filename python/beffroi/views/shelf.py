"""Where references of a view are kept between runs: small grey pictures, the median of many looks.

At 160 pixels across, and with everybody who moved through it gone, nobody can be recognised in one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from beffroi.errors import SourceError
from beffroi.views.guard import Kept
from beffroi.views.look import Eye
from beffroi.views.reference import Reference

log = logging.getLogger(__name__)

MONO = "-mono"
"""End of the name of a reference without colours."""
SQUEEZE = 0.03
"""Relative difference of aspect from which a reference picture cannot be one of this camera's."""


class Shelf:
    """The references of one view in a folder.

    Parameters
    ----------
    folder
        Made when something is put there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, eye: Eye) -> list[Kept]:
        """What was kept; references of pictures of another shape are left where they are, with a warning."""
        found = []
        for path in self._paths():
            picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            if picture is None or picture.shape != (eye.height, eye.width):
                log.warning("%s: is no reference for pictures of this shape; the view is learnt anew", path)
                continue
            found.append(Kept(np.asarray(picture, np.float32), path.stem.endswith(MONO)))
        return found

    def save(self, references: Sequence[Reference]) -> None:
        """Keep `references` instead of what was kept; a failure is logged, for watching goes on without."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            written = set()
            for number, reference in enumerate(references, start=1):
                path = self.folder / f"reference-{number}{MONO if reference.mono else ''}.png"
                draft = path.with_name(f"draft-{path.name}")
                rounded = np.clip(np.round(reference.grey), 0, 255).astype(np.uint8)
                draft.write_bytes(cv2.imencode(".png", rounded)[1].tobytes())
                draft.replace(path)
                written.add(path)
            for path in set(self._paths()) - written:
                path.unlink()
        except OSError as error:
            log.warning("%s: the view's reference could not be kept: %s", self.folder, error)

    def clear(self) -> int:
        """Forget all references; returns how many there were."""
        paths = self._paths()
        for path in paths:
            path.unlink()
        return len(paths)

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("reference-*.png"))


def given(path: Path, eye: Eye, size: tuple[int, int]) -> Kept:
    """The reference that the settings name, as a look.

    Raises
    ------
    SourceError
        If it is no picture, or not one of a camera whose pictures have this `size`.
    """
    from beffroi.evidence.redact import apply_masks

    image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if image is None:
        raise SourceError(f"{path}: is not a picture that can be read")
    height, width = image.shape[:2]
    if abs(width / height * size[1] / size[0] - 1) > SQUEEZE:
        raise SourceError(
            f"{path}: is {width} x {height}, but the camera's pictures are {size[0]} x {size[1]}: "
            "another shape; take one of the camera's own pictures"
        )
    sized = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    look = eye.look(0, apply_masks(np.asarray(sized, np.uint8), eye.masks))
    return Kept(look.grey, look.mono)
