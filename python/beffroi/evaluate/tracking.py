"""Tracking measured by TrackEval, MOTChallenge protocol, on detections and ground truth that others made.

HOTA (Luiten et al., IJCV 2021), CLEAR MOT (Bernardin and Stiefelhagen, 2008) and IDF1 (Ristani et al.,
2016). What is judged are the tracks where they were detected; coasting boxes are not shown.
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from beffroi._core import Engine
from beffroi.errors import MissingDependency
from beffroi.evaluate.sequence import Sequence, Table, read_sequence, sequences

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
    fps: float | None

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
        table = RichTable("sequence", *FIGURES, title=f"tracking, {rate}")
        for name, figures in [*self.sequences.items(), ("all", self.combined)]:
            table.add_row(
                name, *(f"{figures[key]:.0f}" if key == "IDSW" else f"{figures[key]:.1f}" for key in FIGURES)
            )
        return table


def evaluate(folder: Path, *, fps: float | None = None, progress: Progress | None = None) -> TrackingReport:
    """Run the tracker over the detections of every sequence in `folder` and compare with the ground truth.

    Parameters
    ----------
    folder
        ``<sequence>/{gt/gt.txt, det/det.txt, seqinfo.ini}``, or one such sequence.
    fps
        Pictures per second to keep: every n-th, ground truth likewise; all if None.
    progress
        Called with what is being done and the share done, 0..1.

    Raises
    ------
    SequenceError
        If a file is missing or malformed.
    MissingDependency
        If TrackEval is not installed.
    """
    measures = _measures()
    folders = sequences(folder)
    read = [read_sequence(path).thinned(fps) for path in folders]
    results: dict[str, dict[str, Any]] = {}
    for number, sequence in enumerate(read):
        if progress is not None:
            progress(sequence.name, number / len(read))
        results[sequence.name] = _judge(sequence, track(sequence), measures)
    with _quiet():
        combined = {
            name: measure.combine_sequences({key: result[name] for key, result in results.items()})
            for name, measure in measures.items()
        }
    return TrackingReport(
        {name: _figures(result) for name, result in results.items()}, _figures(combined), fps
    )


def track(sequence: Sequence) -> Table:
    """Rows of MOTChallenge results: frame, track, left, top, width, height in pixels, score."""
    width, height = sequence.size
    # One class: the protocol judges pedestrians alone, a set of vehicles has vehicles alone.
    engine = Engine(json.dumps({"classes": ["person"], "aspect": width / height}))
    scale = np.array([width, height, width, height], np.float64)
    rows: list[Table] = []
    by_frame = _by_frame(sequence)
    for frame in range(1, sequence.length + 1):
        boxes = by_frame.get(frame, np.empty((0, 7)))
        xyxy = np.concatenate([boxes[:, 2:4], boxes[:, 2:4] + boxes[:, 4:6]], axis=1) / scale
        solid = (boxes[:, 4] > 0) & (boxes[:, 5] > 0) & (np.abs(xyxy - 0.5) <= 1.4).all(axis=1)
        columns: NDArray[np.float32] = np.ascontiguousarray(xyxy[solid], np.float32)
        score = boxes[solid, 6].astype(np.float32)
        at_ms = round(1000 * (frame - 1) / sequence.rate)
        tracks = engine.step(at_ms, columns, score, np.zeros(len(score), np.uint16)).tracks
        seen = tracks.det >= 0
        found = tracks.xyxy[seen].astype(np.float64) * scale
        head = np.stack([np.full(seen.sum(), frame, np.float64), tracks.id[seen]], axis=1)
        corner, far = found[:, :2], found[:, 2:]
        rows.append(np.concatenate([head, corner, far - corner, tracks.score[seen, None]], axis=1))
    return np.concatenate(rows)


def _by_frame(sequence: Sequence) -> dict[int, Table]:
    table = sequence.detections[np.argsort(sequence.detections[:, 0], kind="stable")]
    frames, starts = np.unique(table[:, 0], return_index=True)
    return dict(zip(frames.astype(int).tolist(), np.split(table, starts[1:]), strict=True))


def _measures() -> dict[str, Any]:
    try:
        with _quiet():
            from trackeval.metrics import CLEAR, HOTA, Identity
    except ImportError as error:
        raise MissingDependency("evaluate tracking", "trackeval", str(error)) from None
    silent = {"PRINT_CONFIG": False}
    return {"HOTA": HOTA(), "CLEAR": CLEAR(silent), "Identity": Identity(silent)}


def _judge(sequence: Sequence, found: Table, measures: dict[str, Any]) -> dict[str, Any]:
    """TrackEval reads files, so it is given files, in a folder that is gone afterwards."""
    from trackeval.datasets import MotChallenge2DBox

    truth = sequence.truth
    if not sequence.classed:
        # MOT15: a flag says what counts; there are no classes, and nothing else to tell.
        truth = np.concatenate([truth[:, :7], -np.ones((len(truth), 3))], axis=1)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        gt, results = root / "gt" / sequence.name / "gt", root / "trackers" / "beffroi" / "data"
        gt.mkdir(parents=True)
        results.mkdir(parents=True)
        np.savetxt(gt / "gt.txt", truth, delimiter=",", fmt="%g")
        rest = -np.ones((len(found), 3))
        np.savetxt(
            results / f"{sequence.name}.txt", np.concatenate([found, rest], axis=1), delimiter=",", fmt="%g"
        )
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
            raw = dataset.get_raw_seq_data("beffroi", sequence.name)
            data = dataset.get_preprocessed_seq_data(raw, "pedestrian")
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
