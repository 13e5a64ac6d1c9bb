"""The same detections give the same decisions, byte for byte: live, replayed, and replayed again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from beffroi import runtime
from beffroi.config.site import Site
from beffroi.errors import RecordingError, SiteError
from beffroi.recording import Header, read_recording
from beffroi.runtime.replay import replay
from beffroi.simulate import Square
from beffroi.store import Store, queries
from scripted import Script, site


def square(folder: Path, scenario: str, seed: int) -> Site:
    shown = Square(scenario, seed=seed, weather="rain")
    camera = {
        "source": {**shown.source(), "paint": False},
        "detect": {"type": "simulated", "fps": 10},
        "views": {"square": shown.view()},
    }
    settings: dict[str, Any] = {
        "site": {"name": "square", "timezone": "Europe/Paris", "mode": "evaluation"},
        "cameras": {"north": camera},
        "evidence": {"snapshots": False},
    }
    return Site.model_validate(settings).with_path(folder / "site.yaml")


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".parquet"])
@pytest.mark.parametrize(("scenario", "seed"), [("loitering", 1), ("line_count", 2), ("gathering", 3)])
def test_live_and_replayed_give_the_same_bytes(tmp_path: Path, scenario: str, seed: int, suffix: str) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    scene = square(tmp_path, scenario, seed)
    recording = tmp_path / f"boxes{suffix}"
    told: list[dict[str, Any]] = []
    with Store() as store:
        report = runtime.run(scene, record=recording, store=store, on_event=told.append)
        live = [row["event"] for row in queries.events(store)]
    assert report.ok
    assert live, "a scenario in which nothing happens proves nothing"
    first, second = replay(recording, scene), replay(read_recording(recording), scene)
    assert "\n".join(first.lines).encode() == "\n".join(live).encode()
    assert first == second
    assert list(first.events) == told


def test_two_live_runs_give_the_same_bytes(tmp_path: Path) -> None:
    runs = []
    for _ in range(2):
        with Store() as store:
            runtime.run(square(tmp_path, "loitering", 4), store=store)
            runs.append([row["event"] for row in queries.events(store)])
    assert runs[0] == runs[1] != []


def test_a_recording_is_replayed_on_the_view_that_it_names(tmp_path: Path) -> None:
    recording = tmp_path / "boxes.jsonl"
    runtime.run(site(tmp_path, gate=Script(), yard=Script()), cameras=["yard"], record=recording)
    both = site(tmp_path, gate=Script(), yard=Script())
    assert replay(recording, both).camera == "yard"
    assert replay(recording, both, camera="gate", view="day").alerts == {"inside": 1}
    others = site(tmp_path, north=Script(), south=Script())
    with pytest.raises(SiteError, match="the recording is of 'yard'; name one of the cameras north, south"):
        replay(recording, others)
    with pytest.raises(SiteError, match=r"cameras\.gate\.views: there is no view 'night'; there are day"):
        replay(recording, both, camera="gate", view="night")
    with pytest.raises(SiteError, match="there is no camera 'gaet'"):
        replay(recording, both, camera="gaet")


def test_with_several_cameras_each_has_its_own_recording(tmp_path: Path) -> None:
    scene = site(tmp_path, gate=Script(), yard=Script(pictures=10))
    runtime.run(scene, record=tmp_path / "boxes.jsonl.gz")
    assert [len(read_recording(tmp_path / f"boxes-{name}.jsonl.gz")) for name in scene.cameras] == [40, 10]


def test_a_recording_without_the_size_of_its_pictures_is_refused(tmp_path: Path) -> None:
    recording = tmp_path / "boxes.jsonl"
    runtime.run(site(tmp_path), record=recording)
    kept = read_recording(recording)
    blind = Header.model_validate({**kept.header.model_dump(), "width": None})
    object.__setattr__(kept, "header", blind)
    with pytest.raises(RecordingError, match="does not say how large its pictures were"):
        replay(kept, site(tmp_path))


def test_a_recording_that_cannot_be_written_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="suffixes"):
        runtime.run(site(tmp_path), record=tmp_path / "boxes.csv")
    with pytest.raises(RecordingError, match="cannot be written"):
        runtime.run(site(tmp_path), record=tmp_path / "none" / "boxes.jsonl")


def test_a_broken_stream_leaves_a_whole_recording(tmp_path: Path) -> None:
    recording = tmp_path / "boxes.jsonl"
    report = runtime.run(site(tmp_path, gate=Script(breaks_at=30)), record=recording)
    assert not report.ok
    assert len(read_recording(recording)) == 30


def test_the_replay_can_be_printed_and_read_by_programs(tmp_path: Path) -> None:
    import io
    import json

    from rich.console import Console

    recording = tmp_path / "boxes.jsonl"
    runtime.run(site(tmp_path), record=recording)
    report = replay(recording, site(tmp_path))
    plain = json.loads(json.dumps(report.as_json()))
    assert (plain["frames"], plain["alerts"], len(plain["events"])) == (40, {"inside": 1}, 2)
    console = Console(width=120, file=io.StringIO())
    with console.capture() as printed:
        console.print(report.table())
    assert "cleared" in printed.get()
