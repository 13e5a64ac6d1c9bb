"""Metrics: numbers per run, in the text that Prometheus reads."""

from __future__ import annotations

from pathlib import Path

from beffroi.metrics import STAGES, Metrics
from prometheus_client.parser import text_string_to_metric_families


def samples(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    found = {}
    for family in text_string_to_metric_families(metrics.text()):
        for sample in family.samples:
            found[sample.name, tuple(sorted(sample.labels.values()))] = sample.value
    return found


def test_what_was_counted_is_in_the_text() -> None:
    metrics = Metrics()
    metrics.detector("gate", "femto 1", "CPUExecutionProvider")
    metrics.frame("gate")
    metrics.frame("gate", dropped=3)
    metrics.media("gate", 1500, analysed=True)
    metrics.media("gate", 500, analysed=False)
    metrics.alert("gate", "on the lawn", "intrusion")
    metrics.sink_failed("hook")
    for stage in STAGES:
        metrics.stage("gate", stage, 0.002)
    found = samples(metrics)
    assert found["beffroi_frames_analysed_total", ("gate",)] == 2
    assert found["beffroi_frames_dropped_total", ("gate",)] == 3
    assert found["beffroi_media_seconds_total", ("gate", "yes")] == 1.5
    assert found["beffroi_media_seconds_total", ("gate", "no")] == 0.5
    assert found["beffroi_alerts_total", ("gate", "intrusion", "on the lawn")] == 1
    assert found["beffroi_sink_failures_total", ("hook",)] == 1
    assert found["beffroi_detector", ("CPUExecutionProvider", "femto 1", "gate")] == 1
    assert found["beffroi_stage_seconds_count", ("core", "gate")] == 1
    assert found["beffroi_stage_seconds_sum", ("core", "gate")] == 0.002


def test_two_runs_share_no_number() -> None:
    one, other = Metrics(), Metrics()
    one.frame("gate")
    assert ("beffroi_frames_analysed_total", ("gate",)) not in samples(other)


def test_the_text_is_written_whole(tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.frame("gate")
    metrics.write(tmp_path / "beffroi.prom")
    assert (tmp_path / "beffroi.prom").read_text(encoding="utf-8") == metrics.text()
    assert [path.name for path in tmp_path.iterdir()] == ["beffroi.prom"]
