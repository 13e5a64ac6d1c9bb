"""What happens in recordings, as a person wrote it down: the truth file.

```toml
[[clip]]
file = "garden-gate.mp4"    # beside the truth file; or title, source and detect as in a site file
zones.lawn = [[0.29, 0.47], [0.64, 0.38], [0.85, 0.62], [0.52, 0.94]]
case = [
  { name = "on the lawn", rule = { type = "intrusion", zone = "lawn" }, alerts = [[6.8, 9.0]] },
]
```

A case wants one of: ``alerts``, windows ``[opens, closes]`` in seconds with exactly one alert in each and
none outside; ``at_least`` so many alerts and none before ``earliest``; ``count``, a total within
``tolerance``.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from beffroi.errors import BeffroiError

Point = tuple[float, float]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class TruthError(BeffroiError):
    """A truth file that cannot be used; the text names the file and the key."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Case(_Part):
    """One rule on one clip, and what it must say.

    `rule` is a rule as in a site file without its name; which keys it takes is for the engine to judge.
    """

    name: str = Field(min_length=1)
    rule: dict[str, Any]
    alerts: tuple[tuple[Seconds, Seconds], ...] | None = None
    at_least: int | None = Field(default=None, ge=0)
    earliest: Seconds = 0.0
    count: int | None = Field(default=None, ge=0)
    tolerance: int = Field(default=0, ge=0)

    @property
    def kind(self) -> str:
        """The rule's ``type``."""
        return str(self.rule["type"])

    @model_validator(mode="after")
    def _wants_one_thing(self) -> Self:
        wanted = [name for name in ("alerts", "at_least", "count") if getattr(self, name) is not None]
        if len(wanted) != 1:
            found = " and ".join(wanted) or "none of them"
            raise ValueError(f"a case wants exactly one of alerts, at_least and count, here {found}")
        for opens, closes in self.alerts or ():
            if closes < opens:
                raise ValueError(f"a window of alerts closes before it opens: [{opens}, {closes}]")
        if not isinstance(self.rule.get("type"), str):
            raise ValueError("rule.type is missing: the kind of the rule, such as 'intrusion'")
        given = self.model_fields_set
        if "tolerance" in given and self.count is None:
            raise ValueError("tolerance goes with count")
        if "earliest" in given and self.at_least is None:
            raise ValueError("earliest goes with at_least")
        return self


class Clip(_Part):
    """A recording (or another source) and the cases watched on it; coordinates relative to the picture.

    Without `detect`, boxes are found by the detector that the evaluation is run with.
    """

    file: str | None = Field(default=None, min_length=1)
    source: dict[str, Any] | None = None
    detect: dict[str, Any] | None = None
    title: str | None = Field(default=None, min_length=1)
    note: str = ""
    licence: str = ""
    ground: dict[str, Any] | None = None
    zones: dict[str, tuple[Point, ...]] = {}
    lines: dict[str, tuple[Point, ...]] = {}
    routes: dict[str, tuple[Point, ...]] = {}
    masks: dict[str, tuple[Point, ...]] = {}
    case: tuple[Case, ...] = ()

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.title or self.file or "?"

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if (self.file is None) == (self.source is None):
            raise ValueError("a clip wants either file or source")
        if self.source is not None and self.title is None:
            raise ValueError("a clip with a source wants a title")
        names = [case.name for case in self.case]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two cases have the same name: {', '.join(twice)}")
        return self


class _File(_Part):
    clip: tuple[Clip, ...] = Field(min_length=1)


def load(path: Path) -> tuple[Clip, ...]:
    """Read a truth file.

    Raises
    ------
    TruthError
        With the file and the key of every mistake.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TruthError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TruthError(f"{path}: is no TOML: {error}") from error
    try:
        clips = _File.model_validate(data).clip
    except ValidationError as error:
        raise TruthError("\n".join(f"{path}: {_place(part, data)}" for part in error.errors())) from None
    names = [clip.name for clip in clips]
    for name in names:
        if names.count(name) > 1:
            raise TruthError(f"{path}: clip {name!r} is described twice")
    return clips


def select(clips: tuple[Clip, ...], wanted: list[str] | None, path: Path) -> tuple[Clip, ...]:
    """The clips whose name holds one of `wanted`, whatever the case of its letters; all of them for None.

    Raises
    ------
    TruthError
        If one of `wanted` fits no clip.
    """
    if not wanted:
        return clips
    for part in wanted:
        if not any(part.casefold() in clip.name.casefold() for clip in clips):
            known = ", ".join(clip.name for clip in clips)
            raise TruthError(f"{path}: no clip is called {part!r}; there are {known}")
    return tuple(clip for clip in clips if any(part.casefold() in clip.name.casefold() for part in wanted))


def _place(part: Any, data: dict[str, Any]) -> str:
    """``clip[2] (plaza.mp4).case[0].alerts: message``"""
    place = ""
    for step in part["loc"]:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else str(step)
        if place.count("[") == 1 and isinstance(step, int):
            clip = data["clip"][step]
            name = clip.get("file") or clip.get("title") if isinstance(clip, dict) else None
            place += f" ({name})" if name else ""
    return f"{place}: {part['msg'].removeprefix('Value error, ')}"
