"""Every error that beffroi raises on purpose; its text says what is wrong, where, and what would be right."""

from collections.abc import Iterable
from dataclasses import dataclass

from beffroi._core import BeffroiError, ConfigError, InputError

__all__ = [
    "AssetError",
    "BeffroiError",
    "ConfigError",
    "InputError",
    "MissingDependency",
    "ModelError",
    "Problem",
    "RecordingError",
    "Refused",
    "SiteError",
    "SourceError",
    "StoreError",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a site file, with its place.

    ``path`` names the setting (``cameras.gate.views.day.rules[2].after``), empty for the file as a whole;
    ``line`` and ``column`` count from 1, None where the file could not be read at all.
    """

    file: str
    line: int | None
    column: int | None
    path: str
    message: str

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return ": ".join(part for part in (place, self.path, self.message) if part)


class SiteError(BeffroiError):
    """A site that cannot run; holds every mistake that could be found, in the order of the files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SourceError(BeffroiError):
    """A picture source that cannot be opened or read."""


class ModelError(BeffroiError):
    """A model that is missing, damaged, or that beffroi refuses to load."""


class AssetError(BeffroiError):
    """A weight or clip that is nowhere to be found, or is not the file that its manifest names."""


class RecordingError(BeffroiError):
    """A recording that cannot be read or written."""


class Refused(BeffroiError):  # noqa: N818 - says what is wrong without the suffix
    """What a sink raises for an alert that it will never take, however often it is sent."""


class StoreError(BeffroiError):
    """A store that cannot be opened, or holds something else."""


# What to install for a module that does not import; a module without an entry is named as it is.
INSTALL = {
    "onnxruntime": "pip install 'beffroi[cpu]', or 'beffroi[gpu]' on a machine with an NVIDIA GPU",
    "pyarrow": "pip install 'beffroi[parquet]'",
    "onvif": "pip install 'beffroi[onvif]'",
    "trackeval": "pip install 'beffroi[evaluate]'",
    "cv2": "pip install opencv-python (on Debian also: apt install libgl1 libglib2.0-0)",
    "av": "pip install av",
}


class MissingDependency(BeffroiError):  # noqa: N818 - says what is wrong without the suffix
    """Something asked for needs a Python package that does not import.

    Parameters
    ----------
    wanted_by
        What needs it, as the user knows it: ``the detector type onnx``, ``a recording in Parquet``.
    module
        The module that does not import, as in ``ImportError.name``.
    reason
        The text of the import error: an installed package that fails says why only there.
    """

    def __init__(self, wanted_by: str, module: str, reason: str | None = None) -> None:
        self.module = module
        top = module.partition(".")[0]
        self.install = INSTALL.get(top, f"pip install {top}")
        why = f" ({reason})" if reason else ""
        super().__init__(f"{wanted_by} needs {top}, which does not import{why}; install it: {self.install}")
