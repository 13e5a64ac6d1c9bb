"""What pydantic found wrong, in the words of somebody who writes the file."""

import difflib
import json
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from beffroi.components import Component
from beffroi.config.document import Document, Location
from beffroi.errors import Problem

# Our own messages that already say what was given; all others are followed by it.
_WHOLE = {"component", "dependency", "days", "value_error"}

# Longer values are cut in messages.
LONGEST = 60

_WORDS = {
    "missing": "is missing",
    "string_type": "should be text, got {got}",
    "bool_type": "should be true or false, got {got}",
    "bool_parsing": "should be true or false, got {got}",
    "float_type": "should be a number, got {got}",
    "float_parsing": "should be a number, got {got}",
    "int_type": "should be a whole number, got {got}",
    "int_parsing": "should be a whole number, got {got}",
    "int_from_float": "should be a whole number, got {got}",
    "greater_than": "should be more than {gt:g}, got {got}",
    "greater_than_equal": "should be at least {ge:g}, got {got}",
    "less_than": "should be less than {lt:g}, got {got}",
    "less_than_equal": "should be at most {le:g}, got {got}",
    "literal_error": "should be {expected}, got {got}",
    "dict_type": "should be a mapping, got {got}",
    "model_type": "should be a mapping, got {got}",
    "model_attributes_type": "should be a mapping, got {got}",
    "list_type": "should be a list, got {got}",
    "tuple_type": "should be a list, got {got}",
    "date_type": "should be a date such as 2026-06-01, got {got}",
    "date_parsing": "should be a date such as 2026-06-01, got {got}",
    "date_from_datetime_parsing": "should be a date such as 2026-06-01, got {got}",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "finite_number": "should be a finite number, got {got}",
}
_NAME = "a name begins with a letter or digit and holds letters, digits, space, `.`, `_`, `-`, at most 100"


def problems(error: ValidationError, model: type[BaseModel], document: Document) -> Iterable[Problem]:
    """One problem per mistake, at its place; nothing about values that could not even be read."""
    errors = error.errors(include_url=False)
    for each in errors:
        location, is_key = _location(each, document)
        # Pydantic counts what is left after leaving out the items that are wrong.
        counted = each["type"] == "too_short" and any(_below(other["loc"], each["loc"]) for other in errors)
        if document.readable(location) and not counted:
            message = _message(each, location, model, document)
            yield document.problem(location, message, key=is_key or each["type"] == "extra_forbidden")


def _below(inner: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def unknown_key(key: str, known: Iterable[str]) -> str:
    """What to say about a key that is not known."""
    names = sorted(known)
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return f"there is no such setting; {hint}known: {', '.join(names)}"


def _location(error: ErrorDetails, document: Document) -> tuple[Location, bool]:
    """Where the mistake is in the file: pydantic's place without the names that only unions and keys have."""
    location: Location = ()
    value = document.value
    parts = error["loc"]
    for index, part in enumerate(parts):
        inside = part in value if isinstance(value, Mapping) else _is_index(part, value)
        absent = index == len(parts) - 1 and error["type"] in ("missing", "component")
        if inside or absent:
            location, value = (*location, part), value[part] if inside else None
    return location, "[key]" in parts


def _is_index(part: int | str, value: object) -> bool:
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def _message(error: ErrorDetails, location: Location, model: type[BaseModel], document: Document) -> str:
    kind, got = error["type"], _shown(error["input"])
    context = dict(error.get("ctx", {}))
    if kind == "extra_forbidden":
        known = _known_keys(model, location[:-1], document)
        return unknown_key(str(location[-1]), known)
    if kind == "string_pattern_mismatch":
        return f"`{error['input']}` is not a name: {_NAME}"
    if kind in _WORDS:
        context["expected"] = context.get("expected", "").replace("'", "`")
        message = _WORDS[kind].format(got=got, **context)
        if kind == "literal_error" and isinstance(error["input"], str):
            choices = [choice.strip("` ") for choice in context["expected"].replace(" or ", ", ").split(",")]
            near = difflib.get_close_matches(error["input"], choices, n=1)
            message += f"; did you mean `{near[0]}`?" if near else ""
        return message
    text = error["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return text if kind in _WHOLE else f"{text}, got {got}"


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple) and len(value) > 4:
        return f"a list of {len(value)}"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return f"a {type(value).__name__}"
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _known_keys(model: type[BaseModel], location: Location, document: Document) -> list[str]:
    """The keys that the mapping at a location may have."""
    annotation: Any = model
    for depth, part in enumerate(location):
        found = _model(annotation, document.at(location[:depth]))
        if found is None:
            # A mapping by name or a list: all values are alike, and theirs is the last parameter but `...`.
            annotation = [each for each in get_args(_bare(annotation)) if each is not Ellipsis][-1]
        else:
            annotation = {
                field.alias or name: field.annotation for name, field in found.model_fields.items()
            }[str(part)]
    found = _model(annotation, document.at(location))
    return [field.alias or name for name, field in found.model_fields.items()] if found else []


def _model(annotation: Any, value: object) -> type[BaseModel] | None:
    """The model behind an annotation; of a component the one that the value's ``type`` names."""
    bare = _bare(annotation)
    if not isinstance(bare, type) or not issubclass(bare, BaseModel):
        return None
    if issubclass(bare, Component) and isinstance(value, Mapping):
        return bare.types.get(value.get("type", bare.default_type), bare)
    return bare


def _bare(annotation: Any) -> Any:
    """An annotation without what is wrapped around it: ``Annotated``, and ``| None``."""
    while get_origin(annotation) in (Annotated, Union, UnionType):
        annotation = next(each for each in get_args(annotation) if each is not type(None))
    return annotation
