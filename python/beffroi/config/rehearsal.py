"""An operator's own scenarios, run on the operator's own scene (`beffroi test`)."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beffroi._core import rehearse
from beffroi.config.beside import labels_beside
from beffroi.config.judge import ASPECT
from beffroi.config.site import Site
from beffroi.errors import BeffroiError, ConfigError


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One file of cases, and how they went (see `beffroi.rehearse`)."""

    file: str
    camera: str
    view: str
    cases: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {"file": self.file, "camera": self.camera, "view": self.view, "cases": self.cases}

    def lines(self) -> Iterator[str]:
        """What to tell people: a line for each case, and below it what differs."""
        for case in self.cases:
            yield f"{'ok    ' if case['passed'] else 'failed'} {self.file}: {case['name']}"
            if not case["passed"]:
                yield f"       {case['message']}"
                yield from (f"       expected {line}" for line in case["expected"])
                yield from (f"       got      {line}" for line in case["got"])


def rehearse_files(site: Site, files: Sequence[Path] | None, camera: str | None = None) -> list[Rehearsed]:
    """Run scenario files.

    Parameters
    ----------
    site
        Whose scenes they run on.
    files
        The files; None for ``tests/*.toml`` beside the site file.
    camera
        Whose scene. None takes the camera that a file is named after, or the site's only one.

    Raises
    ------
    BeffroiError
        If there are no files, one cannot be read, or none says which camera it is about.
    """
    folder = site.folder / "tests"
    found = sorted(folder.glob("*.toml")) if files is None else list(files)
    if not found:
        raise BeffroiError(f"there are no cases: write them to {folder}/*.toml, or name files")
    return [_run(site, file, camera) for file in found]


def _run(site: Site, file: Path, wanted: str | None) -> Rehearsed:
    camera = wanted if wanted is not None else _camera(site, file)
    if camera not in site.cameras:
        raise BeffroiError(f"no camera is named `{camera}`; there are: {', '.join(site.cameras)}")
    settings = site.cameras[camera]
    name, view = next(iter(settings.views.items()))
    context = site.context(camera)
    labels = labels_beside(view, settings.detect, settings.detect.known_labels(context), context)
    scene = view.scene(camera, name, labels, ASPECT, site.timezone, calendar=site.calendar)
    try:
        text = file.read_text(encoding="utf-8-sig")
        cases = rehearse(text, json.dumps(scene, ensure_ascii=False))
    except ConfigError as error:
        raise BeffroiError(f"{file}: {error}") from error
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        reason = "there is no such file" if missing else f"cannot be read: {error.strerror}"
        raise BeffroiError(f"{file}: {reason}") from error
    except UnicodeDecodeError as error:
        raise BeffroiError(f"{file}: is not UTF-8 text (byte {error.start})") from error
    return Rehearsed(str(file), camera, name, cases)


def _camera(site: Site, file: Path) -> str:
    if file.stem in site.cameras:
        return file.stem
    if len(site.cameras) == 1:
        return next(iter(site.cameras))
    known = ", ".join(site.cameras)
    raise BeffroiError(f"{file}: about which camera? name the file after one of {known}, or give --camera")
