"""Commands about what is known of a view."""

from typing import Annotated

import typer

from beffroi.cli.app import app
from beffroi.cli.out import result
from beffroi.cli.sites import SiteFile
from beffroi.errors import BeffroiError

view = typer.Typer(no_args_is_help=True, help="What is known of a view.")
app.add_typer(view, name="view")


@view.command()
def accept(
    site: SiteFile,
    camera: Annotated[str, typer.Argument(help="Whose view it is.", show_default=False)],
    name: Annotated[
        str | None, typer.Option("--view", metavar="NAME", help="Which view; the only one if left out.")
    ] = None,
) -> None:
    """Take what a camera shows now for its view: it is learnt anew at the next start.

    For a camera that was moved on purpose. A view whose settings name a `reference` is compared with that
    picture: replace it instead.
    """
    from beffroi.config import load
    from beffroi.runtime.compose import chosen, only_view
    from beffroi.runtime.health import shelf_of

    loaded = load(site)
    settings = chosen(loaded, [camera])[camera]
    looked_at = only_view(loaded, camera, settings.views, name)
    if settings.views[looked_at].reference is not None:
        raise BeffroiError(
            f"the view {camera}/{looked_at} is compared with {settings.views[looked_at].reference}: put a "
            "new picture there, or leave `reference` out so that the view is learnt"
        )
    state = loaded.context(camera).state
    if state is None:
        raise BeffroiError(f"the camera {camera} is a recording: its view is learnt anew in each run")
    forgotten = shelf_of(state, looked_at).clear()
    if not forgotten:
        raise BeffroiError(
            f"nothing is known of the view {camera}/{looked_at} yet; there is nothing to accept"
        )
    what = "1 reference" if forgotten == 1 else f"{forgotten} references"
    result(f"{camera}/{looked_at}: {what} forgotten; the view is learnt anew at the next start")
