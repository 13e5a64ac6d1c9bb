"""Commands about a site: run it, check it, rehearse it."""

import logging
import sys
from contextlib import nullcontext
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from beffroi.cli.app import FAILED, INTERRUPTED, MISTAKE, app
from beffroi.cli.live import board, written
from beffroi.cli.logs import set_up
from beffroi.cli.out import progress, result, result_json, say, show
from beffroi.cli.telling import Telling
from beffroi.errors import BeffroiError

if TYPE_CHECKING:
    from beffroi.config import Site
    from beffroi.runtime.report import RunReport

log = logging.getLogger(__name__)

SiteFile = Annotated[Path, typer.Argument(metavar="SITE", help="The site file.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def run(
    ctx: typer.Context,
    site: SiteFile,
    *,
    camera: Annotated[
        list[str] | None, typer.Option("--camera", metavar="NAME", help="Only this camera; may be repeated.")
    ] = None,
    render: Annotated[Path | None, typer.Option(metavar="FILM", help="Write an annotated film.")] = None,
    unblurred: Annotated[bool, typer.Option("--unblurred", help="Do not blur people in the film.")] = False,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the detector's boxes to a file or folder, for `beffroi replay`."
        ),
    ] = None,
    store: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep alerts there instead of in the site's store.")
    ] = None,
    pace: Annotated[
        Literal["fast", "real"] | None,
        typer.Option(help="Read recordings as fast as possible, or as they were."),
    ] = None,
    metrics: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write counters and timers there in Prometheus' text format: every 10 s with live cameras, "
            "and at the end.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Watch the cameras of a site, until recordings end or somebody stops it."""
    from beffroi.config import load
    from beffroi.metrics import Metrics
    from beffroi.runtime.supervisor import run as supervise

    _sensible(metrics, render, unblurred=unblurred)
    loaded = load(site, starting=True)
    printing = _prints(loaded)
    if printing and as_json:
        raise BeffroiError(
            f"the sink {printing} writes to standard output, which --json needs for the result"
        )
    counted = Metrics()
    live = any(
        loaded.cameras[name].source.live for name in camera or loaded.cameras if name in loaded.cameras
    )
    telling = Telling(live=live, as_json=as_json, quiet=printing is not None)
    # A service: what each camera does is said in lines that programs read.
    service = live and not sys.stderr.isatty() and ctx.obj.log_format != "text"
    if service:
        set_up("json", max(1, ctx.obj.verbose))
    mark = " (evaluation)" if loaded.mode == "evaluation" else ""
    with (
        board(f"{loaded.name}{mark}") if live else nullcontext() as shown,
        progress(loaded.name) if not live else nullcontext() as status,
    ):
        telling.board = shown
        watch = written(counted, metrics, None if shown is None else shown.states)
        report = supervise(
            loaded,
            cameras=camera,
            render=render,
            blur=not unblurred,
            record=record / "boxes.jsonl" if record is not None and record.is_dir() else record,
            store=store,
            pace=pace,
            on_event=telling,
            progress=status
            and (lambda name, at_ms, frames: status(name, timedelta(seconds=at_ms // 1000), frames)),
            metrics=counted,
            watch=watch,
        )
    if metrics is not None:
        counted.write(metrics)
    if telling.unread is not None and not live:
        raise telling.unread
    if as_json:
        result_json(report.as_json() | ({} if live else {"events": telling.events}))
    _tell_end(report, service=service)
    if not report.ok:
        raise typer.Exit(FAILED)
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)


def _sensible(metrics: Path | None, render: Path | None, *, unblurred: bool) -> None:
    """Refuse options that mean nothing together, before anything begins."""
    if metrics is not None and not metrics.absolute().parent.is_dir():
        raise BeffroiError(f"--metrics {metrics}: there is no folder {metrics.absolute().parent}")
    if unblurred and render is None:
        raise BeffroiError("--unblurred is about the film of --render; there is none")


def _tell_end(report: "RunReport", *, service: bool) -> None:
    """Say what was found: a table for people, lines of the log where a program reads them."""
    if not service:
        show(report.table())
        for error in report.errors:
            say(error)
        return
    for ended in report.cameras:
        log.info("camera %s: ended", ended.camera, extra={"status": ended.as_json()})
    for error in report.errors:
        log.error("%s", error)


def _prints(site: "Site") -> str | None:
    """The sink that has standard output to itself, if there is one."""
    return next((name for name, sink in site.sinks.items() if getattr(sink, "path", None) == "-"), None)


@app.command()
def check(site: SiteFile, as_json: AsJson = False) -> None:
    """Say everything that is wrong with a site file, and what its rules mean."""
    from beffroi.config import examine
    from beffroi.errors import SiteError

    found = examine(site)
    warnings = [*found.warnings, *found.out_of_date]
    if as_json:
        result_json(
            {
                "ok": not found.problems,
                "problems": [asdict(problem) for problem in found.problems],
                "warnings": [asdict(warning) for warning in warnings],
                "rules": [asdict(rule) for rule in found.rules],
            }
        )
    for warning in warnings:
        say(f"warning: {warning}")
    if found.site is None:
        if as_json:
            raise typer.Exit(MISTAKE)
        raise SiteError(found.problems)
    if not as_json:
        for rule in found.rules:
            result(
                f"{rule.camera}/{rule.view} {rule.name} ({rule.type}): {rule.definition[found.site.language]}"
            )
        things = {"camera": found.site.cameras, "rule": found.rules, "warning": warnings}
        counts = [f"{len(each)} {name}{'' if len(each) == 1 else 's'}" for name, each in things.items()]
        result(f"{found.site.name}: {', '.join(counts)}, no mistake")


@app.command("test")
def rehearse(
    site: SiteFile,
    cases: Annotated[
        list[Path] | None,
        typer.Argument(help="Scenario files; tests/*.toml beside the site file if left out."),
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Whose scene the cases run on; else the file's name says it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run your own scenarios on your own scene: what must alarm, and what must not."""
    from beffroi.config import load
    from beffroi.config.rehearsal import rehearse_files

    rehearsed = rehearse_files(load(site), cases or None, camera)
    passed = all(case["passed"] for each in rehearsed for case in each.cases)
    if as_json:
        result_json({"ok": passed, "files": [each.as_json() for each in rehearsed]})
    else:
        for each in rehearsed:
            for line in each.lines():
                result(line)
    if not passed:
        raise typer.Exit(FAILED)


@app.command()
def schema(
    as_json: Annotated[bool, typer.Option("--json", help="On one line.")] = False,
) -> None:
    """Print the JSON Schema of a site file, for editors and programs."""
    from beffroi.config.schema import rendered, site_schema

    if as_json:
        result_json(site_schema())
    else:
        result(rendered().rstrip())
