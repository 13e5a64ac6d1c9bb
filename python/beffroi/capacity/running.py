"""The process that is measured: a site of live cameras, run as `beffroi run` does, with somebody who counts.

`python -m beffroi.capacity.running SITE OUT --warm S --seconds S` writes what it counted to OUT, as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from beffroi.capacity.process import open_files, rss_bytes, threads
from beffroi.metrics import STAGES, Metrics

SAMPLE_S = 1.0
"""How often memory is looked at."""
PATIENCE_S = 60.0
"""How long cameras may take to give their first pictures."""


class Counting:
    """Looks on. `progress` and `alerted` come from analysts one at a time, `watch` from the main thread."""

    def __init__(self, metrics: Metrics, store: Path, cameras: int, warm_s: float, seconds: float) -> None:
        self._metrics, self._store, self._cameras = metrics, store, cameras
        self._warm_s, self._seconds = warm_s, seconds
        self._began_s = time.monotonic()
        self._warm_until: float | None = None
        self._begin: dict[str, Any] | None = None
        self._sampled_s = 0.0
        self._over = False
        self._latency_ms: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self._alert_ms: list[float] = []
        self._memory: list[tuple[float, int]] = []
        self.result: dict[str, Any] = {}

    def progress(self, camera: str, at_ms: int, _pictures: int) -> None:
        """A picture's analysis is committed."""
        if self._begin is not None and not self._over:
            now_ms = time.time() * 1000
            self._latency_ms[camera].append((time.monotonic(), now_ms - at_ms))

    def alerted(self, alert: dict[str, Any]) -> None:
        """An alert is committed."""
        if self._begin is not None and not self._over and alert["change"] == "started":
            self._alert_ms.append(time.time() * 1000 - alert["at_ms"])

    def watch(self, statuses: list[Any]) -> None:
        """Begin when every camera runs and is warm, end in time."""
        now_s = time.monotonic()
        if self._warm_until is None:
            running = sum(status.analysed > 0 for status in statuses) == self._cameras
            if running or now_s - self._began_s > PATIENCE_S:
                self._warm_until = now_s + self._warm_s
            return
        if self._begin is None:
            if now_s >= self._warm_until:
                self._begin = self._snapshot(statuses)
            return
        if self._over:
            return
        if now_s - self._sampled_s >= SAMPLE_S:
            self._sampled_s = now_s
            self._memory.append((now_s, rss_bytes()))
        if now_s - self._begin["at_s"] >= self._seconds:
            end = self._snapshot(statuses)
            self._over = True
            self.result = {
                "begin": self._begin,
                "end": end,
                "latency_ms": self._latency_ms,
                "alert_ms": self._alert_ms,
                "memory": self._memory,
            }
            os.kill(os.getpid(), signal.SIGTERM)

    def _snapshot(self, statuses: list[Any]) -> dict[str, Any]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "at_s": time.monotonic(),
            "cpu_s": time.process_time(),
            "threads_s": threads(),
            "stages_s": _stages(self._metrics),
            "switches": [used.ru_nvcsw, used.ru_nivcsw],
            "rss": rss_bytes(),
            "files": open_files(),
            "threads": len(os.listdir("/proc/self/task")),  # noqa: PTH208 - entries vanish meanwhile
            "store": sum(
                each.stat().st_size
                for each in self._store.parent.glob(f"{self._store.name}*")
                if each.is_file()
            ),
            "cameras": {status.camera: status.as_json() for status in statuses},
        }


def _stages(metrics: Metrics) -> dict[str, float]:
    """Processor time of analysts by stage, all cameras together."""
    totals = dict.fromkeys(STAGES, 0.0)
    for family in metrics.registry.collect():
        if family.name == "beffroi_stage_cpu_seconds":
            for sample in family.samples:
                if sample.name.endswith("_total"):
                    totals[sample.labels["stage"]] += sample.value
    return totals


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m beffroi.capacity.running")
    parser.add_argument("site", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--warm", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    given = parser.parse_args()
    from beffroi.config import load
    from beffroi.errors import BeffroiError
    from beffroi.runtime.supervisor import run

    try:
        site, metrics = load(given.site), Metrics()
        store = Path(site.context().path(site.store.path))
        counting = Counting(metrics, store, len(site.cameras), given.warm, given.seconds)
        report = run(
            site,
            metrics=metrics,
            progress=counting.progress,
            on_event=counting.alerted,
            watch=counting.watch,
        )
    except BeffroiError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    models = sorted({f"{camera.model} on {camera.provider}" for camera in report.cameras if camera.model})
    counting.result["models"] = models
    counting.result["errors"] = report.errors
    counting.result["clips"] = sum(1 for _ in given.site.parent.glob("evidence/**/*.mp4"))
    given.out.write_text(json.dumps(counting.result), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
