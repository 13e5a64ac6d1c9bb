"""A town square that never existed: painted pictures that carry their noisy detections."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from beffroi.components import BuildContext, Finding, SourceConfig
from beffroi.errors import InputError, SourceError
from beffroi.frame import Frame
from beffroi.sources.file import Selection

if TYPE_CHECKING:
    from beffroi.simulate import Square

Pixels = Field(ge=64, le=8192)


class SimulatedConfig(SourceConfig):
    """Shows a scenario on the simulated square; `detect` is then `type: simulated` too."""

    live: ClassVar[bool] = False

    type: Literal["simulated"]
    scenario: str = Field("square", min_length=1, description="What happens; `square` is everything.")
    seed: int = Field(0, ge=0, le=2**32, description="Decides all that is left to chance.")
    weather: Literal["clear", "fair", "default", "rain", "bad", "storm"] = Field(
        "default", description="How badly the detector sees."
    )
    fps: float = Field(10.0, ge=1, le=60, description="Pictures per second of the camera.")
    duration: float | None = Field(
        None, gt=0, le=86400, description="Seconds; as long as the scenario takes if left out."
    )
    size: tuple[int, int] = Field(
        (960, 540), description="Width and height of the picture, each 64 to 8192 pixels."
    )
    camera: Literal["usual", "any"] = Field(
        "usual", description="Where it hangs: as usual, or where the seed has it."
    )
    pace: Literal["fast", "real"] = Field(
        "fast", description="As fast as it can be analysed, or as fast as it happens."
    )
    paint: bool = Field(
        True, description="False leaves the pictures grey, which is faster: the boxes come without them."
    )

    def findings(self, context: BuildContext) -> Iterable[Finding]:  # noqa: ARG002 - nothing lies in a folder
        """A scenario that does not exist, a size that cannot be."""
        from beffroi.simulate import scenarios

        known = scenarios()
        if self.scenario not in known:
            yield (("scenario",), f"there is no scenario {self.scenario!r}; there are {', '.join(known)}")
        if min(self.size) < 64 or max(self.size) > 8192:
            yield (
                ("size",),
                f"{self.size[0]} x {self.size[1]}: pictures are 64 to 8192 pixels wide and high",
            )

    def build(self, context: BuildContext, fps: float | None) -> SimulatedSource:  # noqa: ARG002 - as above
        """Lay out the scenario; raises `SourceError` if it does not exist."""
        from beffroi.simulate import Square

        try:
            square = Square(
                self.scenario, seed=self.seed, weather=self.weather, fps=self.fps, duration=self.duration,
                size=self.size, camera=self.camera,
            )  # fmt: skip
        except InputError as error:
            raise SourceError(str(error)) from error
        return SimulatedSource(square, self, fps)


class SimulatedSource:
    """The square as a camera shows it. Times are those of the simulation, from 0 ms."""

    def __init__(self, square: Square, config: SimulatedConfig, fps: float | None) -> None:
        self.size = square.size
        self._square = square
        self._config = config
        self._selection = Selection(fps, square.fps)
        self._stop = threading.Event()
        self._iteration = self._frames()

    def frames(self) -> Iterator[Frame]:
        """The pictures to be analysed, once."""
        return self._iteration

    def close(self) -> None:
        """End the iteration with its next picture; harmless when repeated."""
        self._stop.set()

    def _frames(self) -> Generator[Frame, None, None]:
        width, height = self.size
        grey = np.full((height, width, 3), 128, np.uint8)
        origin = time.monotonic()
        for at_ms in self._square.times():
            if not self._selection.wants(at_ms):
                continue
            if self._config.pace == "real":
                self._stop.wait(max(0.0, origin + at_ms / 1000 - time.monotonic()))
            if self._stop.is_set():
                return
            moment = self._square.look(at_ms)
            yield Frame(at_ms, moment.image() if self._config.paint else grey, moment.detections)
