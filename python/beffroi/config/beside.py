"""Detectors that look beside the object detector: those that a view names, and those that its rules need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import ValidationError

from beffroi._core import catalogue
from beffroi.components import BuildContext, DetectorConfig
from beffroi.config.view import View
from beffroi.errors import BeffroiError, MissingDependency


class MissingDetectorError(BeffroiError):
    """A rule needs a detector that cannot be made up; ``path`` is the place in the view, ``rules[i].key``."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path, self.message = path, message


@cache
def needs() -> dict[str, tuple[str, ...]]:
    """Types of the detectors that each kind of rule needs."""
    return {entry["kind"]: tuple(entry["needs"]) for entry in catalogue()}


def beside(view: View, first: DetectorConfig) -> tuple[DetectorConfig, ...]:
    """The settings of all detectors that look beside `first`, in order.

    A rule that reads a signal gets a detector on the zone of the signal's name, if none is named for it.

    Raises
    ------
    MissingDetectorError
        If a rule needs one that cannot be made up.
    """
    there = list(view.also)
    if first.gives_all():
        return tuple(there)
    for index, rule in enumerate(view.rules):
        if rule.get("enabled") is False:
            continue
        for kind in needs().get(str(rule.get("type")), ()):
            signal = rule.get("signal")
            if not any(_serves(each, kind, signal) for each in there):
                there.append(_made_up(view, index, kind, signal))
    return tuple(there)


def joined_labels(labels: Sequence[str], more: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Every label once: those of the first detector keep their class ids."""
    return tuple(dict.fromkeys([*labels, *(label for some in more for label in some)]))


def context_beside(context: BuildContext, view: View, labels: Sequence[str]) -> BuildContext:
    """What a detector is built with that looks beside others with these labels."""
    return replace(context, labels=tuple(labels), zones=view.zones)


def labels_beside(
    view: View, first: DetectorConfig, labels: Sequence[str] | None, context: BuildContext
) -> tuple[str, ...] | None:
    """What class ids will mean, as far as that is known without loading anything; None if not.

    Raises
    ------
    MissingDetectorError
        As `beside`.
    """
    more = [each.known_labels(context_beside(context, view, labels or ())) for each in beside(view, first)]
    if labels is None:
        return None
    return joined_labels(labels, [known for known in more if known is not None])


def _serves(config: DetectorConfig, kind: str, signal: object) -> bool:
    """Whether it is what a rule needs: the one that gives the signal that the rule reads, or of that kind."""
    name = getattr(config, "name", None)
    return name == signal if signal is not None and name is not None else config.type == kind


def _made_up(view: View, index: int, kind: str, signal: object) -> DetectorConfig:
    if signal is None:
        return _parse({"type": kind}, f"rules[{index}].type")
    place = f"rules[{index}].signal"
    if signal not in view.zones:
        raise MissingDetectorError(
            place,
            f"nothing tells the state of `{signal}`: draw a zone of that name around it, or name its "
            f"detector: "
            f"also: [{{ type: {kind}, name: {signal}, zone: ... }}]",
        )
    return _parse({"type": kind, "name": signal, "zone": signal}, place)


def _parse(settings: Mapping[str, Any], place: str) -> DetectorConfig:
    try:
        return DetectorConfig.parse(settings)
    except MissingDependency as error:
        raise MissingDetectorError(place, str(error)) from error
    except ValidationError as error:
        raise MissingDetectorError(place, "; ".join(_told(settings, error))) from error


def _told(settings: Mapping[str, Any], error: ValidationError) -> Iterator[str]:
    shown = ", ".join(f"{key}: {value}" for key, value in settings.items())
    for part in error.errors():
        where = ".".join(map(str, part["loc"]))
        yield f"the rule needs a detector `also: [{{ {shown}, ... }}]`: {where}: {part['msg']}"
