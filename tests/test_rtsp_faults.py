"""Faults of the test server that a client asks for in the address: each does what it says."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import av
import pytest
from rtsp import RtspServer
from rtsp.listener import Goodbye, Listener, Report, Rtp
from rtsp.watching import OTHER_SIZE, Seen, kinds

USER, PASSWORD = "operator", "p@ss/w:rd"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspServer]:
    with RtspServer(*kinds(tmp_path_factory.mktemp("clips")), user=USER, password=PASSWORD) as running:
        yield running


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
    url = server.url("/cam3", framing=0)
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
def test_a_wrong_clock_is_wrong_throughout(server: RtspServer, fault: dict[str, Any], ahead: float) -> None:
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


def test_reports_may_be_missing(server: RtspServer) -> None:
    with Listener(server.url("/cam1", reports=0)) as listener:
        assert not listener.reports(0.4)


def test_reports_may_be_late(server: RtspServer) -> None:
    with Listener(server.url("/cam1", report_after=0.4)) as listener:
        heard = list(listener.packets(0.7))
    first = next(index for index, each in enumerate(heard) if isinstance(each, Report))
    assert len({each.timestamp for each in heard[:first] if isinstance(each, Rtp)}) == 10


@pytest.mark.parametrize("what", ["describe_after", "picture_after"])
def test_slow_starts(server: RtspServer, what: str) -> None:
    fault: dict[str, Any] = {what: 0.5}
    begun = time.monotonic()
    with Listener(server.url("/cam1", **fault)) as listener:
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
def test_refusals(server: RtspServer, path: str, faults: dict[str, Any], answer: str) -> None:
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
def test_uneven_delivery_keeps_times_and_order(server: RtspServer, fault: dict[str, Any]) -> None:
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
