"""Lets the core judge the drawing and the rules of one view, and finds its answers in the file.

The core stops at its first mistake. To name them all, what it refuses is reported and taken out (a rule) or
replaced by something harmless (a shape), and the rest is judged again.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from beffroi._core import catalogue, check
from beffroi.config.document import Document, Location
from beffroi.config.shape import unknown_key
from beffroi.errors import ConfigError, Problem

# The picture's shape is known when the camera is opened; rules are judged as if it were the usual one.
ASPECT = 16 / 9

# Of these the core says why a kind of rule does not take them.
_EXPLAINED = {"zone", "line", "route", "after", "gap"}

_STAND_INS: dict[str, Any] = {
    "zones": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]],
    "lines": [[0.1, 0.5], [0.9, 0.5]],
    "routes": [[0.5, 0.1], [0.5, 0.9]],
    "ground": {
        "image": [[0.1, 0.9], [0.9, 0.9], [0.7, 0.3], [0.3, 0.3]],
        "metres": [[0, 0], [12, 0], [12, 30], [0, 30]],
    },
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule as the core understands it."""

    camera: str
    view: str
    name: str
    type: str
    definition: Mapping[str, str]
    definition_hash: str


@dataclass
class Judgement:
    """What the core says of one view."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)


@cache
def kinds() -> dict[str, Mapping[str, Any]]:
    """The JSON Schema of each kind of rule."""
    return {entry["kind"]: entry["schema"] for entry in catalogue()}


def judge(
    document: Document, location: Location, scene: dict[str, Any], *, zones: str = "zones"
) -> Judgement:
    """Judge a scene whose view stands at `location`, and whose zones stand there under the name `zones`."""
    judgement = Judgement()
    # Which rule of the file each rule of the scene is.
    originals = list(range(len(scene.get("rules", ()))))
    refused: set[str] = set()
    judgement.problems += _without_unknown_keys(document, location, scene)
    while True:
        try:
            judgement.rules = check(json.dumps(scene, ensure_ascii=False))
        except ConfigError as error:
            there = located(error.path, scene)
            if not any(f"`{name}`" in error.message for name in refused):
                told = _original(there, originals, zones)
                judgement.problems.append(document.problem(location + told, error.message))
            if not _mend(scene, there, originals, refused):
                return judgement
        else:
            break
    for index, rule in zip(originals, judgement.rules, strict=True):
        place = (*location, "rules", index)
        judgement.warnings += [document.problem(place, text) for text in rule["warnings"]]
    return judgement


def located(path: str, value: Any) -> Location:
    """The core's ``zones.lawn[3]`` as a location in the value that it judged.

    Names may hold dots and brackets themselves, so the longest key that fits is taken.
    """
    location: Location = ()
    rest = path
    while rest := rest.removeprefix("."):
        index = re.match(r"\[(\d+)\]", rest)
        part: str | int
        if index and not isinstance(value, Mapping):
            part, rest = int(index[1]), rest[index.end() :]
            value = value[part] if isinstance(value, list) and part < len(value) else None
        else:
            part = _key(rest, value if isinstance(value, Mapping) else ())
            rest = rest[len(part) :]
            value = value.get(part) if isinstance(value, Mapping) else None
        location = (*location, part)
    return location


def _key(rest: str, keys: Iterable[str]) -> str:
    fitting = [key for key in keys if re.match(re.escape(key) + r"(?=[.\[]|$)", rest)]
    plain = re.match(r"[^.\[]+|.+", rest)
    return max(fitting, key=len) if fitting else plain[0] if plain else rest


def _without_unknown_keys(document: Document, location: Location, scene: dict[str, Any]) -> Iterator[Problem]:
    """Take unknown keys out of the rules. The core would name one and stop; the catalogue knows them all."""
    for index, rule in enumerate(scene.get("rules", ())):
        schema = kinds().get(str(rule.get("type")))
        if schema is None:
            continue
        known = set(schema["properties"])
        for key in [key for key in rule if key not in known | _EXPLAINED]:
            del rule[key]
            yield document.problem((*location, "rules", index, key), unknown_key(key, known), key=True)


def _original(there: Location, originals: list[int], zones: str) -> Location:
    """Where the file says what the core found at a place of its scene."""
    match there:
        case ("zones", *rest):
            return (zones, *rest)
        case ("rules", int(index), *rest) if index < len(originals):
            return ("rules", originals[index], *rest)
    return there


def _mend(scene: dict[str, Any], there: Location, originals: list[int], refused: set[str]) -> bool:
    """Make a refused scene one that may pass; False if there is nothing to be done."""
    match there:
        case ("rules", int(index), *_) if index < len(originals):
            del originals[index]
            refused.add(str(scene["rules"].pop(index).get("name")))
            return True
        case ("zones" | "lines" | "routes" as family, str(name), *_) if name in scene.get(family, ()):
            return _replace(scene[family], name, _STAND_INS[family])
        case ("ground", *_) if "ground" in scene:
            return _replace(scene, "ground", _STAND_INS["ground"])
    return False


def _replace(mapping: dict[str, Any], key: str, value: Any) -> bool:
    changed: bool = mapping[key] != value
    mapping[key] = value
    return changed
