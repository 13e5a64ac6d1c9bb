"""Writes the generated parts of the README: the manual's pages as tables, commands from the command line.

`python .ci/docs.py` writes them, `--check` fails if they differ from what is there.
"""

import re
import sys
from pathlib import Path

import beffroi
from beffroi.cli.app import app
from beffroi.manual import pages
from typer.main import get_command

README = Path(__file__).parent.parent / "README.md"


def kinds() -> str:
    """A table of rule kinds: name, what it is, what it is drawn on, its own settings."""
    rows = ["| kind | what it says | settings of its own |", "|---|---|---|"]
    shared: set[str] = set.intersection(
        *(set(entry["schema"]["properties"]) for entry in beffroi.catalogue())
    )
    for entry in beffroi.catalogue():
        first = entry["manual"].splitlines()[0]
        own = [f"`{key}`" for key in entry["schema"]["properties"] if key not in shared and key != "type"]
        rows.append(f"| `{entry['kind']}` | {first} | {', '.join(own)} |")
    common = ", ".join(f"`{key}`" for key in sorted(shared - {"type"}))
    return "\n".join([*rows, "", f"Every kind takes {common}."])


def _table(family: str, what: str) -> str:
    """A table of the manual's pages of one family: name, what it is, its settings with defaults."""
    rows = [f"| {what} | what it says | settings, and their defaults |", "|---|---|---|"]
    for name, page in pages().items():
        if page.family == family and name == f"{page.name} {family}" and page.name != family:
            own = [
                f"`{each.name}`" if each.default is None else f"`{each.name}` {_plain(each.default)}"
                for each in page.settings
                if each.name not in ("enabled", "fps")
            ]
            rows.append(f"| `{page.name}` | {page.line} | {', '.join(own)} |")
    return "\n".join(rows)


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return " ".join(str(each) for each in value)
    if isinstance(value, dict):
        return " ".join(f"{key} {each}" for key, each in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def detectors() -> str:
    """The pixel detectors."""
    return _table("detector", "detector")


def health() -> str:
    """What is watched of a camera itself."""
    return _table("health", "kind")


def commands() -> str:
    """A table of commands with the first sentence of their help."""
    rows = ["| command | what it does |", "|---|---|"]

    def walk(prefix: str, group: object) -> None:
        for name, command in group.commands.items():  # type: ignore[attr-defined]
            if hasattr(command, "commands"):
                walk(f"{prefix} {name}", command)
                continue
            text = re.split(r"(?<=[.])\s", " ".join((command.help or "").split()))[0]
            rows.append(f"| `{prefix} {name}` | {text} |")

    walk("beffroi", get_command(app))
    return "\n".join(rows)


PARTS = (("kinds", kinds), ("detectors", detectors), ("health", health), ("commands", commands))


def render(text: str) -> str:
    """The README with its generated parts made anew."""
    for name, make in PARTS:
        begin, end = f"<!-- generated: {name} -->\n", "<!-- end -->"
        if begin not in text:
            raise SystemExit(f"README.md has no part `{name}`")
        head, rest = text.split(begin, 1)
        text = f"{head}{begin}\n{make()}\n\n{end}{rest.split(end, 1)[1]}"
    return text


def main() -> None:
    """Write or check."""
    before = README.read_text(encoding="utf-8")
    after = render(before)
    if "--check" in sys.argv:
        if before != after:
            raise SystemExit("README.md differs from the code: make docs")
    elif before != after:
        README.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()
