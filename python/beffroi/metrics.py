"""Counters and stage timers, as Prometheus reads them.

A `Metrics` owns its registry: two runs in one process never share a number.
"""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

STAGES = ("decode", "health", "detect", "core", "evidence", "store", "render")
"""Where a frame's time goes: reading, judging the camera, finding objects, analysing, keeping pictures of
alerts, committing and sending, drawing."""

_BUCKETS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


class Metrics:
    """What a run counts.

    Parameters
    ----------
    registry
        Where the numbers are registered; its own one by default.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self._analysed = self._counter("frames_analysed", "Frames that went through detector and engine.")
        self._dropped = self._counter("frames_dropped", "Frames that should have been analysed and were not.")
        self._media = self._counter(
            "media_seconds", "Media time that was analysed, and that was not.", "analysed"
        )
        self._alerts = self._counter("alerts", "Incidents that started.", "rule", "kind")
        self._failures = Counter(
            "beffroi_sink_failures",
            "Attempts to send an alert that a sink refused.",
            ["sink"],
            registry=self.registry,
        )
        self._outbox = Gauge(
            "beffroi_sink_alerts",
            "Alerts that a sink has still to get (waiting), or refused for good (parked).",
            ["sink", "state"],
            registry=self.registry,
        )
        self._backlog = Gauge(
            "beffroi_store_backlog",
            "Changes that are in memory alone, because the store cannot be written.",
            registry=self.registry,
        )
        self._trouble = Gauge(
            "beffroi_store_trouble",
            "1 while the disk of the store is full, read-only, locked or broken.",
            registry=self.registry,
        )
        self._refused = Counter(
            "beffroi_store_refused",
            "Changes that are lost, because too many waited for the store already.",
            registry=self.registry,
        )
        self._stages = Histogram(
            "beffroi_stage_seconds",
            "Time spent on one frame, by stage.",
            ["camera", "stage"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._stage_cpu = Counter(
            "beffroi_stage_cpu_seconds",
            "Processor time of the analysing thread by stage; a model's own threads are not in it.",
            ["camera", "stage"],
            registry=self.registry,
        )
        self._rate = Gauge(
            "beffroi_live_fps",
            "Pictures a second of a live camera, asked for and analysed.",
            ["camera", "which"],
            registry=self.registry,
        )
        self._replaced = Gauge(
            "beffroi_live_replaced",
            "Pictures of a live camera that a later one replaced before it could be analysed.",
            ["camera"],
            registry=self.registry,
        )
        self._latency = Histogram(
            "beffroi_alert_latency_seconds",
            "From the time of a picture to the alert that it started, committed.",
            ["camera"],
            buckets=(0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0),
            registry=self.registry,
        )
        self._detector = Gauge(
            "beffroi_detector",
            "1 for the detector that a camera uses, and where it runs.",
            ["camera", "model", "provider"],
            registry=self.registry,
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"beffroi_{name}", text, ["camera", *labels], registry=self.registry)

    def detector(self, camera: str, model: str, provider: str) -> None:
        """`camera` uses `model` on `provider`."""
        self._detector.labels(camera, model, provider).set(1)

    def frame(self, camera: str, dropped: int = 0) -> None:
        """One frame was analysed, after `dropped` that were not."""
        self._analysed.labels(camera).inc()
        if dropped:
            self._dropped.labels(camera).inc(dropped)

    def media(self, camera: str, milliseconds: int, *, analysed: bool) -> None:
        """`milliseconds` of media time went by."""
        self._media.labels(camera, "yes" if analysed else "no").inc(milliseconds / 1000)

    def stage(self, camera: str, stage: str, seconds: float, cpu_s: float = 0.0) -> None:
        """One frame spent `seconds` in `stage`, one of `STAGES`, and so much processor time of its thread."""
        self._stages.labels(camera, stage).observe(seconds)
        self._stage_cpu.labels(camera, stage).inc(cpu_s)

    def alert(self, camera: str, rule: str, kind: str) -> None:
        """An incident started."""
        self._alerts.labels(camera, rule, kind).inc()

    def rate(self, camera: str, asked: float, analysed: float, dropped: int) -> None:
        """A live camera is to be, and is, analysed so often; so many of its pictures were replaced so far."""
        self._rate.labels(camera, "asked").set(asked)
        self._rate.labels(camera, "analysed").set(analysed)
        self._replaced.labels(camera).set(dropped)

    def latency(self, camera: str, seconds: float) -> None:
        """An alert of a live camera was committed so long after the time of its picture."""
        self._latency.labels(camera).observe(seconds)

    def sink_failed(self, sink: str) -> None:
        """`sink` refused an alert, which will be sent again."""
        self._failures.labels(sink).inc()

    def sink_state(self, sink: str, waiting: int, parked: int) -> None:
        """So many alerts wait for `sink`, and so many it refused for good."""
        self._outbox.labels(sink, "waiting").set(waiting)
        self._outbox.labels(sink, "parked").set(parked)

    def store_state(self, backlog: int, *, trouble: bool) -> None:
        """So many changes are in memory alone; whether the store is in trouble."""
        self._backlog.set(backlog)
        self._trouble.set(trouble)

    def store_refused(self, changes: int) -> None:
        """So many changes could not even be kept in memory."""
        self._refused.inc(changes)

    def text(self) -> str:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry).decode()

    def write(self, path: Path) -> None:
        """Write `text` to `path` in one step, as a node exporter's text collector wants it."""
        part = path.with_name(f"{path.name}.part")
        part.write_text(self.text(), encoding="utf-8")
        part.replace(path)
