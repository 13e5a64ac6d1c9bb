"""At which preset a dome stands, as far as its own words tell.

Two kinds of words come: events (a preset was invoked, reached, aborted, left) and, every half second, the
position with whether it moves. The later word counts. Neither is believed further than it goes: a preset that
was invoked is not yet in sight however still the dome is, and what was last heard is worth nothing once the
dome answers no more. Whether the picture agrees is for the view guard to say (see `beffroi.views.routing`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

EventKind: TypeAlias = Literal["invoked", "reached", "aborted", "left"]
Source: TypeAlias = Literal["event", "poll", "none"]

SAME = 1e-4
"""Presets nearer to each other than this have the same position. Many devices give none but zeros: then
positions tell no preset from another."""
STEP = 0.25
"""Of the tolerance: how far a dome at rest may seem to creep between two looks. Less makes moves of the
encoder's last digit, more overlooks a dome that turns slowly and says that it is idle."""
BEGIN_S = 1.0
"""How long after a preset was invoked a dome that still stands where it stood proves nothing: it takes so
long to begin."""
ARRIVE_S = 60.0
"""How long a dome that tells no position may be on its way before nobody knows where it is."""


@dataclass(frozen=True, slots=True)
class Where:
    """What is known of a dome.

    Attributes
    ----------
    preset
        Where it stands: the preset as the site file names it, or the token of one that no view names. None if
        it moves, stands nowhere that has a name, or nobody tells.
    moving
        Whether it is on its way.
    since_s
        For how many seconds that has been so.
    source
        Whose word was the last: an ``event``, a ``poll`` of the position, or ``none``: nobody tells.
    detail
        For people: what stands behind it. Never holds a credential.
    """

    preset: str | None
    moving: bool
    since_s: float
    source: Source
    detail: str = ""

    @property
    def told(self) -> bool:
        """Whether the dome itself says where it is, even if that is nowhere in particular."""
        return self.source != "none"


@dataclass(frozen=True, slots=True)
class Position:
    """Pan (-1..1, all the way round), tilt (-1..1) and zoom (0..1); None where the dome has or tells none."""

    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None

    def distance(self, other: Position) -> float | None:
        """The greatest of the three differences; pan the shorter way round. None if there is none to take."""
        pairs = (self.pan, other.pan), (self.tilt, other.tilt), (self.zoom, other.zoom)
        apart = [abs(a - b) if a is not None and b is not None else None for a, b in pairs]
        if apart[0] is not None:
            # A dome that turns on and on comes from 1 to -1 in no time.
            apart[0] = min(apart[0] % 2.0, 2.0 - apart[0] % 2.0)
        return max((each for each in apart if each is not None), default=None)


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset of a dome: `position` is None where the dome does not tell it."""

    token: str
    name: str = ""
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class _Told:
    preset: str | None
    moving: bool
    source: Source
    detail: str


class Bearings:
    """Takes what a dome says and knows where it is. No clock, no device: times are passed in.

    Parameters
    ----------
    wanted
        Presets that views name, each by token or name.
    tolerance
        See `Position.distance`.
    """

    def __init__(self, wanted: Sequence[str], tolerance: float) -> None:
        self._wanted, self._tolerance = tuple(wanted), tolerance
        self._presets: tuple[Preset, ...] = ()
        self._names: dict[str, str] = {}
        self._telling: list[Preset] = []
        self._told = _Told(None, False, "none", "the dome has not answered yet")
        self._since_s: float | None = None
        self._last: Position | None = None
        self._invoked_s: float | None = None
        self._event_s = -math.inf

    def presets(self, presets: Iterable[Preset]) -> list[str]:
        """Take the dome's own list of presets; returns what is wrong with those that are wanted."""
        self._presets = tuple(presets)
        tokens = {preset.token for preset in self._presets}
        names = {preset.name: preset.token for preset in reversed(self._presets) if preset.name}
        found = {wanted: wanted if wanted in tokens else names.get(wanted) for wanted in self._wanted}
        self._names = {token: wanted for wanted, token in found.items() if token is not None}
        known = [preset for preset in self._presets if preset.position is not None]
        self._telling = [one for one in known if not any(_same(one, other) for other in known)]
        there = ", ".join(f"{one.token} ({one.name})" if one.name else one.token for one in self._presets)
        complaints = [
            f"the dome has no preset {wanted}; it has: {there or 'none'}"
            for wanted, token in found.items()
            if token is None
        ]
        for token, shown in self._names.items():
            complaints += [
                f"the dome's preset {token} is {wanted} and {shown}: only {shown} will ever be in sight"
                for wanted, other in found.items()
                if other == token and wanted != shown
            ]
        return complaints

    def event(self, at_s: float, kind: EventKind, token: str | None, name: str | None = None) -> None:
        """Something happened to the preset of this token; of this name, where a device gives no token."""
        if token is None:
            token = next((preset.token for preset in self._presets if preset.name == name), name)
        shown = self._shown(token)
        self._invoked_s = at_s if kind == "invoked" else None
        self._event_s = at_s
        if kind == "invoked":
            self._take(at_s, _Told(None, True, "event", f"on its way to preset {shown}"))
        elif kind == "reached":
            # Where it was on the way says nothing about whether it still moves.
            self._last = None
            self._take(at_s, _Told(shown, False, "event", f"reached preset {shown}"))
        elif kind == "left":
            self._take(at_s, _Told(None, True, "event", f"left preset {shown}"))
        else:
            self._take(at_s, _Told(None, False, "event", f"stopped on its way to preset {shown}"))

    def status(self, at_s: float, position: Position | None, moving: bool | None) -> None:
        """The dome's answer to where it stands and whether it moves; None for what it does not tell.

        `at_s` is when it was asked: what an event said since then is younger, and stays.
        """
        if at_s < self._event_s:
            return
        crept = None if position is None or self._last is None else position.distance(self._last)
        self._last = position
        # A dome that says it is idle and changes its position moves all the same.
        if moving or (crept is not None and crept > STEP * self._tolerance):
            self._take(at_s, _Told(None, True, "poll", "moving"))
            return
        if self._invoked_s is not None and at_s - self._invoked_s < BEGIN_S:
            return
        if moving is None and crept is None:
            # One position without a word of moving may be a picture of a dome in full turn.
            self._silent_unless_event(at_s, "one position does not tell whether it moves")
            return
        comparable = [] if position is None else list(self._comparable(position))
        if not comparable:
            self._silent_unless_event(at_s, "the dome tells no position by which presets can be told apart")
            return
        self._invoked_s = None
        nearest, apart = min(comparable, key=lambda pair: pair[1])
        shown = self._shown(nearest.token)
        # Devices round: what differs by the last digit of a float does not lie further away.
        if apart <= self._tolerance + 1e-9:
            self._take(at_s, _Told(shown, False, "poll", f"at preset {shown}, {apart:.4f} from it"))
        else:
            detail = f"at no preset; the nearest is {shown}, {apart:.4f} from here"
            self._take(at_s, _Told(None, False, "poll", detail))

    def deaf(self, at_s: float) -> None:
        """Events come no more: what only they told may be over by now."""
        if self._told.source == "event":
            self._take(at_s, _Told(None, False, "none", "no events come any more"))

    def silent(self, at_s: float, why: str) -> None:
        """The dome does not answer: what it said before counts no more."""
        self._last = self._invoked_s = None
        self._take(at_s, _Told(None, False, "none", why))

    def where(self, at_s: float) -> Where:
        """What is known at a moment not before the last word."""
        told = self._told
        since_s = 0.0 if self._since_s is None else max(0.0, at_s - self._since_s)
        return Where(told.preset, told.moving, since_s, told.source, told.detail)

    def _silent_unless_event(self, at_s: float, why: str) -> None:
        """Positions say nothing: an event counts on, but not for a dome that never arrives."""
        told = self._told
        on_its_way_s = self.where(at_s).since_s if told.moving else 0.0
        if told.source == "event" and on_its_way_s <= ARRIVE_S:
            return
        self._take(at_s, _Told(None, False, "none", why))

    def _take(self, at_s: float, told: _Told) -> None:
        before = self._told
        nobody = told.source == "none"
        same = (told.preset, told.moving, nobody) == (before.preset, before.moving, before.source == "none")
        if not same:
            self._since_s = at_s
        self._told = told

    def _comparable(self, position: Position) -> Iterator[tuple[Preset, float]]:
        """Presets that can be told apart by position, with their distances."""
        for preset in self._telling:
            there = preset.position
            # Zoom alone is no place for something that also turns.
            if there is not None and (there.pan is None) == (position.pan is None):
                apart = there.distance(position)
                if apart is not None:
                    yield preset, apart

    def _shown(self, token: str | None) -> str:
        return "?" if token is None else self._names.get(token, token)


def _same(one: Preset, other: Preset) -> bool:
    if one is other or one.position is None or other.position is None:
        return False
    apart = one.position.distance(other.position)
    return apart is not None and apart < SAME
