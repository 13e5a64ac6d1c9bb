"""One thing that a camera can look at: its drawing and its rules."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SerializeAsAny
from pydantic_core import PydanticCustomError

from beffroi.components import Component, DetectorConfig, Settings
from beffroi.config.schedule import Calendar
from beffroi.errors import MissingDependency


def _number(value: object) -> object:
    # A quoted number or a truth value is a slip of the pen, not a coordinate.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("coordinate", "should be a number")
    return value


def _point(value: object) -> object:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise PydanticCustomError("point", "should be a point: [x, y]")
    return value


def parsed(family: type[Component]) -> BeforeValidator:
    """Reads a component of `family` by its ``type``."""

    def parse(value: object) -> Component:
        try:
            return family.parse(value)
        except MissingDependency as error:
            raise PydanticCustomError("dependency", "{message}", {"message": str(error)}) from error

    return BeforeValidator(parse, json_schema_input_type=dict[str, Any])


Coordinate = Annotated[float, BeforeValidator(_number)]
Point = Annotated[tuple[Coordinate, Coordinate], BeforeValidator(_point)]
Points = tuple[Point, ...]
Rule = dict[str, Any]
TIMES = ("schedule", "severity_during")
"""Keys of a rule that ask for the time of day."""


class Ground(Settings):
    """Ground calibration: ``image[i]`` in the picture is ``metres[i]`` on the ground."""

    image: Points = Field(
        description="At least four points of the picture, relative to it, no three in a line."
    )
    metres: Points = Field(description="The same points on the ground, in metres from any origin.")


class View(Settings):
    """What a camera looks at. Points are relative to the picture: [x, y] in 0..1 from the top left."""

    preset: Annotated[str, Field(coerce_numbers_to_str=True, min_length=1)] | None = Field(
        default=None,
        description="Preset of the dome that shows this view, by its token or its name; left out for a fixed "
        "camera.",
    )
    ground: Ground | None = Field(default=None, description="Ground calibration; rules in metres need it.")
    zones: dict[str, Points] = Field(default_factory=dict, description="Zones by name: corners, in order.")
    lines: dict[str, Points] = Field(
        default_factory=dict,
        description="Lines by name: two or more points; left and right are those of somebody who looks from "
        "the first to the last.",
    )
    routes: dict[str, Points] = Field(
        default_factory=dict,
        description="Routes by name: the permitted way along a road, two or more points.",
    )
    masks: dict[str, Points] = Field(
        default_factory=dict,
        description="Areas that nobody may look into, by name: blackened before anything else happens.",
    )
    also: tuple[Annotated[SerializeAsAny[DetectorConfig], parsed(DetectorConfig)], ...] = Field(
        default=(),
        description="Detectors that look beside the camera's own, in this order. Those that a rule needs are "
        "there without being named: name them to change their settings.",
    )
    reference: str | None = Field(
        default=None,
        min_length=1,
        description="Picture of the view as it was drawn on, relative to the folder of the site file; the "
        "view guard compares with it. Left out, the view is learnt.",
    )
    rules: tuple[Rule, ...] = Field(default=(), description="What is watched for.")

    def scene(
        self,
        camera: str,
        view: str,
        labels: Sequence[str] | None,
        aspect: float,
        timezone: str,
        *,
        calendar: Calendar | None = None,
    ) -> dict[str, Any]:
        """The view as the engine takes it (`beffroi.Engine`, as JSON).

        Parameters
        ----------
        camera, view
            Their names; together they name the view in every incident.
        labels
            What a class id of the detector means; None for the 80 labels of COCO.
        aspect
            Width of the picture divided by its height.
        timezone
            IANA name of the site's time zone.
        calendar
            Schedules by name; None where media time is no time of day: rules then run at all hours.
        """
        scene: dict[str, Any] = {"view": f"{camera}/{view}", "aspect": aspect, "timezone": timezone}
        if labels is not None:
            scene["classes"] = list(labels)
        if self.ground is not None:
            scene["ground"] = self.ground.model_dump(mode="json")
        drawn = {"zones": self.zones, "lines": self.lines, "routes": self.routes}
        scene |= {family: _lists(shapes) for family, shapes in drawn.items() if shapes}
        timeless = TIMES if calendar is None else ()
        scene["rules"] = [
            {key: value for key, value in rule.items() if key not in timeless} for rule in self.rules
        ]
        if calendar is not None and calendar.schedules:
            scene |= calendar.scene()
        return scene


def _lists(shapes: Mapping[str, Points]) -> dict[str, list[list[float]]]:
    return {name: [list(point) for point in points] for name, points in shapes.items()}
