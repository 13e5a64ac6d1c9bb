"""The manual: what every rule kind, pixel detector and check of the camera holds, and what it cannot see.

Nothing is written here: pages are the heads of the rules' files, the docstrings of the detectors and of
camera health, and the guides of ``beffroi/guide``; settings are those of their schemas, and definitions are
rendered by the core.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module, resources
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

from beffroi._core import catalogue, check
from beffroi.components import DetectorConfig, Settings
from beffroi.config import health
from beffroi.errors import BeffroiError

PIXEL_DETECTORS: Final = ("background", "fire", "light", "lying", "state")
"""Detectors that look at pixels beside the camera's own; see `beffroi.config.view.View`."""

_SAMPLE: Final[dict[str, Any]] = {
    "view": "sample",
    "aspect": 16 / 9,
    "timezone": "Europe/Paris",
    "ground": {
        "image": [[0.1625, 0.9], [0.8375, 0.9], [0.5844, 0.3], [0.4156, 0.3]],
        "metres": [[-6, 10], [6, 10], [6, 40], [-6, 40]],
    },
    "zones": {"zone": [[0.3, 0.5], [0.7, 0.5], [0.8, 0.9], [0.2, 0.9]]},
    "lines": {"line": [[0.3, 0.6], [0.7, 0.6]], "other": [[0.3, 0.4], [0.7, 0.4]]},
}
_GIVEN: Final[dict[str, Any]] = {
    "zone": "zone",
    "line": "line",
    "gates": ["line>", "other"],
    "steps": ["first", "second"],
    "within": "1min",
    "signal": "signal",
    "is": "open",
}
"""What a rule on the sample scene is given where its kind has no default."""
_MORE: Final[dict[str, dict[str, Any]]] = {
    "occupancy": {"zone": "zone", "line": "line", "at_least": 6},
    "queue": {"direction": "left_to_right"},
    "wrong_way": {"zone": "zone", "direction": [[0.5, 0.9], [0.5, 0.5]]},
}
"""What kinds need that their schema alone does not say: one of several settings."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key: its default (None: there is none, or it must be given) and what it means."""

    name: str
    default: Any
    meaning: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the manual.

    `family` is ``rule``, ``detector``, ``health`` or ``guide``; `text` is Markdown, first what it is;
    `definition` is what a rule on a sample scene means with its defaults, by language.
    """

    name: str
    family: str
    text: str
    settings: tuple[Setting, ...] = ()
    definition: Mapping[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """What it is, in one sentence."""
        return self.text.partition("\n\n")[0].replace("\n", " ")

    def markdown(self) -> str:
        """The whole page."""
        parts = [f"# {self.name}\n\n{_deeper(self.text)}"]
        if self.settings:
            rows = [f"| `{each.name}` | {_default(each)} | {_cell(each.meaning)} |" for each in self.settings]
            parts.append(
                "\n".join(["## All keys", "", "| key | default | what it means |", "|---|---|---|", *rows])
            )
        if self.definition:
            said = "\n\n".join(f"{language}: {text}" for language, text in self.definition.items())
            parts.append(f"## Definition with the defaults, on a sample scene\n\n{said}")
        return "\n\n".join(parts) + "\n"


def pages() -> dict[str, Page]:
    """Every page by its name: kinds of rules, pixel detectors, camera health with its checks, guides."""
    found = [_rule(entry) for entry in catalogue()]
    found += [_detector(name) for name in PIXEL_DETECTORS]
    found += _health()
    found += _guide()
    # Where a detector has the name of a kind of rule, it is asked for as `fire detector`.
    full = {f"{page.name} {page.family}": page for page in found}
    return {page.name: page for page in reversed(found)} | full


def page(name: str) -> Page:
    """One page.

    Raises
    ------
    BeffroiError
        If there is none of that name; the message names the nearest.
    """
    found = pages()
    if name in found:
        return found[name]
    near = difflib.get_close_matches(name, found, n=1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    raise BeffroiError(f"the manual has no page `{name}`; {hint}`beffroi manual` lists them all")


def sample(kind: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A scene with one rule of `kind` that has nothing set but what must be; it is the last one."""
    rule = {"name": kind, "type": kind, **_MORE.get(kind, {})}
    for key in schema["required"]:
        if key not in rule:
            rule[key] = _GIVEN[key] if key in _GIVEN else schema["properties"][key]["examples"][0]
    steps = [
        {"name": name, "type": "intrusion", "zone": "zone"}
        for name in (_GIVEN["steps"] if "steps" in rule else ())
    ]
    classes = schema["properties"]["classes"].get("default", [])
    return {
        **_SAMPLE,
        "classes": ["person", *sorted(set(classes) - {"person"})],
        "rules": [*steps, rule],
    }


def _deeper(text: str) -> str:
    """The same with every heading one level down; what stands in a block of code is none."""
    parts = re.split(r"(?ms)(^```.*?^```$)", text)
    return "".join(part if i % 2 else re.sub(r"(?m)^#", "##", part) for i, part in enumerate(parts))


def _rule(entry: Mapping[str, Any]) -> Page:
    definition = check(json.dumps(sample(entry["kind"], entry["schema"])))[-1]["definition"]
    return Page(entry["kind"], "rule", entry["manual"], _settings(entry["schema"]), definition)


def _detector(name: str) -> Page:
    module = import_module(f"beffroi.detectors.{name}")
    schema = DetectorConfig.load_all()[name].model_json_schema(by_alias=True)
    return Page(name, "detector", cleandoc(module.__doc__ or ""), _settings(schema))


def _health() -> list[Page]:
    whole = cleandoc(health.__doc__ or "")
    found = [Page("health", "health", whole)]
    for name, each in health.Health.model_fields.items():
        if isinstance(each.annotation, type) and issubclass(each.annotation, Settings):
            part = re.search(rf"(?ms)^# `{name}`\n(.*?)(?=^# `|\Z)", whole)
            text = part.group(1).strip() if part else ""
            text = re.sub(r"(?m)^##", "#", text)
            found.append(Page(name, "health", text, _settings(each.annotation.model_json_schema())))
    return found


def _guide() -> list[Page]:
    folder = resources.files("beffroi") / "guide"
    named = {Path(str(each)).stem: each for each in folder.iterdir() if str(each).endswith(".md")}
    return [Page(name, "guide", named[name].read_text(encoding="utf-8").strip()) for name in sorted(named)]


def _settings(schema: Mapping[str, Any]) -> tuple[Setting, ...]:
    required = schema.get("required", ())
    return tuple(
        Setting(key, value.get("default"), " ".join(value.get("description", "").split()), key in required)
        for key, value in schema["properties"].items()
        if key != "type"
    )


def _default(setting: Setting) -> str:
    if setting.required:
        return "must be given"
    if setting.default is None:
        return ""
    value = setting.default
    return f"`{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
