"""What a client asks of the server in its address: `rtsp://host:port/cam1/stall=2/loss=0.05`.

Parts of the path, not a query: FFmpeg appends the track to the address.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from math import inf
from typing import Any

_CHOICES = {
    "auth": ("none", "basic", "digest", "refuse"),
    "says": ("truth", "h264", "h265", "unknown", "audio"),
    "transport": ("any", "tcp", "udp"),
    "join": ("start", "key", "any"),
    "parameters": ("both", "sdp", "band"),
}


@dataclass(frozen=True, slots=True)
class Faults:
    """Faults and variants of one client's stream. Times are seconds, counted from the answer to PLAY."""

    stall: float = inf
    """From here on nothing is sent; the connection stays open."""
    drop: float = inf
    """The connection is reset."""
    end: float = inf
    """The stream ends in good order: RTCP goodbye, then the connection is closed."""
    garbage: float = inf
    """From here on payloads are random bytes behind valid RTP headers."""
    framing: float = inf
    """From here on interleaved frames have wrong lengths and random bytes between them (TCP only)."""
    switch: float = inf
    """The server's next clip of the same codec takes over, with its own parameter sets and size."""

    leap: float = 0.0
    """RTP timestamps leap by so many seconds, back if negative, ..."""
    leap_at: float = 1.0
    """... at this time."""
    ntp_leap: float = 0.0
    """The clock in sender reports leaps by so many seconds, ..."""
    ntp_leap_at: float = 1.0
    """... at this time."""
    clock: float = 0.0
    """How far the camera's clock is ahead from the beginning."""
    reports: float = 5.0
    """Time between sender reports; 0 sends none."""
    report_after: float = 0.0
    """Time before the first sender report."""

    describe_after: float = 0.0
    """Time before DESCRIBE is answered."""
    picture_after: float = 0.0
    """Time between the answer to PLAY and the first picture."""
    loss: float = 0.0
    """Share of RTP packets that are lost."""
    jitter: float = 0.0
    """Each picture is late by up to so much; the order is kept."""
    bursts: float = 0.0
    """Pictures are held back and sent together, once in so many seconds."""

    status: int = 0
    """Answer DESCRIBE with this status, for example 404 or 503."""
    auth: str = "none"
    """`basic` or `digest` ask for the server's user and password; `refuse` accepts none."""
    says: str = "truth"
    """What the session description says instead of the truth; `audio` offers no video at all."""
    transport: str = "any"
    """`tcp` or `udp` refuse the other with 461."""
    join: str = "start"
    """`start`: each client sees the clip from its beginning. `key`, `any`: the stream runs since the server
    was made, and a client joins at the next key picture, or wherever it comes."""
    phase: float = 0.0
    """Unless joined at `start`, the stream began so much earlier. Puts cameras with one clip out of step."""
    parameters: str = "both"
    """Where parameter sets are: in the session description, in the stream (`band`), or both."""
    audio: bool = False
    """A G.711 track beside the video."""
    timeout: float = 60.0
    """Seconds without a request after which a client over UDP is taken for gone; one over TCP is kept."""

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name}={getattr(self, name)}: is none of {', '.join(choices)}")
        if not 0 <= self.loss <= 1:
            raise ValueError(f"loss={self.loss}: is a share, 0 to 1")

    @classmethod
    def parse(cls, words: list[str]) -> Faults:
        """From `name=value` words.

        Raises
        ------
        ValueError
            If a name is unknown or a value is of the wrong kind.
        """
        kinds: dict[str, Any] = {field.name: type(field.default) for field in fields(cls)}
        values: dict[str, Any] = {}
        for word in words:
            name, _, value = word.partition("=")
            if name not in kinds:
                raise ValueError(f"{word}: no such fault; there are {', '.join(kinds)}")
            values[name] = value in {"1", "True"} if kinds[name] is bool else kinds[name](value)
        return cls(**values)

    def path(self) -> str:
        """The words of an address that ask for this, empty if nothing is asked."""
        plain = asdict(Faults())
        return "".join(f"/{name}={value}" for name, value in asdict(self).items() if value != plain[name])
