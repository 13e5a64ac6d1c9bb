"""Detections in MOTChallenge form, as published with tracking benchmarks."""

from __future__ import annotations

from configparser import ConfigParser
from configparser import Error as ConfigParserError
from pathlib import Path

import numpy as np

from beffroi.errors import RecordingError
from beffroi.frame import Detections
from beffroi.recording.content import Growing, Header, Recording

# Beyond a day at 50 pictures a second a frame number is a mistake.
MOST_FRAMES = 4_320_000


def read_mot(path: Path, fps: float | None, size: tuple[int, int] | None, label: str) -> Recording:
    """Lines of ``frame,id,x,y,w,h,score,...`` in pixels, frames from 1, in any order.

    Pictures without boxes are part of the recording. Scores are clipped to 0..1 (some detectors give others).

    Raises
    ------
    RecordingError
        With the line that is wrong; or if neither the arguments nor ``seqinfo.ini`` tell rate and size.
    """
    rate, (width, height), length = _sequence(path, fps, size)
    frames: dict[int, list[list[float]]] = {}
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                frame, row = _row(f"{path}:{number}", line)
                frames.setdefault(frame, []).append(row)
    scale = np.array([width, height, width, height], np.float64)
    pictures = Growing()
    for frame in range(1, max(length, max(frames, default=0)) + 1):
        rows = np.array(frames.get(frame, []), np.float64).reshape(-1, 5)
        corners = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1) / scale
        found = Detections(
            corners.astype(np.float32),
            np.clip(rows[:, 4], 0, 1).astype(np.float32),
            np.zeros(len(rows), np.uint16),
        )
        pictures.write(round((frame - 1) * 1000 / rate), found)
    header = Header(labels=(label,), width=width, height=height, fps=rate, source=str(path.name))
    return pictures.take(header)


def _row(place: str, line: str) -> tuple[int, list[float]]:
    try:
        values = [float(part) for part in line.replace(",", " ").split()]
    except ValueError as error:
        raise RecordingError(f"{place}: {error}; expected frame,id,x,y,w,h,score") from error
    if len(values) < 7 or not np.isfinite(values).all():
        raise RecordingError(f"{place}: {len(values)} numbers; expected frame,id,x,y,w,h,score, all finite")
    frame, _, *row = values[:7]
    if frame != int(frame) or not 1 <= frame <= MOST_FRAMES:
        raise RecordingError(f"{place}: frame {values[0]:g}; expected a whole number from 1")
    if row[2] <= 0 or row[3] <= 0:
        raise RecordingError(f"{place}: a box of {row[2]:g} x {row[3]:g} pixels; expected more than 0")
    return int(frame), row


def _sequence(
    path: Path, fps: float | None, size: tuple[int, int] | None
) -> tuple[float, tuple[int, int], int]:
    """Pictures per second, size in pixels, number of pictures (0 if it is not known)."""
    length, width, height = 0, *(size or (0, 0))
    for info in (path.parent / "seqinfo.ini", path.parent.parent / "seqinfo.ini"):
        if not info.is_file():
            continue
        parser = ConfigParser()
        try:
            parser.read(info, "utf-8")
            section = parser["Sequence"]
            fps = float(section["frameRate"]) if fps is None else fps
            if size is None:
                width, height = int(section["imWidth"]), int(section["imHeight"])
            length = int(section.get("seqLength", "0"))
        except (ConfigParserError, KeyError, ValueError) as error:
            raise RecordingError(f"{info}: is no seqinfo.ini: {error}") from error
        break
    if not fps or fps <= 0 or width <= 0 or height <= 0:
        raise RecordingError(
            f"{path}: MOTChallenge detections do not say their frame rate and picture size; put seqinfo.ini "
            "beside the file or one folder up, or name them (fps and size)"
        )
    return fps, (width, height), length
