"""Objects found by an ONNX model with onnxruntime: people, vehicles, bags."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from beffroi import assets
from beffroi.components import BuildContext, DetectorConfig, Finding
from beffroi.errors import BeffroiError, ModelError
from beffroi.manifest import Manifest, read_manifest, shipped

if TYPE_CHECKING:
    from beffroi.detectors._detector import OnnxDetector

DEFAULT_MODEL = "deimv2-femto"

Name = Annotated[str, Field(min_length=1)]


class OnnxConfig(DetectorConfig):
    """Finds objects with a model that is checked against its manifest."""

    type: Literal["onnx"]
    model: Name = Field(
        DEFAULT_MODEL,
        description="Name of a known model, or path of an .onnx file with its manifest (.toml) beside it.",
    )
    threshold: float | None = Field(
        None, gt=0, lt=1, description="Boxes with a lower model score are dropped. Default: the model's own."
    )
    classes: tuple[Name, ...] | None = Field(
        None, min_length=1, description="Labels of the model to keep. Default: people, vehicles and bags."
    )
    tiles: Literal["off", "2x2", "auto"] = Field(
        "auto", description="Looks at parts of the picture enlarged: never, always, or where that finds more."
    )
    most_tiles: int = Field(
        4,
        ge=1,
        le=4,
        description="With tiles: auto, the most parts looked at in one picture; each costs as much.",
    )
    gate: Literal["off", "on", "auto"] = Field(
        "auto",
        description="Whether a picture in which nothing changed is answered with the boxes of the last one; "
        "auto: where the model runs on a processor.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where to run.")
    threads: int = Field(0, ge=0, le=64, description="Processor threads; 0 means up to 4, shared by cameras.")

    def findings(self, context: BuildContext) -> Iterable[Finding]:
        """A model that is not known, classes that it does not have, onnxruntime that is not installed."""
        try:
            manifest = self._manifest(context)[0]
        except BeffroiError as error:
            yield (("model",), str(error))
            return
        for index, name in enumerate(self.classes or ()):
            if name not in manifest.output.labels:
                yield (("classes", index), _unknown_class(name, manifest))
        if find_spec("onnxruntime") is None:
            yield (("type",), "onnxruntime is not installed: pip install 'beffroi[cpu]' or 'beffroi[gpu]'")

    def known_labels(self, context: BuildContext) -> tuple[str, ...] | None:
        """The labels that are used, in the model's order; None if there is no such model."""
        try:
            manifest = self._manifest(context)[0]
        except BeffroiError:
            return None
        used = set(self.classes or manifest.classes)
        return tuple(name for name in manifest.output.labels if name in used)

    def build(self, context: BuildContext) -> OnnxDetector:
        """Load the model; raises `ModelError`, or `AssetError` if its file is nowhere."""
        manifest, beside = self._manifest(context)
        for name in self.classes or ():
            if name not in manifest.output.labels:
                raise ModelError(_unknown_class(name, manifest))
        # Imported here: OpenCV and onnxruntime take half a second that reading a site file must not.
        from beffroi.detectors._detector import OnnxDetector
        from beffroi.detectors._session import share

        own = self.model_copy(update={"threads": self.threads or share(context.analysts)})
        return OnnxDetector(beside or assets.locate(manifest.file), manifest, own)

    def _manifest(self, context: BuildContext) -> tuple[Manifest, Path | None]:
        """The manifest, and the model's file if that is not an asset."""
        if not self.model.endswith(".onnx"):
            manifest = shipped().get(self.model)
            if manifest is None:
                known = ", ".join(shipped())
                raise ModelError(
                    f"there is no model {self.model!r}; known: {known}, or the path of an .onnx file"
                )
            return manifest, None
        path = context.path(self.model)
        for needed in (path, path.with_suffix(".toml")):
            if not needed.is_file():
                what = "model" if needed == path else "manifest for the model (see models/README.md)"
                raise ModelError(f"there is no {what} at {needed}")
        return read_manifest(path.with_suffix(".toml")), path


def _unknown_class(name: str, manifest: Manifest) -> str:
    near = get_close_matches(name, manifest.output.labels, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{manifest.name} knows no class {name!r}; {hint}it knows: {', '.join(manifest.output.labels)}"
