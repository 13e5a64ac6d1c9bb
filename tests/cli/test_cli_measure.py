"""Commands that measure and show: what they are given arrives, and what they answer is printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from beffroi.errors import AssetError
from commands import Beffroi
from rich.table import Table


class Report:
    """A report as every measurement gives one."""

    def as_json(self) -> dict[str, Any]:
        return {"precision": 0.5, "name": "é"}

    def table(self) -> Table:
        return Table("figures")

    def tables(self) -> list[Table]:
        return [Table("overall"), Table("by clip")]


class Asked:
    """Stands where a measurement stands, and remembers what it was asked."""

    def __init__(self, answer: object = None) -> None:
        self.answer = Report() if answer is None else answer
        self.arguments: tuple[Any, ...] = ()
        self.options: dict[str, Any] = {}

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.arguments, self.options = arguments, options
        return self.answer


def test_alarms(beffroi: Beffroi, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    monkeypatch.setattr("beffroi.evaluate.alarms.evaluate", asked)
    answer = beffroi("evaluate", "alarms", "truth.toml")
    assert (answer.code, answer.out) == (0, "")
    assert "overall" in answer.err
    assert "by clip" in answer.err
    nothing = dict.fromkeys(("clips", "model", "actev", "cache", "progress"))
    assert (asked.arguments, asked.options) == ((Path("truth.toml"),), nothing)
    options = ["--alpha", "0.5", "--clip", "a", "--clip", "b", "--model", "m"]
    folders = ["--actev", "out", "--cache", "boxes"]
    answer = beffroi("evaluate", "alarms", "truth.toml", *options, *folders, "--json")
    assert answer.json == Report().as_json()
    assert asked.options == {
        "alpha": 0.5,
        "clips": ["a", "b"],
        "model": "m",
        "actev": Path("out"),
        "cache": Path("boxes"),
        "progress": None,
    }


def test_tracking(beffroi: Beffroi, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    monkeypatch.setattr("beffroi.evaluate.tracking.evaluate", asked)
    assert beffroi("evaluate", "tracking", "mot", "--fps", "5", "--json").json == Report().as_json()
    nothing = {"rate": None, "size": None, "progress": None}
    assert (asked.arguments, asked.options) == ((Path("mot"),), {"fps": 5.0, **nothing})
    answer = beffroi("evaluate", "tracking", "mot", "--rate", "8", "--size", "1280x960")
    assert (answer.code, answer.out) == (0, "")
    assert asked.options == {"fps": None, "rate": 8.0, "size": (1280, 960), "progress": None}
    assert "figures" in answer.err
    answer = beffroi("evaluate", "tracking", "mot", "--size", "1280")
    assert (answer.code, answer.out) == (2, "")
    assert "`1280` is not WIDTHxHEIGHT, such as 1920x1080" in " ".join(answer.err.split())


def test_bench(beffroi: Beffroi, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    monkeypatch.setattr("beffroi.bench.bench", asked)
    assert beffroi("bench", "--json").json == Report().as_json()
    assert asked.options["device"] == "auto"
    assert beffroi("bench", "--device", "cuda").out == ""
    assert asked.options["device"] == "cuda"
    answer = beffroi("bench", "--device", "tpu")
    assert (answer.code, answer.out) == (2, "")
    assert "'tpu' is not one of 'auto', 'cpu', 'cuda'" in " ".join(answer.err.replace("│", "").split())


def test_bench_of_cameras(beffroi: Beffroi, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    monkeypatch.setattr("beffroi.capacity.capacity", asked)
    answer = beffroi("bench", "cameras", "--cameras", "3", "--soak", "2", "--tiles", "off", "--json")
    assert answer.json == Report().as_json()
    (wanted, _say) = asked.arguments
    assert (wanted.cameras, wanted.seconds, wanted.size) == (3, 120, (1280, 720))
    assert wanted.detector() == {"type": "onnx", "fps": 4, "tiles": "off"}
    assert beffroi("bench", "cameras", "--model", "yolox-nano").out == ""
    assert asked.arguments[0].cameras is None
    assert asked.arguments[0].detector()["model"] == "yolox-nano"
    assert beffroi("bench", "cameras", "--size", "1280").code == 2


def test_demo(beffroi: Beffroi, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(answer=0)
    monkeypatch.setattr("beffroi.demo.demo", asked)
    assert beffroi("demo").code == 0
    assert asked.options == {"clip": None, "simulated": False, "seed": 0, "out": None}
    asked.answer = 1
    assert beffroi("demo", "--simulated", "--seed", "3", "--out", "film").code == 1
    assert asked.options == {"clip": None, "simulated": True, "seed": 3, "out": Path("film")}


def test_fetching(beffroi: Beffroi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BEFFROI_ASSETS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    asked = Asked(answer=Path("there.onnx"))
    monkeypatch.setattr("beffroi.assets.fetch", asked)
    answer = beffroi("assets", "fetch", "yolox-nano", "--folder", "here")
    assert (answer.code, answer.out) == (0, "there.onnx\n")
    assert asked.arguments[0].name == "yolox-nano"
    assert asked.arguments[1] == Path("here")

    def refused(*_arguments: object) -> Path:
        raise AssetError("yolox-nano: gave another file; not kept")

    monkeypatch.setattr("beffroi.assets.fetch", refused)
    answer = beffroi("assets", "fetch", "yolox-nano", "--folder", "here")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "yolox-nano: gave another file; not kept\n"


@pytest.mark.parametrize(
    "command",
    [("alarms", "nowhere.toml"), ("tracking", "nowhere")],
)
def test_what_is_not_there_is_said(beffroi: Beffroi, command: tuple[str, str]) -> None:
    answer = beffroi("evaluate", *command)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(command[1])
