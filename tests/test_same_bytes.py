"""The same detections give the same decisions, byte for byte: live, replayed, and replayed again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from beffroi import Engine, runtime
from beffroi.config.site import Site
from beffroi.errors import RecordingError, SiteError
from beffroi.frame import Detections
from beffroi.recording import Header, RecordingWriter, read_parts, read_recording
from beffroi.runtime.replay import Playing, replay
from beffroi.simulate import Square
from beffroi.store import Store, queries
from scripted import Script, person, site


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


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".boxes", ".parquet"])
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


STREET = {
    "view": "gate/day",
    "aspect": 16 / 9,
    "classes": ["person", "car"],
    "zones": {"all": [[0.02, 0.02], [0.98, 0.02], [0.98, 0.98], [0.02, 0.98]]},
    "lines": {"middle": [[0.5, 0.0], [0.5, 1.0]]},
    "rules": [
        {"name": "inside", "type": "intrusion", "zone": "all", "after": "1s"},
        {"name": "stays", "type": "loitering", "zone": "all", "after": "3s"},
        {"name": "crosses", "type": "line_crossing", "line": "middle"},
        {"name": "total", "type": "line_count", "line": "middle", "every": "10s"},
    ],
}


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".boxes", ".parquet"])
def test_all_that_decides_is_recorded(tmp_path: Path, suffix: str) -> None:
    """A shaking camera that looks away now and then, a traffic light, uneven times: stepped and recorded."""
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    rng = np.random.default_rng(7)
    stepped, lines = Engine(json.dumps(STREET)), []
    path = tmp_path / f"boxes{suffix}"
    at_ms, shift = 1_790_000_000_000, 0.0
    with RecordingWriter(path, Header(labels=("person", "car"), width=1920, height=1080)) as writer:
        for number in range(9000):
            at_ms += int(rng.integers(40, 400))
            moved = rng.normal(0, 0.01) if number % 3 else None
            shift += moved or 0.0
            motion = None if moved is None else (1.0, 0.0, moved, 0.0, 1.0, 0.0)
            feet = 0.5 + 0.4 * np.sin(number / 60 + np.arange(4)) + 0.2 * shift
            corners = np.column_stack([feet, [0.3, 0.4, 0.5, 0.6], feet + 0.05, [0.5, 0.6, 0.7, 0.8]])
            state = {"light": "red" if number % 200 < 100 else "green"} if number % 50 == 0 else {}
            found = Detections(
                corners.astype(np.float32),
                np.full(4, 0.9, np.float32),
                np.array([0, 0, 1, 0], np.uint16),
                state,
            )
            shift *= 0.9
            step = stepped.step(at_ms, found.xyxy, found.score, found.class_id, state or None, motion)
            writer.write(at_ms, found, motion)
            lines += [event.to_json() for event in step.events]
            if number % 700 == 699:
                at_ms += 500
                lines += [event.to_json() for event in stepped.finish(at_ms, "view_lost")]
                writer.pause(at_ms, "view_lost")
        lines += [event.to_json() for event in stepped.finish(at_ms, "end_of_stream")]
    assert {json.loads(line)["rule"] for line in lines} == {"inside", "stays", "crosses", "total"}
    parts = list(read_parts(path)[1])
    assert len(parts) > 1, "what is kept from part to part must matter"
    again = Engine(json.dumps(STREET))
    played = Playing()
    for part in parts:
        played.play(again, part)
    assert [event.to_json() for event in played.finished(again)] == lines
    whole = Playing()
    engine = Engine(json.dumps(STREET))
    whole.play(engine, read_recording(path))
    assert [event.to_json() for event in whole.finished(engine)] == lines
    bare = {**read_recording(path).replay_args(), "motion": None}
    assert [event.to_json() for event in Engine(json.dumps(STREET)).replay(**bare)] != lines


def test_notes_are_passed_on_in_time_order_and_a_last_pause_is_the_end(tmp_path: Path) -> None:
    path = tmp_path / "boxes.jsonl"
    blind = {
        "id": "b",
        "rule": "blind",
        "type": "camera_blind",
        "change": "started",
        "at_ms": 2100,
        "since_ms": 2100,
    }
    with RecordingWriter(
        path, Header(labels=("person", "car"), camera="gate", width=64, height=36)
    ) as writer:
        for number in range(20):
            writer.write(200 * number, person())
        writer.note(blind)
        writer.pause(4000, "signal_lost")
    report = replay(path, site(tmp_path, gate=Script()))
    times = [event["at_ms"] for event in report.events]
    assert times == sorted(times)
    assert blind in report.events
    assert blind["rule"] not in "".join(report.lines)
    assert report.alerts == {"inside": 1, "blind": 1}
    assert report.events[-1]["reason"] == "signal_lost"
    assert report.events[-1]["at_ms"] == 4000


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
