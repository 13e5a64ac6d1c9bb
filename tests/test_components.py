"""Components: found by their file, chosen by their type, and clear about what they lack."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Literal

import pytest
from beffroi import components
from beffroi.components import FAMILIES, BuildContext, Component, DetectorConfig, SinkConfig, SourceConfig
from beffroi.errors import MissingDependency
from pydantic import ValidationError


@pytest.fixture
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Component]]:
    """A family of its own, whose folder has one good file and one that lacks a package."""

    class Lamp(Component):
        family = "lamp"
        folder = "lamps_of_a_test"

    package = tmp_path / "lamps_of_a_test"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "_parts.py").write_text("raise RuntimeError('files with _ are nobody\\'s type')")
    (package / "led.py").write_text("from lamps_of_a_test._family import Lamp\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "lamps_of_a_test._family", _module(Lamp))
    (package / "led.py").write_text(
        "from typing import Literal\n"
        "from lamps_of_a_test._family import Lamp\n"
        "class Led(Lamp):\n    type: Literal['led', 'led-strip']\n    watts: float = 3\n"
    )
    (package / "gas.py").write_text("import a_package_that_nobody_has\n")
    yield Lamp
    for name in [name for name in sys.modules if name.startswith("lamps_of_a_test")]:
        del sys.modules[name]


def _module(lamp: type[Component]) -> object:
    class Module:
        Lamp = lamp

    return Module()


def complaint(family: type[Component], settings: object) -> tuple[tuple[int | str, ...], str]:
    with pytest.raises(ValidationError) as error:
        family.parse(settings)
    [each] = error.value.errors()
    return each["loc"], each["msg"]


def test_a_file_is_a_type(family: type[Component]) -> None:
    assert family.known() == ["gas", "led", "led-strip"]
    led = family.parse({"type": "led", "watts": 5})
    assert type(led).__name__ == "Led"
    assert led.model_dump() == {"type": "led", "watts": 5.0}
    assert family.parse(led) is led
    assert family.parse({"type": "led-strip"}).type == "led-strip"


def test_what_is_wrong_is_named(family: type[Component]) -> None:
    assert complaint(family, {"type": "lde"}) == (
        ("type",),
        "there is no lamp of type `lde`; did you mean `led`? known: gas, led, led-strip",
    )
    assert complaint(family, {}) == (("type",), "is missing: one of gas, led, led-strip")
    assert complaint(family, {"type": 3}) == (("type",), "should be one of gas, led, led-strip")
    assert complaint(family, "led") == ((), "should be a mapping with a `type`, such as { type: gas }")
    assert complaint(family, {"type": "led", "wats": 1})[0] == ("wats",)


def test_a_missing_package_is_named_when_the_type_is_asked_for(family: type[Component]) -> None:
    assert list(family.load_all()) == ["led", "led-strip"]
    with pytest.raises(MissingDependency) as error:
        family.parse({"type": "gas"})
    assert str(error.value) == (
        "the lamp type gas needs a_package_that_nobody_has, which does not import "
        "(No module named 'a_package_that_nobody_has'); install it: pip install a_package_that_nobody_has"
    )


def test_a_missing_package_has_its_install_line() -> None:
    assert MissingDependency("the detector type onnx", "onnxruntime").install.startswith(
        "pip install 'beffroi[cpu]'"
    )
    assert MissingDependency("a recording in Parquet", "pyarrow.parquet").install == (
        "pip install 'beffroi[parquet]'"
    )


def test_other_packages_bring_types_by_entry_point(
    family: type[Component], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "somebody_elses_lamp.py").write_text(
        "from typing import Literal\n"
        "from lamps_of_a_test._family import Lamp\n"
        "class Neon(Lamp):\n    type: Literal['neon']\n"
    )
    entry = EntryPoint("neon", "somebody_elses_lamp", "lamps_of_a_test")
    monkeypatch.setattr(
        components, "entry_points", lambda group: [entry] if group == "lamps_of_a_test" else []
    )
    assert "neon" in family.known()
    assert family.parse({"type": "neon"}).type == "neon"


def test_what_ships() -> None:
    shipped = {family.family: set(family.known()) for family in FAMILIES}
    assert shipped["source"] >= {"file", "images", "simulated"}
    assert shipped["detector"] >= {"onnx", "simulated"}
    assert shipped["sink"] >= {"jsonl"}


def test_a_detector_without_a_type_is_onnx() -> None:
    assert DetectorConfig.parse({"model": "deimv2-femto"}).type == "onnx"


def test_only_what_says_so_is_not_live() -> None:
    class Plain(SourceConfig):
        type: Literal["plain-of-a-test"]

    try:
        assert Plain.live
        assert not SourceConfig.parse({"type": "file", "path": "x"}).live
    finally:
        del SourceConfig.types["plain-of-a-test"]


def test_settings_never_change_and_refuse_what_they_do_not_know() -> None:
    sink = SinkConfig.parse({"type": "jsonl", "path": "x"})
    with pytest.raises(ValidationError, match="frozen"):
        sink.type = "other"
    with pytest.raises(ValidationError, match="Extra inputs"):
        SinkConfig.parse({"type": "jsonl", "pth": "x"})


def test_relative_paths_start_at_the_site() -> None:
    context = BuildContext(camera="gate", folder=Path("/srv/site"))
    assert context.path("clips/a.mp4") == Path("/srv/site/clips/a.mp4")
    assert context.path("/data/a.mp4") == Path("/data/a.mp4")


@pytest.mark.parametrize("family", FAMILIES)
def test_what_has_no_build_says_so(family: type[SourceConfig]) -> None:
    assert family.default_type in (None, "onnx")
    bare = family.model_construct(type="bare")
    with pytest.raises(NotImplementedError):
        bare.build(BuildContext("", Path()), *([None] if family is SourceConfig else []))
