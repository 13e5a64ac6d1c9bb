"""One detector for all cameras that ask for the same one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from beffroi.components import BuildContext, Detector, DetectorConfig
from beffroi.config.beside import beside, context_beside, joined_labels
from beffroi.frame import Detections, Frame

if TYPE_CHECKING:
    from beffroi.config.view import View

log = logging.getLogger(__name__)


class Batching:
    """A detector around a `model` that may look at the pictures of several cameras at once."""

    model: Any = None
    """The innermost detector, where that has a method ``together``."""

    @property
    def batch(self) -> int:
        """The most pictures that are worth giving to one call of `together`."""
        return 1 if self.model is None else int(self.model.batch)

    def runs_with(self, other: object) -> bool:
        """Whether the two may share a call of `together`."""
        return self.model is not None and self.model.runs_with(getattr(other, "model", None))

    def begin(self, frame: Frame) -> bool:
        """Whether the model has to look at a picture."""
        raise NotImplementedError

    def end(self, frame: Frame, found: Detections | None) -> Detections:
        """All that is found in the picture, where the model found `found`; None if it had not to look."""
        raise NotImplementedError

    @staticmethod
    def together(detectors: Sequence[Batching], frames: Sequence[Frame]) -> list[Detections]:
        """What `detect` finds in one picture of each camera; the models look at all of them in one go.

        Each `runs_with` the others, and none is in use meanwhile.
        """
        pairs = list(zip(detectors, frames, strict=True))
        wanted = [each.begin(frame) for each, frame in pairs]
        asked = [pair for pair, want in zip(pairs, wanted, strict=True) if want]
        seen = iter(
            asked[0][0].model.together([each.model for each, _ in asked], [frame for _, frame in asked])
            if asked
            else []
        )
        return [
            each.end(frame, next(seen) if want else None)
            for (each, frame), want in zip(pairs, wanted, strict=True)
        ]


class Shared(Batching):
    """A detector behind a lock: cameras take turns, because a detector's calls never overlap."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        inner = getattr(detector, "inner", detector)
        self.model = inner if hasattr(inner, "together") else None
        self._lock = threading.Lock()
        self.labels, self.name = detector.labels, detector.name
        self.version, self.provider = detector.version, detector.provider

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """As `Detector.detect`."""
        with self._lock:
            return self._detector.detect(frames)

    @property
    def looked(self) -> int | None:
        """How many pictures a gate had the model look at; None without one."""
        return getattr(self._detector, "looked", None)

    def begin(self, frame: Frame) -> bool:
        """As the gate says, if there is one."""
        begin = getattr(self._detector, "begin", None)
        return begin is None or begin(frame)

    def end(self, frame: Frame, found: Detections | None) -> Detections:  # noqa: ARG002 - for `Together`
        """What was found, or what the gate hands out again."""
        end = getattr(self._detector, "end", None)
        found = found if end is None else end(found)
        assert found is not None  # without a gate `begin` says that the model has to look
        return found

    def close(self) -> None:
        """As `Detector.close`."""
        self._detector.close()


class Together(Batching):
    """A detector, and others that look beside it: their boxes one after the other, in joined classes.

    Each is given what those before it found (`Frame.detections`).
    """

    def __init__(self, first: Shared, others: Sequence[Shared]) -> None:
        self._all = (first, *others)
        self.model = first.model
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
        return self._beside(frames, self._all[0].detect(frames))

    @property
    def looked(self) -> int | None:
        """As the first detector says."""
        return self._all[0].looked

    def begin(self, frame: Frame) -> bool:
        """As the first detector says."""
        return self._all[0].begin(frame)

    def end(self, frame: Frame, found: Detections | None) -> Detections:
        """What the first found, with what the others find beside it."""
        return self._beside([frame], [self._all[0].end(frame, found)])[0]

    def _beside(self, frames: Sequence[Frame], found: list[Detections]) -> list[Detections]:
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

    def build(self, config: DetectorConfig, context: BuildContext) -> Shared:
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
