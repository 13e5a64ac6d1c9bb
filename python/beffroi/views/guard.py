"""The view guard: is this still the view that the rules were drawn on, and how did it just move?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beffroi.views.learning import Learning, Renewal
from beffroi.views.look import CONTRAST, Eye, Grey, Look, flattened
from beffroi.views.reference import LEAST_POINTS, Affine, Fit, Reference, displacement, relative
from beffroi.views.whereabouts import Whereabouts

KNOWN = 0.2
"""Agreement from which a picture shows the view. Of unrelated pictures, 19 in 20 stay below 0.1; a view
nine tenths hidden does too. Higher loses crowded views, lower takes another place for this one."""
SURE = 0.35
"""Agreement from which a small motion is believed enough to tell the tracker."""
VOUCHED = 0.25
"""Agreement with the latest look from which that vouches for the place: half of what a crowd leaves of a view
in two seconds. That it also stands still makes up for so little."""
FLOOR = 0.003
"""Least motion between two pictures that the tracker is told, as a share of the width: three times what a
fixed camera's pictures measure. The tracker itself feels what is smaller."""
SAME = 0.95
"""A picture that agrees with the last pose this well, against its usual, lies where the last one did."""
ANEW_MS = 1000
"""Longest time without a full registration: what creeps more slowly than a pixel is found by then."""
RECENT_MS = 2000
"""How old the latest look that others are registered to may become; see `Guard`."""
DENY_MS = 2 * RECENT_MS
"""How old the latest look may be to deny, where the camera turns, what hardly fits a reference: a turn is
told by then, and a crowd that came must not be denied for ever."""
SWITCH_MS = 10_000
"""Time that a camera needs to go over to its night mode and find its exposure. A camera turned away in these
seconds is found only once its colours come back."""
STILL = 0.01
"""Farthest that the view may lie from the latest look for it to vouch for the place. A bus that fills the
picture also registers to itself: only standing still is believed."""
LIKE_LIGHT = 0.5
"""References whose mean grey differs by more than this, as a natural logarithm, show another time of day."""


@dataclass(frozen=True, slots=True)
class Place:
    """What the guard says about one picture.

    Attributes
    ----------
    moved
        The view is not the view, and has not been for long enough.
    since_ms
        Since when, while `moved`.
    share
        How far it lies from home, as a share of the picture's width; None if it cannot be registered.
    agreement
        Share of the view's structure that the picture shows, 0..1.
    motion
        ``a, b, tx, c, d, ty`` from the previous picture to this one on relative coordinates; None if there is
        none, or nobody is sure.
    telling
        Whether the picture says anything of where it lies: not while the view is still being learnt, in a
        light in which nobody has seen it yet, or where only what followed an assumption vouches for it.
    assumed
        It shows hardly anything known, and is taken for the view by its place in time alone.
    """

    moved: bool
    since_ms: int
    share: float | None
    agreement: float
    motion: tuple[float, float, float, float, float, float] | None = None
    telling: bool = True
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """A look at the view from its settings or an earlier run; `mono` as in `Look`."""

    grey: Grey
    mono: bool


class Guard:
    """Watches one view. Deterministic; times are media time.

    Every picture is registered to a reference of the view. Where none of them fits (a lamp went on, a crowd
    came), the latest look at the view vouches for the place as long as it stands still, so that slow changes
    of light and season never look like a moved camera, and a cut or a turn always does.

    Parameters
    ----------
    eye
        What reduces the pictures.
    tolerance
        Farthest displacement that is still the view, as a share of the picture's width.
    after, settle
        Seconds for which it must be elsewhere to have moved, and back to be back. Longer than the swing of a
        mast, whose middle is judged.
    learn
        Seconds for which a view without references must stand still to be known.
    references
        Looks at the view, from its settings or from an earlier run; without any, the view is learnt.
    turns
        The camera is a dome: a picture that hardly fits may be the first of a turn, and must also lie where
        the latest look lay.
    """

    def __init__(
        self,
        eye: Eye,
        *,
        tolerance: float,
        after: float,
        settle: float,
        learn: float,
        references: Sequence[Kept] = (),
        turns: bool = False,
    ) -> None:
        self._eye, self._turns = eye, turns
        self._tolerance = tolerance
        self._whereabouts = Whereabouts(self._displaced, tolerance, round(after * 1000), round(settle * 1000))
        self._learning = Learning(eye, learn, tolerance / 2)
        self._renewal = Renewal(eye)
        self.references = [Reference(kept.grey, eye.kept, mono=kept.mono) for kept in references]
        self.established = bool(references)
        """Whether the view is known; until then it is being learnt."""
        self.renewed = False
        """Whether `references` changed since somebody last set this to False."""
        self._recent: tuple[int, Reference] | None = None
        self._current: Reference | None = None
        self._usual = 0.0
        self._anew_ms: int | None = None
        self._shaking_ms = 0
        self._last: tuple[int, Fit] | None = None
        self._known_before = False
        self._switched_ms: int | None = None
        self._telling, self._assumed = True, False
        self._descends = False
        """Whether the latest look at the view was once taken for it, and shown by no reference since."""

    def pause(self) -> None:
        """The camera sees nothing, or time was lost: what was seen before says nothing about what comes."""
        self._whereabouts.forget()
        self._last = None
        self._learning.reset()
        self._renewal.reset()

    def leave(self) -> None:
        """The camera is turned elsewhere: when it is back, nothing seen lately vouches for the place.

        What the view looks like stays known, and the light in which it was seen is not what it is now.
        """
        self.pause()
        self._whereabouts.reset()
        self._recent = self._switched_ms = self._anew_ms = None
        self._known_before = self._descends = False
        if not self.established:
            # What was begun may have been a picture of the way here.
            self.references, self._current = [], None
            self._learning.begin(None)

    def seen(self, look: Look) -> tuple[float, float] | None:
        """How well a picture shows the view, whatever was seen before, and how far it lies from home.

        Agreement (0..1) and distance (share of the width) of the best fit to a reference or to the latest
        look; None if it fits to none, or the view is not known yet. Nothing is remembered.
        """
        if not self.established:
            return None
        flat = flattened(look.grey)
        fits = [one.register(look, flat) for one in self.references if one.usable]
        best = max((fit for fit in fits if fit is not None), key=lambda fit: fit.agreement, default=None)
        if best is None or best.agreement < KNOWN:
            current = self._current
            best = self._vouched(look, flat)
            self._current = current
        return None if best is None else (best.agreement, self._displaced(best.pose))

    def judge(self, look: Look, *, told: bool = False) -> Place:
        """Judge one picture of a camera that sees; pictures in order.

        `told`: something else knows that the camera stands in its place, and has stood there for long enough.
        A light in which nobody has seen the view yet is then learnt like any other.
        """
        self._telling, self._assumed = self.established, False
        flat = None
        fit = self._unmoved(look)
        if fit is None:
            flat = flattened(look.grey)
            fit = self._registered(look, flat)
            self._anew_ms = look.at_ms
        if not self.established:
            fit = self._learn(look, flat, fit)
        if fit is None:
            says = self._says_something(look)
            if told and not says and self.established and self._structured(look):
                self._recent = (look.at_ms, self._latest(look, np.eye(3)))
            elif says:
                self._whereabouts.note(look.at_ms, None)
            self._telling = self._telling and says
            self._last = None
            return self._place(None)
        if self._turns and fit.agreement < SURE and self._denied(look):
            self._assumed, self._last = True, None
            return self._place(fit)
        self._known_before = True
        self._descends = self._descends and not any(self._current is one for one in self.references)
        self._telling = self._telling and not self._descends
        self._whereabouts.note(look.at_ms, fit.pose)
        motion = self._motion(fit)
        if motion is not None:
            # What shakes is measured in every picture: one too small to be seen alone would be told late.
            self._shaking_ms = look.at_ms + ANEW_MS
        self._last = (look.at_ms, fit)
        self._remember(look, fit)
        return self._place(fit, motion)

    def shown(self, look: Look) -> float:
        """Share of the view's structure that a picture shows where it was last seen or at home, 0..1.

        Of the reference that shows the most; 0 without any. Nothing is remembered.
        """
        references = self.references + ([] if self._recent is None else [self._recent[1]])
        poses = [np.eye(3)] + ([] if self._recent is None else [self._recent[1].pose])
        shares = [one.agreement(look, pose) for one in references if one.usable for pose in poses]
        return max(shares, default=0.0)

    def _unmoved(self, look: Look) -> Fit | None:
        """The last fit again, if the picture still agrees with it: cheaper than a registration."""
        if self._last is None or self._current is None or self._anew_ms is None:
            return None
        if look.at_ms - self._anew_ms >= ANEW_MS or look.at_ms < self._shaking_ms:
            return None
        _, last = self._last
        agreement = self._current.agreement(look, last.pose)
        if agreement < max(KNOWN, SAME * self._usual):
            return None
        return Fit(last.pose, agreement, last.support)

    def _registered(self, look: Look, flat: np.ndarray) -> Fit | None:
        """The best fit to any reference; None if it shows something else."""
        near = None if self._last is None else self._last[1].pose
        best: Fit | None = None
        for reference in self._by_light(look):
            for start in (None,) if near is None else (near, None):
                fit = reference.register(look, flat, start)
                if fit is not None and (best is None or fit.agreement > best.agreement):
                    best, self._current = fit, reference
                if best is not None and best.agreement >= SURE:
                    break
            if best is not None and best.agreement >= SURE:
                break
        if best is None or best.agreement < KNOWN:
            best = self._vouched(look, flat) or self._switched(look)
        if best is not None:
            self._usual = best.agreement
        return best

    def _vouched(self, look: Look, flat: np.ndarray) -> Fit | None:
        """A fit to the latest look at the view, if nothing moved since then."""
        if self._recent is None:
            return None
        _, recent = self._recent
        fit = recent.register(look, flat)
        if fit is None or fit.agreement < VOUCHED:
            return None
        if self._displaced(fit.pose @ np.linalg.inv(recent.pose)) > STILL:
            return None
        self._current = recent
        return fit

    def _denied(self, look: Look) -> bool:
        """Whether the latest look, if it is one of these seconds, lies elsewhere than a picture."""
        if self._recent is None or look.at_ms - self._recent[0] > DENY_MS:
            return False
        current = self._current
        vouched = self._vouched(look, flattened(look.grey))
        self._current = current
        return vouched is None

    def _switched(self, look: Look) -> Fit | None:
        """Where the latest look lay, if the camera has just gone into its night mode or out of it.

        Infrared lamps show other edges than the sun, so that nothing fits: and a camera that is turned away
        does not lose its colours at the same moment.
        """
        if self._recent is None:
            return None
        _, recent = self._recent
        if recent.mono != look.mono and look.at_ms - self._recent[0] <= SWITCH_MS:
            self._switched_ms = look.at_ms
        if self._switched_ms is None or look.at_ms - self._switched_ms > SWITCH_MS:
            return None
        self._recent = (look.at_ms, self._latest(look, recent.pose))
        self._current = self._recent[1]
        self._assumed = self._descends = True
        return Fit(recent.pose, 1.0, 1.0)

    def _latest(self, look: Look, pose: Affine) -> Reference:
        return Reference(look.grey, self._eye.kept, pose, mono=look.mono)

    def _by_light(self, look: Look) -> list[Reference]:
        """The reference that was last used, then those of the most similar light."""
        usable = [reference for reference in self.references if reference.usable]
        light = float(look.mean[self._eye.kept].mean()) if self._eye.blocks else 0.0
        current = self._current
        return sorted(usable, key=lambda reference: (reference is not current, abs(reference.light - light)))

    def _says_something(self, look: Look) -> bool:
        """Whether a picture that fits nowhere is evidence: it has structure, and so has what it should show.

        A view that was only ever seen by day, met again by night after a restart, proves nothing.
        """
        if not self._structured(look) or not any(reference.usable for reference in self.references):
            return False
        if self._known_before:
            return True
        light = float(look.mean[self._eye.kept].mean())
        return any(
            reference.mono == look.mono
            and abs(float(np.log((reference.light + 1) / (light + 1)))) < LIKE_LIGHT
            for reference in self.references
        )

    def _structured(self, look: Look) -> bool:
        return int(np.count_nonzero(look.spread[self._eye.kept] > CONTRAST)) >= LEAST_POINTS

    def _learn(self, look: Look, flat: np.ndarray | None, fit: Fit | None) -> Fit | None:
        """Get to know a view: it is what stood still for long enough."""
        if not self.references:
            first = Reference(look.grey, self._eye.kept, mono=look.mono)
            if not first.usable:
                return None
            self.references = [first]
            self._learning.begin(first)
            self._current, self._usual = first, 1.0
            fit = Fit(np.eye(3), 1.0, 1.0)
        known = self._learning.learn(look, flat, fit, self.references[0])
        if known is None:
            cleared = self._learning.cleared(self.references[0], look.at_ms)
            if cleared is not None:
                self.references, self._current = [cleared], cleared
            return fit
        self.references, self._current = [known], known
        self.established = self.renewed = True
        self._recent, self._last = None, None
        self._whereabouts.forget()
        return known.register(look, flattened(look.grey))

    def _remember(self, look: Look, fit: Fit) -> None:
        """Keep up with light and season while the view is in its place, and only then."""
        if self._recent is None or look.at_ms - self._recent[0] >= RECENT_MS:
            self._recent = (look.at_ms, self._latest(look, fit.pose))
        if self.established and not self._whereabouts.moved and self._displaced(fit.pose) <= self._tolerance:
            changed = self._renewal.renew(look, fit, self.references, self._current)
            if changed is not None:
                self.references, self._current = changed
                self.renewed = True

    def _motion(self, fit: Fit) -> tuple[float, float, float, float, float, float] | None:
        if self._last is None:
            return None
        _, last = self._last
        between = fit.pose @ np.linalg.inv(last.pose)
        if min(fit.agreement, last.agreement) < SURE or self._displaced(between) < FLOOR:
            return None
        return relative(between, self._eye.width, self._eye.height)

    def _place(
        self, fit: Fit | None, motion: tuple[float, float, float, float, float, float] | None = None
    ) -> Place:
        share = None if fit is None else self._displaced(fit.pose)
        agreement = 0.0 if fit is None else fit.agreement
        where = self._whereabouts
        return Place(where.moved, where.since_ms, share, agreement, motion, self._telling, self._assumed)

    def _displaced(self, pose: Affine) -> float:
        return displacement(pose, self._eye.width, self._eye.height)
