"""The running side of `state`: looks at one zone now and then, and lets them vote."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from beffroi.components import BuildContext
from beffroi.detectors._region import DrawnRegion, covering, zone_of
from beffroi.detectors._span import milliseconds
from beffroi.detectors._state_choice import Choice
from beffroi.detectors._state_look import LEAST_PIXELS, described
from beffroi.detectors.state import UNKNOWN
from beffroi.errors import ConfigError
from beffroi.frame import Detections, Frame

if TYPE_CHECKING:
    from beffroi.detectors.state import StateConfig

log = logging.getLogger(__name__)

# A person or vehicle over more of the zone than this hides something of it.
COVERED = 0.05
# How unlike the camera's shape (width to height) a full picture may be, as a share.
SAME_SHAPE = 0.02
# Looks older than this many times their usual span no longer vote: nobody knows what happened meanwhile.
STALE = 4


class StateDetector:
    """Tells the state of one zone of one camera."""

    labels: tuple[str, ...] = ()
    name = "state"
    provider = "CPU"

    def __init__(self, config: StateConfig, context: BuildContext) -> None:
        self._config = config
        self._zone = f"state {config.name}"
        self._region = DrawnRegion(zone_of(context.zones, config.zone, self._zone))
        self._covering = covering(context.labels)
        self._names = tuple(config.references)
        self._pictures = [
            (state, context.path(file), _read(context.path(file), f"references.{state}"))
            for state, files in config.references.items()
            for file in files
        ]
        self.version = "1"
        self._choice: Choice | None = None
        self._every_ms = milliseconds(config.every)
        self._looks: deque[tuple[int, str | None]] = deque(maxlen=config.votes.of)
        self._looked_ms: int | None = None
        if config.full is not None:
            self._chosen(0.0)

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """No boxes, and the signal, for each picture; time must increase from picture to picture.

        Raises
        ------
        ConfigError
            If the references do not fit the pictures.
        """
        none = Detections.empty()
        return [
            Detections(none.xyxy, none.score, none.class_id, {self._config.name: self._state(frame)})
            for frame in frames
        ]

    def close(self) -> None:
        """Nothing to close."""

    def _state(self, frame: Frame) -> str:
        at_ms = frame.at_ms
        if self._looked_ms is None or not 0 <= at_ms - self._looked_ms < self._every_ms:
            if self._looked_ms is not None and at_ms < self._looked_ms:
                self._looks.clear()
            self._looked_ms = at_ms
            self._look(frame)
        oldest = at_ms - STALE * max(self._every_ms, 1) * self._config.votes.of
        votes = Counter(state for looked, state in self._looks if state is not None and looked >= oldest)
        if not votes:
            return UNKNOWN
        state, count = votes.most_common(1)[0]
        return state if count >= self._config.votes.at_least else UNKNOWN

    def _look(self, frame: Frame) -> None:
        """One vote more, unless somebody stands in front."""
        if self._region.covered(frame.detections, self._covering) > COVERED:
            return
        part, mask = self._region.cut(frame.image)
        if min(part.shape[:2]) < LEAST_PIXELS:
            self._looks.append((frame.at_ms, None))
            return
        height, width = frame.image.shape[:2]
        state, away = self._chosen(width / height).state(described(part, mask))
        log.debug("%s: %s, %.2f from the nearest reference", self._zone, state, away)
        self._looks.append((frame.at_ms, None if state is None else self._names[state]))

    def _chosen(self, shape: float) -> Choice:
        """What names the state, learnt when the shape of the camera's pictures (width to height) is known."""
        if self._choice is None:
            looks = [self._reference(shape, path, picture) for _, path, picture in self._pictures]
            states = [self._names.index(state) for state, _, _ in self._pictures]
            self._choice = Choice(np.stack(looks), np.array(states, np.int64), self._config.reach)
            self._report(self._choice)
        return self._choice

    def _reference(self, shape: float, path: Path, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        rows, columns = picture.shape[:2]
        full = self._config.full
        if full is None:
            full = abs(columns / rows - shape) <= SAME_SHAPE * shape
        part, mask = self._region.cut(picture) if full else (picture, self._region.mask(columns, rows))
        if min(part.shape[:2]) < LEAST_PIXELS:
            raise ConfigError(
                f"{path}: shows the zone `{self._config.zone}` in {part.shape[1]} x {part.shape[0]} pixels; "
                f"at least {LEAST_PIXELS} x {LEAST_PIXELS} are needed"
            )
        return described(part, mask)

    def _report(self, choice: Choice) -> None:
        told = choice.accuracy
        if told.nearest is None:
            log.info(
                "%s: nearest of %d references; give two of each state to have them checked",
                self._zone,
                told.pictures,
            )
            return
        tried = "" if told.learnt is None else f", the classifier for {told.learnt * 100:.0f} %"
        log.info(
            "%s: uses the %s; each of %d references left out in turn, the nearest one is right for %.0f %%%s",
            self._zone,
            "classifier" if choice.method == "learnt" else "nearest reference",
            told.pictures,
            told.nearest * 100,
            tried,
        )


def _read(path: Path, place: str) -> NDArray[np.uint8]:
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise ConfigError(f"{place}: {path}: cannot be read: {error.strerror}") from error
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if picture is None:
        raise ConfigError(f"{place}: {path}: is no picture")
    return np.asarray(picture, np.uint8)
