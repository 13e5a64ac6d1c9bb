"""The bench itself: what the test server shows, to whom, and what a test may do while clients watch."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
from rtsp import Clip, RtspServer, number
from rtsp.gst import GstServer, missing
from rtsp.listener import Listener
from rtsp.watching import KEY_EVERY_S, KINDS, Expected, Seen, kinds, together

USER, PASSWORD = "operator", "p@ss/w:rd"
STREAMS = [f"{kind} over {transport}" for kind in KINDS for transport in ("tcp", "udp")]
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    return kinds(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def server(clips: list[Clip]) -> Iterator[RtspServer]:
    """For tests that only watch."""
    with RtspServer(*clips) as running:
        yield running


@pytest.fixture
def own(clips: list[Clip]) -> Iterator[RtspServer]:
    """For tests that change its state."""
    with RtspServer(*clips) as running:
        yield running


@pytest.fixture(scope="module")
def peer(clips: list[Clip]) -> Iterator[GstServer]:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    with GstServer(*clips, user=USER, password=PASSWORD) as running:
        yield running


def every_stream(url: Callable[[str], str]) -> dict[str, Seen]:
    """25 pictures of each kind over TCP and UDP, all at once."""
    streams = [name.split(" over ") for name in STREAMS]
    return together(
        {
            f"{kind} over {transport}": partial(Seen, url(KINDS[kind]), 25, transport=transport)
            for kind, transport in streams
        }
    )


@pytest.fixture(scope="module")
def of_ours(server: RtspServer) -> dict[str, Seen]:
    return every_stream(server.url)


@pytest.fixture(scope="module")
def of_the_peer(peer: GstServer) -> dict[str, Seen]:
    return every_stream(partial(peer.url, user=USER, password=PASSWORD))


def check(seen: Seen, clips: list[Clip], stream: str) -> None:
    place = list(KINDS).index(stream.split(" over ", maxsplit=1)[0])
    expected = Expected(clips[place], place, 25)
    assert seen.numbers == expected.numbers
    assert seen.steps_ms == pytest.approx(expected.steps_ms, abs=0.1)
    assert set(seen.sizes) == {expected.size}


@pytest.mark.parametrize("stream", STREAMS)
def test_every_picture_in_order_at_its_time(of_ours: dict[str, Seen], clips: list[Clip], stream: str) -> None:
    check(of_ours[stream], clips, stream)


@pytest.mark.parametrize("stream", STREAMS)
def test_another_makers_server_shows_the_same(
    of_the_peer: dict[str, Seen], clips: list[Clip], stream: str
) -> None:
    check(of_the_peer[stream], clips, stream)


def test_another_makers_server_refuses_strangers(peer: GstServer) -> None:
    with pytest.raises(av.error.HTTPUnauthorizedError):
        Seen(peer.url("/cam1", user=USER, password="wrong"), 1)


def test_ten_clients_at_once(server: RtspServer, clips: list[Clip]) -> None:
    """Four clips: the fifth camera shows the first again."""
    cameras = {f"/cam{camera}": ("udp" if camera % 2 else "tcp") for camera in range(1, 11)}
    seen = together(
        {path: partial(Seen, server.url(path), 20, transport=each) for path, each in cameras.items()}
    )
    for index, path in enumerate(cameras):
        place = index % len(clips)
        assert seen[path].numbers == Expected(clips[place], place, 20).numbers


def test_sound_beside_the_pictures(server: RtspServer) -> None:
    samples: list[np.ndarray] = []
    numbers: list[int | None] = []
    options = {"rtsp_transport": "tcp", "probesize": "32"}
    with av.open(server.url("/cam1", audio=True), options=options, timeout=(2, 2)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        for frame in container.decode():
            if isinstance(frame, av.AudioFrame):
                samples.append(frame.to_ndarray().ravel())
            else:
                numbers.append(number(frame.to_ndarray(format="bgr24")))
            if len(numbers) >= 15 and len(samples) >= 15:
                break
    assert numbers[:15] == list(range(15))
    wave = np.concatenate(samples).astype(float)
    loudest = np.abs(np.fft.rfft(wave)).argmax() * 8000 / len(wave)
    assert loudest == pytest.approx(400, abs=8)


def clip_began(seen: Seen) -> float:
    """When the clip began by the picture that was least late, on the monotonic clock; within one loop."""
    pairs = zip(seen.arrived, seen.numbers, strict=True)
    return min(arrived - 0.04 * shown for arrived, shown in pairs if shown is not None)


def test_a_stream_that_runs_already_is_joined_in_the_present(server: RtspServer, clips: list[Clip]) -> None:
    seen = Seen(server.url("/cam1", join="key"), 10)
    assert seen.numbers[0] in {0, 10}, "a client joins at a key picture"
    wall_s = time.time() - time.monotonic() + clip_began(seen)
    # A hundredth for the rounding of both clocks.
    late = (wall_s - server.began_ms / 1000 + 0.01) % clips[0].length_s
    assert late < 0.2


def test_cameras_of_one_clip_may_be_out_of_step(server: RtspServer, clips: list[Clip]) -> None:
    urls = {str(phase): server.url("/cam1", join="key", phase=phase) for phase in (0.0, 0.2)}
    seen = together({name: partial(Seen, url, 10) for name, url in urls.items()})
    apart = (clip_began(seen["0.0"]) - clip_began(seen["0.2"])) % clips[0].length_s
    assert apart == pytest.approx(0.2, abs=0.1)


def test_a_stream_that_runs_already_may_be_joined_anywhere(server: RtspServer) -> None:
    """One of these clients, who come at all times, begins between key pictures."""
    begun = []
    for wait in (0.0, 0.1, 0.13, 0.17):
        time.sleep(wait)
        with Listener(server.url("/cam1", join="any", parameters="sdp")) as listener:
            begun.append(listener.video(0.1)[0].payload[0] & 31)
    assert 1 in begun


def test_a_stall_ends_at_a_key_picture_of_the_present(own: RtspServer) -> None:
    with Listener(own.url("/cam1")) as listener, Listener(own.url("/cam2")) as other:
        before = listener.video(0.3)
        own.stall("/cam1")
        listener.video(0.1)
        assert not listener.video(0.3)
        own.resume()
        after = listener.video(KEY_EVERY_S + 0.2)
        untouched = {packet.timestamp for packet in other.video(0.1)}
    gap = (after[0].timestamp - before[-1].timestamp) % 2**32 / 90_000
    assert gap >= 0.3, "time goes on during a stall"
    assert after[0].payload[0] & 31 == 7, "parameter sets come before a key picture"
    assert len(untouched) >= 20, "only one camera stalled"


def test_a_server_stops_and_starts_on_its_port(own: RtspServer) -> None:
    port = own.port
    with Listener(own.url("/cam1")) as listener:
        own.stop()
        with pytest.raises(ConnectionResetError):
            list(listener.packets(2))
    with pytest.raises(ConnectionRefusedError):
        Listener(own.url("/cam1"))
    own.start()
    assert own.port == port
    assert Seen(own.url("/cam1"), 3).numbers == [0, 1, 2]


def test_a_server_stops_although_an_answer_is_due(own: RtspServer) -> None:
    with socket.create_connection((own.host, own.port), 3) as connection:
        connection.sendall(f"DESCRIBE {own.url(describe_after=60)} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        while not own.requests:
            time.sleep(0.01)
        own.stop()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_clients_of_one_camera_are_dropped(own: RtspServer) -> None:
    with Listener(own.url("/cam1")) as dropped, Listener(own.url("/cam2")) as kept:
        assert own.playing == 2
        own.drop_clients("/cam1")
        with pytest.raises(ConnectionResetError):
            list(dropped.packets(2))
        assert kept.video(0.2)
    with pytest.raises(ValueError, match="/gate: no such camera"):
        own.drop_clients("/gate")


def test_clocks_leap_while_clients_play(own: RtspServer) -> None:
    with Listener(own.url("/cam1", reports=0.1)) as listener:
        before = listener.reports(0.3)
        own.leap(50, ntp=True)
        after = listener.reports(0.4)
    assert after[-1].wall_s - before[-1].wall_s > 50
    assert (after[-1].timestamp - before[-1].timestamp) % 2**32 / 90_000 > 50


def test_requests_are_heard_in_order(own: RtspServer) -> None:
    Seen(own.url("/cam1"), 2)
    methods = [request.method for request in own.requests]
    assert methods[:4] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert all("@" not in request.path for request in own.requests)


def test_a_taken_port_is_an_error(own: RtspServer, clips: list[Clip]) -> None:
    with pytest.raises(OSError, match="address already in use"):
        RtspServer(clips[0], port=own.port).start()


@pytest.fixture
def command(clips: list[Clip]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`python -m tests.rtsp` with some arguments; interrupted at the end if it still runs."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "tests.rtsp", *arguments]
        process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_the_command_serves_until_interrupted(
    command: Callable[..., subprocess.Popen[str]], clips: list[Clip]
) -> None:
    process = command("0", *(str(clip.path) for clip in clips), "--cameras", "5", "--live")
    assert process.stdout is not None
    urls = [process.stdout.readline().strip() for _ in range(5)]
    assert process.stdout.readline() == "ready\n"
    assert [url.split("/")[3] for url in urls] == [f"cam{number}" for number in range(1, 6)]
    assert len({url.partition("phase=")[2] for url in urls}) == 5
    seen = Seen(urls[4], 5).numbers
    assert seen[0] in {0, 10}
    assert seen == list(range(seen[0], seen[0] + 5))
    os.kill(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=5)
    assert process.returncode == 0
    assert "% of a core" in said


def test_the_command_says_what_it_cannot_serve(
    command: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = command("0", str(tmp_path / "none.mp4"))
    _, said = process.communicate(timeout=10)
    assert process.returncode == 2
    assert "none.mp4" in said
    assert "Traceback" not in said
