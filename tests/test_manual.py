"""Every page of the manual has its parts, and definitions say the numbers that decide."""

from __future__ import annotations

import re
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import beffroi
import pytest
from beffroi.cli import app
from beffroi.cli.app import MISTAKE
from beffroi.components import DetectorConfig
from beffroi.config import examine
from beffroi.config.health import Health
from beffroi.errors import BeffroiError
from beffroi.manual import PIXEL_DETECTORS, Page, page, pages
from beffroi.runtime.supervisor import STOP_S
from typer.testing import CliRunner

PAGES = {name: each for name, each in pages().items() if name == f"{each.name} {each.family}"}
RULES = sorted(name for name, each in PAGES.items() if each.family == "rule")
FAMILIES = ("rule", "detector", "health", "guide")
UNUSED = {("sequence", "min_score"), ("state", "min_score")}
"""Common keys of kinds that look at no boxes of their own."""
OFF = {"cooldown", "enabled", "shadow", "severity_during"}
"""Common keys whose default is that there is none of it."""


def test_everything_has_a_page() -> None:
    of = {family: {each.name for each in PAGES.values() if each.family == family} for family in FAMILIES}
    assert of["rule"] == {entry["kind"] for entry in beffroi.catalogue()}
    ours = {
        name for name, each in DetectorConfig.load_all().items() if each.__module__.startswith("beffroi.")
    }
    assert of["detector"] == ours - {"onnx", "recorded", "simulated"}
    assert of["detector"] == set(PIXEL_DETECTORS)
    assert of["health"] == {"health"} | (set(Health.model_fields) - {"enabled"})


@pytest.mark.parametrize("name", sorted(name for name, each in PAGES.items() if each.family != "guide"))
def test_a_page_says_what_holds_and_what_cannot_be_seen(name: str) -> None:
    found = PAGES[name]
    assert found.line.endswith(".") or found.family == "detector"
    holds = "What it sees" if found.family == "detector" else "What holds"
    for part in (holds, "What it cannot see"):
        # The page of the whole of camera health has these parts below each of its checks.
        assert re.search(rf"^#+ {part}\n+\S", found.text, re.MULTILINE), part


def _blocks(name: str, kind: str) -> list[str]:
    return re.findall(rf"(?ms)^```{kind}$\n(.*?)^```$", PAGES[f"{name} guide"].text)


def test_the_unit_of_the_manual_is_one() -> None:
    (text,) = _blocks("service", "ini")
    unit = ConfigParser(strict=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # keys are told apart by case
    unit.read_string(text)
    assert unit.sections() == ["Unit", "Service", "Install"]
    service = unit["Service"]
    assert service["ExecStart"].endswith("run site.yaml")
    assert int(service["TimeoutStopSec"]) > STOP_S
    assert service["RestartPreventExitStatus"] == str(MISTAKE)
    # A comment within a block of code is no heading.
    assert "\n# Passwords" in PAGES["service guide"].markdown()


def test_the_cameras_of_the_manual_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAM1", "secret")
    fixed, dome = _blocks("cameras", "yaml")
    rule = "{ name: inside, type: intrusion, zone: all }"
    zones = "{ all: [[0, 0], [1, 0], [1, 1]] }"
    dome = dome.replace("zones: {}, rules: []", f"zones: {zones}, rules: [{rule}]")
    (tmp_path / "site.yaml").write_text(
        f"site: {{ name: x, timezone: Europe/Paris, mode: evaluation }}\n{fixed}{dome}", encoding="utf-8"
    )
    found = examine(tmp_path / "site.yaml")
    # The client for ONVIF is an extra that may not be installed.
    assert all("onvif" in problem.message for problem in found.problems), found.problems


def _numbers(value: Any) -> Iterator[float]:
    """The numbers of a default, milliseconds as seconds; 0 is none of it."""
    if isinstance(value, dict):
        for each in value.values():
            yield from _numbers(each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value
    elif isinstance(value, str):
        for number, unit in re.findall(r"(\d+(?:\.\d+)?)\s*(ms)?", value):
            yield float(number) / (1000 if unit else 1)


def _missing(found: Page, language: str) -> list[str]:
    """Defaults whose numbers the definition of a page does not say, as they are or in per cent."""
    text = found.definition[language]
    if language == "fr":
        text = re.sub(r"(\d),(\d)", r"\1.\2", text)
    said = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)}
    return [
        f"{each.name}: {number:g}"
        for each in found.settings
        if each.name not in OFF and (found.name, each.name) not in UNUSED
        for number in _numbers(each.default)
        if number and not {number, round(number * 100, 6)} & said
    ]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("name", RULES)
def test_a_definition_says_every_number_of_the_defaults(name: str, language: str) -> None:
    assert _missing(PAGES[name], language) == []


def test_the_command_lists_shows_and_refuses() -> None:
    listed = CliRunner().invoke(app, ["manual"])
    assert listed.exit_code == 0
    assert len(listed.output.splitlines()) == len(PAGES)
    shown = CliRunner().invoke(app, ["manual", "loitering"])
    assert shown.output.startswith("# loitering\n")
    assert "| `after` | `1min` |" in shown.output
    assert "fr: Présence" in shown.output
    detector = CliRunner().invoke(app, ["manual", "fire", "detector"])
    assert "`verifier`" in detector.output
    assert "Flames or smoke persist" in CliRunner().invoke(app, ["manual", "fire"]).output
    with pytest.raises(BeffroiError, match="no page `loitring`; did you mean `loitering`"):
        page("loitring")
