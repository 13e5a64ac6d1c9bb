"""A camera that looks at several views: whose engine gets a picture, and what is wrong with the camera.

What belongs to the picture itself (dark, glaring, frozen, late) is judged once, for the camera. What can only
be judged against a view (out of its place, covered, less sharp than usual) is judged for the view in sight.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from beffroi.config.health import Health
from beffroi.errors import SourceError
from beffroi.evidence.redact import apply_masks
from beffroi.views.guard import Guard
from beffroi.views.health import CameraHealth, Verdict, watching
from beffroi.views.incident import KINDS, Incident, Origin
from beffroi.views.look import Eye
from beffroi.views.presets import Where
from beffroi.views.routing import LATE_MS, Opinion, Route, Router, Word
from beffroi.views.shelf import Shelf, given

if TYPE_CHECKING:
    from beffroi.components import BuildContext
    from beffroi.config.site import Camera
    from beffroi.frame import Frame

LOST = "view_lost"
OF_A_VIEW = ("view_moved", "covered", "blurred")
"""What can only be judged against what a view usually shows; the rest belongs to the camera."""
NOBODY = Where(None, False, 0.0, "none", "nothing is asked")
NOTHING = Opinion(Word.SILENT)


@dataclass(frozen=True, slots=True)
class Sight:
    """One view of a dome: what watches it, what hides parts of it, where its references are kept."""

    health: CameraHealth
    eye: Eye
    tolerance: float
    shelf: Shelf | None = None


class Dome:
    """Looks at each picture of a camera with several views, or a preset, before anything is looked for.

    Used by one thread at a time. Deterministic: the same pictures and words give the same verdicts.

    Parameters
    ----------
    views
        The views by name.
    presets
        The preset of each view, None for one without.
    camera
        What judges the camera itself; None if nothing does.
    where
        What the dome says now; `NOBODY` for ever where there is none to ask.
    settle, doubt
        See `Router`, in seconds.
    """

    def __init__(
        self,
        views: Mapping[str, Sight],
        presets: Mapping[str, str | None],
        camera: CameraHealth | None,
        where: Callable[[], Where],
        *,
        settle: float,
        doubt: float,
    ) -> None:
        self._views, self._camera, self._where = dict(views), camera, where
        self._router = Router(presets, round(settle * 1000), round(doubt * 1000))
        self._watched: list[str] = []
        self._verdicts: dict[str, Verdict] = {}
        self._before: str | None = None
        self.route = Route(None, None, "away")
        """Where the latest picture went, for people and metrics."""
        self.said = NOBODY
        """What the dome said of it."""

    @property
    def view(self) -> str | None:
        """The view whose incidents may be active, also while a picture or two are in doubt."""
        return self._router.view

    def look(
        self, frame: Frame, *, late_s: float = 0.0, restarted: bool = False
    ) -> tuple[str | None, Verdict]:
        """Say whose engine gets a picture.

        Parameters
        ----------
        frame
            The picture as it came. Each view's masks are applied here to what its guard sees; they must be
            applied to what anybody else sees.
        late_s
            How old the picture is by now, for a live camera.
        restarted
            As in `CameraHealth.judge`.

        Returns
        -------
        The view and the verdict. Without a view and with `Verdict.suspended`, what is active in the view that
        was in sight ends with that reason; without either, this picture is not judged and nothing ends. With
        a view and `Verdict.interrupted`, what was active at the picture before ends first, in whatever view.
        """
        # A simulation has no lens, and may not even paint: there is nothing to be seen.
        painted = frame.detections is None
        self.said = where = self._where()
        own = Verdict()
        if self._camera is not None and painted:
            own = self._camera.judge(frame.at_ms, frame.image, restarted=restarted)
        incidents, interrupted = list(own.incidents), own.interrupted
        if own.suspended is not None:
            self.route = Route(None, self._router.lose(), "away")
            self._before = None
            incidents += self._leave(self._watched, own.suspended)
            return None, Verdict(tuple(incidents), own.suspended, interrupted)
        if interrupted is not None:
            for name in self._watched:
                self._views[name].health.pause()
        late_ms = round(late_s * 1000)
        self._verdicts = {}
        ask = partial(self._opinion, frame, where, late_ms) if painted else lambda _view: NOTHING
        self.route = route = self._router.route(frame.at_ms, where, ask, late_ms)
        back = route.left is not None and route.left == route.view
        gone = [name for name in self._watched if back or name != self._router.aim]
        incidents += [one for verdict in self._verdicts.values() for one in verdict.incidents]
        incidents += self._leave(gone, LOST)
        self._keep()
        before, self._before = self._before, None
        if route.view is None:
            reason = None if route.state == "doubt" else self._why()
            return None, Verdict(tuple(incidents), reason, interrupted)
        seen = self._verdicts.get(route.view, Verdict())
        if seen.suspended is not None:
            return None, Verdict(tuple(incidents), seen.suspended, interrupted)
        self._before = route.view
        if route.left is not None:
            interrupted = interrupted or LOST
        # The engine did not see the picture before this one if it was not its own.
        motion = seen.motion if before == route.view and interrupted is None else None
        return route.view, Verdict(tuple(incidents), None, interrupted, motion)

    def guard(self, view: str) -> Guard | None:
        """What watches a view; None if nothing does."""
        return self._views[view].health.guard

    def end(self, outcome: str) -> list[Incident]:
        """Everything ends, as the run does."""
        incidents = [one for name in self._watched for one in self._views[name].health.finish(outcome)]
        if self._camera is not None:
            lost = outcome == "signal_lost"
            incidents += self._camera.lost(outcome) if lost else self._camera.finish(outcome)
        return incidents

    def _opinion(self, frame: Frame, where: Where, late_ms: int, name: str) -> Opinion:
        """What the guard of a view says of a picture."""
        sight = self._views[name]
        guard = sight.health.guard
        image = apply_masks(frame.image, sight.eye.masks)
        if not where.told:
            # To look is not to watch: until a picture shows the view, its health knows nothing of it.
            found = None if guard is None else guard.seen(sight.eye.look(frame.at_ms, image))
            if found is None or found[1] > sight.tolerance:
                return Opinion(Word.OTHER)
            if name == self._router.view:
                self._watch(name, frame.at_ms, image, told=False)
                return _heard(sight)
            return Opinion(Word.FITS, found[0])
        told = where.since_s * 1000 - late_ms >= LATE_MS
        if guard is not None and not guard.established and not told:
            # The first pictures may still be of the way here: what is learnt begins later.
            return NOTHING
        self._watch(name, frame.at_ms, image, told=told)
        return _heard(sight)

    def _watch(self, name: str, at_ms: int, image: NDArray[np.uint8], *, told: bool) -> None:
        if name not in self._watched:
            self._watched.append(name)
        self._verdicts[name] = self._views[name].health.judge(at_ms, image, told=told)

    def _why(self) -> str:
        """Why nothing is judged: what the view in the dome's aim says, or that it is not in sight."""
        seen = self._verdicts.get(self._router.aim or "", Verdict())
        return seen.suspended or LOST

    def _leave(self, names: Sequence[str], reason: str) -> list[Incident]:
        left = [name for name in self._watched if name in names]
        self._watched = [name for name in self._watched if name not in left]
        return [one for name in left for one in self._views[name].health.leave(reason)]

    def _keep(self) -> None:
        for sight in self._views.values():
            guard = sight.health.guard
            if guard is not None and guard.renewed:
                guard.renewed = False
                if sight.shelf is not None:
                    sight.shelf.save(guard.references)


def _heard(sight: Sight) -> Opinion:
    """What a view's guard has just said, as the router takes it."""
    place, guard = sight.health.place, sight.health.guard
    if place is None or guard is None:
        return NOTHING
    if place.moved:
        return Opinion(Word.MOVED, place.agreement)
    if place.share is None:
        # What does not show what is being learnt is not what is being learnt.
        return Opinion(Word.OTHER) if place.telling or not guard.established else NOTHING
    if place.share > sight.tolerance or place.assumed:
        # Colours go as the lamps go on; they may also go as the camera turns to a grey wall.
        return Opinion(Word.OTHER, place.agreement)
    return Opinion(Word.FITS, place.agreement) if place.telling else NOTHING


def dome(
    camera: Camera, size: tuple[int, int], context: BuildContext, where: Callable[[], Where] | None
) -> Dome:
    """What routes the pictures of a camera that has several views, or whose view names a preset.

    Parameters
    ----------
    camera
        Its settings.
    size
        Width and height of its pictures: made anew when they change.
    context
        Its name, and where references lie.
    where
        `beffroi.components.Ptz.where` of its dome; None where the picture alone decides.

    Raises
    ------
    SourceError
        If a view's reference picture cannot be used.
    """
    health, place = camera.health, f"cameras.{context.camera}.views"
    # A dome that turns away may say so late: that is no view that moved.
    after = max(health.view_moved.after, 1.5 * LATE_MS / 1000)
    patient = health.view_moved.model_copy(update={"after": after})
    judged = health.model_copy(update={"view_moved": patient})
    sights = {}
    for name, view in camera.views.items():
        eye = Eye(size, list(view.masks.values()))
        shelf = None if context.state is None else Shelf(context.state / "views" / name)
        references = [] if shelf is None else shelf.load(eye)
        if view.reference is not None:
            try:
                first = given(context.path(view.reference), eye, size)
            except SourceError as error:
                raise SourceError(f"{place}.{name}.reference: {error}") from error
            # What was kept begins with what the settings named then.
            references = [first, *references[1:]]
        rules = [str(rule.get("name")) for rule in view.rules]
        own = watching(
            _only(judged, OF_A_VIEW),
            f"{context.camera}/{name}",
            eye,
            rules=rules,
            references=references,
            turns=True,
        )
        sights[name] = Sight(own, eye, health.view_moved.tolerance, shelf)
    rules = [str(rule.get("name")) for view in camera.views.values() for rule in view.rules]
    of_camera = None
    if health.enabled:
        rest = tuple(kind for kind in KINDS if kind not in OF_A_VIEW)
        # Told in the name of the first view, as everything of the camera itself is, whatever is in sight.
        origin = Origin.of(f"{context.camera}/{next(iter(camera.views))}", health, rules)
        # The whole picture: where masks lie is known only once the view is. Nothing of it leaves memory.
        of_camera = CameraHealth(_only(health, rest), origin, Eye(size), None)
    presets = {name: view.preset if where is not None else None for name, view in camera.views.items()}
    settle = health.view_moved.settle if camera.ptz is None else camera.ptz.settle
    # Lamps that go on are doubted for as long as the dome's word may be late, and end nothing.
    doubt = max(health.view_moved.after, LATE_MS / 1000)
    return Dome(sights, presets, of_camera, where or (lambda: NOBODY), settle=settle, doubt=doubt)


def _only(health: Health, kinds: Collection[str]) -> Health:
    """The same settings with only these kinds watched."""
    off = {
        kind: getattr(health, kind).model_copy(update={"enabled": False})
        for kind in KINDS
        if kind not in kinds or not health.enabled
    }
    return health.model_copy(update=off)
