"""The command itself: what all commands share, and how they end."""

import os
import sys
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from beffroi.cli.logs import set_up
from beffroi.cli.out import say
from beffroi.errors import BeffroiError

FAILED, MISTAKE, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141

_debug = False


class Commands(TyperGroup):
    """Turns what a command raises into a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            answer = super().invoke(ctx)
            sys.stdout.flush()
        except BeffroiError as error:
            if _debug:
                raise
            say(str(error))
            raise typer.Exit(MISTAKE) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error
        except BrokenPipeError as error:
            # Whoever read us has seen enough. What Python still wants to flush at its end must find a place.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(BROKEN_PIPE) from error
        return answer


app = typer.Typer(
    cls=Commands,
    name="beffroi",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from beffroi._core import __version__

        typer.echo(f"beffroi {__version__}")
        raise typer.Exit


@dataclass(frozen=True, slots=True)
class Chosen:
    """How the log was asked for."""

    log_format: Literal["text", "json"] | None
    verbose: int


@app.callback()
def beffroi(
    ctx: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[
        int, typer.Option("-v", "--verbose", count=True, help="Say more; twice for everything.")
    ] = 0,
    log_format: Annotated[
        Literal["text", "json"] | None,
        typer.Option(
            help="How log lines are written to standard error: text, but JSON where live cameras run and "
            "nobody looks at a terminal.",
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Watches cameras for situations that people have defined beforehand, and recognises nobody."""
    global _debug  # noqa: PLW0603 - one process, one command
    _debug = debug
    set_up(log_format or "text", verbose)
    ctx.obj = Chosen(log_format, verbose)
