"""`beffroi run` on cameras over RTSP: its file changes, is broken, and it is asked to stop."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from beffroi.store import Store, queries
from command import Command, command
from rtsp import RtspServer

from benches import faults_street as street

SITE = """\
site: {{ name: Square, timezone: Europe/Paris, mode: evaluation }}
cameras:
{cameras}
sinks:
  file: {{ type: jsonl, path: alerts.jsonl }}
evidence: {{ snapshots: false, clips: false }}
"""
CAMERA = """\
  {name}:
    source: {{ type: rtsp, url: "{url}" }}
    detect: {{ type: bright, fps: {fps} }}
    views:
      day:
        zones: {{ place: [[0.4, 0.2], [0.9, 0.2], [0.9, 1.0], [0.4, 1.0]] }}
        rules:
          - {{ name: inside, type: intrusion, zone: place, after: {after}, clear_after: {clear} }}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspServer]:
    with RtspServer(street.clip(tmp_path_factory.mktemp("clips") / "street.mp4")) as running:
        yield running


def site(server: RtspServer, *names: str, after: str = "0.4s", clear: str = "0.4s", fps: int = 5) -> str:
    cameras = [
        CAMERA.format(
            name=name, url=server.url(f"/cam{number}", join="key"), after=after, clear=clear, fps=fps
        )
        for number, name in enumerate(names, 1)
    ]
    return SITE.format(cameras="".join(cameras))


def kept(folder: Path) -> tuple[dict[str, list[dict[str, Any]]], list[dict[str, Any]]]:
    """Runs by camera, and every change, from a store that somebody else may write to."""
    with Store(folder / "beffroi.db") as store:
        runs: dict[str, list[dict[str, Any]]] = {}
        for row in queries.runs(store):
            runs.setdefault(row["camera"], []).append(row)
        return runs, queries.events(store)


def begun(running: Command) -> int:
    """How many incidents have started."""
    try:
        return sum(row["change"] == "started" for row in kept(running.folder)[1])
    except Exception:
        return 0


def test_a_site_file_that_changes(server: RtspServer, tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(site(server, "gate", "yard", "old"))
    with command(tmp_path, "--log-format", "json", "run", "site.yaml") as running:
        assert running.waits(lambda: begun(running) >= 3), running.err
        # Only what it changes is made anew, and it is found without anybody asking.
        gate, yard, new = site(server, "gate", "yard", "new").split("source:")[1:]
        other = site(server, "gate", "yard", "new").replace(
            yard, yard.replace(" after: 0.4s", " after: 0.5s")
        )
        assert new in other
        assert gate in other
        path.write_text(other)
        assert running.says("made anew: new, old, yard"), running.err
        # Broken, in every way: what ran goes on, and the log says what is wrong and where.
        for number, broken in enumerate(
            ("cameras: [", "", "\x00\x01", other.replace("intrusion", "intrusiom"))
        ):
            path.write_text(broken)
            running.process.send_signal(signal.SIGHUP)
            said = "the site file has changed and cannot be used; what ran goes on"
            assert running.says(said, number + 1), running.err
        assert "did you mean" in running.err or "intrusiom" in running.err
        path.unlink()
        running.process.send_signal(signal.SIGHUP)
        assert running.says(said, 5), running.err
        started = begun(running)
        assert running.waits(lambda: begun(running) >= started + 3), running.err
        # And whole again: nothing differs, nothing is made anew.
        path.write_text(other)
        running.process.send_signal(signal.SIGHUP)
        assert running.says("made anew: nothing"), running.err
        running.stop()
        assert running.process.returncode == 0, running.err
        assert "Traceback" not in running.err
    runs, changes = kept(tmp_path)
    assert {name: [run["outcome"] for run in each] for name, each in runs.items()} == {
        "gate": ["stopped"],
        "yard": ["reloaded", "stopped"],
        "old": ["reloaded"],
        "new": ["stopped"],
    }
    assert len({row["incident"] for row in changes}) * 2 == len(changes)


def test_sigterm_under_load(server: RtspServer, tmp_path: Path) -> None:
    """Incidents that are open end, are written and are sent before the process is gone."""
    names = [f"camera {number}" for number in range(10)]
    (tmp_path / "site.yaml").write_text(site(server, *names, clear="60s", fps=10))
    with command(tmp_path, "run", "site.yaml") as running:
        assert running.waits(lambda: begun(running) >= len(names)), running.err
        took_s = running.stop()
        assert took_s < 5, running.err
        assert "Traceback" not in running.err
    runs, changes = kept(tmp_path)
    assert all([run["outcome"] for run in runs[name]] == ["stopped"] for name in names)
    ended = [json.loads(row["event"]) for row in changes if row["change"] == "ended"]
    assert len(ended) == len(changes) / 2 >= len(names)
    assert {one["reason"] for one in ended} == {"stopped"}
    lines = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    assert sorted((one["id"], one["change"]) for one in lines) == sorted(
        (row["incident"], row["change"]) for row in changes
    )
    assert re.search(r"alerts|stopped", running.out + running.err)


def test_sigint_before_any_camera_answers(tmp_path: Path) -> None:
    """Nobody is there, and stopping is as quick."""
    with RtspServer(street.clip(tmp_path / "street.mp4")) as server:
        (tmp_path / "site.yaml").write_text(site(server, "gate", "yard"))
    with command(tmp_path, "run", "site.yaml") as running:
        assert running.says("signal_lost", 2), running.err
        assert running.stop(signal.SIGINT) < 5
        assert "Traceback" not in running.err
    _, changes = kept(tmp_path)
    assert [json.loads(row["event"])["reason"] for row in changes] == [None, None, "stopped", "stopped"]
