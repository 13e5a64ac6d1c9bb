"""A detector for measurements: finds each picture's boxes once, keeps them, and may have a gate before it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from beffroi.components import BuildContext, Detector, DetectorConfig, SourceConfig
from beffroi.errors import SourceError
from beffroi.frame import Detections, Frame
from beffroi.runtime.gate import Gate, Gated

Boxes = dict[int, tuple[Any, Any, Any]]


class KeptConfig(DetectorConfig):
    """The detector of `inner`, whose boxes are kept in the file `keep`."""

    type: Literal["kept"]
    inner: dict[str, Any]
    keep: str
    gate: bool = False

    def known_labels(self, context: BuildContext) -> tuple[str, ...] | None:
        """Those of the inner one."""
        return DetectorConfig.parse(self.inner).known_labels(context)

    def build(self, context: BuildContext) -> Kept | Gated:
        """With the boxes that are kept already."""
        kept = Kept(DetectorConfig.parse(self.inner).build(context), Path(self.keep))
        return Gated(kept, Gate()) if self.gate else kept


class Kept:
    """Answers with the boxes that are kept, and finds those that are not."""

    def __init__(self, inner: Detector, path: Path) -> None:
        self._inner, self._path = inner, path
        self._boxes: Boxes = pickle.loads(path.read_bytes()) if path.is_file() else {}
        self._known = len(self._boxes)
        self.labels, self.name, self.version = inner.labels, inner.name, inner.version
        self.provider = inner.provider

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """As `Detector.detect`."""
        return [self.found(frame) for frame in frames]

    def found(self, frame: Frame) -> Detections:
        """The boxes of one picture."""
        if frame.at_ms not in self._boxes:
            (found,) = self._inner.detect([frame])
            self._boxes[frame.at_ms] = (found.xyxy, found.score, found.class_id)
        return Detections(*self._boxes[frame.at_ms])

    def close(self) -> None:
        """Write the boxes down if there are new ones."""
        self._inner.close()
        if len(self._boxes) > self._known:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(".draft")
            draft.write_bytes(pickle.dumps(self._boxes))
            draft.replace(self._path)


def pictures(path: Path, fps: float) -> Iterator[Frame]:
    """The pictures of a clip at `fps`, up to where it can be read."""
    context = BuildContext("bench", path.parent)
    source = SourceConfig.parse({"type": "file", "path": str(path)}).build(context, fps)
    try:
        yield from source.frames()
    except SourceError as error:
        print(f"{path.name}: {error}")
    finally:
        source.close()
