"""What a live camera looks at: its one view, or whichever of a dome's views is in sight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from beffroi.evidence.redact import apply_masks
from beffroi.runtime.health import looking
from beffroi.views.dome import Dome, dome
from beffroi.views.health import Verdict

if TYPE_CHECKING:
    from beffroi.components import BuildContext, Source
    from beffroi.config.site import Camera
    from beffroi.frame import Frame
    from beffroi.runtime.health import Looking
    from beffroi.views.incident import Incident
    from beffroi.views.presets import Where


class Gaze:
    """Says which view a picture shows. Used by one thread at a time.

    Parameters
    ----------
    camera
        Its settings.
    size
        Width and height of its pictures.
    source
        Asked whether its clock began anew.
    context
        Its name, and where references lie.
    where
        What its dome says; None for a fixed camera.

    Raises
    ------
    SourceError
        If a view's reference picture cannot be used.
    """

    def __init__(
        self,
        camera: Camera,
        size: tuple[int, int],
        source: Source,
        context: BuildContext,
        where: Callable[[], Where] | None,
    ) -> None:
        # The runtime tells of silence itself, while it lasts.
        quiet = camera.health.signal_lost.model_copy(update={"enabled": False})
        camera = camera.model_copy(update={"health": camera.health.model_copy(update={"signal_lost": quiet})})
        self._source, self._restarts = source, _restarts(source)
        self._masks = {name: list(view.masks.values()) for name, view in camera.views.items()}
        self._only = next(iter(camera.views))
        self._dome: Dome | None = None
        self._fixed: Looking | None = None
        presets = any(view.preset is not None for view in camera.views.values())
        if where is not None or presets or len(camera.views) > 1:
            self._dome = dome(camera, size, context, where)
        else:
            self._fixed = looking(camera, self._only, size, source, context)

    @property
    def state(self) -> str:
        """What the dome does, for people; empty for a fixed camera."""
        if self._dome is None:
            return ""
        said = self._dome.said.detail
        return f"{self._dome.route.state}{f', {said}' if said else ''}"

    def look(self, frame: Frame, late_s: float) -> tuple[str | None, Verdict]:
        """The view that is to be judged, None for none, and the verdict on the picture; see `Dome.look`."""
        if self._dome is None:
            if self._fixed is None:
                return self._only, Verdict()
            verdict = self._fixed.look(self.masked(self._only, frame))
            return (self._only if verdict.suspended is None else None), verdict
        restarts = _restarts(self._source)
        restarted, self._restarts = restarts > self._restarts, restarts
        return self._dome.look(frame, late_s=late_s, restarted=restarted)

    def masked(self, view: str, frame: Frame) -> Frame:
        """The picture with the view's masks black."""
        image = apply_masks(frame.image, self._masks[view])
        return frame if image is frame.image else replace(frame, image=image)

    def end(self, outcome: str) -> list[Incident]:
        """Every incident of the camera ends, as its run does."""
        if self._dome is not None:
            return self._dome.end(outcome)
        return [] if self._fixed is None else self._fixed.end(outcome)


def _restarts(source: Source) -> int:
    return int(getattr(getattr(source, "counts", None), "restarts", 0))
