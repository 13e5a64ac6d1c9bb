"""The bench itself: the test server shows the right pictures in order, and each fault does what it says."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from rtsp import Clip, RtspServer, number, shapes
from rtsp.gst import GstServer, missing
from rtsp.listener import Goodbye, Listener, Report

USER, PASSWORD = "operator", "p@ss/w:rd"
SHOWN = 0.8
"""Length of the clips in seconds: short, so that every test sees the loop join up."""
IRREGULAR_MS = [0, 40, 130, 150, 300, 310, 500, 520, 660, 700]
KINDS = {"h264": "/cam1", "h265": "/cam2", "b-pictures": "/cam3", "irregular": "/cam4"}
OTHER_SIZE = (640, 360)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    """One of each kind, in the order of `KINDS`. Each shows numbers of its own."""
    folder = tmp_path_factory.mktemp("clips")
    return [
        Clip.read(path)
        for path in (
            shapes(folder / "h264.mp4", SHOWN, key_every_s=0.4),
            shapes(folder / "h265.mp4", SHOWN, key_every_s=0.4, codec="h265", first=100),
            shapes(folder / "b.mp4", SHOWN, key_every_s=0.4, b_frames=2, size=OTHER_SIZE, first=200),
            shapes(folder / "irregular.mp4", times_ms=IRREGULAR_MS, first=300),
        )
    ]


@pytest.fixture(scope="module")
def server(clips: list[Clip]) -> Iterator[RtspServer]:
    """Shared by the tests that ask for faults in the address."""
    with RtspServer(*clips, user=USER, password=PASSWORD) as running:
        yield running


@pytest.fixture
def own(clips: list[Clip]) -> Iterator[RtspServer]:
    """For tests that change the server's state."""
    with RtspServer(*clips) as running:
        yield running


class Seen:
    """What PyAV made of a stream: numbers in the pictures, times in ms since the first known one, sizes."""

    def __init__(self, url: str, count: int, *, transport: str = "tcp", probe: int = 32) -> None:
        self.numbers: list[int | None] = []
        self.sizes: list[tuple[int, int]] = []
        self.arrived: list[float] = []
        self.streams: list[str] = []
        self.ended = False
        pts: list[float | None] = []
        options = {"rtsp_transport": transport, "probesize": str(probe)}
        with av.open(url, options=options, timeout=(2, 2)) as container:
            self.streams = [stream.type for stream in container.streams]
            for picture in container.decode(container.streams.video[0]):
                self.arrived.append(time.monotonic())
                image = picture.to_ndarray(format="bgr24")
                self.numbers.append(number(image))
                self.sizes.append((picture.width, picture.height))
                pts.append(None if picture.pts is None else float(picture.pts * picture.time_base * 1000))
                if len(self.numbers) == count:
                    break
            else:
                self.ended = True
        self.times_ms = [round(at) for at in pts if at is not None]


def expected(clip: Clip, first: int, count: int) -> tuple[list[int], list[int]]:
    """Numbers, and when they are shown in ms, of the first pictures of a looped clip."""
    shown = sorted(unit.shown_s for unit in clip.units)
    loops = [divmod(index, len(shown)) for index in range(count)]
    times = [round(1000 * (loop * clip.length_s + shown[index])) for loop, index in loops]
    return [first + index for _, index in loops], times


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_in_order_at_its_time(
    server: RtspServer, clips: list[Clip], kind: str, transport: str
) -> None:
    at = list(KINDS).index(kind)
    numbers, times = expected(clips[at], 100 * at, 25)
    seen = Seen(server.url(KINDS[kind]), 25, transport=transport)
    assert seen.numbers == numbers
    # FFmpeg knows no time for the first picture of an RTP stream.
    steps = [after - before for before, after in pairwise(times[-len(seen.times_ms) :])]
    assert [after - before for before, after in pairwise(seen.times_ms)] == pytest.approx(steps, abs=1)
    assert set(seen.sizes) == {clips[at].size}


@pytest.mark.parametrize("parameters", ["sdp", "band"])
@pytest.mark.parametrize("kind", ["h264", "h265"])
def test_parameter_sets_in_one_place_only(server: RtspServer, kind: str, parameters: str) -> None:
    url = server.url(KINDS[kind], parameters=parameters)
    with Listener(url) as listener:
        assert ("sprop" in listener.sdp) == (parameters == "sdp")
        first = next(iter(listener.video(0.3))).payload[0]
        in_band = first & 31 == 7 if kind == "h264" else first >> 1 == 32
        assert in_band == (parameters == "band")
    # Without them in the description, FFmpeg has to see some pictures before it knows the size.
    assert len(Seen(url, 3, probe=200_000).numbers) == 3


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


def test_ten_clients_at_once(server: RtspServer, clips: list[Clip]) -> None:
    seen: dict[int, Seen] = {}

    def watch(client: int) -> None:
        transport = "udp" if client % 2 else "tcp"
        seen[client] = Seen(server.url(f"/cam{client}"), 20, transport=transport)

    threads = [threading.Thread(target=watch, args=(client,)) for client in range(1, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Four clips: the fifth camera shows the first again.
    for client in range(1, 11):
        which = (client - 1) % 4
        assert seen[client].numbers == expected(clips[which], 100 * which, 20)[0]


def test_a_stream_that_runs_already_is_the_same_for_all(server: RtspServer, clips: list[Clip]) -> None:
    late = [Seen(server.url("/cam1", join="key"), 6) for _ in range(2)]
    for seen in late:
        assert seen.numbers[0] in {0, 10}, "a client joins at a key picture"
        when = time.time() - time.monotonic() + seen.arrived[-1]
        into = (when - server.began_ms / 1000) % clips[0].length_s
        shown = seen.numbers[-1]
        assert shown is not None
        # The picture in sight is at most a few hundred ms old, of a clip of 800.
        assert (into - shown * 0.04) % clips[0].length_s < 0.4
    with Listener(server.url("/cam1", join="any", parameters="sdp")) as listener:
        kinds = [packet.payload[0] & 31 for packet in listener.video(0.5)]
    assert {1, 5} & set(kinds)


# Faults by address.


def test_stalled_streams_are_silent_and_open(server: RtspServer) -> None:
    with Listener(server.url("/cam1", stall=0.3)) as listener:
        before = listener.video(0.6)
        assert before
        assert not list(listener.packets(0.5))
        # It answers, so it is there.
        listener.ask("OPTIONS", listener.url)


def test_dropped_connections_are_reset(server: RtspServer) -> None:
    with Listener(server.url("/cam1", drop=0.3)) as listener, pytest.raises(ConnectionResetError):
        list(listener.packets(2))
    # FFmpeg does not tell a reset from an end.
    seen = Seen(server.url("/cam1", drop=0.3), 100)
    assert seen.ended
    assert seen.numbers == list(range(8))


def test_the_end_is_in_good_order(server: RtspServer) -> None:
    with Listener(server.url("/cam1", end=0.3)) as listener:
        heard = list(listener.packets(2))
        assert listener.connection.recv(1) == b""
    assert isinstance(heard[-1], Goodbye)
    seen = Seen(server.url("/cam1", end=0.3), 100)
    assert seen.ended
    assert seen.numbers == list(range(8))


def test_garbage_has_good_headers(server: RtspServer) -> None:
    url = server.url("/cam1", garbage=0.3)
    with Listener(url) as listener, Listener(server.url("/cam1")) as good:
        bad_packets, good_packets = listener.video(0.8), good.video(0.8)
    assert all((after.sequence - before.sequence) % 65536 == 1 for before, after in pairwise(bad_packets))
    same = [bad.payload == fine.payload for bad, fine in zip(bad_packets, good_packets, strict=False)]
    turn = same.index(False)
    assert all(same[:turn])
    assert not any(same[turn:])
    assert [len(packet.payload) for packet in bad_packets[:20]] == [
        len(packet.payload) for packet in good_packets[:20]
    ]


def test_broken_framing_is_no_framing(server: RtspServer) -> None:
    url = server.url("/cam1", framing=0.2)
    with Listener(url) as listener, pytest.raises(ValueError, match="no interleaved frame"):
        list(listener.packets(3))


@pytest.mark.parametrize("leap", [30.0, -30.0])
def test_timestamps_leap_and_arrivals_do_not(server: RtspServer, leap: float) -> None:
    with Listener(server.url("/cam1", leap=leap, leap_at=0.3)) as listener:
        packets = [packet for packet in listener.video(0.8) if packet.marker]
    steps = [(b.timestamp - a.timestamp + 2**31) % 2**32 - 2**31 for a, b in pairwise(packets)]
    odd = [step for step in steps if abs(step - 3600) > 2]
    assert odd == [pytest.approx(3600 + leap * 90_000, abs=2)]
    assert steps.index(odd[0]) == 7
    assert packets[-1].at_s - packets[0].at_s < 1


def test_reports_tie_timestamps_to_the_clock(server: RtspServer) -> None:
    with Listener(server.url("/cam1", reports=0.1)) as listener:
        heard = list(listener.packets(0.7))
    reports = [each for each in heard if isinstance(each, Report)]
    assert len(reports) >= 5
    assert isinstance(heard[0], Report), "the first picture has its time"
    first, last = reports[0], reports[-1]
    passed = (last.timestamp - first.timestamp) % 2**32 / 90_000
    assert last.wall_s - first.wall_s == pytest.approx(passed, abs=1e-4)
    assert abs(first.wall_s - time.time()) < 5
    assert last.packets == len(heard[: heard.index(last)]) - len(reports) + 1


@pytest.mark.parametrize(("fault", "ahead"), [({"clock": -3600.0}, -3600), ({"clock": 90.5}, 90.5)])
def test_a_wrong_clock_is_wrong_throughout(server: RtspServer, fault: dict[str, float], ahead: float) -> None:
    with Listener(server.url("/cam1", reports=0.1, **fault)) as listener:
        reports = listener.reports(0.4)
    assert all(abs(each.wall_s - ahead - time.time()) < 5 for each in reports)


def test_the_reported_clock_leaps_alone(server: RtspServer) -> None:
    url = server.url("/cam1", reports=0.1, ntp_leap=600, ntp_leap_at=0.3)
    with Listener(url) as listener:
        reports = listener.reports(0.8)
    off = [each.wall_s - each.timestamp / 90_000 for each in reports]
    leaps = [after - before for before, after in pairwise(off)]
    assert sum(leaps) == pytest.approx(600, abs=0.001)
    assert sum(abs(leap) > 1 for leap in leaps) == 1


@pytest.mark.parametrize(("asked", "least"), [({"reports": 0}, None), ({"report_after": 0.4}, 0.3)])
def test_reports_may_be_late_or_missing(
    server: RtspServer, asked: dict[str, float], least: float | None
) -> None:
    with Listener(server.url("/cam1", **asked)) as listener:
        heard = list(listener.packets(0.8))
    at = [index for index, each in enumerate(heard) if isinstance(each, Report)]
    if least is None:
        assert not at
    else:
        before = [each for each in heard[: at[0]] if not isinstance(each, Report)]
        assert len({packet.timestamp for packet in before}) == 10


@pytest.mark.parametrize("what", ["describe_after", "picture_after"])
def test_slow_starts(server: RtspServer, what: str) -> None:
    begun = time.monotonic()
    with Listener(server.url("/cam1", **{what: 0.5})) as listener:
        answered = time.monotonic() - begun
        first = listener.video(0.8)[0].at_s - begun
    assert first >= 0.5
    assert (answered >= 0.5) == (what == "describe_after")


@pytest.mark.parametrize(
    ("scheme", "user", "password", "enters"),
    [
        ("basic", USER, PASSWORD, True),
        ("basic", USER, "wrong", False),
        ("basic", "", "", False),
        ("digest", USER, PASSWORD, True),
        ("digest", USER, "wrong", False),
        ("digest", "stranger", PASSWORD, False),
        ("refuse", USER, PASSWORD, False),
    ],
)
def test_who_is_let_in(server: RtspServer, scheme: str, user: str, password: str, enters: bool) -> None:
    url = server.url("/cam1", user=user, password=password, auth=scheme)
    if enters:
        assert Seen(url, 3).numbers == [0, 1, 2]
    else:
        with pytest.raises(av.error.HTTPUnauthorizedError):
            Seen(url, 3)


@pytest.mark.parametrize(
    ("path", "faults", "answer"),
    [
        ("/cam1", {"status": 404}, "404 Not Found"),
        ("/cam1", {"status": 503}, "503 Service Unavailable"),
        ("/gate", {}, "404 Not Found"),
        ("/cam1", {"transport": "udp"}, "461 Unsupported Transport"),
        ("/cam1/stal=1", {}, "400 Bad Request"),
        ("/cam2", {"switch": 1}, "400 Bad Request"),
    ],
)
def test_refusals(server: RtspServer, path: str, faults: dict[str, float | str], answer: str) -> None:
    with pytest.raises(ConnectionError, match=answer):
        Listener(server.url(path, **faults))


def test_faults_that_do_not_exist(server: RtspServer) -> None:
    with pytest.raises(TypeError, match="stal"):
        server.url("/cam1", stal=1)
    with pytest.raises(ValueError, match="none of none, basic, digest, refuse"):
        server.url("/cam1", auth="maybe")
    with pytest.raises(ValueError, match="is a share"):
        server.url("/cam1", loss=2)


def test_descriptions_that_lie(server: RtspServer) -> None:
    with Listener(server.url("/cam1", says="h265")) as listener:
        assert "H265/90000" in listener.sdp
        assert listener.video(0.2)[0].payload[0] & 31 == 7, "it is still H.264"
    with Listener(server.url("/cam1", says="unknown")) as listener:
        assert "X-NO-VIDEO" in listener.sdp
    options = {"rtsp_transport": "tcp", "probesize": "32"}
    with av.open(server.url("/cam1", says="audio"), options=options, timeout=(2, 2)) as container:
        assert [stream.type for stream in container.streams] == ["audio"]


def test_another_size_in_flight(server: RtspServer) -> None:
    seen = Seen(server.url("/cam1", switch=0.4), 25)
    assert seen.numbers == [*range(10), *range(200, 215)]
    assert seen.sizes == [(320, 180)] * 10 + [OTHER_SIZE] * 15
    assert all(after > before for before, after in pairwise(seen.times_ms))


def test_lost_packets_leave_gaps(server: RtspServer) -> None:
    with Listener(server.url("/cam1", loss=0.3)) as listener:
        packets = listener.video(1)
    lost = sum((after.sequence - before.sequence) % 65536 - 1 for before, after in pairwise(packets))
    # Four standard deviations of a share of 30 %.
    share, of = lost / (len(packets) + lost), len(packets) + lost
    assert abs(share - 0.3) < 4 * (0.3 * 0.7 / of) ** 0.5


@pytest.mark.parametrize("fault", [{"bursts": 0.4}, {"jitter": 0.2}])
def test_uneven_delivery_keeps_times_and_order(server: RtspServer, fault: dict[str, float]) -> None:
    with Listener(server.url("/cam1", **fault)) as listener:
        packets = [packet for packet in listener.video(1.1) if packet.marker]
    stamps = [(packet.timestamp - packets[0].timestamp) % 2**32 for packet in packets]
    assert stamps == pytest.approx([3600 * index for index in range(len(packets))], abs=2)
    gaps = [after.at_s - before.at_s for before, after in pairwise(packets)]
    assert max(gaps) > 0.06
    assert sum(gap < 0.01 for gap in gaps) > len(gaps) // 4


def test_silent_clients_over_udp_are_taken_for_gone(server: RtspServer) -> None:
    url = server.url("/cam1", timeout=0.4)
    with socket.create_connection((server.host, server.port), 3) as connection:
        transport = "Transport: RTP/AVP;unicast;client_port=40000-40001\r\n"
        for request in (f"SETUP {url}/track0", f"PLAY {url}"):
            connection.sendall(f"{request} RTSP/1.0\r\nCSeq: 1\r\n{transport}\r\n".encode())
            assert connection.recv(4096).startswith(b"RTSP/1.0 200")
        assert connection.recv(4096) == b""


# Faults at run time.


def test_a_stall_ends_at_a_key_picture_of_the_present(own: RtspServer) -> None:
    with Listener(own.url("/cam1")) as listener, Listener(own.url("/cam2")) as other:
        before = listener.video(0.3)
        own.stall("/cam1")
        listener.video(0.1)
        assert not listener.video(0.5)
        own.resume()
        after = [packet for packet in listener.video(0.9) if packet.marker]
        assert len({packet.timestamp for packet in other.video(0.1)}) >= 20, "only one camera stalled"
    gap = (after[0].timestamp - before[-1].timestamp) % 2**32 / 90_000
    assert gap >= 0.5, "time goes on during a stall"
    first = next(packet for packet in after)
    assert first.payload[0] & 31 in {5, 28}


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


# Another maker's server.


@pytest.fixture(scope="module")
def peer(clips: list[Clip]) -> Iterator[GstServer]:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    with GstServer(*clips, user=USER, password=PASSWORD) as running:
        yield running


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("kind", KINDS)
def test_another_server_shows_the_same(peer: GstServer, clips: list[Clip], kind: str, transport: str) -> None:
    at = list(KINDS).index(kind)
    url = peer.url(KINDS[kind], user=USER, password=PASSWORD)
    seen = Seen(url, 25, transport=transport)
    numbers, times = expected(clips[at], 100 * at, 25)
    assert seen.numbers == numbers
    steps = [after - before for before, after in pairwise(times[-len(seen.times_ms) :])]
    assert [after - before for before, after in pairwise(seen.times_ms)] == pytest.approx(steps, abs=1)
    assert seen.sizes[0] == clips[at].size


def test_another_server_refuses_strangers(peer: GstServer) -> None:
    with pytest.raises(av.error.HTTPUnauthorizedError):
        Seen(peer.url("/cam1", user=USER, password="wrong"), 1)


def test_clips_that_cannot_be_sent(tmp_path: Path) -> None:
    path = tmp_path / "mpeg4.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height = 64, 48
        container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(stream.encode())
    with pytest.raises(ValueError, match="is mpeg4; the server sends h264 and hevc"):
        Clip.read(path)
