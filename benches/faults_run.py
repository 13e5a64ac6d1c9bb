"""One run of the real runtime through faults, and all that was seen of it meanwhile."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beffroi import runtime
from beffroi.config.site import Camera, Evidence, Header, Site
from beffroi.config.view import View
from beffroi.runtime import RunReport
from beffroi.runtime.live.status import CameraStatus
from beffroi.sources import _rtsp_backoff
from beffroi.sources.rtsp import RtspConfig
from beffroi.store import Store, queries

from benches.faults_cases import AT_S, HEALTHY, Case, healed
from benches.faults_street import OTHER_SIZE, PLACE, RULE, Bright, BrightDetector, Desk, DeskSink, clip
from benches.trouble import KINDS
from tests.rtsp import RtspServer
from tests.rtsp.cameras import Cameras
from tests.rtsp.faults import Faults

LENGTH_S = 42.0
AWAY_S = (AT_S, AT_S + 8)
"""When the sink is away."""
DISK_S = (12.0, 17.0)
"""When the store cannot be written."""


@dataclass
class Played:
    """What was seen of a run; all times are `time.time()`.

    Attributes
    ----------
    told
        When an alert was told, and the alert.
    states
        By camera: when, its state, and how many pictures had been analysed.
    pictures
        By camera: when each picture had been analysed.
    logged
        When, and the line.
    plays
        By camera, when its first PLAY was heard.
    clips_s
        By server, when its clips began.
    kept, sent, sent_s
        Changes in the store, and at the sink, as often as they are there; when they came there.
    """

    disk: str
    began_s: float = 0.0
    ended_s: float = 0.0
    stopping_s: float = 0.0
    told: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    states: dict[str, list[tuple[float, str, int]]] = field(default_factory=dict)
    pictures: dict[str, list[float]] = field(default_factory=dict)
    logged: list[tuple[float, str]] = field(default_factory=list)
    plays: dict[str, float] = field(default_factory=dict)
    clips_s: dict[str, float] = field(default_factory=dict)
    kept: list[tuple[str, str]] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    sent_s: list[float] = field(default_factory=list)
    report: RunReport | None = None


def play(
    chosen: Sequence[Case], scratch: Path, disk: str, refused: tuple[float, float] | None, seconds: float
) -> Played:
    """Run a camera for each case; raises `Impossible` where the disk cannot be broken."""
    played = Played(disk)
    BrightDetector.broken.clear()
    BrightDetector.slow_s.clear()
    DeskSink.got.clear()
    DeskSink.came_s.clear()
    DeskSink.away.clear()
    with ExitStack() as opened:
        if refused is not None:
            before = _rtsp_backoff.REFUSED_S
            _rtsp_backoff.REFUSED_S = refused
            opened.callback(setattr, _rtsp_backoff, "REFUSED_S", before)
        opened.enter_context(_logged(played))
        place = KINDS[disk](scratch)
        opened.callback(place.remove)
        clips = [clip(scratch / "street.mp4"), clip(scratch / "other.mp4", OTHER_SIZE)]
        servers = {}
        for case in chosen:
            if case.server not in servers:
                servers[case.server] = opened.enter_context(RtspServer(*clips))
        asked = {name: _asked(server._cameras) for name, server in servers.items()}
        urls = {}
        numbers = dict.fromkeys(servers, 0)
        for case in chosen:
            # Every second camera shows the other clip.
            numbers[case.server] += 1
            case.path = f"/cam{2 * numbers[case.server] - 1}"
            login = {"user": case.user, "password": "right"} if case.user else {}
            urls[case.name] = servers[case.server].url(case.path, **login, **HEALTHY, **case.url)
        _run(chosen, played, servers, asked, urls, place, scratch, seconds)
    return played


def _run(
    chosen: Sequence[Case],
    played: Played,
    servers: dict[str, RtspServer],
    asked: dict[str, dict[str, Faults]],
    urls: dict[str, str],
    place: Any,
    scratch: Path,
    seconds: float,
) -> None:
    view = View(zones={"place": PLACE}, rules=(RULE,))
    site = Site(
        site=Header(name="faults", timezone="UTC", mode="evaluation"),
        cameras={
            case.name: Camera(
                source=RtspConfig(type="rtsp", url=urls[case.name]), detect=Bright(fps=5), views={"day": view}
            )
            for case in chosen
        },
        sinks={"desk": Desk()},
        evidence=Evidence(snapshots=False, clips=False),
    ).with_path(scratch / "site.yaml")
    played.clips_s = {name: server.began_ms / 1000 for name, server in servers.items()}
    # A stop that is due at once comes before the first connection.
    for case in chosen:
        for at_s, step in case.steps:
            if at_s == 0:
                step(servers[case.server], case.path)
    director = threading.Thread(
        target=_direct, args=(chosen, played, servers, asked, place, seconds), name="director", daemon=True
    )
    played.began_s = time.time()
    director.start()
    path = place.folder / "store.db"
    played.report = runtime.run(
        site,
        store=path,
        on_event=lambda alert: played.told.append((time.time(), alert)),
        progress=lambda camera, _at, _n: played.pictures.setdefault(camera, []).append(time.time()),
        watch=lambda statuses: _watched(played, statuses),
    )
    played.ended_s = time.time()
    director.join()
    with Store(path) as store:
        rows = [row for run in queries.runs(store) for row in queries.events(store, run=run["id"])]
    played.kept = [(row["incident"], row["change"]) for row in rows]
    played.sent, played.sent_s = list(DeskSink.got), list(DeskSink.came_s)


def _direct(
    chosen: Sequence[Case],
    played: Played,
    servers: dict[str, RtspServer],
    asked: dict[str, dict[str, Faults]],
    place: Any,
    seconds: float,
) -> None:
    """Let happen what is to happen, when it is to happen."""
    todo: list[tuple[float, Callable[[], None]]] = [
        (AWAY_S[0], DeskSink.away.set),
        (AWAY_S[1], DeskSink.away.clear),
        (DISK_S[0], place.breaks),
        (DISK_S[1], place.comes_back),
        (seconds, lambda: _end(played)),
    ]
    for case in chosen:
        for at_s, step in case.steps:
            if at_s:
                where = case.name if step.__qualname__.startswith(("detector", "slow")) else case.path
                todo.append(
                    (at_s, lambda step=step, case=case, where=where: step(servers[case.server], where))
                )
        if case.heals_s is not None and not case.from_play:
            todo.append((case.heals_s, lambda case=case: _heal(case, asked)))
    todo.sort(key=lambda each: each[0])
    waiting = {case.path: case for case in chosen if case.from_play}
    while todo or waiting:
        now = time.time() - played.began_s
        for server in servers.values():
            for request in list(server.requests):
                case = waiting.get(f"/{request.path.strip('/').split('/')[0]}")
                if request.method == "PLAY" and case is not None and server is servers[case.server]:
                    del waiting[case.path]
                    played.plays[case.name] = time.time() - (time.monotonic() - request.at_s)
                    _heal(case, asked)
        while todo and todo[0][0] <= now:
            todo.pop(0)[1]()
        if now > seconds:
            return
        time.sleep(0.02)


def _end(played: Played) -> None:
    played.stopping_s = time.time()
    os.kill(os.getpid(), signal.SIGTERM)


def _heal(case: Case, asked: dict[str, dict[str, Faults]]) -> None:
    asked[case.server][case.path.strip("/")] = healed(case)


def _asked(cameras: Cameras) -> dict[str, Faults]:
    """What clients of a camera get instead of what their address asks for, by camera."""
    instead: dict[str, Faults] = {}
    find = cameras.find

    def found(path: str) -> Any:
        camera, faults = find(path)
        return camera, instead.get(path.strip("/").split("/")[0], faults)

    cameras.find = found  # type: ignore[method-assign]
    return instead


def _watched(played: Played, statuses: list[CameraStatus]) -> None:
    now = time.time()
    for one in statuses:
        played.states.setdefault(one.camera, []).append((now, one.state, one.analysed))


@contextmanager
def _logged(played: Played) -> Iterator[None]:
    """Everything from INFO up that the package says."""

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            with suppress(Exception):
                played.logged.append((record.created, f"{record.levelname.lower()}: {record.getMessage()}"))

    log, handler = logging.getLogger("beffroi"), Keeping(logging.INFO)
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
