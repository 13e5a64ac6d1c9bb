"""Puts the values of ``${NAME}`` into the texts of a site file.

A name is looked up in the environment first, then in the secrets file of the site (``secrets: cameras.env``,
lines of ``NAME=value``). Every value that is put in is concealed from then on.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from beffroi.conceal import remember
from beffroi.errors import Problem

_PLACEHOLDER = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<open>\$\{)")
_LINE = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*?)\s*")
# User and password of an address, up to the last @: a password may hold one.
_LOGIN = re.compile(r"""://?([^\s/:@"']*):(?!\$\{)([^\s"']+)@""")


def conceal_logins(text: str) -> None:
    """Conceal the credentials of every address in the text of a site file, wherever it stands.

    One under a wrong key is nobody's address, but is shown with the mistake.
    """
    for line in text.splitlines():
        for user, password in () if line.lstrip().startswith("#") else _LOGIN.findall(line):
            remember(f"{user}:{password}", "CREDENTIALS")
            remember(password, "PASSWORD")


class UnknownName(ValueError):  # noqa: N818 - never leaves this package
    """A placeholder that cannot be filled; the text says which and why."""


class Secrets:
    """The values that placeholders stand for."""

    def __init__(self, values: Mapping[str, str] | None = None, *, shown: str | None = None) -> None:
        self._values = dict(values or {})
        self._shown = shown

    def fill(self, text: str) -> str:
        """The text with its placeholders filled; ``$${`` stands for the two characters ``${``.

        Raises
        ------
        UnknownName
            If a name is known nowhere, is empty, or a ``${`` is not closed.
        """
        return _PLACEHOLDER.sub(self._value, text) if "${" in text else text

    def _value(self, match: re.Match[str]) -> str:
        if match["open"]:
            raise UnknownName(
                "`${` opens the name of an environment variable: `${NAME}`; for the characters write `$${`"
            )
        name = match["name"]
        if name is None:
            return "${"
        value = os.environ.get(name) or self._values.get(name)
        if value:
            remember(value, name)
            return value
        if name in os.environ or name in self._values:
            raise UnknownName(f"the environment variable {name} is empty")
        elsewhere = f", nor does {self._shown} hold it" if self._shown else ""
        raise UnknownName(f"the environment variable {name} is not set{elsewhere}")


def read_secrets(path: Path, shown: str) -> tuple[Secrets, list[Problem]]:
    """Read a secrets file. Problems name its lines and never what stands there."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        return Secrets(shown=shown), [Problem(shown, None, None, "", f"cannot be read: {reason}")]
    values: dict[str, str] = {}
    problems = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            problems.append(
                Problem(shown, number, 1, "", "should be NAME=value, with a name of letters, digits and _")
            )
        elif match["name"] in values:
            problems.append(Problem(shown, number, 1, "", f"{match['name']} is given twice"))
        else:
            values[match["name"]] = _unquoted(match["value"])
    return Secrets(values, shown=shown), problems


def _unquoted(value: str) -> str:
    for quote in ("'", '"'):
        if len(value) >= 2 and value[0] == value[-1] == quote:
            return value[1:-1]
    return value
