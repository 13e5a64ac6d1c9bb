"""Reads a site and says everything that is wrong with it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from beffroi.conceal import conceal
from beffroi.config.across import Across, Findings
from beffroi.config.document import Document
from beffroi.config.judge import Judged
from beffroi.config.reader import read
from beffroi.config.secrets import Secrets
from beffroi.config.shape import problems as shape_problems
from beffroi.config.site import Site
from beffroi.errors import Problem, SiteError

__all__ = ["Examination", "Judged", "examine", "load"]


@dataclass
class Examination(Findings):
    """A site file, looked at from all sides. ``site`` is None if there are ``problems``."""

    site: Site | None = None


def load(path: Path | str, *, starting: bool = False) -> Site:
    """Read a site that can run.

    Parameters
    ----------
    path
        The site file.
    starting
        Also require that every authorisation in use holds today.

    Raises
    ------
    SiteError
        With every mistake that could be found.
    """
    found = examine(path)
    problems = found.problems + (found.out_of_date if starting else [])
    if found.site is None or problems:
        raise SiteError(problems)
    return found.site


def examine(path: Path | str, today: date | None = None) -> Examination:
    """Read a site and judge everything in it that can be judged.

    Parameters
    ----------
    path
        The site file; cameras may stand in it, or in files ``cameras/NAME.yaml`` beside it.
    today
        The day on which authorisations should hold; None for today, in the site's time zone.
    """
    path = Path(path)
    document, secrets = read(path, str(path))
    found = Examination()
    if isinstance(document.value, dict):
        _gather_cameras(document, path.parent, secrets)
        found.problems += document.problems
        site = _validate(document, found)
        Across(document, path.parent, found, today).everything()
        if not found.problems and site is not None:
            found.site = site.with_path(path)
    else:
        found.problems += document.problems or [
            document.problem((), "should be a mapping that begins with `site:`")
        ]
    for name in ("problems", "warnings", "out_of_date"):
        setattr(found, name, _in_order(getattr(found, name)))
    if found.site is None:
        # A name that is none may be an address.
        found.rules = [replace(rule, camera=conceal(rule.camera)) for rule in found.rules]
    return found


def _gather_cameras(document: Document, folder: Path, secrets: Secrets) -> None:
    files = sorted(file for file in (folder / "cameras").glob("*.y*ml") if file.suffix in (".yaml", ".yml"))
    if not files:
        return
    shown = Path(document.file).parent / "cameras"
    if "cameras" in document.value:
        message = f"cameras stand here and in the folder {shown}: keep one of them"
        document.problems.append(document.problem(("cameras",), message, key=True))
        return
    document.value["cameras"] = {}
    for file in files:
        camera, _ = read(file, str(shown / file.name), secrets)
        if file.stem in document.value["cameras"]:
            problem = Problem(camera.file, None, None, "", f"another file is the camera {file.stem} already")
            document.problems.append(problem)
            continue
        document.graft(("cameras", file.stem), camera)


def _validate(document: Document, found: Examination) -> Site | None:
    try:
        return Site.model_validate(document.value)
    except ValidationError as error:
        found.problems += shape_problems(error, Site, document)
        return None


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """By place, each once, and without a secret in it."""
    unique = {
        Problem(each.file, each.line, each.column, conceal(each.path), conceal(each.message)): None
        for each in problems
    }
    return sorted(unique, key=lambda each: (each.file, each.line or 0, each.column or 0))
