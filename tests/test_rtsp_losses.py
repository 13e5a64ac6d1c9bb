"""RTSP cameras that refuse, stall, break, and come back; and a source that is closed meanwhile."""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from beffroi.conceal import forget
from live import Kept, source, watching
from rtsp import RtspServer, shapes

USER, PASSWORD = "viewer", "s3/cr3t"


@pytest.fixture(autouse=True)
def nothing_concealed() -> Iterator[None]:
    yield
    forget()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspServer]:
    clip = shapes(tmp_path_factory.mktemp("clips") / "a.mp4", 2)
    with RtspServer(clip, user=USER, password=PASSWORD) as server:
        yield server


@pytest.fixture
def server(running: RtspServer) -> RtspServer:
    """It listens, whatever the test before did."""
    running.start()
    running.resume()
    return running


@contextmanager
def black_hole() -> Iterator[str]:
    """An address where connections are taken and nobody ever says a word."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        yield f"rtsp://127.0.0.1:{silent.getsockname()[1]}/a"


def test_a_camera_that_goes_and_comes_back(server: RtspServer, caplog: pytest.LogCaptureFixture) -> None:
    server.stop()
    with caplog.at_level(logging.DEBUG), watching(server.url()) as seen:
        seen.until_state("lost")
        assert "nothing listens at its address" in seen.source.status.detail
        server.start()
        seen.until_frames(3)
        assert (seen.source.status.state, seen.source.status.reconnects) == ("playing", 0)
        server.stop()
        seen.until_state("lost", within_s=2)
        before = seen.source.now_ms()
        server.start()
        seen.until_frames(3)
        assert (seen.source.status.state, seen.source.status.reconnects) == ("playing", 1)
        assert seen.times[-1] > before
    assert seen.times == sorted(set(seen.times))
    assert seen.source.counts.restarts == 0
    assert not [each for each in caplog.records if each.exc_info and each.name.startswith("beffroi")]
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warned[:2] == [
        "gate: rtsp: nothing listens at its address (connection refused)",
        "gate: rtsp: ended the stream",
    ]


def test_a_stall_is_noticed_in_time(server: RtspServer) -> None:
    with watching(server.url(), stall=1.5) as seen:
        seen.until_frames(3)
        server.stall()
        # By a quarter of a second too late, and the last picture was a moment ago.
        assert 1.2 <= seen.until_state("stalled", within_s=4) <= 2.5
        assert re.match(r"sends nothing for 1\.\d s", seen.source.status.detail)
        server.resume()
        seen.until_state("playing")
        assert seen.source.status.reconnects == 1


def test_what_cannot_be_decoded_is_connected_again(server: RtspServer) -> None:
    with watching(server.url(garbage=0.5)) as seen:
        seen.until(lambda: seen.source.status.reconnects == 1)
        seen.until_frames(1)
    assert "sends nothing that can be decoded" in {state.detail.split(";")[0] for state in seen.states}
    assert seen.source.counts.damaged > 0
    assert seen.times == sorted(set(seen.times))


def test_a_camera_may_take_its_time_for_the_first_picture(server: RtspServer) -> None:
    with watching(server.url(picture_after=2.5), stall=1) as seen:
        seen.until_frames(1)
    assert {state.state for state in seen.states} <= {"connecting", "playing"}


def test_a_camera_that_never_answers() -> None:
    with black_hole() as url, watching(url, timeout=1) as seen:
        assert seen.until_state("lost", within_s=5) > 0.9
        assert "does not answer within 1 s" in seen.source.status.detail


@pytest.mark.parametrize(
    ("faults", "state", "detail"),
    [
        ({"auth": "refuse"}, "refused", "refuses the user name or password (401)"),
        ({"status": 403}, "refused", "forbids this stream (403)"),
        ({"status": 404}, "refused", "knows no stream of this path (404)"),
        ({"status": 454}, "lost", "answers with an error (4xx)"),
        ({"status": 503}, "lost", "answers with an error of its own (5xx)"),
        ({"transport": "udp"}, "refused", "does not send over tcp; try `transport: udp`"),
        ({"says": "unknown"}, "refused", "sends video of a kind that cannot be decoded here"),
        ({"says": "audio"}, "lost", "answers with an error (4xx): it may have too many clients, or no video"),
    ],
)
def test_what_a_camera_answers_instead(
    server: RtspServer,
    faults: dict[str, str | int],
    state: str,
    detail: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with watching(server.url(user=USER, password="wr0ng", **faults)) as seen:
        seen.until_state(state)
        status = seen.source.status
        assert status.detail.startswith(detail)
        if state == "refused":
            # Half a minute at least, so that no account is locked.
            assert 30 <= int(re.findall(r"asked again in (\d+) s$", status.detail)[0]) <= 60
        assert seen.close() < 2
    assert "wr0ng" not in caplog.text + repr(status)


@pytest.mark.parametrize("moment", ["before", "connecting", "stalled", "playing", "waiting"])
def test_close_ends_it_whatever_it_is_doing(server: RtspServer, moment: str) -> None:
    if moment == "before":
        camera = source(server.url())
        camera.close()
        assert list(camera.frames()) == []
        return
    with black_hole() as hole, watching(hole if moment == "connecting" else server.url()) as seen:
        if moment == "connecting":
            time.sleep(0.3)
        elif moment == "waiting":
            server.stop()
            seen.until_state("lost")
        else:
            seen.until_frames(2)
        if moment == "stalled":
            server.stall()
            time.sleep(0.5)
        assert seen.close() < 2
        seen.source.close()


@pytest.mark.parametrize("auth", ["basic", "digest"])
def test_credentials_open_the_camera_and_are_shown_nowhere(
    server: RtspServer, auth: str, caplog: pytest.LogCaptureFixture
) -> None:
    def address(**faults: float) -> str:
        return server.url(user=USER, password=PASSWORD, auth=auth, **faults)

    with caplog.at_level(logging.DEBUG), watching(address(), evidence_url=address(drop=1)) as seen:
        seen.source.tap = Kept()
        seen.until_frames(6)
        told = [thread.name for thread in threading.enumerate()]
        server.stop()
        seen.until_state("lost")
    told += [repr(status) for status in (*seen.states, seen.source.status)]
    formatter = logging.Formatter("%(threadName)s %(name)s %(message)s")
    told += [formatter.format(record) for record in caplog.records]
    assert any("rtsp: plays" in text for text in told)
    assert not [text for text in told if "cr3t" in text or USER in text]
