"""Tracking measured by TrackEval, MOTChallenge protocol, on detections and ground truth that others made.

HOTA (Luiten et al., IJCV 2021), CLEAR MOT (Bernardin and Stiefelhagen, 2008) and IDF1 (Ristani et al.,
2016). What is judged of beffroi are the tracks where they were detected; coasting boxes are not shown.
`judge` takes the rows of any tracker.
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from beffroi._core import Engine
from beffroi.errors import MissingDependency
from beffroi.evaluate.sequence import Sequence, SequenceError, Size, Table, read_sequences

if TYPE_CHECKING:
    from rich.table import Table as RichTable

FIGURES = ("HOTA", "DetA", "AssA", "MOTA", "IDF1", "IDSW")
Figures = dict[str, float]
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class TrackingReport:
    """Figures by sequence and combined: percentages, and IDSW as a number of switches."""

    sequences: dict[str, Figures]
    combined: Figures
    fps: float | None = None
    notes: tuple[str, ...] = ()
    """What was assumed."""

    @property
    def ok(self) -> bool:
        """A measurement that ended is one."""
        return True

    def as_json(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {"combined": self.combined, "sequences": self.sequences}

    def table(self) -> RichTable:
        """For people."""
        from rich.table import Table as RichTable

        rate = "full rate" if self.fps is None else f"{self.fps:g} pictures a second"
        table = RichTable("sequence", *FIGURES, title=f"tracking, {rate}", caption="\n".join(self.notes))
        for name, figures in [*self.sequences.items(), ("all", self.combined)]:
            table.add_row(
                name, *(f"{figures[key]:.0f}" if key == "IDSW" else f"{figures[key]:.1f}" for key in FIGURES)
            )
        return table


def evaluate(
    folder: Path,
    *,
    fps: float | None = None,
    rate: float | None = None,
    size: Size | None = None,
    progress: Progress | None = None,
) -> TrackingReport:
    """Run the tracker over the detections of every sequence in `folder` and compare with the ground truth.

    Parameters
    ----------
    folder
        ``<sequence>/{gt/gt.txt, det/det.txt, seqinfo.ini}``, or one such sequence.
    fps
        Pictures per second to keep: every n-th, ground truth likewise; all if None.
    rate, size
        Pictures per second that were recorded, and their width and height in pixels, for sequences without
        ``seqinfo.ini``.
    progress
        Called with what is being done and the share done, 0..1.

    Raises
    ------
    SequenceError
        If a file is missing or malformed.
    MissingDependency
        If TrackEval is not installed.
    """
    read = [sequence.thinned(fps) for sequence in read_sequences(folder, rate=rate, size=size)]

    def followed() -> Iterator[tuple[Sequence, Table]]:
        for number, sequence in enumerate(read):
            if progress is not None:
                progress(sequence.name, number / len(read))
            yield sequence, track(sequence)

    return replace(judge(followed()), fps=fps, notes=tuple(s.assumed for s in read if s.assumed))


def judge(followed: Iterable[tuple[Sequence, Table]]) -> TrackingReport:
    """Compare the rows of a tracker with the ground truth of each sequence.

    Parameters
    ----------
    followed
        At least one sequence with its rows, float64 (n, 7): frame (from 1), track, left, top, width and
        height in pixels, score; as `track` gives them.

    Raises
    ------
    SequenceError
        If the rows or the truth are not what the protocol takes, such as two boxes of one track in a frame.
    MissingDependency
        If TrackEval is not installed.
    """
    measures = _measures()
    results = {sequence.name: _compare(sequence, rows, measures) for sequence, rows in followed}
    with _quiet():
        combined = {
            name: measure.combine_sequences({key: result[name] for key, result in results.items()})
            for name, measure in measures.items()
        }
    return TrackingReport({name: _figures(result) for name, result in results.items()}, _figures(combined))


def track(sequence: Sequence) -> Table:
    """Rows of MOTChallenge results by beffroi's tracker: float64 (n, 7), see `judge`."""
    width, height = sequence.size
    engine = Engine(json.dumps({"classes": [sequence.label], "aspect": width / height}))
    scale = np.array([width, height, width, height], np.float64)
    rows: list[Table] = []
    for frame, (xyxy, score) in enumerate(pictures(sequence), 1):
        columns: NDArray[np.float32] = np.ascontiguousarray(xyxy / scale, np.float32)
        at_ms = round(1000 * (frame - 1) / sequence.rate)
        tracks = engine.step(at_ms, columns, score.astype(np.float32), np.zeros(len(score), np.uint16)).tracks
        seen = tracks.det >= 0
        found = tracks.xyxy[seen].astype(np.float64) * scale
        head = np.stack([np.full(seen.sum(), frame, np.float64), tracks.id[seen]], axis=1)
        corner, far = found[:, :2], found[:, 2:]
        rows.append(np.concatenate([head, corner, far - corner, tracks.score[seen, None]], axis=1))
    return np.concatenate(rows)


def pictures(sequence: Sequence) -> Iterator[tuple[Table, NDArray[np.float64]]]:
    """The detections of every picture: boxes float64 (n, 4) as corners in pixels, scores float64 (n,).

    Boxes without an area, or far beyond the picture, are left out: no detector means them.
    """
    table = sequence.detections[np.argsort(sequence.detections[:, 0], kind="stable")]
    xyxy = np.concatenate([table[:, 2:4], table[:, 2:4] + table[:, 4:6]], axis=1)
    near = (np.abs(xyxy / np.tile(sequence.size, 2) - 0.5) <= 1.4).all(axis=1)
    solid = near & (table[:, 4:6] > 0).all(axis=1)
    table, xyxy = table[solid], xyxy[solid]
    bounds = np.searchsorted(table[:, 0], np.arange(1, sequence.length + 2))
    for begin, end in pairwise(bounds.tolist()):
        yield xyxy[begin:end], table[begin:end, 6]


def _measures() -> dict[str, Any]:
    try:
        with _quiet():
            from trackeval.metrics import CLEAR, HOTA, Identity
    except ImportError as error:
        raise MissingDependency("evaluate tracking", "trackeval", str(error)) from None
    silent = {"PRINT_CONFIG": False}
    return {"HOTA": HOTA(), "CLEAR": CLEAR(silent), "Identity": Identity(silent)}


def _compare(sequence: Sequence, found: Table, measures: dict[str, Any]) -> dict[str, Any]:
    """TrackEval reads files, so it is given files, in a folder that is gone afterwards."""
    from trackeval.datasets import MotChallenge2DBox
    from trackeval.utils import TrackEvalException

    truth = sequence.truth
    if not sequence.classed:
        # MOT15: a flag says what counts; there are no classes, and nothing else to tell.
        truth = np.concatenate([truth[:, :7], -np.ones((len(truth), 3))], axis=1)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        gt, results = root / "gt" / sequence.name / "gt", root / "trackers" / "beffroi" / "data"
        gt.mkdir(parents=True)
        results.mkdir(parents=True)
        np.savetxt(gt / "gt.txt", truth, delimiter=",", fmt="%.10g")
        rows = np.concatenate([found, -np.ones((len(found), 3))], axis=1)
        np.savetxt(results / f"{sequence.name}.txt", rows, delimiter=",", fmt="%.10g")
        with _quiet():
            dataset = MotChallenge2DBox(
                {
                    "GT_FOLDER": str(root / "gt"),
                    "TRACKERS_FOLDER": str(root / "trackers"),
                    "OUTPUT_FOLDER": str(root / "out"),
                    "SKIP_SPLIT_FOL": True,
                    "SEQ_INFO": {sequence.name: sequence.length},
                    "BENCHMARK": "MOT17" if sequence.classed else "MOT15",
                    "DO_PREPROC": sequence.classed,
                    "PRINT_CONFIG": False,
                }
            )
            try:
                raw = dataset.get_raw_seq_data("beffroi", sequence.name)
                data = dataset.get_preprocessed_seq_data(raw, "pedestrian")
            except TrackEvalException as error:
                raise SequenceError(f"{sequence.name}: {error}") from None
            return {name: measure.eval_sequence(data) for name, measure in measures.items()}


def _figures(result: dict[str, Any]) -> Figures:
    hota, clear, identity = result["HOTA"], result["CLEAR"], result["Identity"]
    return {
        **{key: 100 * float(np.mean(hota[key])) for key in ("HOTA", "DetA", "AssA")},
        "MOTA": 100 * float(clear["MOTA"]),
        "IDF1": 100 * float(identity["IDF1"]),
        "IDSW": float(clear["IDSW"]),
    }


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """TrackEval prints as it works and uses names that numpy has left behind."""
    import warnings

    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
