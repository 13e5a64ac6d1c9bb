"""Where the command line writes: results to standard output, everything else to standard error."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from beffroi.conceal import conceal

if TYPE_CHECKING:
    from rich.console import RenderableType


def say(text: str) -> None:
    """A message for people."""
    typer.echo(conceal(text), err=True)


def result(text: str) -> None:
    """A line of the result."""
    typer.echo(conceal(text))


def result_json(value: Any) -> None:
    """The whole result, for programs."""
    typer.echo(conceal(json.dumps(value, ensure_ascii=False, allow_nan=False)))


def show(*tables: "RenderableType") -> None:
    """Tables for people: as wide as the terminal, or as wide as they need where there is none."""
    from rich.console import Console

    console = Console(stderr=True, width=None if sys.stderr.isatty() else 200)
    for table in tables:
        console.print(table)


@contextmanager
def progress(what: str) -> Iterator[Callable[..., None] | None]:
    """A line that changes while something goes on; None where nobody looks at a terminal.

    The callable takes whatever the work reports and shows it, a float as a share: ``told("plaza.mp4", 0.4)``.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status(what) as status:
        yield lambda *values: status.update(f"{what}: {' '.join(_short(value) for value in values)}")


def _short(value: object) -> str:
    return f"{value:.0%}" if isinstance(value, float) else str(value)
