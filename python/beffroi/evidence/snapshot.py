"""The picture that goes with an alert: blurred first, then drawn on."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike

from beffroi.errors import StoreError
from beffroi.evidence.redact import Image, apply_masks, blur, pixelate_all
from beffroi.frame import Detections

ZONE = (0, 200, 255)
BOX = (40, 40, 230)
QUALITY = 85
# Longer sides are scaled down: a snapshot is to understand what happened.
LONGEST = 1280

Points = Sequence[Sequence[float]]


def write_snapshot(
    folder: Path,
    image: Image,
    event_id: str,
    *,
    detections: Detections | None,
    labels: Sequence[str],
    zone: Points | None = None,
    line: Points | None = None,
    box: ArrayLike | None = None,
    masks: Sequence[Points] = (),
) -> Path:
    """Write ``<event_id>.jpg`` below `folder` and return its path. The file appears whole or not at all.

    Parameters
    ----------
    folder
        Made if it does not exist.
    image
        The picture as it was analysed, uint8 BGR; stays as it is.
    event_id
        The incident's id; letters, digits, `-` and `_` only, because it becomes a file name.
    detections, labels
        What was found in this picture: its people and vehicles are blurred. None means that the detector
        failed: the whole picture is made unrecognisable.
    zone, line, box
        Polygon and polyline of the rule, and box of the alert (x1, y1, x2, y2), all relative; drawn last.
    masks
        Areas that nobody may see, black.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    if re.fullmatch(r"[A-Za-z0-9_-]{1,128}", event_id) is None:
        raise StoreError(f"{event_id!r} cannot be the name of a snapshot")
    picture = redacted(image, detections, labels, masks)
    height, width = picture.shape[:2]
    if max(width, height) > LONGEST:
        ratio = LONGEST / max(width, height)
        size = max(1, round(width * ratio)), max(1, round(height * ratio))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    if zone is not None:
        _outline(picture, zone, ZONE, closed=True)
    if line is not None:
        _outline(picture, line, ZONE, closed=False)
    if box is not None:
        x1, y1, x2, y2 = np.asarray(box, np.float64).tolist()
        _outline(picture, [(x1, y1), (x2, y1), (x2, y2), (x1, y2)], BOX, closed=True)
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise StoreError(f"{folder / event_id}.jpg: the picture cannot be encoded")
    return _write(folder / f"{event_id}.jpg", data.tobytes())


def redacted(
    image: Image, detections: Detections | None, labels: Sequence[str], masks: Sequence[Points] = ()
) -> Image:
    """`image` as anybody may see it: masks black, people and vehicles blurred; all, if nothing is known."""
    masked = apply_masks(image, masks)
    if detections is None:
        return pixelate_all(masked)
    names = [labels[kind] for kind in detections.class_id.tolist()]
    return blur(masked, detections.xyxy, names, detections.score)


def _outline(picture: Image, points: Points, colour: tuple[int, int, int], *, closed: bool) -> None:
    height, width = picture.shape[:2]
    corners = np.round(np.asarray(points, np.float64).reshape(-1, 2) * (width, height)).astype(np.int32)
    thickness = max(2, round(max(width, height) / 400))
    cv2.polylines(picture, [corners], closed, colour, thickness, cv2.LINE_AA)


def _write(path: Path, data: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=".", suffix=".jpg", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(draft).chmod(0o640)
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path
