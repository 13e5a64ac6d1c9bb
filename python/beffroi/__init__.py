"""beffroi watches cameras for situations that people have defined beforehand, and recognises nobody.

``Engine`` is the core: boxes with their time in, events out. The names below are loaded when they are first
used: ``import beffroi`` stays cheap, and ``beffroi doctor`` can speak when the compiled part does not load.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beffroi._core import (
        Engine,
        Event,
        Step,
        Tracks,
        __version__,
        catalogue,
        check,
        rehearse,
        scene_schema,
    )
    from beffroi.errors import (
        AssetError,
        BeffroiError,
        ConfigError,
        InputError,
        MissingDependency,
        ModelError,
        RecordingError,
        SiteError,
        SourceError,
        StoreError,
    )

__all__ = [
    "AssetError",
    "BeffroiError",
    "ConfigError",
    "Engine",
    "Event",
    "InputError",
    "MissingDependency",
    "ModelError",
    "RecordingError",
    "SiteError",
    "SourceError",
    "Step",
    "StoreError",
    "Tracks",
    "__version__",
    "catalogue",
    "check",
    "rehearse",
    "scene_schema",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'beffroi' has no attribute {name!r}")
    home = "beffroi.errors" if name.endswith("Error") or name == "MissingDependency" else "beffroi._core"
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
