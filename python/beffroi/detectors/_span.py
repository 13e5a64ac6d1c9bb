"""Lengths of time as site files write them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

_UNITS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}
_FORM = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|h)\s*")


def milliseconds(span: str) -> int:
    """``"2s"`` is 2000.

    Raises
    ------
    ValueError
        If it is no length of time.
    """
    found = _FORM.fullmatch(span)
    if found is None:
        raise ValueError(f"{span!r} is no length of time: write 500ms, 2s, 1.5min or 1h")
    return round(float(found[1]) * _UNITS[found[2]])


def _text(value: object) -> object:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise ValueError(f"{value} has no unit: write {value}s for seconds")
    return value


def _checked(value: str) -> str:
    milliseconds(value)
    return value


Span = Annotated[str, AfterValidator(_checked), BeforeValidator(_text)]
"""A length of time with its unit, kept as it was written."""
