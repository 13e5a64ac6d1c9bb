"""Commands about what was counted: a table to take along, a page to read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from beffroi.cli.app import app
from beffroi.cli.out import result
from beffroi.errors import StoreError

if TYPE_CHECKING:
    from beffroi.config import Site
    from beffroi.store import Store

Kept = Annotated[
    Path, typer.Argument(metavar="SITE|STORE", help="A site file, or a store's own file.", show_default=False)
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")]


def opened(kept: Path) -> "tuple[Site | None, Store]":
    from beffroi.config import load
    from beffroi.store import Store

    site = load(kept) if kept.suffix in {".yaml", ".yml"} else None
    path = kept if site is None else site.context().path(site.store.path)
    if not path.is_file():
        raise StoreError(f"{path}: there is no store; `beffroi run` makes it")
    return site, Store(path)


@app.command()
def export(
    kept: Kept,
    output: Output = Path("statistics.csv"),
    minutes: Annotated[Literal["1", "15"], typer.Option(help="Length of the periods.")] = "15",
) -> None:
    """Write the statistics of a store as one long table, .csv or .parquet."""
    from beffroi.report import rows, write_table
    from beffroi.store import queries

    _, store = opened(kept)
    with store:
        periods = queries.aggregates(store, minutes=int(minutes))
    number = write_table(output, rows(periods))
    result(f"{output}: {number} rows of {len(periods)} periods")


@app.command()
def report(
    kept: Kept,
    output: Output = Path("report.html"),
    minutes: Annotated[Literal["1", "15"], typer.Option(help="Length of the periods.")] = "15",
    language: Annotated[
        Literal["fr", "en"] | None, typer.Option(help="Language; by default the site's, English for a store.")
    ] = None,
) -> None:
    """Write one page of statistics to read and print: flow, speeds, occupancy, queues, journeys."""
    from beffroi.report import write_report
    from beffroi.store import queries

    site, store = opened(kept)
    with store:
        periods = queries.aggregates(store, minutes=int(minutes))
    about: dict[str, Any] = {"name": kept.stem}
    if site is not None:
        drawn = {
            (camera, name): {**view.zones, **view.lines}
            for camera, each in site.cameras.items()
            for name, view in each.views.items()
        }
        about = {"name": site.name, "timezone": site.site.timezone, "shapes": drawn}
    chosen = language or (site.language if site is not None else "en")
    write_report(output, periods, language=chosen, **about)
    result(f"{output}: {len(periods)} periods of {minutes} min")
