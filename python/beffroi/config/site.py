"""The site file as pydantic models: what may stand in it, and what holds when it is left out."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    SerializeAsAny,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from beffroi.components import BuildContext, DetectorConfig, PtzConfig, Settings, SinkConfig, SourceConfig
from beffroi.config.health import Health
from beffroi.config.schedule import Calendar, Schedule
from beffroi.config.view import View, parsed
from beffroi.detectors._span import Span, milliseconds

# Names become folders, topics and identifiers of incidents: letters of any language, digits, space . _ -
Name = Annotated[str, StringConstraints(pattern=r"^\w[\w .-]{0,99}$")]


Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        message = "should be an IANA time zone such as Europe/Paris"
        raise PydanticCustomError("timezone", message) from error
    return name


class Header(Settings):
    """What the site is."""

    name: Annotated[str, StringConstraints(min_length=1)] = Field(
        description="Name of the site, in any language."
    )
    timezone: Annotated[str, AfterValidator(_known_timezone)] = Field(
        description="IANA time zone of the cameras, such as Europe/Paris."
    )
    position: tuple[Latitude, Longitude] | None = Field(
        default=None,
        description="Where it is: [latitude, longitude] in degrees; hours by the sun need it.",
    )
    language: Literal["fr", "en"] = Field(
        default="en", description="Language of what operators and the public read."
    )
    mode: Literal["live", "evaluation"] = Field(
        default="live",
        description="live: every rule over a live camera names its authorisation; "
        "evaluation: nothing does, and everything is marked as an evaluation.",
    )


class Authorisation(Settings):
    """An act that allows rules to run over live cameras."""

    id: Name = Field(description="How rules name it.")
    act: str = Field(min_length=1, description="The act, as its authority names it.")
    authority: str = Field(min_length=1, description="Who gave it.")
    from_: date = Field(alias="from", description="First day.")
    until: date = Field(description="Last day.")
    purpose: str = Field(min_length=1, description="What for.")
    cameras: tuple[str, ...] = Field(min_length=1, description="Names of the cameras that it covers.")
    behaviours: tuple[str, ...] = Field(min_length=1, description="Kinds of rules that it covers.")

    @model_validator(mode="after")
    def _days_in_order(self) -> "Authorisation":
        if self.until < self.from_:
            raise PydanticCustomError(
                "days",
                "ends ({until}) before it begins ({begins})",
                {"until": self.until.isoformat(), "begins": self.from_.isoformat()},
            )
        return self

    def refusal(self, camera: str, behaviour: str) -> str | None:
        """Why it does not cover a behaviour over a camera; None if it does."""
        if camera not in self.cameras:
            return f"the authorisation {self.id} does not cover the camera {camera}"
        if behaviour not in self.behaviours:
            return f"the authorisation {self.id} does not cover {behaviour}"
        return None

    def out_of_date(self, today: date) -> str | None:
        """Why it does not hold on a day; None if it does."""
        if today < self.from_:
            return f"the authorisation {self.id} begins on {self.from_.isoformat()}"
        if today > self.until:
            return f"the authorisation {self.id} ended on {self.until.isoformat()}"
        return None


class Camera(Settings):
    """A stream, what finds things in it, and what it looks at."""

    source: Annotated[SerializeAsAny[SourceConfig], parsed(SourceConfig)] = Field(
        description="Where the pictures come from."
    )
    detect: Annotated[SerializeAsAny[DetectorConfig], parsed(DetectorConfig)] = Field(
        description="What finds the boxes; without `type` it is onnx."
    )
    ptz: Annotated[SerializeAsAny[PtzConfig], parsed(PtzConfig)] | None = Field(
        default=None,
        description="Of a dome: what tells at which of its presets it stands. Each view then names its "
        "`preset`.",
    )
    views: dict[Name, View] = Field(
        min_length=1,
        description="What the camera looks at, by name: one view, or one for each preset of a dome.",
    )
    health: Health = Field(
        default=Health(), description="What is always watched of the camera itself, without a rule."
    )


class StoreSettings(Settings):
    """Where alerts are kept."""

    path: str = Field(
        default="beffroi.db",
        min_length=1,
        description="SQLite file, relative to the folder of the site file.",
    )


def _short(span: str) -> str:
    if milliseconds(span) > LONGEST_MS:
        message = "should be at most {most}s: every camera keeps that much in memory"
        raise PydanticCustomError("value_error", message, {"most": LONGEST_MS // 1000})
    return span


LONGEST_MS = 60_000
"""How much a clip may show before or after its alert."""

Around = Annotated[Span, AfterValidator(_short)]


class Evidence(Settings):
    """The pictures and clips that are kept with alerts, and how long and how many of them."""

    snapshots: bool = Field(default=True, description="Keep a picture of each alert's start.")
    clips: bool = Field(default=True, description="Keep a clip of each alert's start; live cameras only.")
    before: Around = Field(default="10s", description="How much a clip shows before the start, up to 60s.")
    after: Around = Field(default="10s", description="How much a clip shows after the start, up to 60s.")
    blur: bool = Field(
        default=True, description="Blur people and the lower half of vehicles in pictures and clips."
    )
    originals: bool = Field(
        default=False,
        description="Keep clips also as they came from the camera, unblurred, in folders `originals` that "
        "only the owner of the files may open. Never of a camera with masks.",
    )
    folder: str = Field(
        default="evidence", min_length=1, description="Where, relative to the folder of the site file."
    )
    keep_days: float = Field(
        default=3, gt=0, le=30, description="What is older is removed; 30 days are the most."
    )
    most_gb: float = Field(
        default=20, gt=0, description="Most that everything together may take, in GB; the oldest goes first."
    )
    least_free_gb: float = Field(
        default=1,
        ge=0,
        description="How much of the disk must stay free, in GB: with less no clips are written, and the "
        "oldest evidence is removed.",
    )

    @property
    def before_ms(self) -> int:
        return milliseconds(self.before)

    @property
    def after_ms(self) -> int:
        return milliseconds(self.after)

    @model_validator(mode="after")
    def _some_time(self) -> "Evidence":
        if self.clips and not self.before_ms + self.after_ms:
            raise PydanticCustomError(
                "value_error", "clips of 0s: set `before` or `after`, or `clips: false`"
            )
        return self


class Site(Settings):
    """A whole site, as its file (and its folder ``cameras``) say it."""

    site: Header = Field(description="What the site is.")
    secrets: str | None = Field(
        default=None,
        description="File of NAME=value lines for `${NAME}`, where the environment does not hold them.",
    )
    authorisations: tuple[Authorisation, ...] = Field(
        default=(), description="What allows rules over live cameras."
    )
    schedules: dict[Name, Schedule] = Field(default_factory=dict, description="Times that rules name.")
    cameras: dict[Name, Camera] = Field(
        min_length=1, description="Cameras by name; or left out, with a file cameras/NAME.yaml for each."
    )
    sinks: dict[Name, Annotated[SerializeAsAny[SinkConfig], parsed(SinkConfig)]] = Field(
        default_factory=dict, description="Where alerts are sent, by name."
    )
    store: StoreSettings = Field(default=StoreSettings(), description="Where alerts are kept.")
    evidence: Evidence = Field(default=Evidence(), description="The pictures kept with alerts.")
    learnt: str = Field(
        default="learnt",
        min_length=1,
        description="Folder for what is learnt of places (empty scenes, never people), "
        "relative to the folder of the site file.",
    )

    _path: Path = PrivateAttr(default=Path("site.yaml"))

    @property
    def name(self) -> str:
        return self.site.name

    @property
    def timezone(self) -> str:
        return self.site.timezone

    @property
    def calendar(self) -> Calendar:
        """Schedules and position."""
        return Calendar(self.schedules, self.site.position)

    @property
    def language(self) -> str:
        return self.site.language

    @property
    def mode(self) -> str:
        return self.site.mode

    @property
    def path(self) -> Path:
        """The file that the site was read from."""
        return self._path

    @property
    def folder(self) -> Path:
        """Folder of the site file: relative paths start here."""
        return self._path.parent

    def context(self, camera: str = "") -> BuildContext:
        """What the components of a camera (or of the whole site) are built with.

        What is learnt is kept for live cameras only: a recording seen twice must give the same twice.
        """
        live = camera in self.cameras and self.cameras[camera].source.live
        state = self.folder / Path(self.learnt).expanduser() / camera if live else None
        views = self.cameras[camera].views.values() if camera in self.cameras else ()
        presets = tuple(view.preset for view in views if view.preset is not None)
        return BuildContext(camera=camera, folder=self.folder, state=state, presets=presets)

    def is_evaluation(self, camera: str) -> bool:
        """Whether what a camera shows is an evaluation: the whole site is, or its source is not live."""
        return self.mode == "evaluation" or not self.cameras[camera].source.live

    def with_path(self, path: Path) -> "Site":
        """The same site, read from `path`."""
        copy = self.model_copy()
        copy._path = path
        return copy
