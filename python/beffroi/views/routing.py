"""Which view of a dome is in sight, or none: two witnesses, and neither is believed alone for long.

The first witness is the dome, which says at which preset it stands (`Where`). The second is the picture: each
view's guard says what it shows (`Opinion`). The dome's word may be up to `LATE_MS` late or early, because it
is asked now and then and the picture took its own way; so a picture is judged only if it shows the view by
itself, or if nothing can be told from it and the dome has said the same for longer than it may be late.

The states, and what a picture does to them. "Told A" is a dome at rest at the preset of view A. The dome's
word comes first in every state; the picture is asked only where a row needs it::

    state        told A              the picture             next         judged  ends what is active
    -----------  ------------------  ----------------------  -----------  ------  -------------------
    any          no: it moves, or    not asked               AWAY         none    yes, at once
                 stands elsewhere
    any of B     yes                 not asked               ARRIVING A   none    yes, at once (*)
    AWAY         yes                 not asked               ARRIVING A   none    it has ended
    ARRIVING A   for < `settle`      not asked               ARRIVING A   none    it has ended
    ARRIVING A   for >= `settle`     FITS                    IN A         A
    ARRIVING A   for >= `LATE_MS`    SILENT, as long (+)     IN A         A
    ARRIVING A   otherwise           any                     ARRIVING A   none    it has ended
    IN A         yes                 FITS                    IN A         A
    IN A         for >= `LATE_MS`    SILENT, as long (+)     IN A         A
    IN A         yes                 OTHER, or SILENT (+)    DOUBT A      none    not yet
    DOUBT A      as IN A, and after `doubt_ms` of it         ARRIVING A   none    yes
    IN, DOUBT A  yes                 MOVED                   ARRIVING A   none    yes

    where nobody tells (no device, or it does not answer), "the best" is the view whose guard agrees most,
    by `SURE` at least, and clearly more than any other:

    AWAY         -                   A is the best           ARRIVING A   none    it has ended
    ARRIVING A   -                   A is the best, for      IN A         A
                                     `settle`, three times
    ARRIVING A   -                   another is the best,    ARRIVING it, none    it has ended
                                     or none                 or AWAY
    IN A         -                   FITS                    IN A         A
    IN A         -                   any other               DOUBT A      none    not yet
    DOUBT A      -                   another is the best     ARRIVING it  none    yes, at once
    DOUBT A      -                   none, for `doubt_ms`    AWAY         none    yes

    (*) A dome that has stood at A for longer than `settle` when the next picture comes goes on in the same
    step with the row of ARRIVING A: pictures may come every two seconds. A dome that left A and came back
    between two pictures ends what was active too: `Where.since_s` tells.

    (+) A picture from which nothing can be told is judged on the dome's word alone once that word has
    outlived it by `LATE_MS`: since the arrival, or since the last picture that said anything. A dome that
    turns away at dusk says so before that.

Deterministic: the same words and pictures give the same routes. Times are media time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from beffroi.views.presets import Where

LATE_MS = 2000
"""How late the dome's word may be: a poll of half a second, its answer, and the way of the picture, doubled.
Longer loses more of each stay whose picture tells nothing, shorter judges pictures of the way there."""
SURE = 0.35
"""Agreement from which a picture alone tells which view it shows. Of unrelated pictures, 19 in 20 stay below
0.1; where another view overlaps, what decides is that it lies elsewhere."""
AHEAD = 0.1
"""How much more the best view must agree than any other: two views of the same wall are told by nobody."""
LEAST = 3
"""Pictures in which the same view must be the best, however rarely they come: one may be a bus."""


class Word(Enum):
    """What a picture says of a view."""

    FITS = "it shows the view, in its place"
    OTHER = "it shows something else, or the view out of its place"
    MOVED = "it has shown something else for long enough"
    SILENT = "nothing can be told from it"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the guard of a view says of one picture; `agreement` as in `beffroi.views.guard.Place`."""

    word: Word
    agreement: float = 0.0


@dataclass(frozen=True, slots=True)
class Route:
    """Where a picture goes.

    Attributes
    ----------
    view
        Whose engine gets it; None: nobody's.
    left
        The view whose active incidents end before that, with the reason ``view_lost``; None: none ends. May
        be `view` itself: the dome was elsewhere between two pictures.
    state
        ``in``, ``doubt``, ``arriving`` or ``away``, for people.
    """

    view: str | None
    left: str | None
    state: str


Ask = Callable[[str], Opinion]


class Router:
    """Decides picture by picture; see the table above.

    Parameters
    ----------
    presets
        The preset of each view, None for a view without; in the order of the file.
    settle_ms
        How long a view must have been in sight before it is judged.
    doubt_ms
        How long pictures may show something else before the view counts as left: a lorry passes.
    """

    def __init__(self, presets: Mapping[str, str | None], settle_ms: int, doubt_ms: int) -> None:
        self._views = tuple(presets)
        self._of_preset = {preset: view for view, preset in presets.items() if preset is not None}
        self._settle_ms, self._doubt_ms = settle_ms, doubt_ms
        self._state = "away"
        self._view: str | None = None
        self._since_ms = 0
        self._best = 0
        self._spoke_ms: int | None = None
        self._last: tuple[int, Where] | None = None

    @property
    def view(self) -> str | None:
        """The view in sight: the one whose incidents may be active, also while in doubt."""
        return self._view if self._state in ("in", "doubt") else None

    @property
    def aim(self) -> str | None:
        """The view in sight, or the one that is expected to be."""
        return self._view

    def route(self, at_ms: int, where: Where, ask: Ask, late_ms: int = 0) -> Route:
        """Route the next picture.

        Parameters
        ----------
        at_ms
            Its media time.
        where
            What the dome says as it is looked at.
        ask
            Gives the opinion of a view's guard on this picture; called at most once for each view, and only
            for those whose opinion matters.
        late_ms
            How old the picture is by now: for so long the dome's word is younger than the picture.
        """
        before = self.view
        if where.told:
            view = None if where.moving or where.preset is None else self._of_preset.get(where.preset)
            left = self._follow(at_ms, where, view, ask, late_ms)
        else:
            left = self._look_around(at_ms, ask)
        self._last = (at_ms, where)
        ended = before if left or (before is not None and self.view != before) else None
        return Route(self._view if self._state == "in" else None, ended, self._state)

    def lose(self) -> str | None:
        """The camera sees nothing: start anew with the next picture. Returns the view that was in sight."""
        before = self.view
        self._go("away", None, 0)
        return before

    def _follow(self, at_ms: int, where: Where, view: str | None, ask: Ask, late_ms: int) -> bool:
        """The dome tells; returns whether the view in sight was left, even if it is back by now."""
        if view is None:
            self._go("away", None, at_ms)
            return True
        stood_ms = round(where.since_s * 1000) - late_ms
        left = self._view != view or self._state == "away" or self._came_back(at_ms, where)
        if left:
            self._go("arriving", view, at_ms)
        if self._state == "arriving" and stood_ms < self._settle_ms:
            return left
        word = ask(view).word
        if word is not Word.SILENT:
            self._spoke_ms = at_ms
        if word is Word.FITS or (word is Word.SILENT and self._taken_at_its_word(at_ms, stood_ms)):
            self._go("in", view, at_ms)
        elif word is Word.MOVED:
            self._go("arriving", view, at_ms)
        elif self._state == "in":
            self._go("doubt", view, at_ms)
        elif self._state == "doubt" and at_ms - self._since_ms >= self._doubt_ms:
            self._go("arriving", view, at_ms)
        return left

    def _taken_at_its_word(self, at_ms: int, stood_ms: int) -> bool:
        since_ms = stood_ms if self._spoke_ms is None else min(stood_ms, at_ms - self._spoke_ms)
        return since_ms >= LATE_MS

    def _came_back(self, at_ms: int, where: Where) -> bool:
        """Whether the dome was elsewhere since the last picture: it has stood here for less long."""
        if self._last is None or not self._last[1].told:
            return False
        last_ms, last = self._last
        return where.since_s * 1000 < at_ms - last_ms or where.since_s < last.since_s

    def _look_around(self, at_ms: int, ask: Ask) -> bool:
        """Nobody tells: the pictures alone."""
        own = None if self._view is None else ask(self._view)
        if self.view is not None and own is not None:
            if own.word is Word.FITS:
                self._go("in", self._view, at_ms)
                return False
            if self._state == "in":
                self._go("doubt", self._view, at_ms)
        best = self._most_agreeing(ask, own)
        if self._state == "doubt":
            if best is None and at_ms - self._since_ms < self._doubt_ms:
                return False
            self._go("away", None, at_ms)
        if best is None:
            self._go("away", None, at_ms)
        elif self._state != "arriving" or self._view != best:
            self._go("arriving", best, at_ms)
            self._best = 1
        else:
            self._best += 1
            if self._best >= LEAST and at_ms - self._since_ms >= self._settle_ms:
                self._go("in", best, at_ms)
        return False

    def _most_agreeing(self, ask: Ask, own: Opinion | None) -> str | None:
        opinions = [
            (view, own if own is not None and view == self._view else ask(view)) for view in self._views
        ]
        fitting = sorted(
            ((opinion.agreement, view) for view, opinion in opinions if opinion.word is Word.FITS),
            key=lambda pair: -pair[0],
        )
        if not fitting or fitting[0][0] < SURE:
            return None
        if len(fitting) > 1 and fitting[0][0] - fitting[1][0] < AHEAD:
            return None
        return fitting[0][1]

    def _go(self, state: str, view: str | None, at_ms: int) -> None:
        if view != self._view or state == "away":
            self._spoke_ms = None
        if (state, view) != (self._state, self._view):
            self._state, self._view, self._since_ms = state, view, at_ms
            self._best = 0
