"""Those who look on while a camera runs: the film and the recording of detections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from beffroi._core import Engine, Step
    from beffroi.frame import Detections, Frame
    from beffroi.recording import RecordingWriter
    from beffroi.render import Renderer
    from beffroi.runtime.compose import Wishes
    from beffroi.store import RunFacts


class Watcher(Protocol):
    """Someone who looks on."""

    def watch(self, frame: Frame, found: Detections, step: Step, motion: Sequence[float] | None, /) -> None:
        """See one analysed picture, masks already zeroed, and the `motion` that the engine was told."""

    def pause(self, at_ms: int, reason: str, /) -> None:
        """The engine was told that nothing is judged from `at_ms` on, until the next picture to watch."""

    def note(self, alert: Mapping[str, Any], /) -> None:
        """An incident of the camera itself started or ended."""

    def close(self) -> None:
        """Finish what was written."""

    def discard(self) -> None:
        """Nothing was watched: leave nothing behind."""


@dataclass(frozen=True, slots=True)
class Filming:
    """Draws each picture with what the engine knows about it."""

    renderer: Renderer
    engine: Engine

    def watch(self, frame: Frame, found: Detections, step: Step, _motion: Sequence[float] | None, /) -> None:
        """As `Watcher.watch`."""
        self.renderer.write(
            frame.at_ms,
            frame.image,
            step,
            detections=found,
            timers=self.engine.timers(),
            counts=self.engine.stats()["lines"],
        )

    def pause(self, _at_ms: int, _reason: str, /) -> None:
        """A film shows what was judged."""

    def note(self, _alert: Mapping[str, Any], /) -> None:
        """Nor does it show the camera's own incidents."""

    def close(self) -> None:
        """Finish the film."""
        self.renderer.close()

    def discard(self) -> None:
        """Leave no film behind."""
        self.renderer.discard()


@dataclass(frozen=True, slots=True)
class Recording:
    """Keeps each picture's boxes, not the picture."""

    writer: RecordingWriter

    def watch(self, frame: Frame, found: Detections, _step: Step, motion: Sequence[float] | None, /) -> None:
        """As `Watcher.watch`."""
        self.writer.write(frame.at_ms, found, motion)

    def pause(self, at_ms: int, reason: str, /) -> None:
        """As `Watcher.pause`."""
        self.writer.pause(at_ms, reason)

    def note(self, alert: Mapping[str, Any], /) -> None:
        """As `Watcher.note`."""
        self.writer.note(alert)

    def close(self) -> None:
        """Finish the recording."""
        self.writer.close()

    def discard(self) -> None:
        """Leave no recording behind."""
        self.writer.abandon()


@dataclass(frozen=True, slots=True)
class Sight:
    """What those who look on may know of the view."""

    facts: RunFacts
    labels: Sequence[str]
    engine: Engine
    scene: Mapping[str, Any]
    size: tuple[int, int]
    fps: float
    source: str
    dated: bool = False


def watchers(wishes: Wishes, sight: Sight) -> Iterator[Watcher]:
    """Those who were asked for, one by one, so that what was opened can be closed if the next fails.

    Raises
    ------
    RecordingError
        If a file cannot be written.
    """
    facts = sight.facts
    if wishes.record is not None:
        from beffroi.recording import Header, RecordingWriter

        header = Header(
            labels=tuple(sight.labels),
            camera=facts.camera,
            view=facts.view,
            width=sight.size[0],
            height=sight.size[1],
            fps=sight.fps,
            model=facts.model,
            dated=sight.dated,
            source=sight.source,
        )
        yield Recording(RecordingWriter(wishes.record, header))
    if wishes.render is not None:
        from beffroi.render import Renderer

        renderer = Renderer(
            wishes.render,
            sight.size,
            sight.fps,
            sight.labels,
            scene=sight.scene,
            title=f"{facts.camera} {facts.view}",
            evaluation=facts.evaluation,
            blur=wishes.blur,
        )
        yield Filming(renderer, sight.engine)
