"""RTSP cameras, through the door that the runtime uses, against a server that loops a clip."""

from __future__ import annotations

import json
import logging
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from beffroi.assets import locate
from beffroi.components import BuildContext, SourceConfig
from beffroi.conceal import conceal, forget
from beffroi.errors import AssetError
from beffroi.frame import Frame
from beffroi.sources.rtsp import RtspConfig, RtspSource
from pydantic import ValidationError

SERVER = Path(__file__).resolve().parents[2] / "shared" / "tools" / "rtspsim.py"
WHO = "viewer:s3cr3t@"


@pytest.fixture(autouse=True)
def nothing_concealed() -> Iterator[None]:
    yield
    forget()


class Camera:
    """The test server in a process of its own, to be killed and started again on the same port."""

    def __init__(self, clip: str) -> None:
        if not SERVER.is_file():
            pytest.skip(f"the test server is not here: {SERVER.name}")
        try:
            self._clip = locate(f"clips/{clip}.mp4", download=False)
        except AssetError as error:
            pytest.skip(str(error).partition("\n")[0])
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        if self._process is not None:
            return
        command = [sys.executable, str(SERVER), str(self.port), str(self._clip)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def url(self, path: str = "cam") -> str:
        return f"rtsp://{WHO}127.0.0.1:{self.port}/{path}"


@pytest.fixture(scope="module")
def server() -> Iterator[Camera]:
    server = Camera("motorway-glare")
    yield server
    server.kill()


@pytest.fixture
def camera(server: Camera) -> Camera:
    """Running, whatever the test before did to it."""
    server.start()
    return server


class Watching:
    """What the runtime does with a source: a thread that takes each picture as it comes."""

    def __init__(self, source: RtspSource) -> None:
        self.source, self.frames, self.states = source, list[Frame](), [source.status]
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            for frame in self.source.frames():
                self.frames.append(frame)
        except BaseException as error:
            self.error = error

    def until(self, reached: Callable[[], bool], within_s: float = 10) -> float:
        began = time.monotonic()
        while not reached():
            assert time.monotonic() - began < within_s, (self.source.status, len(self.frames), self.error)
            if self.states[-1] is not self.source.status:
                self.states.append(self.source.status)
            time.sleep(0.01)
        return time.monotonic() - began

    def close(self) -> float:
        """Seconds until `frames` ended."""
        began = time.monotonic()
        self.source.close()
        self._thread.join(10)
        assert not self._thread.is_alive()
        assert self.error is None
        return time.monotonic() - began


@contextmanager
def watching(url: str, fps: float | None = 4, **settings: object) -> Iterator[Watching]:
    config = SourceConfig.parse({"type": "rtsp", "url": url, **settings})
    source = config.build(BuildContext("gate", Path()), fps)
    assert isinstance(source, RtspSource)
    watch = Watching(source)
    try:
        yield watch
    finally:
        watch.close()


class Kept:
    """A tap that keeps everything."""

    def __init__(self) -> None:
        self.streams: list[tuple[int, int]] = []
        self.packets: list[tuple[int, bool]] = []

    def opened(self, stream: Any) -> None:
        self.streams.append((stream.width, stream.height))

    def add(self, packet: Any, at_ms: int) -> None:
        self.packets.append((at_ms, packet.is_keyframe))


@pytest.mark.assets
def test_plays_at_the_asked_rate_with_the_time_of_day(camera: Camera) -> None:
    began = time.time() * 1000
    with watching(camera.url()) as seen:
        assert (seen.source.size, seen.source.status.state) == (None, "connecting")
        seen.until(lambda: len(seen.frames) >= 13)
        status, counts, now_ms = seen.source.status, seen.source.counts, seen.source.now_ms()
    times = [frame.at_ms for frame in seen.frames]
    assert all(200 <= after - at <= 300 for at, after in pairwise(times[1:]))
    # The server's first picture is older than its first report says by what a handshake takes.
    assert all(began - 100 <= at <= time.time() * 1000 for at in times)
    assert times[-1] <= now_ms <= time.time() * 1000
    assert all(frame.image.shape == (288, 352, 3) for frame in seen.frames)
    assert seen.frames[0].image.std() > 20
    assert (status.state, status.size, status.codec) == ("playing", (352, 288), "h264")
    assert (status.detail, status.reconnects) == ("", 0)
    assert status.rate == pytest.approx(25, rel=0.2)
    assert counts.decoded >= 60
    assert (counts.restarts, counts.damaged, counts.disordered, counts.skipped) == (0, 0, 0, 0)


@pytest.mark.assets
def test_the_tap_is_given_every_packet(camera: Camera) -> None:
    with watching(camera.url(), 2, decode="keyframes") as seen:
        seen.source.tap = kept = Kept()
        seen.until(lambda: len(kept.packets) >= 75)
    assert kept.streams == [(352, 288)]
    times = [at for at, _ in kept.packets]
    assert all(20 <= after - at <= 60 for at, after in pairwise(times[1:]))
    keys = [at for at, key in kept.packets if key]
    assert 3 <= seen.source.counts.decoded <= len(keys) <= 5
    assert [frame.at_ms for frame in seen.frames] == keys[: len(seen.frames)]


@pytest.mark.assets
def test_pictures_that_refer_to_later_ones_come_in_the_order_they_are_shown() -> None:
    camera = Camera("plaza")
    camera.start()
    with watching(camera.url(), None) as seen:
        seen.source.tap = kept = Kept()
        seen.until(lambda: len(seen.frames) >= 50)
    camera.kill()
    times = [frame.at_ms for frame in seen.frames]
    assert all(20 <= after - at <= 60 for at, after in pairwise(times[1:]))
    assert [at for at, _ in kept.packets] != sorted(at for at, _ in kept.packets)
    assert seen.source.counts.disordered == 0


@pytest.mark.assets
def test_a_tap_that_breaks_harms_nobody(camera: Camera, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Kept):
        def add(self, packet: Any, at_ms: int) -> None:
            raise OSError("no space left")

    with watching(camera.url()) as seen:
        seen.source.tap = Broken()
        seen.until(lambda: len(seen.frames) >= 4)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "gate: rtsp: packets cannot be kept for evidence"
    ]


@pytest.mark.assets
def test_evidence_from_a_second_stream(camera: Camera) -> None:
    """The stream for evidence breaks, is connected again, and dies; analysis does not notice."""
    other = Camera("car-park")
    other.start()
    with watching(camera.url(), evidence_url=other.url("cam/drop=1.5")) as seen:
        seen.source.tap = kept = Kept()
        seen.until(lambda: len(kept.streams) >= 2 and len(kept.packets) > 20)
        other.kill()
        before = len(seen.frames)
        seen.until(lambda: len(seen.frames) >= before + 4)
        assert (seen.source.status.state, seen.source.status.reconnects) == ("playing", 0)
    assert set(kept.streams) == {(768, 432)}
    assert all(frame.image.shape == (288, 352, 3) for frame in seen.frames)
    # One time for both: the packets lie between the pictures.
    assert seen.frames[0].at_ms - 1500 < kept.packets[0][0] < seen.frames[-1].at_ms
    assert all(200 <= after.at_ms - at.at_ms <= 300 for at, after in pairwise(seen.frames[1:]))


@pytest.mark.assets
def test_a_camera_that_goes_and_comes_back(camera: Camera, caplog: pytest.LogCaptureFixture) -> None:
    camera.kill()
    with caplog.at_level(logging.DEBUG), watching(camera.url()) as seen:
        seen.until(lambda: seen.source.status.state == "lost")
        assert "nothing listens at its address" in seen.source.status.detail
        camera.start()
        seen.until(lambda: len(seen.frames) >= 3)
        assert seen.source.status.reconnects == 0
        camera.kill()
        seen.until(lambda: seen.source.status.state == "lost", within_s=2)
        gone = len(seen.frames)
        camera.start()
        seen.until(lambda: len(seen.frames) >= gone + 3)
        assert (seen.source.status.state, seen.source.status.reconnects) == ("playing", 1)
    times = [frame.at_ms for frame in seen.frames]
    assert times == sorted(set(times))
    assert seen.source.counts.restarts == 0
    assert not [record for record in caplog.records if record.exc_info]
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warned[:2] == [
        "gate: rtsp: nothing listens at its address (connection refused)",
        "gate: rtsp: ended the stream",
    ]


@pytest.mark.assets
def test_a_stall_is_noticed_in_time(camera: Camera) -> None:
    with watching(camera.url("cam/stall=1"), stall=1.5) as seen:
        seen.until(lambda: len(seen.frames) >= 4)
        late = seen.until(lambda: seen.source.status.state == "stalled", within_s=4)
        # A quarter of a second of looking, and what was still to come when the fourth picture was there.
        assert 1.0 <= late <= 2.5
        assert re.match(r"sends nothing for 1\.\d s", seen.source.status.detail)
        seen.until(lambda: seen.source.status.state == "playing")
        assert seen.source.status.reconnects == 1


@contextmanager
def black_hole() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        yield silent.getsockname()[1]


def test_a_camera_that_never_answers() -> None:
    with black_hole() as port, watching(f"rtsp://127.0.0.1:{port}/a", timeout=1) as seen:
        assert seen.until(lambda: seen.source.status.state == "lost", within_s=5) > 0.9
        assert "does not answer within 1 s" in seen.source.status.detail


@contextmanager
def answering(*answers: str) -> Iterator[int]:
    """A port where the requests of a connection get these answers in turn; then the connection ends."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def serve() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                with client, client.makefile("rb") as asked:
                    for answer in answers:
                        request = b"".join(iter(asked.readline, b"\r\n"))
                        number = re.search(rb"CSeq: (\d+)", request)
                        if number is None:
                            break
                        status, _, rest = answer.partition("\n")
                        head = f"RTSP/1.0 {status}\r\nCSeq: {int(number[1])}\r\n"
                        client.sendall(f"{head}Content-Length: {len(rest)}\r\n\r\n{rest}".encode())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        assert not thread.is_alive()


DESCRIPTION = (
    "200 OK\nv=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
)


@pytest.mark.parametrize(
    ("answers", "state", "detail"),
    [
        (["401 Unauthorized"], "refused", "refuses the user name or password (401); asked again in "),
        (["200 OK", "403 Forbidden"], "refused", "forbids this stream (403); asked again in "),
        (["200 OK", "404 Not Found"], "refused", "knows no stream of this path (404); asked again in "),
        (
            ["200 OK", DESCRIPTION, "461 Unsupported Transport"],
            "refused",
            "does not send over tcp; try `transport: udp`; asked again in ",
        ),
        (["200 OK", "454 Session Not Found"], "lost", "answers with an error (4xx)"),
        (["503 Service Unavailable"], "lost", "answers with an error of its own (5xx)"),
        (["200 OK", "200 OK\nnothing"], "lost", "cannot be reached or read"),
    ],
)
def test_what_a_camera_answers_instead(
    answers: list[str], state: str, detail: str, caplog: pytest.LogCaptureFixture
) -> None:
    with answering(*answers) as port, watching(f"rtsp://{WHO}127.0.0.1:{port}/a") as seen:
        seen.until(lambda: seen.source.status.state == state)
        status = seen.source.status
        assert status.detail.startswith(detail)
        if state == "refused":
            # Half a minute at least, so that no account is locked.
            assert 30 <= int(re.findall(r"in (\d+) s$", status.detail)[0]) <= 60
        assert seen.close() < 2
    assert "cr3t" not in caplog.text + repr(status)


@pytest.mark.assets
@pytest.mark.parametrize("moment", ["before", "connecting", "stalled", "playing", "waiting"])
def test_close_ends_it_whatever_it_is_doing(camera: Camera, moment: str) -> None:
    with black_hole() as port:
        url = f"rtsp://127.0.0.1:{port}/a" if moment == "connecting" else camera.url("cam/stall=1")
        if moment == "waiting":
            camera.kill()
        if moment == "before":
            source = SourceConfig.parse({"type": "rtsp", "url": url}).build(BuildContext("gate", Path()), 4)
            source.close()
            assert list(source.frames()) == []
            return
        with watching(url) as seen:
            if moment == "connecting":
                time.sleep(0.3)
            elif moment == "waiting":
                seen.until(lambda: seen.source.status.state == "lost")
            else:
                seen.until(lambda: len(seen.frames) >= 2)
                time.sleep(1.5 if moment == "stalled" else 0)
            assert seen.close() < 2
            seen.source.close()


@pytest.mark.assets
def test_a_slow_consumer_gets_the_present(camera: Camera) -> None:
    """Somebody who takes 0.3 s for each picture, at 25 a second: what has become old is left out."""
    source = SourceConfig.parse({"type": "rtsp", "url": camera.url()}).build(
        BuildContext("gate", Path()), None
    )
    assert isinstance(source, RtspSource)
    behind = []
    with closing(source):
        began = time.monotonic()
        for frame in source.frames():
            behind.append(source.now_ms() - frame.at_ms)
            if time.monotonic() - began > 4.5:
                break
            time.sleep(0.3)
    assert source.counts.skipped > 20
    assert max(behind) < 3500


@pytest.mark.assets
def test_credentials_are_shown_nowhere(camera: Camera, caplog: pytest.LogCaptureFixture) -> None:
    evidence = camera.url("cam/drop=1")
    with caplog.at_level(logging.DEBUG), watching(camera.url(), evidence_url=evidence) as seen:
        seen.source.tap = Kept()
        seen.until(lambda: len(seen.frames) >= 6)
        told = [thread.name for thread in threading.enumerate()]
        camera.kill()
        seen.until(lambda: seen.source.status.state == "lost")
    told += [repr(status) for status in (*seen.states, seen.source.status)]
    formatter = logging.Formatter("%(threadName)s %(name)s %(message)s")
    told += [formatter.format(record) for record in caplog.records]
    assert any("rtsp: plays" in text for text in told)
    assert not [text for text in told if "s3cr3t" in text or "viewer" in text]


def parse(**settings: object) -> RtspConfig:
    config = SourceConfig.parse({"type": "rtsp", **settings})
    assert isinstance(config, RtspConfig)
    return config


def test_settings_show_no_credentials() -> None:
    config = parse(
        url="rtsp://viewer:s3%40cr3t@10.0.0.1:554/a?x=1",
        evidence_url="rtsp://10.0.0.1/user=ab&password=qwertz&c=1",
    )
    error = conceal("401 for viewer:s3%40cr3t, s3@cr3t, qwertz")
    for text in (repr(config), str(config), config.model_dump_json(), error):
        assert not [word for word in ("viewer", "cr3t", "qwertz") if word in text]
    assert json.loads(config.model_dump_json())["url"] == "rtsp://10.0.0.1:554/a?..."
    # What this process needs to connect is still there.
    assert parse(**config.model_dump(exclude={"type"})) == config


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://h/a", "should begin with rtsp:// or rtsps://, not http://"),
        ("10.0.0.1/stream", "should begin with rtsp:// or rtsps://, not something else"),
        ("rtsp:///a", "names no host"),
        ("rtsp://viewer:s3cr3t@/a", "names no host"),
        ("rtsp://viewer:s3cr3t@:554/a", "names no host"),
        ("rtsp://viewer:s3@cr3t@h/a", "an @ in the user name or password is written %40"),
        ("rtsp://viewer:s3/cr3t@h/a", "a /, ? or # in the user name or password is written %2F, %3F or %23"),
        ("rtsp://viewer:s3#cr3t@h/a", "a /, ? or # in the user name or password is written"),
        ("rtsp://viewer:s3?cr3t@h/a", "a /, ? or # in the user name or password is written"),
        ("rtsp://viewer:s3%cr3t@h/a", "a % in the user name or password is written %25"),
        ("rtsp://viewer:s3 cr3t@h/a", "holds a space"),
        ("rtsp://h:99999/a", "the host is not HOST or HOST:PORT with a port of 1 to 65535"),
        ("rtsp://h:0/a", "with a port of 1 to 65535"),
        ("rtsp://fe80::1/a", "IPv6 is written [ADDRESS]:PORT"),
    ],
)
def test_addresses_that_are_none(url: str, message: str) -> None:
    for settings in ({"url": url}, {"url": "rtsp://h/a", "evidence_url": url}):
        with pytest.raises(ValidationError) as error:
            parse(**settings)
        assert message in str(error.value)
        assert "cr3t" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://10.0.0.1",
        "rtsp://cam-3.example:8554/a/b?c=d#e",
        "RTSPS://viewer@[fe80::1%25eth0]:322/a",
        "rtsp://10.0.0.1:554/cam@1",
        "rtsp://viewer:@10.0.0.1/a",
        "rtsp://us%40er:p%2Fa%3As@10.0.0.1/a",
    ],
)
def test_addresses_that_are_right(url: str) -> None:
    assert parse(url=url).url == url


def test_settings_without_effect() -> None:
    context = BuildContext("gate", Path())
    config = parse(url="rtsps://h/a", transport="udp", evidence_url="rtsps://h/a")
    places = [place for place, _ in config.findings(context)]
    assert places == [("transport",), ("transport",), ("evidence_url",)]
    assert list(parse(url="rtsp://h/a", transport="udp").findings(context)) == []
