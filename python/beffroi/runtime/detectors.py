"""One detector for all cameras that ask for the same one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from beffroi.components import BuildContext, Detector, DetectorConfig
from beffroi.config.beside import beside, context_beside, joined_labels
from beffroi.frame import Detections, Frame

if TYPE_CHECKING:
    from beffroi.config.view import View

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


class Together:
    """A detector, and others that look beside it: their boxes one after the other, in joined classes.

    Each is given what those before it found (`Frame.detections`).
    """

    def __init__(self, first: Detector, others: Sequence[Detector]) -> None:
        self._all = (first, *others)
        self.labels = joined_labels(first.labels, [each.labels for each in others])
        self.name = first.name
        self.version = " + ".join(
            [first.version, *(f"{each.name} {each.version}".strip() for each in others)]
        ).strip()
        self.provider = first.provider
        place = {label: index for index, label in enumerate(self.labels)}
        self._classes = [
            np.array([place[label] for label in each.labels], dtype=np.uint16) for each in self._all
        ]

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """As `Detector.detect`."""
        found = self._all[0].detect(frames)
        for each, classes in zip(self._all[1:], self._classes[1:], strict=True):
            seen = [replace(frame, detections=before) for frame, before in zip(frames, found, strict=True)]
            found = [
                _joined(before, more, classes) for before, more in zip(found, each.detect(seen), strict=True)
            ]
        return found

    def close(self) -> None:
        """Nothing of its own to close."""


def _joined(before: Detections, more: Detections, classes: NDArray[np.uint16]) -> Detections:
    if not len(more) and not more.signals:
        return before
    return Detections(
        np.concatenate([before.xyxy, more.xyxy]),
        np.concatenate([before.score, more.score]),
        np.concatenate([before.class_id, classes[more.class_id]]),
        {**before.signals, **more.signals},
    )


def _behind_gate(detector: Detector) -> Detector:
    """The detector with a gate before it, if it says that one belongs there."""
    if not getattr(detector, "gated", False):
        return detector
    from beffroi.runtime.gate import Gate, Gated

    return Gated(detector, Gate())


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
            self._built[key] = Shared(_behind_gate(config.build(context)))
        return self._built[key]

    def build_for(self, view: View, config: DetectorConfig, context: BuildContext) -> Detector:
        """The detector for `config` with those that look beside it in a view; raises what building raises."""
        first = self.build(config, context)
        labels, others = first.labels, []
        for more in beside(view, config):
            other = self.build(more, context_beside(context, view, labels))
            labels = joined_labels(labels, [other.labels])
            others.append(other)
        return Together(first, others) if others else first

    def close(self) -> None:
        """Close them all."""
        for detector in self._built.values():
            try:
                detector.close()
            except Exception:
                log.exception("detector %s: does not close", detector.name)
        self._built.clear()
