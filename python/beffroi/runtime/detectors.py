"""One detector for all cameras that ask for the same one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from beffroi.components import BuildContext, Detector, DetectorConfig
from beffroi.frame import Detections, Frame

log = logging.getLogger(__name__)


class Shared:
    """A detector behind a lock: cameras take turns, because a detector's calls never overlap."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._lock = threading.Lock()
        self.labels, self.name = detector.labels, detector.name
        self.version, self.provider = detector.version, detector.provider

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """As `Detector.detect`."""
        with self._lock:
            return self._detector.detect(frames)

    def close(self) -> None:
        """As `Detector.close`."""
        self._detector.close()


class Detectors:
    """The detectors of one run; a shared one serves all cameras with its settings."""

    def __init__(self) -> None:
        self._built: dict[str, Shared] = {}

    def build(self, config: DetectorConfig, context: BuildContext) -> Detector:
        """The detector for `config`; raises what building it raises."""
        key = f"{config.type} {config.model_dump_json(exclude={'fps'})}"
        if not config.shared:
            key += f" {context.camera}"
        if key not in self._built:
            self._built[key] = Shared(config.build(context))
        return self._built[key]

    def close(self) -> None:
        """Close them all."""
        for detector in self._built.values():
            try:
                detector.close()
            except Exception:
                log.exception("detector %s: does not close", detector.name)
        self._built.clear()
