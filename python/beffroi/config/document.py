"""Plain values that know where in which file they stand."""

from dataclasses import dataclass, field
from typing import Any

from beffroi.errors import Problem

Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file, counted from 1."""

    file: str
    line: int
    column: int


@dataclass
class Document:
    """The values of one or several files, their places, and what is wrong with the writing itself.

    ``broken`` holds the locations whose value could not be read: a null stands there, and means nothing.
    """

    file: str
    value: Any = None
    values: dict[Location, Place] = field(default_factory=dict)
    keys: dict[Location, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: set[Location] = field(default_factory=set)

    def place(self, location: Location, *, key: bool = False) -> Place | None:
        """Where a value stands; of something that is not there, where its nearest surrounding is named.

        A mapping or a list is found by its key, because it may begin lines below; with `key` anything is.
        """
        for end in range(len(location), -1, -1):
            there = location[:end]
            named = self.keys.get(there)
            if there in self.values:
                simple = not isinstance(self.at(there), dict | list)
                return self.values[there] if named is None or (simple and not key) else named
            if named is not None:
                return named
        return None

    def at(self, location: Location) -> Any:
        """The value at a location, None if there is none."""
        value = self.value
        for part in location:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def readable(self, location: Location) -> bool:
        """Whether nothing on the way to a location failed to be read."""
        return not any(location[:end] in self.broken for end in range(len(location) + 1))

    def problem(self, location: Location, message: str, *, key: bool = False) -> Problem:
        """A mistake at a location."""
        place = self.place(location, key=key)
        path = dotted(location)
        if place is None:
            return Problem(self.file, None, None, path, message)
        return Problem(place.file, place.line, place.column, path, message)

    def graft(self, location: Location, other: "Document") -> None:
        """Take in another file's value under a location."""
        parent = self.at(location[:-1])
        parent[location[-1]] = other.value
        self.values |= {location + rest: place for rest, place in other.values.items()}
        self.keys |= {location + rest: place for rest, place in other.keys.items() if rest}
        self.keys[location] = Place(other.file, 1, 1)
        self.problems += other.problems
        self.broken |= {location + rest for rest in other.broken}


def dotted(location: Location) -> str:
    """A location as it is printed: ``cameras.gate.views.day.rules[2].after``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")
