"""Commands about this machine: what works on it, what is there, and a demonstration."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beffroi.cli.app import FAILED, app
from beffroi.cli.out import progress, result, result_json, say
from beffroi.cli.sites import AsJson
from beffroi.errors import AssetError

if TYPE_CHECKING:
    from beffroi.assets import Asset

assets = typer.Typer(name="assets", help="Weights and clips: what is here, and where.", no_args_is_help=True)
app.add_typer(assets)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Look whether everything that beffroi needs works here, and say how to mend what does not."""
    from beffroi.doctor import examine

    findings = examine()
    broken = [each for each in findings if each.state == "broken"]
    if as_json:
        result_json({"ok": not broken, "checks": [asdict(each) for each in findings]})
    else:
        for each in findings:
            result(f"{each.state:<6} {each.part}: {each.found}")
            if each.mend:
                result(f"       {each.mend}")
    if broken:
        say(f"{len(broken)} of {len(findings)} checks found something broken")
        raise typer.Exit(FAILED)


@app.command()
def demo(
    clip: Annotated[str | None, typer.Option(metavar="NAME", help="A clip of the assets.")] = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="A town square that never existed.")] = False,
    seed: Annotated[int, typer.Option(help="Which simulated day.")] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the film and the alerts go.")
    ] = None,
) -> None:
    """Show what beffroi does, on a clip or on a simulated square."""
    from beffroi.demo import demo as show_off

    raise typer.Exit(show_off(clip=clip, simulated=simulated, seed=seed, out=out))


@assets.command("list")
def list_assets(as_json: AsJson = False) -> None:
    """List the models that beffroi knows, and whether they are here and whole."""
    from beffroi.assets import known

    found = known()
    if as_json:
        result_json([_plain(asset) for asset in found])
        return
    for asset in found:
        size = f"{asset.bytes / 1e6:.1f} MB"
        result(f"{asset.state:<8} {asset.name} ({size}, {asset.licence}){_at(asset)}")


@assets.command()
def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Models; all if left out.")
    ] = None,
    folder: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where to; else the cache.")] = None,
) -> None:
    """Download weights from their public addresses, and check that they are the right files."""
    from beffroi.assets import fetch as download
    from beffroi.assets import known
    from beffroi.manifest import shipped

    manifests = shipped()
    for name in names or []:
        if name not in manifests:
            raise AssetError(f"no model is named `{name}`; known: {', '.join(manifests)}")
    states = {asset.name: asset for asset in known()}
    for name in names or manifests:
        there = states[name]
        if there.state == "ready" and folder is None:
            result(str(there.path))
            continue
        with progress(name) as status:
            result(str(download(manifests[name], folder, status)))


@assets.command()
def where(
    name: Annotated[
        str | None, typer.Argument(help="An asset such as models/deimv2-femto.onnx; all places if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say where assets are looked for, or where one is."""
    from beffroi.assets import locate, roots

    places = [str(locate(name, download=False))] if name else [str(root) for root in roots()]
    if as_json:
        result_json(places)
    else:
        result("\n".join(places))


def _plain(asset: "Asset") -> dict[str, Any]:
    return {**asdict(asset), "path": None if asset.path is None else str(asset.path)}


def _at(asset: "Asset") -> str:
    return f" {asset.path}" if asset.path else f": beffroi assets fetch {asset.name}"
