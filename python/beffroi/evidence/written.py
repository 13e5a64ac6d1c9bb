"""Writes one clip: what is shown, and the original where it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from beffroi.evidence.coded import Stretch
from beffroi.evidence.disk import ORIGINALS
from beffroi.evidence.draft import whole
from beffroi.evidence.remux import remux
from beffroi.evidence.rendition import Rendered, render
from beffroi.evidence.ring import Ring
from beffroi.evidence.sightings import Hidden, Points, Sighting, Sightings


@dataclass(frozen=True, slots=True)
class Written:
    """A clip that is there: the file to show, the original if it is kept, and what it shows."""

    shown: Path
    original: Path | None
    rendered: Rendered | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A wish for a clip; `until_s` is when it is cut even if its end has not come."""

    ring: Ring
    path: Path
    from_ms: int
    to_ms: int
    at_ms: int
    seen: Sightings
    masks: tuple[Points, ...]
    original: bool
    slack_ms: int
    until_s: float


@dataclass(frozen=True, slots=True)
class Cut:
    """What a clip is made of; `size` in bytes."""

    wanted: Wanted
    stretches: list[Stretch]
    sightings: list[Sighting]
    size: int


def shown_path(path: Path, *, blur: bool) -> Path:
    """What the clip asked for as `path` (``ID.mp4``) is called for those who look at it."""
    return path.with_name(f"{path.stem}.blurred{path.suffix}") if blur else path


def write(cut: Cut, *, blur: bool, originals: bool, between: Callable[[], None]) -> Written:
    """Write the files of a clip; each is there whole or not at all.

    Parameters
    ----------
    cut
        What the clip is made of.
    blur, originals
        See `beffroi.evidence.clip.Clips`.
    between
        Called after each picture of a rendition; what it raises ends it.

    Raises
    ------
    StoreError
        If nothing can be decoded.
    OSError
        If a file cannot be written.
    """
    wanted, path = cut.wanted, cut.wanted.path
    masked = bool(wanted.masks) or any(sighting.masks for sighting in cut.sightings)
    path.parent.mkdir(parents=True, exist_ok=True)
    part, notes = _part(cut)
    original = None
    if originals and wanted.original and not masked:
        original = path.parent / ORIGINALS / path.name
        original.parent.mkdir(mode=0o700, exist_ok=True)
        original.parent.chmod(0o700)
        with whole(original, mode=0o600) as file:
            remux(file, part)
    shown = shown_path(path, blur=blur)
    if not blur and not masked:
        with whole(shown) as file:
            remux(file, part)
        return Written(shown, original, None, notes)
    span = wanted.from_ms, wanted.to_ms
    hidden = Hidden(cut.sightings, wanted.slack_ms)
    with whole(shown) as file:
        rendered = render(file, cut.stretches, span, hidden, wanted.masks, blurred=blur, between=between)
    return Written(shown, original, rendered, notes)


def _part(cut: Cut) -> tuple[Stretch, tuple[str, ...]]:
    """The stretch in which the alert started, and what the clip lacks."""
    wanted, stretches = cut.wanted, cut.stretches
    begun = [each for each in stretches if each.pictures[0].at_ms <= wanted.at_ms]
    part = begun[-1] if begun else stretches[0]
    notes = []
    if len(stretches) > 1:
        notes.append("the camera's stream changed within the clip; its original is the part with the alert")
    late_ms = stretches[0].pictures[0].at_ms - wanted.from_ms
    if late_ms > 0:
        notes.append(f"begins {late_ms / 1000:.1f} s late: no key picture before is kept")
    early_ms = wanted.to_ms - max(picture.at_ms for picture in stretches[-1].pictures)
    if early_ms > 0:
        notes.append(f"ends {early_ms / 1000:.1f} s early: no more came")
    return part, tuple(notes)
