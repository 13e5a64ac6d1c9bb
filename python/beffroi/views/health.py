"""Camera health: whether what a camera gives can be judged at all. Always on, no rule needed.

While a camera is blind or shows another view, nothing is judged: no alert is invented, and none is missed in
silence, because the incident says so and the minutes count as not analysed. A blurred picture is told of and
judged on: the detector's own doubt is the better judge of what it still sees.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from beffroi.config.health import Check, Health
from beffroi.views.guard import KNOWN, Guard, Kept, Place
from beffroi.views.incident import KINDS, Change, Incident, Origin
from beffroi.views.look import Eye, Look
from beffroi.views.sight import Cover, Exposure, Finding, Sharpness, Stillness

REASONS: Mapping[str, str] = {kind: kind for kind in KINDS if kind != "blurred"} | {"view_moved": "view_lost"}
"""Why what was active ends when a kind of incident suspends judgement."""
INTERVALS = 9
"""Intervals between pictures of which the median is the usual one."""
GAP_RATE = 3
"""Usual intervals without a picture before it can be called missing."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one picture says.

    Attributes
    ----------
    incidents
        What started and what ended, in order.
    suspended
        The reason to end what is active, and not to judge this picture; None: judge it.
    interrupted
        The reason to end what was active at the picture before; None: it goes on.
    motion
        For `beffroi.Engine.step`; None where nothing moved or nobody knows.
    """

    incidents: tuple[Incident, ...] = ()
    suspended: str | None = None
    interrupted: str | None = None
    motion: tuple[float, float, float, float, float, float] | None = None


class CameraHealth:
    """Judges every analysed picture of one view, before anything is looked for in it.

    Parameters
    ----------
    health
        The settings.
    origin
        See `Origin.of`.
    eye
        What reduces the pictures.
    guard
        See `Guard`; None to watch no view.
    """

    def __init__(self, health: Health, origin: Origin, eye: Eye, guard: Guard | None) -> None:
        self._health, self._origin, self._eye = health, origin, eye
        self.guard = guard
        self.place: Place | None = None
        """What the guard said of the latest picture; None where it was not asked."""
        self._exposure, self._cover = Exposure(eye, health), Cover(eye, health)
        self._sharpness, self._stillness = Sharpness(eye, health), Stillness()
        self._intervals: deque[int] = deque(maxlen=INTERVALS)
        self._last_ms: int | None = None
        self._pending: dict[str, int] = {}
        self._clearing: dict[str, int] = {}
        self._active: dict[str, tuple[int, Finding]] = {}

    @property
    def active(self) -> tuple[str, ...]:
        """Kinds of incidents that last, the gravest first."""
        return tuple(kind for kind in KINDS if kind in self._active)

    def judge(
        self, at_ms: int, image: NDArray[np.uint8], *, restarted: bool = False, told: bool = False
    ) -> Verdict:
        """Judge the next picture.

        Parameters
        ----------
        at_ms
            Its media time, later than that of the picture before.
        image
            uint8, shape (height, width, 3), BGR, masks already black.
        restarted
            The source says that its clock began anew since the picture before; media time went on.
        told
            See `Guard.judge`.
        """
        changes: list[Incident] = []
        interrupted = self._time(at_ms, changes, restarted=restarted)
        look = self._eye.look(at_ms, image)
        findings = self._exposure.judge(look)
        findings["covered"] = self._covered(look)
        findings["frozen"] = self._stillness.judge(look)
        if findings["too_dark"].holds or findings["too_bright"].holds:
            # What cannot be seen is not gone.
            findings["covered"] = Finding(None)
        for kind, finding in findings.items():
            self._hold(kind, finding, at_ms, changes)
        # A picture that does not show enough is no evidence of what it shows: also before it is told of.
        blind = any(findings[kind].holds and self._of(kind).enabled for kind in findings if kind != "frozen")
        blind = blind or any(kind in self._active for kind in findings)
        place: Place | None = None
        if self.guard is not None:
            if blind:
                self.guard.pause()
            else:
                place = self.guard.judge(look, told=told)
                self._moved(place, at_ms, changes)
        if self._health.blurred.enabled:
            if blind or "view_moved" in self._active:
                self._sharpness.pause()
                sharp = Finding(None)
            else:
                sharp = self._sharpness.judge(look, learn="blurred" not in self._active)
            self._hold("blurred", sharp, at_ms, changes)
        self._last_ms, self.place = at_ms, place
        suspended = next((REASONS[kind] for kind in self.active if kind in REASONS and _blinds(kind)), None)
        motion = place.motion if place is not None and suspended is None else None
        return Verdict(tuple(changes), suspended, interrupted, motion)

    def lost(self, reason: str) -> list[Incident]:
        """The stream broke for good: tell it, and end everything else with `reason`."""
        at_ms = 0 if self._last_ms is None else self._last_ms
        changes: list[Incident] = []
        if self._health.signal_lost.enabled:
            finding = Finding(True, {}, {})
            self._active["signal_lost"] = (at_ms, finding)
            changes.append(self._change("signal_lost", "started", at_ms, at_ms, finding))
        return changes + self.finish(reason)

    def pause(self) -> None:
        """Time was lost: what was seen before says nothing about what comes."""
        self._pending.clear()
        self._clearing.clear()
        self._stillness.reset()
        self._sharpness.pause()
        if self.guard is not None:
            self.guard.pause()

    def leave(self, reason: str) -> list[Incident]:
        """The camera is turned elsewhere: end what is active with `reason`.

        What the view looks like and how sharp it is stays known; how much structure it showed by what light
        does not.
        """
        changes = self.finish(reason)
        self.pause()
        self._intervals.clear()
        self._cover = Cover(self._eye, self._health)
        self._last_ms = self.place = None
        if self.guard is not None:
            self.guard.leave()
        return changes

    def finish(self, reason: str) -> list[Incident]:
        """End what is active at the last picture."""
        at_ms = 0 if self._last_ms is None else self._last_ms
        changes = []
        for kind in self.active:
            since_ms, finding = self._active.pop(kind)
            changes.append(self._change(kind, "ended", at_ms, since_ms, finding, reason=reason))
        return changes

    def _time(self, at_ms: int, changes: list[Incident], *, restarted: bool) -> str | None:
        """Judge the time since the picture before; returns the reason to end what was active then."""
        last_ms = self._last_ms
        if last_ms is None:
            return None
        jumped = self._active.get("clock_jump")
        if jumped is not None and at_ms - jumped[0] >= self._health.clock_jump.clear_after * 1000:
            self._end("clock_jump", at_ms, changes)
        passed = at_ms - last_ms
        usual = median(self._intervals) if self._intervals else passed
        self._intervals.append(passed)
        lost, jump = self._health.signal_lost, self._health.clock_jump
        least_ms = max(lost.after * 1000, GAP_RATE * usual)
        leap = not restarted and passed > jump.after * 1000
        kind = None
        if jump.enabled and (restarted or leap):
            kind = "clock_jump"
            finding = Finding(
                True, {"jump_s": passed / 1000} if leap else {}, {"jump_s": jump.after} if leap else {}
            )
            if kind not in self._active:
                self._active[kind] = (last_ms, finding)
                changes.append(self._change(kind, "started", at_ms, last_ms, finding))
        elif lost.enabled and len(self._intervals) > 1 and passed > least_ms:
            kind = "signal_lost"
            finding = Finding(True, {"lost_s": passed / 1000}, {"lost_s": least_ms / 1000})
            told_ms = last_ms + round(least_ms)
            changes.append(self._change(kind, "started", told_ms, last_ms, finding))
            changes.append(self._change(kind, "ended", at_ms, last_ms, finding, reason="cleared"))
        if kind is None:
            return None
        self.pause()
        return REASONS[kind]

    def _covered(self, look: Look) -> Finding:
        """A lorry that leaves a plain place takes structure along: what always was there must be gone too."""
        finding = self._cover.judge(look)
        if not finding.holds or self.guard is None:
            return finding
        if self.guard.shown(look) <= 1 - self._health.covered.share:
            return finding
        self._cover.adapt(look)
        return Finding(False, finding.measured, finding.threshold)

    def _hold(self, kind: str, finding: Finding, at_ms: int, changes: list[Incident]) -> None:
        """What must hold for a while starts, what was clear for a while ends."""
        settings = self._of(kind)
        if not settings.enabled or finding.holds is None:
            return
        if kind in self._active:
            self._pending.pop(kind, None)
            if finding.holds:
                self._clearing.pop(kind, None)
                self._active[kind] = (self._active[kind][0], finding)
            elif at_ms - self._clearing.setdefault(kind, at_ms) >= settings.clear_after * 1000:
                self._end(kind, at_ms, changes)
        elif not finding.holds:
            self._pending.pop(kind, None)
        elif at_ms - self._pending.setdefault(kind, at_ms) >= settings.after * 1000:
            since_ms = self._pending.pop(kind)
            self._active[kind] = (since_ms, finding)
            changes.append(self._change(kind, "started", at_ms, since_ms, finding))

    def _moved(self, place: Place, at_ms: int, changes: list[Incident]) -> None:
        tolerance = self._health.view_moved.tolerance
        if place.share is None:
            finding = Finding(place.moved, {"agreement": place.agreement}, {"agreement": KNOWN})
        else:
            finding = Finding(place.moved, {"moved_share": place.share}, {"moved_share": tolerance})
        active = "view_moved" in self._active
        if place.moved and not active:
            self._active["view_moved"] = (place.since_ms, finding)
            changes.append(self._change("view_moved", "started", at_ms, place.since_ms, finding))
        elif active and not place.moved:
            self._end("view_moved", at_ms, changes)

    def _end(self, kind: str, at_ms: int, changes: list[Incident]) -> None:
        since_ms, finding = self._active.pop(kind)
        self._clearing.pop(kind, None)
        changes.append(self._change(kind, "ended", at_ms, since_ms, finding, reason="cleared"))

    def _change(
        self,
        kind: str,
        change: Change,
        at_ms: int,
        since_ms: int,
        finding: Finding,
        *,
        reason: str | None = None,
    ) -> Incident:
        measured, threshold = finding.measured, finding.threshold
        return Incident(self._origin, kind, change, at_ms, since_ms, measured, threshold, reason)

    def _of(self, kind: str) -> Check:
        settings: Check = getattr(self._health, kind)
        return settings


def _blinds(kind: str) -> bool:
    """Whether nothing can be judged while it lasts: once time has leapt, the pictures are good again."""
    return kind not in ("clock_jump", "signal_lost")


def watching(
    health: Health,
    view: str,
    eye: Eye,
    *,
    rules: Collection[str] = (),
    references: Sequence[Kept] = (),
    turns: bool = False,
) -> CameraHealth:
    """The health of one view, as the runtime watches it.

    Parameters
    ----------
    health
        The settings.
    view
        ``camera/view``.
    eye
        For the camera's pictures and the view's masks.
    rules
        Names that the view's own rules have.
    references, turns
        Looks at the view from its settings or an earlier run, and whether the camera is a dome: see `Guard`.
    """
    moved = health.view_moved
    guard = None
    if moved.enabled:
        guard = Guard(
            eye,
            tolerance=moved.tolerance,
            after=moved.after,
            settle=moved.settle,
            learn=moved.learn,
            references=references,
            turns=turns,
        )
    return CameraHealth(health, Origin.of(view, health, rules), eye, guard)
