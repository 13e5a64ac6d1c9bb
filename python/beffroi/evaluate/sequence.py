"""Sequences in MOTChallenge form: detections, ground truth, and what the pictures were like.

What the pictures were like stands in ``seqinfo.ini``. CityFlow (Tang et al., CVPR 2019; the AI City
Challenge) has none: its form is recognised, and what is assumed is said. For any other folder it has to be
given.
"""

from __future__ import annotations

import configparser
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beffroi.errors import BeffroiError

Table = NDArray[np.float64]
Size = tuple[int, int]

SEQINFO = "[Sequence] with frameRate, seqLength, imWidth and imHeight"
# MOTChallenge numbers them from pedestrian to crowd. MOT15 has world coordinates in these columns, or -1.
CLASSES = range(1, 14)
CLASS_COLUMN = 7
# CityFlow's cameras, with the pictures that they give; its paper promises 960 lines or more.
CITYFLOW_SIZES: tuple[Size, ...] = ((1280, 960), (1920, 1080), (2560, 1920))
CITYFLOW_RATE = 10.0
CITYFLOW_RATES = {"c015": 8.0}


class SequenceError(BeffroiError):
    """A sequence that cannot be measured: which file, which line, and what would be right."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """One sequence.

    ``truth`` and ``detections`` have one row a box: frame (from 1), id, left, top, width, height in pixels,
    score or flag, then what the format adds. ``rate`` is in pictures per second, ``length`` in pictures,
    ``size`` in pixels. ``label`` is the class of everything in it. ``assumed`` says what no file told, or is
    empty.
    """

    name: str
    rate: float
    length: int
    size: Size
    truth: Table
    detections: Table
    label: str = "person"
    assumed: str = ""

    @property
    def classed(self) -> bool:
        """Whether the truth names classes (MOT16 and later), so that the protocol's preprocessing applies."""
        return _names_classes(self.truth)

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
        return replace(
            self,
            rate=self.rate / step,
            length=length,
            truth=thin(self.truth),
            detections=thin(self.detections),
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


def read_sequences(folder: Path, *, rate: float | None = None, size: Size | None = None) -> list[Sequence]:
    """Read every sequence of a folder; see `sequences` and `read_sequence`.

    Raises
    ------
    SequenceError
        If a file is missing or malformed, or if `rate` or `size` is given and every sequence has its own.
    """
    folders = sequences(folder)
    if (rate, size) != (None, None) and all((path / "seqinfo.ini").exists() for path in folders):
        raise SequenceError(
            f"{folder}: seqinfo.ini says the rate and the size of each sequence; give them for folders "
            "without one only"
        )
    return [read_sequence(path, rate=rate, size=size) for path in folders]


def read_sequence(folder: Path, *, rate: float | None = None, size: Size | None = None) -> Sequence:
    """Read one sequence.

    Parameters
    ----------
    rate, size
        Pictures per second, and width and height in pixels, if the folder has no ``seqinfo.ini``. A folder in
        CityFlow's form does without them.

    Raises
    ------
    SequenceError
        If a file is missing or malformed.
    """
    if (rate is not None and rate <= 0) or (size is not None and min(size) <= 0):
        raise SequenceError(f"{folder}: rate and size must be above 0")
    truth_path, info = folder / "gt" / "gt.txt", folder / "seqinfo.ini"
    label, assumed = "person", ""
    if info.exists():
        rate, length, size = _seqinfo(info)
        truth, detections = _table(truth_path), _table(folder / "det" / "det.txt")
    else:
        cityflow = (folder / "calibration.txt").is_file()
        label = "car" if cityflow else label
        if not cityflow and (rate is None or size is None):
            raise SequenceError(
                f"{info}: missing; it says {SEQINFO}; without it give the rate (pictures per second) and the "
                "size (WIDTHxHEIGHT)"
            )
        truth, detections = _table(truth_path), _table(folder / "det" / "det.txt")
        length = int(max(truth[:, 0].max(), detections[:, 0].max()))
        if rate is None or size is None:
            rate, size, assumed = _cityflow(folder, truth, detections, rate, size)
    _check_classes(truth_path, truth)
    detections[:, 6] = _scores(detections[:, 6])
    truth, detections = truth[truth[:, 0] <= length], detections[detections[:, 0] <= length]
    return Sequence(folder.name, rate, length, size, truth, detections, label, assumed)


def _cityflow(
    folder: Path, truth: Table, detections: Table, rate: float | None, size: Size | None
) -> tuple[float, Size, str]:
    """What is known of CityFlow's cameras fills in what was not given."""
    said = []
    if rate is None:
        camera = re.search(r"c\d{3}$", folder.name)
        rate = CITYFLOW_RATES.get(camera[0] if camera else "", CITYFLOW_RATE)
        said.append(f"{rate:g} pictures a second")
    if size is None:
        boxes = np.concatenate([truth[:, 2:6], detections[:, 2:6]])
        reach = (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
        fitting = [known for known in CITYFLOW_SIZES if (reach <= known).all()]
        if not fitting:
            raise SequenceError(
                f"{folder}: boxes reach {reach[0]:.0f},{reach[1]:.0f}, beyond every picture of CityFlow; "
                "give the size (WIDTHxHEIGHT)"
            )
        size = fitting[0]
        said.append(f"{size[0]}x{size[1]} pixels")
    return rate, size, f"{folder.name}: no seqinfo.ini; CityFlow's form, so assumed {' and '.join(said)}"


def _names_classes(truth: Table) -> bool:
    return truth.shape[1] in (8, 9) and bool((truth[:, CLASS_COLUMN] >= 1).any())


def _check_classes(path: Path, truth: Table) -> None:
    if not _names_classes(truth):
        return
    wrong = np.flatnonzero(~np.isin(truth[:, CLASS_COLUMN], CLASSES))
    if len(wrong):
        frame, who, given = truth[wrong[0], [0, 1, CLASS_COLUMN]]
        raise SequenceError(
            f"{path}: the box of {who:g} in frame {frame:g} has the class {given:g}; classes are "
            f"{CLASSES[0]} (pedestrian) to {CLASSES[-1]}, in column {CLASS_COLUMN + 1}"
        )


def _seqinfo(path: Path) -> tuple[float, int, Size]:
    parser = configparser.ConfigParser()
    try:
        parser.read(path, encoding="utf-8")
        part = parser["Sequence"]
        rate, length = float(part["frameRate"]), int(part["seqLength"])
        size = int(part["imWidth"]), int(part["imHeight"])
    except (configparser.Error, KeyError, ValueError) as error:
        raise SequenceError(f"{path}: {error}; it needs {SEQINFO}") from None
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
