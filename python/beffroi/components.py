"""What a site is put together from: sources, detectors, sinks, and what tells where a dome looks.

Each is one Python file with a settings class and a running class. The settings class says what the site
file may hold (its ``type`` is the name under which it is asked for) and ``build()`` makes the running object.
Writing the file is all that is needed: files in ``beffroi/sources``, ``beffroi/detectors``, ``beffroi/sinks``
and ``beffroi/ptz`` are found by their name, packages from elsewhere through the entry point groups
``beffroi.sources``, ``beffroi.detectors``, ``beffroi.sinks`` and ``beffroi.ptz`` (name of the entry:
``type``, value: module).
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import iter_modules
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    Protocol,
    Self,
    TypeAlias,
    cast,
    get_args,
    get_origin,
    runtime_checkable,
)
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from beffroi.conceal import conceal
from beffroi.errors import MissingDependency

if TYPE_CHECKING:
    from beffroi.frame import Detections, Frame
    from beffroi.views.presets import Where

# Where in a component's settings, and what is wrong there.
Finding = tuple[tuple[str | int, ...], str]

_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


def _seconds(value: object) -> object:
    """``0.5s``, ``500ms``, ``2min`` as seconds, as rules have their times; anything else as it is."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|min|h)", value) if isinstance(value, str) else None
    return value if match is None else float(match[1]) * _UNITS[match[2]]


Seconds = Annotated[float, BeforeValidator(_seconds, json_schema_input_type=float | str)]
"""A number of seconds, or a text such as ``500ms``."""

# Inside a class with a field `type`, the name `type` means the field.
_ComponentClass: TypeAlias = "type[Component]"


class Source(Protocol):
    """Pictures of one camera. Used by one thread."""

    size: tuple[int, int]
    """Width and height in pixels."""

    def frames(self) -> Iterator["Frame"]:
        """The pictures with their media time, increasing; ends when the stream ends.

        Raises
        ------
        SourceError
            If the stream breaks.
        """

    def close(self) -> None: ...


class Detector(Protocol):
    """Finds boxes in pictures. Calls never overlap, so no locking is needed.

    One that looks beside another (see `View.also`) is given pictures whose ``detections`` are what was found
    before it, in the classes of `BuildContext.labels`.
    """

    labels: tuple[str, ...]
    """What a class id means."""
    name: str
    version: str
    provider: str
    """Where it really runs, such as ``CPUExecutionProvider``."""

    def detect(self, frames: Sequence["Frame"]) -> list["Detections"]:
        """One set of boxes per picture, in the same order."""

    def close(self) -> None: ...


class Sink(Protocol):
    """Somewhere alerts are sent. Calls never overlap; retries, queues and counting belong to the runtime."""

    def send(self, alert: Mapping[str, Any]) -> None:
        """Deliver one alert, or raise: an alert counts as delivered when this returns.

        An alert may come again, after an answer that was lost or a restart: its ``delivery_id`` (a UUID) is
        then the same. Any error means that the sink cannot take alerts now, and this one is tried again
        before those that follow; `beffroi.errors.Refused` that it will never take this one.
        """

    def close(self) -> None: ...


@runtime_checkable
class TimedSink(Sink, Protocol):
    """A sink that waits for somebody else's answer, and can give up in time."""

    def send_within(self, alert: Mapping[str, Any], seconds: float) -> None:
        """As `send`; raises within about `seconds`."""


class Ptz(Protocol):
    """Tells at which of its presets a dome stands. Asked by any thread, at each picture."""

    def where(self) -> "Where":
        """What is known now; returns at once and never raises."""

    def close(self) -> None:
        """Stop asking the device; returns within two seconds. `where` then says that nobody tells."""


@dataclass(frozen=True)
class BuildContext:
    """What a component may know about its surroundings."""

    camera: str
    """Name of the camera; empty for what belongs to the whole site."""
    folder: Path
    """Folder of the site file: relative paths start here."""
    labels: tuple[str, ...] = ()
    """What class ids mean in the boxes that detectors before this one found."""
    zones: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    """Zones of the view by name, points relative to the picture."""
    state: Path | None = None
    """Folder where a component may keep what it learnt of this camera; None: it starts anew each time."""
    analysts: int = 1
    """How many pictures are analysed at once: what would use all of the processor takes its share."""
    presets: Sequence[str] = ()
    """Presets that the views of this camera name."""

    def path(self, value: str | Path) -> Path:
        """A path of the site file, where it really is."""
        return self.folder / Path(value).expanduser()


class Settings(BaseModel):
    """A part of the site file: unknown keys are refused, values never change, secrets are not shown."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def __repr__(self) -> str:
        return conceal(super().__repr__())

    def __str__(self) -> str:
        return repr(self)


class Component(Settings):
    """Settings with a ``type``. A subclass with ``type: Literal["name"]`` registers itself in its family."""

    family: ClassVar[str]
    folder: ClassVar[str]
    default_type: ClassVar[str | None] = None
    types: ClassVar[dict[str, _ComponentClass]]
    missing: ClassVar[dict[str, ImportError]]

    type: str

    @classmethod
    def __pydantic_init_subclass__(cls, **_kwargs: Any) -> None:
        if Component in cls.__bases__:
            cls.types, cls.missing = {}, {}
            return
        annotation = cls.model_fields["type"].annotation
        for name in get_args(annotation) if get_origin(annotation) is Literal else ():
            cls.types[name] = cls

    @classmethod
    def parse(cls, settings: object) -> Self:
        """The settings as the class that their ``type`` names.

        Raises
        ------
        pydantic.ValidationError
            If a setting is wrong.
        MissingDependency
            If the type exists, but needs a package that does not import.
        """
        if isinstance(settings, cls):
            return settings
        if not isinstance(settings, Mapping):
            raise cls._refuse((), f"should be a mapping with a `type`, such as {cls._example()}", settings)
        kind = settings.get("type", cls.default_type)
        if kind is None:
            raise cls._refuse(("type",), f"is missing: one of {', '.join(cls.known())}", settings)
        if not isinstance(kind, str):
            raise cls._refuse(("type",), f"should be one of {', '.join(cls.known())}", kind)
        return cast("Self", cls._class_of(kind).model_validate({**settings, "type": kind}))

    @classmethod
    def known(cls) -> list[str]:
        """Every type of the family, also those whose packages are missing."""
        for name in cls._modules():
            with suppress(MissingDependency):
                cls._import(name)
        return sorted({*cls.types, *cls.missing})

    @classmethod
    def load_all(cls) -> dict[str, _ComponentClass]:
        """The settings class of every type that imports, by name. Types that do not are left out."""
        return {name: cls.types[name] for name in cls.known() if name in cls.types}

    def findings(self, context: BuildContext) -> Iterable[Finding]:  # noqa: ARG002 - for subclasses
        """What can be seen to be wrong before anything is built, such as a file that is not there.

        Yields the place below this component and the message. Nothing slow: no model, no stream is opened.
        """
        return ()

    @classmethod
    def _class_of(cls, kind: str) -> _ComponentClass:
        if kind not in cls.types and kind in cls._modules():
            cls._import(kind)
        if kind not in cls.types:
            known = cls.known()
            near = difflib.get_close_matches(kind, known, n=1)
            hint = f"did you mean `{near[0]}`? " if near else ""
            message = f"there is no {cls.family} of type `{kind}`; {hint}known: {', '.join(known)}"
            raise cls._refuse(("type",), message, kind)
        return cls.types[kind]

    @classmethod
    def _modules(cls) -> dict[str, str]:
        """The module to import for a type, by the name of the file or of the entry point; no ``_`` files."""
        names = [module.name for module in iter_modules(_path(cls.folder)) if module.name[0] != "_"]
        return {name: f"{cls.folder}.{name}" for name in names} | {
            entry.name: entry.module for entry in entry_points(group=cls.folder)
        }

    @classmethod
    def _import(cls, kind: str) -> None:
        """Import the module of a type. A package that it lacks is the user's to install, and said so."""
        module = cls._modules()[kind]
        try:
            import_module(module)
        except ImportError as error:
            cls.missing[kind] = error
            raise MissingDependency(
                f"the {cls.family} type {kind}", error.name or module, str(error)
            ) from error

    @classmethod
    def _refuse(cls, loc: tuple[str, ...], message: str, value: object) -> ValidationError:
        text = PydanticCustomError("component", "{message}", {"message": message})
        return ValidationError.from_exception_data(cls.family, [{"type": text, "loc": loc, "input": value}])

    @classmethod
    def _example(cls) -> str:
        return f"{{ type: {next(iter(cls.known()), '...')} }}"


class SourceConfig(Component):
    """Where the pictures of a camera come from."""

    family = "source"
    folder = "beffroi.sources"
    live: ClassVar[bool] = True
    """Whether it shows a place as it is now: rules over it then need an authorisation. Files say False."""

    begins: datetime | None = Field(
        default=None,
        description="Date and time of a recording's first moment, in the site's time zone unless it names "
        "another: schedules then hold as they did on that day. Live sources have their own time.",
    )

    @model_validator(mode="after")
    def _live_has_its_time(self) -> Self:
        if self.live and self.begins is not None:
            raise ValueError("a live source shows what is now; leave `begins` out")
        return self

    def begins_ms(self, timezone: str) -> int | None:
        """`begins` in milliseconds since 1970 in UTC, where `timezone` is the site's."""
        if self.begins is None:
            return None
        aware = self.begins if self.begins.tzinfo else self.begins.replace(tzinfo=ZoneInfo(timezone))
        return round(aware.timestamp() * 1000)

    def build(self, context: BuildContext, fps: float | None) -> Source:
        """Open the source.

        Parameters
        ----------
        context
            The camera, and where relative paths start.
        fps
            Analysis rate: only pictures that will be analysed are converted. None converts all.

        Raises
        ------
        SourceError
        """
        raise NotImplementedError


class DetectorConfig(Component):
    """What finds the boxes in the pictures of a camera."""

    family = "detector"
    folder = "beffroi.detectors"
    default_type = "onnx"
    shared: ClassVar[bool] = False
    """Whether it keeps nothing between pictures: one then serves all cameras with the same settings."""

    fps: float = Field(default=5.0, gt=0, le=100, description="Pictures analysed per second of media time.")

    def gives_all(self) -> bool:
        """Whether its boxes and signals are all that rules need: no other detector then looks for a rule."""
        return False

    def known_labels(self, context: BuildContext) -> tuple[str, ...] | None:  # noqa: ARG002 - for subclasses
        """The labels that the detector will have, if they are known without loading it; None if not."""
        return None

    def build(self, context: BuildContext) -> Detector:
        """Load the detector.

        Raises
        ------
        ModelError
        """
        raise NotImplementedError


class SinkConfig(Component):
    """Where alerts are sent."""

    family = "sink"
    folder = "beffroi.sinks"

    def build(self, context: BuildContext) -> Sink:
        """Prepare the sink. What is only temporarily away (a server that is down) is for `send` to report."""
        raise NotImplementedError


class PtzConfig(Component):
    """What tells at which of its presets a dome stands."""

    family = "ptz"
    folder = "beffroi.ptz"

    settle: Seconds = Field(
        default=1.0,
        ge=0,
        le=60,
        description="Seconds for which a dome has stood at a preset before its view is judged.",
    )

    def build(self, context: BuildContext) -> Ptz:
        """Begin to ask. A device that is away or refuses is no error: `Ptz.where` says that nobody tells."""
        raise NotImplementedError


FAMILIES: tuple[type[Component], ...] = (SourceConfig, DetectorConfig, SinkConfig, PtzConfig)


def _path(package: str) -> Iterable[str]:
    return import_module(package).__path__
