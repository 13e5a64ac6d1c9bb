"""The JSON Schema of a site file: its models, the rules of the catalogue, every component that imports.

Nothing is declared here: rules and components bring their own schemas, which are put in their places.
"""

import json
from importlib.resources import files
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from beffroi.components import FAMILIES, Component, DetectorConfig, PtzConfig, SinkConfig, SourceConfig
from beffroi.config.judge import kinds
from beffroi.config.site import Site

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Untitled(GenerateJsonSchema):
    """Without the titles that pydantic makes of the names: they say nothing that the names do not."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def site_schema() -> dict[str, Any]:
    """The schema, made from what is installed."""
    schema = Site.model_json_schema(by_alias=True, schema_generator=_Untitled)
    definitions = schema["$defs"]
    camera, sinks = definitions["Camera"]["properties"], schema["properties"]["sinks"]
    _refer(camera["source"], SourceConfig)
    _refer(camera["detect"], DetectorConfig)
    _refer(camera["ptz"], PtzConfig)
    for place in sinks["patternProperties"].values():
        _refer(place, SinkConfig)
    for family in FAMILIES:
        definitions[family.__name__] = _variants(family, definitions)
    definitions["Rule"] = {
        "description": "What is watched for. The `type` says which other keys there are.",
        "discriminator": {"propertyName": "type"},
        "oneOf": [_rule(kind, dict(rule), definitions) for kind, rule in kinds().items()],
    }
    _refer(definitions["View"]["properties"]["also"]["items"], DetectorConfig)
    definitions["View"]["properties"]["rules"]["items"] = {"$ref": "#/$defs/Rule"}
    schema["$defs"] = dict(sorted(definitions.items()))
    # Cameras may stand in files of their own, see `beffroi.config.examine`.
    required = [key for key in schema["required"] if key != "cameras"]
    return {"$schema": DIALECT, "title": "beffroi site", **_rest(schema), "required": required}


def committed() -> str:
    """The schema that ships with the package, as text."""
    return files("beffroi").joinpath("schema/site.json").read_text(encoding="utf-8")


def rendered() -> str:
    """`site_schema` as the text that is committed."""
    return json.dumps(site_schema(), indent=1, ensure_ascii=False) + "\n"


def _rest(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in ("title", "required")}


def _refer(place: dict[str, Any], family: type[Component]) -> None:
    """Where any mapping may stand in the models, the file wants a component of the family."""
    for key in ("additionalProperties", "type", "anyOf", "default"):
        place.pop(key, None)
    place["$ref"] = f"#/$defs/{family.__name__}"


def _variants(family: type[Component], definitions: dict[str, Any]) -> dict[str, Any]:
    variants = []
    for name, component in family.load_all().items():
        own = component.model_json_schema(by_alias=True, schema_generator=_Untitled)
        definitions |= own.pop("$defs", {})
        own["properties"]["type"] = {"const": name, "description": f"This kind of {family.family}."}
        if name == family.default_type:
            own["required"] = [key for key in own.get("required", []) if key != "type"]
        variants.append(own)
    return {"description": family.__doc__, "discriminator": {"propertyName": "type"}, "oneOf": variants}


def _rule(kind: str, schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    definitions |= schema.pop("$defs", {})
    properties = dict(schema["properties"])
    properties["type"] = {"const": kind, "description": schema.get("description", "")}
    return {**schema, "properties": properties}
