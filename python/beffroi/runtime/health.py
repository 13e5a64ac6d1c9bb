"""Camera health while a camera runs: from pictures to verdicts, and from what is learnt to a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from beffroi.errors import SourceError
from beffroi.views.health import CameraHealth, Verdict, watching
from beffroi.views.look import Eye
from beffroi.views.shelf import Shelf, given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beffroi.components import BuildContext, Source
    from beffroi.config.site import Camera
    from beffroi.frame import Frame
    from beffroi.views.incident import Incident

NOTHING = Verdict()


class Looking:
    """Looks at each picture of one camera before anything is looked for in it.

    Parameters
    ----------
    health
        What judges; it is this camera's alone.
    source
        Asked whether its clock began anew.
    shelf
        Where references are kept; None keeps none.
    """

    def __init__(self, health: CameraHealth, source: Source, shelf: Shelf | None) -> None:
        self._health, self._source, self._shelf = health, source, shelf
        self._restarts = 0
        self._simulated = False

    def look(self, frame: Frame) -> Verdict:
        """The verdict on a picture, masks already black."""
        # A simulation has no lens: its pictures may be still, plain grey, or not painted at all.
        self._simulated = self._simulated or frame.detections is not None
        if self._simulated:
            return NOTHING
        restarts = self._source_restarts()
        restarted, self._restarts = restarts > self._restarts, restarts
        verdict = self._health.judge(frame.at_ms, frame.image, restarted=restarted)
        self._keep()
        return verdict

    def end(self, outcome: str) -> list[Incident]:
        """Everything ends, as the run does."""
        if self._simulated:
            return []
        return self._health.lost(outcome) if outcome == "signal_lost" else self._health.finish(outcome)

    def _source_restarts(self) -> int:
        """Sources that read a stream count how often its clock began anew (see `beffroi.video.Counts`)."""
        return int(getattr(getattr(self._source, "counts", None), "restarts", 0))

    def _keep(self) -> None:
        guard = self._health.guard
        if guard is not None and guard.renewed:
            guard.renewed = False
            if self._shelf is not None:
                self._shelf.save(guard.references)


def looking(
    camera: Camera, view: str, size: tuple[int, int], source: Source, context: BuildContext
) -> Looking | None:
    """What watches the health of a camera that shows `view` in pictures of `size`; None if none is wanted.

    Raises
    ------
    SourceError
        If the view's reference picture cannot be used.
    """
    if not camera.health.enabled:
        return None
    settings = camera.views[view]
    eye = Eye(size, list(settings.masks.values()))
    shelf = None if context.state is None else shelf_of(context.state, view)
    references = [] if shelf is None else shelf.load(eye)
    if settings.reference is not None:
        try:
            first = given(context.path(settings.reference), eye, size)
        except SourceError as error:
            raise SourceError(f"cameras.{context.camera}.views.{view}.reference: {error}") from error
        # What was kept begins with what the settings named then.
        references = [first, *references[1:]]
    names: Sequence[str] = [str(rule.get("name")) for rule in settings.rules]
    health = watching(camera.health, f"{context.camera}/{view}", eye, rules=names, references=references)
    return Looking(health, source, shelf)


def shelf_of(state: Path, view: str) -> Shelf:
    """Where references of a view are kept, below the folder of what a camera learnt."""
    return Shelf(state / "views" / view)
