"""What is known about a model before it is loaded: a TOML file in ``models/`` or beside the weights."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from beffroi.components import Settings
from beffroi.errors import ModelError

Score = Annotated[float, Field(gt=0, lt=1)]


class Input(Settings):
    """How a picture becomes the model's input."""

    size: tuple[Annotated[int, Field(ge=32, le=4096)], Annotated[int, Field(ge=32, le=4096)]]
    """Width and height in pixels."""
    fit: Literal["stretch", "letterbox"]
    colour: Literal["rgb", "bgr"]
    highest: float = Field(gt=0)
    """The value of a full bright pixel; black is 0."""


class Scores(Settings):
    """What the model's scores are worth; they differ from model to model."""

    keep: Score
    """Boxes below are dropped. From here on they can continue a track."""
    sure: Score
    """From here on a box may begin a track. Scores leave a detector scaled so that this one is 0.5."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.keep > self.sure:
            raise ValueError(f"keep ({self.keep}) is above sure ({self.sure})")
        return self


class Output(Settings):
    """What comes out."""

    labels: tuple[str, ...] = Field(min_length=1, max_length=10_000)
    """In the order of the model's class numbers."""


class Manifest(Settings):
    """One model: where its weights are, what goes in, what comes out, what it may be used for."""

    name: str = Field(min_length=1)
    file: str = Field(min_length=1)
    """Of a model that beffroi knows: place among the assets. Of another: file name beside the manifest."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int = Field(gt=0)
    address: str | None = None
    """Public address of exactly this file."""
    licence: str = Field(min_length=1)
    origin: str = Field(min_length=1)
    coco_ap: float | None = None
    decoder: Literal["detr", "yolox"]
    classes: tuple[str, ...] = Field(min_length=1)
    """Labels that are used unless the site says otherwise."""
    input: Input
    score: Scores
    output: Output

    @model_validator(mode="after")
    def _classes_are_labels(self) -> Self:
        unknown = [name for name in self.classes if name not in self.output.labels]
        if unknown:
            raise ValueError(f"classes that are not among the labels: {', '.join(unknown)}")
        return self


def read_manifest(path: Path) -> Manifest:
    """The manifest in the file `path`.

    Raises
    ------
    ModelError
        If it cannot be read; names the file and every mistake in it.
    """
    try:
        return Manifest.model_validate(tomllib.loads(path.read_text("utf-8")))
    except ValidationError as error:
        mistakes = [
            f"{path}: {'.'.join(str(part) for part in each['loc']) or 'the manifest'}: {each['msg']}"
            for each in error.errors(include_url=False)
        ]
        raise ModelError("\n".join(mistakes)) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(f"{path}: cannot be read as a model's manifest: {reason}") from error


@cache
def shipped() -> dict[str, Manifest]:
    """The manifests that come with beffroi, by model name."""
    with_suffix = sorted(
        (entry for entry in files("beffroi").joinpath("models").iterdir() if entry.name.endswith(".toml")),
        key=lambda entry: entry.name,
    )
    manifests = [read_manifest(Path(str(entry))) for entry in with_suffix]
    return {manifest.name: manifest for manifest in manifests}
