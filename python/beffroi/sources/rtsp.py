"""A camera on the network, by RTSP (RFC 2326): for months, through every fault of the street between."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, Field, field_serializer, field_validator

from beffroi.components import BuildContext, Finding, SourceConfig
from beffroi.frame import Frame
from beffroi.sources._rtsp_address import conceal_credentials, shown, wrong
from beffroi.sources._rtsp_clock import WALL
from beffroi.sources._rtsp_feed import Feed, Tap
from beffroi.sources._rtsp_line import Limits, Line, State
from beffroi.sources._rtsp_reading import Reading
from beffroi.sources.file import Selection

if TYPE_CHECKING:
    from beffroi.sources._rtsp_link import Link

# How long a connection is waited for when it is closed: one that plays ends within the distance of two
# pictures.
CLOSING_S = 0.8
# The camera's rate is told anew when it differs by this share; less is the unrest of measuring.
OTHER_RATE = 0.2


class RtspConfig(SourceConfig):
    """Watches a network camera: H.264, H.265 or whatever else FFmpeg decodes; sound is not asked for."""

    model_config = ConfigDict(hide_input_in_errors=True)

    type: Literal["rtsp"]
    url: str = Field(
        min_length=1,
        description="`rtsp://USER:PASSWORD@HOST:PORT/PATH`, or `rtsps://` for TLS; the password is best "
        "written `${NAME}`. Such as @ : / ? # % in a password are written %40 %3A %2F %3F %23 %25.",
    )
    evidence_url: str | None = Field(
        None,
        min_length=1,
        description="A second stream of the camera that evidence is cut from; `url` if left out.",
    )
    transport: Literal["tcp", "udp"] = Field(
        "tcp",
        description="How pictures travel: `tcp` delays some on a busy network; `udp` loses them, and spoils "
        "what follows.",
    )
    decode: Literal["all", "reference", "keyframes"] = Field(
        "all",
        description="Which pictures are decoded: all, those that others refer to, or only key pictures, "
        "which costs least and gives one picture in 1 to 10 seconds, as the camera is set.",
    )
    timeout: float = Field(10.0, ge=1, le=60, description="Seconds that a camera may take to answer.")
    stall: float = Field(
        3.0,
        ge=1,
        le=60,
        description="Seconds without anything from a camera after which it is connected again.",
    )

    @field_validator("url", "evidence_url")
    @classmethod
    def _usable(cls, url: str | None) -> str | None:
        if url is not None:
            mistake = wrong(url)
            if mistake is not None:
                raise ValueError(mistake)
            conceal_credentials(url)
        return url

    @field_serializer("url", "evidence_url", when_used="json")
    def _without_credentials(self, url: str | None) -> str | None:
        """What leaves the process: a new password makes no new site, and no hash lets anybody guess it."""
        return None if url is None else shown(url)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, shown(value) if name in {"url", "evidence_url"} and value else value

    def findings(self, context: BuildContext) -> Iterable[Finding]:  # noqa: ARG002 - nothing lies in a folder
        """Settings that have no effect."""
        for key in ("url", "evidence_url"):
            url = getattr(self, key)
            if self.transport == "udp" and url is not None and url.lower().startswith("rtsps:"):
                yield (("transport",), f"{key} is rtsps://, which is always over tcp; leave `udp` out")
        if self.evidence_url == self.url:
            yield (
                ("evidence_url",),
                "is the same as url; leave it out, or the camera sends everything twice",
            )

    def build(  # type: ignore[override]  # its size is known only when it plays
        self, context: BuildContext, fps: float | None
    ) -> RtspSource:
        """Prepare the source. A camera that is down is no error: it is connected when it comes up."""
        import beffroi.video.stream  # noqa: F401 - a package that does not import is told now, not by a thread

        return RtspSource(self, context.camera, fps)


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How a camera is doing.

    Attributes
    ----------
    state
        ``stalled``: the connection stands and nothing comes. ``lost``: there is none, or it broke.
        ``refused``: the camera says no (wrong password, wrong path), and is asked again seldom.
    since_s
        Since when, in seconds since 1970 UTC.
    detail
        What an operator has to know; empty while it plays. Holds no credentials.
    reconnects
        How often there was a connection again after one was lost.
    size
        Width and height in pixels; None before the first picture.
    rate
        Pictures per second that the camera sends, measured; None before some came.
    codec
        Such as ``h264``; None before the first picture.
    """

    state: State
    since_s: float
    detail: str = ""
    reconnects: int = 0
    size: tuple[int, int] | None = None
    rate: float | None = None
    codec: str | None = None


class RtspSource:
    """The pictures of a camera at their media time: milliseconds since 1970 UTC, strictly increasing.

    A thread reads the connection, so that the camera never waits; the thread that iterates `frames` decodes.

    Attributes
    ----------
    size
        Width and height of the last picture; None until there is one.
    status
        See `SourceStatus`; replaced as a whole, to be read by any thread.
    counts
        See `beffroi.video.Counts`.
    """

    def __init__(self, config: RtspConfig, camera: str, fps: float | None) -> None:
        from beffroi.video import Counts

        self.size: tuple[int, int] | None = None
        self.counts = Counts()
        self.status = SourceStatus("connecting", time.time())
        self._decode, self._fps = config.decode, fps
        self._now_ms, self._last_ms = 0, 0
        self._lock = threading.Lock()
        name = f"{camera or 'camera'}: rtsp"
        limits = Limits(config.timeout, config.stall)
        self._feed = feed = Feed(name)
        self._evidence: Line | None = None
        self._line = Line(name, config.url, config.transport, limits, told=self._told)
        cut_from = self._line
        if config.evidence_url is not None:
            name = f"{name} for evidence"
            cut_from = self._evidence = Line(name, config.evidence_url, config.transport, limits)
        cut_from.opened, cut_from.came = feed.opened, feed.add
        self._iteration = self._frames()

    @property
    def tap(self) -> Tap | None:
        """Who is given the packets that evidence is cut from; may be set at any time."""
        return self._feed.tap

    @tap.setter
    def tap(self, tap: Tap | None) -> None:
        self._feed.tap = tap

    def frames(self) -> Iterator[Frame]:
        """The pictures to be analysed, once. Blocks while none comes; ends after `close`, and only then."""
        return self._iteration

    def now_ms(self) -> int:
        """Media time now; never decreasing, and never before that of a picture already given. For any thread.

        A picture that was delayed on its way may still come with a time before it.
        """
        with self._lock:
            self._now_ms = max(self._now_ms, self._last_ms, self._line.clock.now(WALL.now_ms()))
            return self._now_ms

    def close(self) -> None:
        """End `frames` and every connection, whatever they are doing; from any thread, repeatedly."""
        lines = [line for line in (self._line, self._evidence) if line is not None]
        for line in lines:
            line.close()
        for line in lines:
            line.join(CLOSING_S)

    def _frames(self) -> Generator[Frame, None, None]:
        if self._evidence is not None:
            keeping = threading.Thread(target=self._evidence.drain, name=self._evidence.name, daemon=True)
            keeping.start()
        try:
            yield from self._pictures()
        finally:
            self.close()

    def _pictures(self) -> Iterator[Frame]:
        reading: tuple[Link, Reading] | None = None
        selection = Selection(self._fps, None)
        for link, arrived in self._line.arrivals():
            if reading is None or reading[0] is not link:
                reading = (link, Reading(link.stream, self._decode, self.counts))
            read = reading[1]
            self.counts.restarts = self._line.clock.restarts
            for at_ms, picture in read.pictures(arrived, time.monotonic()):
                if at_ms <= self._last_ms:
                    self.counts.disordered += 1
                    continue
                self._last_ms = at_ms
                self._line.playing()
                self._note((picture.width, picture.height), read)
                selection.rate_is(self.status.rate)
                if selection.wants(at_ms) and (image := read.image(picture)) is not None:
                    yield Frame(at_ms, image)
            if read.useless:
                self._line.drop("sends nothing that can be decoded")

    def _note(self, size: tuple[int, int], reading: Reading) -> None:
        """Keep the status up to date."""
        status, rate = self.status, reading.rate
        known = status.rate
        changed = rate is not None and (known is None or abs(rate - known) > OTHER_RATE * known)
        self.size = size
        if changed or (status.size, status.codec) != (size, reading.codec):
            self.status = replace(status, size=size, codec=reading.codec, rate=rate if changed else known)

    def _told(self, state: State, detail: str) -> None:
        status = self.status
        since_s = status.since_s if status.state == state else time.time()
        reconnects = max(0, self._line.connections - 1)
        self.status = replace(status, state=state, since_s=since_s, detail=detail, reconnects=reconnects)
