"""What a sweep tries: a setting of a rule, and its values with their units."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TypeAlias

from beffroi.errors import BeffroiError

STEPS = 12
"""Values between two ends where nobody says how many: enough to see a bend, few enough to read."""

MOST = 100

Value: TypeAlias = str | int | float

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(.*?)\s*")
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)(?![a-z/])")
# A quantity goes on to `..` or to a `/` before a number: `m/s` holds a slash of its own.
_QUANTITY = r"(?:[^/.]|\.(?=\d)|/(?=\s*[a-z]))*"
_RANGE = re.compile(rf"({_QUANTITY})\.\.({_QUANTITY})(?:/({_QUANTITY}))?")


@dataclass(frozen=True, slots=True)
class Trial:
    """One value: as a site file has it, and as a number on an axis (durations in seconds)."""

    value: Value
    number: float


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting to sweep: of one `rule`, or of all that have it if that is None; `unit` is the axis's."""

    rule: str | None
    key: str
    trials: tuple[Trial, ...]
    unit: str

    @classmethod
    def parse(cls, text: str) -> Setting:
        """Read ``after=10s..120s``, ``after=10s..2min/10s``, ``gate.after=10s,60s``, ``within=1 m..3 m``.

        Raises
        ------
        BeffroiError
            With what is wrong and what would be right.
        """
        name, equals, values = text.partition("=")
        rule, _, key = name.strip().rpartition(".")
        if not equals or not re.fullmatch(r"\w+", key):
            raise _wrong(text, "expected SETTING=VALUES or RULE.SETTING=VALUES")
        tokens = _tokens(text, values)
        units = {unit for _, unit in tokens}
        return cls(rule or None, key, tuple(_trial(*token) for token in tokens), _axis(text, units))


def _tokens(text: str, values: str) -> list[tuple[float, str]]:
    """Numbers with their units; durations in seconds."""
    if ".." not in values:
        found = [_quantity(text, part) for part in values.split(",")]
        return list(dict.fromkeys(found))
    parts = _RANGE.fullmatch(values)
    if parts is None:
        raise _wrong(text, "expected FIRST..LAST or FIRST..LAST/STEP")
    first, last, every = parts.groups()
    (low, unit), (high, other) = _quantity(text, first), _quantity(text, last)
    if unit != other:
        raise _wrong(text, f"both ends need the same unit, not {unit or 'none'!r} and {other or 'none'!r}")
    if not low < high:
        raise _wrong(text, "the first end must be below the second")
    whole = not unit and low.is_integer() and high.is_integer()
    if every is not None:
        step, third = _quantity(text, every)
        if third != unit or step <= 0:
            raise _wrong(text, f"the step must be above 0, and have the unit {unit or 'none'!r} of the ends")
        count = math.floor((high - low) / step + 1e-9) + 1
    else:
        count = min(STEPS, round(high - low) + 1) if whole else STEPS
        step = (high - low) / (count - 1)
    if count > MOST:
        raise _wrong(text, f"these are {count} values; {MOST} are the limit")
    numbers = [low + i * step for i in range(count)]
    if whole and every is None:
        numbers = [float(round(number)) for number in numbers]
    return [(float(f"{number:.4g}"), unit) for number in numbers]


def _quantity(text: str, part: str) -> tuple[float, str]:
    durations = _PART.findall(part)
    if durations and not _PART.sub("", part).strip():
        return sum(float(number) * _SECONDS[unit] for number, unit in durations), "s"
    found = _NUMBER.fullmatch(part)
    if found is None:
        raise _wrong(text, f"{part.strip()!r} is no number with a unit")
    return float(found[1]), " ".join(found[2].split())


def _trial(number: float, unit: str) -> Trial:
    if unit:
        return Trial(f"{number:g}{unit}" if unit == "s" else f"{number:g} {unit}", number)
    return Trial(int(number) if number.is_integer() else number, number)


def _axis(text: str, units: set[str]) -> str:
    if len(units) != 1:
        raise _wrong(text, "all values need the same unit")
    (unit,) = units
    return unit


def _wrong(text: str, message: str) -> BeffroiError:
    return BeffroiError(f"--sweep {text}: {message}, such as after=10s..120s, gate.after=10s,20s,60s")
