"""Sequences in MOTChallenge form: detections, ground truth, and what the pictures were like."""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beffroi.errors import BeffroiError

Table = NDArray[np.float64]


class SequenceError(BeffroiError):
    """A sequence that cannot be measured: which file, which line, and what would be right."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """One sequence.

    ``truth`` and ``detections`` have one row a box: frame (from 1), id, left, top, width, height in pixels,
    score or flag, then what the format adds. ``rate`` is in pictures per second, ``length`` in pictures,
    ``size`` in pixels.
    """

    name: str
    rate: float
    length: int
    size: tuple[int, int]
    truth: Table
    detections: Table

    @property
    def classed(self) -> bool:
        """Whether the truth names classes (MOT16 and later), so that the protocol's preprocessing applies."""
        return self.truth.shape[1] > 7 and bool((self.truth[:, 7] >= 1).any())

    def thinned(self, fps: float | None) -> Sequence:
        """Every n-th picture, ground truth likewise; as it is without `fps`."""
        step = 1 if fps is None else max(1, round(self.rate / fps))
        if step == 1:
            return self

        def thin(table: Table) -> Table:
            kept: Table = table[(table[:, 0] - 1) % step == 0].copy()
            kept[:, 0] = (kept[:, 0] - 1) // step + 1
            return kept

        length = len(range(0, self.length, step))
        return Sequence(
            self.name, self.rate / step, length, self.size, thin(self.truth), thin(self.detections)
        )


def sequences(folder: Path) -> list[Path]:
    """Folders of sequences in `folder`, or `folder` itself if it is one; by name.

    Raises
    ------
    SequenceError
        If there is none.
    """
    if not folder.is_dir():
        raise SequenceError(f"{folder}: no such folder")
    if (folder / "det").is_dir():
        return [folder]
    found = sorted(path for path in folder.iterdir() if (path / "det").is_dir())
    if not found:
        raise SequenceError(
            f"{folder}: no sequence here; each is a folder with gt/gt.txt, det/det.txt and seqinfo.ini"
        )
    return found


def read_sequence(folder: Path) -> Sequence:
    """Read one sequence.

    Raises
    ------
    SequenceError
        If a file is missing or malformed.
    """
    rate, length, size = _seqinfo(folder / "seqinfo.ini")
    truth = _table(folder / "gt" / "gt.txt")
    detections = _table(folder / "det" / "det.txt")
    detections[:, 6] = _scores(detections[:, 6])
    truth, detections = truth[truth[:, 0] <= length], detections[detections[:, 0] <= length]
    return Sequence(folder.name, rate, length, size, truth, detections)


def _seqinfo(path: Path) -> tuple[float, int, tuple[int, int]]:
    wanted = "[Sequence] with frameRate, seqLength, imWidth and imHeight"
    if not path.is_file():
        raise SequenceError(f"{path}: missing; it says {wanted}")
    parser = configparser.ConfigParser()
    try:
        parser.read(path, encoding="utf-8")
        part = parser["Sequence"]
        rate, length = float(part["frameRate"]), int(part["seqLength"])
        size = int(part["imWidth"]), int(part["imHeight"])
    except (configparser.Error, KeyError, ValueError) as error:
        raise SequenceError(f"{path}: {error}; it needs {wanted}") from None
    if rate <= 0 or length <= 0 or min(size) <= 0:
        raise SequenceError(f"{path}: frameRate, seqLength, imWidth and imHeight must be above 0")
    return rate, length, size


def _table(path: Path) -> Table:
    if not path.is_file():
        raise SequenceError(f"{path}: missing")
    rows: list[list[float]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = [float(part) for part in line.replace(",", " ").split()]
        except ValueError:
            raise SequenceError(
                f"{path}:{number}: `{line[:60]}` is not numbers separated by commas"
            ) from None
        if len(row) < 7 or (rows and len(row) != len(rows[0])):
            raise SequenceError(
                f"{path}:{number}: {len(row)} columns; frame, id, left, top, width, height, score and as "
                "many more as the first line has are needed"
            )
        if not np.isfinite(row[:7]).all() or row[0] < 1:
            raise SequenceError(f"{path}:{number}: frames count from 1, and numbers are finite")
        rows.append(row)
    if not rows:
        raise SequenceError(f"{path}: empty")
    return np.array(rows, np.float64)


def _scores(score: Table) -> Table:
    """Scores in 0..1; others (some detectors give margins) are stretched linearly: the order is kept."""
    low, high = float(score.min()), float(score.max())
    if low >= 0 and high <= 1:
        return score
    return (score - low) / (high - low) if high > low else np.ones_like(score)
