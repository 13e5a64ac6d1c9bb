"""Truth files of simulated squares, for `beffroi evaluate alarms` over as many seeds as one likes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from beffroi.simulate.square import Square


def truth_file(squares: Iterable[Square]) -> str:
    """The squares as the text of a truth file (TOML), one clip each.

    Raises
    ------
    InputError
        If the weather of a square is none of the named ones.
    """
    clips = []
    for square in squares:
        lines = [f"{key} = {_toml(value)}" for key, value in square.truth().items() if key != "case"]
        cases = [f"  {_toml(case)}," for case in square.truth()["case"]]
        clips.append("\n".join(["[[clip]]", *lines, "case = [", *cases, "]"]))
    return "\n\n".join(clips) + "\n"


def _toml(value: Any) -> str:
    """A value on one line: TOML's strings, numbers, booleans and arrays are JSON's, its tables are not."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(part)}" for key, part in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
