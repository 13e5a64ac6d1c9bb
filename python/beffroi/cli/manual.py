"""The command that shows the manual."""

import sys
from typing import Annotated

import typer

from beffroi.cli.app import app
from beffroi.cli.out import result, result_json
from beffroi.cli.sites import AsJson


@app.command()
def manual(
    name: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]",
            help="A kind of rule, a detector, `health` or one of its checks, `cameras`, `service`, "
            "`container`; where a rule and a detector "
            "have one name, `fire detector` is the detector. All of them, a line each, if left out.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Explain a rule, a pixel detector, a check of the camera, or how to run beffroi as a service."""
    from dataclasses import asdict

    from beffroi.manual import page, pages

    if name:
        found = page(" ".join(name))
        if as_json:
            result_json(asdict(found))
        elif sys.stdout.isatty():
            from rich.console import Console
            from rich.markdown import Markdown

            Console().print(Markdown(found.markdown()))
        else:
            result(found.markdown().rstrip())
        return
    every = [each for name, each in pages().items() if name == f"{each.name} {each.family}"]
    if as_json:
        result_json([{"name": each.name, "family": each.family, "line": each.line} for each in every])
        return
    width = max(len(each.name) for each in every)
    for each in every:
        result(f"{each.family:<9} {each.name:<{width}}  {each.line}")
