"""Reads YAML 1.2 into plain values that know their place.

The tree is built from ruamel's nodes rather than from its loaded objects: a node knows its line and column,
keys given twice can all be named at once, and no tag can make an object.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from beffroi.config.document import Document, Location, Place, dotted
from beffroi.config.secrets import Secrets, UnknownName, conceal_logins, read_secrets
from beffroi.errors import Problem

# A thousand cameras have some hundred thousand values; aliases of aliases multiply without an end.
MOST_VALUES = 300_000
DEEPEST = 60

_TAG = "tag:yaml.org,2002:"
_TEXT = {f"{_TAG}str", f"{_TAG}timestamp", "!"}
_NO_TAG = "the tag `{}` means nothing here; leave it out"


def read(path: Path, shown: str, secrets: Secrets | None = None) -> tuple[Document, Secrets]:
    """Read one file.

    Parameters
    ----------
    path, shown
        The file, and its name as the user knows it.
    secrets
        Values for ``${NAME}``; None takes them from the file that the key ``secrets`` of this one names.

    Returns
    -------
    The document, with what is wrong with its writing in ``problems``, and the secrets that were used.
    """
    document = Document(shown, broken={()})
    try:
        text = path.read_text(encoding="utf-8-sig")
        conceal_logins(text)
        root = _compose(text)
    except OSError as error:
        reason = "is a folder; name the site file in it" if path.is_dir() else _why(error)
        document.problems.append(Problem(shown, None, None, "", reason))
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 text (byte {error.start})"
        document.problems.append(Problem(shown, None, None, "", message))
    except MarkedYAMLError as error:
        document.problems.append(_unreadable(shown, error))
    except ReaderError as error:
        message = f"holds a character that YAML does not allow ({error.reason}, character {error.position})"
        document.problems.append(Problem(shown, None, None, "", message))
    except (YAMLError, RecursionError) as error:
        document.problems.append(Problem(shown, None, None, "", f"is not YAML: {error}"))
    else:
        if root is None:
            document.problems.append(Problem(shown, None, None, "", "is empty"))
            return document, secrets or Secrets()
        if secrets is None:
            secrets = _named_secrets(document, root, path.parent)
        document.broken.clear()
        builder = _Builder(document, secrets)
        try:
            document.value = builder.build(root, ())
        except _TooMuch as error:
            document.broken.add(())
            message = f"the file nests deeper than {DEEPEST} levels, or holds more than {MOST_VALUES} values"
            document.problems = [Problem(shown, error.place.line, error.place.column, "", message)]
    return document, secrets or Secrets()


def _compose(text: str) -> Node | None:
    yaml = YAML(typ="rt")
    yaml.composer.warn_double_anchors = False
    root: Node | None = yaml.compose(text)
    return root


def _why(error: OSError) -> str:
    return (
        "there is no such file"
        if isinstance(error, FileNotFoundError)
        else f"cannot be read: {error.strerror}"
    )


def _unreadable(shown: str, error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
    what = ", ".join(str(part) for part in (error.context, error.problem) if part)
    if "'\\t'" in what:
        what = "a tab; YAML is indented with spaces"
    elif "mapping values are not allowed" in what:
        what = "a second `: ` in one line; put a text that holds one between quotes"
    elif "expected a single document" in what:
        what = "a second document begins; a site file holds one"
    return Problem(shown, line, column, "", f"is not YAML: {what}")


def _named_secrets(document: Document, root: Node, folder: Path) -> Secrets:
    for key, value in root.value if isinstance(root, MappingNode) else ():
        if key.value == "secrets" and isinstance(value, ScalarNode) and value.value:
            name = Path(value.value).expanduser()
            secrets, problems = read_secrets(folder / name, str(Path(document.file).parent / name))
            document.problems += problems
            return secrets
    return Secrets()


class _TooMuch(Exception):  # noqa: N818 - never leaves this file
    """More than any site holds, at this place."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.place = place


class _Builder:
    """Turns nodes into values, and writes down places and problems on the way."""

    def __init__(self, document: Document, secrets: Secrets) -> None:
        self._document = document
        self._secrets = secrets
        self._open: list[Node] = []
        self._count = 0

    def build(self, node: Node, location: Location) -> Any:
        place = self._place(node)
        self._document.values[location] = place
        self._count += 1
        if any(node is outer for outer in self._open):
            return self._complain(place, location, "this alias holds itself")
        if len(self._open) >= DEEPEST or self._count > MOST_VALUES:
            raise _TooMuch(place)
        if isinstance(node, ScalarNode):
            return self._scalar(node, location)
        self._open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, location)
            if isinstance(node, SequenceNode):
                self._plain_tag(node, "seq", location)
                return [self.build(item, (*location, index)) for index, item in enumerate(node.value)]
        finally:
            self._open.pop()
        raise AssertionError(f"unknown node {type(node).__name__}")

    def _mapping(self, node: MappingNode, location: Location) -> dict[str, Any]:
        self._plain_tag(node, "map", location)
        mapping: dict[str, Any] = {}
        for key, value in self._pairs(node, location):
            place = self._place(key)
            name = _whole(key.value)
            there = (*location, name)
            if name in mapping:
                first = self._document.keys[there].line
                self._complain(place, there, f"this key is given twice; the first is in line {first}")
                self._document.broken.discard(there)
                continue
            self._document.keys[there] = place
            mapping[name] = self.build(value, there)
        return mapping

    def _pairs(self, node: MappingNode, location: Location) -> Iterator[tuple[ScalarNode, Node]]:
        """The pairs of a mapping; what ``<<`` takes in comes last, and only where there is no own value."""
        own: set[str] = set()
        taken: list[Node] = []
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._complain(self._place(key), location, "a key should be a text")
            elif str(key.ctag) == f"{_TAG}merge":
                taken += value.value if isinstance(value, SequenceNode) else [value]
            else:
                own.add(key.value)
                yield key, value
        for source in taken:
            if not isinstance(source, MappingNode) or any(source is outer for outer in self._open):
                self._complain(
                    self._place(source), location, "`<<` takes in a mapping, or a list of mappings"
                )
                continue
            for key, value in self._pairs(source, location):
                if key.value not in own:
                    own.add(key.value)
                    yield key, value

    def _scalar(self, node: ScalarNode, location: Location) -> Any:
        tag, text, place = str(node.ctag), node.value, self._place(node)
        if not tag.startswith(_TAG) and tag != "!":
            return self._complain(place, location, _NO_TAG.format(tag))
        try:
            return self._secrets.fill(_whole(text)) if tag in _TEXT else _value(tag.removeprefix(_TAG), text)
        except UnknownName as error:
            return self._complain(place, location, str(error))
        except ValueError:
            return self._complain(place, location, f"`{text}` is not a value that a site file can hold")

    def _plain_tag(self, node: Node, kind: str, location: Location) -> None:
        if str(node.ctag) not in (f"{_TAG}{kind}", "!"):
            self._complain(self._place(node), location, _NO_TAG.format(node.ctag))

    def _place(self, node: Node) -> Place:
        return Place(self._document.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _complain(self, place: Place, location: Location, message: str) -> None:
        problem = Problem(place.file, place.line, place.column, dotted(location), message)
        self._document.problems.append(problem)
        self._document.broken.add(location)


def _whole(text: str) -> str:
    """The text with whole characters: ruamel leaves a pair of ``\\u`` escapes, as JSON has them, as halves.

    A half without its other half becomes U+FFFD, which no name is likely to hold.
    """
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _value(tag: str, text: str) -> bool | int | float | None:
    """What YAML 1.2 means by a text of a tag; `ValueError` if that is nothing that JSON could hold."""
    if tag == "null":
        return None
    if tag == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    digits = text.replace("_", "")
    if tag == "int":
        return int(digits, 0 if digits.lstrip("+-").startswith(("0o", "0x")) else 10)
    if tag == "float" and math.isfinite(number := float(digits)):
        return number
    raise ValueError(text)
