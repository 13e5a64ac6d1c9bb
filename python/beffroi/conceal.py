"""Keeps secrets out of everything that is printed.

A site file names its secrets as ``${NAME}``. Their values are needed to open a camera and nowhere else, but
they come back in the error texts of libraries, in the repr of a setting, in a log line. Whoever prints runs
the text through `conceal`, which puts the name back in the place of the value. The set of known values is the
process's because the leaks are: a library's message does not say which site it is about.
"""

import json
import re
import threading
from urllib.parse import quote

# A shorter value is replaced only where it stands alone: "8" must not spoil every number of a text.
SHORT = 4

_lock = threading.Lock()
_names: dict[str, str] = {}
_pattern: re.Pattern[str] | None = None


def remember(value: str, name: str) -> None:
    """Conceal `value` from now on; texts will show ``${name}`` instead. Empty values hide nothing."""
    global _pattern  # noqa: PLW0603 - one per process, see above
    if not value:
        return
    with _lock:
        for form in {value, repr(value)[1:-1], json.dumps(value)[1:-1], quote(value), quote(value, safe="")}:
            _names.setdefault(form, f"${{{name}}}")
        forms = sorted(_names, key=len, reverse=True)
        _pattern = re.compile("|".join(_guarded(form) for form in forms))


def forget() -> None:
    """Conceal nothing any more."""
    global _pattern  # noqa: PLW0603 - one per process, see above
    with _lock:
        _names.clear()
        _pattern = None


def conceal(text: str) -> str:
    """The text with every known secret replaced by its name."""
    pattern = _pattern
    return text if pattern is None else pattern.sub(lambda match: _names.get(match.group(), "${...}"), text)


def _guarded(form: str) -> str:
    literal = re.escape(form)
    return literal if len(form) >= SHORT else rf"(?<!\w){literal}(?!\w)"
