"""Evidence of a camera over RTSP, from its source to the clip."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from beffroi.assets import locate
from beffroi.errors import AssetError
from beffroi.evidence.ring import Ring
from beffroi.evidence.sightings import Sightings
from evidence_desk import Desk, boxes, until
from streams import decoded, packets

rtsp = pytest.importorskip("beffroi.sources.rtsp", reason="there is no RTSP source here")

SERVER = Path(__file__).resolve().parents[2] / "shared" / "tools" / "rtspsim.py"
BEFORE_MS = AFTER_MS = 2000


@pytest.fixture
def address() -> Iterator[str]:
    """A camera at 25 pictures a second."""
    if not SERVER.is_file():
        pytest.skip(f"the test server is not here: {SERVER.name}")
    try:
        clip = locate("clips/motorway-glare.mp4", download=False)
    except AssetError as error:
        pytest.skip(str(error).partition("\n")[0])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, str(SERVER), str(port), str(clip)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    yield f"rtsp://127.0.0.1:{port}/cam"
    server.kill()
    server.communicate()


@pytest.mark.assets
@pytest.mark.parametrize("fault", ["", "/drop=4"])
def test_a_clip_of_a_camera(address: str, fault: str, tmp_path: Path) -> None:
    source = rtsp.RtspSource(rtsp.RtspConfig(type="rtsp", url=address + fault), "gate", 5)
    ring, seen, desk = Ring(60), Sightings(60), Desk(tmp_path / "evidence")
    source.tap = ring
    clips, alerts = desk.clips(originals=True), []

    def watch() -> None:
        for frame in source.frames():
            seen.add(frame.at_ms, boxes(), ("person",))
            if not alerts and ring.span_ms > BEFORE_MS + 1000:
                alerts.append(frame.at_ms)
                span = frame.at_ms - BEFORE_MS, frame.at_ms + AFTER_MS
                clips.want(ring, desk.path(), *span, seen, at_ms=frame.at_ms)

    watching = threading.Thread(target=watch)
    watching.start()
    until(lambda: clips.counts.written == 1)
    source.close()
    watching.join(10)
    assert not watching.is_alive()
    assert clips.close(10)
    [written] = desk.written
    rendered = written.rendered
    assert rendered is not None
    assert written.original is not None
    assert alerts[0] - BEFORE_MS <= rendered.begins_ms < alerts[0] - BEFORE_MS + 150
    assert alerts[0] + AFTER_MS - 150 < rendered.ends_ms <= alerts[0] + AFTER_MS
    with packets(written.original) as (_, found):
        assert found[0][0].is_keyframe
    for path, longest_ms in ((written.original, 45), (written.shown, 130)):
        times = [at_ms for at_ms, _ in decoded(path)]
        steps = [after - before for before, after in pairwise(times)]
        assert min(steps) > 0
        assert sum(step > longest_ms for step in steps) <= bool(fault), "one gap, where it reconnected"
    assert time.time() * 1000 - rendered.ends_ms < 60_000, "media time is the time of day"
