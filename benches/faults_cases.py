"""The faults of `benches.faults`: what happens to a camera, when, and what must be seen of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

from benches.faults_street import BrightDetector
from tests.rtsp import RtspServer
from tests.rtsp.faults import Faults

HEALTHY = {"join": "key"}
AT_S = 9.0
"""When most faults begin: two events were told before."""


@dataclass
class Case:
    """One fault of one camera; times are seconds since the run began.

    Attributes
    ----------
    url
        Faults that its address asks for. Their times count from PLAY, which `onset` adds; from `heals_s` on a
        new connection asks for nothing any more.
    steps
        What is done to its server, and when.
    begins_s, heals_s
        Between the two nothing, or nothing that can be used, is delivered; equal for a fault of a moment,
        and both None for what must not lose anything at all.
    from_play
        `begins_s` counts from the first PLAY.
    seen
        Of kinds of incidents and states, one of which has to be seen; empty: none may be.
    notice_s, recover_s
        Most seconds from the beginning until it is seen, and from the end until the camera is watched again.
    dated
        Alerts have the time of their event. A camera whose clock is wrong is not believed.
    server
        Which of the servers it is on.
    shifts
        The clip begins anew with the fault.
    """

    name: str
    url: dict[str, Any] = field(default_factory=dict)
    steps: tuple[tuple[float, Callable[[RtspServer, str], None]], ...] = ()
    begins_s: float | None = None
    heals_s: float | None = None
    from_play: bool = False
    seen: tuple[str, ...] = ()
    notice_s: float = inf
    recover_s: float = inf
    dated: bool = True
    server: str = "all"
    shifts: bool = False
    user: str = ""
    path: str = ""


def stall(server: RtspServer, path: str) -> None:
    server.stall(path)


def resume(server: RtspServer, path: str) -> None:
    server.resume(path)


def drop(server: RtspServer, path: str) -> None:
    server.drop_clients(path)


def leap(seconds: float, *, ntp: bool = False) -> Callable[[RtspServer, str], None]:
    return lambda server, path: server.leap(seconds, path, ntp=ntp)


def stop(server: RtspServer, path: str) -> None:
    server.stop()


def start(server: RtspServer, path: str) -> None:
    server.start()


def right_password(server: RtspServer, path: str) -> None:
    server._cameras.credentials = ("viewer", "right")


def detector(*, breaks: bool) -> Callable[[RtspServer, str], None]:
    def step(server: RtspServer, path: str) -> None:
        change = BrightDetector.broken.add if breaks else BrightDetector.broken.discard
        change(path)

    return step


def slow(seconds: float) -> Callable[[RtspServer, str], None]:
    def step(server: RtspServer, path: str) -> None:
        BrightDetector.slow_s[path] = seconds

    return step


SILENT = ("signal_lost", "silent")
# Settings are those of a new site: silent after 3 s, a stall noticed after 3 s, an answer waited for 10 s.
# A first attempt follows 0.25 to 0.5 s after a loss, and each takes twice as long up to 30 s. On a loaded
# machine everything takes longer; what is a second there says nothing.
LOADED_S = 3.0


def cases(refused_s: float) -> list[Case]:
    """All of them; a camera that refuses is asked again after `refused_s` at most."""
    late = AT_S + 10
    return [
        Case("nothing"),
        Case("nothing beside it"),
        Case("pictures come in bursts of 2 s", {"bursts": 2.0}),
        Case("each picture late by up to 0.5 s", {"jitter": 0.5}),
        Case("one packet in 50 lost on the way", {"loss": 0.02}),
        Case("its clock an hour behind", {"clock": -3600.0}),
        Case("no sender reports", {"reports": 0.0}),
        Case(
            "silent for 2 s", {}, ((AT_S, stall), (AT_S + 2, resume)),
            begins_s=AT_S, heals_s=AT_S + 2.5, recover_s=LOADED_S,
        ),
        Case(
            "stalls for 10 s", {}, ((AT_S, stall), (late, resume)),
            begins_s=AT_S, heals_s=late, seen=SILENT, notice_s=3.5 + LOADED_S, recover_s=8 + LOADED_S,
        ),
        Case(
            "connection reset", {}, ((AT_S, drop),),
            begins_s=AT_S, heals_s=AT_S, seen=("silent", "connecting"), notice_s=LOADED_S,
            recover_s=1 + LOADED_S,
        ),
        Case(
            "reset six times in 9 s", {}, tuple((AT_S + 1.5 * number, drop) for number in range(7)),
            begins_s=AT_S, heals_s=AT_S + 9, seen=("silent", "connecting"), notice_s=LOADED_S,
            recover_s=32 + LOADED_S,
        ),
        Case(
            "ends the stream in good order", {"end": 8.0}, begins_s=8.0, heals_s=8.0, from_play=True,
            seen=("silent", "connecting"), notice_s=LOADED_S, recover_s=1 + LOADED_S,
        ),
        Case(
            "sends garbage for pictures", {"garbage": 8.0}, begins_s=8.0, heals_s=8.0, from_play=True,
            seen=SILENT, notice_s=3.5 + LOADED_S, recover_s=15 + LOADED_S,
        ),
        Case(
            "breaks the framing", {"framing": 8.0}, begins_s=8.0, heals_s=8.0, from_play=True,
            seen=SILENT, notice_s=3.5 + LOADED_S, recover_s=15 + LOADED_S,
        ),
        Case(
            "another resolution in mid-stream", {"switch": 8.0}, begins_s=8.0, heals_s=8.0, from_play=True,
            recover_s=LOADED_S, shifts=True,
        ),
        Case(
            "says H.265 and sends H.264 for 9 s", {"says": "h265"}, begins_s=0, heals_s=AT_S,
            seen=SILENT, notice_s=3.5 + LOADED_S, recover_s=25 + LOADED_S,
        ),
        Case(
            "offers sound alone for 9 s", {"says": "audio"}, begins_s=0, heals_s=AT_S,
            seen=(*SILENT, "refused"), notice_s=3.5 + LOADED_S, recover_s=max(25, refused_s) + LOADED_S,
        ),
        Case(
            "timestamps leap 30 s ahead", {}, ((AT_S, leap(30)),), begins_s=AT_S, heals_s=AT_S + 1,
            recover_s=LOADED_S, dated=False,
        ),
        Case(
            "timestamps leap 30 s back", {}, ((AT_S, leap(-30)),), begins_s=AT_S, heals_s=AT_S + 1,
            recover_s=LOADED_S, dated=False,
        ),
        Case(
            "clock set an hour ahead", {"reports": 1.0}, ((AT_S, leap(3600, ntp=True)),),
            begins_s=AT_S, heals_s=AT_S + 1, recover_s=LOADED_S, dated=False,
        ),
        Case(
            "clock set an hour back", {"reports": 1.0}, ((AT_S, leap(-3600, ntp=True)),),
            begins_s=AT_S, heals_s=AT_S + 1, recover_s=LOADED_S, dated=False,
        ),
        Case(
            "answers after 6 s", {"describe_after": 6.0}, begins_s=0, heals_s=6,
            seen=SILENT, notice_s=3.5 + LOADED_S, recover_s=LOADED_S + 12,
        ),
        Case(
            "first picture after 5 s", {"picture_after": 5.0}, begins_s=0, heals_s=5,
            seen=SILENT, notice_s=3.5 + LOADED_S, recover_s=LOADED_S + 12,
        ),
        Case(
            "wrong password until 9 s", {"auth": "digest"}, ((AT_S, right_password),),
            begins_s=0, heals_s=AT_S, seen=("refused",), notice_s=LOADED_S,
            recover_s=refused_s + LOADED_S, server="locked", user="viewer",
        ),
        Case(
            "404 until 9 s", {"status": 404}, begins_s=0, heals_s=AT_S,
            seen=("refused",), notice_s=LOADED_S, recover_s=refused_s + LOADED_S,
        ),
        Case(
            "503 until 9 s", {"status": 503}, begins_s=0, heals_s=AT_S,
            seen=("refused", *SILENT), notice_s=3.5 + LOADED_S, recover_s=max(refused_s, 16) + LOADED_S,
        ),
        Case(
            "switched off for 8 s", {}, ((AT_S, stop), (AT_S + 8, start)), begins_s=AT_S, heals_s=AT_S + 8,
            seen=SILENT, notice_s=3.5 + LOADED_S, recover_s=16 + LOADED_S, server="off",
        ),
        Case(
            "down at the start and up after 7 s", {}, ((0, stop), (7.0, start)), begins_s=0, heals_s=7.0,
            seen=SILENT, notice_s=3.5 + LOADED_S, recover_s=8 + LOADED_S, server="late",
        ),
        Case(
            "detector raises for 3 s", {},
            ((AT_S, detector(breaks=True)), (AT_S + 3, detector(breaks=False))),
            begins_s=AT_S, heals_s=AT_S + 3, seen=("failed",), notice_s=LOADED_S, recover_s=4 + LOADED_S,
        ),
        Case(
            "detector takes 3 s for a picture", {}, ((AT_S, slow(3.0)), (AT_S + 6, slow(0.0))),
            begins_s=AT_S, heals_s=AT_S + 9, recover_s=LOADED_S,
        ),
    ]  # fmt: skip


def healed(case: Case) -> Faults:
    """What new connections ask for once the fault is over."""
    lasting = {name: value for name, value in case.url.items() if name == "auth"}
    return Faults(**HEALTHY, **lasting)
