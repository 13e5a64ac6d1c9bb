"""How it is known which of its views a camera shows: a fixed camera has one, a dome is asked or looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from beffroi.components import Finding
from beffroi.config.view import View

ASK = "`ptz: { type: onvif, host: ... }`"


@dataclass(frozen=True, slots=True)
class Sights:
    """What decides which view is in sight.

    Attributes
    ----------
    views
        The views by name, those that can be read.
    asked
        The camera has a `ptz`.
    live
        Its source shows what is now.
    guarded
        The view guard is on.
    known
        Whether a view was learnt in an earlier run.
    """

    views: Mapping[str, View]
    asked: bool
    live: bool
    guarded: bool
    known: Callable[[str], bool]

    def problems(self) -> Iterator[Finding]:
        """Mistakes, with their place below the camera."""
        if self.asked and not self.live:
            yield ("ptz",), "a recording has no dome that could be asked: leave `ptz` and `preset` out"
        elif self.asked and not any(view.preset for view in self.views.values()):
            message = 'no view names its `preset`: write `preset: "1"` into the view, or leave `ptz` out'
            yield ("ptz",), message
        elif not self.asked:
            yield from self._without_asking()
        yield from self._named_twice()
        for name in self._undecided():
            yield ("views", name), self._fix()

    def warnings(self) -> Iterator[Finding]:
        """What works, and may not be what is wanted."""
        if not self.asked and len(self.views) > 1 and self.guarded:
            yield (
                ("views",),
                f"only the picture tells which of the {len(self.views)} views is in sight: in a light that "
                f"no reference shows, none is judged; {ASK} and a `preset` for each view would always tell",
            )
        if self.asked and not self.guarded:
            yield (
                ("ptz",),
                "`health.view_moved` is off: only the dome tells which view is in sight, up to two seconds "
                "late",
            )

    def _without_asking(self) -> Iterator[Finding]:
        for name, view in self.views.items():
            if view.preset is None:
                continue
            if self.live:
                message = f"nothing tells at which preset the camera stands: add {ASK} to the camera"
                hint = "or leave `preset` out" if len(self.views) == 1 else f"or {_REFERENCE} instead"
                yield ("views", name, "preset"), f"{message}, {hint}"
            else:
                message = "a recording has no dome that could be asked: leave `preset` out"
                hint = "" if len(self.views) == 1 else f", and {_REFERENCE}"
                yield ("views", name, "preset"), message + hint

    def _named_twice(self) -> Iterator[Finding]:
        shown: dict[str, str] = {}
        for name, view in self.views.items():
            if view.preset is None:
                continue
            if view.preset in shown:
                first = shown[view.preset]
                message = (
                    f"preset {view.preset} shows the view `{first}` already: each view has one of its own"
                )
                yield ("views", name, "preset"), message
            shown.setdefault(view.preset, name)

    def _undecided(self) -> Iterator[str]:
        """Views, one of several, of which nothing tells when they are in sight."""
        if len(self.views) < 2:
            return
        for name, view in self.views.items():
            if view.preset is not None:
                # Told by the dome, or wrong for another reason.
                continue
            by_picture = self.guarded and (view.reference is not None or (self.live and self.known(name)))
            if self.asked or not by_picture:
                yield name

    def _fix(self) -> str:
        if self.asked:
            return 'is one of several views of a dome: name the preset that shows it, such as `preset: "2"`'
        what = "nothing tells when this one of several views is in sight"
        if not self.guarded:
            return f"{what}, for `health.view_moved` is off: switch it on, and {_REFERENCE}"
        ask = f", or add {ASK} to the camera and a `preset` to each view" if self.live else ""
        return f"{what}: {_REFERENCE}{ask}"


_REFERENCE = "give the view a `reference` picture"
