"""The JSON Schema of a site file: generated, committed, and true."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from beffroi import catalogue
from beffroi.config import examine
from beffroi.config.schema import committed
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

SITES = Path(__file__).parent / "sites"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(committed())
    return parsed


def plain(path: Path) -> Any:
    """A YAML file as JSON would hold it: dates are texts."""
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(path), default=str))


def mistakes(schema: dict[str, Any], site: Any) -> list[str]:
    return [str(error.json_path) for error in Draft202012Validator(schema).iter_errors(site)]


def test_the_committed_schema_is_the_generated_one() -> None:
    # In a process of its own: tests register components that do not ship.
    answer = subprocess.run(
        [sys.executable, "-m", "beffroi", "schema"], capture_output=True, text=True, check=True
    )
    drifted = "run: python -m beffroi schema > python/beffroi/schema/site.json"
    assert answer.stdout == committed(), drifted


def test_it_is_a_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)


def test_every_kind_of_rule_is_a_variant(schema: dict[str, Any]) -> None:
    kinds = [variant["properties"]["type"]["const"] for variant in schema["$defs"]["Rule"]["oneOf"]]
    assert kinds == [entry["kind"] for entry in catalogue()]


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("SourceConfig", {"file", "images"}),
        ("DetectorConfig", {"onnx"}),
        ("SinkConfig", {"jsonl"}),
    ],
)
def test_every_component_is_a_variant(schema: dict[str, Any], family: str, expected: set[str]) -> None:
    variants = schema["$defs"][family]["oneOf"]
    assert expected <= {variant["properties"]["type"]["const"] for variant in variants}


def test_every_setting_is_described(schema: dict[str, Any]) -> None:
    silent = [
        f"{name}.{key}"
        for name, part in {**schema["$defs"], "Site": schema}.items()
        for variant in part.get("oneOf", [part])
        for key, setting in variant.get("properties", {}).items()
        if "$ref" not in setting and not setting.get("description")
    ]
    assert silent == []


@pytest.mark.parametrize("name", ["small.yaml", "large/site.yaml"])
def test_sample_sites_are_valid(schema: dict[str, Any], name: str) -> None:
    site = plain(SITES / name)
    for camera in sorted((SITES / name).parent.glob("cameras/*.yaml")):
        site.setdefault("cameras", {})[camera.stem] = plain(camera)
    assert mistakes(schema, site) == []
    # Their clips do not ship.
    assert {problem.path.rpartition(".")[2] for problem in examine(SITES / name).problems} == {"path"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"site": {"name": "x"}}, ["$.site"]),
        ({"sites": 1}, ["$"]),
        ({"site": {"name": "x", "timezone": "UTC", "mode": "lve"}}, ["$.site.mode"]),
        ({"sinks": {"a": {"type": "jsonl", "pth": 1}}}, ["$.sinks.a"]),
    ],
)
def test_mistakes_are_refused(schema: dict[str, Any], change: dict[str, Any], expected: list[str]) -> None:
    assert mistakes(schema, plain(SITES / "small.yaml") | change) == expected


def test_a_wrong_rule_is_refused(schema: dict[str, Any]) -> None:
    site = plain(SITES / "small.yaml")
    site["cameras"]["place-du-marche"]["views"]["marche"]["rules"][0]["zonne"] = "trottoir"
    assert mistakes(schema, site) == ["$.cameras['place-du-marche'].views.marche.rules[0]"]
