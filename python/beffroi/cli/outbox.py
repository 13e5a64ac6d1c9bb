"""The command about what has still to be sent."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beffroi.cli.app import app
from beffroi.cli.numbers import Kept, opened
from beffroi.cli.out import result, result_json
from beffroi.cli.sites import AsJson

if TYPE_CHECKING:
    from beffroi.config import Site


@app.command()
def outbox(
    kept: Kept,
    *,
    sink: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only what is for this sink.", show_default=False)
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Let what a sink refused for good be tried again.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the alerts that sinks have not taken: what waits, and what was refused for good and is parked."""
    from beffroi.store import queries

    site, store = opened(kept)
    with store:
        again = store.unpark(sink) if retry else 0
        rows = [row for row in queries.outbox(store) if sink in (None, row["sink"])]
    if as_json:
        result_json({"retried": again, "alerts": rows})
        return
    for row in rows:
        result(_line(row))
    counted = Counter((row["sink"], row["parked_at"] is not None) for row in rows)
    for name in dict.fromkeys(row["sink"] for row in rows):
        waiting, parked = counted[name, False], counted[name, True]
        result(f"{name}: {waiting} waiting, {parked} parked{_unknown(site, name)}")
    if not rows:
        result("nothing waits")
    if retry:
        result(f"{again} parked alerts are tried again, by the run that is going on or by the next one")


def _line(row: dict[str, Any]) -> str:
    alert = row["alert"]
    what = f"{alert['at']} {alert['camera']}/{alert['view']} {alert['rule']} {alert['change']}"
    state = f"parked since {row['parked_at']}" if row["parked_at"] else f"waiting since {row['committed_at']}"
    tries = f", tried {row['attempts']} times" if row["attempts"] else ", not tried yet"
    error = f": {row['last_error']}" if row["last_error"] else ""
    return f"{row['sink']} {what}, {state}{tries}{error}"


def _unknown(site: "Site | None", sink: str) -> str:
    known = site is None or sink in site.sinks
    return "" if known else "; the site has no such sink: they wait until it has one of that name again"
