"""The days that measure replay are what they are said to be; `python -m benches.replaying` plays them all."""

from pathlib import Path

import numpy as np
from beffroi.backtest import play
from beffroi.recording import read_recording

from benches.replaying import street
from benches.replaying_days import DAY_S, FPS, MEAN_BOXES, STEP_MS, record, stretches, traffic


def test_a_day_has_five_boxes_a_picture(tmp_path: Path) -> None:
    boxes = sum(len(score) for _, _, score, _ in stretches(1, 24))
    assert abs(boxes / (DAY_S * FPS) / MEAN_BOXES - 1) < 0.1
    assert traffic(np.array([4 * 3600.0]))[0] < 0.5 < 2 < traffic(np.array([18 * 3600.0]))[0]


def test_a_recorded_hour_is_replayed_and_tells_something(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.boxes" for name in ("a", "b")]
    counts = [record(path, path.stem, 1, 1) for path in paths]
    assert counts[0] == counts[1] == (3600 * FPS, len(read_recording(paths[0]).score))
    assert paths[0].read_bytes() != paths[1].read_bytes(), "each names its camera"
    first, second = play(paths, street(["a", "b"], "30s"))
    assert first.report.to_ms == (3600 * FPS - 1) * STEP_MS
    assert first.report.alerts == second.report.alerts
    assert first.report.alerts["loiters"] > 0
