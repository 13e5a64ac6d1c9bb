"""Boxes that were recorded before, instead of a model: the same boxes give the same decisions everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from beffroi.components import BuildContext, DetectorConfig, Finding
from beffroi.errors import RecordingError
from beffroi.frame import Detections, Frame

if TYPE_CHECKING:
    from beffroi.recording import Recording


class RecordedConfig(DetectorConfig):
    """Takes the boxes of each picture from a recording, by its time."""

    shared: ClassVar[bool] = True

    type: Literal["recorded"]
    path: str = Field(min_length=1, description="Recording, relative to the folder of the site file.")

    whole: bool = Field(
        True,
        description="Whether it holds all that rules need; if not, other detectors look at the pictures too.",
    )

    def gives_all(self) -> bool:
        """As the recording's user says."""
        return self.whole

    def findings(self, context: BuildContext) -> Iterable[Finding]:
        """A recording that is not there or is none."""
        from beffroi.recording import read_header

        try:
            read_header(context.path(self.path))
        except RecordingError as error:
            yield (("path",), str(error))

    def known_labels(self, context: BuildContext) -> tuple[str, ...] | None:
        """The recording's labels; None if it cannot be read."""
        from beffroi.recording import read_header

        try:
            return read_header(context.path(self.path)).labels
        except RecordingError:
            return None

    def build(self, context: BuildContext) -> RecordedDetector:
        """Read the recording; raises `RecordingError`."""
        from beffroi.recording import read_recording

        path = context.path(self.path)
        return RecordedDetector(str(path), read_recording(path))


class RecordedDetector:
    """Finds for a picture the boxes that were recorded at its time, give or take half a picture."""

    provider = "recording"

    def __init__(self, name: str, recording: Recording) -> None:
        header = recording.header
        self.labels = header.labels
        self.name, _, self.version = header.model.partition(" ")
        self._path = name
        self._recording = recording
        self._size = None if header.width is None or header.height is None else (header.width, header.height)
        self._times = recording.at_ms
        self._near_ms = self._half_interval()

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """The recorded boxes of each picture.

        Raises
        ------
        RecordingError
            If the recording is not one of these pictures: another size, or nothing recorded at that time.
        """
        return [self._recording.detections(self._index(frame)) for frame in frames]

    def close(self) -> None:
        """Nothing to close."""

    def _half_interval(self) -> float:
        fps = self._recording.header.fps
        if fps is not None:
            return 500 / fps
        steps = self._times[1:] - self._times[:-1]
        return float(sorted(steps.tolist())[len(steps) // 2]) / 2 if len(steps) else 100.0

    def _index(self, frame: Frame) -> int:
        height, width = frame.image.shape[:2]
        if self._size is not None and self._size != (width, height):
            raise RecordingError(
                f"{self._path}: was recorded from pictures of {self._size[0]} x {self._size[1]} pixels, "
                f"these are {width} x {height}: is it the recording of another camera?"
            )
        after = int(self._times.searchsorted(frame.at_ms))
        near = [index for index in (after - 1, after) if 0 <= index < len(self._times)]
        best = min(near, key=lambda index: abs(int(self._times[index]) - frame.at_ms), default=None)
        if best is None or abs(int(self._times[best]) - frame.at_ms) > self._near_ms:
            raise RecordingError(f"{self._path}: {self._nothing_at(frame.at_ms)}")
        return best

    def _nothing_at(self, at_ms: int) -> str:
        if not len(self._times):
            return "holds no picture"
        first, last = int(self._times[0]), int(self._times[-1])
        if first <= at_ms <= last:
            every = self._near_ms * 2 / 1000
            return (
                f"holds nothing at {at_ms / 1000:.2f} s, only a picture every {every:.2f} s: "
                f"set the detector's fps to {1 / every:g}"
            )
        return (
            f"holds nothing at {at_ms / 1000:.2f} s: it goes from {first / 1000:.2f} to {last / 1000:.2f} s; "
            "is it the recording of another film?"
        )
