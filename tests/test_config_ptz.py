"""Domes in the site file: how each view is told from the others, and how each mistake is named."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from beffroi.components import BuildContext, PtzConfig, Source, SourceConfig
from beffroi.conceal import forget
from beffroi.config import examine, load
from beffroi.config.schema import site_schema
from beffroi.errors import Problem

pytest.importorskip("onvif", reason="needs the extra: pip install 'beffroi[onvif]'")

GOOD = """
site: { name: square, timezone: UTC, mode: evaluation }
cameras:
  dome:
    source: { type: live-of-a-test }
    detect: { model: deimv2-femto }
    ptz: { type: onvif, host: 10.20.0.11, user: viewer, password: "${CAM1}" }
    views:
      gate: { preset: 1 }
      yard: { preset: parking }
"""
PTZ = '    ptz: { type: onvif, host: 10.20.0.11, user: viewer, password: "${CAM1}" }\n'
PICTURE = "{ reference: gate.png }"
SECRET = "Tr0ub4dor-and-3"

Said = Callable[[str], list[str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with a picture and a film, and a live source."""

    class Live(SourceConfig):
        live: ClassVar[bool] = True
        type: Literal["live-of-a-test"]

        def build(self, context: BuildContext, fps: float | None) -> Source:
            raise NotImplementedError

    (tmp_path / "film.mp4").touch()
    (tmp_path / "gate.png").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAM1", SECRET)
    forget()
    yield tmp_path
    forget()
    del SourceConfig.types["live-of-a-test"]


def problems(text: str) -> list[str]:
    """What an examination says, each with its line and column, and its place below the camera."""
    Path("site.yaml").write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return [short(problem) for problem in examine("site.yaml").problems]


def warnings(text: str) -> list[str]:
    Path("site.yaml").write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    found = examine("site.yaml")
    assert found.problems == []
    return [short(problem) for problem in found.warnings]


def short(problem: Problem) -> str:
    assert problem.file == "site.yaml"
    assert problem.path.startswith("cameras.dome.")
    return str(problem).removeprefix("site.yaml:").replace("cameras.dome.", "", 1)


def test_a_good_dome_is_loaded() -> None:
    assert warnings(GOOD) == []
    site = load("site.yaml")
    camera = site.cameras["dome"]
    assert camera.ptz is not None
    assert (camera.ptz.type, camera.ptz.settle) == ("onvif", 1.0)
    assert camera.ptz.model_dump()["poll"] == 0.5
    assert [view.preset for view in camera.views.values()] == ["1", "parking"]
    assert site.context("dome").presets == ("1", "parking")


def test_times_are_written_as_in_rules_or_as_numbers() -> None:
    text = GOOD.replace("user: viewer", "user: viewer, poll: 250ms, timeout: 2, settle: 1.5s")
    assert problems(text) == []
    ptz = load("site.yaml").cameras["dome"].ptz
    assert ptz is not None
    assert (ptz.model_dump()["poll"], ptz.model_dump()["timeout"], ptz.settle) == (0.25, 2.0, 1.5)


def test_a_fixed_camera_needs_nothing_of_it() -> None:
    text = (
        GOOD.replace(PTZ, "").replace("      gate: { preset: 1 }\n", "").replace("{ preset: parking }", "{}")
    )
    assert warnings(text) == []


# What is replaced in GOOD, by what, and everything that is then said.
MISTAKES: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    (
        "a preset and nobody to ask",
        [(PTZ, "")],
        [
            f"{line}:{column}: views.{view}.preset: nothing tells at which preset the "
            "camera stands: add `ptz: { type: onvif, host: ... }` to the camera, or give the view a "
            "`reference` picture instead"
            for line, column, view in ((7, 23, "gate"), (8, 23, "yard"))
        ],
    ),
    (
        "one preset and nobody to ask",
        [(PTZ, ""), ("      yard: { preset: parking }\n", "")],
        [
            "7:23: views.gate.preset: nothing tells at which preset the camera stands: "
            "add `ptz: { type: onvif, host: ... }` to the camera, or leave `preset` out"
        ],
    ),
    (
        "somebody to ask and no preset",
        [("{ preset: 1 }", "{}"), ("      yard: { preset: parking }\n", "")],
        ['6:5: ptz: no view names its `preset`: write `preset: "1"` into the view, or leave `ptz` out'],
    ),
    (
        "a view without a preset",
        [("{ preset: parking }", PICTURE)],
        [
            "9:7: views.yard: is one of several views of a dome: name the preset that "
            'shows it, such as `preset: "2"`'
        ],
    ),
    (
        "a preset named twice",
        [("preset: parking", 'preset: "1"')],
        ["9:23: views.yard.preset: preset 1 shows the view `gate` already: each view has one of its own"],
    ),
    (
        "a recording is asked",
        [("{ type: live-of-a-test }", "{ type: file, path: film.mp4 }")],
        ["6:5: ptz: a recording has no dome that could be asked: leave `ptz` and `preset` out"],
    ),
    (
        "a recording with presets",
        [("{ type: live-of-a-test }", "{ type: file, path: film.mp4 }"), (PTZ, "")],
        [
            f"{line}:23: views.{view}.preset: a recording has no dome that could be asked: "
            "leave `preset` out, and give the view a `reference` picture"
            for line, view in ((7, "gate"), (8, "yard"))
        ],
    ),
    (
        "views that nothing tells apart",
        [(PTZ, ""), ("{ preset: 1 }", PICTURE), ("{ preset: parking }", "{}")],
        [
            "8:7: views.yard: nothing tells when this one of several views is in sight: "
            "give the view a `reference` picture, or add `ptz: { type: onvif, host: ... }` to the camera and "
            "a `preset` to each view"
        ],
    ),
    (
        "pictures that nobody looks at",
        [
            (PTZ, "    health: { view_moved: { enabled: false } }\n"),
            ("{ preset: 1 }", PICTURE),
            ("{ preset: parking }", PICTURE),
        ],
        [
            f"{line}:7: views.{view}: nothing tells when this one of several views is in "
            "sight, for `health.view_moved` is off: switch it on, and give the view a `reference` picture"
            for line, view in ((8, "gate"), (9, "yard"))
        ],
    ),
    (
        "an empty preset",
        [("{ preset: 1 }", '{ preset: "" }')],
        ["8:23: views.gate.preset: is empty"],
    ),
    (
        "no type",
        [("type: onvif, ", "")],
        ["6:5: ptz.type: is missing: one of onvif"],
    ),
    (
        "another type",
        [("type: onvif", "type: pelco")],
        ["6:18: ptz.type: there is no ptz of type `pelco`; known: onvif"],
    ),
    ("no host", [("host: 10.20.0.11, ", "")], ["6:5: ptz.host: is missing"]),
    (
        "a password in the host",
        [("host: 10.20.0.11", "host: http://admin:hunter22@10.20.0.11")],
        [
            "6:31: ptz.host: should be a host name or an address alone, such as "
            "10.20.0.11; the port goes into `port`"
        ],
    ),
    (
        "a password that is none",
        [('password: "${CAM1}"', "password: [hunter22]")],
        ["6:57: ptz.password: should be text that is not empty, such as ${CAM1}"],
    ),
    (
        "a password of nobody",
        [("user: viewer, ", "")],
        ["6:5: ptz: a `password` needs the `user` whose it is"],
    ),
    (
        "a time that is none",
        [("user: viewer", "poll: often")],
        ['6:49: ptz.poll: should be a number, got "often"'],
    ),
    (
        "a time too short",
        [("user: viewer", "poll: 10ms")],
        ["6:49: ptz.poll: should be at least 0.1, got 0.01"],
    ),
    (
        "a slip of the pen",
        [("host:", "hots:")],
        [
            "6:5: ptz.host: is missing",
            "6:25: ptz.hots: there is no such setting; did you mean `host`? known: events, "
            "host, password, poll, port, profile, settle, timeout, tolerance, type, user",
        ],
    ),
]


@pytest.mark.parametrize(
    ("changes", "expected"), [each[1:] for each in MISTAKES], ids=[each[0] for each in MISTAKES]
)
def test_a_mistake_is_named_with_its_place(changes: list[tuple[str, str]], expected: list[str]) -> None:
    text = GOOD
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    said = problems(text)
    assert said == expected
    assert not any(secret in line for line in said for secret in (SECRET, "hunter22", "viewer"))


BY_PICTURE = GOOD.replace(PTZ, "").replace("{ preset: 1 }", PICTURE).replace("{ preset: parking }", PICTURE)
ONLY_THE_PICTURE = (
    "views: only the picture tells which of the 2 views is in sight: in a light that no reference "
    "shows, none is judged; `ptz: { type: onvif, host: ... }` and a `preset` for each view would always tell"
)


def test_views_with_pictures_need_no_dome_and_get_a_warning() -> None:
    assert warnings(BY_PICTURE) == [f"6:5: {ONLY_THE_PICTURE}"]
    recorded = BY_PICTURE.replace("type: live-of-a-test", "type: file, path: film.mp4")
    assert warnings(recorded) == [f"6:5: {ONLY_THE_PICTURE}"]


def test_a_view_that_was_learnt_needs_no_picture() -> None:
    text = BY_PICTURE.replace(f"yard: {PICTURE}", "yard: {}")
    assert len(problems(text)) == 1
    kept = Path("learnt/dome/views/yard")
    kept.mkdir(parents=True)
    (kept / "reference-1.png").touch()
    assert warnings(text) == [f"6:5: {ONLY_THE_PICTURE}"]
    elsewhere = f"learnt: seen\n{text.lstrip()}"
    assert len(problems(elsewhere)) == 1
    kept.parents[2].rename("seen")
    assert problems(elsewhere) == []


def test_a_dome_without_a_guard_gets_a_warning() -> None:
    text = GOOD.replace("    views:\n", "    health: { enabled: false }\n    views:\n")
    assert warnings(text) == [
        "6:5: ptz: `health.view_moved` is off: only the dome tells which view is in sight, "
        "up to two seconds late"
    ]


def test_credentials_are_shown_nowhere() -> None:
    assert problems(GOOD.replace("10.20.0.11", "10.20.0.11, port: 8080")) == []
    site = load("site.yaml")
    ptz = site.cameras["dome"].ptz
    texts = [repr(site), str(site), repr(ptz), f"{ptz}", site.model_dump_json(), repr(site.model_dump())]
    assert not any(SECRET in text for text in texts)
    # Also where the password stands in the file itself, for nobody then knows that it is one.
    assert problems(GOOD.replace('"${CAM1}"', "hunter22")) == []
    site = load("site.yaml")
    texts = [repr(site), repr(site.cameras["dome"].ptz), site.model_dump_json()]
    assert not any("hunter22" in text for text in texts)
    assert "viewer" not in repr(site)


def test_a_password_may_be_a_number() -> None:
    assert problems(GOOD.replace('"${CAM1}"', "12345678")) == []


def test_the_missing_extra_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, "beffroi.ptz.onvif", raising=False)
    monkeypatch.delitem(PtzConfig.types, "onvif", raising=False)
    assert problems(GOOD) == [
        "6:5: ptz: the ptz type onvif needs onvif, which does not import (No module named "
        "'onvif'); install it: pip install 'beffroi[onvif]'"
    ]


def test_the_schema_knows_domes() -> None:
    schema = site_schema()
    assert schema["$defs"]["Camera"]["properties"]["ptz"]["$ref"] == "#/$defs/PtzConfig"
    [onvif] = [
        each
        for each in schema["$defs"]["PtzConfig"]["oneOf"]
        if each["properties"]["type"]["const"] == "onvif"
    ]
    assert onvif["required"] == ["type", "host"]
